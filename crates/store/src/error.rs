//! What can be wrong with a run directory.

use std::path::PathBuf;

/// Why a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}; {remedy}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The directory belongs to another run.
    #[error(
        "{path} holds another run: its {what} is {found}, this one's is {wanted}; choose another --out, or begin anew there with --fresh"
    )]
    OtherRun {
        /// Directory.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// There.
        found: String,
        /// Here.
        wanted: String,
    },
    /// The directory holds something else.
    #[error("{path} is not a run's folder: it holds {found} and no run.json; choose another --out")]
    NotARun {
        /// Directory.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// Another process writes this run.
    #[error("{path} is being written by another process; wait for it, or choose another --out")]
    Busy {
        /// Directory.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{path}{place}: {why}")]
    Damaged {
        /// File.
        path: PathBuf,
        /// Line, if it is known: `:12`.
        place: String,
        /// What is wrong and what to do.
        why: String,
    },
}

impl StoreError {
    /// An error of reading.
    pub fn reading(path: impl Into<PathBuf>, source: std::io::Error) -> StoreError {
        StoreError::Io { path: path.into(), source, remedy: "give the folder of a run that `undermask audit` wrote" }
    }

    /// An error of writing.
    pub fn writing(path: impl Into<PathBuf>, source: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let remedy = if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            "free some space and run the same command again: what was written is kept"
        } else {
            "give an --out that can be written; what was written before is kept"
        };
        StoreError::Io { path: path.into(), source, remedy }
    }
}
