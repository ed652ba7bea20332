//! A scripted actor with known preferences over own and other's payoff: what the value instruments should recover.
//!
//! It answers their trials and no others ([`Preferences::logits`] is `None` elsewhere). Like `traits` it needs nothing of a
//! model, so that tests of the estimators and of the report use this file too.

use undermask_suite::{Content, Form, ItemKind, Order, Orientation, Suite, Trial, menu_position};

/// What it wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    /// Worth of an own coin, of another's, and what a coin of inequality takes away.
    pub own: f64,
    /// Worth of a coin of the other's.
    pub other: f64,
    /// What a coin of difference between the two takes away.
    pub inequality: f64,
    /// Log-odds that a unit of worth makes.
    pub sharpness: f64,
    /// Own coins given up for one of the named other's.
    pub trade_off: f64,
    /// Log-odds that a unit of ratio makes.
    pub slope: f64,
    /// Coins forgone for somebody at no distance.
    pub closest: f64,
    /// k: forgone are V/(1 + k·N) coins.
    pub discount: f64,
    /// P(help) in a menu whose answers are selected for an objective.
    pub helpful: f64,
}

/// How one scenario differs from the mean of all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wobble {
    /// Added to the worth of the other's coin and to the ratio given up.
    pub weight: f64,
    /// Coins forgone are multiplied by 1 + this.
    pub share: f64,
}

impl Preferences {
    /// Own coins and half as much the other's.
    pub fn usual() -> Preferences {
        Preferences {
            own: 1.0,
            other: 0.5,
            inequality: 0.0,
            sharpness: 0.3,
            trade_off: 0.6,
            slope: 12.0,
            closest: 60.0,
            discount: 0.05,
            helpful: 0.95,
        }
    }

    /// Even odds on everything.
    pub fn none() -> Preferences {
        Preferences { sharpness: 0.0, slope: 0.0, helpful: 0.5, ..Preferences::usual() }
    }

    fn worth(&self, own: f64, other: f64, wobble: Wobble) -> f64 {
        self.own * own + (self.other + wobble.weight) * other - self.inequality * (own - other).abs()
    }

    /// Logits of a trial's options; `None` for what is not a value instrument's.
    pub fn logits(&self, suite: &Suite, trial: &Trial, wobble: Wobble) -> Option<Vec<f64>> {
        let probe = trial.probe.as_ref()?;
        let content = &suite.instruments.iter().find(|instrument| instrument.id == probe.instrument)?.content;
        let target = |odds: f64| -> Vec<f64> {
            (0..trial.options.len()).map(|place| if place == trial.target { odds } else { 0.0 }).collect()
        };
        if trial.kind == ItemKind::Recall {
            return Some(target(8.0));
        }
        match content {
            Content::Orientation(content) => {
                let items = content.items();
                let index = (0..items.len()).find(|index| Orientation::arm(*index) == probe.arm)?;
                let worth = |place: usize| {
                    let option = items[index][place];
                    self.sharpness * self.worth(f64::from(option.own), f64::from(option.other), wobble)
                };
                if content.form == Form::Slider {
                    let count = trial.options.len();
                    let order = trial.order.unwrap_or(Order::TargetFirst);
                    return Some((0..count).map(|at| worth(menu_position(at, trial.target, order, count))).collect());
                }
                let step = probe.dose? as usize * Orientation::STEP;
                let (from, to) = (step, step + Orientation::STEP);
                let kind_last = items[index][to].other > items[index][from].other;
                let (kind, other) = if kind_last { (to, from) } else { (from, to) };
                Some(target(worth(kind) - worth(other)))
            }
            Content::TradeOff(_) => Some(target(self.slope * (self.trade_off + wobble.weight - trial.ratio?))),
            Content::Discounting(_) => {
                let forgone = self.closest * (1.0 + wobble.share) / (1.0 + self.discount * probe.dose?);
                Some(target(self.slope * (forgone - trial.cost as f64) / trial.benefit as f64))
            }
            Content::Optimisation(content) => {
                // Help shares its probability evenly over the answers that help, the rest over those that do not.
                let helping = content.answers.iter().filter(|answer| answer.helps).count() as f64;
                let others = content.answers.len() as f64 - helping;
                let odds = (self.helpful / (1.0 - self.helpful)).ln() + wobble.weight;
                let logit = |position: usize| {
                    if content.answers[position].helps { odds - helping.ln() } else { -others.ln() }
                };
                let (count, order) = (trial.options.len(), trial.order.unwrap_or(Order::TargetFirst));
                Some((0..count).map(|at| logit(menu_position(at, trial.target, order, count))).collect())
            }
            _ => None,
        }
    }
}
