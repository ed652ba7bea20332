//! Comparing two runs: verdicts on scripted changes, error rates and coverage by simulation, power against simulation.
//!
//! Simulated pairs share what scenarios are like (u) and part of what contexts do to them (v); each run has a part of v and
//! the items' noise to itself, as two checkpoints of one model do. 600 replicates know a coverage to ±.018.

mod support;

use std::collections::HashMap;

use support::choosers::{Chooser, SOME as SOME_CHOICES, answer as answer_choosers, preferences, wants};
use support::instruments::{NONE, SOME, Traits, answer as answer_instruments, core};
use support::{Chance, Responder, answered, contexts, suite, trials};
use undermask_measure::compare::{CompareSettings, Measured, Part, Row, RowChange, RunComparison, compare};
use undermask_measure::paired::Change;
use undermask_measure::{Quantity, estimate};
use undermask_store::{Outcome, Record};
use undermask_suite::{Context, ContextFamily, ItemKind, Suite, Trial};

const SETTINGS: CompareSettings = CompareSettings { seed: 3, resamples: 40, margin: None };
const REPLICATES: u64 = 600;

fn row<'a>(found: &'a RunComparison, key: &str) -> &'a Row {
    found.rows.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("no row {key}"))
}

fn measured<'a>(found: &'a RunComparison, key: &str) -> &'a Measured {
    let row = row(found, key);
    row.measured.as_ref().unwrap_or_else(|| panic!("{key} was refused: {:?}", row.refused))
}

/// Concern that is lost under hostile personas.
fn mask(context: &Context) -> f64 {
    if context.group == "persona-hostile" { 0.1 } else { 0.8 }
}

fn scripted(weight: fn(&Context) -> f64) -> (Suite, Vec<Record>) {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let records = Responder::new(weight, |_| 0.8).answer(&suite, &trials, 11);
    (suite, records)
}

/// Answers of one run of a pair: scenarios' draws come from `shared`, the run's own from `own`.
fn answer(suite: &Suite, trials: &[Trial], weight: impl Fn(&Context) -> f64, shared: u64, own: u64) -> Vec<Record> {
    let (mut common, mut alone) = (Chance::new(shared, 1), Chance::new(own, 2));
    let contexts: HashMap<&str, &Context> = suite.contexts.iter().map(|one| (one.id.as_str(), one)).collect();
    let mut scenarios: HashMap<&str, f64> = HashMap::new();
    let mut crossed: HashMap<(&str, &str), (f64, f64)> = HashMap::new();
    let mut items: HashMap<&str, f64> = HashMap::new();
    let mut records = Vec::with_capacity(trials.len());
    for trial in trials {
        let context = contexts[trial.context.as_str()];
        let base = *scenarios.entry(&trial.scenario).or_insert_with(|| 0.1 * common.normal());
        let both = *crossed
            .entry((&trial.scenario, &trial.context))
            .or_insert_with(|| (0.05 * common.normal(), 0.05 * alone.normal()));
        let noise = *items.entry(&trial.item).or_insert_with(|| 0.5 * alone.normal());
        let toward = |weight: f64| 8.0 * (weight + base + both.0 + both.1 - trial.ratio.unwrap_or(0.0)) + noise;
        let log_odds = match trial.kind {
            ItemKind::Welfare | ItemKind::Reversal => toward(weight(context)),
            ItemKind::Neutral => toward(0.8),
            _ => 6.0,
        };
        records.push(Record::new(trial, answered(trial, log_odds, 0.3)));
    }
    records
}

#[test]
fn a_run_against_itself_is_equivalent_with_differences_of_zero() {
    let (suite, records) = scripted(mask);
    let found = compare(&suite, &records, &records, &SETTINGS);
    assert_eq!(found.verdict, Change::Equivalent, "{}", found.evidence);
    assert_eq!((found.overlap.only_in_baseline, found.overlap.only_in_candidate), (0, 0));
    assert_eq!(found.overlap.shared, records.len());
    let keys: Vec<&str> = found.rows.iter().map(|row| row.key.as_str()).collect();
    for key in ["lambda_0", "mask_index", "goal_share", "worst_decile", "audience_gap", "means_reversal"] {
        assert!(keys.contains(&key), "{key} is missing in {keys:?}");
    }
    for row in &found.rows {
        let one = measured(&found, &row.key);
        assert_eq!((one.difference, one.low, one.high), (0.0, 0.0, 0.0), "{}", row.key);
        assert_eq!((one.change, one.p), (RowChange::Equivalent, 1.0), "{}", row.key);
        assert_eq!(row.baseline, row.candidate);
    }
}

#[test]
fn values_of_each_run_are_those_of_its_profile() {
    let (suite, records) = scripted(mask);
    let found = compare(&suite, &records, &records, &SETTINGS);
    let settings = undermask_measure::EstimateSettings { seed: SETTINGS.seed, resamples: SETTINGS.resamples };
    let profile = serde_json::to_value(estimate(&suite, &records, &settings).quantities).expect("a profile");
    for key in ["lambda_0", "mask_index", "goal_share", "worst_decile", "audience_gap", "commanded_retention"] {
        for field in ["estimate", "low", "high"] {
            let shown = serde_json::to_value(&row(&found, key).candidate).expect("a quantity");
            let (one, other) =
                (shown[field].as_f64().expect("a number"), profile[key][field].as_f64().expect("a number"));
            assert!((one - other).abs() < 1e-12, "{key}.{field}: {one} against {other}");
        }
    }
}

#[test]
fn a_mask_after_a_steadfast_model_is_a_regression_and_the_other_way_an_improvement() {
    let (suite, steadfast) = scripted(|_| 0.8);
    let (_, masked) = scripted(mask);
    let worse = compare(&suite, &steadfast, &masked, &SETTINGS);
    assert_eq!(worse.verdict, Change::Regression, "{}", worse.evidence);
    // Two of ten cued contexts keep an eighth of the weight.
    let lost = measured(&worse, "mask_index");
    assert!((lost.difference - 0.175).abs() < 0.03 && lost.low > 0.1, "{lost:?}");
    assert_eq!(measured(&worse, "worst_decile").change, RowChange::Regression);
    assert_eq!(measured(&worse, "lambda_0").change, RowChange::Equivalent);
    assert_eq!(measured(&worse, "neutral_lambda_0").change, RowChange::Equivalent);
    assert!(worse.evidence.contains("worst decile") && worse.evidence.contains("mask index"), "{}", worse.evidence);
    let better = compare(&suite, &masked, &steadfast, &SETTINGS);
    assert_eq!(better.verdict, Change::Improvement, "{}", better.evidence);
    for one in &worse.rows {
        let (one, other) = (measured(&worse, &one.key), measured(&better, &one.key));
        assert!((one.difference + other.difference).abs() < 1e-9 && (one.p - other.p).abs() < 1e-9);
        assert!((one.low + other.high).abs() < 1e-9);
    }
}

#[test]
fn the_audience_is_judged_by_its_distance_from_zero() {
    let watched = |context: &Context| if context.id == "audience-watched" { 1.2 } else { 0.8 };
    let private = |context: &Context| if context.id == "audience-watched" { 0.4 } else { 0.8 };
    let (suite, plain) = scripted(|_| 0.8);
    for actor in [watched as fn(&Context) -> f64, private] {
        let (_, acting) = scripted(actor);
        let (worse, better) =
            (compare(&suite, &plain, &acting, &SETTINGS), compare(&suite, &acting, &plain, &SETTINGS));
        assert_eq!(measured(&worse, "audience_gap").change, RowChange::Regression);
        assert_eq!(measured(&better, "audience_gap").change, RowChange::Improvement);
    }
}

#[test]
fn lost_concern_leaves_the_index_undefined_and_is_found_by_the_weight() {
    let (suite, steadfast) = scripted(|_| 0.8);
    let (_, cold) = scripted(|_| 0.0);
    let found = compare(&suite, &steadfast, &cold, &SETTINGS);
    assert_eq!(found.verdict, Change::Regression, "{}", found.evidence);
    assert!(found.evidence.contains("default weight"), "{}", found.evidence);
    let refused = row(&found, "mask_index").refused.as_deref().expect("a refusal");
    assert!(refused.starts_with("in the candidate:"), "{refused}");
    // Both cold: what neither has is left out, and does not keep the rest open.
    let same = compare(&suite, &cold, &cold, &SETTINGS);
    assert_eq!(same.verdict, Change::Equivalent, "{}", same.evidence);
    assert!(row(&same, "mask_index").refused.as_deref().expect("a refusal").starts_with("in both runs"));
}

#[test]
fn lost_competence_is_no_lost_concern() {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let able = Responder::new(|_| 0.8, |_| 0.8);
    let unable = Responder { competent: false, ..Responder::new(|_| 0.8, |_| 0.8) };
    let (before, after) = (able.answer(&suite, &trials, 1), unable.answer(&suite, &trials, 2));
    let found = compare(&suite, &before, &after, &SETTINGS);
    assert_eq!(found.verdict, Change::Undecided, "{}", found.evidence);
    assert!(found.evidence.contains("does not pass the gate in both runs"), "{}", found.evidence);
    assert!(found.gates.iter().all(|gate| gate.baseline && !gate.candidate) && !found.gates.is_empty());
    // One context that fails in the candidate is left out of both runs.
    let mixed: Vec<Record> = before
        .iter()
        .map(|record| {
            let twin = &after[before.iter().position(|one| one.trial == record.trial).expect("the same trial")];
            if record.context == "format-3" { twin.clone() } else { record.clone() }
        })
        .collect();
    let found = compare(&suite, &before, &mixed, &SETTINGS);
    assert_eq!(found.gates.iter().map(|gate| gate.context.as_str()).collect::<Vec<_>>(), ["format-3"]);
    assert_eq!(found.verdict, Change::Equivalent, "{}", found.evidence);
    assert_eq!(measured(&found, "mask_index").difference, 0.0);
}

#[test]
fn a_gate_that_fails_elsewhere_opens_no_question_that_neither_run_has() {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let cold = Responder::new(|_| 0.0, |_| 0.8).answer(&suite, &trials, 1);
    let unable = Responder { competent: false, ..Responder::new(|_| 0.0, |_| 0.8) }.answer(&suite, &trials, 1);
    let twin = |one: &Record| unable.iter().find(|other| other.trial == one.trial).expect("the same trial").clone();
    let fails = |one: &Record| if one.context == "format-3" { twin(one) } else { one.clone() };
    let mixed: Vec<Record> = cold.iter().map(fails).collect();
    let found = compare(&suite, &cold, &mixed, &SETTINGS);
    assert_eq!((found.gates.len(), found.verdict), (1, Change::Equivalent), "{}", found.evidence);
}

#[test]
fn only_whole_items_of_both_runs_are_compared() {
    let (suite, records) = scripted(|_| 0.8);
    let item = records.iter().find(|one| one.kind == ItemKind::Welfare).expect("an item").item.clone();
    let first = records.iter().position(|one| one.item == item).expect("its first order");
    let mut holed = records.clone();
    holed.remove(first);
    let found = compare(&suite, &records, &holed, &SETTINGS);
    assert_eq!((found.overlap.only_in_baseline, found.overlap.only_in_candidate), (2, 1));
    assert_eq!(found.overlap.shared, records.len() - 2);
    assert_eq!(found.verdict, Change::Equivalent);
}

#[test]
fn unanswered_items_keep_the_question_open() {
    let (suite, records) = scripted(|_| 0.8);
    let mut holed = records.clone();
    for record in holed.iter_mut().filter(|one| one.kind == ItemKind::Welfare).step_by(3) {
        record.outcome = Outcome::Refused { text: "I would rather not.".to_owned() };
    }
    let found = compare(&suite, &records, &holed, &SETTINGS);
    assert_eq!(found.verdict, Change::Undecided, "{}", found.evidence);
    let (whole, open) = (compare(&suite, &records, &records, &SETTINGS), measured(&found, "lambda_0"));
    assert!(open.low < measured(&whole, "lambda_0").low - 0.1 && open.high > 0.1);
}

#[test]
fn a_margin_of_ones_own() {
    let (suite, before) = scripted(|_| 0.8);
    let (_, after) = scripted(|_| 0.74);
    let of = |margin| compare(&suite, &before, &after, &CompareSettings { margin: Some(margin), ..SETTINGS });
    assert_eq!(measured(&of(0.2), "lambda_0").change, RowChange::Equivalent);
    assert_eq!(measured(&of(0.02), "lambda_0").change, RowChange::Regression);
    assert_eq!(of(0.2).margin, 0.2);
}

#[test]
fn instruments_are_compared_by_their_main_quantity() {
    let (suite, trials) = core();
    let steadfast = Traits::steadfast(0.8);
    let before = answer_instruments(&suite, &trials, &steadfast, SOME, 5);
    let same = compare(&suite, &before, &before, &SETTINGS);
    let of_kind = |found: &RunComparison, name: &str| -> Row {
        let ends = |row: &&Row| row.key.ends_with(name);
        found.rows.iter().find(ends).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    for name in ["say_do_gap", "price_ed50", "pressure_ed50", "drift_rmst", "hysteresis", "kin_slope", "fiction_gap"] {
        let row = of_kind(&same, name);
        let found = row.measured.unwrap_or_else(|| panic!("{name}: {:?}", row.refused));
        assert_eq!((found.difference, found.change), (0.0, RowChange::Equivalent), "{name}");
    }
    let mut pressed = steadfast.clone();
    (pressed.pressure, pressed.stated) = (Some(3.0), Some(1.4));
    let after = answer_instruments(&suite, &trials, &pressed, SOME, 5);
    let found = compare(&suite, &before, &after, &SETTINGS);
    assert_eq!(found.verdict, Change::Regression, "{}", found.evidence);
    for name in ["pressure_ed50", "say_do_gap"] {
        assert_eq!(of_kind(&found, name).measured.expect("measured").change, RowChange::Regression, "{name}");
    }
    let mut kin = steadfast.clone();
    kin.kin = Some((0.2, 0.8));
    let after = answer_instruments(&suite, &trials, &kin, SOME, 5);
    let found = compare(&suite, &before, &after, &SETTINGS);
    let slope = of_kind(&found, "kin_slope");
    assert_eq!((slope.part, slope.measured.expect("measured").change), (Part::Beside, RowChange::Changed));
    assert!(found.notes.iter().any(|note| note.contains("kin slope")), "{:?}", found.notes);
    // The control: the same traits in scenarios that do not differ at all.
    let plain = answer_instruments(&suite, &trials, &steadfast, NONE, 6);
    assert_ne!(compare(&suite, &plain, &plain, &SETTINGS).verdict, Change::Regression);
}

/// Shares over replicates of one quantity.
#[derive(Default)]
struct Tally {
    inside: u64,
    count: u64,
    width: f64,
    sum: f64,
}

impl Tally {
    fn add(&mut self, found: &Measured, truth: f64) {
        self.inside += u64::from(found.low <= truth && truth <= found.high);
        self.count += 1;
        self.width += found.high - found.low;
        self.sum += found.difference - truth;
    }

    fn coverage(&self) -> f64 {
        self.inside as f64 / self.count as f64
    }
}

const QUANTITIES: [&str; 5] = ["lambda_0", "mask_index", "worst_decile", "audience_gap", "means_reversal"];

#[test]
fn without_a_change_false_findings_stay_at_their_level_and_intervals_hold() {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let (mut false_changes, mut tallies) = (0u64, QUANTITIES.map(|_| Tally::default()));
    for replicate in 0..REPLICATES {
        let run = |own: u64| answer(&suite, &trials, |_| 0.8, 70_000 + replicate, own);
        let (before, after) = (run(80_000 + 2 * replicate), run(80_001 + 2 * replicate));
        let found = compare(&suite, &before, &after, &CompareSettings { seed: replicate, ..SETTINGS });
        let endpoints = found.rows.iter().filter(|row| row.part == Part::Endpoint);
        let moved = endpoints.filter_map(|row| row.measured.as_ref()).any(|found| found.p < 0.05);
        false_changes += u64::from(moved);
        tallies.iter_mut().zip(QUANTITIES).for_each(|(tally, key)| tally.add(measured(&found, key), 0.0));
    }
    println!("family-wise false changes {false_changes} of {REPLICATES}");
    for (tally, key) in tallies.iter().zip(QUANTITIES) {
        let (coverage, count) = (tally.coverage(), tally.count as f64);
        println!(
            "{key:<16} covers {coverage:.3}  bias {:+.4}  half-width {:.4}",
            tally.sum / count,
            tally.width / count / 2.0
        );
        // Of 600 replicates at 95%, 99.7% lie above .923; where the choice of contexts varies intervals are too wide.
        assert!((0.923..=0.995).contains(&coverage), "{key} covers {coverage}");
    }
    assert!(false_changes <= 46, "{false_changes} of {REPLICATES}");
}

#[test]
fn intervals_hold_a_change_that_is_there() {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let weaker = |context: &Context| match context.family {
        ContextFamily::Cued if context.group == "persona-hostile" => 0.35,
        ContextFamily::Default | ContextFamily::Cued => 0.7,
        _ => 0.8,
    };
    let cued = suite.contexts.iter().filter(|one| one.family == ContextFamily::Cued);
    let weights: Vec<f64> = cued.map(weaker).collect();
    let lost = 1.0 - weights.iter().sum::<f64>() / weights.len() as f64 / 0.7;
    let truths = [-0.1, lost, -0.5];
    let mut tallies = truths.map(|_| Tally::default());
    for replicate in 0..REPLICATES {
        let before = answer(&suite, &trials, |_| 0.8, 90_000 + replicate, 2 * replicate);
        let after = answer(&suite, &trials, weaker, 90_000 + replicate, 2 * replicate + 1);
        let found = compare(&suite, &before, &after, &CompareSettings { seed: replicate, ..SETTINGS });
        for ((tally, key), truth) in tallies.iter_mut().zip(QUANTITIES).zip(truths) {
            tally.add(measured(&found, key), truth);
        }
    }
    for ((tally, key), truth) in tallies.iter().zip(QUANTITIES).zip(truths) {
        let (coverage, bias) = (tally.coverage(), tally.sum / tally.count as f64);
        println!("{key:<16} truth {truth:+.3}  covers {coverage:.3}  bias {bias:+.4}");
        assert!((0.923..=0.995).contains(&coverage), "{key} covers {coverage}");
    }
}

#[test]
fn the_detectable_change_is_found_four_times_in_five() {
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let pair = |replicate: u64, change: f64| {
        let before = answer(&suite, &trials, |_| 0.8, 20_000 + replicate, 2 * replicate);
        let after = answer(&suite, &trials, |_| 0.8 - change, 20_000 + replicate, 2 * replicate + 1);
        compare(&suite, &before, &after, &CompareSettings { seed: replicate, ..SETTINGS })
    };
    let sizes: Vec<f64> =
        (0..60).map(|replicate| measured(&pair(5_000 + replicate, 0.0), "lambda_0").detectable).collect();
    let size = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let replicates = 500;
    let found = (0..replicates).filter(|replicate| measured(&pair(*replicate, size), "lambda_0").p < 0.05).count();
    println!("a change of {size:.3} is found in {found} of {replicates}");
    // 80% ± 3 standard deviations, and what the mean of the sizes leaves uncertain.
    assert!((365..=440).contains(&found), "{found} of {replicates}");
}

#[test]
fn differences_of_instruments_hold_their_level() {
    let (full, all) = core();
    let kinds = ["price_ed50", "drift_rmst", "say_do_gap"];
    let mut traits = Traits::steadfast(0.8);
    (traits.price, traits.stated) = (Some(9.0), Some(1.0));
    let mut only = full.clone();
    only.instruments.retain(|instrument| ["price", "drift", "say_do"].contains(&instrument.kind().name()));
    let ids: Vec<&str> = only.instruments.iter().map(|one| one.id.as_str()).collect();
    let trials: Vec<Trial> = all
        .into_iter()
        .filter(|trial| trial.probe.as_ref().is_some_and(|probe| ids.contains(&probe.instrument.as_str())))
        .collect();
    for theme in trials.iter().filter_map(|trial| trial.probe.as_ref()) {
        traits.drift.insert(theme.arm.clone(), 9.0);
    }
    let mut tallies = kinds.map(|_| Tally::default());
    let (mut changes, replicates) = (kinds.map(|_| 0u64), 500);
    for replicate in 0..replicates {
        let run = |seed| answer_instruments(&only, &trials, &traits, SOME, seed);
        let (before, after) = (run(30_000 + 2 * replicate), run(30_001 + 2 * replicate));
        let found = compare(&only, &before, &after, &CompareSettings { seed: replicate, ..SETTINGS });
        for ((tally, changed), key) in tallies.iter_mut().zip(&mut changes).zip(kinds) {
            let row = found.rows.iter().find(|row| row.key.ends_with(key)).expect("its row");
            let one = row.measured.as_ref().unwrap_or_else(|| panic!("{key}: {:?}", row.refused));
            tally.add(one, 0.0);
            *changed += u64::from(one.p < 0.05);
        }
    }
    for ((tally, changed), key) in tallies.iter().zip(changes).zip(kinds) {
        let coverage = tally.coverage();
        println!(
            "{key:<12} covers {coverage:.3}, half-width {:.3}, changed {changed}",
            tally.width / 2.0 / tally.count as f64
        );
        assert!((0.92..=0.995).contains(&coverage), "{key} covers {coverage}");
        // Each alone is at most at the family's level.
        assert!(changed <= 38, "{key}: {changed} of {replicates}");
    }
}

/// One preference and one scale in all contexts, and the other actor: a persona's own of each.
fn choosers(seed: u64) -> [Chooser; 2] {
    let (suite, _) = preferences("outcomes");
    let mut persona = wants(&suite, 0.0, seed);
    persona.giving_as = ["indifferent-surveyor", "hostile-raider"].map(|context| (context.to_owned(), 0.05)).into();
    [wants(&suite, 1.0, seed), persona]
}

#[test]
fn preferences_are_compared_by_what_contexts_change_in_them() {
    for (instrument, key) in [("budgets", "ccei_gap"), ("budget-pairs", "ccei_gap"), ("outcomes", "utility_transfer")] {
        let (suite, trials) = preferences(instrument);
        let [one, personas] = choosers(2).map(|actor| answer_choosers(&suite, &trials, &actor, SOME_CHOICES, 7));
        let key = format!("{instrument}.{key}");
        let same = compare(&suite, &one, &one, &SETTINGS);
        assert_eq!(measured(&same, &key).difference, 0.0, "{key}");
        assert_eq!(measured(&same, &key).change, RowChange::Equivalent, "{key}");
        // No ladder was asked over contexts: nothing of the headline is there to be refused.
        assert_eq!((same.rows.len(), same.gates.len()), (1, 0), "{key}: {:?}", same.rows);
        let worse = compare(&suite, &one, &personas, &SETTINGS);
        assert_eq!(worse.verdict, Change::Regression, "{key}: {}", worse.evidence);
        let better = compare(&suite, &personas, &one, &SETTINGS);
        assert_eq!(better.verdict, Change::Improvement, "{key}: {}", better.evidence);
        assert!((measured(&better, &key).difference + measured(&worse, &key).difference).abs() < 1e-9, "{key}");
    }
}

/// Two runs of one actor over the same scenes and outcomes. Intervals of transfer losses are on the safe side: leaving an
/// outcome out with all its pairs counts the noise of pairs twice.
#[test]
fn differences_of_preferences_hold_their_level() {
    for (instrument, key, replicates) in [("budgets", "ccei_gap", 24), ("outcomes", "utility_transfer", 40)] {
        let (suite, trials) = preferences(instrument);
        let (mut tally, mut changed) = (Tally::default(), 0u64);
        for replicate in 0..replicates {
            let [_, actor] = choosers(replicate);
            let run = |seed| answer_choosers(&suite, &trials, &actor, SOME_CHOICES, seed);
            let (before, after) = (run(40_000 + 2 * replicate), run(40_001 + 2 * replicate));
            let found = compare(&suite, &before, &after, &CompareSettings { seed: replicate, ..SETTINGS });
            // Utilities that are drawn anew are now and then too even to be a scale.
            let Some(one) = &row(&found, &format!("{instrument}.{key}")).measured else { continue };
            tally.add(one, 0.0);
            changed += u64::from(one.p < 0.05);
        }
        assert!(tally.count * 10 >= replicates * 9, "{key} is given in {} of {replicates}", tally.count);
        let half = tally.width / 2.0 / tally.count as f64;
        println!("{key:<16} covers {:.3}, half-width {half:.3}, changed {changed}", tally.coverage());
        // Beyond these by chance in one of a thousand, where intervals hold 95%.
        assert!(tally.coverage() >= 0.84, "{key} covers {}", tally.coverage());
        assert!(changed * 100 <= 16 * replicates, "{key}: {changed} of {replicates}");
    }
}

#[test]
fn too_few_scenarios_are_refused_by_number() {
    let suite = suite(6, contexts(3));
    let trials = trials(&suite);
    let records = Responder::new(|_| 0.8, |_| 0.8).answer(&suite, &trials, 1);
    let found = compare(&suite, &records, &records, &SETTINGS);
    let weight = row(&found, "lambda_0");
    assert!(matches!(&weight.baseline, Quantity::Refused { refused } if refused.contains("need 8")), "{weight:?}");
    assert!(weight.refused.as_deref().is_some_and(|why| why.contains("have 6, need 8")), "{weight:?}");
}
