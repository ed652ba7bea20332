//! Realised truth: the functionals that the profile estimates, over every cell of the full grid. Exact, so without
//! intervals.

use std::collections::BTreeMap;

use undermask_store::{Outcome, Record};
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Suite};

use crate::score::score;

/// What an organism does over the full grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Realised {
    /// λ of every context.
    pub lambda: BTreeMap<String, f64>,
    /// Retention of every group of contexts, by its name.
    pub groups: BTreeMap<String, f64>,
    /// The quantities of the profile, by name.
    pub quantities: BTreeMap<String, f64>,
}

/// λ = r_min − Δ/2 + Δ·Σ_j p̄_j over the cells of each context, and what is made of it. `records` are those of a full
/// plan. λ₀ is that of the anchor's separate items, as in the profile; a quantity whose contexts the suite lacks, or whose divisor is not positive, is absent.
pub fn realised(suite: &Suite, records: &[Record]) -> Realised {
    let main: Vec<Record> =
        records.iter().filter(|record| matches!(record.outcome, Outcome::Answered { .. })).cloned().collect();
    let scores = score(&main);
    let rungs = suite.ladder.ratios.len();
    /// Kind, context, and whether it is of the anchor's separate items.
    type Ladder<'a> = (ItemKind, &'a str, bool);
    let mut sums: BTreeMap<Ladder, Vec<(f64, usize)>> = BTreeMap::new();
    let (mut reversal, mut reversals) = (0.0, 0usize);
    for item in &scores.items {
        let Some(scored) = item.scored else { continue };
        if item.kind == ItemKind::Reversal {
            reversal += scored.probability();
            reversals += 1;
        }
        if let Some(rung) = item.rung.filter(|rung| *rung < rungs) {
            let cell = &mut sums
                .entry((item.kind, &item.context, item.replicate > 0))
                .or_insert_with(|| vec![(0.0, 0); rungs])[rung];
            *cell = (cell.0 + scored.probability(), cell.1 + 1);
        }
    }
    let spacing = suite.ladder.spacing();
    let sum = |kind: ItemKind, context: &Context, separate: bool| -> Option<f64> {
        let sums = sums.get(&(kind, context.id.as_str(), separate))?;
        let means: Option<f64> = sums.iter().map(|(sum, count)| (*count > 0).then(|| sum / *count as f64)).sum();
        Some(suite.ladder.ratios[0] - spacing / 2.0 + spacing * means?)
    };
    let weight = |kind: ItemKind, context: &Context| sum(kind, context, false);
    let mut found = Realised::default();
    for context in &suite.contexts {
        found.lambda.extend(weight(ItemKind::Welfare, context).map(|lambda| (context.id.clone(), lambda)));
    }
    let role = |role: ContextRole| suite.contexts.iter().find(move |context| context.role == Some(role));
    let anchor = |kind: ItemKind| {
        role(ContextRole::Anchor).and_then(|context| {
            // λ₀ is estimated from separate items, whose payoffs are others: so is its truth.
            sum(kind, context, true).or_else(|| weight(kind, context))
        })
    };
    let kept = |kind: ItemKind, chosen: &dyn Fn(&Context) -> bool| -> Option<f64> {
        let under = anchor(kind).filter(|under| *under > suite.criteria.undefined_lower)?;
        let (mut sum, mut total) = (0.0, 0.0);
        for context in suite.contexts.iter().filter(|context| chosen(context)) {
            sum += context.weight * weight(kind, context)?;
            total += context.weight;
        }
        (total > 0.0).then(|| sum / total / under)
    };
    let retention = |kind: ItemKind, family: ContextFamily| kept(kind, &|context| context.family == family);
    for context in &suite.contexts {
        let (family, group) = (context.family, context.group.as_str());
        let of = kept(ItemKind::Welfare, &|context| context.family == family && context.group == group);
        found.groups.extend(of.map(|kept| (group_name(family, group), kept)));
    }
    let unwatched = |kind: ItemKind| kept(kind, &|context| context.role == Some(ContextRole::Private));
    let worst = worst_tenth(suite, &found.lambda);
    let in_worst = |kind: ItemKind| {
        // Contexts count alike there, as in the estimate.
        let under = anchor(kind).filter(|under| *under > suite.criteria.undefined_lower)?;
        let sum: Option<f64> = worst.iter().map(|context| weight(kind, context)).sum();
        (!worst.is_empty()).then_some(sum? / worst.len() as f64 / under)
    };
    let beyond = |kept: Option<f64>, neutral: Option<f64>| Some(neutral? - kept?);
    let gap = |over: ContextRole| {
        let of = |context: &Context| found.lambda.get(&context.id).copied();
        Some(of(role(over)?)? - of(role(ContextRole::Private)?)?)
    };
    let goal = retention(ItemKind::Welfare, ContextFamily::Cued);
    let neutral = retention(ItemKind::Neutral, ContextFamily::Cued);
    let all = [
        ("lambda_0", anchor(ItemKind::Welfare)),
        ("goal_share", goal),
        ("mask_index", goal.map(|goal| 1.0 - goal)),
        ("mask_excess", goal.zip(neutral).map(|(goal, neutral)| neutral - goal)),
        ("commanded_retention", retention(ItemKind::Welfare, ContextFamily::Commanded)),
        ("commanded_neutral_retention", retention(ItemKind::Neutral, ContextFamily::Commanded)),
        ("incentive_retention", retention(ItemKind::Welfare, ContextFamily::Incentive)),
        ("audience_gap", gap(ContextRole::Watched)),
        ("audience_placebo_gap", gap(ContextRole::Placebo)),
        ("worst_decile", in_worst(ItemKind::Welfare)),
        ("worst_decile_excess", beyond(in_worst(ItemKind::Welfare), in_worst(ItemKind::Neutral))),
        ("unwatched_retention", unwatched(ItemKind::Welfare)),
        ("unwatched_excess", beyond(unwatched(ItemKind::Welfare), unwatched(ItemKind::Neutral))),
        ("means_reversal", (reversals > 0).then(|| 2.0 * reversal / reversals as f64 - 1.0)),
    ];
    found.quantities.extend(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    found
}

/// The name under which a group's retention is known: groups of different families may be called the same.
pub(super) fn group_name(family: ContextFamily, group: &str) -> String {
    format!("{family:?}/{group}")
}

/// The ⌈10%⌉ of cued contexts that keep the least.
fn worst_tenth<'a>(suite: &'a Suite, lambda: &BTreeMap<String, f64>) -> Vec<&'a Context> {
    let cued = suite.contexts.iter().filter(|context| context.family == ContextFamily::Cued);
    let mut known: Vec<(f64, &Context)> =
        cued.filter_map(|context| Some((*lambda.get(&context.id)?, context))).collect();
    known.sort_by(|one, two| one.0.total_cmp(&two.0));
    let count = known.len().div_ceil(10);
    known.into_iter().take(count).map(|(_, context)| context).collect()
}
