//! Asks what a plan still needs, and writes every answer as soon as it exists.
//!
//! A trial is asked until it has an outcome other than an error, whatever was interrupted before. The order is the
//! respondent's, who sorts prompts so that shared beginnings are computed once, and who sees the whole plan even when
//! little of it is left, so that an answer does not depend on what was interrupted.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use undermask_model::{ModelError, Question, Respond};
use undermask_store::{Outcome, Record, RunStore, Status, StoreError};
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
    /// One trial's error is data; when all fail, the model or the suite is at fault.
    #[error("{model} answered none of {asked} trials; the first failed because: {first}")]
    NothingAnswered {
        /// The model.
        model: String,
        /// Trials asked.
        asked: usize,
        /// The first error.
        first: String,
    },
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

/// Answers are put beyond the reach of a power cut this often. (A killed process loses none in between.)
const SYNC_EVERY: Duration = Duration::from_millis(500);
/// So many errors without one answer end the run.
const HOPELESS: usize = 256;

/// The questions of trials, in their order.
pub fn questions<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Vec<Question> {
    let question = |trial: &Trial| Question { prompt: trial.prompt.clone(), options: trial.options.clone() };
    trials.into_iter().map(question).collect()
}

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
    execute_part(plan, model, store, Status::Complete, watch)
}

/// [`execute`], where a plan that is complete leaves the run at `then`: a part's end is not the run's.
pub(crate) fn execute_part(
    plan: &Plan,
    model: &dyn Respond,
    store: &mut RunStore,
    then: Status,
    watch: &mut dyn FnMut(Asked) -> ControlFlow<()>,
) -> Result<bool, RunError> {
    let open: Vec<bool> = plan.trials.iter().map(|trial| !store.answered(&trial.id.0)).collect();
    let all = plan.trials.len();
    let before = open.iter().filter(|open| !**open).count();
    if watch(Asked { done: before, all, now: 0 }).is_break() {
        return Ok(false);
    }
    let begun = Instant::now();
    let mut sitting = Sitting { store, synced: begun, now: 0, errors: 0, first: None, failed: None };
    let answered = model.respond(&questions(&plan.trials), &open, &mut |answer| {
        sitting.write(Record::new(&plan.trials[answer.question], answer.outcome))?;
        watch(Asked { done: before + sitting.now, all, now: sitting.now })
    });
    let Sitting { now, errors, first, failed, .. } = sitting;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let complete = before + now == all;
    let status = if complete { then } else { Status::Unfinished };
    store.close_sitting(begun.elapsed().as_secs_f64(), status, model.notes())?;
    answered?;
    match first {
        Some(first) if errors == now => {
            Err(RunError::NothingAnswered { model: model.facts().name.clone(), asked: now, first })
        }
        _ => Ok(complete),
    }
}

/// What one call has written.
struct Sitting<'a> {
    store: &'a mut RunStore,
    synced: Instant,
    now: usize,
    errors: usize,
    first: Option<String>,
    failed: Option<StoreError>,
}

impl Sitting<'_> {
    fn write(&mut self, record: Record) -> ControlFlow<()> {
        if let Outcome::Error { message } = &record.outcome {
            self.errors += 1;
            self.first.get_or_insert_with(|| message.clone());
        }
        self.now += 1;
        if let Err(error) = self.keep(record) {
            self.failed = Some(error);
            return ControlFlow::Break(());
        }
        if self.errors == self.now && self.errors >= HOPELESS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn keep(&mut self, record: Record) -> Result<(), StoreError> {
        self.store.append(record)?;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.store.sync()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}
