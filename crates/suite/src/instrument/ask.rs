//! One item of an instrument in words: both orders, and the recall gate.

use super::deal::Dealt;
use super::{Instrument, Probe};
use crate::identity::{item_id, trial_id};
use crate::plan::recall_numbers;
use crate::prompt::{Acts, Clauses, Frame, choice_question, compose};
use crate::{ItemKind, Order, Prompt, Suite, Trial, Turn};

/// Where on the instrument an item stands, and what stands around it.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    /// What follows `instrument-id/` in the trial's context.
    pub name: String,
    pub arm: String,
    pub dose: Option<f64>,
    pub system: Option<&'a str>,
    pub history: Vec<Turn>,
    pub before: &'a str,
    pub after: String,
    pub prefill: &'a str,
    /// Who gains, where scenarios leave it open.
    pub who: Option<&'a str>,
}

/// The two labels and what stands for them in the question, target first.
#[derive(Clone, Copy)]
pub(crate) struct Labels<'a> {
    pub target: &'a str,
    pub other: &'a str,
}

impl<'a> Labels<'a> {
    /// What is named first and second in an order, and the target's place.
    pub fn shown(&self, order: Order) -> (&'a str, &'a str, usize) {
        match order {
            Order::TargetFirst => (self.target, self.other, 0),
            Order::TargetSecond => (self.other, self.target, 1),
        }
    }
}

/// Collects an instrument's trials.
pub(crate) struct Asker<'a> {
    suite: &'a Suite,
    pub(super) instrument: &'a Instrument,
    pub trials: Vec<Trial>,
}

impl<'a> Asker<'a> {
    pub fn of(suite: &'a Suite, instrument: &'a Instrument) -> Asker<'a> {
        Asker { suite, instrument, trials: Vec::new() }
    }

    /// The suite, for what instruments take from it.
    pub fn suite(&self) -> &'a Suite {
        self.suite
    }

    /// A place with the instrument's system message and nothing around the scenario.
    pub fn place(&self, name: impl Into<String>, arm: &str) -> Place<'a> {
        Place {
            name: name.into(),
            arm: arm.to_owned(),
            dose: None,
            system: self.instrument.system.as_deref(),
            history: Vec::new(),
            before: "",
            after: String::new(),
            prefill: "",
            who: None,
        }
    }

    /// Asks for an act in both orders, by one of the questions.
    pub fn act(&mut self, place: &Place, dealt: &Dealt, questions: &[String]) {
        let labels = Labels { target: &dealt.scenario.target, other: &dealt.scenario.other };
        self.choice(place, dealt, questions, labels);
    }

    /// Asks for one of two labels in both orders, by one of the questions.
    pub fn choice(&mut self, place: &Place, dealt: &Dealt, questions: &[String], labels: Labels) {
        let paraphrase = dealt.turn / 2 % questions.len();
        for order in [Order::TargetFirst, Order::TargetSecond] {
            let (first, second, target) = labels.shown(order);
            let question = choice_question(&questions[paraphrase], first, second);
            let prompt = self.prompt(place, dealt, &question);
            let options = vec![first.to_owned(), second.to_owned()];
            self.push(ItemKind::Instrument, place, dealt, prompt, options, target, Some(order), paraphrase);
        }
    }

    /// Asks what the payoff was: a gate. Nothing is asked of a scenario without such a question.
    pub fn recall(&mut self, place: &Place, dealt: &Dealt) {
        let scenario = dealt.scenario;
        if scenario.recall.is_empty() {
            return;
        }
        let question = scenario.recall.replace("{target}", &scenario.target).replace("{other}", &scenario.other);
        let question = question.replace("{who}", place.who.unwrap_or_default());
        let (numbers, target) = recall_numbers(self.suite, dealt.payoff, dealt.turn);
        let options = numbers.iter().map(i64::to_string).collect();
        let prompt = self.prompt(place, dealt, &question);
        self.push(ItemKind::Recall, place, dealt, prompt, options, target, None, 0);
    }

    /// One question in words, the scenario and the place around it.
    pub(super) fn prompt(&self, place: &Place, dealt: &Dealt, question: &str) -> Prompt {
        let clauses = if dealt.turn.is_multiple_of(2) { Clauses::BenefitFirst } else { Clauses::CostFirst };
        let acts =
            Acts { target: &dealt.scenario.target, other: &dealt.scenario.other, who: place.who.unwrap_or_default() };
        let frame = Frame {
            system: place.system,
            history: &place.history,
            before: place.before,
            after: &place.after,
            prefill: place.prefill,
        };
        compose(dealt.scenario, &frame, acts, dealt.payoff, clauses, question)
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a trial's parts come together")]
    pub(super) fn push(
        &mut self,
        kind: ItemKind,
        place: &Place,
        dealt: &Dealt,
        prompt: Prompt,
        options: Vec<String>,
        target: usize,
        order: Option<Order>,
        paraphrase: usize,
    ) {
        let context = format!("{}/{}", self.instrument.id, place.name);
        let scenario = &dealt.scenario.id;
        self.trials.push(Trial {
            id: trial_id(kind, &context, scenario, 0, &prompt, &options, order),
            item: item_id(kind, &context, scenario, 0, dealt.payoff, false, dealt.turn),
            kind,
            scenario: scenario.clone(),
            context,
            replicate: 0,
            rung: dealt.rung.filter(|_| kind == ItemKind::Instrument),
            ratio: (kind == ItemKind::Instrument).then(|| dealt.payoff.1 as f64 / dealt.payoff.0 as f64),
            benefit: dealt.payoff.0,
            cost: dealt.payoff.1,
            order,
            paraphrase,
            prompt,
            options,
            target,
            probe: Some(Probe {
                instrument: self.instrument.id.clone(),
                arm: place.arm.clone(),
                dose: place.dose,
                path: Vec::new(),
            }),
        });
    }
}
