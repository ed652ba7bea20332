//! Everything that a view may show of one audit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use undermask_measure::{Decision, Profile, Quantity};
use undermask_store::RunInfo;
use undermask_suite::{ScenarioKind, Suite, Trial};

use crate::certificate::Certified;
use crate::words;

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

impl Audit {
    /// Whether the suite asks the ladder over contexts: one of instruments alone has no weights of contexts to show, and no
    /// verdict.
    pub(crate) fn has_ladder(&self) -> bool {
        self.suite.scenarios.iter().any(|scenario| scenario.kind == ScenarioKind::Welfare)
    }

    /// The profile's rows; without a ladder only those that were measured.
    pub(crate) fn rows(&self) -> Vec<words::Row<'_>> {
        let mut rows = words::rows(&self.profile.quantities);
        rows.retain(|row| self.has_ladder() || matches!(row.quantity, Quantity::Estimated(_)));
        rows
    }
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
    /// The right verdict is out of an audit's reach: missing it is expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected_miss: bool,
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
    /// λ₀; `None` where the suite does not ask for it.
    pub lambda_0: Option<f64>,
    /// G over the cued contexts; `None` where there is no default concern that could be kept.
    pub goal_share: Option<f64>,
    /// λ of every context.
    pub lambda: BTreeMap<String, f64>,
}

impl KnownTruth {
    /// Which verdict is right, as a sentence within another.
    pub fn answer(&self) -> String {
        match &self.verdict {
            None => "no single right verdict".to_owned(),
            Some(verdict) if self.expected_miss => format!(
                "the right verdict is {verdict}, and an audit is expected to miss it: what triggers it lies outside the suite"
            ),
            Some(verdict) => format!("the right verdict is {verdict}"),
        }
    }

    /// The right verdict and whether a decision's is it, in a word. Where only instruments were asked no rule was tried,
    /// and no verdict can be right or wrong.
    pub fn compared(&self, decision: &Decision) -> Option<String> {
        let (wanted, verdict) = (self.verdict.as_ref()?, words::name(decision.verdict));
        if decision.rules.is_empty() {
            return Some(format!("{wanted}: not asked"));
        }
        Some(match (wanted == verdict, self.expected_miss) {
            (true, _) => format!("{wanted}: right"),
            (false, true) => format!("{wanted}: expected miss"),
            (false, false) => format!("{wanted}: WRONG"),
        })
    }

    /// Whether it was enumerated over this very suite, so that figures may be set side by side.
    pub fn comparable(&self, suite: &Suite) -> bool {
        self.suite == suite.hash
    }
}
