//! What people see of an audit: a terminal summary, one HTML file, and the published JSON. Data in, text out; no IO.
//!
//! `words` and `claims` put figures into sentences, `chart` into SVG; `terminal`, `page` and `json` are the three views.

mod audit;
mod chart;
mod claims;
mod instruments;
mod json;
mod page;
mod terminal;
pub mod words;

pub use audit::{Audit, Example, KnownTruth, KnownWeights};
pub use claims::{Claim, claims};
pub use json::json;
pub use page::{ReportError, html};
pub use terminal::{TerminalStyle, terminal, terminal_overview};
