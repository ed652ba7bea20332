//! A plan meets a model: what is not answered yet is asked, and every answer is stored as soon as it exists. `batches` asks a
//! plan part by part, with a look after each.

mod batches;
mod execute;

pub use batches::{Ended, execute_batches};
pub use execute::{Asked, RunError, execute, questions};
