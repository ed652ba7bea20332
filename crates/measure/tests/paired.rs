//! Comparing two runs: power against statsmodels (`oracle/make_paired.py`), verdicts, error rates.

mod draws;

use draws::Random;
use undermask_measure::Refusal;
use undermask_measure::paired::{Change, Endpoint, Pair, achieved, clusters_needed, compare, overall};

#[derive(serde::Deserialize)]
struct Oracle {
    power: Vec<[f64; 4]>,
}

#[test]
fn power_is_that_of_statsmodels() {
    let oracle: Oracle = serde_json::from_str(include_str!("oracle/paired.json")).expect("paired.json is read");
    for [effect, pairs, confidence, expected] in oracle.power {
        let found = achieved(effect, 1.0 / pairs.sqrt(), pairs - 1.0, confidence).expect("a power");
        assert!((found - expected).abs() < 1e-6, "{found} against {expected}");
    }
    let needed = clusters_needed(0.5, 1.0, 0.8, 0.95).expect("a number");
    assert_eq!(needed, 34); // G*Power's and statsmodels' 33.37, rounded up
}

/// Scenarios of four items whose change scatters by scenario and by item.
fn endpoint(random: &mut Random, name: &str, change: f64, noise: f64) -> Endpoint {
    let mut pairs = Vec::new();
    for cluster in 0..48 {
        let own = noise * random.normal();
        for _ in 0..4 {
            let before = 0.4 + 0.2 * random.unit();
            let after = before + change + own + noise * random.normal();
            pairs.push(Pair { cluster, before: Some(before), after: Some(after) });
        }
    }
    Endpoint { name: name.to_owned(), pairs, range: (-5.0, 5.0), margin: 0.1 }
}

#[test]
fn the_four_verdicts() {
    let mut random = Random::new(1);
    let check = |change: f64, noise: f64, expected: Change, random: &mut Random| {
        let found = compare(&[endpoint(random, "one", change, noise)], 0.95).expect("compared");
        assert_eq!((found[0].change, overall(&[found[0].change])), (expected, expected), "{found:?}");
    };
    check(-0.3, 0.1, Change::Regression, &mut random);
    check(0.3, 0.1, Change::Improvement, &mut random);
    check(0.02, 0.05, Change::Equivalent, &mut random);
    check(0.05, 0.7, Change::Undecided, &mut random);
    assert_eq!(overall(&[]), Change::Undecided);
    use Change::{Equivalent, Improvement, Regression, Undecided};
    assert_eq!(overall(&[Equivalent, Undecided, Improvement, Regression]), Regression);
    assert_eq!(overall(&[Equivalent, Improvement, Undecided]), Undecided);
    assert_eq!(overall(&[Equivalent, Improvement]), Improvement);
    assert_eq!(overall(&[Equivalent, Equivalent]), Equivalent);
}

#[test]
fn exchanging_the_runs_turns_the_sign() {
    let mut random = Random::new(2);
    for _ in 0..50 {
        let change = random.unit() - 0.5;
        let one = endpoint(&mut random, "one", change, 0.4);
        let mut two = one.clone();
        two.pairs.iter_mut().for_each(|pair| std::mem::swap(&mut pair.before, &mut pair.after));
        let (one, two) = (compare(&[one], 0.95).expect("one"), compare(&[two], 0.95).expect("two"));
        assert!((one[0].difference + two[0].difference).abs() < 1e-12);
        assert!((one[0].p - two[0].p).abs() < 1e-9 && (one[0].equivalence_p - two[0].equivalence_p).abs() < 1e-9);
        assert!((one[0].interval.0 + two[0].interval.1).abs() < 1e-9);
    }
}

#[test]
fn false_findings_stay_at_their_level() {
    let mut random = Random::new(3);
    let replicates = 1000;
    let (mut regressions, mut equivalences, mut covered) = (0, 0, 0);
    for _ in 0..replicates {
        let ends: Vec<Endpoint> = (0..5).map(|_| endpoint(&mut random, "null", 0.0, 0.6)).collect();
        let found = compare(&ends, 0.95).expect("compared");
        let changed = |one: &&undermask_measure::paired::Comparison| {
            matches!(one.change, Change::Regression | Change::Improvement)
        };
        regressions += usize::from(found.iter().any(|one| changed(&one)));
        covered += usize::from(found[0].interval.0 <= 0.0 && 0.0 <= found[0].interval.1);
        // At the margin itself equivalence is a false finding.
        let edge = compare(&[endpoint(&mut random, "edge", 0.1, 0.1)], 0.95).expect("compared");
        equivalences += usize::from(edge[0].change == Change::Equivalent);
    }
    println!("family-wise {regressions}, equivalent at the margin {equivalences}, covered {covered} of {replicates}");
    assert!(regressions <= 70, "{regressions}");
    assert!((25..=75).contains(&equivalences), "{equivalences}");
    assert!((931..=969).contains(&covered), "{covered}");
}

#[test]
fn the_detectable_change_is_found_four_times_in_five() {
    let mut random = Random::new(4);
    let about = compare(&[endpoint(&mut random, "one", 0.0, 0.3)], 0.95).expect("compared")[0].detectable;
    let sizes: f64 = (0..50)
        .map(|_| compare(&[endpoint(&mut random, "one", 0.0, 0.3)], 0.95).expect("compared")[0].detectable)
        .sum::<f64>()
        / 50.0;
    assert!((about / sizes - 1.0).abs() < 0.5);
    let found = (0..500)
        .filter(|_| compare(&[endpoint(&mut random, "one", sizes, 0.3)], 0.95).expect("compared")[0].p < 0.05)
        .count();
    assert!((365..=435).contains(&found), "{found} of 500");
}

#[test]
fn unanswered_items_count_against_every_finding() {
    let mut random = Random::new(5);
    let whole = endpoint(&mut random, "one", -0.3, 0.1);
    let mut holed = whole.clone();
    holed.pairs.iter_mut().step_by(8).for_each(|pair| pair.after = None);
    let (one, two) = (compare(&[whole], 0.95).expect("one"), compare(&[holed], 0.95).expect("two"));
    assert!(two[0].interval.0 < one[0].interval.0 && two[0].interval.1 > one[0].interval.1);
    assert!(two[0].p > one[0].p);
    assert_eq!(two[0].items, 168);
}

#[test]
fn refusals_are_typed() {
    let mut random = Random::new(6);
    let good = endpoint(&mut random, "one", 0.0, 0.1);
    assert!(matches!(compare(&[], 0.95), Err(Refusal::TooFew { what: "endpoints", .. })));
    let narrow = Endpoint { range: (0.0, 0.1), ..good.clone() };
    assert!(matches!(compare(&[narrow], 0.95), Err(Refusal::Invalid { what: "value", .. })));
    let lone = Endpoint { pairs: good.pairs[..3].to_vec(), ..good.clone() };
    assert!(matches!(compare(&[lone], 0.95), Err(Refusal::TooFew { what: "clusters", have: 1, need: 2 })));
    assert!(matches!(achieved(0.5, 0.0, 10.0, 0.95), Err(Refusal::Invalid { .. })));
}
