//! The order in which a plan is asked where it may stop early: first an opening, then a few scenarios at a time, then the rest.
//!
//! The opening holds what is measured once and in full: gates that touch no scenario of the main set, then the separate items
//! of the default weight and the neutral twin. Then a welfare scenario is asked in all contexts before the next one is looked at,
//! since scenarios are what is drawn and all statistics are of. Their order is random and depends on the seed alone, never
//! on an answer. Instruments come last. It says nothing of when to stop: that is measured.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::shuffled;
use crate::{ItemKind, Trial};

/// Batches of scenarios, and so looks, at most. More would stop a little sooner and share less computation.
const MOST: usize = 12;
/// Stream of the order.
const ORDER: u64 = 4000;

/// Places of a plan's trials, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The gates, the rest of the opening, then groups of scenarios. Each ends in a look but the last, after which the rules of the whole decide.
    pub batches: Vec<Batch>,
    /// Asked after the last look: instruments.
    pub rest: Vec<usize>,
}

/// What is asked between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Welfare scenarios, in the order in which they count; none in the opening.
    pub scenarios: Vec<String>,
    /// Places of the trials.
    pub trials: Vec<usize>,
}

impl Looks {
    /// Deals the trials of a plan into batches.
    pub fn of(trials: &[Trial], seed: u64) -> Looks {
        let main = |trial: &&Trial| trial.kind == ItemKind::Welfare && trial.probe.is_none() && trial.replicate == 0;
        let distinct: BTreeSet<&str> = trials.iter().filter(main).map(|trial| trial.scenario.as_str()).collect();
        let order = shuffled(distinct.into_iter().map(str::to_owned).collect::<Vec<String>>(), seed, ORDER);
        let groups = order.len().min(MOST);
        let mut batches = vec![Batch::default(), Batch::default()];
        for group in 0..groups {
            let scenarios = order[group * order.len() / groups..(group + 1) * order.len() / groups].to_vec();
            batches.push(Batch { scenarios, trials: Vec::new() });
        }
        let mut place: BTreeMap<String, usize> = BTreeMap::new();
        for (number, batch) in batches.iter().enumerate() {
            place.extend(batch.scenarios.iter().map(|scenario| (scenario.clone(), number)));
        }
        let mut rest = Vec::new();
        for (index, trial) in trials.iter().enumerate() {
            let number = match trial.kind {
                _ if trial.probe.is_some() => None,
                ItemKind::Welfare | ItemKind::Recall if trial.replicate == 0 => place.get(&trial.scenario).copied(),
                ItemKind::Dominance | ItemKind::ContextCheck => Some(0),
                _ => Some(1),
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
