//! Training of a small Llama-architecture decoder, forward and backward by hand, in f32 or with products in bf16.
//!
//! `network` holds the parameters, `adapter` low-rank changes to a frozen network's; `packed` its matrices as products read them; `pass` runs one shard forward and
//! backward over the engine's operations and `backward`; `trainer` adds the optimiser, shards and checkpoints over `vectors`; `stored` and
//! `peft` write files. Why not a library's autodiff: `design/0002-own-training.md`.

mod adapter;
mod backward;
mod checkpoint;
mod error;
mod example;
mod network;
mod optimizer;
mod packed;
mod pass;
mod peft;
mod stored;
mod trainer;
mod vectors;

pub use adapter::{Adapter, AdapterSettings, Factor, Module};
pub use error::TrainError;
pub use example::{Distribution, Example, Target};
pub use network::{Network, Shape};
pub use optimizer::{Precision, Schedule, Settings};
pub use stored::{NumberType, file as tensors_file};
pub use trainer::{NamedGradient, StepReport, Trainer};
