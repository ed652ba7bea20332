//! Two audits of one suite, a baseline and a candidate: what became worse, what better, what is the same, and what cannot
//! be told.
//!
//! `pairing` keeps the items that both runs asked; `quantities` makes the headline's differences from each scenario's
//! influence in both runs, so that what scenarios share cancels; `instruments` does so by leaving out a scenario at a time;
//! `decide` judges them as one family with [`crate::paired`]; `result` is what comes out. It leaves out whether two runs
//! may be compared at all (their suites, seeds and settings): that is the caller's to check.

mod decide;
mod instruments;
mod pairing;
mod quantities;
mod result;

pub use decide::{CompareSettings, compare};
pub use result::{Better, GateDifference, Measured, Overlap, Part, Row, RowChange, RunComparison};
