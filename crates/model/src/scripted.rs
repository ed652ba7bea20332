//! The fake respondent of tests: answers by a rule, in the order asked.

use std::ops::ControlFlow;

use undermask_store::{LabelScore, Outcome};

use crate::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};

/// Answers by a rule that gives each label's log-probability.
pub struct Scripted<Rule> {
    facts: ModelFacts,
    rule: Rule,
}

impl<Rule: Fn(&Question) -> Vec<f64> + Sync> Scripted<Rule> {
    /// A respondent of this name and rule.
    pub fn new(name: &str, rule: Rule) -> Self {
        let text = |what: &str| format!("{what} of {name}");
        let facts = ModelFacts {
            name: name.to_owned(),
            architecture: "scripted".to_owned(),
            parameters: 0,
            weight_bytes: 0,
            weights_hash: text("weights"),
            tokenizer_hash: text("tokenizer"),
            template_hash: text("template"),
            precision: "f32".to_owned(),
        };
        Scripted { facts, rule }
    }
}

impl<Rule: Fn(&Question) -> Vec<f64> + Sync> Respond for Scripted<Rule> {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn count(&self, questions: &[Question]) -> Result<TokenCounts, ModelError> {
        let words: usize = questions.iter().map(|question| question.prompt.user.split(' ').count()).sum();
        Ok(TokenCounts { total: words as u64, unique: words as u64 })
    }

    fn respond(&self, questions: &[Question], on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), ModelError> {
        for (index, question) in questions.iter().enumerate() {
            let scores = (self.rule)(question).into_iter().map(|log_probability| LabelScore { log_probability, tokens: 1 }).collect();
            if on_answer(Answer { question: index, outcome: Outcome::Answered { scores } }).is_break() {
                break;
            }
        }
        Ok(())
    }
}
