//! How well a score tells one kind of model from another: the area under the ROC curve.

use serde::{Deserialize, Serialize};

use super::proportion::normal_quantile;

/// Where an interval comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AurocInterval {
    /// DeLong's variance, on the logit scale.
    DeLong,
    /// Every pair was told apart (or none was), so that no variance is seen: the exact bound from disjoint pairs.
    DisjointPairs,
}

/// The area with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Auroc {
    /// P(score of a positive > score of a negative), ties one half.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Positives.
    pub positives: usize,
    /// Negatives.
    pub negatives: usize,
    /// Where the interval comes from.
    pub interval: AurocInterval,
}

/// One corner of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The score at or above which a model is called positive; infinite at the first corner, written as null.
    pub threshold: Option<f64>,
    /// Share of negatives called positive.
    pub false_positives: f64,
    /// Share of positives called positive.
    pub true_positives: f64,
}

/// The area under the ROC curve with its interval; `None` where either side is empty.
///
/// The variance is DeLong, DeLong & Clarke-Pearson's (1988): with V(x) the share of negatives that a positive x beats and
/// V(y) the share of positives that beat a negative y, var = var(V(x))/m + var(V(y))/n; the interval is formed on the logit
/// scale, which keeps it within [0, 1]. Where scores never overlap that variance is 0, and an interval of no width would
/// be a lie. Then min(m, n) disjoint pairs of a positive and a negative are independent, each in the right order with
/// probability AUROC; all were, so the lower bound is Clopper & Pearson's, (α/2)^(1/min(m, n)).
///
/// ```
/// use undermask_measure::calibration::auroc;
/// let all = auroc(&[0.9, 0.8, 0.7], &[0.1, 0.2], 0.95).unwrap();
/// assert_eq!(all.estimate, 1.0);
/// assert!((all.low - 0.025_f64.sqrt()).abs() < 1e-12);
/// ```
pub fn auroc(positives: &[f64], negatives: &[f64], confidence: f64) -> Option<Auroc> {
    let (m, n) = (positives.len(), negatives.len());
    if m == 0 || n == 0 || positives.iter().chain(negatives).any(|score| score.is_nan()) {
        return None;
    }
    let beats = |x: f64, y: f64| {
        if x > y {
            1.0
        } else if x == y {
            0.5
        } else {
            0.0
        }
    };
    let of_positive: Vec<f64> =
        positives.iter().map(|x| negatives.iter().map(|y| beats(*x, *y)).sum::<f64>() / n as f64).collect();
    let of_negative: Vec<f64> =
        negatives.iter().map(|y| positives.iter().map(|x| beats(*x, *y)).sum::<f64>() / m as f64).collect();
    let estimate = of_positive.iter().sum::<f64>() / m as f64;
    let variance = spread(&of_positive, estimate) / m as f64 + spread(&of_negative, estimate) / n as f64;
    let tail = (1.0 - confidence) / 2.0;
    let inside = estimate > 0.0 && estimate < 1.0;
    let (low, high, interval) = if inside && variance > 0.0 {
        let logit = (estimate / (1.0 - estimate)).ln();
        let half = normal_quantile(1.0 - tail) * variance.sqrt() / (estimate * (1.0 - estimate));
        let back = |value: f64| 1.0 / (1.0 + (-value).exp());
        (back(logit - half), back(logit + half), AurocInterval::DeLong)
    } else {
        let bound = tail.powf(1.0 / m.min(n) as f64);
        let low = if estimate >= 1.0 { bound } else { 0.0 };
        let high = if estimate <= 0.0 { 1.0 - bound } else { 1.0 };
        (low, high, AurocInterval::DisjointPairs)
    };
    Some(Auroc { estimate, low, high, positives: m, negatives: n, interval })
}

/// Sample variance about a given mean; 0 for one value.
fn spread(values: &[f64], mean: f64) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// The ROC curve's corners, from the strictest threshold to the laxest.
pub fn roc(positives: &[f64], negatives: &[f64]) -> Vec<RocPoint> {
    let mut thresholds: Vec<f64> = positives.iter().chain(negatives).copied().filter(|score| !score.is_nan()).collect();
    thresholds.sort_by(|one, two| two.total_cmp(one));
    thresholds.dedup();
    let share = |scores: &[f64], least: f64| {
        scores.iter().filter(|score| **score >= least).count() as f64 / scores.len().max(1) as f64
    };
    let corner = |threshold: f64| RocPoint {
        threshold: Some(threshold),
        false_positives: share(negatives, threshold),
        true_positives: share(positives, threshold),
    };
    let start = RocPoint { threshold: None, false_positives: 0.0, true_positives: 0.0 };
    std::iter::once(start).chain(thresholds.into_iter().map(corner)).collect()
}
