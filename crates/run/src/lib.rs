//! A plan meets a model: what is not answered yet is asked, and every answer is stored as soon as it exists.

mod execute;

pub use execute::{Asked, RunError, execute, questions};
