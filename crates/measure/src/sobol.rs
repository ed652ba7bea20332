//! The reasons share S_Z: how much of the variation of choices the reasons explain, closed (with all their own
//! interactions), the context being everything else.
//!
//! S_Z = Var(E[Y | Z]) / Var(Y) (Sobol' 1993), estimated by products of answers that share the reasons Z (scenario and
//! rung) but not the context: E[Y·Y′] − μ² = Var(E[Y | Z]) (Saltelli et al. 2010, the pick-freeze idea), which noise does
//! not bias. T_K = 1 − S_Z is the context's total index.

use std::collections::BTreeMap;

use crate::resample::clustered;
use crate::score::Item;
use crate::{Estimate, Quantity};

/// Which scale the answers are taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// η; saturation does not fabricate interactions here.
    Logit,
    /// P.
    Probability,
}

/// η is cut here: beyond, the model is certain, and how certain is not a reason.
const CERTAIN: f64 = 8.0;

/// Sums of one cluster: answers, their number, squares, products of pairs with the same reasons, number of such pairs.
#[derive(Default, Clone, Copy)]
struct Sums {
    total: f64,
    count: f64,
    squares: f64,
    products: f64,
    pairs: f64,
}

/// S_Z with its clustered-bootstrap interval.
///
/// ```
/// use undermask_measure::{Item, Quantity, Scale, Scored, reasons_share};
/// use undermask_suite::ItemKind;
/// // Ten scenarios in twenty contexts; only the scenario matters.
/// let item = |place: usize| Item {
///     kind: ItemKind::Welfare, cluster: place % 10, context: format!("context-{}", place / 10), replicate: 0,
///     rung: Some(0), ratio: Some(0.0), paraphrase: 0, probe: None, declined: false,
///     scored: Some(Scored { log_odds: (place % 10) as f64 / 3.0, bias: 0.0 }),
/// };
/// let items: Vec<Item> = (0..200).map(item).collect();
/// let found = reasons_share(items.iter(), 10, Scale::Logit, 8, 200, 1, 0.95);
/// assert!(matches!(found, Quantity::Estimated(share) if (share.estimate - 1.0).abs() < 1e-9));
/// ```
pub fn reasons_share<'a>(
    items: impl Iterator<Item = &'a Item>,
    clusters: usize,
    scale: Scale,
    fewest: usize,
    resamples: usize,
    seed: u64,
    confidence: f64,
) -> Quantity {
    let refused = |refused: String| Quantity::Refused { refused };
    let mut groups: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for item in items {
        let (Some(scored), Some(rung)) = (item.scored, item.rung) else { continue };
        let value = match scale {
            Scale::Logit => scored.log_odds.clamp(-CERTAIN, CERTAIN),
            Scale::Probability => scored.probability(),
        };
        groups.entry((item.cluster, rung)).or_default().push(value);
    }
    let count: usize = groups.values().map(Vec::len).sum();
    let mean = groups.values().flatten().sum::<f64>() / count.max(1) as f64;
    let mut sums = vec![Sums::default(); clusters];
    for ((cluster, _), values) in &groups {
        let (total, squares) = values
            .iter()
            .map(|value| value - mean)
            .fold((0.0, 0.0), |(sum, squares), value| (sum + value, squares + value * value));
        let own = &mut sums[*cluster];
        own.total += total;
        own.count += values.len() as f64;
        own.squares += squares;
        own.products += total * total - squares;
        own.pairs += (values.len() * (values.len() - 1)) as f64;
    }
    let seen: Vec<Sums> = sums.into_iter().filter(|sums| sums.count > 0.0).collect();
    if seen.len() < fewest {
        return refused(format!("too few clusters: have {}, need {fewest}", seen.len()));
    }
    let share = |weights: &[f64]| {
        let mut all = Sums::default();
        for (sums, weight) in seen.iter().zip(weights) {
            all.total += weight * sums.total;
            all.count += weight * sums.count;
            all.squares += weight * sums.squares;
            all.products += weight * sums.products;
            all.pairs += weight * sums.pairs;
        }
        let shift = all.total / all.count;
        let variance = all.squares / all.count - shift * shift;
        (all.pairs > 0.0 && variance > 1e-9).then(|| (all.products / all.pairs - shift * shift) / variance)
    };
    let Some(estimate) = share(&vec![1.0; seen.len()]) else {
        return refused("no reasons are met in two contexts, or choices do not vary".to_owned());
    };
    match clustered(seen.len(), resamples, seed, confidence, share) {
        Some((low, high)) => Quantity::Estimated(Estimate {
            estimate,
            low: low.min(estimate),
            high: high.max(estimate),
            n: count,
            clusters: seen.len(),
            bound: None,
        }),
        None => refused("the bootstrap is undefined in over a tenth of its draws".to_owned()),
    }
}
