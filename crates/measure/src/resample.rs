//! The bootstrap by cluster, for quantities that are not linear in the data.

use crate::random::Draws;

/// Percentile interval of a statistic of clusters: clusters are drawn with replacement and the statistic sees how often
/// each was drawn (Davison & Hinkley 1997, section 3.8). Draws on which the statistic is undefined are left out; `None`
/// when more than a tenth is.
///
/// ```
/// use undermask_measure::clustered;
/// let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
/// let mean = |weights: &[f64]| Some(weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f64>() / 9.0);
/// let (low, high) = clustered(9, 2000, 1, 0.95, mean).unwrap();
/// assert!((3.0..4.0).contains(&low) && (6.0..7.0).contains(&high));
/// ```
pub fn clustered(
    clusters: usize,
    resamples: usize,
    seed: u64,
    confidence: f64,
    statistic: impl Fn(&[f64]) -> Option<f64>,
) -> Option<(f64, f64)> {
    let mut draws = Draws::new(seed, 11);
    let mut values = Vec::with_capacity(resamples);
    let mut weights = vec![0.0; clusters];
    for _ in 0..resamples {
        weights.fill(0.0);
        for _ in 0..clusters {
            weights[draws.below(clusters)] += 1.0;
        }
        values.extend(statistic(&weights).filter(|value| value.is_finite()));
    }
    (values.len() * 10 >= resamples * 9 && !values.is_empty()).then(|| percentiles(values, confidence))
}

/// The outer quantiles, interpolated as R's type 7.
pub fn percentiles(mut values: Vec<f64>, confidence: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    };
    (quantile(0.5 - confidence / 2.0), quantile(0.5 + confidence / 2.0))
}
