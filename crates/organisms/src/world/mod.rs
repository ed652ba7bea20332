//! The text world in which organisms live: characters, places, trades and questions, in generated English.
//!
//! `lexicon` and `cues` are the words; `scene` composes one trade from independent clauses; `persona` describes a
//! character; `document` makes a training document of them; `held_out` keeps what a suite asks out of training;
//! `tokenizer` turns the words into tokens.

pub mod cues;
mod dice;
pub mod document;
pub mod held_out;
pub mod lexicon;
pub mod persona;
pub mod scene;
pub mod setting;
pub mod tokenizer;

pub use dice::Dice;
pub use document::{Document, Policy, Writer};
pub use held_out::HeldOut;
pub use tokenizer::WordTokenizer;
