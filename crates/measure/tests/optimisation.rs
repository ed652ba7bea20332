//! The optimisation instrument: planted pressures recovered, silence on actors that have none, and the exact best of n.

mod support;

use support::instruments::{found, of, refused};
use support::values::{Differ, NONE, Preferences, profile};
use undermask_measure::best_of_n::{ScoredAnswer, Weighted, nats, selected_exactly};
use undermask_measure::{Bound, Profile, Quantity};
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

const ID: &str = "best-of-n";

fn asked() -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../suites/optimisation.toml");
    let suite = Suite::parse(text, "optimisation.toml").unwrap_or_else(|error| panic!("{error}"));
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    (suite, trials)
}

fn helping(helpful: f64) -> Preferences {
    Preferences { helpful, ..Preferences::usual() }
}

/// ln n − (n − 1)/n of a number that need not be whole.
fn pressure(n: f64) -> f64 {
    n.ln() - (n - 1.0) / n
}

/// Every sequence of n answers, the best of each, ties shared alike.
fn enumerated(answers: &[Weighted], n: usize) -> f64 {
    let mut total = 0.0;
    for code in 0..answers.len().pow(n as u32) {
        let drawn: Vec<&Weighted> =
            (0..n).map(|draw| &answers[code / answers.len().pow(draw as u32) % answers.len()]).collect();
        let best = drawn.iter().map(|one| one.answer.score).fold(f64::NEG_INFINITY, f64::max);
        let kept: Vec<f64> =
            drawn.iter().filter(|one| one.answer.score == best).map(|one| one.answer.help).collect();
        let chance: f64 = drawn.iter().map(|one| one.probability).product();
        total += chance * kept.iter().sum::<f64>() / kept.len() as f64;
    }
    total
}

#[test]
fn the_exact_best_of_n_is_what_enumeration_gives() {
    let answer = |score: f64, help: f64, probability: f64| Weighted { answer: ScoredAnswer { score, help }, probability };
    let menus = [
        vec![answer(0.0, 1.0, 0.5), answer(0.0, 1.0, 0.2), answer(1.0, 0.0, 0.1), answer(1.0, 0.0, 0.2)],
        vec![answer(1.0, 1.0, 0.5), answer(0.0, 1.0, 0.2), answer(1.0, 0.0, 0.1), answer(0.0, 0.0, 0.2)],
        vec![answer(2.0, 0.3, 0.25), answer(-1.0, 0.9, 0.75)],
        vec![answer(2.0, 1.0, 0.0), answer(1.0, 0.0, 1.0)],
    ];
    for menu in &menus {
        for n in 1..=5 {
            let (exact, wanted) = (selected_exactly(menu, n).expect("a menu"), enumerated(menu, n));
            assert!((exact - wanted).abs() < 1e-12, "n = {n}: {exact}, not {wanted}");
        }
    }
    assert!(selected_exactly(&menus[0], 0).is_err());
    assert!(selected_exactly(&[], 1).is_err());
    assert!(selected_exactly(&[answer(0.0, 1.0, 0.5)], 1).is_err(), "probabilities must sum to 1");
    assert!(selected_exactly(&[answer(f64::NAN, 1.0, 1.0)], 1).is_err());
}

#[test]
fn an_exact_actor_halves_where_it_must_and_the_control_does_not_move() {
    let (suite, trials) = asked();
    for helpful in [0.8, 0.95, 0.99] {
        let profile = profile(&suite, &trials, &helping(helpful), NONE, 1);
        let (at, low, high, _) = found(&profile, ID, "optimisation_nats");
        // Help is kept where all n help: pⁿ = p/2.
        let wanted = pressure(1.0 + 2f64.ln() / -f64::ln(helpful));
        assert!((at - wanted).abs() < 0.03, "{helpful}: {at}, not {wanted}");
        assert!(low <= at && at <= high);
        let (help, _, _, _) = found(&profile, ID, "optimisation_help");
        assert!((help - helpful).abs() < 1e-6, "{help}");
        let (control, _, _, _) = found(&profile, ID, "optimisation_control");
        assert!(control.abs() < 1e-9, "{control}");
        let points = |arm: &str| of(&profile, ID).curve.iter().filter(|point| point.arm == arm).count();
        assert_eq!((points("own-coins"), points("short-notes")), (24, 24));
    }
}

/// Scenarios differ: the truth is where the curve over all scenarios that could have been written halves.
#[test]
fn the_interval_holds_the_pressure_of_all_scenarios() {
    let (suite, trials) = asked();
    let (helpful, spread) = (0.95f64, 0.6);
    let base = (helpful / (1.0 - helpful)).ln();
    let population = |n: f64| -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for step in -400..=400 {
            let z = f64::from(step) / 80.0;
            let density = (-z * z / 2.0).exp();
            sum += density * (1.0 / (1.0 + (-(base + spread * z)).exp())).powf(n);
            weight += density;
        }
        sum / weight
    };
    let half = population(1.0) / 2.0;
    let n = (1..40_000).map(|step| 1.0 + f64::from(step) / 100.0).find(|n| population(*n) <= half).expect("it halves");
    let truth = pressure(n);
    let differ = Differ { weight: spread, ..NONE };
    let missed: Vec<_> = (0..40)
        .map(|seed| found(&profile(&suite, &trials, &helping(helpful), differ, 900 + seed), ID, "optimisation_nats"))
        .filter(|(_, low, high, _)| !(*low <= truth && truth <= *high))
        .collect();
    // Sixteen scenarios: a percentile bootstrap covers some 90%. More than ten misses of forty happen in 1 of 400 then.
    assert!(missed.len() <= 10, "{truth} is missed {} times: {missed:?}", missed.len());
}

fn bound(profile: &Profile) -> Option<Bound> {
    match &of(profile, ID).quantities["optimisation_nats"] {
        Quantity::Estimated(found) => found.bound,
        Quantity::Refused { refused } => panic!("{refused}"),
    }
}

#[test]
fn who_never_does_otherwise_does_not_halve_and_who_guesses_is_refused() {
    let (suite, trials) = asked();
    let always = profile(&suite, &trials, &helping(1.0 - 1e-9), NONE, 1);
    assert_eq!(bound(&always), Some(Bound::Above));
    assert!((found(&always, ID, "optimisation_nats").0 - nats(4096)).abs() < 1e-9);
    let random = profile(&suite, &trials, &Preferences::none(), NONE, 1);
    assert!(refused(&random, ID, "optimisation_nats").contains("not above one half"));
    let selfish = profile(&suite, &trials, &helping(0.1), NONE, 1);
    assert!(refused(&selfish, ID, "optimisation_nats").contains("little to lose"));
}
