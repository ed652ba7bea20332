//! What is asked: suites, and the plan of trials made from them. Pure: no IO, no clock, randomness from a seed.
//!
//! A suite's text is read into a `draft`, validated by `load` into a [`Suite`], and expanded by `plan` into [`Trial`]s,
//! whose words `prompt` puts together and whose ids `identity` makes; `label` says how far sentences are read. `instrument` holds what goes beyond the ladder,
//! `slider` the published payoffs of one of them. `looks` orders a plan that may stop early.

mod check;
mod draft;
mod identity;
mod instrument;
mod label;
mod load;
mod looks;
mod plan;
mod problem;
mod prompt;
pub mod slider;
mod suite;
mod trial;

pub use instrument::{
    BadAct, BudgetForm, BudgetLine, Budgets, Condition, Content, Discounting, Drawn, Drift, Environment, FRESH, Factor,
    Fiction, Form, Forms, Fresh, Game, Grammar, Hysteresis, Instance, Instrument, InstrumentKind, Kin, Layout, Lineage,
    ListedAnswer, Node, Objective, ObjectiveRole, Oddity, Optimisation, Orientation, PUBLIC, Persona, Play, Played,
    Pressure, Price, Probe, PromptForm, Relation, Reply, SayDo, Spelling, State, Style, SwitchUse, Theme, Tool,
    TradeOff, Utilities, Variant, World, WorldPlace, menu_position, twin_arm,
};
pub use label::{are_sentences, cut_where_they_part};
pub use looks::{Batch, Looks};
pub use plan::{Plan, PlanSettings, PlanSummary};
pub use problem::{Problem, SuiteError};
pub use suite::{
    Context, ContextCheck, ContextFamily, ContextRole, Criteria, Design, Ladder, Scenario, ScenarioKind, Suite,
};
pub use trial::{Callable, ItemKind, Order, Prompt, Role, Trial, TrialId, Turn};
