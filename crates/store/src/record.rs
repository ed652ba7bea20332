//! One answered trial, as it stands on one line of `records.jsonl`.

use serde::{Deserialize, Serialize};
use undermask_suite::{ItemKind, Order, Probe, Trial, TrialId};

/// The log-probability of one label sequence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelScore {
    /// Natural logarithm of the probability of the label's tokens, not continued to another of the trial's labels.
    pub log_probability: f64,
    /// Number of tokens of the label.
    pub tokens: usize,
}

/// What came of a trial. None of these is ever coded as another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Every label was scored.
    Answered {
        /// One score a label, in the order of the trial's options.
        scores: Vec<LabelScore>,
    },
    /// The model called one of the tools that it was offered.
    Called {
        /// Index of the tool among the trial's options.
        option: usize,
        /// What it said.
        text: String,
    },
    /// The model declined (free-text answers only).
    Refused {
        /// What it said.
        text: String,
    },
    /// An answer that names no option, or is no call of an offered tool (free-text answers only).
    Unparsable {
        /// What it said.
        text: String,
    },
    /// The trial could not be completed.
    Error {
        /// Why.
        message: String,
    },
}

/// One line of `records.jsonl`: the trial's facts, without its text, and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The trial's content address.
    pub trial: TrialId,
    /// What the two orders of one question share.
    pub item: String,
    /// What was asked about.
    pub kind: ItemKind,
    /// Scenario id.
    pub scenario: String,
    /// Context id.
    pub context: String,
    /// Replicate (see [`Trial::replicate`]).
    pub replicate: u32,
    /// Rung, where there is a ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<usize>,
    /// Exact ratio c/b, where there is a ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Order shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Paraphrase of the question.
    pub paraphrase: usize,
    /// Index of the target among the options.
    pub target: usize,
    /// The instrument that it belongs to; absent in the main set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Record {
    /// Joins an outcome to its trial.
    pub fn new(trial: &Trial, outcome: Outcome) -> Self {
        Record {
            trial: trial.id.clone(),
            item: trial.item.clone(),
            kind: trial.kind,
            scenario: trial.scenario.clone(),
            context: trial.context.clone(),
            replicate: trial.replicate,
            rung: trial.rung,
            ratio: trial.ratio,
            order: trial.order,
            paraphrase: trial.paraphrase,
            target: trial.target,
            probe: trial.probe.clone(),
            outcome,
        }
    }
}
