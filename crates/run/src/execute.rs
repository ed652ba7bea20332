//! Asks what a plan still needs, batch by batch.
//!
//! A trial is asked until it has an outcome other than an error, whatever was interrupted before. An answer is in the
//! store before the batch after next begins, so a kill loses at most one batch of work and never a written record.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use undermask_model::{ModelError, Question, Respond};
use undermask_store::{Record, RunStore, StoreError};
use undermask_suite::{Plan, Trial};

/// Why a run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An answer cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Trials with an outcome.
    pub done: usize,
    /// Trials of the plan.
    pub all: usize,
    /// Trials answered in this sitting.
    pub now: usize,
}

/// Answers are stored at least this often.
const STORE_EVERY: Duration = Duration::from_millis(500);

/// Asks every trial of the plan that the store does not answer. `watch` is told of progress; `Break` stops the run,
/// which the same call continues later. Returns whether the plan is complete.
///
/// # Errors
/// [`RunError`]; what was stored stays.
pub fn execute(
    plan: &Plan,
    model: &dyn Respond,
    store: &mut RunStore,
    watch: &mut dyn FnMut(Asked) -> ControlFlow<()>,
) -> Result<bool, RunError> {
    let open: Vec<&Trial> = plan.trials.iter().filter(|trial| !store.answered(&trial.id.0)).collect();
    let all = plan.trials.len();
    let before = all - open.len();
    let questions: Vec<Question> =
        open.iter().map(|trial| Question { prompt: trial.prompt.clone(), options: trial.options.clone() }).collect();
    if watch(Asked { done: before, all, now: 0 }).is_break() {
        return Ok(false);
    }
    let begun = Instant::now();
    let mut waiting: Vec<Record> = Vec::new();
    let mut stored = Instant::now();
    let mut now = 0;
    let mut failed = None;
    let answered = model.respond(&questions, &mut |answer| {
        now += 1;
        waiting.push(Record::new(open[answer.question], answer.outcome));
        if stored.elapsed() < STORE_EVERY {
            return ControlFlow::Continue(());
        }
        stored = Instant::now();
        if let Err(error) = store.append(std::mem::take(&mut waiting)) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        watch(Asked { done: before + now, all, now })
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    // What was answered before the model failed or the run was stopped is kept.
    store.append(waiting)?;
    store.spent(begun.elapsed().as_secs_f64())?;
    answered?;
    let _ = watch(Asked { done: before + now, all, now });
    Ok(before + now == all)
}
