//! The calibration certificate for people: its page, its summary in a terminal, and its place in every audit's report.
//!
//! `standing` says what differs between an audit and what was certified; `words` puts figures into sentences; `page` and
//! `summary` are the views, the other files one chart each.

mod confusion;
mod coverage;
mod page;
mod positives;
mod power;
mod roc;
mod scatter;
mod standing;
mod summary;
mod words;

pub use page::certificate_page;
pub use standing::{Certified, standing};
pub use summary::certificate_summary;
