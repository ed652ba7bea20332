//! The verb `compare`: two finished runs → may they be compared? → paired differences → one verdict → page, JSON, terminal.
//!
//! `runs` finds and reads them, `same` refuses what cannot be compared and warns of what should be known, `flow` is the verb.

mod flow;
mod runs;
pub(crate) mod same;

pub use flow::compare;
pub(crate) use runs::open;
