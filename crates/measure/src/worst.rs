//! The worst tenth of contexts, cross-fitted: chosen on one half of the scenarios, measured on the other.
//!
//! Choosing and measuring on the same answers would make the worst look worse than it is. Halves are drawn at random,
//! many times; each half chooses for the other, and all measurements are averaged. The influence values are those of the
//! contexts' λ, weighted by how often each was chosen.

use std::collections::BTreeMap;

use crate::ladder::{self, Point};
use crate::linear::Linear;
use crate::random::Draws;

/// Random halvings.
const HALVINGS: usize = 40;

/// λ of the worst ⌈10%⌉ of contexts. `points` and `ladders` hold one entry a context.
///
/// # Errors
/// A refusal in words when halves cannot be measured.
pub fn cross_fitted(points: &[Vec<Point>], ladders: &[&Linear], ratios: &[f64], seed: u64) -> Result<Linear, String> {
    let chosen_count = points.len().div_ceil(10);
    let strata = strata(points);
    let clusters = ladders.first().map_or(0, |linear| linear.influence.len());
    let mut draws = Draws::new(seed, 31);
    let (mut chosen, mut sum, mut count) = (vec![0.0; points.len()], 0.0, 0usize);
    for _ in 0..HALVINGS {
        let half = halve(&strata, clusters, &mut draws);
        let lambda = |points: &[Point], side: bool| -> Result<f64, String> {
            let own: Vec<Point> = points.iter().filter(|point| half[point.cluster] == side).copied().collect();
            ladder::estimate(&own, ratios, clusters, 0.95).map(|found| found.lambda)
        };
        for side in [true, false] {
            let mut order: Vec<(f64, usize)> = Vec::with_capacity(points.len());
            for (context, points) in points.iter().enumerate() {
                order.push((lambda(points, side).map_err(|why| format!("half of the scenarios: {why}"))?, context));
            }
            order.sort_by(|one, two| one.0.total_cmp(&two.0));
            for (_, context) in &order[..chosen_count] {
                sum += lambda(&points[*context], !side).map_err(|why| format!("half of the scenarios: {why}"))?;
                chosen[*context] += 1.0;
                count += 1;
            }
        }
    }
    let terms = ladders.iter().zip(&chosen).filter(|(_, times)| **times > 0.0).map(|(linear, times)| (times / count as f64, *linear));
    let mut worst = Linear::sum(terms);
    worst.value = sum / count as f64;
    Ok(worst)
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
