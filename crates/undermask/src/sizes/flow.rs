//! The verb: reads the runs, refuses what is on no common line, fits, writes the page and the JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use undermask_measure::sizes::{FEWEST, SizeLine, SizedRun, lines};
use undermask_report::{Audit, Sizes, SizesRun, sizes_json, sizes_page, sizes_terminal};
use undermask_store::{StoreError, put};

use crate::audit::judge;
use crate::cli::SizesArguments;
use crate::compare::{open, same};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::finished::Finished;
use crate::output;

/// Puts runs on lines over size.
///
/// # Errors
/// Too few runs; runs that are missing, unfinished, stopped early, of different suites or seeds, or of one model twice; a
/// forecast beyond a decade; what cannot be written.
pub fn sizes(arguments: &SizesArguments) -> Result<Finish, CommandError> {
    if arguments.runs.len() < FEWEST {
        return Err(CommandError::Usage(format!(
            "a line over sizes needs {FEWEST} runs, {} given; audit models of more sizes with one suite and seed",
            arguments.runs.len()
        )));
    }
    let runs: Vec<Finished> = arguments.runs.iter().map(|path| open(path, "run")).collect::<Result<_, _>>()?;
    let warnings = agree(&runs)?;
    let folders: Vec<String> = runs.iter().map(|run| run.directory.display().to_string()).collect();
    let audits: Vec<Audit> = runs
        .into_iter()
        .map(|run| judge(run.suite, &run.plan, run.info, &run.records, None))
        .collect::<Result<_, _>>()?;
    let sized: Vec<SizedRun> = audits
        .iter()
        .map(|audit| SizedRun { parameters: audit.info.parameters, quantities: &audit.profile.quantities })
        .collect();
    let confidence = audits[0].suite.criteria.confidence;
    let lines = lines(&sized, confidence, arguments.at);
    forecast(&lines)?;
    let suite_title = audits[0].suite.title.clone();
    let runs = audits.into_iter().zip(folders).map(|(audit, folder)| SizesRun {
        verdict: audit.decision.verdict,
        info: audit.info,
        folder,
    });
    let view = Sizes { suite_title, runs: runs.collect(), warnings, confidence, at: arguments.at, lines };
    write(arguments, &view)
}

/// Warnings, or why the runs are on no common line.
fn agree(runs: &[Finished]) -> Result<Vec<String>, CommandError> {
    let (first, others) = runs.split_first().ok_or_else(|| CommandError::Usage("no run was given".to_owned()))?;
    let mut weights: BTreeMap<&str, &Path> = BTreeMap::new();
    for run in runs {
        let shown = run.directory.display();
        if run.info.parameters == 0 {
            return Err(CommandError::Usage(format!(
                "{shown}: its run.json gives no number of parameters, so that it has no place on the line; audit the model \
                 again with this version"
            )));
        }
        if let Some(twin) = weights.insert(&run.info.weights_hash, &run.directory) {
            return Err(CommandError::Usage(format!(
                "{} and {shown} are runs of one model (its weights are the same); give each model once",
                twin.display()
            )));
        }
    }
    let mut warnings = Vec::new();
    for other in others {
        for warning in same::check(first, other)? {
            let said = format!("{} beside {}: {warning}", other.info.model, first.info.model);
            if !warnings.contains(&said) {
                warnings.push(said);
            }
        }
    }
    Ok(warnings)
}

/// Refuses where every line refuses the forecast that was asked for: it is no result then.
fn forecast(lines: &[SizeLine]) -> Result<(), CommandError> {
    let asked: Vec<&Result<_, String>> =
        lines.iter().filter_map(|line| line.fit.as_ref().ok()?.forecast.as_ref()).collect();
    match asked.first() {
        Some(Err(why)) if asked.iter().all(|forecast| forecast.is_err()) => {
            Err(CommandError::Usage(format!("--at: {why}")))
        }
        _ => Ok(()),
    }
}

fn write(arguments: &SizesArguments, view: &Sizes) -> Result<Finish, CommandError> {
    let folder = arguments.out.clone().unwrap_or_else(|| {
        let suite = view.runs.first().map_or("suite", |run| run.info.suite.as_str());
        PathBuf::from("runs").join(format!("sizes-{suite}"))
    });
    std::fs::create_dir_all(&folder).map_err(|error| StoreError::writing(&folder, error))?;
    let json = format!("{:#}\n", sizes_json(view));
    put(&folder.join("sizes.json"), json.as_bytes())?;
    let page = folder.join("sizes.html");
    put(&page, sizes_page(view)?.as_bytes())?;
    if arguments.json {
        output::print(&json)?;
    } else {
        output::print(&format!("{}\n  report: {}\n", sizes_terminal(view, output::style()), page.display()))?;
    }
    Ok(Finish::Done)
}
