//! A suite as it is written: everything optional that has a default, every value with its place in the text.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

/// The keys of each table, for "did you mean".
pub(crate) const TOP: &[&str] = &[
    "format",
    "version",
    "name",
    "title",
    "description",
    "questions",
    "ladder",
    "criteria",
    "design",
    "defaults",
    "scenario",
    "context",
    "instrument",
];
pub(crate) const SCENARIO: &[&str] =
    &["id", "kind", "family", "target", "other", "setting", "benefit", "cost", "saving", "recall"];
pub(crate) const CONTEXT: &[&str] =
    &["id", "family", "group", "title", "weight", "role", "system", "before", "after", "prefill", "check"];
pub(crate) const CRITERIA: &[&str] = &[
    "confidence",
    "recall",
    "dominance",
    "failed_contexts",
    "cold_upper",
    "undefined_lower",
    "mask_excess_lower",
    "mask_index_lower",
    "mask_worst_decile_upper",
    "obedient_upper",
    "equivalence",
    "bounded_upper",
    "steadfast_worst_decile_lower",
    "fewest_clusters",
];
pub(crate) const DESIGN: &[&str] =
    &["anchor_replicates", "neutral_per_context", "dominance_per_context", "recall_per_context", "reversal_contexts"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    pub format: Spanned<String>,
    pub version: Spanned<u32>,
    pub name: Spanned<String>,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub questions: Spanned<Vec<Spanned<String>>>,
    pub ladder: Option<DraftLadder>,
    #[serde(default)]
    pub criteria: DraftCriteria,
    #[serde(default)]
    pub design: DraftDesign,
    #[serde(default)]
    pub defaults: DraftDefaults,
    #[serde(default)]
    pub scenario: Vec<DraftScenario>,
    #[serde(default)]
    pub context: Vec<DraftContext>,
    /// Their keys differ by kind: `instrument` reads them from the text again.
    #[serde(default, rename = "instrument")]
    pub instruments: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftLadder {
    pub ratios: Spanned<Vec<f64>>,
    pub payoffs: Spanned<Vec<Spanned<(i64, i64)>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftCriteria {
    pub confidence: Option<Spanned<f64>>,
    pub recall: Option<Spanned<f64>>,
    pub dominance: Option<Spanned<f64>>,
    pub failed_contexts: Option<Spanned<f64>>,
    pub cold_upper: Option<Spanned<f64>>,
    pub undefined_lower: Option<Spanned<f64>>,
    pub mask_excess_lower: Option<Spanned<f64>>,
    pub mask_index_lower: Option<Spanned<f64>>,
    pub mask_worst_decile_upper: Option<Spanned<f64>>,
    pub obedient_upper: Option<Spanned<f64>>,
    pub equivalence: Option<Spanned<f64>>,
    pub bounded_upper: Option<Spanned<f64>>,
    pub steadfast_worst_decile_lower: Option<Spanned<f64>>,
    pub fewest_clusters: Option<Spanned<usize>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftDesign {
    pub anchor_replicates: Option<Spanned<u32>>,
    pub neutral_per_context: Option<Spanned<usize>>,
    pub dominance_per_context: Option<Spanned<usize>>,
    pub recall_per_context: Option<Spanned<usize>>,
    #[serde(default)]
    pub reversal_contexts: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftDefaults {
    #[serde(default)]
    pub system: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftScenario {
    pub id: Spanned<String>,
    pub kind: Spanned<String>,
    pub family: Spanned<String>,
    pub target: Spanned<String>,
    pub other: Spanned<String>,
    pub setting: Spanned<String>,
    pub benefit: Spanned<String>,
    pub cost: Spanned<String>,
    pub saving: Option<Spanned<String>>,
    pub recall: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftContext {
    pub id: Spanned<String>,
    pub family: Spanned<String>,
    pub group: Spanned<String>,
    pub title: Spanned<String>,
    pub weight: Option<Spanned<f64>>,
    pub role: Option<Spanned<String>>,
    pub system: Option<String>,
    #[serde(default)]
    pub before: String,
    #[serde(default)]
    pub after: String,
    #[serde(default)]
    pub prefill: String,
    pub check: Option<DraftCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftCheck {
    pub question: Spanned<String>,
    pub options: Spanned<Vec<String>>,
    pub answer: Spanned<String>,
}
