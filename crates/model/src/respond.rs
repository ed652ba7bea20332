//! The one trait that a run needs of a model.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use undermask_store::Outcome;
use undermask_suite::Prompt;

/// What is asked: a prompt and the exact label sequences to score.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What the model is shown.
    pub prompt: Prompt,
    /// Labels, as text that continues the prompt.
    pub options: Vec<String>,
}

/// What came back for one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Index into the questions.
    pub question: usize,
    /// Outcome.
    pub outcome: Outcome,
}

/// Provenance of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// As the user named it.
    pub name: String,
    /// The commit of what came from the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Architecture, for people.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of weights.
    pub weight_bytes: u64,
    /// Hash of the weights.
    pub weights_hash: String,
    /// Hash of the tokenizer.
    pub tokenizer_hash: String,
    /// Hash of the chat template.
    pub template_hash: String,
    /// Precision of the computation: `f32`.
    pub precision: String,
    /// Where it computes: `cpu`, or `cuda` and the GPU's name.
    pub device: String,
    /// CUDA version of the GPU's driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Instruction set of the processor's kernels (`UNDERMASK_ISA`); absent on a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// How many tokens a set of questions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenCounts {
    /// With every prompt read in full.
    pub total: u64,
    /// With shared prefixes read once.
    pub unique: u64,
}

/// Why a model cannot be used at all. (What goes wrong with one trial is an [`Outcome`].)
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The model could not be opened.
    #[error(transparent)]
    Engine(#[from] undermask_engine::EngineError),
    /// The model could not be had from the hub.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// The name is not a model.
    #[error("{name} is not a model: {why}")]
    Unknown {
        /// As typed.
        name: String,
        /// What is wrong and what to do.
        why: String,
    },
}

/// Who answers.
pub trait Respond: Sync {
    /// Provenance.
    fn facts(&self) -> &ModelFacts;

    /// Remarks on how the model had to be asked.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Counts tokens without running the model.
    ///
    /// # Errors
    /// When a prompt cannot be rendered at all.
    fn count(&self, questions: &[Question]) -> Result<TokenCounts, ModelError>;

    /// Answers the questions that are wanted, in whatever order is fastest, calling `on_answer` as each is known;
    /// `Break` stops early, though answers that are under way still come. An answer does not depend on which other
    /// questions are wanted, to the last bit.
    ///
    /// # Errors
    /// Only for what makes the model unusable; what goes wrong with one question is its outcome.
    fn respond(
        &self,
        questions: &[Question],
        wanted: &[bool],
        on_answer: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), ModelError>;
}
