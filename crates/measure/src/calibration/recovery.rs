//! How well a known value is recovered: bias, error, slope and correlation of estimates against realised truth.
//!
//! Truth is the regressor. It comes from exact enumeration, so it carries no error, and ordinary least squares of the
//! estimate on it is unbiased; a Deming fit would share out an error that is not there.

use serde::{Deserialize, Serialize};

use super::proportion::normal_quantile;
use crate::special::student_quantile;

/// A known value and what was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The organism: the cluster.
    pub group: usize,
    /// Realised truth.
    pub truth: f64,
    /// Estimate.
    pub estimate: f64,
}

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How well one quantity is recovered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Pairs.
    pub n: usize,
    /// Organisms: the clusters of every interval here.
    pub organisms: usize,
    /// Mean of estimate − truth; absent with fewer than two organisms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Spread>,
    /// Root mean squared error.
    pub rmse: f64,
    /// Largest |estimate − truth|.
    pub largest: f64,
    /// Slope of the estimate on truth, least squares; absent where truth hardly varies or there are fewer than four organisms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope: Option<Spread>,
    /// Pearson correlation; its interval (Fisher's z) only where every organism gives one pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
    /// Interval of the correlation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_interval: Option<(f64, f64)>,
    /// Mean of |estimate − truth|/|truth|, for thresholds only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
}

/// Truth that varies less than this (standard deviation) says nothing of a slope.
const LEAST_SPREAD: f64 = 0.02;

/// Bias, errors, slope and correlation. `None` without a pair.
///
/// The slope's variance is the cluster sandwich (Liang & Zeger 1986) with the usual small-sample factor
/// G/(G − 1)·(N − 1)/(N − 2) and Student's t on G − 1 degrees of freedom, G organisms; the bias's likewise.
///
/// ```
/// use undermask_measure::calibration::{Pair, recovery};
/// let pairs: Vec<Pair> = (0..6)
///     .map(|group| Pair { group, truth: group as f64, estimate: 2.0 * group as f64 })
///     .collect();
/// let found = recovery(&pairs, false, 0.95).unwrap();
/// assert!((found.slope.unwrap().estimate - 2.0).abs() < 1e-12);
/// assert!((found.bias.unwrap().estimate - 2.5).abs() < 1e-12);
/// ```
pub fn recovery(pairs: &[Pair], relative: bool, confidence: f64) -> Option<Recovery> {
    if pairs.is_empty() {
        return None;
    }
    let n = pairs.len() as f64;
    let organisms = groups(pairs);
    let errors: Vec<f64> = pairs.iter().map(|pair| pair.estimate - pair.truth).collect();
    let bias = errors.iter().sum::<f64>() / n;
    let t = |clusters: usize| student_quantile(0.5 + confidence / 2.0, (clusters - 1) as f64);
    let around = |estimate: f64, error: f64, clusters: usize| {
        let half = t(clusters) * error;
        Spread { estimate, low: estimate - half, high: estimate + half }
    };
    let clusters = organisms.len();
    let bias_spread = (clusters >= 2).then(|| {
        let centred: Vec<f64> = errors.iter().map(|error| error - bias).collect();
        let factor = clusters as f64 / (clusters - 1) as f64;
        around(bias, (factor * meat(pairs, &centred, &organisms)).sqrt() / n, clusters)
    });
    let (slope, correlation) = line(pairs, &organisms);
    let interval = correlation.filter(|_| clusters == pairs.len() && pairs.len() > 3).map(|r| {
        // At |r| = 1 Fisher's z is infinite and so is the interval's end: it stays 1.
        let (z, half) = (r.atanh(), normal_quantile(0.5 + confidence / 2.0) / (n - 3.0).sqrt());
        ((z - half).tanh(), (z + half).tanh())
    });
    let usable: Vec<&Pair> = pairs.iter().filter(|pair| pair.truth.abs() > 1e-9).collect();
    Some(Recovery {
        n: pairs.len(),
        organisms: clusters,
        bias: bias_spread,
        rmse: (errors.iter().map(|error| error * error).sum::<f64>() / n).sqrt(),
        largest: errors.iter().fold(0.0, |largest: f64, error| largest.max(error.abs())),
        slope: slope.filter(|_| clusters >= 4).map(|(slope, error)| around(slope, error, clusters)),
        correlation,
        correlation_interval: interval,
        relative: (relative && !usable.is_empty()).then(|| {
            let sum: f64 = usable.iter().map(|pair| (pair.estimate - pair.truth).abs() / pair.truth.abs()).sum();
            sum / usable.len() as f64
        }),
    })
}

fn groups(pairs: &[Pair]) -> Vec<usize> {
    let mut groups: Vec<usize> = pairs.iter().map(|pair| pair.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Σ over clusters of (Σ of the scores within)².
fn meat(pairs: &[Pair], scores: &[f64], groups: &[usize]) -> f64 {
    let mut sums = vec![0.0; groups.len()];
    for (pair, score) in pairs.iter().zip(scores) {
        if let Ok(place) = groups.binary_search(&pair.group) {
            sums[place] += score;
        }
    }
    sums.iter().map(|sum| sum * sum).sum()
}

/// Slope with its standard error, and correlation; absent where truth or estimate does not vary.
fn line(pairs: &[Pair], organisms: &[usize]) -> (Option<(f64, f64)>, Option<f64>) {
    let (n, clusters) = (pairs.len() as f64, organisms.len() as f64);
    let mean = |of: fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|pair| pair.truth), mean(|pair| pair.estimate));
    let sum = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>();
    let xx = sum(&|pair| (pair.truth - x).powi(2));
    let yy = sum(&|pair| (pair.estimate - y).powi(2));
    let xy = sum(&|pair| (pair.truth - x) * (pair.estimate - y));
    if pairs.len() < 4 || (xx / n).sqrt() < LEAST_SPREAD {
        return (None, None);
    }
    let slope = xy / xx;
    let scores: Vec<f64> =
        pairs.iter().map(|pair| (pair.truth - x) * (pair.estimate - y - slope * (pair.truth - x))).collect();
    let factor = if clusters > 1.0 { clusters / (clusters - 1.0) * (n - 1.0) / (n - 2.0) } else { f64::NAN };
    let error = (factor * meat(pairs, &scores, organisms)).sqrt() / xx;
    let correlation = (yy > 0.0).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0));
    (Some((slope, error)).filter(|(_, error)| error.is_finite()), correlation)
}
