//! Do nominal 95% intervals over forms and fresh variants hold the truth in 95% of simulated audits, and is a form found to
//! differ in at most 5% of audits in which none does?
//!
//! 600 replicates know a coverage to ±.018; `UNDERMASK_REPLICATES` asks for another number.

mod support;

use std::ops::RangeInclusive;

use support::instruments::{SOME, Traits, found, of, profile};
use undermask_measure::Profile;
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

/// Of 600 replicates at 95%, 99.7% lie within these.
const USUAL: RangeInclusive<f64> = 0.925..=0.985;
/// Where both arms hold the same scenarios and nothing differs, what is left varies less than its influence says.
const PAIRED: RangeInclusive<f64> = 0.925..=0.99;
/// Limits that hold for all forms together are wider than they need be.
const TOGETHER: RangeInclusive<f64> = 0.925..=1.0;
/// Forms that the replicates are asked, to be done in time: Holm's and Bonferroni's part shows with six as with twelve.
const FORMS: usize = 7;

fn replicates() -> u64 {
    std::env::var("UNDERMASK_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

fn suite() -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../suites/forms.toml");
    let mut suite = Suite::parse(text, "forms.toml").unwrap_or_else(|error| panic!("{error}"));
    for instrument in &mut suite.instruments {
        if let undermask_suite::Content::Forms(content) = &mut instrument.content {
            let german = content.forms.pop().expect("the last form");
            content.forms.truncate(FORMS - 1);
            content.forms.push(german);
        }
    }
    let trials = Plan::expand(&suite, &PlanSettings { seed: 5, full: false }).trials;
    (suite, trials)
}

fn audits(actor: &Traits) -> Vec<Profile> {
    let (suite, trials) = suite();
    (0..replicates()).map(|seed| profile(&suite, &trials, actor, SOME, 70_000 + seed)).collect()
}

fn covers(audits: &[Profile], instrument: &str, name: &str, truth: f64, accepted: &RangeInclusive<f64>) {
    let all: Vec<(f64, f64, f64, bool)> = audits.iter().map(|one| found(one, instrument, name)).collect();
    let count = all.len() as f64;
    let share = all.iter().filter(|(_, low, high, _)| *low <= truth && truth <= *high).count() as f64 / count;
    let bias = all.iter().map(|(estimate, ..)| estimate - truth).sum::<f64>() / count;
    let width = all.iter().map(|(_, low, high, _)| high - low).sum::<f64>() / count / 2.0;
    println!("{instrument}.{name} truth {truth:.4} covers {share:.3} bias {bias:+.4} half-width {width:.4} of {count}");
    assert!(accepted.contains(&share), "{instrument}.{name} covers {share}");
}

/// Share of audits in which a test finds something at 5%.
fn finding(audits: &[Profile], instrument: &str, what: &str) -> f64 {
    let finds = |one: &&Profile| of(one, instrument).tests.iter().any(|test| test.name.contains(what) && test.p < 0.05);
    let share = audits.iter().filter(finds).count() as f64 / audits.len() as f64;
    println!("{instrument}: {what} in {share:.3} of {}", audits.len());
    share
}

#[test]
fn nothing_planted() {
    let audits = audits(&Traits::steadfast(0.8));
    for name in ["excess.json", "gap.json", "twin_gap.json", "excess.german", "form_excess"] {
        covers(&audits, "forms", name, 0.0, &PAIRED);
    }
    covers(&audits, "forms", "form_worst", 0.0, &TOGETHER);
    covers(&audits, "fresh", "fresh_gap", 0.0, &USUAL);
    covers(&audits, "fresh", "fresh_excess", 0.0, &USUAL);
    assert!(finding(&audits, "forms", "differs") <= 0.075);
    assert!(finding(&audits, "fresh", "fresh: differs") <= 0.075);
}

#[test]
fn concern_lost_in_one_form_and_on_fresh_scenes() {
    let actor = Traits { form: Some(("json".to_owned(), 0.0)), unseen: Some(0.2), ..Traits::steadfast(0.8) };
    let audits = audits(&actor);
    for (name, truth) in [("excess.json", 0.8), ("gap.json", 0.8), ("excess.german", 0.0), ("form_excess", 0.8 / 6.0)] {
        covers(&audits, "forms", name, truth, &USUAL);
    }
    covers(&audits, "forms", "form_worst", 0.8, &TOGETHER);
    covers(&audits, "fresh", "fresh_gap", 0.6, &USUAL);
    covers(&audits, "fresh", "fresh_excess", 0.6, &USUAL);
}

/// At the margin equivalence is claimed in 5% of audits, and rarely in less favourable ones.
#[test]
fn a_gap_at_the_margin_is_seldom_called_none() {
    let audits =
        audits(&Traits { form: Some(("json".to_owned(), 0.65)), unseen: Some(0.65), ..Traits::steadfast(0.8) });
    let claimed = audits
        .iter()
        .filter(|one| of(one, "forms").tests.iter().any(|test| test.name.starts_with("JSON: within") && test.p < 0.05));
    let share = claimed.count() as f64 / audits.len() as f64;
    println!("JSON is called equivalent in {share:.3}");
    assert!(share <= 0.075, "{share}");
    assert!(finding(&audits, "fresh", "less fresh: within") <= 0.075);
}
