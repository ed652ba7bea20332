//! The fake respondent of tests: answers by a rule, in the order asked.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use undermask_store::{LabelScore, Outcome};
use undermask_suite::{ItemKind, Plan, Suite, Trial};

use crate::chooser::Chooser;
use crate::preferences::{Preferences, Wobble};
use crate::traits::{Shift, Traits};
use crate::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};

/// Answers by a rule from a question to its outcome.
pub struct Scripted<Rule> {
    facts: ModelFacts,
    rule: Rule,
    pause: Duration,
}

impl<Rule: Fn(&Question) -> Outcome + Sync> Scripted<Rule> {
    /// A respondent of this name and rule.
    pub fn new(name: &str, rule: Rule) -> Self {
        let text = |what: &str| format!("{what} of {name}");
        let facts = ModelFacts {
            name: name.to_owned(),
            commit: None,
            architecture: "scripted".to_owned(),
            parameters: 0,
            weight_bytes: 0,
            weights_hash: text("weights"),
            tokenizer_hash: text("tokenizer"),
            template_hash: text("template"),
            precision: "f32".to_owned(),
            device: "cpu".to_owned(),
            driver: None,
            instructions: None,
        };
        Scripted { facts, rule, pause: Duration::ZERO }
    }

    /// The same, taking so long for every answer.
    pub fn slowed(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

/// An answer with these log-probabilities.
pub fn answered(log_probabilities: &[f64]) -> Outcome {
    let score = |log_probability: &f64| LabelScore { log_probability: *log_probability, tokens: 1 };
    Outcome::Answered { scores: log_probabilities.iter().map(score).collect() }
}

/// The rule of an actor whose welfare weight is known: it helps with log-odds τ(λ − r), r = c/b, λ given for each
/// trial (so by context, if one likes), and it knows every payoff.
pub fn known_weight(
    plan: &Plan,
    sharpness: f64,
    weight: impl Fn(&Trial) -> f64,
) -> impl Fn(&Question) -> Outcome + Sync {
    known_odds(plan, move |trial| match trial.ratio.filter(|_| trial.kind != ItemKind::Dominance) {
        Some(ratio) => sharpness * (weight(trial) - ratio),
        None => sharpness.max(4.0),
    })
}

/// The rule of an actor that carries known [`Traits`].
pub fn known_traits(suite: &Suite, plan: &Plan, traits: &Traits) -> impl Fn(&Question) -> Outcome + Sync {
    known_odds(plan, move |trial| traits.log_odds(suite, trial, Shift::default()))
}

/// The rule of an actor that carries known [`Preferences`]; it has [`Traits`] for what they do not speak of.
pub fn known_preferences(
    suite: &Suite,
    plan: &Plan,
    preferences: &Preferences,
    traits: &Traits,
) -> impl Fn(&Question) -> Outcome + Sync {
    known_outcomes(plan, &|trial| match preferences.logits(suite, trial, Wobble::default()) {
        Some(logits) => of_logits(&logits),
        None => of_odds(trial, traits.log_odds(suite, trial, Shift::default())),
    })
}

/// The rule of a known [`Chooser`]; it has [`Traits`] for what is neither a budget nor a pair of outcomes.
pub fn known_chooser(
    suite: &Suite,
    plan: &Plan,
    chooser: &Chooser,
    traits: &Traits,
) -> impl Fn(&Question) -> Outcome + Sync {
    known_outcomes(plan, &|trial| match chooser.logits(suite, trial, 0.0) {
        Some(logits) => of_logits(&logits),
        None => of_odds(trial, traits.log_odds(suite, trial, Shift::default())),
    })
}

/// Probabilities proportional to e^logit.
fn of_logits(logits: &[f64]) -> Outcome {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = top + logits.iter().map(|logit| (logit - top).exp()).sum::<f64>().ln();
    answered(&logits.iter().map(|logit| logit - total).collect::<Vec<f64>>())
}

/// The rule of an actor whose log-odds of the target are known for each trial.
pub fn known_odds(plan: &Plan, odds: impl Fn(&Trial) -> f64) -> impl Fn(&Question) -> Outcome + Sync {
    known_outcomes(plan, &|trial| of_odds(trial, odds(trial)))
}

/// ln σ(η) for the target, ln (1 − σ(η)) shared by the others.
fn of_odds(trial: &Trial, odds: f64) -> Outcome {
    let target = -(-odds).exp().ln_1p();
    let other = -odds.exp().ln_1p() - ((trial.options.len() - 1).max(1) as f64).ln();
    let logs: Vec<f64> =
        (0..trial.options.len()).map(|index| if index == trial.target { target } else { other }).collect();
    answered(&logs)
}

/// Answers each question as its trial is answered.
fn known_outcomes(plan: &Plan, outcome: &dyn Fn(&Trial) -> Outcome) -> impl Fn(&Question) -> Outcome + Sync + use<> {
    type Key = (undermask_suite::Prompt, Vec<String>);
    let answers: BTreeMap<String, Vec<(Key, Outcome)>> = plan.trials.iter().fold(BTreeMap::new(), |mut map, trial| {
        let key = (trial.prompt.clone(), trial.options.clone());
        map.entry(trial.prompt.user.clone()).or_insert_with(Vec::new).push((key, outcome(trial)));
        map
    });
    move |question| {
        let of_prompt = answers.get(&question.prompt.user);
        let found = of_prompt.and_then(|list| {
            list.iter().find(|((prompt, options), _)| *prompt == question.prompt && *options == question.options)
        });
        let unknown = || Outcome::Error { message: "the question is not in the scripted plan".to_owned() };
        found.map_or_else(unknown, |(_, outcome)| outcome.clone())
    }
}

impl<Rule: Fn(&Question) -> Outcome + Sync> Respond for Scripted<Rule> {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn count(&self, questions: &[Question]) -> Result<TokenCounts, ModelError> {
        let words: usize = questions.iter().map(|question| question.prompt.user.split(' ').count()).sum();
        Ok(TokenCounts { total: words as u64, unique: words as u64 })
    }

    fn respond(
        &self,
        questions: &[Question],
        wanted: &[bool],
        on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), ModelError> {
        for (index, question) in questions.iter().enumerate().filter(|(index, _)| wanted[*index]) {
            thread::sleep(self.pause);
            if on_answer(Answer { question: index, outcome: (self.rule)(question) }).is_break() {
                break;
            }
        }
        Ok(())
    }
}
