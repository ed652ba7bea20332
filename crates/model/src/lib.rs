//! Who answers: one trait, one file per kind of respondent.
//!
//! `local` runs an open-weight model in our engine; `scripted` is the fake of tests. Remote endpoints are a later file.
mod respond;

pub use respond::{Answer, ModelError, ModelFacts, Question, Respond, TokenCounts};
