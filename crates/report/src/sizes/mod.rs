//! What people see of several runs on models of different sizes: a terminal summary, one HTML file with a plot a quantity, JSON.
//!
//! `words` says what a line means, `plot` draws it; `terminal`, `page` and `json` are the three views. What is fitted, and how, is
//! in `undermask-measure`.

mod json;
mod page;
mod plot;
mod terminal;
mod view;
mod words;

pub use json::sizes_json;
pub use page::sizes_page;
pub use terminal::sizes_terminal;
pub use view::{Sizes, SizesRun};
