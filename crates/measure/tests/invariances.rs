//! What must not change an estimate does not, and no subset of records gives a number that is none.

mod support;

use support::{Chance, Responder, answered, context, contexts, suite, trials};
use undermask_measure::{
    EstimateSettings, Point, Profile, Quantity, Scored, Verdict, decide, estimate, power, score, spearman_karber,
};
use undermask_store::{LabelScore, Outcome, Record};
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Suite, Trial};

const SETTINGS: EstimateSettings = EstimateSettings { seed: 3, resamples: 100 };

fn small() -> (Suite, Vec<Trial>, Vec<Record>) {
    let suite = suite(24, contexts(3));
    let trials = trials(&suite);
    let responder = Responder::new(|context| if context.group == "persona-hostile" { 0.2 } else { 0.8 }, |_| 0.8);
    let records = responder.answer(&suite, &trials, 77);
    (suite, trials, records)
}

/// Every number of a profile with its name.
fn numbers(profile: &Profile) -> Vec<(String, Option<f64>)> {
    fn walk(name: &str, value: &serde_json::Value, out: &mut Vec<(String, Option<f64>)>) {
        match value {
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(key, value)| walk(&format!("{name}.{key}"), value, out))
            }
            serde_json::Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, value)| walk(&format!("{name}[{index}]"), value, out))
            }
            serde_json::Value::Number(number) => out.push((name.to_owned(), number.as_f64())),
            // serde_json writes NaN and infinity as null.
            serde_json::Value::Null => out.push((name.to_owned(), None)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk("profile", &serde_json::to_value(profile).expect("a profile is written"), &mut out);
    out
}

#[track_caller]
fn finite(profile: &Profile) {
    for (name, number) in numbers(profile) {
        assert!(number.is_some_and(f64::is_finite), "{name} is no number");
    }
}

#[track_caller]
fn same(one: &Profile, two: &Profile, except: &[&str]) {
    let (one, two) = (numbers(one), numbers(two));
    assert_eq!(one.len(), two.len());
    for ((name, first), (_, second)) in one.iter().zip(&two) {
        if except.iter().any(|part| name.contains(part)) {
            continue;
        }
        let (first, second) = (first.unwrap_or(f64::NAN), second.unwrap_or(f64::NAN));
        assert!((first - second).abs() < 1e-9 * first.abs().max(1.0), "{name}: {first} against {second}");
    }
}

#[test]
fn the_order_of_records_is_nothing() {
    let (suite, _, records) = small();
    let mut other = records.clone();
    let mut chance = Chance::new(1, 9);
    for last in (1..other.len()).rev() {
        other.swap(last, (chance.uniform() * (last + 1) as f64) as usize);
    }
    assert_eq!(estimate(&suite, &records, &SETTINGS), estimate(&suite, &other, &SETTINGS));
}

#[test]
fn a_liking_for_the_first_named_changes_the_bias_only() {
    let (suite, trials, _) = small();
    let responder = |bias| Responder { bias, ..Responder::new(|_| 0.7, |_| 0.8) };
    let plain = estimate(&suite, &responder(0.0).answer(&suite, &trials, 5), &SETTINGS);
    let biased = estimate(&suite, &responder(2.0).answer(&suite, &trials, 5), &SETTINGS);
    same(&plain, &biased, &["position_bias"]);
    let Some(Quantity::Estimated(found)) = &biased.quantities.position_bias else { panic!("the bias") };
    assert!((found.estimate - 2.0).abs() < 1e-9);
}

#[test]
fn log_probabilities_are_scored_by_their_difference() {
    let (suite, _, records) = small();
    let mut shifted = records.clone();
    for record in &mut shifted {
        if let Outcome::Answered { scores } = &mut record.outcome {
            scores.iter_mut().for_each(|score| score.log_probability -= 3.5);
        }
    }
    same(&estimate(&suite, &records, &SETTINGS), &estimate(&suite, &shifted, &SETTINGS), &[]);
}

#[test]
fn swapping_what_the_acts_are_called_turns_the_log_odds() {
    let (_, _, records) = small();
    let mut swapped = records.clone();
    for record in swapped.iter_mut().filter(|record| record.order.is_some()) {
        if let Outcome::Answered { scores } = &mut record.outcome {
            scores.reverse();
        }
    }
    for (one, two) in score(&records).items.iter().zip(&score(&swapped).items) {
        let (one, two) = (one.scored.expect("answered"), two.scored.expect("answered"));
        assert!((one.log_odds + two.log_odds).abs() < 1e-9 && (one.bias + two.bias).abs() < 1e-9);
    }
}

#[test]
fn length_is_normalised_only_where_it_differs_and_counted() {
    let (_, trials, records) = small();
    let mut long = records[..2].to_vec();
    let place = trials.iter().position(|trial| trial.kind == ItemKind::Welfare).expect("welfare trials");
    long.clone_from_slice(&records[place..place + 2]);
    for (record, tokens) in long.iter_mut().zip([(2, 1), (1, 2)]) {
        let score = |log_probability, tokens| LabelScore { log_probability, tokens };
        record.outcome = Outcome::Answered { scores: vec![score(-2.0, tokens.0), score(-3.0, tokens.1)] };
    }
    let scored = score(&long);
    assert_eq!(scored.normalised, 2);
    // ℓ = −2/2 + 3/1 = 2 with the target first, −2/1 + 3/2 = −.5 with it second.
    let found = scored.items[0].scored.expect("answered");
    let first = records[place].target == 0;
    assert!(first && (found.log_odds - 1.25).abs() < 1e-12 && (found.bias - 0.75).abs() < 1e-12, "{found:?}");
}

#[test]
fn scaling_the_ladder_scales_lambda() {
    let answers = |factor: f64| {
        let ratios: Vec<f64> = (0..6).map(|rung| factor * (f64::from(rung) * 0.3 - 0.5)).collect();
        let points: Vec<Point> = (0..24)
            .map(|cluster| Point {
                cluster,
                rung: cluster % 6,
                ratio: ratios[cluster % 6],
                scored: Some(Scored { log_odds: 2.0 - (cluster % 6) as f64 + 0.1 * cluster as f64, bias: 0.0 }),
            })
            .collect();
        let found = spearman_karber(&points, &ratios, 24, 0.95).expect("a ladder");
        (found.lambda, found.influence)
    };
    let (one, three) = (answers(1.0), answers(3.0));
    assert!((3.0 * one.0 - three.0).abs() < 1e-12);
    assert!(one.1.iter().zip(&three.1).all(|(one, three)| (3.0 * one - three).abs() < 1e-12));
}

/// Subsets of every size, with outcomes of every kind and scores that are no numbers.
#[test]
fn no_subset_of_records_gives_a_number_that_is_none() {
    let (suite, _, records) = small();
    finite(&estimate(&suite, &[], &SETTINGS));
    assert_eq!(decide(&suite.criteria, &estimate(&suite, &[], &SETTINGS)).verdict, Verdict::Indeterminate);
    let mut chance = Chance::new(8, 4);
    for round in 0..120 {
        let share = chance.uniform().powi(1 + round % 3);
        let harm = if round % 2 == 0 { 0.0 } else { 0.3 * chance.uniform() };
        let one_scenario = round % 10 == 9;
        let mut subset: Vec<Record> = records.iter().filter(|_| chance.uniform() < share).cloned().collect();
        if one_scenario {
            subset.retain(|record| record.scenario.ends_with("03"));
        }
        for record in &mut subset {
            if chance.uniform() < harm {
                let strange = |log_probability| LabelScore { log_probability, tokens: 0 };
                record.outcome = match (chance.uniform() * 6.0) as usize {
                    0 => Outcome::Refused { text: "no".to_owned() },
                    1 => Outcome::Unparsable { text: "?".to_owned() },
                    2 => Outcome::Error { message: "lost".to_owned() },
                    3 => Outcome::Answered { scores: vec![strange(f64::NAN), strange(f64::NEG_INFINITY)] },
                    4 => Outcome::Answered { scores: vec![strange(f64::NEG_INFINITY); 2] },
                    _ => Outcome::Answered { scores: Vec::new() },
                };
            }
            if chance.uniform() < harm * 0.2 {
                match round % 3 {
                    0 => record.rung = Some(99),
                    1 => record.ratio = Some(f64::NAN),
                    _ => record.ratio = None,
                }
            }
        }
        let profile = estimate(&suite, &subset, &SETTINGS);
        finite(&profile);
        let decision = decide(&suite.criteria, &profile);
        assert!(!decision.reasons.is_empty());
    }
}

#[test]
fn what_was_not_answered_widens_the_interval_to_its_worst_case() {
    let (suite, trials, records) = small();
    let lambda = |records: &[Record]| match estimate(&suite, records, &SETTINGS).quantities.lambda_0 {
        Some(Quantity::Estimated(found)) => found,
        other => panic!("{other:?}"),
    };
    let lost = |trial: &Trial| {
        trial.context == "default"
            && trial.kind == ItemKind::Welfare
            && trial.replicate > 0
            && trial.scenario.ends_with('3')
    };
    let with = |log_odds: Option<f64>| -> Vec<Record> {
        records
            .iter()
            .zip(&trials)
            .map(|(record, trial)| {
                let mut record = record.clone();
                if lost(trial) {
                    record.outcome = log_odds
                        .map_or(Outcome::Refused { text: String::new() }, |log_odds| answered(trial, log_odds, 0.0));
                }
                record
            })
            .collect()
    };
    let (missing, all_help, none_help) = (lambda(&with(None)), lambda(&with(Some(30.0))), lambda(&with(Some(-30.0))));
    assert!(
        missing.low <= none_help.estimate && all_help.estimate <= missing.high,
        "{missing:?} {none_help:?} {all_help:?}"
    );
    assert!(missing.high - missing.low > lambda(&records).high - lambda(&records).low + 0.05);
}

/// All of one rung unanswered: the estimate stands on its neighbours, the interval on anything.
#[test]
fn a_rung_without_an_answer_could_have_been_anything() {
    let ratios: Vec<f64> = (0..8).map(|rung| f64::from(rung) * 0.2).collect();
    let at = |odds: f64| -> Vec<Point> {
        (0..32)
            .map(|cluster| {
                let rung = cluster % 8;
                let scored = Scored { log_odds: if rung == 3 { odds } else { 4.0 - 1.2 * rung as f64 }, bias: 0.0 };
                Point { cluster, rung, ratio: ratios[rung], scored: (rung != 3 || odds.is_finite()).then_some(scored) }
            })
            .collect()
    };
    let found = spearman_karber(&at(f64::NAN), &ratios, 32, 0.95).expect("seven rungs");
    for odds in [-2.0, 0.0, 2.0] {
        let other = spearman_karber(&at(odds), &ratios, 32, 0.95).expect("eight rungs").lambda;
        assert!(
            found.lambda - found.slack.0 <= other && other <= found.lambda + found.slack.1,
            "{odds}: {other} {:?}",
            found.slack
        );
    }
}

#[test]
fn ladders_that_do_not_bracket_the_switch_are_bounds() {
    use undermask_measure::Bound::{Above, Below};
    let suite = suite(24, vec![context("default", ContextFamily::Default, "default", Some(ContextRole::Anchor))]);
    let trials = trials(&suite);
    let bound = |weight: fn(&Context) -> f64| {
        let records = Responder::new(weight, |_| 0.8).answer(&suite, &trials, 2);
        match estimate(&suite, &records, &SETTINGS).quantities.lambda_0 {
            Some(Quantity::Estimated(found)) => found.bound,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([bound(|_| 2.5), bound(|_| -1.5), bound(|_| 0.5)], [Some(Above), Some(Below), None]);
}

#[test]
fn a_small_user_suite_is_estimated_or_refused_in_words() {
    let mut few = suite(5, contexts(2));
    few.ladder.ratios = vec![0.0, 0.4, 0.8, 1.2];
    few.ladder.payoffs = vec![vec![(10, 0)], vec![(10, 4)], vec![(10, 8)], vec![(10, 12)]];
    let trials = trials(&few);
    let records = Responder::new(|_| 0.6, |_| 0.6).answer(&few, &trials, 6);
    let profile = estimate(&few, &records, &SETTINGS);
    finite(&profile);
    assert!(
        matches!(&profile.quantities.lambda_0, Some(Quantity::Refused { refused }) if refused == "too few clusters: have 5, need 8"),
        "{:?}",
        profile.quantities.lambda_0
    );
    few.criteria.fewest_clusters = 4;
    let profile = estimate(&few, &records, &SETTINGS);
    finite(&profile);
    assert!(
        matches!(&profile.quantities.lambda_0, Some(Quantity::Estimated(found)) if found.low <= 0.6 && 0.6 <= found.high),
        "{:?}",
        profile.quantities.lambda_0
    );
}

/// The printed effect is found in about four audits of five, under the assumptions that the plan's power states.
#[test]
fn the_printed_power_is_that_of_the_test() {
    fn weight(context: &Context) -> f64 {
        if context.id == "persona-hostile-0" { 0.8 - DETECTABLE } else { 0.8 }
    }
    let suite = suite(48, contexts(8));
    let trials = trials(&suite);
    let printed = power(&suite, &trials).expect("welfare trials");
    assert!((printed.context - DETECTABLE).abs() < 0.005, "{printed:?}");
    // Spread .15 between scenarios, .1 of it a scenario's own in one context, a quarter of a coin's variance an answer.
    let responder = Responder {
        scenario_spread: (0.15f64.powi(2) - 0.1f64.powi(2)).sqrt(),
        context_spread: 0.1,
        noise: 0.8,
        ..Responder::new(weight, |_| 0.8)
    };
    let found = (0..150)
        .filter(|seed| {
            let profile = estimate(
                &suite,
                &responder.answer(&suite, &trials, 5000 + seed),
                &EstimateSettings { seed: *seed, resamples: 20 },
            );
            let one = profile.contexts.iter().find(|context| context.id == "persona-hostile-0").expect("the context");
            let (Quantity::Estimated(retention), Some(_)) = (&one.retention, one.p_adjusted) else { panic!("refused") };
            retention.high < 1.0
        })
        .count();
    println!("detectable {printed:?}, found in {found} of 150");
    assert!((90..=145).contains(&found), "{found} of 150");
}

/// `printed.context` of the suite above.
const DETECTABLE: f64 = 0.15;

#[test]
fn no_rule_fires_on_what_is_no_number() {
    let (suite, trials, _) = small();
    let records = Responder::new(|_| 0.8, |_| 0.8).answer(&suite, &trials, 9);
    let mut profile = estimate(&suite, &records, &SETTINGS);
    let broken = Some(Quantity::Estimated(undermask_measure::Estimate {
        estimate: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
        n: 1,
        clusters: 1,
        bound: None,
    }));
    let places: [fn(&mut Profile) -> &mut Option<Quantity>; 5] = [
        |profile| &mut profile.quantities.lambda_0,
        |profile| &mut profile.quantities.mask_index,
        |profile| &mut profile.quantities.mask_excess,
        |profile| &mut profile.quantities.worst_decile,
        |profile| &mut profile.quantities.commanded_retention,
    ];
    for place in places {
        *place(&mut profile) = broken.clone();
        for rule in decide(&suite.criteria, &profile).rules {
            assert!(!rule.because.contains("NaN"), "{rule:?}");
        }
    }
    assert_eq!(decide(&suite.criteria, &profile).verdict, Verdict::Indeterminate);
}

/// The core suite's size, about ten thousand records: every quantity is estimated, none refused.
#[test]
fn an_audit_of_ten_thousand_records_is_estimated_in_full() {
    let suite = suite(48, contexts(32));
    let trials = trials(&suite);
    let records = Responder::new(|_| 0.8, |_| 0.8).answer(&suite, &trials, 4);
    assert!(records.len() > 8000);
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 2000 });
    let quantities = serde_json::to_value(&profile.quantities).expect("JSON");
    for (name, quantity) in quantities.as_object().expect("a table") {
        assert!(quantity["refused"].is_null(), "{name}: {quantity}");
    }
    assert!(quantities["worst_decile_excess"]["estimate"].is_number());
}
