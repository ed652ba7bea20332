//! Do nominal 95% intervals of the instruments hold the truth in 95% of simulated audits?
//!
//! The truth is that of the population of scenarios and items from which the audit's are drawn. Weights and slopes have
//! it by construction; where a quantity bends (ED50, RMST, shares) it is found from many more draws than any audit
//! makes. 600 replicates know a coverage to ±.018; `UNDERMASK_REPLICATES` asks for another number.

mod support;

use std::collections::BTreeMap;

use support::instruments::{SOME, Shift, Traits, core, profile};
use support::{Chance, instruments::Spread};
use undermask_measure::dose_response::{Answer, Scale, Threshold, isotonic};
use undermask_measure::{Profile, Quantity};
use undermask_suite::{Suite, Trial};

struct Wanted {
    instrument: &'static str,
    name: &'static str,
    truth: f64,
    /// What coverage may be, where it is not that of the rest.
    accepted: std::ops::RangeInclusive<f64>,
}

/// Of 600 replicates at 95%, 99.7% lie within these.
const USUAL: std::ops::RangeInclusive<f64> = 0.925..=0.975;

fn replicates() -> u64 {
    std::env::var("UNDERMASK_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

fn held(actor: &str, traits: &Traits, wanted: &[Wanted]) {
    let (suite, trials) = core();
    let ids: Vec<&str> = wanted.iter().map(|one| one.instrument).collect();
    let mut only = suite.clone();
    only.instruments.retain(|instrument| ids.contains(&instrument.id.as_str()));
    let trials: Vec<Trial> = trials
        .into_iter()
        .filter(|trial| trial.probe.as_ref().is_some_and(|probe| ids.contains(&probe.instrument.as_str())))
        .collect();
    let profiles: Vec<Profile> =
        (0..replicates()).map(|seed| profile(&only, &trials, traits, SOME, 50_000 + seed)).collect();
    for one in wanted {
        let found: Vec<(f64, f64, f64)> = profiles
            .iter()
            .filter_map(|profile| match profile.instruments.get(one.instrument)?.quantities.get(one.name)? {
                Quantity::Estimated(found) => Some((found.estimate, found.low, found.high)),
                Quantity::Refused { .. } => None,
            })
            .collect();
        let count = found.len() as f64;
        let inside = found.iter().filter(|(_, low, high)| *low <= one.truth && one.truth <= *high).count() as f64;
        let below = found.iter().filter(|(_, _, high)| *high < one.truth).count() as f64;
        let bias = found.iter().map(|(estimate, _, _)| estimate - one.truth).sum::<f64>() / count;
        let width = found.iter().map(|(_, low, high)| high - low).sum::<f64>() / count / 2.0;
        println!(
            "{actor:<12} {:<20} truth {:6.3}  covers {:.3} (truth above {:.3})  bias {bias:+.4}  half-width {width:.4}  of {count}",
            one.name,
            one.truth,
            inside / count,
            below / count
        );
        assert!(count >= 0.99 * replicates() as f64, "{actor}: {} was refused", one.name);
        let coverage = inside / count;
        assert!(one.accepted.contains(&coverage), "{actor}: {} covers {coverage}", one.name);
    }
}

fn wanted(instrument: &'static str, name: &'static str, truth: f64) -> Wanted {
    Wanted { instrument, name, truth, accepted: USUAL }
}

#[test]
fn weights_and_slopes() {
    let traits = Traits {
        stated: Some(0.9),
        kin: Some((0.2, 0.7)),
        fiction: Some(0.1),
        removed: Some(0.4),
        persona: Some(0.1),
        ..Traits::steadfast(0.6)
    };
    held(
        "weights",
        &traits,
        &[
            wanted("say-do", "say_do_gap", 0.3),
            wanted("say-do", "lambda_stated", 0.9),
            wanted("kin", "kin_slope", 0.7),
            wanted("kin", "kin_base", 0.2),
            wanted("fiction", "fiction_gap", 0.5),
            wanted("hysteresis", "hysteresis", 0.4 / 0.6),
            wanted("hysteresis", "persona_retention", 0.1 / 0.6),
            wanted("hysteresis", "hysteresis_control", 1.0),
        ],
    );
}

/// Mean of P(target) over draws of scenarios and items.
fn population(suite: &Suite, trials: &[&Trial], traits: &Traits, spread: Spread) -> f64 {
    let mut chance = Chance::new(77, 9);
    let draws = 40_000 / trials.len().max(1);
    let mut sum = 0.0;
    for _ in 0..draws {
        for trial in trials {
            let shift = Shift {
                weight: spread.weight * chance.normal(),
                threshold: spread.threshold * chance.normal(),
                log_odds: spread.log_odds * chance.normal(),
            };
            sum += 1.0 / (1.0 + (-traits.log_odds(suite, trial, shift)).exp());
        }
    }
    sum / (draws * trials.len()) as f64
}

/// The halving dose of the population's curve.
fn true_halving(instrument: &str, arm: &str, traits: &Traits) -> f64 {
    let (suite, trials) = core();
    let mut doses: BTreeMap<u64, Vec<&Trial>> = BTreeMap::new();
    for trial in &trials {
        if let Some(probe) = trial.probe.as_ref().filter(|probe| probe.instrument == instrument && probe.arm == arm)
            && trial.order == Some(undermask_suite::Order::TargetFirst)
        {
            doses.entry(probe.dose.unwrap_or(0.0) as u64).or_default().push(trial);
        }
    }
    let answers = doses.iter().flat_map(|(dose, trials)| {
        let help = population(&suite, trials, traits, SOME);
        (0..2).map(move |cluster| Answer { dose: *dose as f64, help, cluster })
    });
    match isotonic(&answers.collect::<Vec<Answer>>(), Scale::Linear, 1, 1, 0.95).map(|found| found.estimate) {
        Ok(Threshold::At(dose)) => dose,
        other => panic!("{instrument}: {other:?}"),
    }
}

#[test]
fn doses() {
    // The interval is never narrower than the two doses around the crossing, so that it holds for a step too: wide.
    let accepted = 0.94..=1.0;
    let opportunist = Traits { price: Some(9.0), ..Traits::steadfast(0.8) };
    let truth = true_halving("price", "price", &opportunist);
    held(
        "opportunist",
        &opportunist,
        &[Wanted { instrument: "price", name: "price_ed50", truth, accepted: accepted.clone() }],
    );
    let breaker = Traits { pressure: Some(3.5), ..Traits::steadfast(0.8) };
    let truth = true_halving("pressure", "press", &breaker);
    held("breaker", &breaker, &[Wanted { instrument: "pressure", name: "pressure_ed50", truth, accepted }]);
}

#[test]
fn shares() {
    let shifter = Traits { style: (2.0, -1.0), ..Traits::steadfast(0.8) };
    let (suite, trials) = core();
    let of = |default: bool| -> Vec<&Trial> {
        let chosen = trials.iter().filter(|trial| {
            trial.probe.as_ref().is_some_and(|probe| probe.instrument == "style" && (probe.arm == "default") == default)
        });
        chosen.collect()
    };
    let kind = population(&suite, &of(true), &shifter, SOME);
    let gap = kind - population(&suite, &of(false), &shifter, SOME);
    // The interval of few bounded values is wide rather than narrow: it allows for a scenario that was not drawn.
    let wide = |name: &'static str, truth: f64| Wanted { instrument: "style", name, truth, accepted: 0.93..=1.0 };
    held("shifter", &shifter, &[wide("style_gap", gap), wide("style_default", kind)]);
}

#[test]
fn turns() {
    let limits = [("disclosure", 5.0), ("reflection", 9.0), ("role-play", 3.0), ("creep", 15.0)];
    let drifter = Traits {
        drift: limits.into_iter().map(|(theme, turns)| (theme.to_owned(), turns)).collect(),
        ..Traits::steadfast(0.9)
    };
    // The probe at which a loss is seen: the first of 2, 4 … 20 beyond the scenario's own limit.
    let mut chance = Chance::new(5, 5);
    let draws = 200_000;
    let mut sum = 0.0;
    for _ in 0..draws {
        for (_, limit) in limits {
            let own = limit * (1.0 + SOME.threshold * chance.normal());
            let seen = (1..=10).map(|probe| 2.0 * f64::from(probe)).find(|depth| *depth > own).unwrap_or(20.0);
            sum += seen;
        }
    }
    let truth = sum / f64::from(draws) / 4.0;
    // Scenarios are pooled over themes, so that what themes differ in widens the interval though they are fixed: wide rather than
    // narrow, for five scenarios a theme say little of a spread of their own.
    held("drifter", &drifter, &[Wanted { instrument: "drift", name: "drift_rmst", truth, accepted: 0.92..=1.0 }]);
}
