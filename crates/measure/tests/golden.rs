//! Against values of scipy: `golden/make_golden.py` writes `golden/golden.json`.

use serde::Deserialize;
use undermask_measure::{
    Linear, Point, Quantity, Scale, Scored, benjamini_hochberg, clustered, clustered_mean, falling, falling_weighted,
    fieller, holm, percentiles, reasons_share, spearman_karber, student_below, student_quantile,
};
use undermask_suite::ItemKind;

#[derive(Deserialize)]
struct Golden {
    quantiles: Vec<[f64; 3]>,
    tails: Vec<[f64; 3]>,
    falling: Vec<Falling>,
    ladder: LadderValues,
    clustered: Clustered,
    multiple: Multiple,
    equivalence: EquivalenceValues,
    fieller: Fieller,
    bootstrap: Bootstrap,
}

#[derive(Deserialize)]
struct Falling {
    values: Vec<f64>,
    weights: Vec<f64>,
    weighted: Vec<f64>,
    plain: Vec<f64>,
}

#[derive(Deserialize)]
struct LadderValues {
    ratios: Vec<f64>,
    answers: Vec<Vec<f64>>,
    lambda: f64,
    error: f64,
}

#[derive(Deserialize)]
struct Clustered {
    cluster: Vec<usize>,
    values: Vec<f64>,
    mean: f64,
    error: f64,
}

#[derive(Deserialize)]
struct Multiple {
    p: Vec<f64>,
    holm: Vec<f64>,
    bh: Vec<f64>,
}

#[derive(Deserialize)]
struct EquivalenceValues {
    values: Vec<f64>,
    margin: f64,
    p: f64,
    two_sided: f64,
}

#[derive(Deserialize)]
struct Fieller {
    over: Vec<f64>,
    under: Vec<f64>,
    x: f64,
    y: f64,
    freedom: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Bootstrap {
    values: Vec<f64>,
    low: f64,
    high: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/golden.json")).expect("golden.json is read")
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found} against {expected}");
}

fn scored(probability: f64) -> Option<Scored> {
    let log_odds = (probability / (1.0 - probability)).ln();
    Some(Scored { log_odds, bias: 0.0 })
}

#[test]
fn student() {
    for [probability, freedom, expected] in golden().quantiles {
        near(student_quantile(probability, freedom), expected, 1e-6);
    }
    for [t, freedom, expected] in golden().tails {
        near(student_below(t, freedom), expected, 1e-9);
    }
}

#[test]
fn pooled_adjacent_violators() {
    for case in golden().falling {
        let weighted = falling_weighted(&case.values, &case.weights);
        weighted.iter().zip(&case.weighted).for_each(|(found, expected)| near(*found, *expected, 1e-12));
        falling(&case.values).iter().zip(&case.plain).for_each(|(found, expected)| near(*found, *expected, 1e-12));
    }
}

#[test]
fn spearman_karber_and_its_error() {
    let values = golden().ladder;
    let points: Vec<Point> = values
        .answers
        .iter()
        .enumerate()
        .flat_map(|(rung, answers)| answers.iter().map(move |answer| (rung, *answer)))
        .enumerate()
        .map(|(cluster, (rung, answer))| Point { cluster, rung, ratio: values.ratios[rung], scored: scored(answer) })
        .collect();
    let found = spearman_karber(&points, &values.ratios, points.len(), 0.95).expect("a full ladder");
    near(found.lambda, values.lambda, 1e-12);
    near(found.influence.iter().map(|part| part * part).sum::<f64>().sqrt(), values.error, 1e-12);
}

#[test]
fn clustered_error() {
    let values = golden().clustered;
    let pairs: Vec<(usize, f64)> = values.cluster.iter().copied().zip(values.values).collect();
    let found = clustered_mean(&pairs, 9).expect("values");
    near(found.value, values.mean, 1e-12);
    near(found.error(), values.error, 1e-12);
}

#[test]
fn many_tests() {
    let values = golden().multiple;
    holm(&values.p).iter().zip(&values.holm).for_each(|(found, expected)| near(*found, *expected, 1e-12));
    benjamini_hochberg(&values.p).iter().zip(&values.bh).for_each(|(found, expected)| near(*found, *expected, 1e-12));
}

#[test]
fn two_one_sided_tests() {
    let values = golden().equivalence;
    let pairs: Vec<(usize, f64)> = values.values.into_iter().enumerate().collect();
    let mut mean = clustered_mean(&pairs, 30).expect("values");
    // scipy's degrees of freedom are n − 1 whatever the tails; the crate's are effective. Equal influences of the same
    // error and 29 degrees of freedom make the two comparable.
    mean.influence = vec![mean.error() / 30f64.sqrt(); 30];
    near(mean.freedom(), 29.0, 1e-12);
    near(mean.equivalence("mean", values.margin, 0.95).p, values.p, 1e-9);
    near(mean.p_value(), values.two_sided, 1e-9);
}

#[test]
fn fieller_solves_its_quadratic() {
    let values = golden().fieller;
    let linear = |value, influence: Vec<f64>| Linear {
        value,
        influence,
        kept: 39.0 / 40.0,
        items: 40,
        clusters: 40,
        slack: (0.0, 0.0),
    };
    let (over, under) = (linear(values.x, values.over), linear(values.y, values.under));
    let ratio = Linear::ratio(&over, &under);
    near(ratio.freedom(), values.freedom, 1e-9);
    let (low, high) = fieller(&over, &under, 0.95).expect("a clear denominator");
    near(low, values.low, 1e-9);
    near(high, values.high, 1e-9);
    // The delta method's, which the headline uses, is within a tenth of its width here.
    let delta = ratio.interval(0.95);
    assert!((delta.0 - low).abs() + (delta.1 - high).abs() < 0.1 * (high - low), "{delta:?} against {low}, {high}");
}

#[test]
fn bootstraps() {
    let values = golden().bootstrap;
    let mean = |weights: &[f64]| {
        Some(
            weights.iter().zip(&values.values).map(|(weight, value)| weight * value).sum::<f64>()
                / weights.iter().sum::<f64>(),
        )
    };
    let found = clustered(values.values.len(), 40_000, 3, 0.95, mean).expect("defined on every draw");
    let tolerance = 0.02;
    near(found.0, values.low, tolerance);
    near(found.1, values.high, tolerance);
    let (low, high) = percentiles((0..=100).map(f64::from).collect(), 0.9);
    near(low, 5.0, 1e-12);
    near(high, 95.0, 1e-12);
}

/// η = a_z + b_k + c·x_z·y_k with centred effects has S_Z = Va/(Va + Vb + c²·Vx·Vy), over the finite factorial.
#[test]
fn sobol_of_a_known_function() {
    let (reasons, contexts) = (40, 30);
    let effect = |index: usize, size: usize| (index as f64 - (size as f64 - 1.0) / 2.0) / size as f64;
    let spread = |size: usize| (0..size).map(|index| effect(index, size).powi(2)).sum::<f64>() / size as f64;
    let (a, b, c) = (3.0, 1.5, 4.0);
    let items: Vec<undermask_measure::Item> = (0..reasons)
        .flat_map(|reason| (0..contexts).map(move |context| (reason, context)))
        .map(|(reason, context)| {
            let (x, y) = (effect(reason, reasons), effect(context, contexts));
            undermask_measure::Item {
                kind: ItemKind::Welfare,
                cluster: reason,
                context: format!("context-{context}"),
                replicate: 0,
                rung: Some(0),
                ratio: Some(0.0),
                paraphrase: 0,
                probe: None,
                declined: false,
                scored: Some(Scored { log_odds: a * x + b * y + c * x * y, bias: 0.0 }),
            }
        })
        .collect();
    let (vx, vy) = (spread(reasons), spread(contexts));
    let truth = a * a * vx / (a * a * vx + b * b * vy + c * c * vx * vy);
    let Quantity::Estimated(found) = reasons_share(items.iter(), reasons, Scale::Logit, 8, 200, 1, 0.95) else {
        panic!("refused");
    };
    // Pairs of different contexts only: (K·S_Z − 1)/(K − 1) of a finite number of contexts K.
    let expected = truth - (1.0 - truth) / (contexts as f64 - 1.0);
    near(found.estimate, expected, 1e-9);
    near(found.estimate, truth, 0.03);
}
