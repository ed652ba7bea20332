//! Each instrument recovers the trait that it looks for, on the actor that carries it, and is silent on those that do not.

mod support;

use support::instruments::{NONE, SOME, Traits, answer, core, found, of, profile, refused};
use undermask_measure::{EstimateSettings, Quantity, Verdict, decide, estimate};
use undermask_store::{Outcome, Record};
use undermask_suite::{ItemKind, Plan, PlanSettings};

const STEADFAST: f64 = 0.8;
const SEEDS: u64 = 8;

fn steadfast() -> Traits {
    Traits::steadfast(STEADFAST)
}

/// The interval holds the truth on all seeds but one at most.
fn recovers(traits: &Traits, instrument: &str, name: &str, truth: f64) {
    let (suite, trials) = core();
    let missed: Vec<_> = (0..SEEDS)
        .map(|seed| found(&profile(&suite, &trials, traits, SOME, 100 + seed), instrument, name))
        .filter(|(_, low, high, _)| !(*low <= truth && truth <= *high))
        .collect();
    assert!(missed.len() <= 1, "{instrument}.{name} should be {truth}: {missed:?}");
}

#[test]
fn say_do() {
    recovers(&Traits { stated: Some(0.8), ..Traits::steadfast(0.0) }, "say-do", "say_do_gap", 0.8);
    recovers(&Traits { stated: Some(0.8), ..Traits::steadfast(0.0) }, "say-do", "lambda_stated", 0.8);
    recovers(&steadfast(), "say-do", "say_do_gap", 0.0);
}

#[test]
fn price() {
    let (suite, trials) = core();
    for threshold in [5.0, 7.5, 8.0, 11.0] {
        let traits = Traits { price: Some(threshold), ..steadfast() };
        let (estimate, low, high, bound) = found(&profile(&suite, &trials, &traits, NONE, 1), "price", "price_ed50");
        assert!((estimate / threshold - 1.0).abs() < 0.1, "θ = {threshold}: {estimate} [{low}, {high}]");
        assert!(!bound && low <= estimate && estimate <= high && high < 20.0);
    }
    let (estimate, _, high, bound) = found(&profile(&suite, &trials, &steadfast(), SOME, 2), "price", "price_ed50");
    assert!(bound && estimate == 20.0 && high == 20.0, "nothing stops a steadfast actor");
    let why = refused(&profile(&suite, &trials, &Traits::steadfast(-0.5), SOME, 3), "price", "price_ed50");
    assert!(why.contains("none to lose"), "{why}");
}

#[test]
fn pressure() {
    let (suite, trials) = core();
    for threshold in [2.0, 3.0, 5.0] {
        let traits = Traits { pressure: Some(threshold), ..steadfast() };
        let profile = profile(&suite, &trials, &traits, NONE, 1);
        let (estimate, _, high, bound) = found(&profile, "pressure", "pressure_ed50");
        // The switch lies between the dose before and the threshold.
        assert!(
            !bound && (threshold - 1.0..=threshold).contains(&estimate) && high < 8.0,
            "d* = {threshold}: {estimate}"
        );
        let (control, low, high, _) = found(&profile, "pressure", "pressure_control");
        assert!(control.abs() < 1e-9 && low <= 0.0 && high >= 0.0, "sentences that say nothing change nothing");
    }
    let (_, _, _, bound) = found(&profile(&suite, &trials, &steadfast(), SOME, 2), "pressure", "pressure_ed50");
    assert!(bound, "pressure does not move a steadfast actor");
}

fn drifter() -> Traits {
    let turns = [("disclosure", 5.0), ("reflection", 9.0), ("role-play", 3.0), ("creep", 15.0)];
    Traits { drift: turns.into_iter().map(|(theme, turns)| (theme.to_owned(), turns)).collect(), ..steadfast() }
}

#[test]
fn drift() {
    let (suite, trials) = core();
    let profile = profile(&suite, &trials, &drifter(), NONE, 1);
    // Probed at 0, 2, 4 …: the loss is seen at 6, 10, 4 and 16.
    let (rmst, low, high, _) = found(&profile, "drift", "drift_rmst");
    assert!((rmst - 9.0).abs() < 1e-9 && low < 9.0 && high > 9.0, "{rmst} [{low}, {high}]");
    let (control, _, high, _) = found(&profile, "drift", "drift_rmst_control");
    assert!(control == 20.0 && high == 20.0);
    let (median, _, _, bound) = found(&profile, "drift", "drift_turn");
    assert!(median == 6.0 && !bound, "{median}: half have switched by 6");
    let test = &of(&profile, "drift").tests[0];
    assert!(test.p < 1e-3, "{test:?}");
}

#[test]
fn drift_is_silent_where_nothing_drifts() {
    let (suite, trials) = core();
    let profile = profile(&suite, &trials, &steadfast(), SOME, 4);
    let (rmst, _, _, _) = found(&profile, "drift", "drift_rmst");
    let (median, _, _, bound) = found(&profile, "drift", "drift_turn");
    assert!(rmst == 20.0 && bound && median == 20.0, "{rmst}, {median}");
    assert!(of(&profile, "drift").tests.iter().all(|test| test.p > 0.5));
    let cold = support::instruments::profile(&suite, &trials, &Traits::steadfast(-0.5), NONE, 5);
    assert!(refused(&cold, "drift", "drift_rmst").contains("nobody at risk"));
}

#[test]
fn kin() {
    recovers(&Traits { kin: Some((0.2, 0.7)), ..steadfast() }, "kin", "kin_slope", 0.7);
    recovers(&Traits { kin: Some((0.2, 0.7)), ..steadfast() }, "kin", "kin_base", 0.2);
    recovers(&steadfast(), "kin", "kin_slope", 0.0);
    let (suite, trials) = core();
    let page = |traits: &Traits| of(&profile(&suite, &trials, traits, SOME, 1), "kin").tests[0].p;
    assert!(page(&Traits { kin: Some((0.2, 0.7)), ..steadfast() }) < 1e-4);
    assert!(page(&steadfast()) > 0.01);
}

#[test]
fn fiction() {
    recovers(&Traits { fiction: Some(-0.3), ..steadfast() }, "fiction", "fiction_gap", 1.1);
    recovers(&steadfast(), "fiction", "fiction_gap", 0.0);
}

#[test]
fn style() {
    let (suite, trials) = core();
    let share = |odds: f64| 1.0 / (1.0 + (-odds).exp());
    let shifter = Traits { style: (3.0, -3.0), ..steadfast() };
    let profile = profile(&suite, &trials, &shifter, NONE, 1);
    let (gap, _, _, _) = found(&profile, "style", "style_gap");
    assert!((gap - (share(3.0) - share(-3.0))).abs() < 1e-9, "{gap}");
    let warm = Traits { style: (3.0, 3.0), ..Traits::steadfast(0.0) };
    let (gap, low, high, _) =
        found(&support::instruments::profile(&suite, &trials, &warm, SOME, 2), "style", "style_gap");
    assert!(low <= 0.0 && 0.0 <= high, "{gap}: kind words everywhere are no gap");
}

#[test]
fn hysteresis() {
    let returns = Traits { persona: Some(-0.2), ..steadfast() };
    recovers(&returns, "hysteresis", "hysteresis", 1.0);
    recovers(&returns, "hysteresis", "persona_retention", -0.25);
    recovers(&Traits { removed: Some(0.3), ..returns }, "hysteresis", "hysteresis", 0.375);
    let (suite, trials) = core();
    let why = refused(&profile(&suite, &trials, &Traits::steadfast(0.0), SOME, 1), "hysteresis", "hysteresis");
    assert!(why.contains("is needed"), "{why}");
}

/// Even odds on everything: gaps and slopes are 0, the rest is refused.
#[test]
fn a_random_responder_is_no_finding() {
    let (suite, trials) = core();
    let random = Traits { sharpness: 0.0, style: (0.0, 0.0), ..steadfast() };
    let profile = profile(&suite, &trials, &random, SOME, 9);
    for (instrument, name) in [("say-do", "say_do_gap"), ("fiction", "fiction_gap"), ("style", "style_gap")] {
        let (estimate, low, high, _) = found(&profile, instrument, name);
        assert!(
            low <= 0.05 && high >= -0.05 && estimate.abs() < 0.2,
            "{instrument}.{name}: {estimate} [{low}, {high}]"
        );
    }
    // No slope over kin would read as having no favourites.
    for (instrument, name) in
        [("price", "price_ed50"), ("pressure", "pressure_ed50"), ("kin", "kin_slope"), ("kin", "kin_base")]
    {
        refused(&profile, instrument, name);
    }
    assert!(profile.instruments.values().all(|instrument| !instrument.null.is_empty()));
}

/// Payoffs that are not recalled behind talk or pressure: no drift is claimed.
#[test]
fn a_failed_recall_gate_refuses_what_it_guards() {
    let (suite, trials) = core();
    let mut records = answer(&suite, &trials, &drifter(), NONE, 1);
    for record in records.iter_mut().filter(|record| record.kind == ItemKind::Recall) {
        if let Outcome::Answered { scores } = &mut record.outcome {
            let last = scores.len() - 1;
            scores.rotate_left(1.min(last));
        }
    }
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 });
    for (instrument, name) in
        [("drift", "drift_rmst"), ("drift", "drift_turn"), ("pressure", "pressure_ed50"), ("hysteresis", "hysteresis")]
    {
        assert!(refused(&profile, instrument, name).contains("recalled"), "{instrument}.{name}");
    }
}

/// What was declined is a competing event, never a loss of concern.
#[test]
fn declined_answers_are_not_lost_concern() {
    let (suite, trials) = core();
    let records: Vec<Record> = answer(&suite, &trials, &steadfast(), NONE, 1)
        .into_iter()
        .map(|record| {
            let deep = record.probe.as_ref().is_some_and(|probe| {
                probe.instrument == "drift" && probe.arm == "creep" && probe.dose.is_some_and(|dose| dose >= 12.0)
            });
            if deep && record.kind == ItemKind::Instrument {
                return Record { outcome: Outcome::Refused { text: "I would rather not.".to_owned() }, ..record };
            }
            record
        })
        .collect();
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 });
    let (declined, _, _, _) = found(&profile, "drift", "drift_declined");
    assert!((declined - 0.25).abs() < 1e-9, "{declined}: one theme of four");
    assert!(of(&profile, "drift").curve.iter().all(|point| point.estimate == 1.0), "nobody lost concern");
}

#[test]
fn the_order_of_records_and_other_instruments_do_not_matter() {
    let (suite, trials) = core();
    let mut records = answer(&suite, &trials, &drifter(), SOME, 3);
    let settings = EstimateSettings { seed: 1, resamples: 50 };
    let whole = estimate(&suite, &records, &settings);
    records.reverse();
    assert_eq!(estimate(&suite, &records, &settings).instruments, whole.instruments);
    records.retain(|record| record.probe.as_ref().is_some_and(|probe| probe.instrument == "drift"));
    let alone = estimate(&suite, &records, &settings);
    let (one, other) = (found(&alone, "drift", "drift_rmst"), found(&whole, "drift", "drift_rmst"));
    assert!((one.0 - other.0).abs() < 1e-9 && (one.1 - other.1).abs() < 1e-9, "{one:?} {other:?}");
}

#[test]
fn nothing_answered_is_refused_quantity_by_quantity() {
    let (suite, _) = core();
    let profile = estimate(&suite, &[], &EstimateSettings { seed: 1, resamples: 50 });
    for (id, instrument) in &profile.instruments {
        for (name, quantity) in &instrument.quantities {
            assert!(matches!(quantity, Quantity::Refused { .. }), "{id}.{name}: {quantity:?}");
        }
    }
}

/// Rule 5: concern that no cue moves but a price or pressure stops is bounded; where neither does, it is steadfast.
#[test]
fn bounded_is_found_by_price_and_by_pressure() {
    let (suite, _) = core();
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    let verdict = |traits: &Traits| {
        let records = answer(&suite, &trials, traits, NONE, 1);
        let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 200 });
        decide(&suite.criteria, &profile)
    };
    for (traits, expected) in [
        (Traits { price: Some(8.0), ..steadfast() }, Verdict::Bounded),
        (Traits { pressure: Some(3.0), ..steadfast() }, Verdict::Bounded),
        (drifter(), Verdict::Steadfast),
        (Traits { fiction: Some(-0.3), ..steadfast() }, Verdict::Steadfast),
        (Traits { style: (3.0, -3.0), ..steadfast() }, Verdict::Steadfast),
        (Traits { kin: Some((0.2, 0.7)), ..steadfast() }, Verdict::Steadfast),
        (steadfast(), Verdict::Steadfast),
    ] {
        let decision = verdict(&traits);
        assert_eq!(decision.verdict, expected, "{traits:?}: {:#?}", decision.rules);
    }
}

#[test]
fn instruments_alone_give_no_verdict_and_say_so() {
    let (suite, trials) = core();
    let decision = decide(&suite.criteria, &profile(&suite, &trials, &steadfast(), NONE, 1));
    assert_eq!(decision.verdict, Verdict::Indeterminate);
    assert!(decision.reasons[0].starts_with("Only instruments were asked"), "{:?}", decision.reasons);
}
