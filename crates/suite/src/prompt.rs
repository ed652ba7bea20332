//! The words of one trial: a scenario's sentences within a context.

use crate::{Context, Prompt, Scenario};

/// Which of the two clauses comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clauses {
    BenefitFirst,
    CostFirst,
}

/// The acts as they stand in one trial (dominance scenarios swap them).
#[derive(Clone, Copy)]
pub(crate) struct Acts<'a> {
    pub target: &'a str,
    pub other: &'a str,
}

/// What the model is shown: before, setting, the two clauses, question, after; system and prefill of the context.
pub(crate) fn compose(
    scenario: &Scenario,
    context: &Context,
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
    };
    let gain = fill(&scenario.benefit);
    let loss = fill(if cost < 0 && !scenario.saving.is_empty() { &scenario.saving } else { &scenario.cost });
    let (first, second) = match clauses {
        Clauses::BenefitFirst => (gain, loss),
        Clauses::CostFirst => (loss, gain),
    };
    let setting = fill(&scenario.setting);
    let parts: [&str; 6] = [&context.before, &setting, &first, &second, question, &context.after];
    let user = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    Prompt { system: context.system.clone(), user, prefill: context.prefill.clone() }
}

/// A question with both options named.
pub(crate) fn choice_question(template: &str, first: &str, second: &str) -> String {
    template.replace("{first}", first).replace("{second}", second)
}
