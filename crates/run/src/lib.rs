//! A plan meets a model: what is not answered yet is asked, and every answer is stored before the next batch.

mod execute;

pub use execute::{Asked, RunError, execute};
