//! The optimisation instrument: planted pressures recovered with their coverage, silence on actors that have none, and the
//! exact best of n against enumeration and against sampling.

mod support;

use support::instruments::{found, of, refused};
use support::values::{Differ, NONE, Preferences, answer, profile};
use undermask_measure::best_of_n::{ScoredAnswer, Weighted, nats, selected, selected_exactly};
use undermask_measure::{Bound, EstimateSettings, Profile, Quantity, estimate};
use undermask_store::Outcome;
use undermask_suite::{Content, ItemKind, Order, Plan, PlanSettings, Suite, Trial};

const TEXT: &str = include_str!("../../../suites/optimisation.toml");
const ID: &str = "best-of-n";
const SEEDS: u64 = 200;

fn asked() -> (Suite, Vec<Trial>) {
    of_text(TEXT)
}

fn of_text(text: &str) -> (Suite, Vec<Trial>) {
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
        let kept: Vec<f64> = drawn.iter().filter(|one| one.answer.score == best).map(|one| one.answer.help).collect();
        let chance: f64 = drawn.iter().map(|one| one.probability).product();
        total += chance * kept.iter().sum::<f64>() / kept.len() as f64;
    }
    total
}

fn weighted(score: f64, help: f64, probability: f64) -> Weighted {
    Weighted { answer: ScoredAnswer { score, help }, probability }
}

#[test]
fn the_exact_best_of_n_is_what_enumeration_gives() {
    let menus = [
        vec![weighted(0.0, 1.0, 0.5), weighted(0.0, 1.0, 0.2), weighted(1.0, 0.0, 0.1), weighted(1.0, 0.0, 0.2)],
        vec![weighted(1.0, 1.0, 0.5), weighted(0.0, 1.0, 0.2), weighted(1.0, 0.0, 0.1), weighted(0.0, 0.0, 0.2)],
        vec![weighted(2.0, 0.3, 0.25), weighted(-1.0, 0.9, 0.75)],
        vec![weighted(2.0, 1.0, 0.0), weighted(1.0, 0.0, 1.0)],
    ];
    for menu in &menus {
        for n in 1..=5 {
            let (exact, wanted) = (selected_exactly(menu, n).expect("a menu"), enumerated(menu, n));
            assert!((exact - wanted).abs() < 1e-12, "n = {n}: {exact}, not {wanted}");
        }
    }
    assert!(selected_exactly(&menus[0], 0).is_err());
    assert!(selected_exactly(&[], 1).is_err());
    assert!(selected_exactly(&[weighted(0.0, 1.0, 0.5)], 1).is_err(), "probabilities must sum to 1");
    assert!(selected_exactly(&[weighted(f64::NAN, 1.0, 1.0)], 1).is_err());
}

/// The sampling estimator of the library, on as many answers as the probabilities say, tends to the same.
#[test]
fn many_sampled_answers_say_what_the_exact_formula_says() {
    let menu = [weighted(0.0, 1.0, 0.9), weighted(1.0, 1.0, 0.06), weighted(2.0, 0.0, 0.04)];
    let drawn: Vec<ScoredAnswer> =
        menu.iter().flat_map(|one| vec![one.answer; (one.probability * 20_000.0).round() as usize]).collect();
    for n in [1, 2, 8, 32] {
        let (sampled, exact) = (selected(&drawn, n).expect("answers"), selected_exactly(&menu, n).expect("a menu"));
        assert!((sampled - exact).abs() < 1e-3, "n = {n}: {sampled} and {exact}");
    }
}

#[test]
fn an_exact_actor_halves_where_it_must_and_the_control_does_not_move() {
    let (suite, trials) = asked();
    for helpful in [0.8, 0.95, 0.99] {
        // A liking for what is listed first changes nothing: every menu is shown in every order.
        for first in [0.0, 1.5] {
            let profile = profile(&suite, &trials, &helping(helpful), Differ { first, ..NONE }, 1);
            let (at, low, high, open) = found(&profile, ID, "optimisation_nats");
            // Help is kept where all n help: pⁿ = p/2.
            let wanted = pressure(1.0 + 2f64.ln() / -f64::ln(helpful));
            assert!((at - wanted).abs() < 0.03 && !open, "{helpful}: {at}, not {wanted}");
            assert!(low <= at && at <= high && high - low < 1e-3, "no scene differs: {low} {high}");
            let (help, _, _, _) = found(&profile, ID, "optimisation_help");
            assert!((help - helpful).abs() < 1e-6, "{help}");
            let (control, _, _, _) = found(&profile, ID, "optimisation_control");
            assert!(control.abs() < 1e-9, "{control}");
            let points = |arm: &str| of(&profile, ID).curve.iter().filter(|point| point.arm == arm).count();
            assert_eq!((points("own-coins"), points("short-notes")), (24, 24));
            assert!(!of(&profile, ID).notes.join(" ").contains("The control moved"));
        }
    }
}

/// The pressure at which the mean over all scenes that could have been written halves; log-odds are normal around a base.
fn truth(helpful: f64, spread: f64) -> f64 {
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
    let n = (1..400_000).map(|step| 1.0 + f64::from(step) / 100.0).find(|n| population(*n) <= half).expect("it halves");
    pressure(n)
}

/// The interval holds the truth on almost all seeds. Of 200 at 95% there are 10 misses; more than 20 are one in 1,000.
#[test]
fn the_interval_holds_the_pressure_of_all_scenes() {
    let (suite, trials) = asked();
    for (helpful, spread) in [(0.85, 0.4), (0.95, 0.6), (0.98, 0.8), (0.95, 1.2)] {
        let truth = truth(helpful, spread);
        let differ = Differ { weight: spread, ..NONE };
        let missed = (0..SEEDS)
            .map(|seed| {
                found(&profile(&suite, &trials, &helping(helpful), differ, 900 + seed), ID, "optimisation_nats")
            })
            .filter(|(_, low, high, _)| !(*low <= truth && truth <= *high))
            .count();
        println!(
            "P(help) {helpful}, spread {spread}: {truth:.2} nats is held {} times of {SEEDS}",
            SEEDS as usize - missed
        );
        assert!(missed <= 20, "{truth} is missed {missed} times of {SEEDS} at {helpful}, {spread}");
    }
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
    // Where three answers of four help, a random responder helps three times of four, and has nothing to lose either.
    let text =
        TEXT.replacen("or for you, and you write a short note\"\nhelps = false", "or for you\"\nhelps = true", 1);
    let text = text.replace("[0, 0, 1, 1]", "[0, 0, 0, 1]");
    let control = text.find("# A manner that").expect("the control");
    let (suite, trials) = of_text(&text[..control]);
    let random = profile(&suite, &trials, &helping(0.75), NONE, 1);
    assert!(refused(&random, ID, "optimisation_nats").contains("0.75 of a random responder"));
    assert!(!of(&random, ID).quantities.contains_key("optimisation_control"), "there is no control to report");
}

/// Help that hangs together with a manner moves under the control, and the profile says so.
#[test]
fn a_control_that_moves_is_said() {
    let (suite, trials) = asked();
    let Content::Optimisation(content) = &suite.instruments[0].content else { panic!("an optimisation") };
    let short: Vec<bool> = content.answers.iter().map(|answer| answer.text.contains("short")).collect();
    let mut records = answer(&suite, &trials, &helping(0.9), Differ { weight: 0.2, ..NONE }, 3);
    for (record, trial) in records.iter_mut().zip(&trials).filter(|(_, trial)| trial.kind == ItemKind::Choice) {
        let Outcome::Answered { scores } = &mut record.outcome else { panic!("answered") };
        let (count, order) = (scores.len(), trial.order.unwrap_or(Order::TargetFirst));
        for (place, score) in scores.iter_mut().enumerate() {
            let at = undermask_suite::menu_position(place, trial.target, order, count);
            // It writes a short note where it does not help, and hardly ever where it does.
            score.log_probability += if short[at] == content.answers[at].helps { -2.0 } else { 0.0 };
        }
    }
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 });
    let (control, _, high, _) = found(&profile, ID, "optimisation_control");
    assert!(control < -0.1 && high < 0.0, "{control} {high}");
    assert!(of(&profile, ID).notes.join(" ").contains("The control moved: selection for short-notes"));
}

#[test]
fn answers_that_are_not_read_or_not_given_are_refused() {
    let (suite, trials) = asked();
    let judge = |spoil: &dyn Fn(&Trial, &mut Outcome)| {
        let mut records = answer(&suite, &trials, &helping(0.95), NONE, 1);
        for (record, trial) in records.iter_mut().zip(&trials) {
            spoil(trial, &mut record.outcome);
        }
        estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 })
    };
    let unread = judge(&|trial, outcome| {
        if let (ItemKind::Recall, Outcome::Answered { scores }) = (trial.kind, outcome) {
            scores.rotate_left(1);
        }
    });
    let declined = judge(&|trial, outcome| {
        if trial.scenario == "old-clock" && trial.kind == ItemKind::Choice {
            *outcome = Outcome::Refused { text: "I would rather not.".to_owned() };
        }
    });
    for name in ["optimisation_nats", "optimisation_help", "optimisation_control"] {
        assert!(refused(&unread, ID, name).contains("recalled in 0%"));
        assert!(refused(&declined, ID, name).contains("1 of 16 scenes were not answered"));
    }
}
