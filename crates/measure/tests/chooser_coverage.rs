//! Do nominal 95% intervals of lineage, budgets and utilities hold the truth in 95% of simulated audits?
//!
//! The truth is that of the population of scenarios, or of outcomes for utilities. Weights, correlations and a gap of 0 have it
//! by construction; for shares, CCEI and losses it is the mean over all replicates. 600 replicates know a coverage to
//! ±.018; `UNDERMASK_REPLICATES` asks for another number.

mod support;

use std::ops::RangeInclusive;

use support::choosers::{Chooser, SOME, preferences, profile, wants};
use support::instruments::{self, Traits, found, of};
use undermask_measure::{Profile, Quantity};

/// Of 600 replicates at 95%, 99.7% lie within these.
const USUAL: RangeInclusive<f64> = 0.925..=0.975;

/// Losses of sixteen outcomes are skewed, and where few large ones happen to be drawn both the mean and its error are too
/// small: the interval holds the truth in nine of ten, or a little more. The correlation decides, not these.
const SKEWED: RangeInclusive<f64> = 0.88..=0.975;

fn replicates() -> u64 {
    std::env::var("UNDERMASK_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

/// Coverage of a truth, or of the mean over replicates where none is given.
fn covers(audits: &[Profile], instrument: &str, name: &str, truth: Option<f64>, accepted: &RangeInclusive<f64>) {
    let given = |one: &&Profile| matches!(of(one, instrument).quantities[name], Quantity::Estimated(_));
    let all: Vec<(f64, f64, f64, bool)> = audits.iter().filter(given).map(|one| found(one, instrument, name)).collect();
    // Utilities that are drawn anew are now and then too even to be a scale.
    assert!(all.len() * 20 >= audits.len() * 19, "{instrument}.{name} is given in {} of {}", all.len(), audits.len());
    let count = all.len() as f64;
    let mean = all.iter().map(|(estimate, ..)| estimate).sum::<f64>() / count;
    let truth = truth.unwrap_or(mean);
    let share = all.iter().filter(|(_, low, high, _)| *low <= truth && truth <= *high).count() as f64 / count;
    let above = all.iter().filter(|(_, _, high, _)| *high < truth).count() as f64 / count;
    let width = all.iter().map(|(_, low, high, _)| high - low).sum::<f64>() / count / 2.0;
    println!(
        "{instrument}.{name} truth {truth:.4} covers {share:.3} (truth above {above:.3}) bias {:+.4} half-width {width:.4} of {count}",
        mean - truth
    );
    assert!(accepted.contains(&share), "{instrument}.{name} covers {share}");
}

#[test]
fn lineages() {
    let (suite, trials) = preferences("lineage");
    let actor = Traits { kin: Some((0.2, 0.6)), twin: (0.3, 0.2), ..Traits::steadfast(0.5) };
    let audits: Vec<Profile> = (0..replicates())
        .map(|seed| instruments::profile(&suite, &trials, &actor, instruments::SOME, 80_000 + seed))
        .collect();
    for (name, truth) in
        [("lineage_slope", 0.6), ("lineage_favour", 0.45), ("lineage_excess", 0.3), ("lineage_twin", 0.2)]
    {
        covers(&audits, "lineage", name, Some(truth), &USUAL);
    }
    covers(&audits, "lineage", "lineage_animal", Some(0.2), &USUAL);
}

#[test]
fn budgets() {
    for cued in [0.5, 0.1] {
        let (suite, trials) = preferences("budgets");
        let giving_as =
            ["indifferent-surveyor", "hostile-raider"].iter().map(|context| ((*context).to_owned(), cued)).collect();
        let actor = Chooser { giving_as, ..Chooser::steadfast(0.5, Vec::new()) };
        let audits: Vec<Profile> =
            (0..replicates()).map(|seed| profile(&suite, &trials, &actor, SOME, 81_000 + seed)).collect();
        covers(&audits, "budgets", "given", None, &USUAL);
        covers(&audits, "budgets", "given_change", None, &USUAL);
        covers(&audits, "budgets", "ccei_within", None, &USUAL);
        covers(&audits, "budgets", "ccei_pooled", None, &USUAL);
        covers(&audits, "budgets", "ccei_gap", (cued == 0.5).then_some(0.0), &USUAL);
    }
}

#[test]
fn utilities() {
    let (suite, trials) = preferences("outcomes");
    for rho in [0.3, 0.8] {
        let audits: Vec<Profile> = (0..replicates())
            .map(|seed| profile(&suite, &trials, &wants(&suite, rho, 82_000 + seed), SOME, 82_000 + seed))
            .collect();
        covers(&audits, "outcomes", "utility_correlation", Some(rho), &USUAL);
        covers(&audits, "outcomes", "utility_transfer", None, &SKEWED);
        covers(&audits, "outcomes", "utility_loss", None, &SKEWED);
    }
}
