//! What is asked: suites, and the plan of trials made from them. Pure: no IO, no clock, randomness from a seed.
//!
//! A suite's text is read into a `draft`, validated by `load` into a [`Suite`], and expanded by `plan` into [`Trial`]s,
//! whose words `prompt` puts together and whose ids `identity` makes.

mod draft;
mod identity;
mod load;
mod plan;
mod problem;
mod prompt;
mod suite;
mod trial;

pub use plan::{Plan, PlanSettings, PlanSummary};
pub use problem::{Problem, SuiteError};
pub use suite::{
    Context, ContextCheck, ContextFamily, ContextRole, Criteria, Design, Ladder, Scenario, ScenarioKind, Suite,
};
pub use trial::{ItemKind, Order, Prompt, Trial, TrialId};
