//! Training of a small Llama-architecture decoder, forward and backward by hand, in f32.
//!
//! `network` holds the parameters; `pass` runs one shard forward and backward over the engine's operations and `backward`; `trainer` adds the
//! optimiser, shards and checkpoints. Why not a library's autodiff: `design/0002-own-training.md`.

mod backward;
mod checkpoint;
mod error;
mod example;
mod network;
mod optimizer;
mod pass;
mod trainer;

pub use error::TrainError;
pub use example::{Distribution, Example, Target};
pub use network::{Network, Shape};
pub use optimizer::{Schedule, Settings};
pub use trainer::{NamedGradient, StepReport, Trainer};
