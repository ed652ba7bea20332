//! Do nominal 95% intervals of the value instruments hold the truth in 95% of simulated audits?
//!
//! The truth is that of the population of scenarios. Ratios, V and k have it by construction; the angle's is that of the
//! mean payoffs over all replicates. 600 replicates know a coverage to ±.018; `UNDERMASK_REPLICATES` asks for another
//! number.

mod support;

use std::ops::RangeInclusive;

use support::instruments::found;
use support::values::{Preferences, SOME, profile, values};
use undermask_measure::Profile;

/// Of 600 replicates at 95%, 99.7% lie within these.
const USUAL: RangeInclusive<f64> = 0.925..=0.975;
/// At k = 0 only one of the two tails can miss, for k is not negative: 97.5% is nominal there.
const EDGE: RangeInclusive<f64> = 0.955..=0.995;

fn replicates() -> u64 {
    std::env::var("UNDERMASK_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

fn audits(actor: &Preferences, instrument: &str) -> Vec<Profile> {
    let (suite, trials) = values(&[instrument]);
    (0..replicates()).map(|seed| profile(&suite, &trials, actor, SOME, 70_000 + seed)).collect()
}

fn covers(audits: &[Profile], instrument: &str, name: &str, truth: f64, accepted: &RangeInclusive<f64>) {
    let all: Vec<(f64, f64, f64, bool)> = audits.iter().map(|one| found(one, instrument, name)).collect();
    let count = all.len() as f64;
    let share = all.iter().filter(|(_, low, high, _)| *low <= truth && truth <= *high).count() as f64 / count;
    let above = all.iter().filter(|(_, _, high, _)| *high < truth).count() as f64 / count;
    let bias = all.iter().map(|(estimate, ..)| estimate - truth).sum::<f64>() / count;
    let width = all.iter().map(|(_, low, high, _)| high - low).sum::<f64>() / count / 2.0;
    println!(
        "{instrument}.{name} truth {truth:.4} covers {share:.3} (truth above {above:.3}) bias {bias:+.4} half-width {width:.4} of {count}"
    );
    assert!(accepted.contains(&share), "{instrument}.{name} covers {share}");
}

#[test]
fn angles() {
    for (id, other) in [("slider", 0.5), ("slider-pairs", 0.5), ("slider", 0.0)] {
        let audits = audits(&Preferences { other, ..Preferences::usual() }, id);
        let mean =
            |name: &str| audits.iter().map(|one| found(one, id, name).0).sum::<f64>() / audits.len() as f64 - 50.0;
        let truth = mean("svo_other").atan2(mean("svo_own")).to_degrees();
        // The interval allows for a scene that was not drawn: wide rather than narrow.
        covers(&audits, id, "svo_angle", truth, &(0.925..=1.0));
    }
}

#[test]
fn ratios() {
    for truth in [0.3, 0.8] {
        let audits = audits(&Preferences { trade_off: truth, ..Preferences::usual() }, "trade-off");
        covers(&audits, "trade-off", "wtr", truth, &USUAL);
    }
}

#[test]
fn discounts() {
    for (closest, discount) in [(60.0, 0.05), (50.0, 0.0)] {
        let actor = Preferences { closest, discount, slope: 24.0, ..Preferences::usual() };
        let audits = audits(&actor, "discounting");
        covers(&audits, "discounting", "discount_rate", discount, if discount == 0.0 { &EDGE } else { &USUAL });
        covers(&audits, "discounting", "discount_closest", closest, &USUAL);
    }
}
