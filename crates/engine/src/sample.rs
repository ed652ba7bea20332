//! From logits to a token: greedy, or drawn after temperature, top-k, top-p and min-p, in this order.
//!
//! The filters keep what transformers' logits processors keep. Randomness is counted, not carried along: the number for
//! a draw is a hash of the seed, the stream and the step, so that a sequence draws the same alone and in any batch.

use crate::EngineError;
use crate::extremes::{first_equal, highest};
use crate::logsum::LogSum;

/// How a token is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 is greedy, and the filters are then without effect.
    pub temperature: f32,
    /// Keeps as many of the most probable tokens, and those as probable as the last of them.
    pub top_k: Option<usize>,
    /// Keeps the most probable tokens up to the one at which their probabilities reach this (Holtzman et al. 2020).
    pub top_p: Option<f32>,
    /// Keeps tokens at least this many times as probable as the most probable one.
    pub min_p: Option<f32>,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { temperature: 0.0, top_k: None, top_p: None, min_p: None, seed: 0 }
    }
}

impl Sampling {
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let wrong = |why: String| Err(EngineError::Request(why));
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return wrong(format!("temperature {}: it must be 0 or more", self.temperature));
        }
        if self.top_k == Some(0) {
            return wrong("top-k 0 would keep no token; leave it out to keep all".to_owned());
        }
        if let Some(top_p) = self.top_p.filter(|top_p| !(*top_p > 0.0 && *top_p <= 1.0)) {
            return wrong(format!("top-p {top_p}: it must be over 0 and at most 1"));
        }
        match self.min_p.filter(|min_p| !(0.0..=1.0).contains(min_p)) {
            Some(min_p) => wrong(format!("min-p {min_p}: it must lie between 0 and 1")),
            None => Ok(()),
        }
    }

    /// The tokens that the filters keep and their probabilities, in order of tokens. Logits must be finite.
    ///
    /// # Errors
    /// [`EngineError::Request`] for a setting out of range or no logit.
    pub fn distribution(&self, logits: &[f32]) -> Result<Vec<(u32, f64)>, EngineError> {
        self.check()?;
        if logits.is_empty() || logits.len() > u32::MAX as usize {
            return Err(EngineError::Request(format!("{} logits are none to draw from", logits.len())));
        }
        Ok(self.kept(logits))
    }

    fn kept(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        if self.temperature == 0.0 {
            return vec![(best(logits), 1.0)];
        }
        let mut kept: Vec<(u32, f32)> =
            logits.iter().enumerate().map(|(token, logit)| (token as u32, logit / self.temperature)).collect();
        if let Some(count) = self.top_k.filter(|count| *count < kept.len()) {
            let mut values: Vec<f32> = kept.iter().map(|(_, logit)| *logit).collect();
            let (_, last, _) = values.select_nth_unstable_by(count - 1, |one, two| two.total_cmp(one));
            let last = *last;
            kept.retain(|(_, logit)| *logit >= last);
        }
        if let Some(share) = self.top_p.filter(|share| *share < 1.0) {
            kept.sort_unstable_by(|one, two| two.1.total_cmp(&one.1).then(one.0.cmp(&two.0)));
            let mut before = 0.0;
            let probabilities = softmax(&kept);
            let count = probabilities
                .iter()
                .take_while(|probability| {
                    let keep = before < f64::from(share);
                    before += **probability;
                    keep
                })
                .count();
            kept.truncate(count.max(1));
            kept.sort_unstable_by_key(|(token, _)| *token);
        }
        let mut probabilities = softmax(&kept);
        if let Some(share) = self.min_p {
            let floor = probabilities.iter().fold(0.0f64, |highest, value| highest.max(*value)) * f64::from(share);
            let mut each = probabilities.iter();
            kept.retain(|_| each.next().is_some_and(|probability| *probability >= floor));
            probabilities = softmax(&kept);
        }
        kept.iter().map(|(token, _)| *token).zip(probabilities).collect()
    }

    /// Draws a token: the same for the same logits, seed, stream and step.
    pub(crate) fn draw(&self, logits: &[f32], stream: u64, step: u64) -> u32 {
        let kept = self.kept(logits);
        pick(kept.iter().map(|(_, probability)| *probability), uniform(self.seed, stream, step))
            .map_or(kept[0].0, |index| kept[index].0)
    }
}

/// The most probable token, the first of equal ones.
fn best(logits: &[f32]) -> u32 {
    first_equal(logits, highest(logits)).unwrap_or(0) as u32
}

/// ln p of a token under the model itself: no temperature, no filter.
pub(crate) fn log_probability(logits: &[f32], token: u32) -> f64 {
    let mut sum = LogSum::default();
    sum.add(logits);
    f64::from(logits[token as usize]) - sum.value()
}

fn softmax(kept: &[(u32, f32)]) -> Vec<f64> {
    let highest = kept.iter().fold(f32::NEG_INFINITY, |highest, (_, logit)| highest.max(*logit));
    let raised: Vec<f64> = kept.iter().map(|(_, logit)| f64::from(logit - highest).exp()).collect();
    let sum: f64 = raised.iter().sum();
    raised.into_iter().map(|value| value / sum).collect()
}

/// Where a number in [0, 1) falls among probabilities; the last one where rounding leaves it beyond.
pub(crate) fn pick(probabilities: impl Iterator<Item = f64>, number: f64) -> Option<usize> {
    let mut sum = 0.0;
    let mut last = None;
    for (index, probability) in probabilities.enumerate() {
        if probability > 0.0 {
            last = Some(index);
        }
        sum += probability;
        if number < sum {
            return Some(index);
        }
    }
    last
}

/// A number in [0, 1) from the hash of three.
pub(crate) fn uniform(seed: u64, stream: u64, step: u64) -> f64 {
    let mut hasher = blake3::Hasher::new();
    for number in [seed, stream, step] {
        hasher.update(&number.to_le_bytes());
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::{Sampling, uniform};

    #[test]
    fn draws_follow_the_distribution_and_the_seed() {
        let logits = [1.0, 0.0, 2.0, -1.0];
        let sampling = Sampling { temperature: 1.0, seed: 5, ..Sampling::default() };
        let kept = sampling.distribution(&logits).expect("a distribution");
        let mut counts = [0u32; 4];
        for step in 0..20_000 {
            counts[sampling.draw(&logits, 1, step) as usize] += 1;
        }
        for (token, probability) in kept {
            let share = f64::from(counts[token as usize]) / 20_000.0;
            assert!((share - probability).abs() < 0.015, "{token}: {share} for {probability}");
        }
        assert_eq!(sampling.draw(&logits, 3, 4), sampling.draw(&logits, 3, 4));
        assert_ne!(uniform(1, 2, 3), uniform(1, 3, 2));
        assert_eq!(Sampling::default().draw(&logits, 0, 0), 2);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for sampling in [
            Sampling { temperature: -1.0, ..Sampling::default() },
            Sampling { temperature: f32::NAN, ..Sampling::default() },
            Sampling { top_k: Some(0), ..Sampling::default() },
            Sampling { top_p: Some(0.0), ..Sampling::default() },
            Sampling { top_p: Some(1.5), ..Sampling::default() },
            Sampling { min_p: Some(-0.1), ..Sampling::default() },
        ] {
            assert!(sampling.distribution(&[0.0, 1.0]).is_err(), "{sampling:?}");
        }
        assert!(Sampling::default().distribution(&[]).is_err());
    }
}
