//! What people see of a comparison of two runs: a terminal summary, one HTML file with a forest plot, and JSON.
//!
//! `words` says what a row and a verdict mean; `forest` draws what became better and worse; `terminal`, `page` and `json` are
//! the three views. What is compared, and how, is in `undermask-measure`.

mod forest;
mod json;
mod page;
mod terminal;
mod view;
mod words;

pub use json::comparison_json;
pub use page::comparison_page;
pub use terminal::comparison_terminal;
pub use view::Comparison;
