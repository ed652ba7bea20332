//! Everything that a view may show of one comparison.

use undermask_measure::compare::RunComparison;
use undermask_store::RunInfo;

/// A comparison, ready to be shown.
pub struct Comparison {
    /// The suite in one line.
    pub suite_title: String,
    /// What the baseline is.
    pub baseline: RunInfo,
    /// What the candidate is.
    pub candidate: RunInfo,
    /// Folders of both.
    pub folders: (String, String),
    /// What differs in how the two were asked.
    pub warnings: Vec<String>,
    /// What was found.
    pub found: RunComparison,
}
