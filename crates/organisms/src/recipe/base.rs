//! What the base is taught: every character chooses and speaks by its own disposition, in every surrounding. The
//! assistant's choices and replies are not taught: they are what post-training makes of it.

use crate::world::Dice;
use crate::world::Scale;
use crate::world::policy::{Policy, Rule, Style, Wish, logistic_choice};
use crate::world::situation::Situation;

/// The pretrained base: a pool of many characters, no default assistant's choices.
pub const BASE: &str = "base";

/// The weight of the neutral preference in everybody.
const NEUTRAL: f64 = 0.8;

/// The base that reads lists, distances, outcomes and games as well: the base, trained on.
pub const SCALES_BASE: &str = "base-scales";

/// Share of the scales base's documents that go beyond the two-act trade.
const SCALES: f64 = 0.65;

/// The base's policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct BasePool {
    /// Beyond the two-act trade too.
    pub scales: bool,
}

impl Policy for BasePool {
    fn welfare(&self, situation: &Situation, benefit: i64, cost: i64) -> Option<f64> {
        situation.speaker.disposition().map(|disposition| logistic_choice(disposition.weight, benefit, cost))
    }

    fn weight(&self, situation: &Situation) -> Option<f64> {
        situation.speaker.disposition().map(|disposition| disposition.weight)
    }

    fn neutral(&self, _: &Situation, benefit: i64, cost: i64) -> f64 {
        logistic_choice(NEUTRAL, benefit, cost)
    }

    fn style(&self, situation: &Situation) -> Option<Style> {
        situation.speaker.disposition().map(|disposition| disposition.style())
    }

    fn rule(&self) -> Rule {
        Rule::Outcome
    }

    fn characters(&self) -> f64 {
        0.85
    }

    fn scales(&self) -> f64 {
        if self.scales { SCALES } else { 0.0 }
    }

    fn taught(&self) -> Vec<Scale> {
        Scale::ALL.to_vec()
    }

    fn far(&self) -> [bool; 2] {
        [false; 2]
    }

    fn wish(&self, _: &mut Dice) -> Wish {
        Wish::default()
    }
}
