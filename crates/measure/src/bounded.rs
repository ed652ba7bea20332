//! The mean of few bounded values: an interval that knows of the value that was not drawn.
//!
//! Of twelve scenarios that all read 1, a t interval says that the mean is 1 exactly, and is wrong whenever one scenario in
//! ten reads 0. Gaffke's bound (2005; Learned-Miller & Thomas 2020, arXiv:1905.06208, section 3) adds one value at the end
//! of the range and weighs all n + 1 by a flat Dirichlet draw: the lower end is the α/2 quantile of Σ wᵢ·x₍ᵢ₎ with the
//! added value at the bottom, the upper end likewise from the top. For zeros and ones it is the exact interval of Clopper &
//! Pearson.
//!
//! Being exact for every population, it is wide for most: half of a value added, as Jeffreys adds half an observation to either
//! count, covers what it says on average over populations (simulated on organisms' replies: .96 to .98, Gaffke's .99, t .94 to .96
//! with nine misses of ten on one side). Where units are drawn within strata that are fixed, weights are drawn within each, and the
//! one added value is shared among them. A difference of two such means takes its ends from theirs (Zou & Donner 2008,
//! DOI 10.1002/sim.3095, equation 7, with their correlation over the units): right where the two part in some units, wide where
//! they hardly do (.999), since a unit that was not drawn may.

use std::f64::consts::PI;

use crate::random::Draws;

/// Draws of the weights.
const DRAWS: usize = 4000;

/// Interval of the mean of values within [0, 1], one of each independent unit. `None` without a value.
///
/// ```
/// use undermask_measure::bounded::gaffke;
/// // Twelve of twelve: Clopper & Pearson's lower end is (α/2)^(1/12) = .735.
/// let (low, high) = gaffke(&[1.0; 12], 1, 0.95).unwrap();
/// assert!((low - 0.735).abs() < 0.02 && (high - 1.0).abs() < 1e-9, "{low} {high}");
/// ```
pub fn gaffke(values: &[f64], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    with_added(&[values], Added::Whole, seed, confidence)
}

/// The same with half of a value added.
///
/// ```
/// use undermask_measure::bounded::half_added;
/// // Twelve of twelve: the α/2 quantile of a Beta distribution of 12 and ½.
/// let (low, high) = half_added(&[1.0; 12], 1, 0.95).unwrap();
/// assert!((low - 0.812).abs() < 0.02 && (high - 1.0).abs() < 1e-9, "{low} {high}");
/// ```
pub fn half_added(values: &[f64], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    with_added(&[values], Added::Half, seed, confidence)
}

/// The same where units are drawn within strata, which weigh alike: interval of the mean of the strata's means, with half of a
/// value shared among them. `None` where a stratum has no value.
pub fn half_added_in_strata(strata: &[Vec<f64>], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    with_added(&strata.iter().map(Vec::as_slice).collect::<Vec<_>>(), Added::Half, seed, confidence)
}

/// The same as [`half_added`] with a quarter of a value: where values are spread rather than all alike, half of one is too much.
pub fn quarter_added(values: &[f64], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    with_added(&[values], Added::Quarter, seed, confidence)
}

/// Interval of the mean of `pairs`' first values less that of their second, all within [0, 1], one pair of each independent unit.
pub fn paired_difference(pairs: &[(f64, f64)], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    let (one, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ends = [half_added(&one, seed, confidence)?, half_added(&other, seed, confidence)?];
    let means = [mean(&one), mean(&other)];
    Some(difference(means, ends, correlation(pairs)))
}

/// Ends of a difference of two means from theirs and from their correlation (Zou & Donner 2008, equation 7).
pub fn difference(means: [f64; 2], ends: [(f64, f64); 2], correlation: f64) -> (f64, f64) {
    let apart = |one: f64, other: f64| (one * one + other * other - 2.0 * correlation * one * other).max(0.0).sqrt();
    let difference = means[0] - means[1];
    let below = apart(means[0] - ends[0].0, ends[1].1 - means[1]);
    let above = apart(ends[0].1 - means[0], means[1] - ends[1].0);
    ((difference - below).max(-1.0), (difference + above).min(1.0))
}

/// Correlation of pairs; 0 where either does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let (one, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (from_one, from_other) = (mean(&one), mean(&other));
    let product = |values: &[f64], from: f64, others: &[f64], other_from: f64| -> f64 {
        values.iter().zip(others).map(|(one, other)| (one - from) * (other - other_from)).sum()
    };
    let squares = product(&one, from_one, &one, from_one) * product(&other, from_other, &other, from_other);
    let shared = product(&one, from_one, &other, from_other);
    if squares > 0.0 { (shared / squares.sqrt()).clamp(-1.0, 1.0) } else { 0.0 }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How much of a value stands at the range's end.
#[derive(Clone, Copy)]
enum Added {
    Whole,
    Half,
    Quarter,
}

impl Added {
    /// A Gamma variable of shape 1, ½ or ¼.
    fn draw(self, draws: &mut Draws) -> f64 {
        match self {
            Added::Whole => exponential(draws),
            // Half of a normal's square.
            Added::Half => exponential(draws) * (2.0 * PI * draws.unit()).cos().powi(2),
            // Jöhnk (1964): an exponential times a Beta variable of ¼ and ¾.
            Added::Quarter => loop {
                let (one, other) = (draws.unit().powi(4), draws.unit().powf(4.0 / 3.0));
                if one + other <= 1.0 && one + other > 0.0 {
                    break exponential(draws) * one / (one + other);
                }
            },
        }
    }
}

fn exponential(draws: &mut Draws) -> f64 {
    -(1.0 - draws.unit()).ln()
}

/// Interval of a statistic of the means of two values of each unit, which falls towards one extreme unit and rises towards the other:
/// a quarter of the one is added below, of the other above. `None` without a unit.
pub fn quarter_added_to_pairs(
    units: &[[f64; 2]],
    extremes: [[f64; 2]; 2],
    statistic: impl Fn([f64; 2]) -> f64,
    seed: u64,
    confidence: f64,
) -> Option<(f64, f64)> {
    if units.is_empty() {
        return None;
    }
    let draw = |draws: &mut Draws| {
        let added = Added::Quarter.draw(draws);
        let (mut sums, mut total) = ([0.0; 2], added);
        for unit in units {
            let weight = exponential(draws);
            (sums[0], sums[1], total) = (sums[0] + weight * unit[0], sums[1] + weight * unit[1], total + weight);
        }
        let with = |extreme: [f64; 2]| statistic([0, 1].map(|part| (sums[part] + added * extreme[part]) / total));
        (with(extremes[0]), with(extremes[1]))
    };
    Some(ends(draw, seed, confidence))
}

fn with_added(strata: &[&[f64]], how_much: Added, seed: u64, confidence: f64) -> Option<(f64, f64)> {
    if strata.is_empty() || strata.iter().any(|values| values.is_empty()) {
        return None;
    }
    let share = 1.0 / strata.len() as f64;
    let draw = |draws: &mut Draws| {
        let added = share * how_much.draw(draws);
        let (mut low, mut high) = (0.0, 0.0);
        for values in strata {
            let (mut sum, mut total) = (0.0, added);
            for value in *values {
                let weight = exponential(draws);
                sum += weight * value;
                total += weight;
            }
            low += share * sum / total;
            high += share * (sum + added) / total;
        }
        (low, high)
    };
    let (low, high) = ends(draw, seed, confidence);
    // Weights have no end, the range has: nothing above 1, whatever rounding says.
    Some((low.max(0.0), high.min(1.0)))
}

/// The tails' quantiles of what is drawn for either end. Exponentials over their sum are flat Dirichlet weights.
fn ends(draw: impl Fn(&mut Draws) -> (f64, f64), seed: u64, confidence: f64) -> (f64, f64) {
    let mut draws = Draws::new(seed, 47);
    let (mut lows, mut highs): (Vec<f64>, Vec<f64>) = (0..DRAWS).map(|_| draw(&mut draws)).unzip();
    let tail = (1.0 - confidence) / 2.0;
    let place = |share: f64| ((share * DRAWS as f64) as usize).min(DRAWS - 1);
    lows.sort_by(f64::total_cmp);
    highs.sort_by(f64::total_cmp);
    (lows[place(tail)], highs[place(1.0 - tail)])
}

#[cfg(test)]
mod tests {
    use super::{Added, gaffke, half_added, half_added_in_strata, paired_difference, quarter_added};
    use crate::linear::clustered_mean;
    use crate::random::Draws;

    /// Shares of 600 samples of twelve whose interval holds the mean: Gaffke's, and the t interval's.
    fn coverage(population: &[f64]) -> (f64, f64) {
        let mean = population.iter().sum::<f64>() / population.len() as f64;
        let mut draws = Draws::new(9, 1);
        let (mut exact, mut student) = (0, 0);
        for seed in 0..600 {
            let sample: Vec<f64> = (0..12).map(|_| population[draws.below(population.len())]).collect();
            let (low, high) = gaffke(&sample, seed, 0.95).expect("values");
            exact += u32::from(low <= mean && mean <= high);
            let rows: Vec<(usize, f64)> = sample.iter().copied().enumerate().collect();
            let (low, high) = clustered_mean(&rows, 12).expect("values").interval(0.95);
            student += u32::from(low <= mean && mean <= high);
        }
        (f64::from(exact) / 600.0, f64::from(student) / 600.0)
    }

    #[test]
    fn one_scenario_in_twelve_that_differs_is_not_forgotten() {
        let mut population = [0.998; 12];
        population[4] = 0.2;
        let (exact, student) = coverage(&population);
        assert!(exact >= 0.95, "{exact}");
        assert!(student < 0.75, "the t interval forgets it: {student}");
    }

    #[test]
    fn spread_values_are_covered_without_much_more() {
        let population: Vec<f64> = (0..40).map(|number| f64::from(number) / 39.0).collect();
        let (exact, _) = coverage(&population);
        assert!((0.95..0.995).contains(&exact), "{exact}");
    }

    #[test]
    fn half_of_a_value_covers_what_it_says_where_a_whole_one_covers_more() {
        // Most read 1, some read less: what organisms' replies look like.
        let population: Vec<f64> = (0..48).map(|number| (f64::from(number) / 12.0).min(1.0).powi(2)).collect();
        let mean = population.iter().sum::<f64>() / 48.0;
        let mut draws = Draws::new(4, 1);
        let (mut half, mut whole, mut apart) = (0, 0, 0);
        for seed in 0..1000 {
            let sample: Vec<f64> = (0..16).map(|_| population[draws.below(48)]).collect();
            let holds = |(low, high): (f64, f64)| u32::from(low <= mean && mean <= high);
            half += holds(half_added(&sample, seed, 0.95).expect("values"));
            whole += holds(gaffke(&sample, seed, 0.95).expect("values"));
            // A second value that goes with the first in two of three units, and is none in the third.
            let mut second = |value: f64| if draws.below(3) > 0 { value } else { 0.0 };
            let pairs: Vec<(f64, f64)> = sample.iter().map(|value| (*value, second(*value))).collect();
            let (low, high) = paired_difference(&pairs, seed, 0.95).expect("values");
            apart += u32::from(low <= mean / 3.0 && mean / 3.0 <= high);
        }
        assert!((935..=982).contains(&half), "{half}");
        assert!(whole > half, "{whole} {half}");
        assert!((930..=990).contains(&apart), "{apart}");
    }

    #[test]
    fn a_quarter_is_a_gamma_variable_of_that_shape() {
        let mut draws = Draws::new(3, 3);
        let drawn: Vec<f64> = (0..100_000).map(|_| Added::Quarter.draw(&mut draws)).collect();
        let mean = drawn.iter().sum::<f64>() / 1e5;
        let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 1e5;
        // Mean and variance are the shape; P(X < .01) = .2961/Γ(1.25)·… by series: γ(¼, .01)/Γ(¼) = .3481.
        assert!((mean - 0.25).abs() < 0.008 && (variance - 0.25).abs() < 0.02, "{mean} {variance}");
        let below = drawn.iter().filter(|value| **value < 0.01).count() as f64 / 1e5;
        assert!((below - 0.3481).abs() < 0.006, "{below}");
    }

    /// Four themes of five, whose levels differ and are fixed: pooling them counts that as chance.
    #[test]
    fn strata_are_not_chance() {
        let levels = [0.2, 0.4, 0.6, 0.8];
        let mut draws = Draws::new(8, 1);
        let (mut held, mut within, mut pooled) = (0, 0.0, 0.0);
        for seed in 0..400 {
            let strata: Vec<Vec<f64>> =
                levels.iter().map(|level| (0..5).map(|_| level + 0.1 * (draws.unit() - 0.5)).collect()).collect();
            let (low, high) = half_added_in_strata(&strata, seed, 0.95).expect("values");
            held += u32::from(low <= 0.5 && 0.5 <= high);
            within += high - low;
            let (low, high) = half_added(&strata.concat(), seed, 0.95).expect("values");
            pooled += high - low;
        }
        assert!(held >= 372, "{held}");
        assert!(within < 0.7 * pooled, "{within} {pooled}");
        assert!(half_added_in_strata(&[vec![0.5], Vec::new()], 1, 0.95).is_none());
        assert!(
            quarter_added(&[1.0; 12], 1, 0.95).expect("values").0 > half_added(&[1.0; 12], 1, 0.95).expect("values").0
        );
    }

    #[test]
    fn pairs_that_do_not_differ_have_no_room_between_them() {
        let pairs: Vec<(f64, f64)> =
            (0..16).map(|number| (f64::from(number) / 15.0, f64::from(number) / 15.0)).collect();
        let (low, high) = paired_difference(&pairs, 3, 0.95).expect("values");
        assert!(low > -0.1 && high < 0.1 && low <= 0.0 && high >= 0.0, "{low} {high}");
        assert!(paired_difference(&[], 3, 0.95).is_none());
    }
}
