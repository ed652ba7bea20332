//! A white-box transformer: our own forward pass, readable at every block.
//!
//! [`Source`] says where a model's files are; [`Model::open`] reads `config`, `weights`, the tokenizer and the `chat`
//! template; the `decoder` runs segments of tokens over the operations in [`ops`], showing every [`HookPoint`]; `score`
//! gives exact log-probabilities of labels over a `trie` of prompts; `activations` reads one sequence.

mod activations;
mod attend;
mod block;
mod chat;
mod config;
mod decoder;
mod error;
mod family;
mod gguf;
mod hook;
mod intervene;
mod kernel;
mod logsum;
mod matrix;
mod model;
pub mod ops;
mod plan;
mod positions;
mod reader;
mod rope;
mod score;
mod source;
mod storage;
mod throughput;
mod trie;
mod walk;
mod weights;

pub use activations::Activations;
pub use chat::Message;
pub use config::{Activation, Config, LayerAttention, QueryKeyNorm};
pub use error::EngineError;
pub use family::known as architectures;
pub use gguf::Gguf;
pub use hook::HookPoint;
pub use intervene::{Edit, Intervention, Receipt};
pub use kernel::pool::Pool;
pub use matrix::Precision;
pub use model::{Description, Identity, Model, OpenSettings};
pub use positions::Positions;
pub use rope::{Rope, RopeScaling};
pub use score::{OptionScore, ScoreRequest, ScoreSettings, Scoring, TokenCounts};
pub use source::Source;
pub use throughput::InStep;
