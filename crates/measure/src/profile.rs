//! The result of a measurement: a profile of quantities, each with its interval, never one number.
//!
//! This is what `verdict` decides on and what `report` shows. It knows no model's name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use undermask_suite::{ContextFamily, InstrumentKind};

/// On which side a censored quantity lies beyond what was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The true value lies at or above the figure.
    Above,
    /// The true value lies at or below the figure.
    Below,
}

/// A measured quantity with its interval, or the typed reason why it was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// Estimated.
    Estimated(Estimate),
    /// Not estimable; the reason says what is missing ("too few clusters: have 3, need 8").
    Refused {
        /// Why.
        refused: String,
    },
}

/// An estimate with its confidence interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Point estimate.
    pub estimate: f64,
    /// Lower end of the interval at the suite's confidence.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Number of items (order pairs) behind it.
    pub n: usize,
    /// Number of clusters (scenarios) behind it.
    pub clusters: usize,
    /// Present where the figure is censored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
}

/// One rung of one context's ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Nominal ratio c/b.
    pub ratio: f64,
    /// Mean probability of the target act.
    pub probability: f64,
    /// The same after monotone smoothing.
    pub smoothed: f64,
    /// Interval.
    pub low: f64,
    /// Interval.
    pub high: f64,
    /// Items.
    pub n: usize,
}

/// Competence of the model in one context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// All parts passed.
    pub passed: bool,
    /// Share of payoff questions answered rightly.
    pub recall: f64,
    /// Share of dominance items decided rightly.
    pub dominance: f64,
    /// p-value of the test that choices respond to anything (τ against its random null).
    pub response_p: f64,
    /// Share of the context's own check answered rightly, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<f64>,
    /// What failed, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

/// What was measured in one context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextProfile {
    /// Context id.
    pub id: String,
    /// Whether λ₀ is measured in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anchor: bool,
    /// Title for people.
    pub title: String,
    /// Family.
    pub family: ContextFamily,
    /// Group within the family.
    pub group: String,
    /// Welfare weight.
    pub lambda: Quantity,
    /// The neutral twin's weight.
    pub neutral_lambda: Quantity,
    /// λ_k/λ_0.
    pub retention: Quantity,
    /// Position bias (log-odds of naming order).
    pub position_bias: Quantity,
    /// Competence.
    pub gate: Gate,
    /// The welfare ladder.
    pub ladder: Vec<Rung>,
    /// The neutral ladder.
    pub neutral_ladder: Vec<Rung>,
    /// Upper limit of retention at the suite's confidence for all cued contexts together (Bonferroni); cued contexts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at_most: Option<f64>,
    /// Holm-adjusted p-value that λ_k differs from λ_0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_adjusted: Option<f64>,
}

/// How trials ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Answered.
    pub answered: usize,
    /// Refused.
    pub refused: usize,
    /// Unparsable.
    pub unparsable: usize,
    /// Errors.
    pub error: usize,
}

/// The quantities of the profile; one that a run did not measure is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantities {
    /// Welfare weight in the default context, from separate items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_0: Option<Quantity>,
    /// Mask index M over the cued contexts, unclipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_index: Option<Quantity>,
    /// Goal share G = 1 − M.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_share: Option<Quantity>,
    /// M_welfare − M_neutral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_excess: Option<Quantity>,
    /// Retention λ/λ_0 in the worst tenth of the cued contexts, cross-fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_decile: Option<Quantity>,
    /// What the worst tenth loses beyond what the neutral twin loses in the same contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_decile_excess: Option<Quantity>,
    /// P(not help) in the worst of a million queries in which helping is nearly free: a forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_query: Option<Quantity>,
    /// Retention in commanded contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commanded_retention: Option<Quantity>,
    /// The neutral twin's retention in commanded contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commanded_neutral_retention: Option<Quantity>,
    /// Retention in incentive contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incentive_retention: Option<Quantity>,
    /// λ_watched − λ_private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_gap: Option<Quantity>,
    /// λ_placebo − λ_private: the audience gap's placebo arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_placebo_gap: Option<Quantity>,
    /// λ over λ₀ where nobody watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched_retention: Option<Quantity>,
    /// The neutral twin's retention where nobody watches less that of concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched_excess: Option<Quantity>,
    /// W = P(beneficial) − P(harmful) on means-reversal items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means_reversal: Option<Quantity>,
    /// Closed Sobol index of the reasons on the logit scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons_share: Option<Quantity>,
    /// The same on the probability scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons_share_probability: Option<Quantity>,
    /// λ_stated − λ_0 of the first say-do instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say_do_gap: Option<Quantity>,
    /// Own cost at which help halves, of the first price instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_ed50: Option<Quantity>,
    /// Pressing sentences at which help halves, of the first pressure instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure_ed50: Option<Quantity>,
    /// Restricted mean turns for which concern is kept where talk pushes, of the first drift instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rmst: Option<Quantity>,
    /// Mean position bias over all contexts (log-odds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_bias: Option<Quantity>,
}

/// Answer to "is it equivalent?": two one-sided tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// What was tested.
    pub quantity: String,
    /// Margin.
    pub margin: f64,
    /// The larger of the two one-sided p-values.
    pub p: f64,
    /// Equivalent at 1 − confidence.
    pub equivalent: bool,
}

/// Which adjustment for many tests a p-value carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Over the primary endpoints: family-wise error rate.
    Holm,
    /// Over all the others: false-discovery rate.
    BenjaminiHochberg,
}

/// Test that an endpoint is what it would be if contexts changed nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointTest {
    /// What was tested.
    pub quantity: String,
    /// The value under the null hypothesis: 0 for gaps, 1 for retentions.
    pub against: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// The same, adjusted.
    pub p_adjusted: f64,
    /// How.
    pub adjustment: Adjustment,
}

/// A measured profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The quantities.
    pub quantities: Quantities,
    /// Equivalence tests.
    pub equivalences: Vec<Equivalence>,
    /// Tests of the endpoints, adjusted for their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<EndpointTest>,
    /// Routes to `mask`, each with limits that hold for all of them together; groups have theirs in `groups`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<Route, Together>,
    /// Family by family and group by group: retention, for saying what broke the mask.
    pub groups: Vec<GroupProfile>,
    /// Every context.
    pub contexts: Vec<ContextProfile>,
    /// Every instrument, by its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instruments: BTreeMap<String, InstrumentProfile>,
    /// How trials ended.
    pub outcomes: Outcomes,
    /// Confidence level of the intervals.
    pub confidence: f64,
    /// Trials whose labels had different numbers of tokens and were normalised by length.
    #[serde(default)]
    pub normalised: usize,
}

/// What one instrument found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstrumentProfile {
    /// Kind.
    pub kind: InstrumentKind,
    /// One line for people.
    pub title: String,
    /// Quantities by name.
    pub quantities: BTreeMap<String, Quantity>,
    /// What its plot shows.
    pub curve: Vec<CurvePoint>,
    /// What a random responder scores.
    pub null: String,
    /// Tests that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<InstrumentTest>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl InstrumentProfile {
    pub(crate) fn empty(kind: InstrumentKind, title: &str) -> InstrumentProfile {
        InstrumentProfile {
            kind,
            title: title.to_owned(),
            quantities: BTreeMap::new(),
            curve: Vec::new(),
            null: String::new(),
            tests: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &str, quantity: Quantity) {
        self.quantities.insert(name.to_owned(), quantity);
    }
}

/// One point of an instrument's plot: a mean or a survival at a dose, or an arm's weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Arm.
    pub arm: String,
    /// Dose; absent where arms have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Estimate.
    pub estimate: f64,
    /// Interval.
    pub low: f64,
    /// Interval.
    pub high: f64,
    /// Items, or conversations followed.
    pub n: usize,
}

/// A test that an instrument makes beside its quantities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstrumentTest {
    /// Which.
    pub name: String,
    /// p-value.
    pub p: f64,
}

/// Retention over a group of contexts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupProfile {
    /// Family.
    pub family: ContextFamily,
    /// Group.
    pub group: String,
    /// Mean λ over the group's contexts.
    pub lambda: Quantity,
    /// Mean retention.
    pub retention: Quantity,
    /// For groups of cues and of incentives: limits that hold for all of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
}

/// A way in which concern can be seen to be lost; what is found by any of them is a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Over the cued contexts as a whole.
    Whole,
    /// In the worst tenth of them.
    WorstDecile,
    /// Where nobody watches.
    Unwatched,
    /// In one group of cues; its limits stand with the group.
    Group,
}

/// Limits of one route to a verdict, or of one group within it, at a confidence that is shared out over all of them
/// (Bonferroni 1936), so that whichever lost the most may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// Upper limit of retention.
    pub kept_at_most: f64,
    /// Lower limit of the neutral twin's retention less this one.
    pub excess_at_least: f64,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Concern is kept wherever it was tested.
    Steadfast,
    /// Concern belongs to the default persona.
    Mask,
    /// Concern is kept up to a price or a dose of pressure.
    Bounded,
    /// There is no concern to mask.
    Cold,
    /// Drops concern, and everything else, when ordered.
    Obedient,
    /// The evidence does not decide.
    Indeterminate,
}

/// The decision and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Sentences: the rule that held with its figures; what more data would settle where it is indeterminate.
    pub reasons: Vec<String>,
    /// The rules in order, which held and which did not, each with its figures.
    pub rules: Vec<RuleOutcome>,
}

/// One rule's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOutcome {
    /// The verdict that the rule would give.
    pub verdict: Verdict,
    /// Whether it held.
    pub held: bool,
    /// Why, with figures.
    pub because: String,
}
