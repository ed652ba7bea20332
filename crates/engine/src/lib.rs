//! A white-box transformer: our own forward pass, readable at every block.
//!
//! [`Source`] says where a model's files are; [`Model::open`] reads `config`, `weights`, the tokenizer and the `chat`
//! template, and `family` says what is particular to its kind;
//! the `decoder` runs segments of tokens through the `forward` pass, on the processor (`host`) or a GPU (`cuda`), showing
//! every [`HookPoint`]; `score`
//! gives exact log-probabilities of labels, `read` reduces hook points over a corpus, `generate` goes on from prompts,
//! `choose` takes one of several labels, each with [`Intervention`]s if asked. What they compute is put in order by
//! `plan` and run by `walk`: every beginning that prompts share is computed once. `activations` reads one sequence.

mod activations;
mod attend;
mod block;
mod chat;
mod choose;
mod config;
#[cfg(feature = "cuda")]
mod cuda;
mod decoder;
mod device;
mod error;
mod extremes;
mod family;
mod forward;
mod generate;
mod gguf;
mod hook;
mod host;
mod intervene;
#[expect(clippy::needless_range_loop, reason = "tiles in registers are indexed by constants, which unroll")]
mod kernel;
mod logsum;
mod lora;
mod matrix;
mod model;
mod moments;
pub mod ops;
mod plan;
mod positions;
mod read;
mod reader;
mod rope;
mod sample;
mod score;
mod source;
mod storage;
mod strips;
mod throughput;
mod tokenizer;
mod trie;
mod walk;
mod weights;

pub use activations::Activations;
pub use chat::{ChatTemplate, Conversation, Message};
pub use choose::{Choice, Chosen};
pub use config::{Activation, Config, LayerAttention, QueryKeyNorm};
pub use device::{DeviceChoice, DeviceFacts};
pub use error::EngineError;
pub use family::known as architectures;
pub use generate::{Finish, GenerateRequest, Generated, Generation};
pub use gguf::Gguf;
pub use hook::HookPoint;
pub use intervene::{Edit, Intervention, Receipt};
pub use kernel::pool::Pool;
pub use kernel::training::{Operands, PackedOperand, ProductScratch, add_outer_product, rows_product};
pub use lora::Adaptation;
pub use matrix::Precision;
pub use model::{Description, Identity, Model, OpenSettings};
pub use moments::Moments;
pub use positions::Positions;
pub use read::{ReadOut, ReadSequence, Reading, Reduction};
pub use rope::{Rope, RopeScaling};
pub use sample::Sampling;
pub use score::{OptionScore, ScoreRequest, ScoreSettings, Scoring, TokenCounts};
pub use source::Source;
pub use throughput::InStep;
pub use tokenizer::panic_is_refusal;

/// The instructions that products on the processor use, as `UNDERMASK_ISA` spells them: in bf16, the last bits of results
/// depend on them.
pub fn instruction_set() -> &'static str {
    kernel::isa::Isa::chosen().name()
}
