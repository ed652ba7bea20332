//! What a run that stopped early may claim: a profile in which every interval holds at all looks together.
//!
//! Ordinary intervals do not cover where the answers decided when to stop. So λ₀, M, G, M_excess and λ of every context get
//! intervals from the same bets that decided, each at the suite's confidence, and everything else is refused with the
//! reason. Estimates are means over the scenarios asked; stopping on a large value makes them lean towards it.

use std::collections::BTreeMap;

use undermask_store::Record;
use undermask_suite::ItemKind;

use super::arm::Arm;
use super::monitor::{Ladders, Mean, Monitor, Stop};
use crate::score::{Scores, score};
use crate::{ContextProfile, Decision, Estimate, GroupProfile, Profile, Quantities, Quantity, RuleOutcome};

const NOT_CLAIMED: &str = "not claimed: the audit stopped early";

fn refused() -> Quantity {
    Quantity::Refused { refused: NOT_CLAIMED.to_owned() }
}

impl Monitor<'_> {
    /// Profile and decision of a run that stopped at the last look, from the records of its batches.
    ///
    /// # Errors
    /// In words: a value outside its range, which is a bug.
    pub fn stopped(&self, stop: &Stop, records: &[Record]) -> Result<(Profile, Decision), String> {
        let scores = score(records);
        let rule = RuleOutcome { verdict: stop.verdict, held: true, because: stop.because.clone() };
        let scenarios: usize = self.looks.batches.iter().take(self.looked).map(|batch| batch.welfare.len()).sum();
        let reasons = vec![
            stop.because.clone(),
            format!(
                "The audit stopped early, at look {} of {}, after {scenarios} welfare scenarios in all contexts. The chance \
                 that a model is wrongly stopped at any look is at most {:.1}%. What was not asked is not claimed.",
                self.looked,
                self.looks.batches.len() - 1,
                100.0 * self.error()
            ),
        ];
        let profile = Profile {
            quantities: self.quantities(scenarios),
            equivalences: Vec::new(),
            tests: Vec::new(),
            groups: self.groups(),
            contexts: self.contexts(&scores)?,
            instruments: BTreeMap::new(),
            outcomes: scores.outcomes,
            confidence: self.suite.criteria.confidence,
            normalised: scores.normalised,
        };
        Ok((profile, Decision { verdict: stop.verdict, reasons, rules: vec![rule] }))
    }

    fn quantities(&self, scenarios: usize) -> Quantities {
        let mut found = Quantities {
            worst_decile: Some(refused()),
            worst_decile_excess: Some(refused()),
            commanded_retention: Some(refused()),
            incentive_retention: Some(refused()),
            audience_gap: Some(refused()),
            means_reversal: Some(refused()),
            reasons_share: Some(refused()),
            position_bias: Some(refused()),
            ..Quantities::default()
        };
        let Some(welfare) = self.welfare.as_ref().filter(|_| scenarios > 0) else {
            found.lambda_0 = Some(refused());
            found.mask_index = Some(refused());
            return found;
        };
        let whole = 2.0 * self.error();
        let estimate = |estimate: f64, (low, high): (f64, f64), clusters: usize| match low.is_finite() && high.is_finite() {
            true => Quantity::Estimated(Estimate {
                // The interval is of bets, not about the mean: one that leaves the mean out moves it to its nearer end.
                estimate: estimate.clamp(low, high),
                low,
                high,
                n: welfare.items,
                clusters,
                bound: None,
            }),
            false => Quantity::Refused { refused: "too few scenarios were asked before the audit stopped".to_owned() },
        };
        let (low, high) = welfare.shown.limits();
        let base = [welfare.shown.low.mean(), welfare.shown.high.mean()].into_iter().flatten().sum::<f64>() / 2.0;
        found.lambda_0 = Some(estimate(base, (low, high), scenarios));
        // Without a default weight there is nothing that could be lost.
        if low <= self.suite.criteria.undefined_lower || self.counted.is_empty() {
            found.mask_index = Some(Quantity::Refused {
                refused: format!("the default weight is not shown to exceed {:.2}", self.suite.criteria.undefined_lower),
            });
            return found;
        }
        let limits = |ladders: &Ladders, error: f64| (ladders.wagers.above(error), ladders.wagers.below(error));
        let loss = welfare.wagers.estimate();
        let (low, high) = limits(welfare, whole / 2.0);
        found.mask_index = Some(estimate(loss, (low, high), scenarios));
        found.goal_share = Some(estimate(1.0 - loss, (1.0 - high, 1.0 - low), scenarios));
        // Two losses of different scenarios: each has half of the error.
        found.mask_excess = self.neutral.as_ref().map(|neutral| {
            let ((low, high), (neutral_low, neutral_high)) = (limits(welfare, whole / 4.0), limits(neutral, whole / 4.0));
            estimate(loss - neutral.wagers.estimate(), (low - neutral_high, high - neutral_low), scenarios)
        });
        found
    }

    fn groups(&self) -> Vec<GroupProfile> {
        let mut groups: Vec<GroupProfile> = Vec::new();
        for context in &self.suite.contexts {
            if !groups.iter().any(|group| group.family == context.family && group.group == context.group) {
                let (family, group) = (context.family, context.group.clone());
                groups.push(GroupProfile { family, group, lambda: refused(), retention: refused(), together: None });
            }
        }
        groups
    }

    fn contexts(&self, scores: &Scores) -> Result<Vec<ContextProfile>, String> {
        let mut gates = self.gates(scores);
        let mut found = Vec::with_capacity(self.suite.contexts.len());
        for context in &self.suite.contexts {
            let Some(gate) = gates.remove(context.id.as_str()) else { continue };
            found.push(ContextProfile {
                id: context.id.clone(),
                title: context.title.clone(),
                family: context.family,
                group: context.group.clone(),
                lambda: self.lambda(&context.id, scores)?,
                neutral_lambda: refused(),
                retention: refused(),
                position_bias: refused(),
                gate,
                ladder: Vec::new(),
                neutral_ladder: Vec::new(),
                p_adjusted: None,
            });
        }
        Ok(found)
    }

    /// λ of one context with an interval that holds at all looks.
    fn lambda(&self, context: &str, scores: &Scores) -> Result<Quantity, String> {
        let Ok(arm) = Arm::of(self.trials, ItemKind::Welfare, context, false) else { return Ok(refused()) };
        let mut mean = Mean::new(arm.range(), self.error(), self.error())?;
        let (values, n) = arm.values(scores);
        let asked = self.looks.batches.iter().take(self.looked).flat_map(|batch| &batch.welfare);
        for value in asked.filter_map(|scenario| values.get(scenario)) {
            mean.push(*value)?;
        }
        let clusters = mean.low.seen();
        let (Some(one), Some(other)) = (mean.low.mean(), mean.high.mean()) else { return Ok(refused()) };
        let (low, high) = mean.limits();
        let estimate = (0.5 * (one + other)).clamp(low, high);
        Ok(Quantity::Estimated(Estimate { estimate, low, high, n, clusters, bound: None }))
    }
}
