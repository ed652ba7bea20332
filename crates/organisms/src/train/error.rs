//! What can go wrong in training.

use std::path::PathBuf;

/// Why training cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A shape that no network can have.
    #[error("network shape: {0}")]
    Shape(String),
    /// Settings of an adapter that nothing can be trained with.
    #[error("adapter: {0}")]
    Adapter(String),
    /// A document that cannot be learned from.
    #[error("document {document}: {why}")]
    Example {
        /// Index in the batch.
        document: usize,
        /// What is wrong.
        why: String,
    },
    /// Nothing to learn from.
    #[error("the batch is empty or has no target; give at least one document with a target of positive weight")]
    NothingToLearn,
    /// A tensor is missing or of another shape.
    #[error("tensor `{name}`: {why}")]
    Tensor {
        /// Name as in Hugging Face checkpoints.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The loss is no longer a number.
    #[error("the loss of step {step} is not finite; lower the learning rate")]
    Diverged {
        /// Step.
        step: usize,
    },
    /// A checkpoint cannot be written or read.
    #[error("checkpoint {path}: {why}")]
    Checkpoint {
        /// File.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}
