//! The `calibrate` verb: how often is the instrument right, on models whose answer is known?
//!
//! `subjects` lists the organisms, `growing` grows those that are wanted, `known` reads what is known of one, `measuring` asks
//! it, `dealing` deals its replicates; `flow` does it all, and resumes.

mod dealing;
mod flow;
mod growing;
mod known;
mod measuring;
mod shard;
mod subjects;

pub use flow::calibrate;
pub use shard::Shard;
