//! An open-weight model in our own engine.
//!
//! A prompt is rendered through the model's chat template (unless it is raw), the prefill is put into the assistant's mouth, and the exact
//! tokens of every label are scored after it. Where the tokenizer joins a label's beginning with the prompt's end, the
//! joint text is scored from the first token in which the labels' sequences can differ. A question that cannot be put
//! (its prompt is too long, say) is an outcome of its own; only a model that can take none is an error.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use undermask_engine::{
    Conversation, DeviceChoice, EngineError, GenerateRequest, Generation, Message, Model, OpenSettings, Precision,
    Sampling, ScoreRequest, ScoreSettings, Scoring, Source,
};
use undermask_store::{LabelScore, Outcome};
use undermask_suite::{Prompt, are_sentences, cut_where_they_part};

use crate::calls;
use crate::labels::disjoint;
use crate::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};

/// How a local model is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalSettings {
    /// In what products are computed.
    pub precision: Precision,
    /// Threads and memory.
    pub scoring: ScoreSettings,
    /// Where it computes.
    pub device: DeviceChoice,
}

/// Characters at a prompt's end that a tokenizer may join with a label.
const LONGEST_JOIN: usize = 64;
/// Most tokens of a call: one of a tool without arguments has some thirty, in the marks of any family.
const LONGEST_CALL: usize = 96;

/// A question as text: see [`Local::split`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What the model reads before any option.
    pub context: String,
    /// What is scored after it, one for each label.
    pub options: Vec<String>,
}

/// A model that runs here.
pub struct Local {
    model: Model,
    facts: ModelFacts,
    settings: ScoreSettings,
    /// Whether the template was found not to take a system role.
    folds_system: AtomicBool,
    /// Whether the template was found not to take tools.
    worded_tools: AtomicBool,
    /// What the model's own template begins every text with; empty where it has none, or begins with a turn.
    beginning: OnceLock<String>,
    kept: Arc<Kept>,
}

/// The questions that were prepared last, and what they are for the engine.
type Kept = Mutex<Option<(Vec<Question>, Arc<Prepared>)>>;

impl Local {
    /// Opens a model under the name that the user gave it.
    ///
    /// # Errors
    /// [`ModelError::Engine`].
    pub fn open(name: &str, source: &Source, settings: LocalSettings) -> Result<Local, ModelError> {
        let LocalSettings { precision, scoring, device } = settings;
        let model = Model::open_with(source, &OpenSettings { precision, threads: scoring.threads, device })?;
        let (identity, kind) = (model.identity(), model.describe());
        let facts = ModelFacts {
            name: name.to_owned(),
            commit: None,
            architecture: kind.architecture.clone(),
            parameters: kind.parameters,
            weight_bytes: kind.weight_bytes,
            weights_hash: identity.weights.clone(),
            tokenizer_hash: identity.tokenizer.clone(),
            template_hash: identity.template.clone(),
            precision: precision.to_string(),
            device: model.device().name.clone(),
            driver: model.device().driver.clone(),
            instructions: model.device().instructions.clone(),
        };
        Ok(Local {
            model,
            facts,
            settings: scoring,
            folds_system: AtomicBool::new(false),
            worded_tools: AtomicBool::new(false),
            beginning: OnceLock::new(),
            kept: Arc::default(),
        })
    }

    /// Notes the commit that it is.
    pub(crate) fn of_commit(mut self, commit: Option<String>) -> Local {
        self.facts.commit = commit;
        self
    }

    /// Takes over the questions that another model has prepared, where both read the same tokens: models of one base are then
    /// asked the same without rendering and encoding it again.
    #[must_use]
    pub fn sharing_prompts_of(self, other: &Local) -> Local {
        let reads =
            |of: &Local| (of.facts.tokenizer_hash.clone(), of.facts.template_hash.clone(), of.model.config().longest);
        if reads(&self) != reads(other) {
            return self;
        }
        let found = |flag: &AtomicBool| AtomicBool::new(flag.load(Ordering::Relaxed));
        Local {
            kept: Arc::clone(&other.kept),
            folds_system: found(&other.folds_system),
            worded_tools: found(&other.worded_tools),
            ..self
        }
    }

    /// The engine's model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The mark that begins every text of a model which has one (a BOS token), as its own template writes it: it was trained
    /// with one, and a raw text lacks it otherwise.
    fn beginning(&self) -> &str {
        self.beginning.get_or_init(|| self.find_beginning().unwrap_or_default())
    }

    /// The special token that begins a question and stands nowhere else in it, whoever speaks first: what begins each turn,
    /// or names who speaks, is none.
    fn find_beginning(&self) -> Option<String> {
        let tokens = |roles: &[&str]| {
            let talk: Vec<Message> = roles.iter().map(|role| Message::new(role, &format!("({role})"))).collect();
            let text = self.model.render_chat(&talk, true).ok()?;
            let tokens = self.model.encode(&text).ok()?;
            let whole = roles.iter().all(|role| text.contains(&format!("({role})")));
            whole.then_some((text, tokens))
        };
        let once = |tokens: &[u32], mark: u32| tokens.iter().filter(|token| **token == mark).count() == 1;
        let (text, asked) = tokens(&["user"])?;
        let mark = *asked.first()?;
        let general = match tokens(&["system", "user"]) {
            Some((_, led)) => led.first() == Some(&mark),
            None => once(&tokens(&["user", "assistant", "user"])?.1, mark),
        };
        if !general || !once(&asked, mark) || !self.model.decode(&[mark]).ok()?.is_empty() {
            return None;
        }
        let ends = text.char_indices().map(|(place, _)| place).skip(1).take(LONGEST_JOIN);
        let begins = |start: &&str| self.model.encode(start).is_ok_and(|tokens| tokens == [mark]);
        ends.map(|end| &text[..end]).find(begins).map(str::to_owned)
    }

    /// A prompt without a chat template: system message, text and the beginning of the answer, one after the other.
    fn raw_text(&self, prompt: &Prompt) -> String {
        let system = prompt.system.as_ref().map_or(String::new(), |system| format!("{system}\n\n"));
        format!("{}{system}{}{}", self.beginning(), prompt.user, prompt.prefill)
    }

    /// The prompt as the text that the model reads. A system message that the template refuses, or leaves out, is put
    /// before the user's.
    fn text(&self, prompt: &Prompt) -> Result<String, EngineError> {
        if prompt.raw {
            return Ok(self.raw_text(prompt));
        }
        let render = |messages: &[Message]| Ok(self.model.render_chat(messages, true)? + &prompt.prefill);
        let mut talk: Vec<Message> =
            prompt.history.iter().map(|turn| Message::new(turn.role.name(), &turn.content)).collect();
        talk.push(Message::new("user", &prompt.user));
        let Some(system) = &prompt.system else {
            return render(&talk);
        };
        if !self.folds_system.load(Ordering::Relaxed) {
            let whole: Vec<Message> = [Message::new("system", system)].into_iter().chain(talk.clone()).collect();
            match render(&whole) {
                Ok(text) if text.contains(system.trim()) => return Ok(text),
                Ok(_) | Err(EngineError::TemplateRefused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        // The first turn is the user's, in a talk as in a single question.
        talk[0].content = format!("{system}\n\n{}", talk[0].content);
        let text = render(&talk)?;
        self.folds_system.store(true, Ordering::Relaxed);
        Ok(text)
    }

    /// A prompt with tools as the text that the model reads: through the template where it takes tools, else in words.
    fn text_with_tools(&self, prompt: &Prompt) -> Result<String, EngineError> {
        let conversation = calls::with_tools(prompt);
        let without = Conversation { tools: None, ..conversation.clone() };
        match self.model.render_conversation(&conversation) {
            // A template that leaves the tools out renders the same without them, or loses the tools' answers.
            Ok(text) if text.contains(prompt.user.trim()) => {
                let plain = self.model.render_conversation(&without).unwrap_or_default();
                if plain != text {
                    return Ok(text);
                }
            }
            Ok(_) | Err(EngineError::TemplateRefused(_)) => {}
            Err(error) => return Err(error),
        }
        self.worded_tools.store(true, Ordering::Relaxed);
        self.text(&calls::in_words(prompt))
    }

    /// A question with tools as a prompt to go on from.
    fn call_request(&self, question: &Question) -> Result<Vec<u32>, EngineError> {
        let tokens = self.model.encode(&self.text_with_tools(&question.prompt)?)?;
        let (length, most) = (tokens.len() + LONGEST_CALL, self.model.config().longest);
        if tokens.is_empty() || length > most {
            let why = format!("the prompt and a call have {length} tokens, the model reads {most}");
            return Err(EngineError::Request(why));
        }
        Ok(tokens)
    }

    fn request(&self, question: &Question) -> Result<ScoreRequest, EngineError> {
        let text = self.text(&question.prompt)?;
        let prompt = self.model.encode(&text)?;
        let joint: Vec<Vec<u32>> = question
            .options
            .iter()
            .map(|option| self.model.encode(&format!("{text}{option}")))
            .collect::<Result<_, _>>()?;
        let refused = |why: String| Err(EngineError::Request(why));
        let longest = joint.iter().map(Vec::len).max().unwrap_or(0);
        if longest > self.model.config().longest {
            let most = self.model.config().longest;
            return refused(format!(
                "the prompt has {longest} tokens, the model reads {most} (max_position_embeddings)"
            ));
        }
        // What the prompt alone and all joint texts share; usually the whole prompt.
        let shared = joint
            .iter()
            .map(|tokens| tokens.iter().zip(&prompt).take_while(|(one, two)| one == two).count())
            .min()
            .unwrap_or(0)
            .min(joint.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1));
        if shared == 0 {
            return refused("the tokenizer leaves no token of the prompt before the labels".to_owned());
        }
        let mut options: Vec<Vec<u32>> = joint.iter().map(|tokens| tokens[shared..].to_vec()).collect();
        if options.iter().enumerate().any(|(index, option)| options[..index].contains(option)) {
            return refused(format!(
                "two of the labels {:?} have the same tokens; give them other words",
                question.options
            ));
        }
        if are_sentences(&question.options) {
            cut_where_they_part(&mut options);
        }
        Ok(ScoreRequest { prompt: prompt[..shared].to_vec(), options })
    }

    /// A question's text, cut into what every option shares and the options themselves, at the place where scoring
    /// cuts its tokens. Other programs that score continuations get the same work from it.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the question cannot be put, or no cut of the text is a cut of its tokens.
    pub fn split(&self, question: &Question) -> Result<Split, ModelError> {
        let text = self.text(&question.prompt)?;
        let request = self.request(question)?;
        let ends = text.char_indices().map(|(place, _)| place).chain([text.len()]).rev().take(LONGEST_JOIN);
        for end in ends {
            if self.model.encode(&text[..end])? == request.prompt {
                let options = question.options.iter().map(|option| format!("{}{option}", &text[end..])).collect();
                return Ok(Split { context: text[..end].to_owned(), options });
            }
        }
        let why =
            format!("the labels {:?} begin within a token of the prompt, where no text can be cut", question.options);
        Err(EngineError::Request(why).into())
    }

    /// Questions as the engine takes them. The last set is kept: a run counts its tokens first, then asks it.
    fn prepared(&self, questions: &[Question]) -> Result<Arc<Prepared>, EngineError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, prepared)) = kept.as_ref()
            && of == questions
        {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(self.prepare(questions)?);
        if kept.as_ref().is_none_or(|(of, _)| of.len() <= questions.len()) {
            *kept = Some((questions.to_vec(), Arc::clone(&prepared)));
        }
        Ok(prepared)
    }

    /// Renders and encodes, on all threads: for a tiny model this is a good part of the work.
    fn prepare(&self, questions: &[Question]) -> Result<Prepared, EngineError> {
        // What is wrong with the template itself is said at once, not once a question.
        if let Some(first) = questions.first()
            && let Err(error @ (EngineError::NoTemplate { .. } | EngineError::Template(_))) = self.text(&first.prompt)
        {
            return Err(error);
        }
        let share = questions.len().div_ceil(self.settings.threads.max(1)).max(1);
        let put = |question: &Question| match question.prompt.calls.is_empty() {
            true => self.request(question).map(Put::Score),
            false => self.call_request(question).map(Put::Call),
        };
        let encode = |chunk: &[Question]| chunk.iter().map(put).collect::<Vec<_>>();
        let encoded: Vec<Result<Put, EngineError>> = thread::scope(|scope| {
            let workers: Vec<_> = questions.chunks(share).map(|chunk| scope.spawn(move || encode(chunk))).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, Vec<_>>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().flat_map(join).collect()
        });
        let mut prepared = Prepared::default();
        for (index, request) in encoded.into_iter().enumerate() {
            match request {
                Ok(Put::Score(request)) => {
                    prepared.places.push(index);
                    prepared.requests.push(request);
                }
                Ok(Put::Call(tokens)) => prepared.calls.push((index, tokens)),
                Err(error) => prepared.refused.push((index, error)),
            }
        }
        if prepared.requests.is_empty() && prepared.calls.is_empty() && !prepared.refused.is_empty() {
            return Err(prepared.refused.swap_remove(0).1);
        }
        Ok(prepared)
    }
}

/// One question as the engine takes it.
enum Put {
    Score(ScoreRequest),
    Call(Vec<u32>),
}

/// Questions as the engine takes them.
#[derive(Default)]
struct Prepared {
    requests: Vec<ScoreRequest>,
    /// Of each request, the index of its question.
    places: Vec<usize>,
    /// Questions that are answered by a call, and their tokens.
    calls: Vec<(usize, Vec<u32>)>,
    /// Questions that cannot be put.
    refused: Vec<(usize, EngineError)>,
}

impl Respond for Local {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn notes(&self) -> Vec<String> {
        let note = "the chat template takes no system role; system messages were put before the user's";
        let folds = self.folds_system.load(Ordering::Relaxed).then(|| note.to_owned());
        let words = "the chat template takes no tools; they were put in words";
        let words = self.worded_tools.load(Ordering::Relaxed).then(|| words.to_owned());
        folds.into_iter().chain(words).chain(self.model.device().note.clone()).collect()
    }

    fn count(&self, questions: &[Question]) -> Result<TokenCounts, ModelError> {
        let prepared = self.prepared(questions)?;
        let counts = self.model.plan_tokens(&prepared.requests, &self.settings);
        // What is written in calls is not known before; what is read is counted in full.
        let read: u64 = prepared.calls.iter().map(|(_, tokens)| tokens.len() as u64).sum();
        Ok(TokenCounts { total: counts.total + read, unique: counts.unique + read })
    }

    fn respond(
        &self,
        questions: &[Question],
        wanted: &[bool],
        on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let prepared = self.prepared(questions)?;
        let Prepared { requests, places, calls, refused } = &*prepared;
        for (question, error) in refused.iter().filter(|(question, _)| wanted[*question]) {
            let outcome = Outcome::Error { message: error.to_string() };
            if on_answer(Answer { question: *question, outcome }).is_break() {
                return Ok(());
            }
        }
        // All requests are given, wanted or not: what is computed together is cut from the whole set, so that a run that
        // was interrupted ends with the same records, bit for bit, as one that was not.
        let still: Vec<bool> = places.iter().map(|question| wanted[*question]).collect();
        let mut stopped = false;
        let scoring = Scoring { requests, wanted: Some(&still), interventions: &[], settings: self.settings };
        self.model.score_with(&scoring, &mut |index, scores| {
            let found: Vec<f64> = scores.iter().map(|score| score.log_probability).collect();
            let outcome = match disjoint(&requests[index].options, &found) {
                Ok(found) => Outcome::Answered {
                    scores: found
                        .into_iter()
                        .zip(scores)
                        .map(|(log_probability, score)| LabelScore { log_probability, tokens: score.tokens })
                        .collect(),
                },
                Err(message) => Outcome::Error { message },
            };
            let flow = on_answer(Answer { question: places[index], outcome });
            stopped |= flow.is_break();
            flow
        })?;
        if stopped {
            return Ok(());
        }
        self.call(questions, calls.iter().filter(|(question, _)| wanted[*question]), on_answer)
    }
}

impl Local {
    /// Lets the model speak, the most probable token each time, and reads its calls.
    fn call<'q>(
        &self,
        questions: &[Question],
        calls: impl Iterator<Item = &'q (usize, Vec<u32>)>,
        on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        let (places, requests): (Vec<usize>, Vec<GenerateRequest>) =
            calls.map(|(place, tokens)| (*place, GenerateRequest { prompt: tokens.clone(), stream: 0 })).unzip();
        if requests.is_empty() {
            return Ok(());
        }
        let generation = Generation {
            requests: &requests,
            most: LONGEST_CALL,
            sampling: Sampling::default(),
            stop: &[],
            points: &[],
            interventions: &[],
            settings: self.settings,
        };
        self.model.generate_with(&generation, &mut |index, generated| {
            let question = places[index];
            let text = generated.text;
            let outcome = match calls::read(&text, &questions[question].prompt.calls) {
                Some(option) => Outcome::Called { option, text },
                None => Outcome::Unparsable { text },
            };
            on_answer(Answer { question, outcome })
        })?;
        Ok(())
    }
}
