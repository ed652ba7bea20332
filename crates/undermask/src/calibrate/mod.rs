//! The `calibrate` verb: how often is the instrument right, on models whose answer is known?
//!
//! `subjects` lists the organisms, `growing` grows those that are wanted, `known` reads what is known of one, `measuring` asks
//! it, `answers` keeps what it said, `dealing` deals its replicates, `cases` joins these for one organism; `flow` does it for all, and
//! resumes.

mod answers;
mod cases;
mod dealing;
mod flow;
mod growing;
mod known;
mod measuring;
mod shard;
mod subjects;

pub use flow::calibrate;
pub use shard::Shard;
