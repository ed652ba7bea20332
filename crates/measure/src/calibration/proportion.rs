//! Shares of successes with their intervals: the certificate's verdicts, false positives and coverages.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

/// So many of so many, with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Successes.
    pub count: usize,
    /// Trials.
    pub of: usize,
    /// count/of; 0 where nothing was tried.
    pub estimate: f64,
    /// Lower end of Wilson's interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// With Wilson's interval at this confidence. Nothing tried: the whole of [0, 1].
    pub fn of(count: usize, of: usize, confidence: f64) -> Share {
        let (low, high) = wilson(count, of, confidence);
        Share { count, of, estimate: if of == 0 { 0.0 } else { count as f64 / of as f64 }, low, high }
    }
}

/// The standard normal quantile.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

/// Wilson's score interval (Wilson 1927): the shares p for which (p̂ − p)² ≤ z²·p(1 − p)/n.
///
/// ```
/// use undermask_measure::calibration::wilson;
/// let (low, high) = wilson(0, 100, 0.95);
/// assert!(low == 0.0 && (high - 0.0370).abs() < 1e-4);
/// ```
pub fn wilson(count: usize, of: usize, confidence: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (of as f64, count as f64 / of as f64);
    let z = normal_quantile(0.5 + confidence / 2.0);
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // Rounding must not push an end past what was seen.
    let low = if count == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if count == of { 1.0 } else { (centre + half).min(1.0) };
    (low, high)
}

/// The exact interval (Clopper & Pearson 1934): each end is the share at which the tail beyond what was seen is
/// (1 − confidence)/2.
///
/// ```
/// use undermask_measure::calibration::clopper_pearson;
/// let (low, high) = clopper_pearson(10, 10, 0.95);
/// assert!(high == 1.0 && (low - 0.025_f64.powf(0.1)).abs() < 1e-9);
/// ```
pub fn clopper_pearson(count: usize, of: usize, confidence: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let tail = (1.0 - confidence) / 2.0;
    let (k, n) = (count as f64, of as f64);
    let low = if count == 0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let high = if count == of { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, n - k) };
    (low, high)
}

/// By halving: the library's own inversion stops early.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if beta_reg(a, b, middle) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
