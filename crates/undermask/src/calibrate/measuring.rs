//! Asking one organism: its audit, as a user would run it, and every cell of the full grid. Both are runs on disk, so
//! that a killed calibration continues.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use undermask_model::{Local, Respond as _, TokenCounts};
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

/// Tokens of each plan, by tokenizer, template and what is asked: organisms of one base share them, and counting takes longer
/// than asking a model this small.
pub type Counts = HashMap<(String, String, &'static str), TokenCounts>;

/// The audit with its report, and its answers; `None` when the user stopped it.
///
/// # Errors
/// What stops an audit.
pub fn audit(
    arguments: &AuditArguments,
    loaded: &Loaded,
    model: &Local,
    subject: &Subject,
    directory: &Path,
    counts: &mut Counts,
) -> Result<Option<(Audit, Vec<Record>)>, CommandError> {
    let plan = Plan::expand(&loaded.suite, &PlanSettings { seed: arguments.seed, full: false });
    let Some(store) = ask(arguments, loaded, model, subject, &plan, directory, ("audit", counts))? else {
        return Ok(None);
    };
    let records: Vec<Record> = store.records().cloned().collect();
    // The known answer goes into the case, never into the measurement.
    let audit = judge(loaded.suite.clone(), &plan, store.info().clone(), &records, None)?;
    report::write(&audit, directory)?;
    Ok(Some((audit, records)))
}

/// The answers to every trial of the full grid or of a part of it; `None` when the user stopped it.
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
    (what, counts): (&'static str, &mut Counts),
) -> Result<Option<Vec<Record>>, CommandError> {
    let arguments = AuditArguments { seed: 0, full: true, ..arguments.clone() };
    let store = ask(&arguments, loaded, model, subject, plan, directory, (what, counts))?;
    // A folder may hold answers to a grid that an earlier version dealt.
    let asked: HashSet<&str> = plan.trials.iter().map(|trial| trial.id.0.as_str()).collect();
    let own = |record: &&Record| asked.contains(record.trial.0.as_str());
    Ok(store.map(|store| store.records().filter(own).cloned().collect()))
}

fn ask(
    arguments: &AuditArguments,
    Loaded { suite, text }: &Loaded,
    model: &Local,
    subject: &Subject,
    plan: &Plan,
    directory: &Path,
    (what, counts): (&'static str, &mut Counts),
) -> Result<Option<RunStore>, CommandError> {
    std::fs::create_dir_all(directory).map_err(|error| undermask_store::StoreError::writing(directory, error))?;
    let facts = model.facts();
    let key = (facts.tokenizer_hash.clone(), facts.template_hash.clone(), what);
    let tokens = match counts.get(&key) {
        Some(tokens) => *tokens,
        None => {
            let tokens =
                model.count(&questions(&plan.trials)).map_err(|error| CommandError::model(&subject.name, error))?;
            *counts.entry(key).or_insert(tokens)
        }
    };
    let mut store = RunStore::open(directory, info(arguments, suite, text, model, plan, tokens))?;
    let mut bar = Bar::new(&format!("{} {what}", subject.slug), "trials", plan.trials.len());
    let complete = execute(plan, model, &mut store, &mut |asked| {
        bar.asked(asked);
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(|error| CommandError::run(&subject.name, error))?;
    Ok(complete.then_some(store))
}
