//! What a run leaves on disk: `run.json` (provenance) and `records.jsonl` (append-only truth).
mod record;

pub use record::{LabelScore, Outcome, Record};
