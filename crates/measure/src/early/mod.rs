//! Stopping an audit early: which verdicts may be reached before everything is asked, and what may be claimed then.
//!
//! `arm` turns the ladders of the cued contexts into one bounded value a scenario, whose mean is λ over them;
//! [`Monitor`] looks after every batch at gates, at λ₀ and at an interval of that mean which holds at every look
//! ([`crate::sequential`]), and says whether to stop; `gates` says which contexts have failed whatever follows; `claims`
//! makes the profile of a run that stopped, in which every interval still covers. The rule, its error and what was simulated:
//! `design/0019`. It leaves out asking, and all that can only be said when all was asked (most of all *steadfast*).

mod arm;
mod claims;
mod gates;
mod monitor;

pub use monitor::{Monitor, Stop};
