//! Gates while a run is asked: which contexts have failed already, whatever is answered from here on.

use std::collections::BTreeSet;

use undermask_suite::{Context, ItemKind, Suite, Trial};

use crate::score::Scores;

/// Contexts in which so many answers are wrong that too few of the planned ones can be right. Unanswered ones count as
/// right here, and the gate leaves them out, so that what fails here fails at the end.
pub(super) fn lost<'a>(suite: &'a Suite, trials: &[Trial], scores: &Scores) -> BTreeSet<&'a str> {
    let criteria = &suite.criteria;
    let fails = |context: &&Context| {
        let beyond = |kind: ItemKind, least: f64| {
            let (all, wrong) = (planned(trials, kind, &context.id), wrong(scores, kind, &context.id));
            all > 0 && ((all - wrong.min(all)) as f64 / all as f64) < least
        };
        beyond(ItemKind::Recall, criteria.recall)
            || beyond(ItemKind::Dominance, criteria.dominance)
            || beyond(ItemKind::ContextCheck, criteria.recall.min(0.75))
    };
    suite.contexts.iter().filter(fails).map(|context| context.id.as_str()).collect()
}

/// Questions of a gate that are planned in a context: items where they are asked in two orders.
fn planned(trials: &[Trial], kind: ItemKind, context: &str) -> usize {
    let own = || trials.iter().filter(|trial| trial.kind == kind && trial.context == context && trial.probe.is_none());
    match kind {
        ItemKind::Dominance => own().map(|trial| trial.item.as_str()).collect::<BTreeSet<_>>().len(),
        _ => own().count(),
    }
}

fn wrong(scores: &Scores, kind: ItemKind, context: &str) -> usize {
    let items = scores.items.iter().filter(|item| item.kind == kind && item.context == context);
    let dominated = items.filter(|item| item.scored.is_some_and(|scored| scored.log_odds <= 0.0)).count();
    let gates = scores.gates.iter().filter(|item| item.kind == kind && item.context == context);
    dominated + gates.filter(|item| item.probe.is_none() && item.right == Some(false)).count()
}
