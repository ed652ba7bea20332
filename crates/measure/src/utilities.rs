//! Utilities from pairwise choices: does a context change what is wanted, or only how well it is known?
//!
//! Thurstone's model in the form of Mazeika et al. (2025): P(A ≻ B) = Φ((μ_A − μ_B)/√(σ²_A + σ²_B)), fitted by maximum
//! likelihood. Only differences of μ over a common scale are determined, so Σμ = 0 and Σ ln σ² = 0. A small ridge keeps
//! separable data (an item that always wins) finite. Coherence is held-out log-loss and Kendall's ζ of cyclic triads; the
//! persona test is whether one context's utilities correlate with, and predict, another's.

use crate::optimise::descend_by_gradient;
use crate::random::Draws;
use crate::refusal::{self, Refusal};
use crate::special::normal_below;

/// Probabilities are kept this far from 0 and 1 in a loss, so that one surprise is large and not infinite.
const EDGE: f64 = 1e-6;

/// One comparison of two items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preference {
    /// An item, from 0.
    pub first: usize,
    /// Another.
    pub second: usize,
    /// P(first preferred), or the share of samples.
    pub share: f64,
    /// How often it counts.
    pub weight: f64,
}

/// Fitted utilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Utilities {
    /// μ of each item; they sum to 0.
    pub mean: Vec<f64>,
    /// σ² of each item; their geometric mean is 1.
    pub variance: Vec<f64>,
    /// Mean negative log-likelihood a comparison, without the ridge.
    pub log_loss: f64,
}

impl Utilities {
    /// P(first ≻ second).
    pub fn probability(&self, first: usize, second: usize) -> f64 {
        let spread = (self.variance[first] + self.variance[second]).sqrt();
        normal_below((self.mean[first] - self.mean[second]) / spread)
    }

    /// Mean log-loss on comparisons, in nats; knowing nothing scores ln 2.
    ///
    /// # Errors
    /// No comparison, or one of an unknown item.
    pub fn loss(&self, preferences: &[Preference]) -> Result<f64, Refusal> {
        check(preferences, self.mean.len())?;
        let (mut sum, mut weight) = (0.0, 0.0);
        for one in preferences {
            let p = self.probability(one.first, one.second).clamp(EDGE, 1.0 - EDGE);
            sum -= one.weight * (one.share * p.ln() + (1.0 - one.share) * (1.0 - p).ln());
            weight += one.weight;
        }
        Ok(sum / weight)
    }
}

fn check(preferences: &[Preference], items: usize) -> Result<(), Refusal> {
    refusal::at_least("comparisons", preferences.len(), 1)?;
    for (place, one) in preferences.iter().enumerate() {
        let invalid = |what, found, wanted| Err(Refusal::Invalid { what, place, found, wanted });
        if let Some(item) = [one.first, one.second].into_iter().find(|item| *item >= items) {
            return invalid("item of comparison", item as f64, "one of the items");
        }
        if one.first == one.second {
            return invalid("second item of comparison", one.second as f64, "another item than the first");
        }
        if !(0.0..=1.0).contains(&one.share) {
            return invalid("share of comparison", one.share, "between 0 and 1");
        }
        if !(one.weight > 0.0 && one.weight.is_finite()) {
            return invalid("weight of comparison", one.weight, "finite and above 0");
        }
    }
    Ok(())
}

/// ln Φ(z), by its asymptote where Φ leaves the range of numbers.
fn log_below(z: f64) -> f64 {
    if z > -30.0 { normal_below(z).ln() } else { -0.5 * z * z - (-z).ln() - 0.5 * std::f64::consts::TAU.ln() }
}

/// Fits utilities of `items` items. `ridge` is the penalty ½·ridge·(Σμ² + Σ(ln σ²)²); .01 is weak beside ten answers an
/// item.
///
/// # Errors
/// Fewer than three items, comparisons that do not connect all items, invalid values, a ridge that is not positive.
///
/// ```
/// use undermask_measure::utilities::{Preference, fit};
/// let prefers = |first, second, share| Preference { first, second, share, weight: 20.0 };
/// let found = fit(&[prefers(0, 1, 0.8), prefers(1, 2, 0.8), prefers(0, 2, 0.95)], 3, 0.01)?;
/// assert!(found.mean[0] > found.mean[1] && found.mean[1] > found.mean[2]);
/// assert!((found.probability(0, 2) - 0.95).abs() < 0.01);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn fit(preferences: &[Preference], items: usize, ridge: f64) -> Result<Utilities, Refusal> {
    refusal::at_least("items", items, 3)?;
    refusal::each("ridge", &[ridge], "above 0", |ridge| ridge > 0.0 && ridge.is_finite())?;
    check(preferences, items)?;
    if !connected(preferences, items) {
        let reason = "the comparisons fall into groups of items that are never compared with one another";
        return Err(Refusal::Undetermined { what: "the utility scale", reason });
    }
    let objective = |place: &[f64]| {
        let (mean, log_variance) = place.split_at(items);
        let mut value = 0.5 * ridge * place.iter().map(|part| part * part).sum::<f64>();
        let mut gradient: Vec<f64> = place.iter().map(|part| ridge * part).collect();
        for one in preferences {
            let (first, second) = (one.first, one.second);
            let (own, other) = (log_variance[first].exp(), log_variance[second].exp());
            let spread = (own + other).sqrt();
            let z = (mean[first] - mean[second]) / spread;
            let (below, above) = (log_below(z), log_below(-z));
            value -= one.weight * (one.share * below + (1.0 - one.share) * above);
            let log_density = -0.5 * z * z - 0.5 * std::f64::consts::TAU.ln();
            let slope = -one.weight
                * (one.share * (log_density - below).exp() - (1.0 - one.share) * (log_density - above).exp());
            gradient[first] += slope / spread;
            gradient[second] -= slope / spread;
            gradient[items + first] -= slope * z * own / (2.0 * (own + other));
            gradient[items + second] -= slope * z * other / (2.0 * (own + other));
        }
        // Steps stay where both sums are 0.
        for half in gradient.chunks_mut(items) {
            let centre = half.iter().sum::<f64>() / items as f64;
            half.iter_mut().for_each(|part| *part -= centre);
        }
        (value, gradient)
    };
    let steps = 2000;
    let found = descend_by_gradient(&vec![0.0; 2 * items], 1e-6, steps, objective);
    let place = found.ok_or(Refusal::NotConverged { what: "utilities", steps })?;
    let variance = place[items..].iter().map(|part| part.exp()).collect();
    let mut utilities = Utilities { mean: place[..items].to_vec(), variance, log_loss: 0.0 };
    utilities.log_loss = utilities.loss(preferences)?;
    Ok(utilities)
}

fn connected(preferences: &[Preference], items: usize) -> bool {
    let mut group: Vec<usize> = (0..items).collect();
    for one in preferences {
        let (from, to) = (group[one.first], group[one.second]);
        group.iter_mut().filter(|name| **name == from).for_each(|name| *name = to);
    }
    group.iter().all(|name| *name == group[0])
}

/// A fit to all but one part of the comparisons.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// The fit.
    pub fit: Utilities,
    /// Places of the comparisons that it did not see.
    pub hidden: Vec<usize>,
}

/// Fits that each leave out one of `folds` random parts. The parts depend on the number of comparisons and the seed only, so
/// that lists of the same pairs in the same order are cut alike.
///
/// # Errors
/// As [`fit`], fewer than two folds, fewer comparisons than folds.
pub fn folded(
    preferences: &[Preference],
    items: usize,
    ridge: f64,
    folds: usize,
    seed: u64,
) -> Result<Vec<Fold>, Refusal> {
    refusal::at_least("folds", folds, 2)?;
    refusal::at_least("comparisons", preferences.len(), folds)?;
    let mut order: Vec<usize> = (0..preferences.len()).collect();
    Draws::new(seed, 71).shuffle(&mut order);
    let part = |fold: usize, inside: bool| -> Vec<usize> {
        let chosen = order.iter().enumerate().filter(|(rank, _)| (rank % folds == fold) == inside);
        chosen.map(|(_, place)| *place).collect()
    };
    let one = |fold: usize| {
        let seen: Vec<Preference> = part(fold, false).into_iter().map(|place| preferences[place]).collect();
        Ok(Fold { fit: fit(&seen, items, ridge)?, hidden: part(fold, true) })
    };
    (0..folds).map(one).collect()
}

/// Log-loss on comparisons that the fit did not see, over `folds` random parts.
///
/// # Errors
/// As [`folded`].
pub fn held_out(preferences: &[Preference], items: usize, ridge: f64, folds: usize, seed: u64) -> Result<f64, Refusal> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for fold in folded(preferences, items, ridge, folds, seed)? {
        let hidden: Vec<Preference> = fold.hidden.iter().map(|place| preferences[*place]).collect();
        let heavy: f64 = hidden.iter().map(|one| one.weight).sum();
        sum += heavy * fold.fit.loss(&hidden)?;
        weight += heavy;
    }
    Ok(sum / weight)
}

/// Consistency of a complete set of pairwise choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Triads {
    /// Cyclic triads; an even pair counts as each direction half of the time.
    pub cyclic: f64,
    /// All triads.
    pub triads: usize,
    /// Kendall & Babington Smith's ζ (1940): 1 without cycles, 0 at the most possible; random choices expect a quarter of
    /// triads cyclic, which is about 0.
    pub zeta: f64,
}

/// Counts cyclic triads of the majority choices.
///
/// # Errors
/// Fewer than three items, or a pair that was never compared.
///
/// ```
/// use undermask_measure::utilities::{Preference, triads};
/// let prefers = |first, second| Preference { first, second, share: 1.0, weight: 1.0 };
/// assert_eq!(triads(&[prefers(0, 1), prefers(1, 2), prefers(0, 2)], 3)?.zeta, 1.0);
/// assert_eq!(triads(&[prefers(0, 1), prefers(1, 2), prefers(2, 0)], 3)?.zeta, 0.0);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn triads(preferences: &[Preference], items: usize) -> Result<Triads, Refusal> {
    refusal::at_least("items", items, 3)?;
    check(preferences, items)?;
    let mut wins = vec![vec![0.0; items]; items];
    for one in preferences {
        wins[one.first][one.second] += one.weight * one.share;
        wins[one.second][one.first] += one.weight * (1.0 - one.share);
    }
    let mut majority = vec![vec![0.5; items]; items];
    for first in 0..items {
        for second in (0..items).filter(|second| *second != first) {
            let (won, lost) = (wins[first][second], wins[second][first]);
            if won + lost == 0.0 {
                let reason = "a pair of items was never compared";
                return Err(Refusal::Undetermined { what: "the number of cyclic triads", reason });
            }
            majority[first][second] =
                if (won - lost).abs() <= 1e-12 * (won + lost) { 0.5 } else { f64::from(u8::from(won > lost)) };
        }
    }
    let (mut cyclic, mut count) = (0.0, 0usize);
    for a in 0..items {
        for b in a + 1..items {
            for c in b + 1..items {
                let (ab, bc, ca) = (majority[a][b], majority[b][c], majority[c][a]);
                cyclic += ab * bc * ca + (1.0 - ab) * (1.0 - bc) * (1.0 - ca);
                count += 1;
            }
        }
    }
    let n = items as f64;
    let most = if items % 2 == 1 { (n * n * n - n) / 24.0 } else { (n * n * n - 4.0 * n) / 24.0 };
    Ok(Triads { cyclic, triads: count, zeta: 1.0 - cyclic / most })
}

/// Pearson's correlation of two contexts' utilities.
///
/// # Errors
/// Different lengths, fewer than three items, utilities without spread.
pub fn correlation(one: &[f64], two: &[f64]) -> Result<f64, Refusal> {
    refusal::same_length(("one context's utilities", one.len()), ("the other's", two.len()))?;
    refusal::at_least("items", one.len(), 3)?;
    refusal::each("utility", one, "finite", f64::is_finite)?;
    refusal::each("utility", two, "finite", f64::is_finite)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x, y) = (mean(one), mean(two));
    let product = |a: &[f64], b: &[f64], x: f64, y: f64| a.iter().zip(b).map(|(a, b)| (a - x) * (b - y)).sum::<f64>();
    let scale = (product(one, one, x, x) * product(two, two, y, y)).sqrt();
    if scale <= 1e-300 {
        return Err(Refusal::Undetermined { what: "the correlation", reason: "one context's utilities do not differ" });
    }
    Ok((product(one, two, x, y) / scale).clamp(-1.0, 1.0))
}

/// Cross-prediction: what context `from` costs in log-loss on `to`'s comparisons beyond what `to`'s own fit loses there.
/// Give comparisons that neither fit has seen.
///
/// # Errors
/// As [`Utilities::loss`].
pub fn transfer_loss(from: &Utilities, to: &Utilities, unseen: &[Preference]) -> Result<f64, Refusal> {
    Ok(from.loss(unseen)? - to.loss(unseen)?)
}
