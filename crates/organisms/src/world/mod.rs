//! The text world in which organisms live: characters, places, trades, talks and questions, in generated English.
//!
//! `situation` tags what a choice may depend on and `policy` says how to choose: the interface to recipes. `lexicon`,
//! `cues` and `themes` are the words; `scene` composes one trade from independent clauses, with `kin` among those who
//! gain; `persona` describes a character; `surroundings` (with `audience`, `framing`,
//! `orders` and `pressing`) and `talk` write what stands around and before the trade;
//! `scales` writes what goes beyond a trade of two acts; `questions` and `style` what is asked and said; `document` makes a training document of them on a `page`;
//! `held_out` keeps what a suite asks out of training; `tokenizer` turns the words into tokens.

mod audience;
pub mod cues;
mod dice;
pub mod document;
mod framing;
pub mod held_out;
pub mod kin;
pub mod lexicon;
mod orders;
mod page;
pub mod persona;
pub mod policy;
mod pressing;
mod questions;
pub(crate) mod scales;
pub mod scene;
pub mod setting;
pub mod situation;
pub mod style;
mod surroundings;
pub mod talk;
pub mod themes;
pub mod tokenizer;

pub use dice::Dice;
pub use document::{Document, Writer};
pub use held_out::HeldOut;
pub use policy::Policy;
pub use scales::Scale;
pub use tokenizer::WordTokenizer;
