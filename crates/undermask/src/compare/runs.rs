//! From what was typed to a finished run: a folder, or the `profile.json` within one.
//!
//! A profile alone is refused: it keeps sums, and paired differences need the answer to every trial.

use std::path::{Path, PathBuf};

use crate::error::CommandError;
use crate::finished::{self, Finished};

/// Reads the run of one side.
///
/// # Errors
/// When there is none at this place, several, or an unfinished one.
pub fn open(path: &Path, side: &str) -> Result<Finished, CommandError> {
    let run = finished::read(&folder(path, side)?)?;
    whole(&run, side)?;
    Ok(run)
}

/// Refuses a run that stopped early: what it did not ask cannot be set against anything.
///
/// # Errors
/// One that stopped.
pub fn whole(run: &Finished, side: &str) -> Result<(), CommandError> {
    let Some(stopped) = run.info.stopped() else { return Ok(()) };
    Err(CommandError::Usage(format!(
        "the {side} {} stopped early, after {} of {} trials; audit it again into the same --out without --stop-early, which asks \
         the rest",
        run.directory.display(),
        stopped.trials,
        run.plan.trials.len()
    )))
}

fn folder(path: &Path, side: &str) -> Result<PathBuf, CommandError> {
    let shown = path.display();
    let refused = |why: String| Err(CommandError::Usage(format!("the {side} {shown} {why}")));
    if path.join("run.json").is_file() {
        return Ok(path.to_owned());
    }
    if path.is_file() {
        // `profile.json` in the folder of the command has an empty parent.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if parent.join("run.json").is_file() && parent.join("records.jsonl").is_file() {
            return Ok(parent.to_owned());
        }
        return refused(
            "is a file without its run: differences are taken answer by answer, and a report keeps none; give the folder \
             that `undermask audit` wrote, with run.json and records.jsonl"
                .to_owned(),
        );
    }
    if !path.exists() {
        return refused("does not exist; give the folder of a run that `undermask audit` wrote".to_owned());
    }
    let runs: Vec<String> = finished::within(path)?.iter().map(|run| run.display().to_string()).collect();
    match runs.as_slice() {
        [] => refused("holds no run; give a folder that `undermask audit` wrote".to_owned()),
        several => refused(format!("holds runs and is none; give one of them: {}", several.join(", "))),
    }
}
