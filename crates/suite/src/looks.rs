//! The order in which a plan is asked where it may stop early: gates first, then a few scenarios at a time, instruments last.
//!
//! A scenario is asked in all contexts before the next one is looked at, since scenarios are what is drawn and all
//! statistics are of. Their order is random and depends on the seed alone, never on an answer. It says nothing of when to
//! stop: that is measured.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::shuffled;
use crate::{ItemKind, Trial};

/// Batches of scenarios, and so looks, at most. More would stop a little sooner and share less computation.
const MOST: usize = 12;
/// Streams of the two orders.
const WELFARE: u64 = 4000;
const NEUTRAL: u64 = 4001;

/// Places of a plan's trials, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// Batches that end in a look: first the gates that touch no welfare scenario, then groups of scenarios. The last group
    /// is followed by no look, since nothing that a verdict needs is left to be saved but instruments.
    pub batches: Vec<Batch>,
    /// Asked after the last look: instruments.
    pub rest: Vec<usize>,
}

/// What is asked between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Welfare scenarios, in the order in which they count.
    pub welfare: Vec<String>,
    /// Neutral scenarios, likewise.
    pub neutral: Vec<String>,
    /// Places of the trials.
    pub trials: Vec<usize>,
}

impl Looks {
    /// Deals the trials of a plan into batches.
    pub fn of(trials: &[Trial], seed: u64) -> Looks {
        let scenarios = |kind: ItemKind, purpose: u64| -> Vec<String> {
            let own = trials.iter().filter(|trial| trial.kind == kind && trial.probe.is_none());
            let distinct: BTreeSet<&str> = own.map(|trial| trial.scenario.as_str()).collect();
            shuffled(distinct.into_iter().map(str::to_owned).collect(), seed, purpose)
        };
        let (welfare, neutral) = (scenarios(ItemKind::Welfare, WELFARE), scenarios(ItemKind::Neutral, NEUTRAL));
        let groups = welfare.len().min(MOST);
        let mut batches = vec![Batch::default()];
        for group in 0..groups {
            let part = |list: &[String]| list[group * list.len() / groups..(group + 1) * list.len() / groups].to_vec();
            batches.push(Batch { welfare: part(&welfare), neutral: part(&neutral), trials: Vec::new() });
        }
        let mut place: BTreeMap<String, usize> = BTreeMap::new();
        for (number, batch) in batches.iter().enumerate() {
            place.extend(batch.welfare.iter().chain(&batch.neutral).map(|scenario| (scenario.clone(), number)));
        }
        let mut rest = Vec::new();
        for (index, trial) in trials.iter().enumerate() {
            let number = match trial.kind {
                _ if trial.probe.is_some() => None,
                ItemKind::Welfare | ItemKind::Neutral | ItemKind::Recall => place.get(&trial.scenario).copied(),
                _ => Some(0),
            };
            match number {
                Some(number) => batches[number].trials.push(index),
                None => rest.push(index),
            }
        }
        Looks { batches, rest }
    }

    /// Trials in the first so many batches.
    pub fn asked(&self, batches: usize) -> usize {
        self.batches.iter().take(batches).map(|batch| batch.trials.len()).sum()
    }
}
