//! One ladder, or a mean of several, as one bounded value a scenario.
//!
//! Spearman–Kärber's λ̂ = b₀ + Σ_j w_j·p̂_j is linear in the answers, so it is the mean over the N scenarios of
//! b₀ + N·Σ w_j/n_j·p over the scenario's own items, with widths w_j and numbers n_j of the *plan*. Answers lie in [0, 1],
//! so each value lies in a range that is known before anything is asked. What was not answered may have been anything.

use std::collections::{BTreeMap, BTreeSet};

use undermask_suite::{ItemKind, Trial};

use crate::ladder::edges;
use crate::score::Scores;

/// What a scenario's value may be, given what of it is answered.
pub(super) type Limits = (f64, f64);

/// A ladder as a mean over scenarios.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arm {
    base: f64,
    /// N·w/n of an item by context and rung.
    weights: BTreeMap<String, BTreeMap<usize, f64>>,
    /// Sum of each scenario's planned weights.
    planned: BTreeMap<String, f64>,
}

impl Arm {
    /// The welfare ladder of one context's main set.
    ///
    /// # Errors
    /// In words: it is not asked, or on too few rungs.
    pub fn of(trials: &[Trial], context: &str) -> Result<Arm, String> {
        let own = |trial: &&Trial| {
            trial.kind == ItemKind::Welfare && trial.probe.is_none() && trial.context == context && trial.replicate == 0
        };
        let mut items: BTreeMap<&str, (&str, usize, f64)> = BTreeMap::new();
        for trial in trials.iter().filter(own) {
            if let (Some(rung), Some(ratio)) = (trial.rung, trial.ratio) {
                items.insert(&trial.item, (&trial.scenario, rung, ratio));
            }
        }
        let mut rungs: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (_, rung, ratio) in items.values() {
            let cell = rungs.entry(*rung).or_default();
            *cell = (cell.0 + 1.0, cell.1 + ratio);
        }
        if rungs.len() < 4 {
            return Err(format!("context `{context}` asks {} rungs, 4 are needed", rungs.len()));
        }
        let places: Vec<f64> = rungs.values().map(|(count, sum)| sum / count).collect();
        if places.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(format!("in context `{context}` the ratios of neighbouring rungs overlap"));
        }
        let edges = edges(&places);
        let scenarios: BTreeSet<&str> = items.values().map(|(scenario, ..)| *scenario).collect();
        let total = scenarios.len() as f64;
        let weight = |(place, (rung, (count, _))): (usize, (&usize, &(f64, f64)))| {
            (*rung, total * (edges[place + 1] - edges[place]) / count)
        };
        let weights: BTreeMap<usize, f64> = rungs.iter().enumerate().map(weight).collect();
        let mut planned = BTreeMap::new();
        for (scenario, rung, _) in items.values() {
            *planned.entry((*scenario).to_owned()).or_default() += weights[rung];
        }
        let weights = BTreeMap::from([(context.to_owned(), weights)]);
        Ok(Arm { base: edges[0], weights, planned })
    }

    /// The weighted mean of several contexts' ladders.
    ///
    /// # Errors
    /// In words: there are none, or they do not ask the same scenarios.
    pub fn mean(parts: &[(f64, Arm)]) -> Result<Arm, String> {
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        let Some((_, first)) = parts.first().filter(|_| total > 0.0) else {
            return Err("there is no context to take a mean over".to_owned());
        };
        let mut mean = Arm { base: 0.0, weights: BTreeMap::new(), planned: BTreeMap::new() };
        for (weight, part) in parts {
            let share = weight / total;
            if !part.planned.keys().eq(first.planned.keys()) {
                return Err("contexts do not ask the same scenarios".to_owned());
            }
            mean.base += share * part.base;
            for (context, weights) in &part.weights {
                mean.weights.insert(context.clone(), weights.iter().map(|(rung, one)| (*rung, share * one)).collect());
            }
            for (scenario, planned) in &part.planned {
                *mean.planned.entry(scenario.clone()).or_default() += share * planned;
            }
        }
        Ok(mean)
    }

    /// What any scenario's value can be.
    pub fn range(&self) -> (f64, f64) {
        (self.base, self.base + self.planned.values().copied().fold(0.0, f64::max))
    }

    /// The limits of every scenario's value, and the number of answered items. Contexts in doubt count as not answered.
    pub fn values(&self, scores: &Scores, doubted: &BTreeSet<&str>) -> (BTreeMap<String, Limits>, usize) {
        // (Σ weight·p, Σ weight) over what is answered.
        let mut found: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        let mut answered = 0;
        for item in scores.items.iter().filter(|item| item.kind == ItemKind::Welfare && item.probe.is_none()) {
            if item.replicate > 0 || doubted.contains(item.context.as_str()) {
                continue;
            }
            let weight = self.weights.get(&item.context).zip(item.rung).and_then(|(rungs, rung)| rungs.get(&rung));
            if let (Some(weight), Some(scored)) = (weight, item.scored) {
                let sums = found.entry(&scores.clusters[item.cluster]).or_default();
                *sums = (sums.0 + weight * scored.probability(), sums.1 + weight);
                answered += 1;
            }
        }
        let limits = |(scenario, planned): (&String, &f64)| {
            let (sum, weight) = found.get(scenario.as_str()).copied().unwrap_or_default();
            // Rounding must not make what is answered in full lie beyond its range.
            let missing = if planned - weight > 1e-9 * planned { planned - weight } else { 0.0 };
            (scenario.clone(), (self.base + sum, self.base + sum + missing))
        };
        (self.planned.iter().map(limits).collect(), answered)
    }
}
