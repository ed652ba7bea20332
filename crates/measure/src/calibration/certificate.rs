//! The calibration certificate: what `certificate.json` holds and every report shows. Types only; `certify` fills them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use undermask_suite::Criteria;

use super::auroc::{Auroc, RocPoint};
use super::case::{Known, Organism};
use super::proportion::Share;
use super::recovery::Recovery;
use crate::Verdict;

/// Name of the format.
pub const FORMAT: &str = "undermask.certificate";
/// Version of the format.
pub const VERSION: u32 = 1;

/// The operating characteristics of one suite, measured on models whose answer is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Suite.
    pub suite: String,
    /// Its hash, thresholds included.
    pub suite_hash: String,
    /// Its thresholds.
    pub thresholds: Criteria,
    /// What measured.
    pub code: Code,
    /// Level of every interval within.
    pub confidence: f64,
    /// Precisions in which the organisms were audited.
    pub precisions: Vec<String>,
    /// Seed of the audits' designs.
    pub seed: u64,
    /// Whether the suite reaches verdicts; where it asks instruments alone, what they measure is certified.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub verdicts: bool,
    /// Seeds and types that were used while the thresholds were set.
    pub development: Development,
    /// What was asked of the figures, and whether it was reached.
    pub checks: Vec<Check>,
    /// Figures over all organisms.
    pub all: Figures,
    /// Figures over those of held-out seeds.
    pub held_out_seeds: Figures,
    /// Figures over those of held-out types.
    pub held_out_types: Figures,
    /// Organisms with what their audit found.
    pub organisms: Vec<Entry>,
    /// Growths whose gap was too large, and why: not audited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_growths: Vec<String>,
    /// What to know when reading it.
    pub notes: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The code that was certified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Version of undermask.
    pub version: String,
    /// Hash of the sources that plan, measure and judge.
    pub instrument: String,
}

/// What the makers of the thresholds had seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Development {
    /// Seeds of growths.
    pub seeds: Vec<u64>,
    /// Types of organisms.
    pub types: Vec<String>,
}

/// One figure against what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What is judged.
    pub name: String,
    /// What is asked.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// Whether it was reached; absent: not enough organisms to say.
    pub passed: Option<bool>,
}

/// One organism in the certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The organism.
    #[serde(flatten)]
    pub organism: Organism,
    /// Verdict of its audit.
    pub verdict: Verdict,
    /// Its score.
    pub score: f64,
    /// Verdicts of its replicates.
    pub replicates: BTreeMap<Verdict, usize>,
    /// Recovered quantities.
    pub quantities: BTreeMap<String, Known>,
}

/// Figures over some of the organisms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Organisms.
    pub organisms: usize,
    /// Right verdicts among the organisms that have one (expected misses left out).
    pub right: Option<Share>,
    /// Wrong ones: neither right nor indeterminate.
    pub wrong: Option<Share>,
    /// Right verdicts over replicates.
    pub right_replicates: Option<Share>,
    /// Masks against every organism whose right verdict is another.
    pub against_all: Option<Auroc>,
    /// Masks against steadfast organisms.
    pub against_steadfast: Option<Auroc>,
    /// The curve of the first.
    pub roc: Vec<RocPoint>,
    /// Verdicts, a row a truth.
    pub confusion: Vec<ConfusionRow>,
    /// How often `mask` was reported of what is none, type by type.
    pub false_positives: Vec<FalsePositive>,
    /// Organisms that the instrument is expected to miss.
    pub misses: Vec<Miss>,
    /// Recovery of every quantity.
    pub recovery: Vec<Recovered>,
    /// Coverage of every interval.
    pub coverage: Vec<Coverage>,
    /// Right verdicts as designs grow.
    pub power: Vec<PowerCurve>,
}

/// Verdicts reached where this one was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusionRow {
    /// The truth.
    pub truth: Verdict,
    /// Verdicts of audits.
    pub audits: BTreeMap<Verdict, usize>,
    /// Right among the audits.
    pub right: Share,
    /// Indeterminate among them.
    pub indeterminate: Share,
    /// Verdicts of replicates.
    pub replicates: BTreeMap<Verdict, usize>,
}

/// How often `mask` was reported of a type that is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FalsePositive {
    /// Type.
    pub kind: String,
    /// Over organisms, one audit each.
    pub audits: Share,
    /// Over replicates.
    pub replicates: Share,
}

/// An organism that was expected to be missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    /// Its name.
    pub name: String,
    /// What it is.
    pub truth: Verdict,
    /// What was reported.
    pub verdict: Verdict,
    /// Verdicts of its replicates.
    pub replicates: BTreeMap<Verdict, usize>,
}

/// Recovery of one quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// The quantity; `lambda` is every context of every organism.
    pub quantity: String,
    /// Organisms of which types; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The figures; absent where no pair has both a truth and an uncensored estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Recovery>,
    /// Whether the value was reached within the range tested, truth against estimate.
    pub reached: Reached,
    /// (truth, estimate, low, high) of each pair, for the plot.
    pub pairs: Vec<[f64; 4]>,
}

/// Values that lie beyond the range tested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Reached, and found to be.
    pub both: usize,
    /// Never reached, and reported as beyond the range.
    pub neither: usize,
    /// Reached, and reported as beyond the range.
    pub missed: usize,
    /// Never reached, and reported as reached.
    pub invented: usize,
    /// Refused with a reason.
    pub refused: usize,
}

/// Coverage of one quantity's interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The quantity.
    pub quantity: String,
    /// Replicates with scenarios drawn anew.
    pub redrawn: Share,
    /// Of these, those of organisms in which the quantity varies: what is judged. Absent in certificates of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub varying: Option<Share>,
    /// Organisms in which it varies, and all in which it is known.
    #[serde(default)]
    pub organisms: (usize, usize),
    /// Intervals that lay above the truth, as a share.
    pub above: f64,
    /// Intervals that lay below it.
    pub below: f64,
    /// The same scenarios in another design.
    pub same_scenarios: Share,
    /// Lowest and highest over organisms.
    pub range: (f64, f64),
    /// Within the band that is accepted where the quantity varies, and not below it over all; absent where there are too few
    /// replicates to say.
    pub accepted: Option<bool>,
}

/// Right verdicts as designs grow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerCurve {
    /// The right verdict.
    pub truth: Verdict,
    /// One point a design.
    pub points: Vec<PowerPoint>,
}

/// One design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerPoint {
    /// Welfare scenarios.
    pub scenarios: usize,
    /// Plans laid over each other.
    pub plans: usize,
    /// Trials, on average.
    pub trials: f64,
    /// Right verdicts.
    pub right: Share,
}
