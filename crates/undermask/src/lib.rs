//! The command line and its parts. Read `audit` first: it is the pipeline.

pub mod activations;
mod announce;
pub mod audit;
pub mod blend;
pub mod calibrate;
mod certified;
pub mod cli;
pub mod compare;
mod drawn;
mod early;
pub mod error;
pub mod exit;
pub mod export;
mod finished;
pub mod grow;
mod grown;
pub mod models;
mod output;
mod place;
mod progress;
pub mod report;
mod settings;
pub mod sizes;
pub mod suites;
mod truth;
