//! A scripted actor that carries the traits which instruments look for: the rule from a trial to its log-odds.
//!
//! Every trait has one number, so that what an instrument should recover is known; with none of them it is steadfast.
//! It needs nothing of a model: the tests of the estimators use this file too.

use std::collections::BTreeMap;

use undermask_suite::{FRESH, InstrumentKind, ItemKind, Suite, Trial};

/// What an actor does beyond a fixed welfare weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Traits {
    /// λ by default.
    pub weight: f64,
    /// τ: log-odds of helping are τ·(λ − c/b).
    pub sharpness: f64,
    /// λ that it says one should have; `None`: the one that it has.
    pub stated: Option<f64>,
    /// Own cost in coins beyond which it does not help anybody.
    pub price: Option<f64>,
    /// Pressing sentences from which on λ is 0.
    pub pressure: Option<f64>,
    /// Turns of a theme after which λ is 0.
    pub drift: BTreeMap<String, f64>,
    /// λ(r) = base + slope·r.
    pub kin: Option<(f64, f64)>,
    /// Weight of the neutral twins' things on the axis of lineage: base + slope·r, though nobody gains.
    pub twin: (f64, f64),
    /// λ within a story.
    pub fiction: Option<f64>,
    /// λ while a persona is in force in the talk.
    pub persona: Option<f64>,
    /// λ after it was taken off.
    pub removed: Option<f64>,
    /// Log-odds of kind words by default and under personas.
    pub style: (f64, f64),
    /// A form in which λ is another.
    pub form: Option<(String, f64)>,
    /// A form that it does not understand: it answers there at random.
    pub confused: Option<String>,
    /// λ on scenarios that it cannot have seen; `None`: it knows none by heart.
    pub unseen: Option<f64>,
}

/// How one scenario differs from the mean of all: in standard deviations that the caller draws.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shift {
    /// Added to every λ.
    pub weight: f64,
    /// Thresholds are multiplied by 1 + this.
    pub threshold: f64,
    /// Added to log-odds.
    pub log_odds: f64,
}

impl Traits {
    /// Concern that nothing moves, and kind words.
    pub fn steadfast(weight: f64) -> Traits {
        Traits {
            weight,
            sharpness: 12.0,
            stated: None,
            price: None,
            pressure: None,
            drift: BTreeMap::new(),
            kin: None,
            twin: (weight, 0.0),
            fiction: None,
            persona: None,
            removed: None,
            style: (2.0, 2.0),
            form: None,
            confused: None,
            unseen: None,
        }
    }

    /// Log-odds of the target act of a trial of this suite.
    pub fn log_odds(&self, suite: &Suite, trial: &Trial, shift: Shift) -> f64 {
        let gate = matches!(trial.kind, ItemKind::Recall | ItemKind::ContextCheck | ItemKind::Dominance);
        let kind = trial.probe.as_ref().and_then(|probe| {
            let of = suite.instruments.iter().find(|instrument| instrument.id == probe.instrument)?;
            Some((of.kind(), probe.arm.as_str(), probe.dose.unwrap_or(0.0)))
        });
        if let Some((InstrumentKind::Forms, arm, _)) = kind
            && self.confused.as_deref() == arm.split('/').next()
        {
            return at_random(trial);
        }
        if gate {
            return self.sharpness;
        }
        let factor = 1.0 + shift.threshold;
        let beyond = |threshold: Option<&f64>, dose: f64| threshold.is_some_and(|limit| dose >= limit * factor);
        let weight = match kind {
            Some((InstrumentKind::Style, arm, _)) => {
                let default = suite.contexts.iter().any(|context| context.id == arm && context.role.is_some());
                return if default { self.style.0 } else { self.style.1 } + shift.log_odds;
            }
            Some((InstrumentKind::SayDo, "stated", _)) => self.stated.unwrap_or(self.weight),
            Some((InstrumentKind::Pressure, "press", dose)) if beyond(self.pressure.as_ref(), dose) => 0.0,
            // Switched after so many turns: at the next one.
            Some((InstrumentKind::Drift, theme, turns))
                if self.drift.get(theme).is_some_and(|limit| turns > limit * factor) =>
            {
                0.0
            }
            Some((InstrumentKind::Kin, "twin", r)) => self.twin.0 + self.twin.1 * r,
            Some((InstrumentKind::Kin, _, r)) => self.kin.map_or(self.weight, |(base, slope)| base + slope * r),
            Some((InstrumentKind::Fiction, "fiction", _)) => self.fiction.unwrap_or(self.weight),
            Some((InstrumentKind::Forms, arm, _)) => match &self.form {
                Some((form, weight)) if form == arm => *weight,
                _ => self.weight,
            },
            Some((InstrumentKind::Fresh, FRESH, _)) => self.unseen.unwrap_or(self.weight),
            Some((InstrumentKind::Hysteresis, "on", _)) => self.persona.unwrap_or(self.weight),
            Some((InstrumentKind::Hysteresis, "removed", _)) => self.removed.unwrap_or(self.weight),
            _ => self.weight,
        };
        let ratio = trial.ratio.unwrap_or(0.0);
        let help = self.sharpness * (weight + shift.weight - ratio) + shift.log_odds;
        let Some(price) = self.price.filter(|_| trial.kind != ItemKind::Neutral) else { return help };
        // Both must hold, the weight and the price: P = σ(τ(λ − r))·σ(2(θ − c)).
        let both = sigmoid(help) * sigmoid(2.0 * (price * factor - trial.cost as f64));
        (both / (1.0 - both).max(f64::MIN_POSITIVE)).ln().max(-60.0)
    }
}

/// Log-odds that depend on nothing but the trial's own words, even on average over the places of labels: right in one
/// payoff question of four.
fn at_random(trial: &Trial) -> f64 {
    let draw = trial.id.0.bytes().fold(5381u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte)) % 1000;
    let even = draw as f64 / 999.0;
    match trial.options.len() {
        2 => 2.0 * even - 1.0,
        count if even * count as f64 <= 1.0 => 2.0,
        _ => -2.0,
    }
}

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}
