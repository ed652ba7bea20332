//! `records.jsonl`: every answer on a line of its own, only ever appended to.
//!
//! The first line says what the file is. A line is with the operating system as soon as its trial is answered, so a
//! killed process loses none; [`Journal::sync`] then puts it beyond the reach of a power cut. A torn last line is cut
//! off on opening; a trial that stands twice counts once.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::{Outcome, Record, StoreError};

/// Name of the file.
pub(crate) const RECORDS: &str = "records.jsonl";
const FORMAT: &str = "undermask.records";
const VERSION: u64 = 1;
/// Longest line that is read.
const LONGEST_LINE: usize = 1 << 20;

/// The records of a run by trial.
pub(crate) type Records = BTreeMap<String, Record>;

/// The file, open for appending.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes up to the last whole line.
    end: u64,
}

impl Journal {
    /// Opens or begins the file, and reads what it holds.
    pub fn open(directory: &Path) -> Result<(Journal, Records), StoreError> {
        let path = directory.join(RECORDS);
        refuse_special(&path)?;
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|error| StoreError::writing(&path, error))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| StoreError::reading(&path, error))?;
        let (records, whole) = parse(&text, &path)?;
        if whole < text.len() {
            file.set_len(whole as u64).map_err(|error| StoreError::writing(&path, error))?;
        }
        let mut journal = Journal { path, file, end: whole as u64 };
        if whole == 0 {
            journal.write(format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION}}}\n").as_bytes())?;
        }
        Ok((journal, records))
    }

    /// Appends one record.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(record).map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            place: String::new(),
            why: error.to_string(),
        })?;
        line.push(b'\n');
        self.write(&line)
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| StoreError::writing(&self.path, error))
    }

    /// Writes whole lines or, where that fails, none of them.
    fn write(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        if let Err(error) = self.file.write_all(lines) {
            // Should this fail too, the torn line is cut off when the run is opened again.
            let _ = self.file.set_len(self.end);
            return Err(StoreError::writing(&self.path, error));
        }
        self.end += lines.len() as u64;
        Ok(())
    }
}

/// Reads the records of a run without touching them.
pub(crate) fn read(directory: &Path) -> Result<Records, StoreError> {
    let path = directory.join(RECORDS);
    refuse_special(&path)?;
    let text = fs::read(&path).map_err(|error| StoreError::reading(&path, error))?;
    Ok(parse(&text, &path)?.0)
}

/// A device or a pipe could be read for ever.
fn refuse_special(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => {
            let why = "it is not an ordinary file; move it away, or choose another --out".to_owned();
            Err(StoreError::Damaged { path: path.to_owned(), place: String::new(), why })
        }
        _ => Ok(()),
    }
}

/// Records by trial, and the number of bytes up to the last whole line.
fn parse(text: &[u8], path: &Path) -> Result<(Records, usize), StoreError> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut records = Records::new();
    for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let damaged = |why: String| {
            let place = format!(":{}", number + 1);
            StoreError::Damaged { path: path.to_owned(), place, why }
        };
        if line.len() > LONGEST_LINE {
            return Err(damaged("the line is longer than a record can be; remove it".to_owned()));
        }
        // Merged files hold a header in their midst.
        if line.starts_with(b"{\"format\"") {
            check_header(line).map_err(damaged)?;
            continue;
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| {
            damaged(format!("the line is no record ({error}); remove it, its trial is asked again"))
        })?;
        let known = records.get(&record.trial.0);
        // The first answer stands; an error gives way to an answer.
        if known.is_none_or(|known| matches!(known.outcome, Outcome::Error { .. })) {
            records.insert(record.trial.0.clone(), record);
        }
    }
    Ok((records, whole))
}

fn check_header(line: &[u8]) -> Result<(), String> {
    let header: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| format!("the header is no JSON ({error}); remove the line"))?;
    match (header["format"].as_str(), header["version"].as_u64()) {
        (Some(FORMAT), Some(VERSION)) => Ok(()),
        (Some(FORMAT), Some(version)) => {
            Err(format!("the records have version {version}, this build reads {VERSION}; use a newer undermask"))
        }
        _ => Err(format!("the file does not hold {FORMAT}; give the folder of a run")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::path::Path;

    use super::Journal;

    /// Every write to this device fails as on a full disk.
    #[test]
    fn a_full_disk_is_named_with_its_remedy() {
        let path = Path::new("/dev/full");
        let Ok(file) = OpenOptions::new().append(true).open(path) else {
            eprintln!("skipped: this system has no /dev/full");
            return;
        };
        let mut journal = Journal { path: path.to_owned(), file, end: 0 };
        let error = journal.write(b"{}\n").expect_err("a full disk").to_string();
        assert!(error.contains("/dev/full") && error.contains("free some space"), "{error}");
    }
}
