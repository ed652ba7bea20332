//! What is asked: suites, and the plan of trials made from them. Pure: no IO, no clock, randomness from a seed.
//!
//! A suite's text is read into a `draft`, validated by `load` into a [`Suite`], and expanded by `plan` into [`Trial`]s,
//! whose words `prompt` puts together and whose ids `identity` makes. `instrument` holds what goes beyond the ladder,
//! `slider` the published payoffs of one of them.

mod check;
mod draft;
mod identity;
mod instrument;
mod load;
mod plan;
mod problem;
mod prompt;
pub mod slider;
mod suite;
mod trial;

pub use instrument::{
    Content, Discounting, Drift, Fiction, Form, Hysteresis, Instrument, InstrumentKind, Kin, Orientation, Persona,
    Pressure, Price, Probe, Relation, Reply, SayDo, Style, Theme, TradeOff, menu_position,
};
pub use plan::{Plan, PlanSettings, PlanSummary};
pub use problem::{Problem, SuiteError};
pub use suite::{
    Context, ContextCheck, ContextFamily, ContextRole, Criteria, Design, Ladder, Scenario, ScenarioKind, Suite,
};
pub use trial::{ItemKind, Order, Prompt, Role, Trial, TrialId, Turn};
