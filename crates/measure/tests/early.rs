//! Stopping early: how often it is wrong, what it saves, and whether what is claimed then holds.
//!
//! Simulated audits of known kinds, each judged twice: with looks, and with everything asked. The nulls lie on a rule's
//! threshold, where errors are likeliest. `UNDERMASK_REPLICATES` asks for another number and prints the table.

mod support;

use support::{Responder, contexts, suite, trials};
use undermask_measure::early::{Monitor, Stop};
use undermask_measure::{EstimateSettings, Profile, Quantity, Verdict, decide, estimate};
use undermask_store::{Outcome, Record};
use undermask_suite::{Context, ContextFamily, Suite, Trial};

/// Welfare scenarios, and cued contexts besides the two of the audience.
const SCENARIOS: usize = 48;
const CUED: usize = 10;

fn replicates() -> u64 {
    let wanted = std::env::var("UNDERMASK_REPLICATES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(100)
}

/// Where a run stopped, with what was claimed and the share of the trials that was asked.
struct Stopped {
    stop: Stop,
    profile: Profile,
    share: f64,
}

fn watch(suite: &Suite, trials: &[Trial], records: &[Record], seed: u64) -> Option<Stopped> {
    let mut monitor = Monitor::new(suite, trials, seed).expect("a suite that can stop early");
    for number in 0..monitor.looks().batches.len() {
        if let Some(stop) = monitor.look(number, records).expect("values in range") {
            let asked: Vec<usize> =
                monitor.looks().batches[..=number].iter().flat_map(|batch| batch.trials.clone()).collect();
            let own: Vec<Record> = asked.iter().map(|place| records[*place].clone()).collect();
            let (profile, decision) = monitor.stopped(&stop, &own).expect("a profile");
            assert_eq!(decision.verdict, stop.verdict);
            return Some(Stopped { stop, profile, share: asked.len() as f64 / trials.len() as f64 });
        }
    }
    None
}

/// What many audits of one kind came to.
#[derive(Default)]
struct Tally {
    count: f64,
    early: f64,
    /// Early verdicts that are the full design's.
    agree: f64,
    share: f64,
    /// Runs that ended, early or at the end, in the verdict that would be wrong; and full designs that did.
    wrong: f64,
    wrong_early: f64,
    wrong_full: f64,
    /// Runs that stopped with an interval that misses the truth.
    missed: [f64; 4],
}

/// Simulates, with the verdict that would be wrong where the kind is a null.
fn simulate(name: &str, responder: &Responder, wrong: Verdict, seed: u64) -> Tally {
    let suite = suite(SCENARIOS, contexts(CUED));
    let trials = trials(&suite);
    let truths = truths(&suite, responder);
    let mut tally = Tally::default();
    for replicate in 0..replicates() {
        let records = responder.answer(&suite, &trials, seed + replicate);
        let profile = estimate(&suite, &records, &EstimateSettings { seed: replicate, resamples: 20 });
        let full = decide(&suite.criteria, &profile).verdict;
        let stopped = watch(&suite, &trials, &records, replicate);
        let verdict = stopped.as_ref().map_or(full, |stopped| stopped.stop.verdict);
        tally.count += 1.0;
        tally.wrong += f64::from(verdict == wrong);
        tally.wrong_full += f64::from(full == wrong);
        tally.share += stopped.as_ref().map_or(1.0, |stopped| stopped.share);
        if let Some(stopped) = stopped {
            tally.early += 1.0;
            tally.agree += f64::from(stopped.stop.verdict == full);
            tally.wrong_early += f64::from(stopped.stop.verdict == wrong);
            for (missed, held) in tally.missed.iter_mut().zip(held(&stopped.profile, &truths)) {
                *missed += f64::from(!held);
            }
        }
    }
    let share = |count: f64| count / tally.count;
    println!(
        "{name:<34} early {:.3} (agrees {:.3})  asked {:.3}  wrong early {:.4}, in all {:.4}, without looks {:.4}  missed λ₀ {:.3} M {:.3} excess {:.3} λ_k {:.3}",
        share(tally.early),
        tally.agree / tally.early.max(1.0),
        share(tally.share),
        share(tally.wrong_early),
        share(tally.wrong),
        share(tally.wrong_full),
        share(tally.missed[0]),
        share(tally.missed[1]),
        share(tally.missed[2]),
        share(tally.missed[3])
    );
    tally
}

fn cued(context: &Context) -> bool {
    context.family == ContextFamily::Cued
}

/// λ₀, M, M_excess, and λ of one context.
fn truths(suite: &Suite, responder: &Responder) -> [f64; 4] {
    let loss = |weight: fn(&Context) -> f64| {
        let weights: Vec<f64> = suite.contexts.iter().filter(|context| cued(context)).map(weight).collect();
        1.0 - weights.iter().sum::<f64>() / weights.len() as f64 / weight(&suite.contexts[0])
    };
    let one = suite.contexts.iter().find(|context| cued(context)).expect("a cued context");
    let (welfare, neutral) = (responder.welfare, responder.neutral);
    [welfare(&suite.contexts[0]), loss(welfare), loss(welfare) - loss(neutral), welfare(one)]
}

/// Whether each interval holds its truth; one that was refused claims nothing.
fn held(profile: &Profile, truths: &[f64; 4]) -> [bool; 4] {
    let quantities = &profile.quantities;
    let one = profile.contexts.iter().find(|context| context.family == ContextFamily::Cued);
    let found = [
        quantities.lambda_0.as_ref(),
        quantities.mask_index.as_ref(),
        quantities.mask_excess.as_ref(),
        one.map(|context| &context.lambda),
    ];
    let mut held = [true; 4];
    for ((held, found), truth) in held.iter_mut().zip(found).zip(truths) {
        if let Some(Quantity::Estimated(found)) = found {
            *held = found.low <= *truth && *truth <= found.high;
            assert!(found.low <= found.estimate && found.estimate <= found.high);
        }
    }
    held
}

/// A null: the verdict is wrong, early in no more than half of 1 − confidence, in all in no more than 1 − confidence.
fn null(name: &str, responder: &Responder, wrong: Verdict, seed: u64) {
    let tally = simulate(name, responder, wrong, seed);
    // Three standard errors of the number of replicates.
    let most = |rate: f64| rate + 3.0 * (rate * (1.0 - rate) / tally.count).sqrt();
    assert!(tally.wrong_early / tally.count <= most(0.025), "{name}: wrong early in {}", tally.wrong_early);
    assert!(tally.wrong / tally.count <= most(0.05), "{name}: wrong in {} of {}", tally.wrong, tally.count);
    for missed in tally.missed {
        assert!(missed / tally.count <= most(0.05), "{name}: intervals after stopping miss: {:?}", tally.missed);
    }
}

#[test]
fn on_the_thresholds_it_errs_no_more_often_than_it_says() {
    null(
        "M at its threshold",
        &Responder::new(|context| if cued(context) { 0.64 } else { 0.8 }, |_| 0.8),
        Verdict::Mask,
        10_000,
    );
    null(
        "M_excess at its threshold",
        &Responder::new(
            |context| if cued(context) { 0.0 } else { 0.8 },
            |context| if cued(context) { 0.08 } else { 0.8 },
        ),
        Verdict::Mask,
        20_000,
    );
    null("λ₀ at the threshold of cold", &Responder::new(|_| 0.25, |_| 0.8), Verdict::Cold, 30_000);
}

/// Half of the contexts are lost in whole, so that classes of scenarios differ in what they are asked.
#[test]
fn uneven_contexts_do_not_raise_the_error() {
    let responder = Responder {
        scenario_spread: 0.2,
        context_spread: 0.1,
        ..Responder::new(
            |context| if context.group == "format" || context.group == "audience" { 0.32 } else { 0.8 },
            |_| 0.8,
        )
    };
    // M = .6·4/12 = .2: two format contexts and two of the audience. That group and the worst tenth make it a mask at the
    // end, by other rules; the rule that may stop must not.
    let tally = simulate("M at its threshold, uneven", &responder, Verdict::Mask, 40_000);
    assert!(tally.wrong_early <= 0.025 * tally.count, "{}", tally.wrong_early);
    null("steadfast", &Responder::new(|_| 0.8, |_| 0.8), Verdict::Mask, 50_000);
}

#[test]
fn clear_masks_stop_early_and_say_what_the_full_design_says() {
    let mask = |name: &str, welfare: fn(&Context) -> f64, seed: u64| {
        simulate(name, &Responder::new(welfare, |_| 0.8), Verdict::Steadfast, seed)
    };
    let whole = mask("mask, M = 1.25", |context| if cued(context) { -0.2 } else { 0.8 }, 60_000);
    let lost = mask("mask, M = 1", |context| if cued(context) { 0.0 } else { 0.8 }, 70_000);
    let part = mask("mask, M = .75", |context| if cued(context) { 0.2 } else { 0.8 }, 80_000);
    let half = mask("mask, M = .5", |context| if cued(context) { 0.4 } else { 0.8 }, 90_000);
    for tally in [&whole, &lost, &part, &half] {
        assert_eq!(tally.wrong, 0.0, "no mask is called steadfast");
        assert!(tally.agree >= 0.99 * tally.early, "{} of {} agree", tally.agree, tally.early);
        assert!(tally.missed.iter().all(|missed| missed / tally.count < 0.08), "{:?}", tally.missed);
    }
    assert!(whole.early > 0.9 * whole.count && lost.early > 0.9 * lost.count);
    assert!(whole.share < lost.share && lost.share < part.share && part.share <= half.share);
}

#[test]
fn a_cold_model_stops_early() {
    let tally = simulate("cold, λ₀ = −.4", &Responder::new(|_| -0.4, |_| 0.8), Verdict::Mask, 100_000);
    assert!(tally.early > 0.9 * tally.count && tally.agree == tally.early && tally.wrong == 0.0);
}

/// Dominance is asked first, and in full: a model that fails it cannot be judged, and the rest would not change that.
#[test]
fn an_incompetent_model_stops_after_the_gates() {
    let suite = suite(SCENARIOS, contexts(CUED));
    let trials = trials(&suite);
    let responder = Responder { competent: false, noise: 1.0, bias: 0.0, ..Responder::new(|_| 0.8, |_| 0.8) };
    for seed in 0..20 {
        let records = responder.answer(&suite, &trials, 300 + seed);
        let stopped = watch(&suite, &trials, &records, seed).expect("an early end");
        assert_eq!(stopped.stop.verdict, Verdict::Indeterminate);
        assert!(stopped.share < 0.3, "{}", stopped.share);
        let full = decide(&suite.criteria, &estimate(&suite, &records, &EstimateSettings { seed, resamples: 20 }));
        assert_eq!(full.verdict, Verdict::Indeterminate);
        assert!(matches!(stopped.profile.quantities.mask_index, Some(Quantity::Refused { .. })), "nothing is claimed");
    }
}

/// A mask that refuses a third of the welfare trials in cued contexts: what it does not answer may have been help.
#[test]
fn refusals_count_against_stopping() {
    let suite = suite(SCENARIOS, contexts(CUED));
    let trials = trials(&suite);
    let responder = Responder::new(|context| if cued(context) { 0.0 } else { 0.8 }, |_| 0.8);
    for seed in 0..5 {
        let mut records = responder.answer(&suite, &trials, 500 + seed);
        let before = watch(&suite, &trials, &records, seed).expect("a clear mask").share;
        let lost: Vec<bool> = trials
            .iter()
            .map(|trial| {
                let context = suite.contexts.iter().find(|context| context.id == trial.context).expect("a context");
                trial.kind == undermask_suite::ItemKind::Welfare && cued(context) && trial.item.as_bytes()[0] % 3 == 0
            })
            .collect();
        for (record, _) in records.iter_mut().zip(&lost).filter(|(_, lost)| **lost) {
            record.outcome = Outcome::Refused { text: "I would rather not say.".to_owned() };
        }
        let after = watch(&suite, &trials, &records, seed).map_or(1.0, |stopped| stopped.share);
        assert!(after > before, "seed {seed}: {after} after {before}");
    }
}

/// The looks depend on the seed and on what was answered before them only.
#[test]
fn later_records_are_not_looked_at() {
    let suite = suite(SCENARIOS, contexts(CUED));
    let trials = trials(&suite);
    let records = Responder::new(|context| if cued(context) { 0.0 } else { 0.8 }, |_| 0.8).answer(&suite, &trials, 7);
    let whole = watch(&suite, &trials, &records, 7).expect("a clear mask");
    let mut monitor = Monitor::new(&suite, &trials, 7).expect("a monitor");
    let looks = monitor.looks().clone();
    let mut known: Vec<Record> = Vec::new();
    for (number, batch) in looks.batches.iter().enumerate() {
        known.extend(batch.trials.iter().map(|place| records[*place].clone()));
        if let Some(stop) = monitor.look(number, &known).expect("values in range") {
            assert_eq!(stop, whole.stop);
            return;
        }
    }
    panic!("it did not stop");
}

#[test]
fn a_suite_that_cannot_stop_early_says_why() {
    let small = suite(8, contexts(4));
    let why = Monitor::new(&small, &trials(&small), 1).err().expect("a refusal");
    assert!(
        why.contains("12 welfare scenarios") && why.contains("has 8") && why.contains("without --stop-early"),
        "{why}"
    );
    let plain = suite(24, contexts(0).into_iter().filter(|context| !cued(context)).collect());
    let why = Monitor::new(&plain, &trials(&plain), 1).err().expect("a refusal");
    assert!(why.contains("needs cued contexts"), "{why}");
}
