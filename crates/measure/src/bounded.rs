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
//! with nine misses of ten on one side). A difference of two such means takes its ends from theirs (Zou & Donner 2008,
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
    with_added(values, Added::Whole, seed, confidence)
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
    with_added(values, Added::Half, seed, confidence)
}

/// Interval of the mean of `pairs`' first values less that of their second, all within [0, 1], one pair of each independent unit.
pub fn paired_difference(pairs: &[(f64, f64)], seed: u64, confidence: f64) -> Option<(f64, f64)> {
    let (one, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ends = [half_added(&one, seed, confidence)?, half_added(&other, seed, confidence)?];
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means = [mean(&one), mean(&other)];
    let product = |one: &[f64], of: f64, other: &[f64], from: f64| -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - of) * (other - from)).sum()
    };
    let squares = product(&one, means[0], &one, means[0]) * product(&other, means[1], &other, means[1]);
    let shared = product(&one, means[0], &other, means[1]);
    let correlation = if squares > 0.0 { (shared / squares.sqrt()).clamp(-1.0, 1.0) } else { 0.0 };
    let apart = |one: f64, other: f64| (one * one + other * other - 2.0 * correlation * one * other).max(0.0).sqrt();
    let difference = means[0] - means[1];
    let below = apart(means[0] - ends[0].0, ends[1].1 - means[1]);
    let above = apart(ends[0].1 - means[0], means[1] - ends[1].0);
    Some(((difference - below).max(-1.0), (difference + above).min(1.0)))
}

/// How much of a value stands at the range's end.
#[derive(Clone, Copy)]
enum Added {
    Whole,
    Half,
}

fn with_added(values: &[f64], how_much: Added, seed: u64, confidence: f64) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let mut draws = Draws::new(seed, 47);
    let (mut lows, mut highs) = (Vec::with_capacity(DRAWS), Vec::with_capacity(DRAWS));
    for _ in 0..DRAWS {
        // Exponentials over their sum are flat Dirichlet weights; a Gamma variable of shape ½ is half a normal's square.
        let exponential = |draws: &mut Draws| -(1.0 - draws.unit()).ln();
        let added = match how_much {
            Added::Whole => exponential(&mut draws),
            Added::Half => exponential(&mut draws) * (2.0 * PI * draws.unit()).cos().powi(2),
        };
        let (mut sum, mut total) = (0.0, added);
        for value in values {
            let weight = exponential(&mut draws);
            sum += weight * value;
            total += weight;
        }
        lows.push(sum / total);
        highs.push((sum + added) / total);
    }
    let tail = (1.0 - confidence) / 2.0;
    let place = |share: f64| ((share * DRAWS as f64) as usize).min(DRAWS - 1);
    lows.sort_by(f64::total_cmp);
    highs.sort_by(f64::total_cmp);
    // Weights have no end, the range has: nothing above 1, whatever rounding says.
    Some((lows[place(tail)].max(0.0), highs[place(1.0 - tail)].min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::{gaffke, half_added, paired_difference};
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
    fn pairs_that_do_not_differ_have_no_room_between_them() {
        let pairs: Vec<(f64, f64)> =
            (0..16).map(|number| (f64::from(number) / 15.0, f64::from(number) / 15.0)).collect();
        let (low, high) = paired_difference(&pairs, 3, 0.95).expect("values");
        assert!(low > -0.1 && high < 0.1 && low <= 0.0 && high >= 0.0, "{low} {high}");
        assert!(paired_difference(&[], 3, 0.95).is_none());
    }
}
