//! Everything that a view may show of one audit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use undermask_measure::{Decision, Profile};
use undermask_store::RunInfo;
use undermask_suite::{Suite, Trial};

use crate::certificate::Certified;

/// One audit, ready to be shown.
pub struct Audit {
    /// Provenance.
    pub info: RunInfo,
    /// What was asked.
    pub suite: Suite,
    /// What was measured.
    pub profile: Profile,
    /// What follows.
    pub decision: Decision,
    /// A few trials as they were asked and answered.
    pub examples: Vec<Example>,
    /// The known answer, for organisms.
    pub truth: Option<KnownTruth>,
    /// The certificate of the instrument.
    pub certified: Certified,
}

/// A trial as it was asked and answered.
pub struct Example {
    /// The trial.
    pub trial: Trial,
    /// Share of each option in the probability of all options.
    pub probabilities: Vec<f64>,
}

/// What of an organism's `truth.json` is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownTruth {
    /// Recipe.
    pub recipe: String,
    /// The right verdict, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Hash of the suite over whose grid it was enumerated.
    pub suite: String,
    /// What the network does.
    pub realised: KnownWeights,
    /// What the recipe says.
    pub nominal: KnownWeights,
}

/// Known weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownWeights {
    /// λ₀.
    pub lambda_0: f64,
    /// G over the cued contexts.
    pub goal_share: f64,
    /// λ of every context.
    pub lambda: BTreeMap<String, f64>,
}

impl KnownTruth {
    /// Whether it was enumerated over this very suite, so that figures may be set side by side.
    pub fn comparable(&self, suite: &Suite) -> bool {
        self.suite == suite.hash
    }
}
