//! What a run leaves on disk: `run.json` (provenance) and `records.jsonl` (append-only truth).

mod error;
mod record;
mod run;

pub use error::StoreError;
pub use record::{LabelScore, Outcome, Record};
pub use run::{RunInfo, RunStore, put, read_run};
