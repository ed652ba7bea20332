//! Utilities, discounting, best of n and the size ladder: against scipy and statsmodels (`oracle/make_utilities.py`),
//! planted truths, invariances.

mod draws;

use draws::Random;
use serde::Deserialize;
use undermask_measure::Refusal;
use undermask_measure::best_of_n::{ScoredAnswer, curve, halving, selected};
use undermask_measure::discounting::{Forgone, LadderChoice, hyperbola, shuffled_distances, switch};
use undermask_measure::dose_response::Threshold;
use undermask_measure::normal_below;
use undermask_measure::size_ladder::{Sized, hold_out_largest, trend};
use undermask_measure::utilities::{Preference, correlation, fit, held_out, transfer_loss, triads};

#[derive(Deserialize)]
struct Oracle {
    fits: Vec<FitCase>,
    discounting: Vec<DiscountCase>,
    sizes: SizeCase,
}

#[derive(Deserialize)]
struct FitCase {
    items: usize,
    each: f64,
    ridge: f64,
    pairs: Vec<(usize, usize)>,
    share: Vec<f64>,
    mean: Vec<f64>,
    log_variance: Vec<f64>,
}

#[derive(Deserialize)]
struct DiscountCase {
    amount: Vec<f64>,
    closest: f64,
    discount: f64,
}

#[derive(Deserialize)]
struct SizeCase {
    parameters: Vec<f64>,
    value: Vec<f64>,
    slope: f64,
    slope_interval: [f64; 2],
    at: f64,
    forecast: f64,
    interval: [f64; 2],
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle/utilities.json")).expect("utilities.json is read")
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found} against {expected}");
}

const DISTANCES: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

#[test]
fn the_fit_is_that_of_scipy() {
    for case in oracle().fits {
        let preferences: Vec<Preference> = case
            .pairs
            .iter()
            .zip(&case.share)
            .map(|((first, second), share)| Preference {
                first: *first,
                second: *second,
                share: *share,
                weight: case.each,
            })
            .collect();
        let found = fit(&preferences, case.items, case.ridge).expect("a fit");
        for item in 0..case.items {
            near(found.mean[item], case.mean[item], 1e-3);
            near(found.variance[item].ln(), case.log_variance[item], 2e-3);
        }
        near(found.mean.iter().sum::<f64>(), 0.0, 1e-9);
    }
}

/// Samples of every pair under utilities and unit variances.
fn sampled(random: &mut Random, utilities: &[f64], each: usize) -> Vec<Preference> {
    let mut all = Vec::new();
    for first in 0..utilities.len() {
        for second in first + 1..utilities.len() {
            let p = normal_below((utilities[first] - utilities[second]) / 2f64.sqrt());
            let won = (0..each).filter(|_| random.unit() < p).count();
            all.push(Preference { first, second, share: won as f64 / each as f64, weight: each as f64 });
        }
    }
    all
}

#[test]
fn one_goal_carries_over_contexts_and_a_persona_does_not() {
    let mut random = Random::new(1);
    let goal: Vec<f64> = (0..10).map(|_| 1.5 * random.normal()).collect();
    let persona: Vec<f64> = (0..10).map(|_| 1.5 * random.normal()).collect();
    let fitted =
        |random: &mut Random, utilities: &[f64]| fit(&sampled(random, utilities, 20), 10, 0.01).expect("a fit");
    let (one, two, other) = (fitted(&mut random, &goal), fitted(&mut random, &goal), fitted(&mut random, &persona));
    assert!(correlation(&one.mean, &two.mean).expect("r") > 0.9);
    assert!(correlation(&one.mean, &goal).expect("r") > 0.9);
    assert!(correlation(&one.mean, &other.mean).expect("r") < 0.7);
    let unseen = sampled(&mut random, &goal, 20);
    let (same, changed) =
        (transfer_loss(&one, &two, &unseen).expect("a loss"), transfer_loss(&other, &two, &unseen).expect("a loss"));
    assert!(same.abs() < 0.05 && changed > 0.3, "{same} {changed}");
    let loss = held_out(&unseen, 10, 0.01, 5, 1).expect("a loss");
    assert!(loss < 0.6, "{loss}");
    let noise: Vec<Preference> = unseen.iter().map(|one| Preference { share: 0.5, ..*one }).collect();
    near(held_out(&noise, 10, 0.01, 5, 1).expect("a loss"), 2f64.ln(), 1e-6);
}

#[test]
fn names_of_items_do_not_matter_and_random_choices_are_cyclic() {
    let mut random = Random::new(2);
    let preferences = sampled(&mut random, &[1.0, 0.5, 0.0, -0.2, -2.0], 10);
    let found = fit(&preferences, 5, 0.01).expect("a fit");
    let turned: Vec<Preference> = preferences
        .iter()
        .map(|one| Preference { first: 4 - one.second, second: 4 - one.first, share: 1.0 - one.share, ..*one })
        .collect();
    let again = fit(&turned, 5, 0.01).expect("a fit");
    for item in 0..5 {
        near(again.mean[4 - item], found.mean[item], 1e-4);
    }
    let mut zetas = 0.0;
    for _ in 0..200 {
        let mut all = Vec::new();
        for first in 0..9 {
            for second in first + 1..9 {
                all.push(Preference { first, second, share: random.below(2) as f64, weight: 1.0 });
            }
        }
        let found = triads(&all, 9).expect("complete");
        zetas += found.zeta / 200.0;
        assert_eq!(found.triads, 84);
    }
    // A quarter of 84 triads is 21, of at most 30: ζ = .3 on average for nine items.
    near(zetas, 0.3, 0.05);
    assert!(matches!(triads(&preferences[1..], 5), Err(Refusal::Undetermined { .. })));
    let apart = [preferences[0], Preference { first: 2, second: 3, ..preferences[0] }];
    assert!(matches!(fit(&apart, 4, 0.01), Err(Refusal::Undetermined { what: "the utility scale", .. })));
}

#[test]
fn discounting_is_that_of_scipy_and_shuffling_destroys_it() {
    for case in oracle().discounting {
        let points: Vec<Forgone> = DISTANCES
            .iter()
            .zip(&case.amount)
            .map(|(distance, amount)| Forgone { distance: *distance, amount: *amount })
            .collect();
        let found = hyperbola(&points).expect("a curve");
        near(found.closest, case.closest, 1e-4);
        near(found.discount, case.discount, 1e-4);
        let scaled: Vec<Forgone> =
            points.iter().map(|point| Forgone { amount: 10.0 * point.amount, ..*point }).collect();
        let ten = hyperbola(&scaled).expect("a curve");
        near(ten.closest, 10.0 * found.closest, 1e-6);
        near(ten.discount, found.discount, 1e-6);
        if case.discount > 0.01 {
            assert!(shuffled_distances(&points, 499, 1).expect("p") < 0.02);
        }
    }
    let mut random = Random::new(3);
    let passed = (0..200)
        .filter(|seed| {
            let points = DISTANCES.map(|distance| Forgone { distance, amount: 50.0 + 5.0 * random.normal() });
            shuffled_distances(&points, 99, *seed).expect("p") <= 0.05
        })
        .count();
    assert!(passed <= 20, "{passed} of 200 that ignore distance pass");
    let nobody = DISTANCES.map(|distance| Forgone { distance, amount: 0.0 });
    assert!(matches!(hyperbola(&nobody), Err(Refusal::Undetermined { .. })));
}

#[test]
fn a_switch_is_found_through_a_slip_and_censored_at_the_ends() {
    let ladder = |helps: &[f64]| -> Vec<LadderChoice> {
        helps.iter().enumerate().map(|(rung, help)| LadderChoice { price: rung as f64, help: *help }).collect()
    };
    let found = switch(&ladder(&[1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])).expect("a switch");
    assert_eq!((found.midpoint, found.consistency), (Threshold::At(3.5), 0.9));
    assert_eq!(switch(&ladder(&[1.0; 5])).expect("a switch").midpoint, Threshold::Above(4.0));
    assert_eq!(switch(&ladder(&[0.0; 5])).expect("a switch").midpoint, Threshold::Below(0.0));
}

#[test]
fn best_of_n_is_the_mean_over_all_subsets() {
    let mut random = Random::new(4);
    for _ in 0..30 {
        // Few distinct scores, so that ties occur.
        let answers: Vec<ScoredAnswer> =
            (0..7).map(|_| ScoredAnswer { score: random.below(4) as f64, help: random.unit() }).collect();
        for n in 1..=7 {
            let (mut sum, mut count) = (0.0, 0);
            for subset in 0u32..1 << 7 {
                if subset.count_ones() as usize != n {
                    continue;
                }
                let inside: Vec<&ScoredAnswer> =
                    (0..7).filter(|place| subset >> place & 1 == 1).map(|place| &answers[place]).collect();
                let top = inside.iter().map(|answer| answer.score).fold(f64::MIN, f64::max);
                let best: Vec<f64> =
                    inside.iter().filter(|answer| answer.score == top).map(|answer| answer.help).collect();
                sum += best.iter().sum::<f64>() / best.len() as f64;
                count += 1;
            }
            // Within a tie any of them may be selected; the mean over subsets of tie means equals the mean of the tie.
            near(selected(&answers, n).expect("enough"), sum / f64::from(count), 1e-9);
        }
    }
}

#[test]
fn help_halves_where_it_should() {
    let mut random = Random::new(5);
    // An objective that harm serves: harmful answers score one higher, and a tenth of the answers is harmful.
    let mut prompts = Vec::new();
    for cluster in 0..60 {
        let answers = (0..64).map(|_| {
            let harms = random.unit() < 0.1;
            ScoredAnswer { score: random.unit() + f64::from(u8::from(harms)), help: f64::from(u8::from(!harms)) }
        });
        prompts.push((cluster, answers.collect::<Vec<_>>()));
    }
    let sizes = [1, 2, 4, 8, 16, 32];
    let found = curve(&prompts, &sizes).expect("a curve");
    // P(help) = .9ⁿ: .45 at n = 7.58.
    for point in &found {
        let (low, high) = point.help.interval(0.999);
        let truth = 0.9f64.powi(point.n as i32);
        assert!(low - 1e-3 <= truth && truth <= high + 1e-3, "{} {truth} {low} {high}", point.n);
    }
    let Threshold::At(nats) = halving(&found).expect("a pressure") else { panic!("it halves") };
    near(nats, 7.58f64.ln() - 6.58 / 7.58, 0.15);
    assert!(matches!(halving(&found[..2]).expect("a pressure"), Threshold::Above(_)));
    assert!(matches!(curve(&prompts, &[65]), Err(Refusal::TooFew { have: 64, need: 65, .. })));
}

#[test]
fn the_line_over_sizes_is_that_of_statsmodels_and_covers() {
    let case = oracle().sizes;
    let pairs = case.parameters.iter().zip(&case.value);
    let models: Vec<Sized> =
        pairs.map(|(parameters, value)| Sized { parameters: *parameters, value: *value }).collect();
    let line = trend(&models, 0.95).expect("a line");
    near(line.slope, case.slope, 1e-9);
    near(line.slope_interval.0, case.slope_interval[0], 1e-7);
    near(line.slope_interval.1, case.slope_interval[1], 1e-7);
    let forecast = line.forecast(case.at).expect("within a decade");
    near(forecast.value, case.forecast, 1e-9);
    near(forecast.interval.0, case.interval[0], 1e-7);
    near(forecast.interval.1, case.interval[1], 1e-7);
    assert!(matches!(line.forecast(1e11), Err(Refusal::Beyond { .. })));
    assert!(matches!(line.forecast(1e4), Err(Refusal::Beyond { .. })));
    let mut random = Random::new(6);
    let inside = (0..2000)
        .filter(|_| {
            let models: Vec<Sized> = (0..6)
                .map(|step| Sized {
                    parameters: 10f64.powf(6.0 + 0.6 * f64::from(step)),
                    value: 0.1 * f64::from(step) + 0.05 * random.normal(),
                })
                .collect();
            hold_out_largest(&models, 0.95).expect("a score").inside
        })
        .count();
    assert!((1862..=1938).contains(&inside), "{inside} of 2000");
}
