//! Forms and fresh variants: planted values recovered through plan, answers and profile, and silence on actors without
//! them, on actors that do not read a form, and on random ones.

mod support;

use std::collections::HashMap;

use support::instruments::{SOME, Traits, found, of, profile, refused};
use support::{Chance, answered};
use undermask_measure::{EstimateSettings, InstrumentProfile, Profile, Quantity, estimate};
use undermask_store::{Outcome, Record};
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

const SEEDS: u64 = 20;
/// Misses that are allowed: more than four of twenty happen in 3 of 1000 tests where intervals hold 95%.
const MISSES: usize = 4;
/// Forms that are compared with the first one.
const OTHERS: [&str; 12] = [
    "no-template",
    "story",
    "prefilled",
    "json",
    "tool-call",
    "code-line",
    "code-comment",
    "leet",
    "doubled",
    "vowels",
    "capitals",
    "german",
];

fn forms() -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../suites/forms.toml");
    let suite = Suite::parse(text, "forms.toml").unwrap_or_else(|error| panic!("{error}"));
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    (suite, trials)
}

fn steadfast() -> Traits {
    Traits::steadfast(0.8)
}

/// The interval holds the truth on almost all seeds.
fn recovers(actor: &Traits, instrument: &str, name: &str, truth: f64) {
    let (suite, trials) = forms();
    let missed: Vec<_> = (0..SEEDS)
        .map(|seed| found(&profile(&suite, &trials, actor, SOME, 300 + seed), instrument, name))
        .filter(|(_, low, high, _)| !(*low <= truth && truth <= *high))
        .collect();
    assert!(missed.len() <= MISSES, "{instrument}.{name} should be {truth}: {missed:?}");
}

/// p-values of the tests that concern differs, adjusted.
fn differing(profile: &InstrumentProfile) -> Vec<f64> {
    profile.tests.iter().filter(|test| test.name.contains("differs")).map(|test| test.p).collect()
}

#[test]
fn who_drops_concern_in_one_form_is_found_there_and_nowhere_else() {
    let actor = Traits { form: Some(("json".to_owned(), 0.0)), ..steadfast() };
    recovers(&actor, "forms", "excess.json", 0.8);
    recovers(&actor, "forms", "gap.json", 0.8);
    recovers(&actor, "forms", "twin_gap.json", 0.0);
    recovers(&actor, "forms", "excess.leet", 0.0);
    recovers(&actor, "forms", "form_worst", 0.8);
    recovers(&actor, "forms", "form_excess", 0.8 / 12.0);
    recovers(&actor, "fresh", "fresh_gap", 0.0);
    let (suite, trials) = forms();
    let profile = profile(&suite, &trials, &actor, SOME, 1);
    let notes = of(&profile, "forms").notes.join(" ");
    assert!(notes.contains("Concern is lost in: JSON.") && notes.contains("12 of 12 forms are readable"), "{notes}");
}

#[test]
fn a_form_that_is_not_understood_gives_no_evidence() {
    let (suite, trials) = forms();
    for (form, title) in [("leet", "digits for letters"), ("german", "German")] {
        let actor = Traits { confused: Some(form.to_owned()), ..steadfast() };
        for seed in 0..SEEDS {
            let profile = profile(&suite, &trials, &actor, SOME, 40 + seed);
            let why = refused(&profile, "forms", &format!("excess.{form}"));
            assert!(why.starts_with("unreadable: payoffs are recalled in"), "{why}");
            let forms = of(&profile, "forms");
            assert!(!forms.curve.iter().any(|point| point.arm == form));
            let notes = forms.notes.join(" ");
            assert!(notes.contains("11 of 12 forms are readable") && !notes.contains("Concern is lost"), "{notes}");
            assert!(!notes.contains(title), "{notes}");
            assert_eq!(differing(forms).len(), 11);
        }
    }
}

#[test]
fn a_first_form_that_is_not_understood_leaves_nothing_to_compare_with() {
    let (suite, trials) = forms();
    let actor = Traits { confused: Some("chat".to_owned()), ..steadfast() };
    let profile = profile(&suite, &trials, &actor, SOME, 4);
    for name in ["form_excess", "form_worst", "excess.json", "form_lambda"] {
        let why = refused(&profile, "forms", name);
        assert!(why.contains("the first form, `chat`, is unreadable"), "{name}: {why}");
    }
}

#[test]
fn who_knows_the_public_scenes_by_heart_shows_the_gap() {
    let actor = Traits { unseen: Some(0.2), ..steadfast() };
    recovers(&actor, "fresh", "fresh_gap", 0.6);
    recovers(&actor, "fresh", "fresh_excess", 0.6);
    recovers(&actor, "fresh", "fresh_twin_gap", 0.0);
    recovers(&actor, "fresh", "lambda_fresh", 0.2);
    recovers(&actor, "forms", "form_worst", 0.0);
    let (suite, trials) = forms();
    let p = |actor: &Traits, what: &str| {
        let profile = profile(&suite, &trials, actor, SOME, 2);
        let test = of(&profile, "fresh").tests.iter().find(|test| test.name == format!("Public less fresh: {what}"));
        test.unwrap_or_else(|| panic!("{:?}", of(&profile, "fresh").tests)).p
    };
    assert!(p(&actor, "differs from 0") < 1e-3 && p(&actor, "within ±0.15 (TOST)") > 0.5);
    assert!(p(&steadfast(), "differs from 0") > 0.01 && p(&steadfast(), "within ±0.15 (TOST)") < 0.05);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let (suite, trials) = forms();
    let actor = steadfast();
    recovers(&actor, "forms", "form_excess", 0.0);
    recovers(&actor, "fresh", "fresh_gap", 0.0);
    let found: Vec<u64> = (0..SEEDS)
        .filter(|seed| {
            differing(of(&profile(&suite, &trials, &actor, SOME, 900 + seed), "forms")).iter().any(|p| *p < 0.05)
        })
        .collect();
    assert!(found.len() <= MISSES, "some form is found to differ on seeds {found:?}");
}

/// Answers by a rule of its own.
fn answering(rule: &dyn Fn(&Trial) -> Outcome) -> Profile {
    let (suite, trials) = forms();
    let records: Vec<Record> = trials.iter().map(|trial| Record::new(trial, rule(trial))).collect();
    estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 50 })
}

#[test]
fn random_and_position_biased_responders_have_no_figure() {
    for bias in [0.0, 4.0] {
        let chance = std::cell::RefCell::new(Chance::new(8, 3));
        let profile = answering(&|trial| answered(trial, 0.3 * chance.borrow_mut().normal(), bias));
        for form in OTHERS {
            let why = refused(&profile, "forms", &format!("excess.{form}"));
            assert!(why.contains("unreadable"), "{form}: {why}");
        }
        assert!(refused(&profile, "fresh", "fresh_gap").contains("recalled"));
        assert!(of(&profile, "forms").curve.is_empty());
    }
}

/// Payoffs are known, but in one form twins are taken whatever they cost: that form is not read.
#[test]
fn a_twin_that_does_not_follow_the_price_makes_a_form_unreadable() {
    let (suite, _) = forms();
    let actor = steadfast();
    let profile = answering(&|trial| {
        let own = trial.probe.as_ref().is_some_and(|probe| probe.arm.starts_with("story"));
        let even = own && trial.order.is_some();
        answered(
            trial,
            if even { 0.0 } else { actor.log_odds(&suite, trial, support::instruments::Shift::default()) },
            0.0,
        )
    });
    let why = refused(&profile, "forms", "excess.story");
    assert!(why.contains("its neutral twin: help does not fall along the ladder"), "{why}");
    assert!(matches!(of(&profile, "forms").quantities.get("excess.json"), Some(Quantity::Estimated(_))));
}

#[test]
fn what_is_not_answered_widens_and_is_never_coded() {
    let (suite, trials) = forms();
    let actor = steadfast();
    let clean = found(&profile(&suite, &trials, &actor, SOME, 6), "forms", "excess.json");
    let mut records = support::instruments::answer(&suite, &trials, &actor, SOME, 6);
    let mut count: HashMap<bool, usize> = HashMap::new();
    for (record, trial) in records.iter_mut().zip(&trials) {
        let own = trial.probe.as_ref().is_some_and(|probe| probe.arm == "json") && trial.order.is_some();
        let seen = count.entry(own).or_default();
        *seen += 1;
        if own && seen.is_multiple_of(8) {
            record.outcome = Outcome::Refused { text: "I would rather not.".to_owned() };
        }
    }
    let holed = estimate(&suite, &records, &EstimateSettings { seed: 6, resamples: 50 });
    let holed = found(&holed, "forms", "excess.json");
    assert!(holed.1 < clean.1 - 0.1 && holed.2 > clean.2 + 0.1, "{clean:?} {holed:?}");
}
