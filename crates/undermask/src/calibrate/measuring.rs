//! Asking one organism: its audit, as a user would run it, and every cell of the full grid. Both are runs on disk, so
//! that a killed calibration continues.

use std::ops::ControlFlow;
use std::path::Path;

use undermask_model::Local;
use undermask_report::Audit;
use undermask_run::{execute, questions};
use undermask_store::{Record, RunStore};
use undermask_suite::{Plan, PlanSettings};

use super::subjects::Subject;
use crate::audit::{info, judge};
use crate::cli::AuditArguments;
use crate::error::CommandError;
use crate::progress::{Bar, interrupted};
use crate::report;
use crate::suites::Loaded;

/// The audit with its report; `None` when the user stopped it.
///
/// # Errors
/// What stops an audit.
pub fn audit(
    arguments: &AuditArguments,
    loaded: &Loaded,
    model: &Local,
    subject: &Subject,
    directory: &Path,
) -> Result<Option<Audit>, CommandError> {
    let plan = Plan::expand(&loaded.suite, &PlanSettings { seed: arguments.seed, full: false });
    let Some(store) = ask(arguments, loaded, model, subject, &plan, directory, "audit")? else { return Ok(None) };
    let records: Vec<Record> = store.records().cloned().collect();
    // The known answer goes into the case, never into the measurement.
    let audit = judge(loaded.suite.clone(), &plan, store.info().clone(), &records, None)?;
    report::write(&audit, directory)?;
    Ok(Some(audit))
}

/// The answers to every trial of the full grid; `None` when the user stopped it.
///
/// # Errors
/// What stops a run.
pub fn grid(
    arguments: &AuditArguments,
    loaded: &Loaded,
    model: &Local,
    subject: &Subject,
    plan: &Plan,
    directory: &Path,
) -> Result<Option<Vec<Record>>, CommandError> {
    let arguments = AuditArguments { seed: 0, full: true, ..arguments.clone() };
    let store = ask(&arguments, loaded, model, subject, plan, directory, "grid")?;
    Ok(store.map(|store| store.records().cloned().collect()))
}

fn ask(
    arguments: &AuditArguments,
    Loaded { suite, text }: &Loaded,
    model: &Local,
    subject: &Subject,
    plan: &Plan,
    directory: &Path,
    what: &str,
) -> Result<Option<RunStore>, CommandError> {
    std::fs::create_dir_all(directory).map_err(|error| undermask_store::StoreError::writing(directory, error))?;
    let tokens = undermask_model::Respond::count(model, &questions(&plan.trials))
        .map_err(|error| CommandError::model(&subject.name, error))?;
    let mut store = RunStore::open(directory, info(arguments, suite, text, model, plan, tokens))?;
    let mut bar = Bar::new(&format!("{} {what}", subject.slug), "trials", plan.trials.len());
    let complete = execute(plan, model, &mut store, &mut |asked| {
        bar.asked(asked);
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(|error| CommandError::run(&subject.name, error))?;
    Ok(complete.then_some(store))
}
