//! Do nominal 95% intervals hold the truth in 95% of simulated audits?
//!
//! The truth is that of the population of scenarios from which the audit's are drawn: λ_k is the mean weight of
//! context k, M = 1 − mean λ_k/λ_0. Seeds are fixed; 2500 replicates
//! know a coverage to ±.009, and `UNDERMASK_REPLICATES` asks for another number and prints the table.

mod support;

use support::{Responder, contexts, suite, trials};
use undermask_measure::{EstimateSettings, Profile, Quantity, estimate};
use undermask_suite::{Context, ContextFamily};

/// Estimates of one quantity over replicates.
#[derive(Default)]
struct Tally {
    inside: usize,
    below: usize,
    above: usize,
    sum: f64,
    squares: f64,
    width: f64,
    refused: usize,
}

impl Tally {
    fn add(&mut self, quantity: Option<&Quantity>, truth: f64) {
        let Some(Quantity::Estimated(found)) = quantity else {
            self.refused += 1;
            return;
        };
        self.inside += usize::from(found.low <= truth && truth <= found.high);
        self.below += usize::from(found.high < truth);
        self.above += usize::from(found.low > truth);
        self.sum += found.estimate - truth;
        self.squares += (found.estimate - truth).powi(2);
        self.width += found.high - found.low;
    }

    fn count(&self) -> f64 {
        (self.inside + self.below + self.above) as f64
    }

    fn coverage(&self) -> f64 {
        self.inside as f64 / self.count()
    }
}

fn cued(context: &Context) -> bool {
    context.family == ContextFamily::Cued
}

const QUANTITIES: [&str; 6] = ["lambda_0", "lambda_k", "mask_index", "mask_excess", "worst_decile", "retention_k"];

fn quantity<'a>(profile: &'a Profile, name: &str) -> Option<&'a Quantity> {
    let found = &profile.quantities;
    let one = profile.contexts.iter().find(|context| context.id == "persona-hostile-0");
    match name {
        "lambda_0" => found.lambda_0.as_ref(),
        "mask_index" => found.mask_index.as_ref(),
        "mask_excess" => found.mask_excess.as_ref(),
        "worst_decile" => found.worst_decile.as_ref(),
        "lambda_k" => one.map(|context| &context.lambda),
        _ => one.map(|context| &context.retention),
    }
}

/// The true values, in the order of [`QUANTITIES`].
fn truths(all: &[Context], responder: &Responder) -> [f64; 6] {
    let (welfare, neutral) = (responder.welfare, responder.neutral);
    let mask = |weight: fn(&Context) -> f64| {
        let weights: Vec<f64> = all.iter().filter(|context| cued(context)).map(weight).collect();
        1.0 - weights.iter().sum::<f64>() / weights.len() as f64 / weight(&all[0])
    };
    let mut sorted: Vec<f64> = all.iter().filter(|context| cued(context)).map(welfare).collect();
    sorted.sort_by(f64::total_cmp);
    let worst = sorted.len().div_ceil(10);
    let base = welfare(&all[0]);
    let hostile = all.iter().find(|context| context.id == "persona-hostile-0").map_or(0.0, welfare);
    let decile = sorted[..worst].iter().sum::<f64>() / worst as f64 / base;
    [base, hostile, mask(welfare), mask(welfare) - mask(neutral), decile, hostile / base]
}

fn simulate(name: &str, responder: &Responder, seed: u64) -> Vec<Tally> {
    let wanted = std::env::var("UNDERMASK_REPLICATES").ok().and_then(|text| text.parse::<u64>().ok());
    let replicates = wanted.unwrap_or(2500);
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let truths = truths(&suite.contexts, responder);
    let mut tallies: Vec<Tally> = QUANTITIES.iter().map(|_| Tally::default()).collect();
    for replicate in 0..replicates {
        let records = responder.answer(&suite, &trials, seed + replicate);
        let profile = estimate(&suite, &records, &EstimateSettings { seed: replicate, resamples: 20 });
        for ((tally, quantity_name), truth) in tallies.iter_mut().zip(QUANTITIES).zip(truths) {
            tally.add(quantity(&profile, quantity_name), truth);
        }
    }
    println!("{name}, {replicates} replicates");
    for ((tally, quantity), truth) in tallies.iter().zip(QUANTITIES).zip(truths) {
        let count = tally.count();
        let bias = tally.sum / count;
        println!(
            "  {quantity:<13} truth {truth:6.3}  covers {:.3} (truth above {:.3}, below {:.3})  bias {bias:+.4}  sd {:.4}  half-width {:.4}  refused {}",
            tally.coverage(),
            tally.below as f64 / count,
            tally.above as f64 / count,
            (tally.squares / count - bias * bias).max(0.0).sqrt(),
            tally.width / count / 2.0,
            tally.refused
        );
    }
    tallies
}

fn held(name: &str, responder: &Responder, seed: u64) {
    for (tally, quantity) in simulate(name, responder, seed).iter().zip(QUANTITIES) {
        let coverage = tally.coverage();
        if quantity == "worst_decile" {
            // Wide rather than narrow by design: see `worst`.
            assert!((0.93..=0.985).contains(&coverage), "{name}: {quantity} covers {coverage}");
            continue;
        }
        assert!((0.93..=0.97).contains(&coverage), "{name}: {quantity} covers {coverage}");
    }
}

#[test]
fn steadfast() {
    held("steadfast, M = 0", &Responder::new(|_| 0.8, |_| 0.8), 10_000);
}

#[test]
fn mask() {
    let responder = Responder::new(|context| if cued(context) { 0.0 } else { 0.8 }, |_| 0.8);
    held("mask, M = 1", &responder, 20_000);
}

#[test]
fn graded() {
    let weight = |context: &Context| match context.group.as_str() {
        "persona-hostile" => 0.1,
        "persona-indifferent" => 0.4,
        "audience" => 0.65,
        _ => 0.8,
    };
    held(
        "graded",
        &Responder { scenario_spread: 0.15, context_spread: 0.1, ..Responder::new(weight, |_| 0.7) },
        30_000,
    );
}

#[test]
fn quiet() {
    let weight = |context: &Context| if context.group == "persona-hostile" { -0.27 } else { 0.8 };
    held(
        "one group of four, little noise",
        &Responder { scenario_spread: 0.05, context_spread: 0.03, noise: 0.2, ..Responder::new(weight, |_| 0.8) },
        40_000,
    );
}
