//! A white-box transformer: our own forward pass, readable at every block.
//!
//! [`Source`] says where a model's files are; [`Model::open`] reads `config`, `weights`, the tokenizer and the `chat`
//! template; the `decoder` runs segments of tokens over the operations in [`ops`], showing every [`HookPoint`]; `score`
//! gives exact log-probabilities of labels over a `trie` of prompts; `activations` reads one sequence.

mod activations;
mod chat;
mod config;
mod decoder;
mod error;
mod hook;
mod kernel;
mod matrix;
mod model;
pub mod ops;
mod score;
mod source;
mod trie;
mod weights;

pub use activations::Activations;
pub use chat::Message;
pub use config::{ARCHITECTURES, Config, Rope, RopeScaling};
pub use error::EngineError;
pub use hook::{HookPoint, Observer};
pub use model::{Description, Identity, Model};
pub use score::{OptionScore, ScoreRequest, ScoreSettings, TokenCounts};
pub use source::Source;
