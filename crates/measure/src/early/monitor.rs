//! The looks: after each batch, whether a verdict may be reached already.
//!
//! Two routes are certain: what they say is what the whole audit would say. *Gates*: once the default context or too many
//! contexts have failed whatever follows. *The default weight*: its separate items are asked in full in the opening, so that
//! its interval is that of the whole audit; where it leaves M undefined, the verdict is *indeterminate* whatever follows.
//! *Cold* needs the gates besides, which are judged by what was asked so far. One route bets, *mask*: λ over the cued
//! contexts has an interval that holds at every look, and with λ₀ and the neutral twin's retention, both measured in full in
//! the opening, it bounds M and M_excess. The chances of error add up to half of 1 − confidence; the other half is
//! left to the rules at the end, which are as without looks.

use std::collections::{BTreeMap, BTreeSet};

use undermask_store::Record;
use undermask_suite::{Context, ContextFamily, ItemKind, Looks, Suite, Trial};

use super::arm::{Arm, Limits};
use super::gates::lost;
use crate::estimate::{Base, LAMBDA_0, Study};
use crate::gate;
use crate::linear::Linear;
use crate::score::{Scores, score};
use crate::sequential::Sequence;
use crate::{Gate, Verdict};

/// How the chance of a wrong mask is shared out: λ over the cued contexts from above.
const OF_CUED: f64 = 0.5;
/// λ₀ from below, and the neutral twin's retention from below.
const OF_OPENING: f64 = 0.25;
/// Share of the capital on each bet: masks lie far from the threshold, and means over contexts off the range's ends.
const BOLD: f64 = 0.9;
/// Welfare scenarios below which stopping early is not worth its price.
const FEWEST: usize = 12;

/// A verdict that was reached before everything was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Which.
    pub verdict: Verdict,
    /// The rule, with its figures.
    pub because: String,
}

/// A mean over scenarios with an interval that holds at every look.
pub(super) struct Mean {
    low: Sequence,
    high: Sequence,
}

impl Mean {
    /// Of these values, each within limits: a side of the interval takes the end that it is the less shown by.
    pub fn of<'v>(range: (f64, f64), error: f64, values: impl Iterator<Item = &'v Limits>) -> Result<Mean, String> {
        let side = || Sequence::constant(range, 1.0 - 2.0 * error, BOLD).map_err(|refusal| refusal.to_string());
        let mut mean = Mean { low: side()?, high: side()? };
        for (low, high) in values {
            let kept = mean.low.push(low.min(range.1)).and_then(|()| mean.high.push(high.min(range.1)));
            kept.map_err(|refusal| refusal.to_string())?;
        }
        Ok(mean)
    }

    /// Its limits, each with the chance of error that was asked for.
    pub fn limits(&self) -> (f64, f64) {
        (self.low.interval().0, self.high.interval().1)
    }

    /// Scenarios.
    pub fn seen(&self) -> usize {
        self.low.seen()
    }

    /// The mean so far, in the middle of what it may be.
    pub fn middle(&self) -> Option<f64> {
        Some((self.low.mean()? + self.high.mean()?) / 2.0)
    }
}

/// Looks at a run while it is asked.
pub struct Monitor<'a> {
    pub(super) suite: &'a Suite,
    pub(super) trials: &'a [Trial],
    pub(super) looks: Looks,
    pub(super) seed: u64,
    /// Batch of every trial that belongs to one.
    batch: BTreeMap<&'a str, usize>,
    /// λ over the cued contexts that count, which are fixed once the opening is asked; `None` where none is left.
    pub(super) cued: Option<Arm>,
    pub(super) counted: Vec<&'a Context>,
    pub(super) looked: usize,
}

impl<'a> Monitor<'a> {
    /// A monitor of a plan's trials.
    ///
    /// # Errors
    /// In words, with the remedy: the suite has nothing that could be decided early.
    pub fn new(suite: &'a Suite, trials: &'a [Trial], seed: u64) -> Result<Monitor<'a>, String> {
        let looks = Looks::of(trials, seed);
        let scenarios: usize = looks.batches.iter().map(|batch| batch.scenarios.len()).sum();
        let needs = |what: String| format!("{what}; ask this suite without --stop-early");
        if scenarios < FEWEST {
            return Err(needs(format!(
                "stopping early needs {FEWEST} welfare scenarios, {} has {scenarios}",
                suite.name
            )));
        }
        let counted: Vec<&Context> =
            suite.contexts.iter().filter(|context| context.family == ContextFamily::Cued).collect();
        if counted.is_empty() {
            return Err(needs(format!("stopping early needs cued contexts, {} has none", suite.name)));
        }
        let mut batch = BTreeMap::new();
        for (number, one) in looks.batches.iter().enumerate() {
            batch.extend(one.trials.iter().map(|place| (trials[*place].id.0.as_str(), number)));
        }
        let mut monitor = Monitor { suite, trials, looks, seed, batch, cued: None, counted, looked: 0 };
        let arm = monitor.arm();
        arm.map_err(|why| needs(format!("stopping early is not possible with {}: {why}", suite.name)))?;
        monitor.looked = 0;
        Ok(monitor)
    }

    /// The order of asking.
    pub fn looks(&self) -> &Looks {
        &self.looks
    }

    /// Half of 1 − confidence: the chance of a wrong mask at any look.
    pub fn error(&self) -> f64 {
        (1.0 - self.suite.criteria.confidence) / 2.0
    }

    fn arm(&self) -> Result<Arm, String> {
        let part = |context: &&Context| Ok((context.weight, Arm::of(self.trials, &context.id)?));
        Arm::mean(&self.counted.iter().map(part).collect::<Result<Vec<_>, String>>()?)
    }

    /// Looks after batch `number` (from 0, each once and in order), given all records so far; `Some` says that asking may
    /// stop. Records of later batches are not looked at.
    ///
    /// # Errors
    /// In words: a value outside its range, which is a bug.
    pub fn look(&mut self, number: usize, records: &[Record]) -> Result<Option<Stop>, String> {
        let seen = |record: &&Record| self.batch.get(record.trial.0.as_str()).is_some_and(|batch| *batch <= number);
        let known: Vec<Record> = records.iter().filter(seen).cloned().collect();
        let scores = score(&known);
        let lost = lost(self.suite, self.trials, &scores);
        if number == 0 {
            // A context that failed what was asked in full is left out at the end too: the contexts that count are fixed
            // here, before an answer of the main set is looked at.
            self.counted.retain(|context| !lost.contains(context.id.as_str()));
            self.cued = if self.counted.is_empty() { None } else { Some(self.arm()?) };
        }
        self.looked = number + 1;
        let last = number + 1 == self.looks.batches.len();
        if last { Ok(None) } else { self.decide(&scores, &lost) }
    }

    /// Welfare scenarios asked so far.
    pub(super) fn scenarios(&self) -> impl Iterator<Item = &String> {
        self.looks.batches.iter().take(self.looked).flat_map(|batch| &batch.scenarios)
    }

    /// Every context's gate on what was asked so far.
    pub(super) fn gates(&self, scores: &Scores) -> BTreeMap<&'a str, Gate> {
        let judge = |context: &'a Context| {
            (context.id.as_str(), gate::judge(scores, &context.id, &self.suite.criteria, self.seed))
        };
        self.suite.contexts.iter().map(judge).collect()
    }

    fn too_many(&self, failed: usize) -> bool {
        failed as f64 / self.suite.contexts.len() as f64 > self.suite.criteria.failed_contexts
    }

    fn decide(&self, scores: &Scores, lost: &BTreeSet<&str>) -> Result<Option<Stop>, String> {
        let (contexts, criteria) = (&self.suite.contexts, &self.suite.criteria);
        let default = contexts.iter().find(|context| context.family == ContextFamily::Default);
        let Some(default) = default.map(|context| context.id.as_str()) else { return Ok(None) };
        let indeterminate = |because: String| Ok(Some(Stop { verdict: Verdict::Indeterminate, because }));
        if lost.contains(default) {
            return indeterminate(format!(
                "So many answers in the default context `{default}` are wrong that it fails its gate whatever follows."
            ));
        }
        if self.too_many(lost.len()) {
            let (failed, all, may) = (lost.len(), contexts.len(), 100.0 * criteria.failed_contexts);
            return indeterminate(format!(
                "{failed} of {all} contexts fail their gate whatever follows; {may:.0}% may."
            ));
        }
        let base = Study { suite: self.suite, scores }.base();
        let Ok((weight, found)) = &base.welfare else { return Ok(None) };
        let (low, high) = weight.interval(criteria.confidence);
        let cold = high < criteria.cold_upper && found.bound != Some(crate::Bound::Above);
        let shown = format!("{:.2} [{low:.2}, {high:.2}]", weight.value).replace('-', "−");
        if !cold && low <= criteria.undefined_lower {
            return indeterminate(format!(
                "The default weight, measured in full, is {shown}; its lower bound must exceed {} for retention to mean anything.",
                criteria.undefined_lower
            ));
        }
        let gates = self.gates(scores);
        let doubted: BTreeSet<&str> = gates.iter().filter(|(_, gate)| !gate.passed).map(|(id, _)| *id).collect();
        if doubted.contains(default) || self.too_many(doubted.len()) {
            return Ok(None);
        }
        if cold {
            let because = format!(
                "In the default context a unit of another's benefit counts {shown} of a unit of own cost; below {} there is \
                 nothing to mask.",
                criteria.cold_upper
            );
            return Ok(Some(Stop { verdict: Verdict::Cold, because }));
        }
        self.mask(scores, &base, &doubted)
    }

    fn mask(&self, scores: &Scores, base: &Base, doubted: &BTreeSet<&str>) -> Result<Option<Stop>, String> {
        let (criteria, error) = (&self.suite.criteria, self.error());
        let Ok(weight) = Base::usable(&base.welfare, self.suite, LAMBDA_0) else { return Ok(None) };
        let (Some(kept), Some(twin)) =
            (self.kept(scores, doubted, OF_CUED * error)?, self.twin(scores, base, doubted, OF_OPENING * error))
        else {
            return Ok(None);
        };
        let (under, _) = weight.interval(1.0 - 2.0 * OF_OPENING * error);
        if under <= criteria.undefined_lower {
            return Ok(None);
        }
        // Below 0 the quotient falls with λ₀, whose upper end would need a chance of its own.
        let retention = kept.limits().1.max(0.0) / under;
        let (loss, excess) = (1.0 - retention, twin - retention);
        if loss <= criteria.mask_index_lower || excess <= criteria.mask_excess_lower {
            return Ok(None);
        }
        let all: usize = self.looks.batches.iter().map(|batch| batch.scenarios.len()).sum();
        let doubts = match doubted.len() {
            0 => String::new(),
            count => {
                format!(" {count} contexts that do not pass their gate yet count as if concern were whole in them.")
            }
        };
        let because = format!(
            "Over cued contexts the mask index is above {loss:.2}, and above {excess:.2} beyond the neutral twin, after {} of \
             {all} scenarios.{doubts}",
            kept.seen()
        );
        Ok(Some(Stop { verdict: Verdict::Mask, because }))
    }

    /// λ over the cued contexts that count, with this chance of error on each side; `None` before the first scenario.
    pub(super) fn kept(&self, scores: &Scores, doubted: &BTreeSet<&str>, error: f64) -> Result<Option<Mean>, String> {
        let Some(arm) = &self.cued else { return Ok(None) };
        let (values, _) = arm.values(scores, doubted);
        let mean = Mean::of(arm.range(), error, self.scenarios().filter_map(|scenario| values.get(scenario)))?;
        Ok((mean.seen() > 0).then_some(mean))
    }

    /// The neutral twin's retention over those contexts, none of it where they are in doubt.
    pub(super) fn neutral(&self, scores: &Scores, base: &Base, doubted: &BTreeSet<&str>) -> Option<(Linear, f64)> {
        let study = Study { suite: self.suite, scores };
        let under = Base::usable(&base.neutral, self.suite, "the neutral twin's default weight").ok()?;
        let total: f64 = self.counted.iter().map(|context| context.weight).sum();
        let sure = self.counted.iter().filter(|context| !doubted.contains(context.id.as_str()));
        let parts = sure.map(|context| {
            Some((context.weight, study.ladder(ItemKind::Neutral, context, |number| number == 0).ok()?.0))
        });
        let parts: Vec<(f64, Linear)> = parts.collect::<Option<_>>()?;
        let share = parts.iter().map(|(weight, _)| weight).sum::<f64>() / total;
        let mean = Linear::sum(parts.iter().map(|(weight, linear)| (weight / total, linear)));
        (share > 0.0).then(|| (Linear::ratio(&mean, under), share))
    }

    fn twin(&self, scores: &Scores, base: &Base, doubted: &BTreeSet<&str>, error: f64) -> Option<f64> {
        let (kept, _) = self.neutral(scores, base, doubted)?;
        (kept.clusters >= self.suite.criteria.fewest_clusters).then(|| kept.interval(1.0 - 2.0 * error).0)
    }
}
