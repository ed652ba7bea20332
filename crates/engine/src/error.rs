//! Everything that can be wrong with a model on disk or with what is asked of it. Messages name the thing, the place
//! and the remedy.

/// Why a model cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A needed file is not there.
    #[error("{place} has no {file}: {remedy}")]
    Missing {
        /// Directory or name of the model.
        place: String,
        /// File.
        file: String,
        /// What to do.
        remedy: String,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// File.
        file: String,
        /// Why.
        why: String,
    },
    /// A weights file is damaged.
    #[error("{file} is damaged or cut short: {why}; download or export it again")]
    Weights {
        /// File.
        file: String,
        /// What does not fit.
        why: String,
    },
    /// A tensor is missing, of a wrong shape or of a type that is not read.
    #[error("tensor `{tensor}` {why}; the weights do not belong to this config.json")]
    Tensor {
        /// Name.
        tensor: String,
        /// Expected and found.
        why: String,
    },
    /// An adapter is not read, or does not belong to its base.
    #[error("{file}: {why}")]
    Adapter {
        /// File.
        file: String,
        /// What does not fit, with the remedy.
        why: String,
    },
    /// The architecture is not known.
    #[error("architecture `{found}` is not supported; this version reads: {known}")]
    Architecture {
        /// As config.json says.
        found: String,
        /// What is read.
        known: String,
    },
    /// A value in config.json is missing or impossible.
    #[error("config.json: {0}")]
    Config(String),
    /// The tokenizer cannot be used.
    #[error("tokenizer.json: {0}")]
    Tokenizer(String),
    /// There is no chat template.
    #[error("{place} has no chat template; add chat_template.jinja, or a `chat_template` to tokenizer_config.json")]
    NoTemplate {
        /// Directory or name of the model.
        place: String,
    },
    /// The chat template is wrong or does not end.
    #[error("chat template: {0}")]
    Template(String),
    /// The chat template refuses these messages (for example a system role).
    #[error("the chat template refuses the conversation: {0}")]
    TemplateRefused(String),
    /// A prompt or label cannot be scored.
    #[error("{0}")]
    Request(String),
    /// An intervention that cannot be done, or that changed nothing.
    #[error("intervention at `{point}`: {why}")]
    Intervention {
        /// Hook point.
        point: String,
        /// Why.
        why: String,
    },
    /// A tensor that the decoder needs holds NaN or an infinity.
    #[error("tensor `{0}` holds a number that is not finite; the weights are damaged: download or export them again")]
    NotFiniteWeights(String),
    /// A device cannot be used, or failed.
    #[error("device {device}: {why}")]
    Device {
        /// As it was asked for.
        device: String,
        /// What happened and what to do.
        why: String,
    },
    /// The network's output is not a number.
    #[error("the network's output is not finite after {0} tokens; the weights are damaged or need another precision")]
    NotFinite(usize),
}

impl EngineError {
    /// What is wrong with a device.
    pub(crate) fn device(device: &str, why: impl Into<String>) -> EngineError {
        EngineError::Device { device: device.to_owned(), why: why.into() }
    }
}
