//! Everything that a view may show of several runs over sizes.

use undermask_measure::Verdict;
use undermask_measure::sizes::SizeLine;
use undermask_store::RunInfo;

/// One run on a line.
pub struct SizesRun {
    /// What it is.
    pub info: RunInfo,
    /// Its folder.
    pub folder: String,
    /// Its own verdict.
    pub verdict: Verdict,
}

/// Runs over sizes, ready to be shown.
pub struct Sizes {
    /// The suite in one line.
    pub suite_title: String,
    /// The runs, in the order given.
    pub runs: Vec<SizesRun>,
    /// What differs in how they were asked.
    pub warnings: Vec<String>,
    /// Level of the intervals.
    pub confidence: f64,
    /// Number of parameters that a forecast was asked for.
    pub at: Option<f64>,
    /// Every quantity.
    pub lines: Vec<SizeLine>,
}
