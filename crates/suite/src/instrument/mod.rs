//! Instruments as data: each kind's own table in a suite, its validation, and its expansion into trials.
//!
//! `data` says what an instrument is, `read` takes it from the text with every problem, `context` says in which contexts, `deal` chooses which scenario is
//! asked at which rung or dose, `ask` puts it into words; then one file a kind, with `world` (read by `world_draft`) as the
//! state machines of `environment`, `grammar` (and `template`) as what `fresh` draws from, `spelling` as what `forms` does to
//! letters, `twins` as the neutral twins of both; `forms_draft` reads `forms`. What is made of the answers is in
//! `undermask-measure`.

mod ask;
mod context;
mod data;
mod deal;
mod lines;
mod menu;
mod read;

mod budgets;
mod discounting;
mod drift;
mod environment;
mod fiction;
mod forms;
mod forms_draft;
mod fresh;
mod grammar;
mod hysteresis;
mod kin;
mod optimisation;
mod orientation;
mod pressure;
mod price;
mod say_do;
mod spelling;
mod style;
mod template;
mod trade_off;
mod twins;
mod utilities;
mod world;
mod world_draft;

pub use budgets::{BudgetForm, BudgetLine, Budgets};
pub use data::{Content, Instrument, InstrumentKind, Probe};
pub use discounting::Discounting;
pub use drift::{Drift, Theme};
pub use environment::{Condition, Environment, Factor, Play, Played};
pub use fiction::Fiction;
pub use forms::{Forms, Layout, PromptForm};
pub use fresh::{Drawn, FRESH, Fresh, PUBLIC};
pub use grammar::{Grammar, Variant};
pub use hysteresis::{Hysteresis, Persona};
pub use kin::{Kin, Lineage, Relation};
pub use menu::menu_position;
pub use optimisation::{ListedAnswer, Objective, ObjectiveRole, Optimisation};
pub use orientation::{Form, Orientation};
pub use pressure::Pressure;
pub use price::Price;
pub use say_do::SayDo;
pub use spelling::{Oddity, Spelling};
pub use style::{Reply, Style};
pub use trade_off::TradeOff;
pub use twins::twin_arm;
pub use utilities::Utilities;
pub use world::{BadAct, Game, Instance, Node, State, SwitchUse, Tool, World, WorldPlace};

pub(crate) use read::read;
