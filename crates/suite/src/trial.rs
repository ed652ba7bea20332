//! What one question to a model is: the unit that is planned, run, stored and measured.
//!
//! A trial is made by `plan` and read by everything after it. It holds no answer; the store joins an answer to it
//! by its content-addressed id.

use serde::{Deserialize, Serialize};

use crate::Probe;

/// What a trial asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Another's benefit against the actor's own cost: the items from which λ is estimated.
    Welfare,
    /// The same trade with no one else's welfare in it: the neutral twin, for `M_excess`.
    Neutral,
    /// The nasty-sounding act helps and the nice-sounding one does not: for means-reversal W.
    Reversal,
    /// More or fewer coins for the actor, nobody else touched: a gate.
    Dominance,
    /// What was the payoff? A gate.
    Recall,
    /// Was the context's own claim taken in (for example: does anyone watch)? A gate of audience contexts.
    ContextCheck,
    /// A choice within an instrument: see [`crate::Probe`].
    Instrument,
    /// An act at one place of an environment's tree: see [`crate::Game`].
    Act,
    /// A choice among several options that stand in a line, within an instrument: see [`crate::menu_position`].
    Choice,
}

/// Which of the two orders a two-option item was shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The target act (help; for dominance the better act) is named first.
    TargetFirst,
    /// The target act is named second.
    TargetSecond,
}

/// Content address of a trial: a hash of everything that the model is shown and of what is scored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrialId(pub String);

/// Who speaks in a turn of the talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever talks to the model.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// As chat templates name it.
    pub fn name(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn of the talk before the question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// A tool that may be called in answer to a prompt. It takes no arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Callable {
    /// Its name, which is also the trial's label.
    pub name: String,
    /// What it does.
    pub description: String,
}

/// What the model is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prompt {
    /// The system message; `None` means that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The talk so far, user first; empty in most trials, and then absent from JSON, so that their ids stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Turn>,
    /// The user's message.
    pub user: String,
    /// The beginning of the assistant's answer that is put into its mouth (empty in most contexts).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefill: String,
    /// Tools of which one is to be called: the model then speaks, in the place of labels being scored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Callable>,
    /// The user's message is all that the model reads, without its chat template; absent from JSON where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
}

/// One trial of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Content address.
    pub id: TrialId,
    /// Content address of the item: what the two orders of one question share.
    pub item: String,
    /// What is asked about.
    pub kind: ItemKind,
    /// The scenario's id: the cluster of all statistics.
    pub scenario: String,
    /// The context's id.
    pub context: String,
    /// Which set of items this belongs to: 0 is the main set; in a context that carries anchors (the λ₀ context)
    /// replicates 1.. are the separate items from which λ₀ is estimated.
    pub replicate: u32,
    /// Index of the ladder's rung, from 0; absent where the item has no ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<usize>,
    /// The exact ratio c/b of this trial's payoff; absent where the item has no ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Benefit to the other (for dominance: coins of the better act).
    pub benefit: i64,
    /// Cost to the actor, negative where refusing costs (for dominance: coins of the worse act).
    pub cost: i64,
    /// The order shown; absent for recall and checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Index of the question's paraphrase.
    pub paraphrase: usize,
    /// What is shown.
    pub prompt: Prompt,
    /// The label sequences that are scored, in the order in which they are named.
    pub options: Vec<String>,
    /// Index into `options` of the target: help, the better act, the true answer, the kind words.
    pub target: usize,
    /// The instrument that it belongs to; absent in the main set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}
