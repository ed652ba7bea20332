//! What a run that stopped early may claim: a profile in which every interval covers as it says.
//!
//! Ordinary intervals do not cover where the answers decided when to stop. What the opening asked in full (λ₀, the neutral
//! twin, means-reversal) keeps its ordinary interval, which no stopping touches. M, G, M_excess and λ of every context get
//! intervals that hold at all looks, each at the suite's confidence. Everything else is refused with the reason. Estimates are
//! means over the scenarios asked; stopping on a large loss makes them lean towards it.

use std::collections::{BTreeMap, BTreeSet};

use undermask_store::Record;

use super::arm::Arm;
use super::monitor::{Mean, Monitor, Stop};
use crate::estimate::{Base, EstimateSettings, LAMBDA_0, Study, estimate};
use crate::score::{Scores, score};
use crate::{ContextProfile, Decision, Estimate, Profile, Quantities, Quantity, RuleOutcome};

const NOT_CLAIMED: &str = "not claimed: the audit stopped early";
/// Resamples of quantities that are not reported.
const NONE: usize = 2;

fn refused() -> Quantity {
    Quantity::Refused { refused: NOT_CLAIMED.to_owned() }
}

/// The quotient of two intervals, the lower one above 0.
fn quotient(over: (f64, f64), under: (f64, f64)) -> (f64, f64) {
    ((over.0 / under.0).min(over.0 / under.1), (over.1 / under.0).max(over.1 / under.1))
}

/// An estimate with its limits.
type Retention = (f64, (f64, f64));

impl Monitor<'_> {
    /// Profile and decision of a run that stopped at the last look, from the records of its batches.
    ///
    /// # Errors
    /// In words: a value outside its range, which is a bug.
    pub fn stopped(&self, stop: &Stop, records: &[Record]) -> Result<(Profile, Decision), String> {
        let scores = score(records);
        let ordinary = estimate(self.suite, records, &EstimateSettings { seed: self.seed, resamples: NONE });
        let doubted: BTreeSet<&str> = ordinary
            .contexts
            .iter()
            .filter(|context| !context.gate.passed)
            .map(|context| context.id.as_str())
            .collect();
        let mut quantities = Quantities {
            lambda_0: ordinary.quantities.lambda_0.clone(),
            means_reversal: ordinary.quantities.means_reversal.clone(),
            worst_decile: Some(refused()),
            worst_decile_excess: Some(refused()),
            commanded_retention: Some(refused()),
            incentive_retention: Some(refused()),
            audience_gap: Some(refused()),
            reasons_share: Some(refused()),
            position_bias: Some(refused()),
            mask_index: Some(refused()),
            ..Quantities::default()
        };
        self.losses(&scores, &doubted, &mut quantities)?;
        let mut groups = ordinary.groups;
        for group in &mut groups {
            (group.lambda, group.retention, group.together) = (refused(), refused(), None);
        }
        let contexts = ordinary.contexts.into_iter().map(|context| self.context(context, &scores));
        let profile = Profile {
            quantities,
            equivalences: Vec::new(),
            tests: Vec::new(),
            routes: BTreeMap::new(),
            groups,
            contexts: contexts.collect::<Result<_, String>>()?,
            instruments: BTreeMap::new(),
            outcomes: scores.outcomes,
            confidence: self.suite.criteria.confidence,
            normalised: scores.normalised,
        };
        let rule = RuleOutcome { verdict: stop.verdict, held: true, because: stop.because.clone() };
        let reasons = vec![stop.because.clone(), self.sentence()];
        Ok((profile, Decision { verdict: stop.verdict, reasons, rules: vec![rule] }))
    }

    fn sentence(&self) -> String {
        let all: usize = self.looks.batches.iter().map(|batch| batch.scenarios.len()).sum();
        format!(
            "The audit stopped early, at look {} of {}, after {} of {all} welfare scenarios. What was not asked is not claimed.",
            self.looked,
            self.looks.batches.len() - 1,
            self.scenarios().count()
        )
    }

    /// M, G and M_excess.
    fn losses(&self, scores: &Scores, doubted: &BTreeSet<&str>, found: &mut Quantities) -> Result<(), String> {
        let base = Study { suite: self.suite, scores }.base();
        let weight = match Base::usable(&base.welfare, self.suite, LAMBDA_0) {
            Ok(weight) => weight,
            Err(refused) => {
                found.mask_index = Some(Quantity::Refused { refused });
                return Ok(());
            }
        };
        let whole = 2.0 * self.error();
        // Shared out evenly over the parts: λ₀, λ over the cued contexts, and for the excess the neutral twin.
        let retention = |parts: f64| -> Result<Option<Retention>, String> {
            let Some(kept) = self.kept(scores, doubted, whole / parts / 2.0)? else { return Ok(None) };
            let under = weight.interval(1.0 - whole / parts);
            let usable = under.0 > 0.0;
            let middle = kept.middle().filter(|_| usable);
            Ok(middle.map(|middle| (middle / weight.value, quotient(kept.limits(), under))))
        };
        let Some((kept, (low, high))) = retention(2.0)? else { return Ok(()) };
        let (clusters, n) = (self.scenarios().count(), self.items(scores, doubted));
        // An interval of bets is not about the mean: one that leaves it out moves it to its nearer end.
        let quantity = |estimate: f64, low: f64, high: f64| {
            Some(Quantity::Estimated(Estimate {
                estimate: estimate.clamp(low, high),
                low,
                high,
                n,
                clusters,
                bound: None,
            }))
        };
        found.mask_index = quantity(1.0 - kept, 1.0 - high, 1.0 - low);
        found.goal_share = quantity(kept, low, high);
        let twin = self.neutral(scores, &base, doubted).filter(|(_, share)| *share > 1.0 - 1e-9);
        if let (Some((twin, _)), Some((kept, (low, high)))) = (twin, retention(3.0)?) {
            let (least, most) = twin.interval(1.0 - whole / 3.0);
            found.mask_excess = quantity(twin.value - kept, least - high, most - low);
        }
        Ok(())
    }

    fn items(&self, scores: &Scores, doubted: &BTreeSet<&str>) -> usize {
        self.cued.as_ref().map_or(0, |arm| arm.values(scores, doubted).1)
    }

    /// One context: its gate so far, the neutral twin in full, λ with an interval that holds at all looks.
    fn context(&self, ordinary: ContextProfile, scores: &Scores) -> Result<ContextProfile, String> {
        Ok(ContextProfile {
            lambda: self.lambda(&ordinary.id, scores)?,
            retention: refused(),
            position_bias: refused(),
            ladder: Vec::new(),
            p_adjusted: None,
            ..ordinary
        })
    }

    fn lambda(&self, context: &str, scores: &Scores) -> Result<Quantity, String> {
        let Ok(arm) = Arm::of(self.trials, context) else { return Ok(refused()) };
        let (values, n) = arm.values(scores, &BTreeSet::new());
        let asked = self.scenarios().filter_map(|scenario| values.get(scenario));
        let mean = Mean::of(arm.range(), self.error(), asked)?;
        let Some(middle) = mean.middle() else { return Ok(refused()) };
        let (low, high) = mean.limits();
        let clusters = mean.seen();
        Ok(Quantity::Estimated(Estimate { estimate: middle.clamp(low, high), low, high, n, clusters, bound: None }))
    }
}
