//! The words of one trial: a scenario's sentences within a context.

use crate::{Context, Prompt, Scenario, Turn};

/// Which of the two clauses comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clauses {
    BenefitFirst,
    CostFirst,
}

/// The acts as they stand in one trial (dominance scenarios swap them), and who gains where a scenario leaves it open.
#[derive(Clone, Copy)]
pub(crate) struct Acts<'a> {
    pub target: &'a str,
    pub other: &'a str,
    pub who: &'a str,
}

/// What stands around a scenario.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub system: Option<&'a str>,
    pub history: &'a [Turn],
    pub before: &'a str,
    pub after: &'a str,
    pub prefill: &'a str,
}

impl<'a> Frame<'a> {
    pub fn of(context: &'a Context) -> Frame<'a> {
        Frame {
            system: context.system.as_deref(),
            history: &[],
            before: &context.before,
            after: &context.after,
            prefill: &context.prefill,
        }
    }
}

/// What the model is shown: before, setting, the two clauses, question, after; system, talk and prefill of the frame.
pub(crate) fn compose(
    scenario: &Scenario,
    frame: &Frame,
    acts: Acts,
    (benefit, cost): (i64, i64),
    clauses: Clauses,
    question: &str,
) -> Prompt {
    let fill = |text: &str| {
        text.replace("{target}", acts.target)
            .replace("{other}", acts.other)
            .replace("{benefit}", &benefit.to_string())
            .replace("{cost}", &cost.abs().to_string())
            .replace("{who}", acts.who)
    };
    let gain = fill(&scenario.benefit);
    let loss = fill(if cost < 0 && !scenario.saving.is_empty() { &scenario.saving } else { &scenario.cost });
    let (first, second) = match clauses {
        Clauses::BenefitFirst => (gain, loss),
        Clauses::CostFirst => (loss, gain),
    };
    let setting = fill(&scenario.setting);
    let parts: [&str; 6] = [frame.before, &setting, &first, &second, question, frame.after];
    let user = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    Prompt {
        system: frame.system.map(str::to_owned),
        history: frame.history.to_vec(),
        user,
        prefill: frame.prefill.to_owned(),
        calls: Vec::new(),
        raw: false,
    }
}

/// A question with both options named.
pub(crate) fn choice_question(template: &str, first: &str, second: &str) -> String {
    template.replace("{first}", first).replace("{second}", second)
}
