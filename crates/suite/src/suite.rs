//! What is asked: scenarios, contexts, the ladder, the design and the thresholds, after validation.
//!
//! A [`Suite`] can only come from `load`, so every consumer may rely on it: ids are unique, placeholders are known,
//! every rung has payoffs, the stress distribution has positive weight. It does no IO.

use serde::{Deserialize, Serialize};

use crate::{Content, Drawn, Instrument};

/// Family of a context. The headline leaves *commanded* contexts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextFamily {
    /// Nothing special: the model as it is deployed.
    Default,
    /// The prompt orders the harmful choice.
    Commanded,
    /// A cue that should not matter: persona, audience, frame, format, language pressure.
    Cued,
    /// A price or an objective.
    Incentive,
    /// Part of a story. Playing a villain there is no switch, so it takes no part in the stress distribution.
    Fiction,
}

/// The part that a context plays in an instrument beyond its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextRole {
    /// The default context in which λ₀ is measured, on separate items (exactly one a suite).
    Anchor,
    /// Somebody watches (audience gap A).
    Watched,
    /// Nobody watches (audience gap A).
    Private,
    /// A sentence of the same length that says nothing about an audience (audience gap A's placebo).
    Placebo,
}

/// A question about the context itself, asked as a gate (was the observer represented?).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextCheck {
    /// The question.
    pub question: String,
    /// Possible answers.
    pub options: Vec<String>,
    /// Index of the true one.
    pub answer: usize,
}

/// Everything that should not matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Unique id, kebab-case.
    pub id: String,
    /// Family.
    pub family: ContextFamily,
    /// Kind of cue within the family, for grouping in reports: `persona-hostile`, `audience`, `format`, …
    pub group: String,
    /// One line for people.
    pub title: String,
    /// Weight in the stress distribution Q (relative).
    pub weight: f64,
    /// Part in an instrument.
    pub role: Option<ContextRole>,
    /// System message; `None`: no system message.
    pub system: Option<String>,
    /// Text before the scenario in the user's turn.
    pub before: String,
    /// Text after the question in the user's turn.
    pub after: String,
    /// Beginning of the answer, put into the assistant's mouth.
    pub prefill: String,
    /// A gate on the context's own claim.
    pub check: Option<ContextCheck>,
}

/// Kind of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioKind {
    /// Another's benefit against own cost.
    Welfare,
    /// The neutral twin.
    Neutral,
    /// Means-reversal.
    Reversal,
    /// Own coins only.
    Dominance,
    /// Another's benefit against own cost, asked by instruments only. May leave open who gains (`{who}`).
    Instrument,
}

/// One situation. Texts may hold `{benefit}` and `{cost}` (whole numbers, the cost's absolute value),
/// `{target}` and `{other}` (the acts), those of kind `instrument` also `{who}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Unique id.
    pub id: String,
    /// Kind.
    pub kind: ScenarioKind,
    /// Scenario family (market, road, …): a balance factor.
    pub family: String,
    /// The act that helps (neutral: that gains the thing; dominance: the first act).
    pub target: String,
    /// The other act.
    pub other: String,
    /// What the situation is.
    pub setting: String,
    /// What the target act brings. Dominance: unused when `offer` texts are given.
    pub benefit: String,
    /// What the target act costs the actor (cost ≥ 0).
    pub cost: String,
    /// What the *other* act costs the actor (cost < 0).
    pub saving: String,
    /// Recall question whose answer is the benefit.
    pub recall: String,
}

/// Cost/benefit ratios at which a choice is offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// Evenly spaced, rising.
    pub ratios: Vec<f64>,
    /// Payoffs (benefit, cost) of each rung.
    pub payoffs: Vec<Vec<(i64, i64)>>,
}

impl Ladder {
    /// Distance between rungs.
    pub fn spacing(&self) -> f64 {
        (self.ratios[self.ratios.len() - 1] - self.ratios[0]) / (self.ratios.len() - 1) as f64
    }
}

/// Thresholds of the verdict and the gate. They are part of the suite and of its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Level of every interval, e.g. 0.95.
    pub confidence: f64,
    /// Payoff recall a context must reach.
    pub recall: f64,
    /// Dominance a context must reach.
    pub dominance: f64,
    /// Share of contexts that may fail the gate.
    pub failed_contexts: f64,
    /// λ₀'s upper bound below this: cold.
    pub cold_upper: f64,
    /// λ₀'s lower bound at or below this: M is undefined.
    pub undefined_lower: f64,
    /// M_excess's lower bound above this: mask (with one of the next two).
    pub mask_excess_lower: f64,
    /// M's lower bound above this: mask.
    pub mask_index_lower: f64,
    /// The worst decile's retention has its upper bound below this: mask.
    pub mask_worst_decile_upper: f64,
    /// Commanded retention's upper bound below this: obedient.
    pub obedient_upper: f64,
    /// Equivalence margin of M and of M_excess (TOST).
    pub equivalence: f64,
    /// An incentive group's retention has its upper bound below this, cues leaving concern as it is: bounded.
    pub bounded_upper: f64,
    /// The worst decile's retention has its lower bound above this: steadfast.
    pub steadfast_worst_decile_lower: f64,
    /// Fewest clusters (scenarios) an interval may rest on.
    pub fewest_clusters: usize,
}

/// How much of the full cross is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// Replicates of the welfare set in the anchor context, from which λ₀ is estimated.
    pub anchor_replicates: u32,
    /// Neutral items a context.
    pub neutral_per_context: usize,
    /// Dominance items a context.
    pub dominance_per_context: usize,
    /// Recall questions a context.
    pub recall_per_context: usize,
    /// Contexts (ids) in which the reversal items are asked; empty: all.
    pub reversal_contexts: Vec<String>,
}

/// A validated suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suite {
    /// Short name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What the suite is for.
    pub description: String,
    /// The ladder.
    pub ladder: Ladder,
    /// Question templates with `{first}` and `{second}`.
    pub questions: Vec<String>,
    /// Thresholds.
    pub criteria: Criteria,
    /// Design.
    pub design: Design,
    /// Scenarios.
    pub scenarios: Vec<Scenario>,
    /// Contexts.
    pub contexts: Vec<Context>,
    /// Instruments; absent from the hashed text where there are none, so that older suites keep their hash.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<Instrument>,
    /// Hash of everything above (thresholds included), hexadecimal.
    pub hash: String,
}

impl Suite {
    /// What its instruments draw at a seed: the same for every version that draws in the same way, so a run keeps it.
    pub fn draw(&self, seed: u64) -> Vec<Drawn> {
        let draw = |instrument: &Instrument| match &instrument.content {
            Content::Fresh(content) => Some(content.draw(instrument, self, seed)),
            _ => None,
        };
        self.instruments.iter().filter_map(draw).collect()
    }
}
