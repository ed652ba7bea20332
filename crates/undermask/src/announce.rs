//! What is said before a run starts: how much it is, what it can detect, how long it will take.

use std::ops::ControlFlow;
use std::time::Instant;

use undermask_measure::power;
use undermask_model::{ModelError, Question, Respond, TokenCounts};
use undermask_store::RunStore;
use undermask_suite::{Plan, Suite};

/// Questions of the measured warm-up: the first alone, then more if it was quick.
const SAMPLE: usize = 96;
/// Seconds that a first question may take before the warm-up stops at it.
const QUICK: f64 = 0.1;

/// Prints trials, tokens, the minimum detectable effect and the time that the rest will take.
///
/// # Errors
/// When the model cannot be asked.
pub fn before(suite: &Suite, plan: &Plan, model: &dyn Respond, questions: &[Question], tokens: TokenCounts, store: &RunStore) -> Result<(), ModelError> {
    let open: Vec<&Question> = plan.trials.iter().zip(questions).filter(|(trial, _)| !store.answered(&trial.id.0)).map(|(_, question)| question).collect();
    let facts = model.facts();
    eprintln!("{} ({}, {:.2}M parameters) on suite {}", facts.name, facts.architecture, facts.parameters as f64 / 1e6, suite.name);
    eprintln!("  {} trials, {} tokens, of which {} once shared beginnings are read once", plan.trials.len(), grouped(tokens.total), grouped(tokens.unique));
    if let Some(power) = power(suite, &plan.trials) {
        eprintln!(
            "  smallest effects found in 4 runs of 5: {:.2} in λ of one context, {:.2} in the mask index ({} scenarios, assumed spread)",
            power.context, power.mask_index, power.clusters
        );
    }
    if open.is_empty() {
        eprintln!("  every trial is answered already in {}", store.directory().display());
        return Ok(());
    }
    if open.len() < plan.trials.len() {
        eprintln!("  {} are answered already, {} are left", plan.trials.len() - open.len(), open.len());
    }
    let share = open.len() as f64 / plan.trials.len().max(1) as f64;
    let rate = warm_up(model, &open)?;
    eprintln!("  about {} on this machine", duration(tokens.unique as f64 * share / rate));
    Ok(())
}

/// Tokens a second on a sample of the questions.
fn warm_up(model: &dyn Respond, open: &[&Question]) -> Result<f64, ModelError> {
    let ask = |sample: &[Question]| -> Result<(f64, f64), ModelError> {
        let tokens = model.count(sample)?.unique as f64;
        let start = Instant::now();
        model.respond(sample, &mut |_| ControlFlow::Continue(()))?;
        Ok((tokens, start.elapsed().as_secs_f64().max(1e-6)))
    };
    let (tokens, seconds) = ask(&[open[0].clone()])?;
    if seconds > QUICK {
        return Ok(tokens / seconds);
    }
    // Neighbours, as in the run, so that beginnings are shared as they will be.
    let sample: Vec<Question> = open.iter().take(SAMPLE).map(|question| (*question).clone()).collect();
    let (tokens, seconds) = ask(&sample)?;
    Ok(tokens / seconds)
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
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
