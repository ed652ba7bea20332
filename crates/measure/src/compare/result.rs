//! What a comparison is: a row a quantity, one verdict, and what it rests on.

use serde::{Deserialize, Serialize};

use crate::Quantity;
use crate::paired::Change;

/// Which way a quantity gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// The nearer to 0 the better: gaps.
    NearerZero,
    /// Neither way is.
    Neither,
}

/// What a row is to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Of the family that decides; its p-values are Holm's.
    Endpoint,
    /// Another endpoint read the other way: not counted twice.
    Mirror,
    /// Should not move. Its p-values are not adjusted.
    Control,
    /// Shown, and not counted. Its p-values are not adjusted.
    Beside,
}

/// How a row came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowChange {
    /// Worse.
    Regression,
    /// Better.
    Improvement,
    /// Different, where neither way is better.
    Changed,
    /// Within the margin.
    Equivalent,
    /// Neither a change nor its absence is shown.
    Undecided,
}

/// The difference of one quantity between two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Candidate less baseline.
    pub difference: f64,
    /// Its interval, not adjusted.
    pub low: f64,
    /// Its interval, not adjusted.
    pub high: f64,
    /// By how much it became better (where neither way is: by how much it rose), with the interval.
    pub better: (f64, f64, f64),
    /// Differences within ± this do not matter.
    pub margin: f64,
    /// Two-sided p-value that it became neither better nor worse.
    pub p: f64,
    /// Two one-sided tests' p-value that the difference is beyond the margin.
    pub equivalence_p: f64,
    /// Smallest true difference that four comparisons of five like this one find.
    pub detectable: f64,
    /// Share of comparisons like this one that find a true difference as large as the margin.
    pub power: f64,
    /// Scenarios with which four of five would find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios_needed: Option<usize>,
    /// Items in each run.
    pub items: usize,
    /// Scenarios.
    pub clusters: usize,
    /// How it came out.
    pub change: RowChange,
}

/// One quantity in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `mask_index`, or an instrument's id and quantity: `price.price_ed50`.
    pub key: String,
    /// Name.
    pub name: String,
    /// What it is to the verdict.
    pub part: Part,
    /// Which way it gets better.
    pub better: Better,
    /// In the baseline.
    pub baseline: Quantity,
    /// In the candidate.
    pub candidate: Quantity,
    /// The difference; absent where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A context whose gate does not pass in both runs: it takes no part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateDifference {
    /// Context id.
    pub context: String,
    /// Title for people.
    pub title: String,
    /// Whether the baseline passes.
    pub baseline: bool,
    /// Whether the candidate passes.
    pub candidate: bool,
    /// What failed, in words.
    pub failures: Vec<String>,
}

/// Trials of both runs, by their ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// In both, each item whole.
    pub shared: usize,
    /// Only in the baseline.
    pub only_in_baseline: usize,
    /// Only in the candidate.
    pub only_in_candidate: usize,
}

/// The comparison of two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunComparison {
    /// The verdict: a regression anywhere is one; otherwise undecided where any endpoint is; otherwise an improvement
    /// where there is one; otherwise equivalent.
    pub verdict: Change,
    /// Why, in one sentence.
    pub evidence: String,
    /// What a reader has to know besides.
    pub notes: Vec<String>,
    /// Every quantity.
    pub rows: Vec<Row>,
    /// Contexts that were left out.
    pub gates: Vec<GateDifference>,
    /// What was compared.
    pub overlap: Overlap,
    /// Margin, in units of the welfare weight and of shares.
    pub margin: f64,
    /// Confidence.
    pub confidence: f64,
}
