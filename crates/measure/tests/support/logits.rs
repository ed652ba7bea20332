//! Logits of a scripted actor with what items differ by, and the answers that they make.

use std::collections::HashMap;

use undermask_store::{LabelScore, Outcome};
use undermask_suite::{ItemKind, Trial, menu_position};

use super::Chance;

/// What every option of every item was moved by; both orders of an item are moved alike.
#[derive(Default)]
pub struct Noises<'a>(HashMap<(&'a str, usize), f64>);

impl<'a> Noises<'a> {
    /// Moves a trial's logits by noise of this deviation, and what comes first by `first`.
    pub fn add(&mut self, trial: &'a Trial, logits: &mut [f64], (deviation, first): (f64, f64), chance: &mut Chance) {
        let count = logits.len();
        for (place, logit) in logits.iter_mut().enumerate() {
            // What stands at this place: a position of a menu, or the target of a pair.
            let shown = match (trial.kind, trial.order) {
                (ItemKind::Choice, Some(order)) => menu_position(place, trial.target, order, count),
                (ItemKind::Instrument, _) if place == trial.target => 0,
                _ => continue,
            };
            *logit += *self.0.entry((&trial.item, shown)).or_insert_with(|| deviation * chance.normal());
        }
        if trial.order.is_some() {
            logits[0] += first;
        }
    }
}

/// Probabilities proportional to e^logit.
pub fn of_logits(logits: &[f64]) -> Outcome {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = top + logits.iter().map(|logit| (logit - top).exp()).sum::<f64>().ln();
    let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
    Outcome::Answered { scores: logits.iter().map(score).collect() }
}
