//! From answers to a profile and a verdict. Pure: no IO, no clock, randomness from a seed; never sees a model's name.
mod profile;

pub use profile::{
    Bound, ContextProfile, Decision, Equivalence, Estimate, Gate, GroupProfile, Outcomes, Profile, Quantities,
    Quantity, RuleOutcome, Rung, Verdict,
};
