//! Asks a plan part by part, and lets somebody look after each: the rest need not be asked.
//!
//! A part is asked as a plan of its own, so that beginnings are shared within it. Parts that are answered already are not
//! asked, but looked at again, so that a run that was interrupted stops where one that was not would have.

use std::ops::ControlFlow;

use undermask_model::Respond;
use undermask_store::{RunStore, Status};
use undermask_suite::Plan;

use crate::execute::execute_part;
use crate::{Asked, RunError};

/// How asking a plan part by part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By the one who watched; the same call continues.
    Interrupted,
    /// By the one who looked, after this part.
    Stopped(usize),
    /// Everything was asked.
    Whole,
}

/// Asks the parts of a plan (places of its trials) one after the other. After each, `look` is given its number and the store;
/// `Break` ends the run there. `watch` is told of progress over the whole plan.
///
/// # Errors
/// [`RunError`]; what was stored stays.
pub fn execute_batches(
    plan: &Plan,
    parts: &[&[usize]],
    model: &dyn Respond,
    store: &mut RunStore,
    look: &mut dyn FnMut(usize, &RunStore) -> ControlFlow<()>,
    watch: &mut dyn FnMut(Asked) -> ControlFlow<()>,
) -> Result<Ended, RunError> {
    let all = plan.trials.len();
    let (mut before, mut earlier) = (0, 0);
    for (number, places) in parts.iter().enumerate() {
        let part = Plan { trials: places.iter().map(|place| plan.trials[*place].clone()).collect() };
        let then = if number + 1 == parts.len() { Status::Complete } else { Status::Unfinished };
        let mut now = 0;
        let mut told = |asked: Asked| {
            now = asked.now;
            watch(Asked { done: before + asked.done, all, now: earlier + asked.now })
        };
        let open = part.trials.iter().any(|trial| !store.answered(&trial.id.0));
        if (open || then == Status::Complete) && !execute_part(&part, model, store, then, &mut told)? {
            return Ok(Ended::Interrupted);
        }
        before += part.trials.len();
        earlier += now;
        if look(number, store).is_break() {
            return Ok(Ended::Stopped(number));
        }
    }
    Ok(Ended::Whole)
}
