//! Survival: against lifelines and statsmodels (`oracle/make_survival.py`), invariances, and coverage in simulation.

mod draws;

use draws::Random;
use serde::Deserialize;
use undermask_measure::competing::cumulative_incidence;
use undermask_measure::log_rank::{Strata, log_rank};
use undermask_measure::survival::{Ending, Lifetime, Passing, cluster_bootstrap, kaplan_meier};
use undermask_measure::{Linear, Refusal};

#[derive(Deserialize)]
struct Oracle {
    curves: Vec<CurveCase>,
    log_rank: Vec<LogRankCase>,
    competing: Vec<CompetingCase>,
}

#[derive(Deserialize)]
struct CurveCase {
    turn: Vec<u32>,
    event: Vec<usize>,
    at: Vec<u32>,
    survival: Vec<f64>,
    greenwood: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    horizon: u32,
    mean: f64,
    mean_variance: f64,
    median: Option<u32>,
    median_low: Option<u32>,
    median_high: Option<u32>,
}

#[derive(Deserialize)]
struct LogRankCase {
    turn: Vec<u32>,
    event: Vec<usize>,
    group: Vec<usize>,
    stratum: Vec<usize>,
    stratified: bool,
    statistic: f64,
    p: f64,
}

#[derive(Deserialize)]
struct CompetingCase {
    turn: Vec<u32>,
    cause: Vec<usize>,
    wanted: usize,
    at: Vec<u32>,
    incidence: Vec<f64>,
    variance: Vec<f64>,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle/survival.json")).expect("survival.json is read")
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
}

/// Cause 0 is censoring, as in lifelines; cause k + 1 is event k.
fn lifetime(turn: u32, cause: usize, cluster: usize) -> Lifetime {
    Lifetime::new(turn, cause.checked_sub(1).map_or(Ending::Censored, Ending::Event), cluster)
}

fn lifetimes(turns: &[u32], causes: &[usize]) -> Vec<Lifetime> {
    turns.iter().zip(causes).enumerate().map(|(index, (turn, cause))| lifetime(*turn, *cause, index)).collect()
}

#[test]
fn curve_band_mean_and_median_are_those_of_lifelines() {
    for case in oracle().curves {
        let curve = kaplan_meier(&lifetimes(&case.turn, &case.event), Some(0), 0.95).expect("a curve");
        assert_eq!(curve.steps.iter().map(|step| step.turn).collect::<Vec<_>>(), case.at);
        for (index, step) in curve.steps.iter().enumerate() {
            near(step.survival, case.survival[index], 1e-9);
            near(step.variance, case.greenwood[index], 1e-9);
            if step.survival > 0.0 {
                near(step.log_log.0, case.low[index], 1e-9);
                near(step.log_log.1, case.high[index], 1e-9);
            }
        }
        let count = case.turn.len() as f64;
        let mean = curve.restricted_mean(case.horizon).expect("within what was seen");
        near(mean.value, case.mean, 1e-9);
        near(mean.error().powi(2) * (count - 1.0) / count, case.mean_variance, 1e-9);
        let last = curve.followed;
        let expected = |turn: Option<u32>| turn.map_or(Passing::Beyond(last), Passing::At);
        let median = curve.quantile(0.5).expect("a share");
        assert_eq!(median.turn, expected(case.median));
        assert_eq!((median.low, median.high), (expected(case.median_low), expected(case.median_high)));
    }
}

#[test]
fn log_rank_is_that_of_statsmodels() {
    for case in oracle().log_rank {
        let count = case.group.iter().max().expect("groups") + 1;
        let groups: Vec<Vec<Lifetime>> = (0..count)
            .map(|group| {
                (0..case.turn.len())
                    .filter(|index| case.group[*index] == group)
                    .map(|index| lifetime(case.turn[index], case.event[index], case.stratum[index]))
                    .collect()
            })
            .collect();
        let slices: Vec<&[Lifetime]> = groups.iter().map(Vec::as_slice).collect();
        let strata = if case.stratified { Strata::Clusters } else { Strata::Pooled };
        let found = log_rank(&slices, Some(0), strata).expect("comparable");
        near(found.statistic, case.statistic, 1e-8);
        near(found.p, case.p, 1e-9);
        near(found.observed.iter().sum::<f64>(), found.expected.iter().sum::<f64>(), 1e-9);
    }
}

#[test]
fn incidence_is_that_of_lifelines() {
    for case in oracle().competing {
        let found =
            cumulative_incidence(&lifetimes(&case.turn, &case.cause), case.wanted - 1, 0.95).expect("incidence");
        for (index, turn) in case.at.iter().enumerate() {
            let step = found.steps.iter().rfind(|step| step.turn <= *turn).expect("a step by then");
            near(step.incidence, case.incidence[index], 1e-9);
            near(step.variance, case.variance[index], 1e-9);
            if let (Some(low), Some(high)) = (case.low[index], case.high[index]) {
                near(step.interval.0, low, 1e-6);
                near(step.interval.1, high, 1e-6);
            }
        }
    }
}

fn random_lifetimes(random: &mut Random, count: usize) -> Vec<Lifetime> {
    (0..count)
        .map(|index| {
            let ending = match random.below(4) {
                0 => Ending::Censored,
                cause => Ending::Event(cause - 1),
            };
            Lifetime::new(random.below(15) as u32, ending, index / 3)
        })
        .collect()
}

#[test]
fn order_weights_and_sums_do_not_matter_where_they_should_not() {
    let mut random = Random::new(1);
    for _ in 0..100 {
        let count = 3 + random.below(60);
        let seen = random_lifetimes(&mut random, count);
        let curve = kaplan_meier(&seen, None, 0.9).expect("a curve");
        let mut turned = seen.clone();
        turned.reverse();
        assert_eq!(kaplan_meier(&turned, None, 0.9).expect("a curve").steps, curve.steps);
        // Listing all twice halves the variance and nothing else; so does a weight of 2.
        let twice = kaplan_meier(&[seen.clone(), seen.clone()].concat(), None, 0.9).expect("a curve");
        let heavy: Vec<Lifetime> = seen.iter().map(|one| Lifetime { weight: 2.0, ..*one }).collect();
        let weighted = kaplan_meier(&heavy, None, 0.9).expect("a curve");
        for ((one, two), three) in curve.steps.iter().zip(&twice.steps).zip(&weighted.steps) {
            near(two.survival, one.survival, 1e-12);
            near(two.variance, one.variance / 2.0, 1e-12);
            near(three.survival, two.survival, 1e-12);
            near(three.variance, two.variance, 1e-12);
            assert!(one.log_log.0 <= one.survival && one.survival <= one.log_log.1);
        }
        // What has not happened in any way is what survives.
        let causes: Vec<_> = (0..3).map(|cause| cumulative_incidence(&seen, cause, 0.9).expect("incidence")).collect();
        for step in &curve.steps {
            let all: f64 = causes.iter().map(|found| found.at(step.turn)).sum();
            near(all + step.survival, 1.0, 1e-12);
        }
        // Moving all turns by one moves the restricted mean by one.
        if let Ok(mean) = curve.restricted_mean(8) {
            let later: Vec<Lifetime> = seen.iter().map(|one| Lifetime { turn: one.turn + 1, ..*one }).collect();
            let moved = kaplan_meier(&later, None, 0.9).expect("a curve").restricted_mean(9).expect("a mean");
            near(moved.value, mean.value + 1.0, 1e-12);
            near(moved.error(), mean.error(), 1e-12);
        }
    }
}

#[test]
fn one_cause_makes_incidence_the_complement_with_greenwoods_variance() {
    let mut random = Random::new(2);
    let seen: Vec<Lifetime> =
        (0..50).map(|index| lifetime(random.below(20) as u32, usize::from(random.unit() < 0.7), index)).collect();
    let curve = kaplan_meier(&seen, None, 0.95).expect("a curve");
    let found = cumulative_incidence(&seen, 0, 0.95).expect("incidence");
    for (one, two) in curve.steps.iter().zip(&found.steps).filter(|(one, _)| one.survival > 0.0) {
        near(one.survival, 1.0 - two.incidence, 1e-12);
        near(one.variance, two.variance, 1e-12);
    }
}

#[test]
fn refusals_are_typed() {
    assert_eq!(kaplan_meier(&[], None, 0.95), Err(Refusal::TooFew { what: "observations", have: 0, need: 1 }));
    let seen = lifetimes(&[3, 4], &[1, 0]);
    let curve = kaplan_meier(&seen, None, 0.95).expect("a curve");
    assert!(matches!(curve.restricted_mean(6), Err(Refusal::Beyond { .. })));
    assert!(matches!(curve.survival(9), Err(Refusal::Beyond { .. })));
    let broken = [Lifetime { weight: f64::NAN, ..seen[0] }];
    assert!(matches!(kaplan_meier(&broken, None, 0.95), Err(Refusal::Invalid { what: "weight", .. })));
    let silent = lifetimes(&[3, 4], &[0, 0]);
    assert!(matches!(log_rank(&[&silent, &silent], None, Strata::Pooled), Err(Refusal::Undetermined { .. })));
    assert!(matches!(log_rank(&[&seen], None, Strata::Pooled), Err(Refusal::TooFew { .. })));
    let unbroken = kaplan_meier(&silent, None, 0.95).expect("a curve").unbroken().expect("no event");
    near(unbroken.0, 0.025f64.sqrt(), 1e-12);
}

/// Four conversations to each of 40 scenarios, whose hazards differ.
fn clustered_sample(random: &mut Random, base: f64, spread: f64) -> Vec<Lifetime> {
    let mut seen = Vec::new();
    for cluster in 0..40 {
        let hazard = (base + spread * (2.0 * random.unit() - 1.0)).clamp(0.0, 1.0);
        for _ in 0..4 {
            let switched = (1..=20).find(|_| random.unit() < hazard);
            let lost = if random.unit() < 0.2 { 1 + random.below(20) as u32 } else { 20 };
            seen.push(match switched {
                Some(turn) if turn <= lost => Lifetime::new(turn, Ending::Event(0), cluster),
                _ => Lifetime::new(lost, Ending::Censored, cluster),
            });
        }
    }
    seen
}

#[test]
fn the_clustered_interval_of_the_restricted_mean_covers() {
    let (base, spread, horizon) = (0.08, 0.07, 15);
    let truth: f64 = (0..horizon)
        .map(|turn| {
            (0..20_000)
                .map(|step| 1.0 - (base + spread * (2.0 * (f64::from(step) + 0.5) / 20_000.0 - 1.0)))
                .map(|kept: f64| kept.powi(turn))
                .sum::<f64>()
                / 20_000.0
        })
        .sum();
    let mut random = Random::new(3);
    let (mut covered, mut naive) = (0, 0);
    let replicates = 2000;
    for _ in 0..replicates {
        let seen = clustered_sample(&mut random, base, spread);
        let inside = |mean: Linear| {
            let (low, high) = mean.interval(0.95);
            usize::from(low <= truth && truth <= high)
        };
        let mean = |seen: &[Lifetime]| kaplan_meier(seen, None, 0.95).and_then(|curve| curve.restricted_mean(15));
        covered += inside(mean(&seen).expect("a mean"));
        let alone: Vec<Lifetime> = seen.iter().enumerate().map(|(cluster, one)| Lifetime { cluster, ..*one }).collect();
        naive += inside(mean(&alone).expect("a mean"));
    }
    let share = |count: usize| count as f64 / f64::from(replicates);
    println!("covers {:.3}, without clusters {:.3}", share(covered), share(naive));
    assert!((0.931..=0.969).contains(&share(covered)), "{}", share(covered));
    assert!(share(naive) < share(covered), "clusters must matter here");
}

#[test]
fn the_bootstrap_agrees_with_the_clustered_error() {
    let seen = clustered_sample(&mut Random::new(4), 0.08, 0.07);
    let mean = |seen: &[Lifetime]| kaplan_meier(seen, None, 0.95).and_then(|curve| curve.restricted_mean(15));
    let exact = mean(&seen).expect("a mean");
    let (low, high) =
        cluster_bootstrap(&seen, 2000, 5, 0.95, |drawn| mean(drawn).ok().map(|mean| mean.value)).expect("an interval");
    let ratio = (high - low) / (2.0 * 1.96 * exact.error());
    assert!((0.85..1.15).contains(&ratio), "{ratio}");
    assert!(low < exact.value && exact.value < high);
}

#[test]
fn log_rank_rejects_equal_groups_at_its_level() {
    let mut random = Random::new(6);
    let rejected = (0..2000)
        .filter(|_| {
            let (one, two) = (clustered_sample(&mut random, 0.08, 0.0), clustered_sample(&mut random, 0.08, 0.0));
            log_rank(&[&one, &two], None, Strata::Clusters).expect("comparable").p < 0.05
        })
        .count();
    assert!((70..=130).contains(&rejected), "{rejected} of 2000");
}
