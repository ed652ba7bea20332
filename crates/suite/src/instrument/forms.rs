//! Forms: the same trades and their neutral twins, asked without a chat template, in JSON, in code, in another language, …
//!
//! A form is data: a template, the beginning of the answer, whether there is a chat template, how letters are spelt, and
//! where it is another language's the scenarios' own wording in it. The first form is the one that the others are compared
//! with; it is asked about every item that another form is asked about. What the answers say is in `undermask-measure`.

use serde::Serialize;

use super::ask::{Asker, Labels, Place};
use super::deal::{Deal, Dealt};
use super::spelling::Spelling;
use super::template;
use super::twins::twin_arm;
use crate::plan::recall_numbers;
use crate::{ItemKind, Order, Prompt, Scenario};

/// How the text of a question and its answer are laid out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layout {
    /// With `{text}`, `{question}`, `{first}` and `{second}`.
    pub template: String,
    /// Beginning of the answer.
    pub prefill: String,
    /// What follows it, with `{act}`.
    pub label: String,
}

/// One way of asking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptForm {
    /// Unique id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Of a choice.
    pub choice: Layout,
    /// Of a payoff question.
    pub recall: Layout,
    /// Whether the model reads the text alone, without its chat template.
    pub raw: bool,
    /// System message.
    pub system: Option<String>,
    /// Odd spelling.
    pub spelling: Option<Spelling>,
    /// Questions with `{first}` and `{second}`; empty: the suite's.
    pub questions: Vec<String>,
    /// Scenarios in the form's own words; empty: all, in the suite's.
    pub wordings: Vec<Scenario>,
}

/// Data of a forms instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forms {
    /// The forms, the one that they are compared with first.
    pub forms: Vec<PromptForm>,
    /// Ids of the neutral twins.
    pub twins: Vec<String>,
    /// A gap within ± this does not matter.
    pub margin: f64,
    /// Payoff questions a form.
    pub recalls: usize,
}

impl Forms {
    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let twins = deal.among(|scenario| self.twins.contains(&scenario.id));
        for form in &self.forms {
            for (deal, twin) in [(deal, false), (&twins, true)] {
                let covered = deal.only(|scenario| form.wording(scenario).is_some());
                for dealt in covered.ladder() {
                    // What another form is asked about stands in the first one too; the plan drops what repeats.
                    let companion = self.forms.first().filter(|first| first.id != form.id);
                    for form in [Some(form), companion].into_iter().flatten() {
                        form.ask(&dealt, twin, asker);
                    }
                }
            }
            let covered = deal.only(|scenario| form.wording(scenario).is_some_and(|words| !words.recall.is_empty()));
            // Of the full cross every payoff, so that whatever a fraction asks is a part of it.
            let recalls = if deal.full { usize::MAX } else { self.recalls };
            for dealt in covered.ladder().into_iter().take(recalls) {
                form.ask_recall(&dealt, asker);
            }
        }
    }
}

impl PromptForm {
    /// A scenario in this form's words; `None` where it has none.
    fn wording<'a>(&'a self, scenario: &'a Scenario) -> Option<&'a Scenario> {
        if self.wordings.is_empty() {
            return Some(scenario);
        }
        self.wordings.iter().find(|wording| wording.id == scenario.id)
    }

    /// A sentence of the suite with its values, in this form's spelling.
    fn say(&self, sentence: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
        match &self.spelling {
            None => template::fill(sentence, value),
            Some(spelling) => {
                let mut speller = spelling.of(sentence);
                template::fill_with(sentence, &mut |piece| speller.spell(piece), value)
            }
        }
    }

    /// Setting and clauses.
    fn text(&self, dealt: &Dealt, words: &Scenario) -> String {
        let (benefit, cost) = dealt.payoff;
        let value = |name: &str| match name {
            "target" => Some(words.target.clone()),
            "other" => Some(words.other.clone()),
            "benefit" => Some(benefit.to_string()),
            "cost" => Some(cost.abs().to_string()),
            _ => None,
        };
        let loss = if cost < 0 && !words.saving.is_empty() { &words.saving } else { &words.cost };
        let clauses = if dealt.turn.is_multiple_of(2) { [&words.benefit, loss] } else { [loss, &words.benefit] };
        let said = [&words.setting, clauses[0], clauses[1]].map(|sentence| self.say(sentence, &value));
        said.iter().filter(|sentence| !sentence.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn prompt(&self, layout: &Layout, parts: &dyn Fn(&str) -> Option<String>) -> Prompt {
        Prompt {
            system: self.system.clone(),
            history: Vec::new(),
            user: template::fill(&layout.template, parts),
            prefill: layout.prefill.clone(),
            calls: Vec::new(),
            raw: self.raw,
        }
    }

    fn place<'a>(&self, twin: bool, asker: &Asker<'a>) -> Place<'a> {
        let arm = if twin { twin_arm(&self.id) } else { self.id.clone() };
        asker.place(arm.clone(), &arm)
    }

    /// One item in both orders.
    fn ask(&self, dealt: &Dealt, twin: bool, asker: &mut Asker) {
        let Some(words) = self.wording(dealt.scenario) else { return };
        let place = self.place(twin, asker);
        let questions = if self.questions.is_empty() { &asker.suite().questions } else { &self.questions };
        let paraphrase = dealt.turn / 2 % questions.len();
        let text = self.text(dealt, words);
        for order in [Order::TargetFirst, Order::TargetSecond] {
            let labels = Labels { target: &words.target, other: &words.other };
            let (first, second, target) = labels.shown(order);
            let acts = |name: &str| match name {
                "first" => Some(first.to_owned()),
                "second" => Some(second.to_owned()),
                _ => None,
            };
            let question = self.say(&questions[paraphrase], &acts);
            let prompt = self.prompt(&self.choice, &|name| match name {
                "text" => Some(text.clone()),
                "question" => Some(question.clone()),
                name => acts(name),
            });
            let options = [first, second].map(|act| self.choice.labelled(act)).to_vec();
            asker.push(ItemKind::Instrument, &place, dealt, prompt, options, target, Some(order), paraphrase);
        }
    }

    /// What the payoff was: whether the form is read at all.
    fn ask_recall(&self, dealt: &Dealt, asker: &mut Asker) {
        let Some(words) = self.wording(dealt.scenario) else { return };
        let place = self.place(false, asker);
        let text = self.text(dealt, words);
        let question = self.say(&words.recall, &|name| match name {
            "target" => Some(words.target.clone()),
            "other" => Some(words.other.clone()),
            _ => None,
        });
        let (numbers, target) = recall_numbers(asker.suite(), dealt.payoff, dealt.turn);
        let options = numbers.iter().map(|number| self.recall.labelled(&number.to_string())).collect();
        let prompt = self.prompt(&self.recall, &|name| match name {
            "text" => Some(text.clone()),
            "question" => Some(question.clone()),
            _ => None,
        });
        asker.push(ItemKind::Recall, &place, dealt, prompt, options, target, None, 0);
    }
}

impl Layout {
    fn labelled(&self, act: &str) -> String {
        template::fill(&self.label, &|name| (name == "act").then(|| act.to_owned()))
    }
}
