//! Writing, printing and re-making reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use undermask_report::{Audit, Example, html, json, terminal, terminal_overview};
use undermask_store::{Outcome, Record, put};
use undermask_suite::{FRESH, Instrument, InstrumentKind, ItemKind, Plan, Suite, Trial};

use crate::audit::judge;
use crate::cli::ReportArguments;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::finished::{self, Finished};
use crate::{models, output};

/// Prints one audit's summary.
///
/// # Errors
/// When it cannot be written.
pub fn print(audit: &Audit) -> Result<(), CommandError> {
    output::print(&terminal(audit, output::style()))
}

/// Writes `profile.json` and `report.html` of one run.
///
/// # Errors
/// What cannot be written.
pub fn write(audit: &Audit, directory: &Path) -> Result<(), CommandError> {
    let audits = std::slice::from_ref(audit);
    put(&directory.join("profile.json"), format!("{:#}\n", json(audits)).as_bytes())?;
    put(&directory.join("report.html"), html(audits)?.as_bytes())?;
    Ok(())
}

/// After all models: the page over several, and what goes to standard output.
///
/// # Errors
/// What cannot be written.
pub fn finish(audits: &[Audit], directory: &Path, as_json: bool) -> Result<(), CommandError> {
    if audits.len() > 1 {
        std::fs::create_dir_all(directory).map_err(|error| undermask_store::StoreError::writing(directory, error))?;
        put(&directory.join("profile.json"), format!("{:#}\n", json(audits)).as_bytes())?;
        put(&directory.join("report.html"), html(audits)?.as_bytes())?;
        if !as_json {
            output::print(&terminal_overview(audits, output::style()))?;
        }
    }
    if as_json {
        return output::print(&format!("{:#}\n", json(audits)));
    }
    output::print(&format!("\n  report: {}\n", directory.join("report.html").display()))
}

/// One answered trial of several kinds and contexts, as examples.
pub fn examples(suite: &Suite, plan: &Plan, records: &[Record]) -> Vec<Example> {
    let answers: BTreeMap<&str, &Record> = records.iter().map(|record| (record.trial.0.as_str(), record)).collect();
    let groups = suite.contexts.iter().fold(Vec::new(), |mut groups: Vec<(&str, &str)>, context| {
        if !groups.iter().any(|(group, _)| *group == context.group) {
            groups.push((&context.group, &context.id));
        }
        groups
    });
    let first = suite.contexts.first().map_or("", |context| context.id.as_str());
    let middle = suite.ladder.ratios.iter().position(|ratio| (0.15..=0.65).contains(ratio));
    let mut wanted: Vec<(ItemKind, &str)> = groups.iter().map(|(_, id)| (ItemKind::Welfare, *id)).collect();
    wanted.extend(
        [ItemKind::Neutral, ItemKind::Reversal, ItemKind::Dominance, ItemKind::Recall].map(|kind| (kind, first)),
    );
    let each = |instrument: &&Instrument| !matches!(instrument.kind(), InstrumentKind::Forms | InstrumentKind::Fresh);
    wanted.extend(suite.instruments.iter().filter(each).filter_map(|instrument| {
        // One with talk where there is talk; the first otherwise.
        let of = |trial: &&Trial| {
            matches!(trial.kind, ItemKind::Instrument | ItemKind::Act)
                && trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument.id)
        };
        let talk = plan.trials.iter().filter(of).find(|trial| !trial.prompt.history.is_empty());
        let trial = talk.or_else(|| plan.trials.iter().find(of))?;
        Some((trial.kind, trial.context.as_str()))
    }));
    wanted.extend(of_each_form(suite, plan));
    wanted
        .into_iter()
        .filter_map(|(kind, context)| {
            let fits = |exact: bool| {
                plan.trials.iter().find(|trial| {
                    trial.kind == kind
                        && trial.context == context
                        && (!exact || kind != ItemKind::Welfare || trial.rung == middle)
                })
            };
            let trial = fits(true).or_else(|| fits(false))?;
            let Outcome::Answered { scores } = &answers.get(trial.id.0.as_str())?.outcome else {
                return None;
            };
            let highest = scores.iter().map(|score| score.log_probability).fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score.log_probability - highest).exp()).collect();
            let total: f64 = weights.iter().sum();
            Some(Example { trial: trial.clone(), probabilities: weights.iter().map(|weight| weight / total).collect() })
        })
        .collect()
}

/// One trial of every form, and one of what was drawn.
fn of_each_form<'a>(suite: &Suite, plan: &'a Plan) -> Vec<(ItemKind, &'a str)> {
    let mut seen = BTreeSet::new();
    let kind = |id: &str| suite.instruments.iter().find(|instrument| instrument.id == id).map(Instrument::kind);
    let shown = |trial: &&Trial| match trial.probe.as_ref().filter(|_| trial.kind == ItemKind::Instrument) {
        Some(probe) => match kind(&probe.instrument) {
            Some(InstrumentKind::Forms) => !probe.arm.contains('/'),
            Some(InstrumentKind::Fresh) => probe.arm == FRESH,
            _ => false,
        },
        None => false,
    };
    let trials = plan.trials.iter().filter(shown).filter(|trial| seen.insert(&trial.context));
    trials.map(|trial| (trial.kind, trial.context.as_str())).collect()
}

/// The `report` verb: makes profile and page again from a run's records.
///
/// # Errors
/// When the folder holds no run, or an unfinished one.
pub fn report(arguments: &ReportArguments) -> Result<Finish, CommandError> {
    let directories = run_directories(&arguments.run)?;
    let audits: Vec<Audit> = directories.iter().map(|directory| again(directory)).collect::<Result<_, _>>()?;
    if let [audit] = audits.as_slice() {
        if !arguments.json {
            print(audit)?;
        }
        return finish(&audits, &directories[0], arguments.json).map(|()| Finish::Done);
    }
    finish(&audits, &arguments.run, arguments.json)?;
    Ok(Finish::Done)
}

/// The folder itself, or the runs directly within it.
fn run_directories(path: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if path.join("run.json").exists() {
        return Ok(vec![path.to_owned()]);
    }
    let found = finished::within(path)?;
    if found.is_empty() {
        return Err(CommandError::Usage(format!(
            "{} holds no run; give a folder that `undermask audit` wrote",
            path.display()
        )));
    }
    Ok(found)
}

fn again(directory: &Path) -> Result<Audit, CommandError> {
    let Finished { info, suite, plan, records, .. } = finished::read(directory)?;
    let truth = models::truth(&info.model)?;
    let audit = judge(suite, &plan, info, &records, truth)?;
    write(&audit, directory)?;
    Ok(audit)
}
