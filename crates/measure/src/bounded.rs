//! The mean of few bounded values: an interval that knows of the value that was not drawn.
//!
//! Of twelve scenarios that all read 1, a t interval says that the mean is 1 exactly, and is wrong whenever one scenario in
//! ten reads 0. Gaffke's bound (2005; Learned-Miller & Thomas 2020, arXiv:1905.06208, section 3) adds one value at the end
//! of the range and weighs all n + 1 by a flat Dirichlet draw: the lower end is the α/2 quantile of Σ wᵢ·x₍ᵢ₎ with the
//! added value at the bottom, the upper end likewise from the top. For zeros and ones it is the exact interval of Clopper &
//! Pearson.

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
    if values.is_empty() {
        return None;
    }
    let mut draws = Draws::new(seed, 47);
    let (mut lows, mut highs) = (Vec::with_capacity(DRAWS), Vec::with_capacity(DRAWS));
    for _ in 0..DRAWS {
        // Exponentials over their sum are flat Dirichlet weights.
        let mut exponential = || -(1.0 - draws.unit()).ln();
        let added = exponential();
        let (mut sum, mut total) = (0.0, added);
        for value in values {
            let weight = exponential();
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
    use super::gaffke;
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
}
