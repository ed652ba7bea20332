//! What people see of an audit: a terminal summary, one HTML file, and the published JSON. Data in, text out; no IO.
//!
//! `words` and `claims` put figures into sentences, `chart` into SVG; `terminal`, `page` and `json` are the three views.
//! `stopping` says what a run that stopped early did not ask.
//! `certificate` shows how often an instrument is right, `comparison` two runs side by side, `sizes` several over the number of parameters.

mod audit;
mod certificate;
mod chart;
mod claims;
mod comparison;
mod instruments;
mod json;
mod page;
mod sizes;
mod stopping;
mod terminal;
pub mod words;

pub use audit::{Audit, Example, KnownTruth, KnownWeights};
pub use certificate::{Certified, certificate_page, certificate_summary, standing};
pub use claims::{Claim, claims};
pub use comparison::{Comparison, comparison_json, comparison_page, comparison_terminal};
pub use json::json;
pub use page::{ReportError, html};
pub use sizes::{Sizes, SizesRun, sizes_json, sizes_page, sizes_terminal};
pub use terminal::{TerminalStyle, terminal, terminal_overview};
