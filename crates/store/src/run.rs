//! A run on disk: `run.json` says what it is, `records.jsonl` holds every answer, one line each, append-only.
//!
//! An answer is on disk before the next batch starts. A torn last line, left by a kill, is cut off on opening; a trial
//! that stands twice counts once.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Outcome, Record, StoreError};

/// What a run is: everything that its numbers depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// `undermask.run`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// The model's name as it was given.
    pub model: String,
    /// Architecture, for people.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Hash of the weights.
    pub weights_hash: String,
    /// Hash of the tokenizer.
    pub tokenizer_hash: String,
    /// Hash of the chat template.
    pub template_hash: String,
    /// Precision of the computation.
    pub precision: String,
    /// Suite.
    pub suite: String,
    /// Hash of the suite, thresholds included.
    pub suite_hash: String,
    /// The suite's own text, so that the run can be reported without it.
    pub suite_text: String,
    /// Seed of the plan and the bootstrap.
    pub seed: u64,
    /// Full cross instead of the fraction.
    pub full: bool,
    /// Version of undermask that asked.
    pub code_version: String,
    /// Trials of the plan.
    pub trials: usize,
    /// Tokens with every prompt read in full, and with shared beginnings once.
    pub tokens: (u64, u64),
    /// When it was begun, seconds since 1970.
    pub started: u64,
    /// Seconds spent answering, over all sittings.
    pub seconds: f64,
    /// Remarks on how the model was asked (for example a system role folded into the user's turn).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A run that is open for writing.
pub struct RunStore {
    directory: PathBuf,
    info: RunInfo,
    records: BTreeMap<String, Record>,
    file: File,
    _lock: File,
}

const RUN: &str = "run.json";
const RECORDS: &str = "records.jsonl";
/// Longest line that is read.
const LONGEST_LINE: usize = 1 << 20;

impl RunStore {
    /// Opens a run for writing: a new one, or the same one to be continued.
    ///
    /// # Errors
    /// [`StoreError::OtherRun`] when the directory belongs to another model, suite, seed or precision.
    pub fn open(directory: &Path, mut info: RunInfo) -> Result<RunStore, StoreError> {
        fs::create_dir_all(directory).map_err(|error| StoreError::writing(directory, error))?;
        let path = directory.join(RUN);
        let lock_path = directory.join(".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(|error| StoreError::writing(&lock_path, error))?;
        if lock.try_lock().is_err() {
            return Err(StoreError::Busy { path: directory.to_owned() });
        }
        if path.exists() {
            let old = read_info(directory)?;
            agree(directory, &old, &info)?;
            info.started = old.started;
            info.seconds = old.seconds;
        }
        put(&path, &json(&info))?;
        let records_path = directory.join(RECORDS);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&records_path)
            .map_err(|error| StoreError::writing(&records_path, error))?;
        let records = read_records(&mut file, &records_path)?;
        Ok(RunStore { directory: directory.to_owned(), info, records, file, _lock: lock })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it is.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The answer of a trial, if there is one that need not be asked again.
    pub fn answered(&self, trial: &str) -> bool {
        self.records.get(trial).is_some_and(|record| !matches!(record.outcome, Outcome::Error { .. }))
    }

    /// All records, in order of ids.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Appends answers and waits until they are on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a line that was written in part is cut off again.
    pub fn append(&mut self, new: Vec<Record>) -> Result<(), StoreError> {
        let path = self.directory.join(RECORDS);
        let mut text = Vec::with_capacity(new.len() * 320);
        for record in &new {
            serde_json::to_writer(&mut text, record).map_err(|error| StoreError::Damaged { path: path.clone(), place: String::new(), why: error.to_string() })?;
            text.push(b'\n');
        }
        let end = self.file.metadata().map_err(|error| StoreError::writing(&path, error))?.len();
        if let Err(error) = self.file.write_all(&text).and_then(|()| self.file.sync_data()) {
            let _ = self.file.set_len(end);
            return Err(StoreError::writing(&path, error));
        }
        for record in new {
            self.records.insert(record.trial.0.clone(), record);
        }
        Ok(())
    }

    /// Adds to the time spent.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn spent(&mut self, seconds: f64) -> Result<(), StoreError> {
        self.info.seconds += seconds;
        put(&self.directory.join(RUN), &json(&self.info))
    }

    /// Writes a result file of the run, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn put(&self, name: &str, content: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(name);
        put(&path, content)?;
        Ok(path)
    }
}

/// Reads a finished or unfinished run without touching it.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Damaged`].
pub fn read_run(directory: &Path) -> Result<(RunInfo, Vec<Record>), StoreError> {
    let info = read_info(directory)?;
    let path = directory.join(RECORDS);
    let text = fs::read(&path).map_err(|error| StoreError::reading(&path, error))?;
    let (records, _) = parse_records(&text, &path)?;
    Ok((info, records.into_values().collect()))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// [`StoreError::Io`].
pub fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("part");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        StoreError::writing(path, error)
    })
}

fn json(info: &RunInfo) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(info).unwrap_or_default();
    text.push(b'\n');
    text
}

fn read_info(directory: &Path) -> Result<RunInfo, StoreError> {
    let path = directory.join(RUN);
    let text = fs::read(&path).map_err(|error| StoreError::reading(&path, error))?;
    let damaged = |why: String| StoreError::Damaged { path: path.clone(), place: String::new(), why };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| damaged(format!("is no JSON ({error}); restore it, or start a new run")))?;
    match (value["format"].as_str(), value["version"].as_u64()) {
        (Some("undermask.run"), Some(1)) => {}
        (Some("undermask.run"), version) => return Err(damaged(format!("has version {version:?}; this build reads 1, use a newer undermask"))),
        _ => return Err(damaged("is no run of undermask; give the directory of a run".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

fn agree(directory: &Path, old: &RunInfo, new: &RunInfo) -> Result<(), StoreError> {
    let pairs: [(&'static str, String, String); 7] = [
        ("model (hash of the weights)", old.weights_hash.clone(), new.weights_hash.clone()),
        ("tokenizer", old.tokenizer_hash.clone(), new.tokenizer_hash.clone()),
        ("chat template", old.template_hash.clone(), new.template_hash.clone()),
        ("suite (hash)", old.suite_hash.clone(), new.suite_hash.clone()),
        ("seed", old.seed.to_string(), new.seed.to_string()),
        ("precision", old.precision.clone(), new.precision.clone()),
        ("choice of the full cross", old.full.to_string(), new.full.to_string()),
    ];
    match pairs.into_iter().find(|(_, found, wanted)| found != wanted) {
        None => Ok(()),
        Some((what, found, wanted)) => Err(StoreError::OtherRun { path: directory.to_owned(), what, found, wanted }),
    }
}

fn read_records(file: &mut File, path: &Path) -> Result<BTreeMap<String, Record>, StoreError> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut text)).map_err(|error| StoreError::reading(path, error))?;
    let (records, whole) = parse_records(&text, path)?;
    if whole < text.len() {
        file.set_len(whole as u64).map_err(|error| StoreError::writing(path, error))?;
    }
    Ok(records)
}

/// Records by trial, and the number of bytes up to the last whole line.
fn parse_records(text: &[u8], path: &Path) -> Result<(BTreeMap<String, Record>, usize), StoreError> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let damaged = |why: String| StoreError::Damaged { path: path.to_owned(), place: format!(":{}", number + 1), why };
        if line.len() > LONGEST_LINE {
            return Err(damaged("the line is longer than a record can be; remove it".to_owned()));
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| damaged(format!("is no record ({error}); remove the line, and its trial is asked again")))?;
        let known = records.get(&record.trial.0);
        // The first answer stands; an error gives way to an answer.
        if known.is_none_or(|known| matches!(known.outcome, Outcome::Error { .. })) {
            records.insert(record.trial.0.clone(), record);
        }
    }
    Ok((records, whole))
}
