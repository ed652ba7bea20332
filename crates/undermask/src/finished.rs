//! A finished run, read again from its own folder: what it is, the suite within it, its plan and its answers.
//!
//! Reports and comparisons start here. It computes nothing, and a run that is unfinished or not what it says is refused.

use std::path::{Path, PathBuf};

use undermask_store::{Record, RunInfo, read_run};
use undermask_suite::{Plan, PlanSettings, Suite};

use crate::error::CommandError;
use crate::{drawn, early, suites};

/// A run of which every trial has an answer, or which stopped early and has one of every trial up to there.
pub struct Finished {
    /// Where it lies.
    pub directory: PathBuf,
    /// What it is.
    pub info: RunInfo,
    /// The suite that was asked.
    pub suite: Suite,
    /// Its trials.
    pub plan: Plan,
    /// Its answers; also those to trials that are no longer of the plan.
    pub records: Vec<Record>,
}

/// Reads a run.
///
/// # Errors
/// When the folder holds none, an unfinished one, or one whose suite was changed.
pub fn read(directory: &Path) -> Result<Finished, CommandError> {
    let (info, records) = read_run(directory)?;
    let suite = suites::parse(info.suite_text.clone(), &info.suite)?.suite;
    let settings = PlanSettings { seed: info.seed, full: info.full };
    let plan = Plan::expand_drawn(&suite, &settings, &drawn::of(&info, &suite));
    if suite.hash != info.suite_hash {
        return Err(CommandError::Usage(format!(
            "{}: the suite within run.json is not the one that was asked (its hash differs); restore the file",
            directory.display()
        )));
    }
    let asked = early::asked(&plan, &info);
    let answered = records.iter().filter(|record| asked.contains(record.trial.0.as_str())).count();
    if answered < asked.len() {
        return Err(CommandError::Usage(format!(
            "{}: {answered} of {} trials are answered; run the audit again to finish it",
            directory.display(),
            asked.len()
        )));
    }
    drop(asked);
    Ok(Finished { directory: directory.to_owned(), info, suite, plan, records })
}

/// The folders of runs directly within a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn within(path: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let list = std::fs::read_dir(path).map_err(|source| CommandError::Read { path: path.to_owned(), source })?;
    let mut found: Vec<PathBuf> =
        list.flatten().map(|entry| entry.path()).filter(|path| path.join("run.json").exists()).collect();
    found.sort();
    Ok(found)
}
