//! What a run leaves on disk: `run.json` (provenance) and `records.jsonl` (append-only truth).

mod error;
mod file;
mod info;
mod journal;
mod record;
mod run;

pub use error::StoreError;
pub use file::put;
pub use info::{RunInfo, Status, Stopped, Stopping};
pub use record::{LabelScore, Outcome, Record};
pub use run::{RunStore, read_info, read_run};
