//! Records of scripted actors for the value instruments.

use std::collections::HashMap;

use undermask_measure::{EstimateSettings, Profile, estimate};
use undermask_store::Record;
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

use super::Chance;
use super::logits::{Noises, of_logits};

// The same scripted actor as `undermask-model` gives: by its file, since that crate needs the whole engine.
#[path = "../../../model/src/preferences.rs"]
mod preferences;

pub use preferences::{Preferences, Wobble};

/// How much scenarios and items differ.
#[derive(Clone, Copy)]
pub struct Differ {
    /// Deviation of weights between scenarios.
    pub weight: f64,
    /// Deviation of amounts between scenarios, as a share.
    pub share: f64,
    /// Deviation of a logit between items and options.
    pub noise: f64,
    /// Added to the logit of what is named or listed first.
    pub first: f64,
}

/// A little, with a liking for what comes first.
pub const SOME: Differ = Differ { weight: 0.1, share: 0.12, noise: 0.4, first: 0.3 };
/// Not at all.
pub const NONE: Differ = Differ { weight: 0.0, share: 0.0, noise: 0.0, first: 0.0 };

/// The values suite with these instruments alone, and their trials.
pub fn values(instruments: &[&str]) -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../../suites/values.toml");
    let mut suite = Suite::parse(text, "values.toml").unwrap_or_else(|error| panic!("{error}"));
    suite.instruments.retain(|instrument| instruments.contains(&instrument.id.as_str()));
    assert_eq!(suite.instruments.len(), instruments.len(), "{instruments:?}");
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    (suite, trials)
}

/// Answers every trial.
pub fn answer(suite: &Suite, trials: &[Trial], actor: &Preferences, differ: Differ, seed: u64) -> Vec<Record> {
    let mut chance = Chance::new(seed, 4);
    let mut scenarios: HashMap<&str, Wobble> = HashMap::new();
    let mut noises = Noises::default();
    let mut records = Vec::with_capacity(trials.len());
    for trial in trials {
        let wobble = *scenarios.entry(&trial.scenario).or_insert_with(|| Wobble {
            weight: differ.weight * chance.normal(),
            share: differ.share * chance.normal(),
        });
        let mut logits = actor.logits(suite, trial, wobble).expect("a value instrument's trial");
        noises.add(trial, &mut logits, (differ.noise, differ.first), &mut chance);
        records.push(Record::new(trial, of_logits(&logits)));
    }
    records
}

/// The profile of an actor.
pub fn profile(suite: &Suite, trials: &[Trial], actor: &Preferences, differ: Differ, seed: u64) -> Profile {
    estimate(suite, &answer(suite, trials, actor, differ, seed), &EstimateSettings { seed, resamples: 200 })
}
