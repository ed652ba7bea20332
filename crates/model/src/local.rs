//! An open-weight model in our own engine.
//!
//! A prompt is rendered through the model's chat template, the prefill is put into the assistant's mouth, and the exact
//! tokens of every label are scored after it. Where the tokenizer joins a label's beginning with the prompt's end, the
//! joint text is scored from the first token in which the labels' sequences can differ.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::thread;

use undermask_engine::{EngineError, Message, Model, ScoreRequest, ScoreSettings, Source};
use undermask_store::{LabelScore, Outcome};
use undermask_suite::Prompt;

use crate::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};

/// How a local model is run.
pub type LocalSettings = ScoreSettings;

/// A model that runs here.
pub struct Local {
    model: Model,
    facts: ModelFacts,
    settings: ScoreSettings,
    /// Whether the template refused the system role (found out once).
    folds_system: Mutex<Option<bool>>,
}

impl Local {
    /// Opens a model under the name that the user gave it.
    ///
    /// # Errors
    /// [`ModelError::Engine`].
    pub fn open(name: &str, source: &Source, settings: ScoreSettings) -> Result<Local, ModelError> {
        let model = Model::open(source)?;
        if !model.has_chat_template() {
            return Err(EngineError::NoTemplate { place: source.place() }.into());
        }
        let (identity, kind) = (model.identity(), model.describe());
        let facts = ModelFacts {
            name: name.to_owned(),
            architecture: kind.architecture.clone(),
            parameters: kind.parameters,
            weight_bytes: kind.weight_bytes,
            weights_hash: identity.weights.clone(),
            tokenizer_hash: identity.tokenizer.clone(),
            template_hash: identity.template.clone(),
            precision: "f32".to_owned(),
        };
        Ok(Local { model, facts, settings, folds_system: Mutex::new(None) })
    }

    /// The engine's model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The prompt as the text that the model reads. A system message that the template refuses is put before the
    /// user's.
    fn text(&self, prompt: &Prompt) -> Result<String, EngineError> {
        let user = Message::new("user", &prompt.user);
        let Some(system) = &prompt.system else {
            return Ok(self.model.render_chat(&[user], true)? + &prompt.prefill);
        };
        let folded = || {
            let joined = Message::new("user", &format!("{system}\n\n{}", prompt.user));
            Ok(self.model.render_chat(&[joined], true)? + &prompt.prefill)
        };
        let known = self.folds_system.lock().map_or(None, |folds| *folds);
        if known == Some(true) {
            return folded();
        }
        match self.model.render_chat(&[Message::new("system", system), user], true) {
            Ok(text) => Ok(text + &prompt.prefill),
            Err(EngineError::TemplateRefused(_)) => {
                if let Ok(mut folds) = self.folds_system.lock() {
                    *folds = Some(true);
                }
                folded()
            }
            Err(error) => Err(error),
        }
    }

    fn request(&self, question: &Question) -> Result<ScoreRequest, EngineError> {
        let text = self.text(&question.prompt)?;
        let prompt = self.model.encode(&text)?;
        let joint: Vec<Vec<u32>> =
            question.options.iter().map(|option| self.model.encode(&format!("{text}{option}"))).collect::<Result<_, _>>()?;
        // What the prompt alone and all joint texts share; usually the whole prompt.
        let shared = joint
            .iter()
            .map(|tokens| tokens.iter().zip(&prompt).take_while(|(one, two)| one == two).count())
            .min()
            .unwrap_or(0)
            .min(joint.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1));
        let options: Vec<Vec<u32>> = joint.iter().map(|tokens| tokens[shared..].to_vec()).collect();
        for (index, option) in options.iter().enumerate() {
            if options[..index].contains(option) {
                return Err(EngineError::Request(format!("the labels {:?} have the same tokens; give them different words", question.options)));
            }
        }
        Ok(ScoreRequest { prompt: prompt[..shared].to_vec(), options })
    }

    /// Renders and encodes, on all threads: for a tiny model this is a good part of the work.
    fn requests(&self, questions: &[Question]) -> Result<Vec<ScoreRequest>, EngineError> {
        let share = questions.len().div_ceil(self.settings.threads.max(1)).max(1);
        let parts: Vec<Result<Vec<ScoreRequest>, EngineError>> = thread::scope(|scope| {
            let workers: Vec<_> = questions
                .chunks(share)
                .map(|chunk| scope.spawn(move || chunk.iter().map(|question| self.request(question)).collect()))
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let parts: Result<Vec<_>, _> = parts.into_iter().collect();
        Ok(parts?.into_iter().flatten().collect())
    }
}

impl Respond for Local {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn notes(&self) -> Vec<String> {
        let folds = self.folds_system.lock().is_ok_and(|folds| *folds == Some(true));
        folds.then(|| "the chat template refuses a system role; system messages were put before the user's".to_owned()).into_iter().collect()
    }

    fn count(&self, questions: &[Question]) -> Result<TokenCounts, ModelError> {
        let counts = self.model.plan_tokens(&self.requests(questions)?, &self.settings);
        Ok(TokenCounts { total: counts.total, unique: counts.unique })
    }

    fn respond(&self, questions: &[Question], on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), ModelError> {
        let requests = self.requests(questions)?;
        self.model.score(&requests, &self.settings, &mut |question, scores| {
            let finite = scores.iter().all(|score| score.log_probability.is_finite());
            let outcome = if finite {
                let scores = scores.iter().map(|score| LabelScore { log_probability: score.log_probability, tokens: score.tokens }).collect();
                Outcome::Answered { scores }
            } else {
                Outcome::Error { message: "a log-probability is not finite; the weights are damaged".to_owned() }
            };
            on_answer(Answer { question, outcome })
        })?;
        Ok(())
    }
}
