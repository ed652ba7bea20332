//! Who answers: one trait, one file per kind of respondent.
//!
//! `local` runs an open-weight model in our engine; `scripted` is the fake of tests; `open` goes from a name to one.

mod labels;
mod local;
mod open;
mod respond;
mod scripted;

pub use local::{Local, LocalSettings, Split};
pub use open::open_directory;
pub use respond::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};
pub use scripted::{Scripted, answered, known_weight};
