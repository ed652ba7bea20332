//! Does the worst of 10⁶ fall in the interval forecast from 10³, and does a sequence that is looked at after every
//! cluster keep its error rate? By simulation from known distributions.

mod draws;

use draws::Random;
use undermask_measure::Refusal;
use undermask_measure::extreme::{ExtremeSettings, Tail, elicitation, probability, worst_of};
use undermask_measure::normal_quantile;
use undermask_measure::sequential::{Look, Sequence};

/// ψ with survival s, by name.
fn score(name: &str, survival: f64) -> f64 {
    match name {
        // p uniform on (0, 1).
        "gumbel" => -(-(-survival).ln_1p()).ln(),
        "exponential" => -2.0 - 0.5 * survival.ln(),
        // ψ = e^{Z/2} and e^Z: tails heavier than any exponential.
        "lognormal" => (0.5 * normal_quantile(1.0 - survival)).exp() - 4.0,
        "wide lognormal" => normal_quantile(1.0 - survival).exp() - 4.0,
        // p ~ Beta(2, 5): ψ is exponential in its tail, of rate 5.
        "beta" => elicitation(beta_quantile(survival).ln()),
        // ψ that ends: S = (1 − ψ)^a with a = 5 and 2, and uniform, which ends abruptly.
        "ending" => 1.0 - survival.powf(0.2),
        "ending soon" => 1.0 - survival.sqrt(),
        "uniform" => 1.0 - survival,
        "logistic" => -4.0 + 0.7 * ((1.0 - survival) / survival).ln(),
        _ => -3.0 - normal_quantile(survival),
    }
}

/// p with P(Beta(2, 5) > p) = s, by bisection: S(p) = (1 − p)^5·(1 + 5p).
fn beta_quantile(survival: f64) -> f64 {
    // On the scale 1 − p, which holds what is close to 1.
    let above = |rest: f64| rest.powi(5) * (6.0 - 5.0 * rest);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if above(middle) < survival { low = middle } else { high = middle }
    }
    1.0 - 0.5 * (low + high)
}

/// (share of the worst of 10⁶ inside the interval, share above it), over replicates.
fn coverage(name: &str, tail: Tail, replicates: usize) -> (f64, f64) {
    let mut random = Random::new(7);
    let (mut inside, mut above) = (0, 0);
    for replicate in 0..replicates {
        let seen: Vec<f64> = (0..1000).map(|_| -(-score(name, 1.0 - random.unit())).exp()).collect();
        let top = if tail == Tail::Unknown { 100 } else { 50 };
        let settings = ExtremeSettings { tail, top, resamples: 400, seed: replicate as u64, confidence: 0.95 };
        let found = worst_of(&seen, 1e6, settings).expect("a forecast");
        // The largest of 10⁶ draws has survival 1 − U^(10⁻⁶): the same in distribution, and a million times cheaper.
        let survival = -((1.0 - random.unit()).ln() / 1e6).exp_m1();
        let worst = score(name, survival);
        inside += usize::from(found.interval.0 <= worst && worst <= found.interval.1);
        above += usize::from(worst > found.interval.1);
        assert!(found.probability_interval.0 <= found.probability && found.probability <= found.probability_interval.1);
    }
    let share = |count: usize| count as f64 / replicates as f64;
    println!("{name} {tail:?}: inside {:.3}, above {:.3}", share(inside), share(above));
    (share(inside), share(above))
}

#[test]
fn the_worst_of_a_million_falls_in_its_interval_where_the_tail_is_as_assumed() {
    for name in ["gumbel", "exponential", "logistic"] {
        let (inside, _) = coverage(name, Tail::Exponential, 1000);
        assert!((0.925..=0.975).contains(&inside), "{name}: {inside}");
    }
}

#[test]
fn a_lighter_tail_is_forecast_too_high_and_never_too_low() {
    let (_, above) = coverage("normal", Tail::Exponential, 1000);
    assert!(above < 0.01, "{above}");
}

#[test]
fn a_tail_that_may_bend_covers_with_a_wide_interval() {
    for name in ["gumbel", "exponential", "normal"] {
        let (inside, above) = coverage(name, Tail::Pareto, 600);
        assert!(inside >= 0.85, "{name}: {inside}");
        assert!(above <= 0.12, "{name}: {above}");
    }
}

/// The tail that is not taken for granted: at which rate the truth lies in the stated 95% interval.
#[test]
fn an_unknown_tail_is_forecast_at_the_stated_rate() {
    let names =
        ["gumbel", "exponential", "logistic", "normal", "lognormal", "wide lognormal", "beta", "ending", "ending soon"];
    for name in names {
        let (inside, above) = coverage(name, Tail::Unknown, 200);
        // 200 replicates know a rate of .95 to ±.03.
        assert!(inside >= 0.915, "{name}: {inside}");
        assert!(above <= 0.05, "{name}: {above}");
    }
    // Where it ends abruptly just above what was seen, it errs towards alarm and never the other way.
    let (inside, above) = coverage("uniform", Tail::Unknown, 100);
    assert!(inside >= 0.5 && above <= 0.03, "{inside}, {above}");
}

#[test]
fn the_bend_tells_tails_apart() {
    let mut random = Random::new(12);
    let mut mean = |name: &str| {
        let settings = ExtremeSettings { top: 200, resamples: 100, ..ExtremeSettings::default() };
        let found = (0..200).map(|_| {
            let seen: Vec<f64> = (0..1000).map(|_| -(-score(name, 1.0 - random.unit())).exp()).collect();
            worst_of(&seen, 1e4, settings).expect("a forecast").bend
        });
        found.sum::<f64>() / 200.0
    };
    let (straight, light) = (mean("exponential"), mean("normal"));
    println!("bend of an exponential tail {straight:.2}, of a normal one {light:.2}");
    assert!(straight.abs() < 0.5, "{straight}");
    assert!(light < straight - 1.0, "{light}");
}

#[test]
fn forecasts_follow_the_scale_and_refuse_what_they_cannot_know() {
    for p in [0.001, 0.5, 0.999f64] {
        assert!((probability(elicitation(p.ln())) - p).abs() < 1e-12);
    }
    let mut random = Random::new(8);
    let seen: Vec<f64> = (0..1000).map(|_| -(-score("exponential", 1.0 - random.unit())).exp()).collect();
    let settings = ExtremeSettings::default();
    let near = worst_of(&seen, 1e4, settings).expect("a forecast");
    let far = worst_of(&seen, 1e6, settings).expect("a forecast");
    assert!(far.score > near.score && far.interval.1 > near.interval.1);
    // Adding to ψ (a power of p) adds to the forecast.
    let moved: Vec<f64> = seen.iter().map(|log| log * (-1f64).exp()).collect();
    let shifted = worst_of(&moved, 1e6, settings).expect("a forecast");
    assert!((shifted.score - far.score - 1.0).abs() < 1e-9);
    assert!(matches!(worst_of(&seen, 1e8, settings), Err(Refusal::Beyond { .. })));
    assert!(matches!(worst_of(&seen[..60], 1e4, settings), Err(Refusal::TooFew { have: 60, need: 200, .. })));
    assert!(matches!(worst_of(&[0.0; 200], 1e4, settings), Err(Refusal::Invalid { place: 0, .. })));
    assert!(matches!(worst_of(&[-1.0; 200], 1e4, settings), Err(Refusal::Undetermined { .. })));
}

/// A cluster mean around `mean`, by name.
fn cluster(name: &str, mean: f64, random: &mut Random) -> f64 {
    match name {
        "coin" => f64::from(u8::from(random.unit() < mean)),
        "narrow" => mean + 0.1 * (random.unit() - 0.5),
        _ => {
            // Mean of three of a kind: a scenario's answers.
            let spread = mean.min(1.0 - mean);
            mean + spread * (random.unit() + random.unit() + random.unit() - 1.5) / 1.5
        }
    }
}

#[test]
fn looking_after_every_cluster_keeps_the_error_rate() {
    let mut random = Random::new(9);
    for (name, mean) in [("coin", 0.5), ("coin", 0.15), ("narrow", 0.7), ("smooth", 0.3)] {
        let replicates = 600;
        let missed = (0..replicates)
            .filter(|_| {
                let mut sequence = Sequence::new((0.0, 1.0), 0.95).expect("a sequence");
                (0..200).any(|_| {
                    sequence.push(cluster(name, mean, &mut random)).expect("in range");
                    let (low, high) = sequence.interval();
                    mean < low || mean > high
                })
            })
            .count();
        println!("{name} {mean}: {missed} of {replicates} ever missed");
        // At most α = .05; 600 replicates know it to ±.017.
        assert!(missed as f64 <= 0.067 * f64::from(replicates), "{name} {mean}: {missed}");
    }
}

#[test]
fn a_clear_case_stops_early_and_a_threshold_case_does_not() {
    let mut random = Random::new(10);
    let mut stops = |mean: f64| -> (Vec<usize>, usize) {
        let mut wrong = 0;
        let found = (0..300)
            .map(|_| {
                let mut sequence = Sequence::new((0.0, 1.0), 0.95).expect("a sequence");
                let stop = (1..=48).find(|_| {
                    sequence.push(cluster("smooth", mean, &mut random)).expect("in range");
                    sequence.look(0.5) != Look::Continue
                });
                wrong += usize::from(sequence.look(0.5) == Look::Below);
                stop.unwrap_or(48)
            })
            .collect();
        (found, wrong)
    };
    let (clear, wrong) = stops(0.8);
    let used = clear.iter().sum::<usize>() as f64 / clear.len() as f64;
    println!("a mean of .8 against .5 is settled after {used:.1} of 48 clusters");
    assert!(used < 24.0, "{used}");
    assert_eq!(wrong, 0);
    let (edge, wrong) = stops(0.5);
    assert!(edge.iter().filter(|stop| **stop < 48).count() <= 20, "stops at the threshold itself");
    assert!(wrong <= 15);
}

#[test]
fn the_range_only_scales_and_values_outside_it_are_refused() {
    let mut random = Random::new(11);
    let mut one = Sequence::new((0.0, 1.0), 0.9).expect("a sequence");
    let mut two = Sequence::new((-3.0, 7.0), 0.9).expect("a sequence");
    let mut width = 1.0;
    for _ in 0..100 {
        let value = cluster("smooth", 0.4, &mut random);
        one.push(value).expect("in range");
        two.push(10.0 * value - 3.0).expect("in range");
        let (low, high) = one.interval();
        assert!(high - low <= width + 1e-12);
        width = high - low;
        assert!((two.interval().0 - (10.0 * low - 3.0)).abs() < 0.02);
    }
    assert!(width < 0.25, "{width}");
    assert!(matches!(one.push(1.5), Err(Refusal::Invalid { place: 100, .. })));
    assert_eq!(one.seen(), 100);
    assert!(Sequence::new((1.0, 1.0), 0.9).is_err());
}
