//! `run.json`: what a run is, and how far it came.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use undermask_suite::Drawn;

use crate::{StoreError, put};

/// Name of the file.
pub(crate) const RUN: &str = "run.json";

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
    /// Commit of the hub's repository, where it came from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Precision of the computation.
    pub precision: String,
    /// Where it was computed: `cpu`, or `cuda` and the GPU's name. Runs from before this was noted are the processor's.
    #[serde(default = "processor")]
    pub device: String,
    /// CUDA version of the GPU's driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Instruction set of the processor's kernels (`UNDERMASK_ISA`); absent on a GPU and in runs from before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
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
    /// The scenarios that instruments drew, so that the run has the same ones whatever version reads it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Drawn>,
    /// Remarks on how the model was asked (for example a system role folded into the user's turn).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Present where the run may stop before everything is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<Stopping>,
}

/// That a run may stop early, and where it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Looks at most.
    pub looks: usize,
    /// Welfare scenarios of the whole.
    pub scenarios: usize,
    /// Absent while it goes on, and where it went on to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
}

/// Where a run stopped early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The look, from 1.
    pub look: usize,
    /// Welfare scenarios that were asked.
    pub scenarios: usize,
    /// Trials that were asked.
    pub trials: usize,
    /// The verdict that was reached.
    pub verdict: String,
}

impl RunInfo {
    /// Where it stopped early; `None` where everything was, or is to be, asked.
    pub fn stopped(&self) -> Option<&Stopped> {
        self.stopping.as_ref()?.stopped.as_ref()
    }
}

fn processor() -> String {
    "cpu".to_owned()
}

/// How far a run came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Trials are left; the same command continues.
    #[default]
    Unfinished,
    /// Every trial has an outcome.
    Complete,
}

/// The file: what the run is, beside how far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunFile {
    #[serde(flatten)]
    pub info: RunInfo,
    #[serde(default)]
    pub status: Status,
    /// When the last trial was answered, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

impl RunFile {
    /// Reads it from a run's directory.
    pub fn read(directory: &Path) -> Result<RunFile, StoreError> {
        let path = directory.join(RUN);
        let text = fs::read(&path).map_err(|error| StoreError::reading(&path, error))?;
        let damaged = |why: String| StoreError::Damaged { path: path.clone(), place: String::new(), why };
        let value: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("it is no JSON ({error}); restore it, or start anew with --fresh")))?;
        match (value["format"].as_str(), value["version"].as_u64()) {
            (Some("undermask.run"), Some(1)) => {}
            (Some("undermask.run"), Some(version)) => {
                let why = format!("its version is {version}, this build reads 1; use a newer undermask");
                return Err(damaged(why));
            }
            _ => {
                return Err(damaged("it is no run of undermask; give the folder of a run".to_owned()));
            }
        }
        serde_json::from_value(value)
            .map_err(|error| damaged(format!("{error}; restore it, or start anew with --fresh")))
    }

    /// Writes it into a run's directory.
    pub fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let path = directory.join(RUN);
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| StoreError::Damaged {
            path: path.clone(),
            place: String::new(),
            why: error.to_string(),
        })?;
        text.push(b'\n');
        put(&path, &text)
    }

    /// Refuses to continue a run that is another one, by the first thing that differs.
    pub fn agree(&self, new: &RunInfo, directory: &Path) -> Result<(), StoreError> {
        let old = &self.info;
        let pairs = [
            ("model (hash of the weights)", old.weights_hash.clone(), new.weights_hash.clone()),
            ("tokenizer (hash)", old.tokenizer_hash.clone(), new.tokenizer_hash.clone()),
            ("chat template (hash)", old.template_hash.clone(), new.template_hash.clone()),
            ("suite (hash)", old.suite_hash.clone(), new.suite_hash.clone()),
            ("seed", old.seed.to_string(), new.seed.to_string()),
            ("precision", old.precision.clone(), new.precision.clone()),
            ("device", old.device.clone(), new.device.clone()),
            ("choice of the full cross", old.full.to_string(), new.full.to_string()),
        ];
        // What was asked in another order is no run with looks. The other way round is allowed: a run that stopped, or might
        // have, may be asked the rest, and is then one without looks.
        if new.stopping.is_some() && old.stopping.is_none() {
            let (found, wanted) = ("to ask everything".to_owned(), "to stop early".to_owned());
            return Err(StoreError::OtherRun { path: directory.to_owned(), what: "choice of looks", found, wanted });
        }
        // A run that is complete asks nothing more, so that it may be read on any machine.
        let sets = old.instructions.clone().zip(new.instructions.clone()).filter(|_| self.status == Status::Unfinished);
        let sets = sets.map(|(found, wanted)| ("instruction set (UNDERMASK_ISA can name another)", found, wanted));
        match pairs.into_iter().chain(sets).find(|(_, found, wanted)| found != wanted) {
            None => Ok(()),
            Some((what, found, wanted)) => {
                Err(StoreError::OtherRun { path: directory.to_owned(), what, found, wanted })
            }
        }
    }
}
