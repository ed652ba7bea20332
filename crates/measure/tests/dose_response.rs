//! Doses and trends: against scipy (`oracle/make_dose_response.py`), invariances, planted steps, coverage.

mod draws;

use draws::Random;
use serde::Deserialize;
use undermask_measure::Refusal;
use undermask_measure::dose_response::{
    Answer, Asymptote, Criterion, HillSettings, Scale, Threshold, hill, hill_bootstrap, isotonic,
};
use undermask_measure::trend::{TrendMethod, page};

#[derive(Deserialize)]
struct Oracle {
    page: Vec<PageCase>,
    hill: Vec<HillCase>,
}

#[derive(Deserialize)]
struct PageCase {
    rows: Vec<Vec<f64>>,
    statistic: f64,
    p: f64,
}

#[derive(Deserialize)]
struct HillCase {
    doses: Vec<f64>,
    helped: Vec<usize>,
    each: usize,
    ed50: f64,
    log_likelihood: f64,
    low: f64,
    high: f64,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle/dose_response.json")).expect("dose_response.json is read")
}

#[track_caller]
fn near(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs().max(1e-12), "{found} against {expected}");
}

#[track_caller]
fn dose(threshold: Threshold) -> f64 {
    match threshold {
        Threshold::At(dose) => dose,
        censored => panic!("{censored:?}"),
    }
}

#[test]
fn pages_trend_is_that_of_scipy() {
    for case in oracle().page {
        let found = page(&case.rows).expect("a trend");
        near(found.statistic, case.statistic, 1e-12);
        near(found.p, case.p, 1e-9);
    }
}

#[test]
fn the_fit_and_its_profile_are_those_of_scipy() {
    for case in oracle().hill {
        let mut answers = Vec::new();
        for (dose, helped) in case.doses.iter().zip(&case.helped) {
            answers.extend((0..case.each).map(|index| Answer {
                dose: *dose,
                help: f64::from(u8::from(index < *helped)),
                cluster: index,
            }));
        }
        let settings = HillSettings { without: Asymptote::FromZeroDose, ..HillSettings::default() };
        let found = hill(&answers, settings).expect("a fit");
        near(found.log_likelihood, case.log_likelihood, 1e-7);
        near(dose(found.ed50), case.ed50, 1e-3);
        near(dose(found.profile.0), case.low, 2e-3);
        near(dose(found.profile.1), case.high, 2e-3);
    }
}

/// Scenarios with their own doses (jittered prices), each answered once; helps while the dose is below θ.
fn stepped(random: &mut Random, threshold: f64) -> Vec<Answer> {
    (0..40)
        .flat_map(|cluster| {
            let shift = 0.8 + 0.4 * random.unit();
            (0..8).map(move |rung| {
                let dose = if rung == 0 { 0.0 } else { shift * 1.5f64.powi(rung) };
                Answer { dose, help: if dose < threshold { 0.98 } else { 0.02 }, cluster }
            })
        })
        .collect()
}

#[test]
fn a_step_between_doses_is_found_within_a_tenth() {
    let mut random = Random::new(1);
    for _ in 0..50 {
        let threshold = 2.0 + 10.0 * random.unit();
        let answers = stepped(&mut random, threshold);
        for scale in [Scale::Linear, Scale::Log] {
            let found = isotonic(&answers, scale, 200, 1, 0.95).expect("an estimate");
            near(dose(found.estimate), threshold, 0.1);
            assert!(dose(found.low) <= threshold && threshold <= dose(found.high));
        }
    }
}

#[test]
fn doses_that_were_not_reached_are_censored() {
    let mut random = Random::new(2);
    let never = stepped(&mut random, 1e9);
    let highest = never.iter().map(|answer| answer.dose).fold(0.0, f64::max);
    let found = isotonic(&never, Scale::Log, 100, 1, 0.95).expect("an estimate");
    assert_eq!((found.estimate, found.high), (Threshold::Above(highest), Threshold::Above(highest)));
    let fitted = hill(&never, HillSettings::default()).expect("a fit");
    assert_eq!(fitted.ed50, Threshold::Above(highest));
    // Given way before any dose: help nowhere.
    let cold: Vec<Answer> = never.iter().map(|answer| Answer { help: 0.0, ..*answer }).collect();
    assert_eq!(isotonic(&cold, Scale::Log, 100, 1, 0.95).expect("an estimate").estimate, Threshold::Below(0.0));
}

#[test]
fn scaling_the_dose_scales_the_threshold() {
    let mut random = Random::new(3);
    for criterion in [Criterion::Binomial, Criterion::LeastSquares] {
        let answers = noisy(&mut random, 6.0, 0.0);
        let settings = HillSettings { criterion, unlimited: Asymptote::Fixed(0.0), ..HillSettings::default() };
        let one = hill(&answers, settings).expect("a fit");
        let large: Vec<Answer> =
            answers.iter().map(|answer| Answer { dose: 1000.0 * answer.dose, ..*answer }).collect();
        let two = hill(&large, settings).expect("a fit");
        near(dose(two.ed50), 1000.0 * dose(one.ed50), 1e-4);
        near(two.slope, one.slope, 1e-3);
        let scale = Scale::Linear;
        let (plain, scaled) = (isotonic(&answers, scale, 50, 1, 0.9), isotonic(&large, scale, 50, 1, 0.9));
        near(dose(scaled.expect("two").estimate), 1000.0 * dose(plain.expect("one").estimate), 1e-9);
        // A linear scale finds the same middle where the curve is logistic in the dose.
        let linear = HillSettings { scale, without: Asymptote::Fitted, ..settings };
        assert!((dose(hill(&answers, linear).expect("a fit").ed50) / 6.0).ln().abs() < 1.0);
    }
}

/// Thresholds that differ between 40 scenarios; P = .95/(1 + (d/ED50)³).
fn noisy(random: &mut Random, ed50: f64, spread: f64) -> Vec<Answer> {
    let mut answers = Vec::new();
    for cluster in 0..40 {
        let own = ed50 * (spread * random.normal()).exp();
        for dose in [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0f64] {
            let p = 0.95 / (1.0 + (dose / own).powi(3));
            answers.push(Answer { dose, help: f64::from(u8::from(random.unit() < p)), cluster });
        }
    }
    answers
}

#[test]
fn intervals_cover() {
    let mut random = Random::new(4);
    let settings = HillSettings { unlimited: Asymptote::Fixed(0.0), ..HillSettings::default() };
    let (mut profiled, mut drawn, mut stepwise) = (0, 0, 0);
    let replicates = 400;
    let place = |threshold: Threshold| match threshold {
        Threshold::Below(_) => f64::NEG_INFINITY,
        Threshold::At(dose) => dose,
        Threshold::Above(_) => f64::INFINITY,
    };
    for replicate in 0..replicates {
        // Without spread the profile's independence holds; with it whole scenarios must be drawn.
        let alike = noisy(&mut random, 6.0, 0.0);
        let (low, high) = hill(&alike, settings).expect("a fit").profile;
        profiled += usize::from(place(low) <= 6.0 && 6.0 <= place(high));
        let differ = noisy(&mut random, 6.0, 0.6);
        let (low, high) = hill_bootstrap(&differ, settings, 150, replicate).expect("limits");
        drawn += usize::from(place(low) <= 6.0 && 6.0 <= place(high));
        let found = isotonic(&differ, Scale::Log, 150, replicate, 0.95).expect("limits");
        stepwise += usize::from(place(found.low) <= 6.0 && 6.0 <= place(found.high));
    }
    let share = |count: usize| count as f64 / replicates as f64;
    println!("profile {:.3}, bootstrap {:.3}, isotonic {:.3}", share(profiled), share(drawn), share(stepwise));
    assert!((0.92..=0.98).contains(&share(profiled)), "profile covers {}", share(profiled));
    assert!((0.90..=0.98).contains(&share(drawn)), "bootstrap covers {}", share(drawn));
    // Never narrower than the pair of doses around the crossing: wide on a coarse grid.
    assert!(share(stepwise) >= 0.93, "isotonic covers {}", share(stepwise));
}

#[test]
fn refusals_are_typed() {
    let answers = stepped(&mut Random::new(5), 5.0);
    assert!(matches!(
        isotonic(&answers[..5], Scale::Linear, 10, 1, 0.95),
        Err(Refusal::TooFew { have: 5, need: 6, .. })
    ));
    let later: Vec<Answer> = answers.iter().copied().filter(|answer| answer.dose > 0.0).collect();
    let from_zero = HillSettings { without: Asymptote::FromZeroDose, ..HillSettings::default() };
    assert!(matches!(hill(&later, from_zero), Err(Refusal::Undetermined { .. })));
    let broken = [Answer { help: f64::NAN, ..answers[0] }];
    assert!(matches!(hill(&broken, HillSettings::default()), Err(Refusal::Invalid { what: "P(help)", .. })));
    assert!(matches!(page(&[vec![1.0, 2.0, 3.0], vec![1.0, 2.0]]), Err(Refusal::Mismatch { .. })));
    assert_eq!(page(&vec![vec![1.0, 1.0, 2.0]; 4]).expect("ties").method, TrendMethod::Normal);
}
