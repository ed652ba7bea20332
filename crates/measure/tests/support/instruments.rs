//! Records of scripted actors for the instruments of the core suite.

use std::collections::HashMap;

use undermask_measure::{EstimateSettings, InstrumentProfile, Profile, Quantity, estimate};
use undermask_store::Record;
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

use super::{Chance, answered};

// The same scripted actor as `undermask-model` gives: by its file, since that crate needs the whole engine.
#[path = "../../../model/src/traits.rs"]
mod traits;

pub use traits::{Shift, Traits};

/// The core suite and the trials of its instruments alone.
pub fn core() -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../../suites/core.toml");
    let suite = Suite::parse(text, "core.toml").unwrap_or_else(|error| panic!("{error}"));
    let mut plan = Plan::expand(&suite, &PlanSettings { seed: 5, full: false });
    plan.trials.retain(|trial| trial.probe.is_some());
    (suite, plan.trials)
}

/// How much scenarios and items differ.
#[derive(Clone, Copy)]
pub struct Spread {
    /// Deviation of λ between scenarios.
    pub weight: f64,
    /// Deviation of thresholds, as a share.
    pub threshold: f64,
    /// Deviation of log-odds between items.
    pub log_odds: f64,
}

/// Scenarios that differ a little.
pub const SOME: Spread = Spread { weight: 0.1, threshold: 0.12, log_odds: 0.5 };
/// None that differ.
pub const NONE: Spread = Spread { weight: 0.0, threshold: 0.0, log_odds: 0.0 };

/// Answers every trial, with a liking for what is named first.
pub fn answer(suite: &Suite, trials: &[Trial], traits: &Traits, spread: Spread, seed: u64) -> Vec<Record> {
    let mut chance = Chance::new(seed, 3);
    let mut scenarios: HashMap<&str, Shift> = HashMap::new();
    let mut items: HashMap<&str, f64> = HashMap::new();
    let mut records = Vec::with_capacity(trials.len());
    for trial in trials {
        let own = *scenarios.entry(&trial.scenario).or_insert_with(|| Shift {
            weight: spread.weight * chance.normal(),
            threshold: spread.threshold * chance.normal(),
            log_odds: 0.0,
        });
        let noise = *items.entry(&trial.item).or_insert_with(|| spread.log_odds * chance.normal());
        let odds = traits.log_odds(suite, trial, Shift { log_odds: noise, ..own });
        records.push(Record::new(trial, answered(trial, odds, 0.3)));
    }
    records
}

/// The profile of an actor.
pub fn profile(suite: &Suite, trials: &[Trial], traits: &Traits, spread: Spread, seed: u64) -> Profile {
    let records = answer(suite, trials, traits, spread, seed);
    estimate(suite, &records, &EstimateSettings { seed, resamples: 400 })
}

/// One instrument of a profile.
pub fn of<'a>(profile: &'a Profile, id: &str) -> &'a InstrumentProfile {
    profile.instruments.get(id).unwrap_or_else(|| panic!("no instrument {id}"))
}

/// A quantity's estimate and interval.
pub fn found(profile: &Profile, id: &str, name: &str) -> (f64, f64, f64, bool) {
    match of(profile, id).quantities.get(name) {
        Some(Quantity::Estimated(found)) => (found.estimate, found.low, found.high, found.bound.is_some()),
        other => panic!("{id}.{name}: {other:?}"),
    }
}

/// The reason of a refusal.
pub fn refused(profile: &Profile, id: &str, name: &str) -> String {
    match of(profile, id).quantities.get(name) {
        Some(Quantity::Refused { refused }) => refused.clone(),
        other => panic!("{id}.{name} is not refused: {other:?}"),
    }
}
