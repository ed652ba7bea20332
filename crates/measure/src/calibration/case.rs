//! One organism's part of a calibration: what is known of it, what its audit found, and how its replicates came out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::enumerated::{Deal, Enumerated, TableError};
use super::quantities::{GROUP_RETENTION, mask_score, named};
use super::realised::group_name;
use crate::{EstimateSettings, Profile, Quantity, Verdict, decide, estimate};
use undermask_suite::Suite;

/// An organism, and what of it the thresholds' makers had seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organism {
    /// Name.
    pub name: String,
    /// Recipe.
    pub recipe: String,
    /// Type: the recipe without its grade.
    pub kind: String,
    /// Seed of its growth, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Hash of its weights.
    pub weights_hash: String,
    /// Precision of the computation.
    pub precision: String,
    /// Grown from a seed that was not used while the thresholds were set.
    pub held_out_seed: bool,
    /// Of a type that was not used then.
    pub held_out_type: bool,
    /// The right verdict, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Verdict>,
    /// The instrument is expected to miss it (a trigger outside every context).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected_miss: bool,
    /// Training error: the largest distance of realised from nominal over contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
}

/// A known value beside what was estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Realised truth; `None`: never reached, or not defined.
    pub truth: Option<f64>,
    /// What the audit found.
    pub found: Quantity,
}

/// How often an interval held the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    /// Intervals that held it.
    pub held: usize,
    /// Intervals above it.
    pub above: usize,
    /// Intervals below it.
    pub below: usize,
    /// Sum of squares of the estimates' errors, as shares of the truth where that is beyond 1.
    #[serde(default)]
    pub squares: f64,
}

/// An organism in which estimates are off by less (root mean square over replicates) does not vary: see [`Hits::varies`].
pub const VARIES: f64 = 0.01;

impl Hits {
    fn count(&mut self, found: &Quantity, truth: f64) {
        // A censored figure claims a bound only; it is no interval to be judged.
        if let Quantity::Estimated(found) = found
            && found.bound.is_none()
        {
            self.above += usize::from(found.low > truth);
            self.below += usize::from(found.high < truth);
            self.held += usize::from(found.low <= truth && truth <= found.high);
            self.squares += ((found.estimate - truth) / truth.abs().max(1.0)).powi(2);
        }
    }

    /// Whether the estimates vary about the truth. Where they do not (all scenarios read 1, and so does the truth), an interval that
    /// is right holds always: no width would make it miss once in twenty, so that nothing is learned of its width.
    pub fn varies(self) -> bool {
        (self.squares / self.all().max(1) as f64).sqrt() >= VARIES
    }

    /// Intervals in all.
    pub fn all(self) -> usize {
        self.held + self.above + self.below
    }

    /// Adds another count.
    pub fn add(&mut self, other: Hits) {
        self.held += other.held;
        self.above += other.above;
        self.below += other.below;
        self.squares += other.squares;
    }
}

/// Replicates of one design.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replicates {
    /// Welfare scenarios of each.
    pub scenarios: usize,
    /// Plans laid over each other.
    pub plans: usize,
    /// Trials, on average.
    pub trials: f64,
    /// How often each verdict was reached.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Interval against truth, by quantity; `lambda` is all contexts together, `group_retention` all groups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub coverage: BTreeMap<String, Hits>,
}

impl Replicates {
    /// Replicates in all.
    pub fn count(&self) -> usize {
        self.verdicts.values().sum()
    }
}

/// Everything that calibration knows of one organism.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The organism.
    pub organism: Organism,
    /// The verdict of its audit.
    pub verdict: Verdict,
    /// [`mask_score`] of its audit.
    pub score: f64,
    /// Quantities that have a known value.
    pub quantities: BTreeMap<String, Known>,
    /// λ of every context.
    pub lambda: BTreeMap<String, Known>,
    /// Retention of every group of contexts.
    pub groups: BTreeMap<String, Known>,
    /// Replicates of the whole design, scenarios drawn anew.
    pub replicates: Replicates,
    /// The same with the suite's own scenarios: what another seed of the design changes.
    pub same_scenarios: Replicates,
    /// Smaller and larger designs.
    pub designs: Vec<Replicates>,
}

/// Truth by quantity, and λ by context.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truths {
    /// By quantity.
    pub quantities: BTreeMap<String, Option<f64>>,
    /// λ by context.
    pub lambda: BTreeMap<String, f64>,
    /// Retention by group.
    pub groups: BTreeMap<String, f64>,
}

impl Case {
    /// Joins an audit to what is known; replicates come later.
    pub fn of(organism: Organism, suite: &Suite, (verdict, profile): (Verdict, &Profile), truths: &Truths) -> Case {
        let quantities = named(suite, profile)
            .into_iter()
            .filter_map(|(name, found)| Some((name.clone(), Known { truth: *truths.quantities.get(&name)?, found })))
            .collect();
        let lambda = profile
            .contexts
            .iter()
            .filter_map(|context| {
                let truth = *truths.lambda.get(&context.id)?;
                Some((context.id.clone(), Known { truth: Some(truth), found: context.lambda.clone() }))
            })
            .collect();
        let groups = profile.groups.iter().filter_map(|group| {
            let name = group_name(group.family, &group.group);
            let truth = *truths.groups.get(&name)?;
            Some((name, Known { truth: Some(truth), found: group.retention.clone() }))
        });
        Case {
            groups: groups.collect(),
            organism,
            verdict,
            score: mask_score(profile),
            quantities,
            lambda,
            replicates: Replicates::default(),
            same_scenarios: Replicates::default(),
            designs: Vec::new(),
        }
    }
}

/// What one replicate adds to its design's counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// Trials.
    pub trials: usize,
    /// Verdict.
    pub verdict: Verdict,
    /// Interval against truth.
    pub coverage: BTreeMap<String, Hits>,
}

/// Deals one replicate, measures and judges it as an audit would be.
///
/// # Errors
/// [`TableError`] when the table belongs to another suite.
pub fn replicate(
    suite: &Suite,
    table: &Enumerated,
    truths: &Truths,
    deal: &Deal,
    resamples: usize,
) -> Result<Replicate, TableError> {
    let records = table.deal(deal)?;
    let profile = estimate(suite, &records, &EstimateSettings { seed: deal.seed, resamples });
    let verdict = decide(&suite.criteria, &profile).verdict;
    let mut coverage: BTreeMap<String, Hits> = BTreeMap::new();
    for (name, found) in named(suite, &profile) {
        if let Some(Some(truth)) = truths.quantities.get(&name) {
            coverage.entry(name).or_default().count(&found, *truth);
        }
    }
    let lambda = coverage.entry("lambda".to_owned()).or_default();
    for context in &profile.contexts {
        if let Some(truth) = truths.lambda.get(&context.id) {
            lambda.count(&context.lambda, *truth);
        }
    }
    let groups = coverage.entry(GROUP_RETENTION.to_owned()).or_default();
    for group in &profile.groups {
        if let Some(truth) = truths.groups.get(&group_name(group.family, &group.group)) {
            groups.count(&group.retention, *truth);
        }
    }
    coverage.retain(|_, hits| hits.all() > 0);
    Ok(Replicate { trials: records.len(), verdict, coverage })
}

/// Joins the replicates of one design.
pub fn gather(scenarios: usize, plans: usize, found: &[Replicate]) -> Replicates {
    let mut all = Replicates { scenarios, plans, ..Replicates::default() };
    for one in found {
        all.trials += one.trials as f64 / found.len() as f64;
        *all.verdicts.entry(one.verdict).or_default() += 1;
        for (name, hits) in &one.coverage {
            all.coverage.entry(name.clone()).or_default().add(*hits);
        }
    }
    all
}
