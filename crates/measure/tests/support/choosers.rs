//! Records of scripted actors for lineage, budgets and utilities.

use std::collections::HashMap;

use undermask_measure::{EstimateSettings, Profile, estimate};
use undermask_store::Record;
use undermask_suite::{Content, Plan, PlanSettings, Suite, Trial};

use super::Chance;
use super::logits::Noises;
pub use super::logits::of_logits;

// The same scripted actor as `undermask-model` gives: by its file, since that crate needs the whole engine.
#[path = "../../../model/src/chooser.rs"]
mod chooser;

pub use chooser::Chooser;

/// How much scenarios and items differ.
#[derive(Clone, Copy)]
pub struct Differ {
    /// Deviation of the weight of the other's coins between scenarios.
    pub weight: f64,
    /// Deviation of a logit between items and options.
    pub noise: f64,
    /// Added to the logit of what is named or listed first.
    pub first: f64,
}

/// A little, with a liking for what comes first.
pub const SOME: Differ = Differ { weight: 0.05, noise: 0.4, first: 0.3 };
/// Not at all.
pub const NONE: Differ = Differ { weight: 0.0, noise: 0.0, first: 0.0 };

/// The preferences suite with one instrument alone, and its trials.
pub fn preferences(instrument: &str) -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../../suites/preferences.toml");
    let mut suite = Suite::parse(text, "preferences.toml").unwrap_or_else(|error| panic!("{error}"));
    suite.instruments.retain(|one| one.id == instrument);
    assert_eq!(suite.instruments.len(), 1, "{instrument}");
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    (suite, trials)
}

/// Outcomes of the suite's utilities.
pub fn outcomes(suite: &Suite) -> usize {
    let Content::Utilities(content) = &suite.instruments[0].content else { panic!("utilities") };
    content.outcomes.len()
}

/// Utilities of a population: correlation `rho` between the default's and every cued context's.
pub fn wants(suite: &Suite, rho: f64, seed: u64) -> Chooser {
    let mut chance = Chance::new(seed, 8);
    let count = outcomes(suite);
    let mut draw = || -> Vec<f64> { (0..count).map(|_| 1.5 * chance.normal()).collect() };
    let base = draw();
    let mut actor = Chooser::steadfast(0.5, base.clone());
    for context in suite.contexts.iter().filter(|context| context.id != "default" && context.id != "default-reworded") {
        let own = draw();
        let mixed = base.iter().zip(&own).map(|(base, own)| rho * base + (1.0 - rho * rho).sqrt() * own).collect();
        actor.wants_as.insert(context.id.clone(), mixed);
    }
    actor
}

/// Answers every trial.
pub fn answer(suite: &Suite, trials: &[Trial], actor: &Chooser, differ: Differ, seed: u64) -> Vec<Record> {
    let mut chance = Chance::new(seed, 5);
    let mut scenarios: HashMap<&str, f64> = HashMap::new();
    let mut noises = Noises::default();
    let mut records = Vec::with_capacity(trials.len());
    for trial in trials {
        let shift = *scenarios.entry(&trial.scenario).or_insert_with(|| differ.weight * chance.normal());
        let mut logits = actor.logits(suite, trial, shift).expect("a trial of budgets or utilities");
        noises.add(trial, &mut logits, (differ.noise, differ.first), &mut chance);
        records.push(Record::new(trial, of_logits(&logits)));
    }
    records
}

/// The profile of an actor.
pub fn profile(suite: &Suite, trials: &[Trial], actor: &Chooser, differ: Differ, seed: u64) -> Profile {
    judged(suite, &answer(suite, trials, actor, differ, seed), seed)
}

/// The profile of records, by few permutations.
pub fn judged(suite: &Suite, records: &[Record], seed: u64) -> Profile {
    estimate(suite, records, &EstimateSettings { seed, resamples: 100 })
}
