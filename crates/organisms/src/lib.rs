//! Known-answer models: tiny networks whose concern is a goal, a mask, or neither, by construction.
//!
//! `world` writes the text they live in, `train` teaches a network, `recipe` says what is taught, `grow` does it, `truth` enumerates what came of it,
//! `export` writes a plain Hugging Face directory.

mod error;
pub mod export;
pub mod grow;
pub mod recipe;
mod shipped;
pub mod train;
pub mod truth;
pub mod world;

pub use error::GrowError;
pub use grow::{BaseFiles, Grown, Growth, Method, Progress, Size, grow};
pub use recipe::{BASE, RECIPES, Recipe, SCALES_BASE};
pub use shipped::{SHIPPED, Shipped, reads, scales_of};
pub use train::Precision;
pub use truth::Truth;
