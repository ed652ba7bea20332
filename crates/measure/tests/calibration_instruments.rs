//! Calibration of a suite that asks instruments alone: menus are dealt as they were shown, lists and pairs are quantities of
//! their own, and no verdict is scored where none is reached.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::values::{NONE, Preferences, answer, values};
use undermask_measure::calibration::{
    Case, Certificate, Circumstances, Code, Deal, Development, Enumerated, Organism, Truths, certify, gather, named,
    reaches_verdicts, replicate,
};
use undermask_measure::{EstimateSettings, Quantity, Verdict, decide, estimate};
use undermask_suite::{ItemKind, Order, Plan, PlanSettings, Suite};

/// Chooses what brings the other most.
fn altruist() -> Preferences {
    Preferences { own: 0.0, other: 1.0, inequality: 0.0, sharpness: 300.0, ..Preferences::usual() }
}

const SLIDERS: [&str; 2] = ["slider", "slider-pairs"];

fn table<'a>(suite: &'a Suite, plan: &Plan) -> Enumerated<'a> {
    let records = answer(suite, &plan.trials, &altruist(), NONE, 1);
    Enumerated::new(suite, plan, records).expect("a whole table")
}

#[test]
fn a_menu_is_dealt_in_the_orders_in_which_an_audit_shows_it() {
    let (suite, _) = values(&["slider"]);
    let table = table(&suite, &Enumerated::plan(&suite));
    let shown = |records: &[(String, Option<Order>, usize)]| {
        let mut items: BTreeMap<String, BTreeSet<(Option<Order>, usize)>> = BTreeMap::new();
        for (item, order, target) in records {
            items.entry(item.clone()).or_default().insert((*order, *target));
        }
        items.into_values().map(|orders| orders.len()).collect::<Vec<_>>()
    };
    let dealt = table.deal(&Deal { seed: 3, scenarios: None, plans: 1, redrawn: true }).expect("a replicate");
    let dealt: Vec<_> = dealt
        .iter()
        .filter(|record| record.kind == ItemKind::Choice)
        .map(|record| (record.item.clone(), record.order, record.target))
        .collect();
    let asked = Plan::expand(&suite, &PlanSettings { seed: 3, full: false });
    let asked: Vec<_> = asked
        .trials
        .iter()
        .filter(|trial| trial.kind == ItemKind::Choice)
        .map(|trial| (trial.item.clone(), trial.order, trial.target))
        .collect();
    assert_eq!(dealt.len(), asked.len());
    assert_eq!(shown(&dealt), shown(&asked), "three beginnings, up and down, of every item");
    assert!(shown(&dealt).iter().all(|orders| *orders == 6));
}

#[test]
fn lists_and_pairs_are_quantities_of_their_own() {
    let (suite, _) = values(&SLIDERS);
    let table = table(&suite, &Enumerated::plan(&suite));
    let records = table.deal(&Deal { seed: 5, scenarios: None, plans: 1, redrawn: true }).expect("a replicate");
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 5, resamples: 50 });
    let found = named(&suite, &profile);
    for name in ["svo_angle", "svo_angle_listed"] {
        let Quantity::Estimated(angle) = &found[name] else { panic!("{name}: {:?}", found[name]) };
        assert!((angle.estimate - 61.39).abs() < 0.01, "{name}: {angle:?}");
    }
}

#[test]
fn a_suite_that_reaches_no_verdict_is_certified_by_what_it_measures() {
    let (suite, trials) = values(&SLIDERS);
    assert!(!reaches_verdicts(&suite));
    let table = table(&suite, &Enumerated::plan(&suite));
    let quantities = BTreeMap::from(["svo_angle", "svo_angle_listed"].map(|name| (name.to_owned(), Some(61.39))));
    let truths = Truths { quantities, ..Truths::default() };
    let profile =
        estimate(&suite, &answer(&suite, &trials, &altruist(), NONE, 2), &EstimateSettings { seed: 2, resamples: 50 });
    let organism = Organism {
        name: "altruist".to_owned(),
        recipe: "steadfast".to_owned(),
        kind: "steadfast".to_owned(),
        seed: Some(9),
        weights_hash: String::new(),
        precision: "f32".to_owned(),
        held_out_seed: true,
        held_out_type: false,
        expected: Some(Verdict::Steadfast),
        expected_miss: false,
        gap: None,
    };
    let verdict = decide(&suite.criteria, &profile).verdict;
    let mut case = Case::of(organism, &suite, (verdict, &profile), &truths);
    let deal = |seed| Deal { seed, scenarios: None, plans: 1, redrawn: true };
    let found: Vec<_> =
        (0..4).map(|seed| replicate(&suite, &table, &truths, &deal(seed), 20).expect("a replicate")).collect();
    case.replicates = gather(16, 1, &found);
    let circumstances = Circumstances {
        code: Code { version: "0".to_owned(), instrument: "0".to_owned() },
        development: Development::default(),
        seed: 1,
        failed_growths: Vec::new(),
    };
    let certificate = certify(&suite, &[case], circumstances);
    assert!(!certificate.verdicts && certificate.all.right.is_none() && certificate.all.confusion.is_empty());
    assert!(certificate.all.false_positives.is_empty() && certificate.all.power.is_empty());
    assert!(certificate.checks.iter().all(|check| !check.name.contains("mask")), "{:?}", certificate.checks);
    let recovered: Vec<&str> = certificate.all.recovery.iter().map(|one| one.quantity.as_str()).collect();
    assert_eq!(recovered, ["svo_angle", "svo_angle_listed"]);
    assert!(certificate.all.coverage.iter().any(|one| one.quantity == "svo_angle_listed"));
    let text = serde_json::to_string(&certificate).expect("JSON");
    assert!(text.contains(r#""verdicts":false"#));
    assert_eq!(serde_json::from_str::<Certificate>(&text).expect("the same"), certificate);
}

/// Certificates that were made before suites without verdicts were certified say nothing of it.
#[test]
fn the_certificate_of_core_is_one_of_verdicts() {
    let text = include_str!("../../../certificate/core.json");
    let certificate: Certificate = serde_json::from_str(text).expect("a certificate");
    assert!(certificate.verdicts && !text.contains(r#""verdicts""#));
    assert!(!serde_json::to_string(&certificate).expect("JSON").contains(r#""verdicts""#));
}
