//! A run on disk, open for writing by one process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::file::PART;
use crate::info::{RUN, RunFile};
use crate::journal::{self, Journal, RECORDS, Records};
use crate::{Outcome, Record, RunInfo, Status, Stopped, StoreError};

const LOCK: &str = ".lock";
/// Where `--fresh` puts what it replaces.
const EARLIER: &str = "earlier";

/// A run that is open for writing.
pub struct RunStore {
    directory: PathBuf,
    run: RunFile,
    records: Records,
    journal: Journal,
    _lock: File,
}

impl RunStore {
    /// Opens a run for writing: a new one, or the same one to be continued.
    ///
    /// # Errors
    /// [`StoreError::OtherRun`] when the directory holds a run of another model, suite, seed or precision,
    /// [`StoreError::NotARun`] when it holds something else, [`StoreError::Busy`] when another process writes it.
    pub fn open(directory: &Path, info: RunInfo) -> Result<RunStore, StoreError> {
        let lock = lock(directory)?;
        let mut run = RunFile { info, status: Status::Unfinished, ended: None };
        if directory.join(RUN).exists() {
            let old = RunFile::read(directory)?;
            old.agree(&run.info, directory)?;
            (run.info.started, run.info.seconds) = (old.info.started, old.info.seconds);
            (run.status, run.ended) = (old.status, old.ended);
            if run.info.stopping.is_some() {
                run.info.stopping = old.info.stopping;
            } else if old.info.stopping.is_some_and(|stopping| stopping.stopped.is_some()) {
                (run.status, run.ended) = (Status::Unfinished, None);
            }
        }
        // What the run is comes first: answers without it would be taken for somebody else's after a kill in between.
        run.write(directory)?;
        let (journal, records) = Journal::open(directory)?;
        Ok(RunStore { directory: directory.to_owned(), run, records, journal, _lock: lock })
    }

    /// Begins anew: what an earlier run left is put into `earlier/1`, `earlier/2`, …
    ///
    /// # Errors
    /// As [`RunStore::open`].
    pub fn fresh(directory: &Path, info: RunInfo) -> Result<RunStore, StoreError> {
        let lock = lock(directory)?;
        put_aside(directory)?;
        drop(lock);
        RunStore::open(directory, info)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it is.
    pub fn info(&self) -> &RunInfo {
        &self.run.info
    }

    /// Whether a trial has an outcome. An error is none: it is asked again.
    pub fn answered(&self, trial: &str) -> bool {
        self.records.get(trial).is_some_and(|record| !matches!(record.outcome, Outcome::Error { .. }))
    }

    /// All records, in order of ids.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Appends an answer; from here on a killed process does not lose it.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a line that was written in part is cut off again.
    pub fn append(&mut self, record: Record) -> Result<(), StoreError> {
        self.journal.append(&record)?;
        self.records.insert(record.trial.0.clone(), record);
        Ok(())
    }

    /// Waits until all answers are on the disk; from here on a power cut does not lose them.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn sync(&self) -> Result<(), StoreError> {
        self.journal.sync()
    }

    /// Ends a sitting: adds the time spent and the remarks on how the model was asked, and says how far the run is.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn close_sitting(&mut self, seconds: f64, status: Status, notes: Vec<String>) -> Result<(), StoreError> {
        self.sync()?;
        self.run.info.seconds += seconds;
        self.run.info.notes = notes;
        if status == Status::Complete && self.run.ended.is_none() {
            self.run.ended = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        }
        self.run.status = status;
        self.run.write(&self.directory)
    }

    /// Ends a run that may stop early where it stopped: nothing more is asked of it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn stop(&mut self, stopped: Stopped) -> Result<(), StoreError> {
        if let Some(stopping) = &mut self.run.info.stopping {
            stopping.stopped = Some(stopped);
        }
        let notes = std::mem::take(&mut self.run.info.notes);
        self.close_sitting(0.0, Status::Complete, notes)
    }
}

/// Reads a finished or unfinished run without touching it.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Damaged`].
pub fn read_run(directory: &Path) -> Result<(RunInfo, Vec<Record>), StoreError> {
    let run = RunFile::read(directory)?;
    Ok((run.info, journal::read(directory)?.into_values().collect()))
}

/// Reads what a run is, without its answers.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Damaged`].
pub fn read_info(directory: &Path) -> Result<RunInfo, StoreError> {
    Ok(RunFile::read(directory)?.info)
}

/// Makes the directory where there is none, and takes it for this process. The lock goes with the process.
fn lock(directory: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(directory).map_err(|error| StoreError::writing(directory, error))?;
    refuse_foreign(directory)?;
    let path = directory.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| StoreError::writing(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: directory.to_owned() }),
        // A file system without locks: a lock is a help, not a need.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(StoreError::writing(&path, error)),
    }
}

/// Nothing is written among files that are no run's.
fn refuse_foreign(directory: &Path) -> Result<(), StoreError> {
    if directory.join(RUN).exists() {
        return Ok(());
    }
    let list = fs::read_dir(directory).map_err(|error| StoreError::reading(directory, error))?;
    let foreign = list
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != LOCK && name != EARLIER && !name.ends_with(PART))
        .min();
    match foreign {
        None => Ok(()),
        Some(found) => Err(StoreError::NotARun { path: directory.to_owned(), found }),
    }
}

fn put_aside(directory: &Path) -> Result<(), StoreError> {
    if !directory.join(RUN).exists() {
        return Ok(());
    }
    let place = (1..).map(|number: u32| directory.join(EARLIER).join(number.to_string())).find(|place| !place.exists());
    let Some(place) = place else { return Ok(()) };
    fs::create_dir_all(&place).map_err(|error| StoreError::writing(&place, error))?;
    // What the run is goes last: until then the directory is still that run's.
    for name in ["report.html", "profile.json", RECORDS, RUN] {
        match fs::rename(directory.join(name), place.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::writing(place.join(name), error));
            }
            _ => {}
        }
    }
    Ok(())
}
