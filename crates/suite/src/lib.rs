//! What is asked: suites, and the plan of trials made from them. Pure: no IO, no clock, randomness from a seed.
mod suite;
mod trial;

pub use suite::{
    Context, ContextCheck, ContextFamily, ContextRole, Criteria, Design, Ladder, Scenario, ScenarioKind, Suite,
};
pub use trial::{ItemKind, Order, Prompt, Trial, TrialId};
