//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Ending of a file that is not finished yet.
pub(crate) const PART: &str = ".part";

/// Writes a file whole or not at all: into a neighbour, which then takes its name.
///
/// # Errors
/// [`StoreError::Io`]; what stood there before still stands.
pub fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let temporary = beside(path);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        // The unfinished neighbour is of no use; that it may not be there is no second error.
        let _ = fs::remove_file(&temporary);
        StoreError::writing(path, error)
    })
}

/// `report.html` becomes `.report.html.part`, so that no two files share a neighbour.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{PART}"))
}
