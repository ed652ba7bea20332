//! The logarithm of a sum of exponentials, block by block.

use crate::extremes::highest;
use crate::ops::widest;

/// A log-sum-exp that grows block by block.
#[derive(Clone, Copy)]
pub(crate) struct LogSum {
    highest: f32,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        LogSum { highest: f32::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    /// Adds some logits.
    pub fn add(&mut self, logits: &[f32]) {
        let highest = match highest(logits) {
            none if none.is_nan() => none,
            highest => highest.max(self.highest),
        };
        let part = widest(
            #[inline(always)]
            || {
                let mut sums = [0.0f32; 16];
                for chunk in logits.chunks(16) {
                    for (sum, logit) in sums.iter_mut().zip(chunk) {
                        *sum += crate::ops::exponential(logit - highest);
                    }
                }
                sums.iter().map(|sum| f64::from(*sum)).sum::<f64>()
            },
        );
        let before = if self.sum == 0.0 { 0.0 } else { self.sum * f64::from(self.highest - highest).exp() };
        *self = LogSum { highest, sum: before + part };
    }

    /// ln Σ exp so far.
    pub fn value(&self) -> f64 {
        f64::from(self.highest) + self.sum.ln()
    }
}
