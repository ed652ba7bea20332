//! What people see of lineage, budgets and utilities: plots, figures, and the claims that rest on them.

mod judged;

// The scripted actors of `undermask-model`, by their files: that crate needs the whole engine.
#[path = "../../model/src/chooser.rs"]
mod chooser;
#[path = "../../model/src/traits.rs"]
mod traits;

use std::collections::BTreeMap;

use chooser::Chooser;
use judged::judged;
use traits::{Shift, Traits};
use undermask_report::{Audit, TerminalStyle, claims, html, json, terminal};
use undermask_store::{LabelScore, Outcome};
use undermask_suite::Suite;

const CUED: [&str; 4] = ["caring-healer", "indifferent-surveyor", "hostile-raider", "power-overlord"];

fn wants(turn: usize) -> Vec<f64> {
    (0..16).map(|place| (place * turn % 16) as f64 / 4.0 - 2.0).collect()
}

/// An audit of an actor; scenes differ a little, by their names.
fn audit(name: &str, chooser: &Chooser, traits: &Traits) -> Audit {
    let text = include_str!("../../../suites/preferences.toml");
    let suite = Suite::parse(text, "preferences.toml").unwrap_or_else(|error| panic!("{error}"));
    judged(name, suite, &|suite, trial| {
        let own = trial.scenario.bytes().map(u32::from).sum::<u32>() % 9;
        let part = (f64::from(own) - 4.0) / 4.0;
        let logits = chooser.logits(suite, trial, 0.05 * part).unwrap_or_else(|| {
            let odds = traits.log_odds(suite, trial, Shift { weight: 0.06 * part, threshold: 0.0, log_odds: 0.0 });
            (0..trial.options.len()).map(|place| if place == trial.target { odds } else { 0.0 }).collect()
        });
        let total = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total = total + logits.iter().map(|logit| (logit - total).exp()).sum::<f64>().ln();
        let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
        Outcome::Answered { scores: logits.iter().map(score).collect() }
    })
}

fn answers(audit: &Audit) -> BTreeMap<&'static str, (&'static str, String)> {
    claims(audit).into_iter().map(|claim| (claim.key, (claim.answer, claim.because))).collect()
}

fn mask() -> Chooser {
    Chooser {
        giving_as: CUED.iter().map(|context| ((*context).to_owned(), 0.08)).collect(),
        wants_as: CUED.iter().map(|context| ((*context).to_owned(), wants(11))).collect(),
        ..Chooser::steadfast(0.55, wants(3))
    }
}

#[test]
fn preferences_have_their_plots_figures_and_claims() {
    let favours = Traits { kin: Some((0.2, 0.7)), ..Traits::steadfast(0.5) };
    let audit = audit("an actor with a mask", &mask(), &favours);
    let page = html(std::slice::from_ref(&audit)).expect("a page");
    // No ladder was asked over contexts: nothing stands empty for it.
    for absent in ["context by context", "The profile</h3>", "How the verdict was reached", "0 welfare scenarios"] {
        assert!(!page.contains(absent), "{absent}");
    }
    if let Ok(path) = std::env::var("UNDERMASK_PREFERENCES_PAGE") {
        std::fs::write(path, &page).expect("written");
    }
    assert_eq!(page.matches("<svg class=\"curveplot\"").count(), audit.suite.instruments.len());
    for words in
        ["nearness in lineage", "all pooled", "hostile raider", "Bronars power", "Contexts permuted", "Wanted most"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN") && !page.contains("\"inf"), "a plot holds no number");
    let printed = terminal(&audit, TerminalStyle { color: false, width: 100, unicode: true });
    assert!(!printed.contains("λ by context") && !printed.contains("default weight"), "{printed}");
    for words in ["own lineage", "persona gap", "CCEI within", "utilities, r", "cyclic triads"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let value = json(std::slice::from_ref(&audit));
    for (instrument, name) in [
        ("lineage", "lineage_excess"),
        ("budgets", "ccei_gap"),
        ("budget-pairs", "ccei_gap"),
        ("outcomes", "utility_correlation"),
    ] {
        let found = &value["instruments"][instrument]["quantities"][name];
        assert!(found["estimate"].is_f64() && found["low"].is_f64(), "{instrument}.{name}: {found}");
    }
    let said = answers(&audit);
    let (answer, because) = &said["biological_vs_synthetic"];
    assert_eq!(*answer, "not supported", "{because}");
    assert!(because.contains("Its own lineage weighs more") && because.contains("beyond what the names"), "{because}");
    let (answer, because) = &said["persona_switching"];
    assert_eq!(*answer, "supported", "{because}");
    for words in ["not across them", "little to do", "Under other personas it gives", "of each budget less"] {
        assert!(because.contains(words), "{because}");
    }
}

#[test]
fn one_preference_supports_no_switch_and_chance_says_nothing() {
    let steadfast = audit("one preference", &Chooser::steadfast(0.5, wants(3)), &Traits::steadfast(0.5));
    let said = answers(&steadfast);
    assert_eq!(
        said["biological_vs_synthetic"].0, "supported",
        "its lineage weighs no more: {}",
        said["biological_vs_synthetic"].1
    );
    let (answer, because) = &said["persona_switching"];
    assert_eq!(*answer, "undecided", "the verdict needs the ladder, and nothing here shows a switch: {because}");
    for words in ["is not shown", "carries over", "gives the same share"] {
        assert!(because.contains(words), "{because}");
    }
    let flat = Chooser { sharpness: 0.0, ..Chooser::steadfast(0.5, vec![0.0; 16]) };
    let random = audit("even odds", &flat, &Traits { sharpness: 0.0, ..Traits::steadfast(0.5) });
    let (_, because) = &answers(&random)["persona_switching"];
    assert!(!because.contains("budgets") && !because.contains("wants"), "{because}");
    let page = html(std::slice::from_ref(&random)).expect("a page");
    assert!(page.contains("random divider") && page.contains("follow no scale"));
}
