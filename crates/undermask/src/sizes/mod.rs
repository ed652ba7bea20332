//! The verb `sizes`: finished runs of one suite on models of different sizes → lines over log₁₀ parameters → page, JSON, terminal.
//!
//! What was asked must be the same in all of them: `compare::same` says whether it is.

mod flow;

pub use flow::sizes;
