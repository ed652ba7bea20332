//! What is said before a run starts: how much it is, what it can detect, how long it will take.

use std::ops::ControlFlow;
use std::time::Instant;

use undermask_measure::power;
use undermask_model::{ModelError, Respond, TokenCounts};
use undermask_run::questions;
use undermask_store::RunStore;
use undermask_suite::{Plan, Suite, Trial};

/// Seconds that a first question may take for a larger sample to follow it.
const QUICK: f64 = 0.1;
/// New tokens of the larger sample for every worker: enough to keep all of them at work.
const WORKER_TOKENS: f64 = 8192.0;
/// Tokens of a first question for one new token of its neighbours, roughly.
const SHARED: f64 = 6.0;
/// Seconds that the larger sample should not exceed.
const LONGEST_SAMPLE: f64 = 3.0;

/// Prints trials, tokens, the minimum detectable effect and the time that the rest will take.
///
/// # Errors
/// When the model cannot be asked.
pub fn before(
    suite: &Suite,
    plan: &Plan,
    model: &dyn Respond,
    tokens: TokenCounts,
    store: &RunStore,
    workers: usize,
) -> Result<(), ModelError> {
    if let Some(stopped) = store.info().stopped() {
        eprintln!("{} stopped early at look {}: only the report is made again", model.facts().name, stopped.look);
        return Ok(());
    }
    let open: Vec<&Trial> = plan.trials.iter().filter(|trial| !store.answered(&trial.id.0)).collect();
    let facts = model.facts();
    eprintln!(
        "{} ({}, {:.2}M parameters) on suite {}",
        facts.name,
        facts.architecture,
        facts.parameters as f64 / 1e6,
        suite.name
    );
    eprintln!(
        "  {} trials, {} tokens, of which {} once shared beginnings are read once",
        plan.trials.len(),
        grouped(tokens.total),
        grouped(tokens.unique)
    );
    if let Some(stopping) = &store.info().stopping {
        eprintln!("  it may stop early, at one of {} looks: less is then asked, and less is claimed", stopping.looks);
    }
    if let Some(power) = power(suite, &plan.trials) {
        eprintln!(
            "  smallest effects found in 4 runs of 5: {:.2} in λ of one context, {:.2} in the mask index ({} scenarios, assumed spread)",
            power.context, power.mask_index, power.clusters
        );
    }
    if open.is_empty() {
        eprintln!(
            "  every trial is answered already in {}: only the report is made again",
            store.directory().display()
        );
        return Ok(());
    }
    if open.len() < plan.trials.len() {
        eprintln!("  {} are answered already, {} are left", plan.trials.len() - open.len(), open.len());
    }
    let share = open.len() as f64 / plan.trials.len().max(1) as f64;
    let rate = warm_up(model, &open, workers)?;
    eprintln!("  about {} on this machine", duration(tokens.unique as f64 * share / rate));
    Ok(())
}

/// Tokens a second on a sample of the questions; the answers are thrown away.
fn warm_up(model: &dyn Respond, open: &[&Trial], workers: usize) -> Result<f64, ModelError> {
    let ask = |count: usize| -> Result<(f64, f64), ModelError> {
        // Neighbours, as in the run, so that beginnings are shared as they will be.
        let sample = questions(open.iter().copied().take(count));
        let tokens = model.count(&sample)?.unique as f64;
        let start = Instant::now();
        model.respond(&sample, &vec![true; sample.len()], &mut |_| ControlFlow::Continue(()))?;
        Ok((tokens, start.elapsed().as_secs_f64().max(1e-6)))
    };
    // One question is one worker's.
    let (tokens, seconds) = ask(1)?;
    let rate = workers as f64 * tokens / seconds;
    if seconds > QUICK {
        return Ok(rate);
    }
    let each = (tokens / SHARED).max(1.0);
    let wanted = (WORKER_TOKENS * workers as f64).min(rate * LONGEST_SAMPLE) / each;
    let (tokens, seconds) = ask((wanted as usize).max(1))?;
    Ok(tokens / seconds)
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{:.0} seconds", seconds.max(1.0)),
        ..5400.0 => format!("{:.0} minutes", seconds / 60.0),
        _ => format!("{:.1} hours", seconds / 3600.0),
    }
}
