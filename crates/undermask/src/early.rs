//! `--stop-early`: asking with looks in between, and judging a run that stopped again from its records.
//!
//! When to stop is decided in `measure::early`; this joins it to a run on disk. A run that stopped is judged by looking
//! again at its records up to where it stopped, so that its report never rests on anything but them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use undermask_measure::early::{Monitor, Stop};
use undermask_measure::{Decision, Profile};
use undermask_model::Respond;
use undermask_report::words;
use undermask_run::{Asked, Ended, execute_batches};
use undermask_store::{Record, RunInfo, RunStore, Stopped, Stopping};
use undermask_suite::{Looks, Plan, Suite};

use crate::error::CommandError;

/// What `run.json` says of a run that may stop early.
///
/// # Errors
/// A suite with nothing that could be decided early.
pub fn stopping(suite: &Suite, plan: &Plan, seed: u64) -> Result<Stopping, CommandError> {
    let monitor = Monitor::new(suite, &plan.trials, seed).map_err(CommandError::Usage)?;
    let looks = monitor.looks();
    let scenarios = looks.batches.iter().map(|batch| batch.scenarios.len()).sum();
    Ok(Stopping { looks: looks.batches.len() - 1, scenarios, stopped: None })
}

/// Asks a plan until a verdict is clear or everything is asked. Returns whether it came to either.
///
/// # Errors
/// What stops a run.
pub fn execute(
    suite: &Suite,
    plan: &Plan,
    model: &dyn Respond,
    store: &mut RunStore,
    watch: &mut dyn FnMut(Asked) -> ControlFlow<()>,
) -> Result<bool, CommandError> {
    if store.info().stopped().is_some() {
        return Ok(true);
    }
    let mut monitor = Monitor::new(suite, &plan.trials, store.info().seed).map_err(CommandError::Usage)?;
    let looks = monitor.looks().clone();
    let mut parts: Vec<&[usize]> = looks.batches.iter().map(|batch| batch.trials.as_slice()).collect();
    if !looks.rest.is_empty() {
        parts.push(&looks.rest);
    }
    let (mut found, mut failed): (Option<Stop>, Option<String>) = (None, None);
    let mut look = |number: usize, store: &RunStore| {
        if number >= looks.batches.len() {
            return ControlFlow::Continue(());
        }
        let records: Vec<Record> = store.records().cloned().collect();
        match monitor.look(number, &records) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(stop) => {
                found = stop;
                ControlFlow::Break(())
            }
            Err(why) => {
                failed = Some(why);
                ControlFlow::Break(())
            }
        }
    };
    let ended = execute_batches(plan, &parts, model, store, &mut look, watch)
        .map_err(|error| CommandError::run(&model.facts().name, error))?;
    if let Some(why) = failed {
        return Err(CommandError::Usage(format!("the looks failed: {why}; run the same command without --stop-early")));
    }
    if let (Ended::Stopped(number), Some(stop)) = (ended, found) {
        store.stop(Stopped {
            look: number + 1,
            scenarios: looks.batches[..=number].iter().map(|batch| batch.scenarios.len()).sum(),
            trials: looks.asked(number + 1),
            verdict: words::name(stop.verdict).to_owned(),
        })?;
    }
    Ok(ended != Ended::Interrupted)
}

/// The trials that a run asks: all of the plan, or those up to where it stopped.
pub fn asked<'p>(plan: &'p Plan, info: &RunInfo) -> BTreeSet<&'p str> {
    let Some(stopped) = info.stopped() else {
        return plan.trials.iter().map(|trial| trial.id.0.as_str()).collect();
    };
    let looks = Looks::of(&plan.trials, info.seed);
    let places = looks.batches.into_iter().take(stopped.look).flat_map(|batch| batch.trials);
    places.map(|place| plan.trials[place].id.0.as_str()).collect()
}

/// What a run that stopped may claim.
///
/// # Errors
/// Records that do not stop where `run.json` says: one of the two was changed, or another version asked.
pub fn judge(
    suite: &Suite,
    plan: &Plan,
    info: &RunInfo,
    stopped: &Stopped,
    records: &[Record],
) -> Result<(Profile, Decision), CommandError> {
    let mut monitor = Monitor::new(suite, &plan.trials, info.seed).map_err(CommandError::Usage)?;
    let looks = monitor.looks().batches.len();
    for number in 0..stopped.look.min(looks) {
        let found = monitor.look(number, records).map_err(CommandError::Usage)?;
        if let Some(stop) =
            found.filter(|stop| number + 1 == stopped.look && words::name(stop.verdict) == stopped.verdict)
        {
            return monitor.stopped(&stop, records).map_err(CommandError::Usage);
        }
    }
    Err(CommandError::Usage(format!(
        "{}: its records do not lead to the verdict {} at look {}, as its run.json says; restore the folder, or audit again with \
         --fresh",
        info.model, stopped.verdict, stopped.look
    )))
}
