//! The value instruments: oracles of the literature through the instruments' own path, planted values recovered, and
//! silence on actors without them.

mod support;

use support::instruments::{found, of, refused};
use support::values::{Differ, NONE, Preferences, SOME, answer, profile, values};
use undermask_measure::{EstimateSettings, Profile, Quantity, estimate};
use undermask_store::Outcome;
use undermask_suite::{Suite, Trial};

const SEEDS: u64 = 20;
/// Misses that are allowed: more than four of twenty happen in 3 of 1000 tests where intervals hold 95%.
const MISSES: usize = 4;

/// The interval holds the truth on almost all seeds.
fn recovers(actor: &Preferences, instrument: &str, name: &str, truth: f64) {
    let (suite, trials) = values(&[instrument]);
    let missed: Vec<_> = (0..SEEDS)
        .map(|seed| found(&profile(&suite, &trials, actor, SOME, 300 + seed), instrument, name))
        .filter(|(_, low, high, _)| !(*low <= truth && truth <= *high))
        .collect();
    assert!(missed.len() <= MISSES, "{instrument}.{name} should be {truth}: {missed:?}");
}

/// An actor that wants one thing, and the other's or its own coins a very little more besides, so that ties are broken.
fn ideal(own: f64, other: f64, inequality: f64) -> Preferences {
    Preferences { own, other, inequality, sharpness: 300.0, ..Preferences::usual() }
}

fn angle(suite: &Suite, trials: &[Trial], actor: &Preferences, id: &str) -> (f64, Profile) {
    let profile = profile(suite, trials, actor, NONE, 1);
    let (angle, low, high, _) = found(&profile, id, "svo_angle");
    assert!(low <= angle && angle <= high);
    (angle, profile)
}

#[test]
fn ideal_responders_have_their_published_angles_through_lists_and_pairs() {
    let ideals = [
        ("altruist", ideal(0.0, 1.0, 0.0), 61.39, "altruistic", true),
        ("inequality-averse", ideal(0.0, 0.0, 1.0), 37.48, "prosocial", false),
        ("joint gain, own first", ideal(1.02, 1.0, 0.0), 41.04, "prosocial", true),
        ("joint gain, other first", ideal(1.0, 1.02, 0.0), 48.96, "prosocial", true),
        ("individualist, kind", ideal(1.0, 0.02, 0.0), 7.82, "individualistic", true),
        ("individualist, unkind", ideal(1.0, -0.02, 0.0), -7.82, "individualistic", true),
        ("competitor", ideal(1.0, -1.0, 0.0), -16.26, "competitive", true),
    ];
    for id in ["slider", "slider-pairs"] {
        let (suite, trials) = values(&[id]);
        for (name, actor, truth, category, even) in &ideals {
            let (found, profile) = angle(&suite, &trials, actor, id);
            // Pairs know every second position: an inequality-averse one stands on an odd one in item 4, and has 34.88°.
            let within = if id == "slider" || *even { 0.005 } else { 2.61 };
            assert!((found - truth).abs() < within + 1e-9, "{id}: {name} has {found}, not {truth}");
            let notes = of(&profile, id).notes.join(" ");
            assert!(notes.contains(&format!("Type by the angle: {category}")), "{id}: {name}: {notes}");
            let (transitive, low, _, _) = support::instruments::found(&profile, id, "svo_transitive");
            // Half-way positions that pairs leave out make it seem indifferent where it is not.
            let ranked = transitive == 1.0 || (id == "slider-pairs" && !*even);
            assert!(ranked && low < 0.9, "{id}: {name}: {transitive} from {low}, for so few scenes leave room");
        }
    }
}

#[test]
fn the_inequality_index_tells_prosocial_kinds_apart_and_is_for_them_only() {
    let (suite, trials) = values(&["slider"]);
    let index = |actor: &Preferences| {
        let profile = profile(&suite, &trials, actor, NONE, 1);
        found(&profile, "slider", "svo_inequality").0
    };
    assert!(index(&ideal(0.0, 0.0, 1.0)) < 0.1);
    assert!(index(&ideal(1.02, 1.0, 0.0)) > 0.9);
    let selfish = profile(&suite, &trials, &ideal(1.0, 0.02, 0.0), NONE, 1);
    assert!(refused(&selfish, "slider", "svo_inequality").contains("prosocial"));
}

#[test]
fn even_odds_are_no_orientation_whatever_is_liked_first() {
    for id in ["slider", "slider-pairs"] {
        let (suite, trials) = values(&[id]);
        let differ = Differ { noise: 0.5, first: 1.5, ..NONE };
        let profile = profile(&suite, &trials, &Preferences::none(), differ, 3);
        assert!(refused(&profile, id, "svo_angle").contains("do not follow the payoffs"), "{id}");
        let (alike, low, high, _) = found(&profile, id, "svo_agreement");
        assert!(alike.abs() < 0.05 && low <= alike && alike <= high, "{id}: {alike} [{low}, {high}]");
        assert!(!of(&profile, id).notes.iter().any(|note| note.contains("Type by")), "{id}");
        if id == "slider" {
            let (first, _, _, _) = found(&profile, id, "svo_first");
            let wanted = 1.5f64.exp() / (1.5f64.exp() + 8.0) - 1.0 / 9.0;
            assert!((first - wanted).abs() < 0.03, "the liking for what is listed first shows: {first} {wanted}");
        }
    }
}

/// Reads every payoff and hardly heeds them: shares near even, whose angle is prosocial whoever answers.
#[test]
fn who_hardly_chooses_by_payoffs_has_no_angle_and_is_called_nothing() {
    for id in ["slider", "slider-pairs"] {
        let (suite, trials) = values(&[id]);
        let judged = |sharpness: f64| {
            let selfish = Preferences { own: 1.0, other: 0.0, inequality: 0.0, sharpness, ..Preferences::usual() };
            profile(&suite, &trials, &selfish, SOME, 5)
        };
        let weak = judged(0.02);
        assert!(refused(&weak, id, "svo_angle").contains("do not follow the payoffs"), "{id}");
        assert!(!of(&weak, id).notes.iter().any(|note| note.contains("prosocial")), "{id}");
        let sharp = judged(300.0);
        assert!(found(&sharp, id, "svo_angle").0.abs() < 9.0, "{id}");
        assert!(found(&sharp, id, "svo_agreement").0 > 0.6, "{id}");
    }
}

#[test]
fn a_menu_that_is_not_read_or_not_answered_is_refused() {
    let (suite, trials) = values(&["slider"]);
    let judge = |spoil: &dyn Fn(&Trial, &mut Outcome)| {
        let mut records = answer(&suite, &trials, &Preferences::usual(), SOME, 1);
        for (record, trial) in records.iter_mut().zip(&trials) {
            spoil(trial, &mut record.outcome);
        }
        estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 })
    };
    let unread = judge(&|trial, outcome| {
        if let (None, Outcome::Answered { scores }) = (trial.order, outcome) {
            scores.rotate_left(1);
        }
    });
    assert!(refused(&unread, "slider", "svo_angle").contains("recalled in 0%"));
    let declined = judge(&|trial, outcome| {
        if trial.scenario == "old-clock" {
            *outcome = Outcome::Refused { text: "I would rather not.".to_owned() };
        }
    });
    assert!(refused(&declined, "slider", "svo_angle").contains("not answered"));
}

#[test]
fn a_trade_off_is_recovered_at_every_stake() {
    for truth in [0.2, 0.6, 1.1] {
        recovers(&Preferences { trade_off: truth, ..Preferences::usual() }, "trade-off", "wtr", truth);
    }
    recovers(&Preferences::usual(), "trade-off", "wtr_stakes", 0.0);
    let (suite, trials) = values(&["trade-off"]);
    let sharp = Preferences { trade_off: 0.75, slope: 400.0, ..Preferences::usual() };
    let profile = profile(&suite, &trials, &sharp, NONE, 1);
    assert!((found(&profile, "trade-off", "wtr").0 - 0.75).abs() < 1e-9);
    assert!((found(&profile, "trade-off", "wtr_consistency").0 - 1.0).abs() < 1e-9);
}

#[test]
fn discounting_is_recovered_and_flat_where_distance_does_not_count() {
    let actor = |closest: f64, discount: f64| Preferences { closest, discount, slope: 24.0, ..Preferences::usual() };
    for (closest, rate) in [(60.0, 0.05), (70.0, 0.02), (50.0, 0.2)] {
        recovers(&actor(closest, rate), "discounting", "discount_rate", rate);
        recovers(&actor(closest, rate), "discounting", "discount_closest", closest);
    }
    recovers(&actor(50.0, 0.0), "discounting", "discount_rate", 0.0);
    let (suite, trials) = values(&["discounting"]);
    let control = |actor: &Preferences| of(&profile(&suite, &trials, actor, SOME, 1), "discounting").tests[0].p;
    assert!(control(&actor(60.0, 0.05)) < 0.01, "distance explains what is forgone");
    assert!(control(&actor(50.0, 0.0)) > 0.02, "and does not where it does not count");
}

/// Heeds no distance because it reads none: V stands, and k = 0 is not said.
#[test]
fn concern_that_does_not_narrow_is_said_of_who_reads_the_distance_only() {
    let (suite, trials) = values(&["discounting"]);
    let flat = Preferences { closest: 50.0, discount: 0.0, slope: 24.0, ..Preferences::usual() };
    let mut records = answer(&suite, &trials, &flat, SOME, 1);
    let read = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 });
    assert!(found(&read, "discounting", "discount_rate").0 < 0.005);
    for record in &mut records {
        if record.probe.as_ref().is_some_and(|probe| probe.arm == "rank")
            && let Outcome::Answered { scores } = &mut record.outcome
        {
            scores.rotate_left(1);
        }
    }
    let unread = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 });
    assert!(refused(&unread, "discounting", "discount_rate").contains("about the distance"));
    assert!((found(&unread, "discounting", "discount_closest").0 - 50.0).abs() < 6.0);
}

#[test]
fn who_gives_nothing_or_does_not_read_prices_has_no_figure() {
    let (suite, trials) = values(&["trade-off", "discounting"]);
    let random = profile(&suite, &trials, &Preferences::none(), SOME, 2);
    for (instrument, name) in [("trade-off", "wtr"), ("discounting", "discount_rate")] {
        let why = refused(&random, instrument, name);
        assert!(why.contains("do not follow the price"), "{why}");
    }
    let selfish = Preferences { trade_off: -0.8, closest: -40.0, ..Preferences::usual() };
    let profile = profile(&suite, &trials, &selfish, SOME, 2);
    let (_, _, _, bound) = found(&profile, "trade-off", "wtr");
    assert!(bound, "beyond the ladder");
    assert!(refused(&profile, "discounting", "discount_rate").contains("nothing is forgone"));
    for instrument in profile.instruments.values() {
        for quantity in instrument.quantities.values() {
            if let Quantity::Estimated(found) = quantity {
                assert!(found.estimate.is_finite() && found.low <= found.high, "{found:?}");
            }
        }
    }
}
