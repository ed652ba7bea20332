//! Stopping an audit early: which verdicts may be reached before everything is asked, and what may be claimed then.
//!
//! `arm` turns a ladder into one value a scenario whose mean is λ; `wagers` bets on the ratio of two such means, which is
//! an interval of the mask index that holds at every look; [`Monitor`] looks at gates and bets after every batch and says
//! whether to stop; `claims` makes the profile of a run that stopped, in which every interval holds at all looks.
//! Source of the bets: Waudby-Smith & Ramdas (2024); the rule, its error and what was simulated: `design/0019`. It leaves
//! out asking, and everything that can only be said when all was asked (most of all *steadfast*).

mod arm;
mod claims;
mod monitor;
mod wagers;

pub use monitor::{Monitor, Stop};
