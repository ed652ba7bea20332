//! The worst tenth of contexts, cross-fitted: chosen on one half of the scenarios, measured on the other.
//!
//! Choosing and measuring on the same answers would make the worst look worse than it is. Halves are drawn at random,
//! many times; each half chooses for the other, and all measurements are averaged.
//!
//! Influence values are those of the contexts' λ, weighted by how often each was chosen: they carry what the worst tenth
//! shares with λ₀. They leave out that the choice itself varies; where contexts are close, that is most of the variance.
//! The variance within one halving, given its choice, is exact, and averaging halvings cannot raise it (Jensen): the
//! difference is added as a part of its own. Simulated: `tests/coverage.rs`.
//!
//! The estimand is the λ of the contexts that half of the scenarios would choose. It is the worst tenth's own λ where
//! contexts are equal or far apart, and lies above it (towards keeping concern) where they are a standard error apart.

use std::collections::BTreeMap;

use crate::ladder::{self, LadderEstimate, Point};
use crate::linear::Linear;
use crate::random::Draws;

/// Random halvings.
const HALVINGS: usize = 40;

/// The worst ⌈10%⌉ of contexts.
pub struct Worst {
    /// Their λ.
    pub lambda: Linear,
    /// The same without the part for the choice: what scenarios alone contribute.
    pub smooth: Linear,
    /// Each cluster's influence within each halving, given what was chosen there.
    pub halvings: Vec<Vec<f64>>,
    /// Share of the halves in which each context was chosen; they sum to 1.
    pub shares: Vec<f64>,
}

/// λ of the worst ⌈10%⌉ of contexts. `points` and `ladders` hold one entry a context.
///
/// # Errors
/// A refusal in words when halves cannot be measured.
pub fn cross_fitted(points: &[Vec<Point>], ladders: &[&Linear], ratios: &[f64], seed: u64) -> Result<Worst, String> {
    let chosen_count = points.len().div_ceil(10);
    let strata = strata(points);
    let clusters = ladders.first().map_or(0, |linear| linear.influence.len());
    let mut draws = Draws::new(seed, 31);
    let (mut chosen, mut sum, mut count) = (vec![0.0; points.len()], 0.0, 0usize);
    let mut halvings = Vec::with_capacity(HALVINGS);
    for _ in 0..HALVINGS {
        let half = halve(&strata, clusters, &mut draws);
        let measure = |side: bool| -> Result<Vec<LadderEstimate>, String> {
            let own = |points: &Vec<Point>| -> Vec<Point> {
                points.iter().filter(|point| half[point.cluster] == side).copied().collect()
            };
            let found =
                points.iter().map(|points| ladder::fit(&own(points), ratios, clusters, None)).collect::<Result<_, _>>();
            found.map_err(|why| format!("half of the scenarios: {why}"))
        };
        let halves = [measure(true)?, measure(false)?];
        // Within one halving each cluster scores once: conditionally on the choice its influences are independent.
        // The halves share no cluster, so that one list holds both.
        let share = 1.0 / (2 * chosen_count) as f64;
        let mut influence = vec![0.0; clusters];
        for (choosing, scoring) in [(&halves[0], &halves[1]), (&halves[1], &halves[0])] {
            let mut order: Vec<usize> = (0..points.len()).collect();
            order.sort_by(|one, two| choosing[*one].lambda.total_cmp(&choosing[*two].lambda));
            for context in &order[..chosen_count] {
                let found = &scoring[*context];
                sum += found.lambda;
                influence.iter_mut().zip(&found.influence).for_each(|(total, part)| *total += share * part);
                chosen[*context] += 1.0;
                count += 1;
            }
        }
        halvings.push(influence);
    }
    let shares: Vec<f64> = chosen.iter().map(|times| times / count as f64).collect();
    let mut smooth = weighted(ladders, &shares);
    smooth.value = sum / count as f64;
    let mut lambda = smooth.clone();
    let excess = mean_square(halvings.iter().map(Vec::as_slice)) - lambda.error().powi(2);
    add_independent(&mut lambda, excess);
    Ok(Worst { lambda, smooth, halvings, shares })
}

/// How the worst tenth's retention differs between two runs on the same items, after less before; both were halved
/// alike (same seed), so that runs which agree differ by nothing and the choice's variance is that of the difference.
pub fn difference(before: (&Worst, &Linear), after: (&Worst, &Linear)) -> Linear {
    let retention = |(worst, under): (&Worst, &Linear)| Linear::ratio(&worst.smooth, under);
    let mut change = Linear::sum([(1.0, &retention(after)), (-1.0, &retention(before))]);
    let less = |one: &[f64], other: &[f64]| -> Vec<f64> {
        one.iter().zip(other).map(|(one, other)| one / after.1.value - other / before.1.value).collect()
    };
    let halvings: Vec<Vec<f64>> =
        after.0.halvings.iter().zip(&before.0.halvings).map(|(one, other)| less(one, other)).collect();
    let smooth = less(&after.0.smooth.influence, &before.0.smooth.influence);
    let excess = mean_square(halvings.iter().map(Vec::as_slice)) - mean_square([smooth.as_slice()].into_iter());
    add_independent(&mut change, excess);
    change
}

/// Mean over lists of their sums of squares.
fn mean_square<'a>(lists: impl ExactSizeIterator<Item = &'a [f64]>) -> f64 {
    let count = lists.len() as f64;
    lists.map(|list| list.iter().map(|part| part * part).sum::<f64>() / count).sum()
}

/// Σ share·λ over the contexts that have a share.
pub fn weighted(ladders: &[&Linear], shares: &[f64]) -> Linear {
    let chosen = shares.iter().zip(ladders).filter(|(share, _)| **share > 0.0);
    Linear::sum(chosen.map(|(share, linear)| (*share, *linear)))
}

/// Raises the variance by a part that is independent of everything else, spread over as many pieces as clusters carry
/// the rest, so that it has the same degrees of freedom.
fn add_independent(worst: &mut Linear, excess: f64) {
    if excess > 0.0 {
        let pieces = (worst.freedom() / worst.kept).ceil().max(1.0);
        worst.influence.extend(std::iter::repeat_n((excess / pieces).sqrt(), pieces as usize));
    }
}

/// Clusters that share their rungs in all contexts; each stratum is halved on its own, so that both halves meet every
/// rung. With distinct patterns everywhere there is one stratum.
fn strata(points: &[Vec<Point>]) -> Vec<Vec<usize>> {
    let mut patterns: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (context, points) in points.iter().enumerate() {
        for point in points {
            patterns.entry(point.cluster).or_default().push((context, point.rung));
        }
    }
    let mut strata: BTreeMap<Vec<(usize, usize)>, Vec<usize>> = BTreeMap::new();
    for (cluster, mut pattern) in patterns {
        pattern.sort_unstable();
        strata.entry(pattern).or_default().push(cluster);
    }
    let strata: Vec<Vec<usize>> = strata.into_values().collect();
    if strata.iter().all(|stratum| stratum.len() > 1) { strata } else { vec![strata.concat()] }
}

fn halve(strata: &[Vec<usize>], clusters: usize, draws: &mut Draws) -> Vec<bool> {
    let mut half = vec![false; clusters];
    for stratum in strata {
        let mut order = stratum.clone();
        draws.shuffle(&mut order);
        // An odd stratum gives its middle one to either side.
        let cut = order.len() / 2 + if order.len() % 2 == 1 { draws.below(2) } else { 0 };
        order[..cut].iter().for_each(|cluster| half[*cluster] = true);
    }
    half
}
