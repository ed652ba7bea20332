//! Recipes: what a network is taught, as a short declarative file that a researcher can copy and change.
//!
//! `language` is the file and its meaning, `condition` when a rule holds, `base` the pool of characters that every
//! organism starts from, `shipped` the recipes in the binary. The language is explained in `recipes/README.md`.

mod base;
mod condition;
mod language;
mod shipped;

pub use base::{BASE, BasePool, SCALES_BASE};
pub use condition::{Range, Turns, When, Words};
pub use language::{Answers, Discount, Kin, Neutral, Price, Recipe, Style, Welfare};
pub use shipped::RECIPES;
