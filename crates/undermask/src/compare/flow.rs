//! The verb: reads two runs, compares, writes the page and the JSON, and ends with the code that `--fail-on` asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use undermask_measure::compare::{CompareSettings, compare as measure};
use undermask_measure::paired::Change;
use undermask_report::{Comparison, comparison_json, comparison_page, comparison_terminal};
use undermask_store::{Record, StoreError, put};

use super::{runs, same};
use crate::cli::{ChangeName, CompareArguments};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::finished::Finished;
use crate::output;

/// Bootstrap resamples of each run's own intervals.
const RESAMPLES: usize = 2000;

/// Compares two runs.
///
/// # Errors
/// Runs that are missing, unfinished or not to be compared; a margin that is not positive; what cannot be written.
pub fn compare(arguments: &CompareArguments) -> Result<Finish, CommandError> {
    if let Some(margin) = arguments.margin.filter(|margin| !(*margin > 0.0 && margin.is_finite())) {
        return Err(CommandError::Usage(format!("--margin is {margin}; give a number above 0, such as 0.15")));
    }
    let baseline = runs::open(&arguments.baseline, "baseline")?;
    let candidate = runs::open(&arguments.candidate, "candidate")?;
    let warnings = same::check(&baseline, &candidate)?;
    let settings = CompareSettings { seed: baseline.info.seed, resamples: RESAMPLES, margin: arguments.margin };
    let found = measure(&baseline.suite, &asked(&baseline), &asked(&candidate), &settings);
    let folder = arguments.out.clone().unwrap_or_else(|| place(&baseline.directory, &candidate.directory));
    let view = Comparison {
        suite_title: baseline.suite.title.clone(),
        folders: (baseline.directory.display().to_string(), candidate.directory.display().to_string()),
        baseline: baseline.info,
        candidate: candidate.info,
        warnings,
        found,
    };
    std::fs::create_dir_all(&folder).map_err(|error| StoreError::writing(&folder, error))?;
    let json = format!("{:#}\n", comparison_json(&view));
    put(&folder.join("comparison.json"), json.as_bytes())?;
    put(&folder.join("comparison.html"), comparison_page(&view)?.as_bytes())?;
    if arguments.json {
        output::print(&json)?;
    } else {
        let page = folder.join("comparison.html");
        output::print(&format!("{}\n  report: {}\n", comparison_terminal(&view, output::style()), page.display()))?;
    }
    Ok(finish(view.found.verdict, &arguments.fail_on))
}

/// The answers to trials of the plan.
fn asked(run: &Finished) -> Vec<Record> {
    let ids: BTreeSet<&str> = run.plan.trials.iter().map(|trial| trial.id.0.as_str()).collect();
    run.records.iter().filter(|record| ids.contains(record.trial.0.as_str())).cloned().collect()
}

/// Where the comparison of two folders goes.
fn place(baseline: &Path, candidate: &Path) -> PathBuf {
    let name = |path: &Path| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    Path::new("runs").join(format!("compare-{}-{}", name(baseline), name(candidate)))
}

fn finish(verdict: Change, fail_on: &[ChangeName]) -> Finish {
    let named = match verdict {
        Change::Regression => ChangeName::Regression,
        Change::Improvement => ChangeName::Improvement,
        Change::Equivalent => ChangeName::Equivalent,
        Change::Undecided => ChangeName::Undecided,
    };
    if fail_on.contains(&named) {
        Finish::Finding
    } else if !fail_on.is_empty() && verdict == Change::Undecided {
        Finish::Inconclusive
    } else {
        Finish::Done
    }
}
