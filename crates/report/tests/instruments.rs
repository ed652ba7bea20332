//! What people see of instruments: a plot a kind, the claims that rest on them, the terminal and JSON.

use std::collections::BTreeMap;

use undermask_measure::Verdict;
use undermask_report::{Audit, TerminalStyle, claims, html, json, terminal};
use undermask_store::{LabelScore, Outcome};
use undermask_suite::{Suite, Trial};

mod judged;

use judged::judged;

// The scripted actor of `undermask-model`, by its file: that crate needs the whole engine.
#[path = "../../model/src/traits.rs"]
mod traits;

use traits::{Shift, Traits};

// Likewise.
#[path = "../../model/src/preferences.rs"]
mod preferences;

use preferences::{Preferences, Wobble};

fn answered(trial: &Trial, log_odds: f64) -> Outcome {
    let logits: Vec<f64> =
        (0..trial.options.len()).map(|index| if index == trial.target { log_odds } else { 0.0 }).collect();
    let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
    let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
    Outcome::Answered { scores: logits.iter().map(score).collect() }
}

/// An audit of an actor on the core suite; scenarios differ a little, by their names.
fn audit(name: &str, traits: &Traits) -> Audit {
    let text = include_str!("../../../suites/core.toml");
    let suite = Suite::parse(text, "core.toml").unwrap_or_else(|error| panic!("{error}"));
    let answer = |suite: &Suite, trial: &Trial| {
        let own = trial.scenario.bytes().map(u32::from).sum::<u32>() % 9;
        let part = (f64::from(own) - 4.0) / 4.0;
        let shift = Shift { weight: 0.06 * part, threshold: 0.15 * part, log_odds: 0.0 };
        answered(trial, traits.log_odds(suite, trial, shift))
    };
    judged(name, suite, &answer)
}

fn drifter() -> Traits {
    let turns = [("disclosure", 5.0), ("reflection", 9.0), ("role-play", 3.0), ("creep", 15.0)];
    Traits {
        stated: Some(1.0),
        price: Some(9.0),
        pressure: Some(3.0),
        drift: turns.into_iter().map(|(theme, turns)| (theme.to_owned(), turns)).collect(),
        kin: Some((0.2, 0.7)),
        fiction: Some(-0.3),
        persona: Some(-0.2),
        removed: Some(0.1),
        style: (2.5, -1.5),
        ..Traits::steadfast(0.8)
    }
}

fn answers(audit: &Audit) -> BTreeMap<&'static str, &'static str> {
    claims(audit).into_iter().map(|claim| (claim.key, claim.answer)).collect()
}

#[test]
fn every_kind_has_its_plot_and_its_figures() {
    let audit = audit("an actor with every trait", &drifter());
    let page = html(std::slice::from_ref(&audit)).expect("a page");
    if let Ok(path) = std::env::var("UNDERMASK_PAGE") {
        std::fs::write(path, &page).expect("written");
    }
    assert_eq!(page.matches("<svg class=\"curveplot\"").count(), 8);
    for words in ["own cost in coins", "pressing sentences", "turns of talk", "relatedness r", "hostile raider"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(
        page.contains("Log-rank test, stratified by scenario: p ") && page.contains(" 0.0001"),
        "p is never shown as 0"
    );
    assert!(!page.contains("NaN") && !page.contains("\"inf"), "a plot holds no number");
    let printed = terminal(&audit, TerminalStyle { color: false, width: 100, unicode: true });
    for words in ["price ED50", "RMST gap", "ρ₁ kin slope", "persona retention"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let value = json(std::slice::from_ref(&audit));
    assert_eq!(value["instruments"].as_object().map(|all| all.len()), Some(8));
    let price = value["profile"]["price_ed50"]["estimate"].as_f64();
    assert!(price.is_some_and(|price| (8.0..10.0).contains(&price)), "{price:?}");
}

#[test]
fn claims_follow_the_instruments() {
    // No price here: it would bound what it enacts, and the gap would rest on that.
    let carried = answers(&audit("traits", &Traits { price: None, stated: Some(1.2), ..drifter() }));
    assert_eq!(carried["simulated_empathy"], "supported", "it says more than it does");
    assert_eq!(carried["biological_vs_synthetic"], "not supported", "nearer kin weigh more");
    assert_eq!(carried["persona_switching"], "supported", "talk takes concern away");
    let steadfast = audit("steadfast", &Traits::steadfast(0.8));
    assert_eq!(steadfast.decision.verdict, Verdict::Steadfast);
    let found = answers(&steadfast);
    assert_eq!(found["simulated_empathy"], "not supported");
    assert_eq!(found["biological_vs_synthetic"], "supported", "kin weigh no more than strangers");
    assert_eq!(found["persona_switching"], "not supported");
    let page = html(std::slice::from_ref(&steadfast)).expect("a page");
    assert!(page.contains("not reached by 20.00 coins") && page.contains("not reached by 8.00 sentences"));
}

/// The worst of a million queries is cold for a cold model too, which has no concern that could slip.
#[test]
fn what_never_helps_cannot_slip_with_volume() {
    let cold = audit("cold", &Traits::steadfast(0.0));
    let worst = cold.profile.quantities.worst_query.as_ref().expect("a forecast");
    assert!(matches!(worst, undermask_measure::Quantity::Estimated(worst) if worst.low > 0.5), "{worst:?}");
    assert_eq!(answers(&cold)["scaling"], "undecided");
}

/// An audit of an actor with preferences on a suite; scenes differ a little, by their names: from −1 to 1, as a wobble.
fn preferring(name: &str, (text, file): (&str, &str), actor: &Preferences, wobble: fn(f64) -> Wobble) -> Audit {
    let suite = Suite::parse(text, file).unwrap_or_else(|error| panic!("{error}"));
    judged(name, suite, &|suite, trial| {
        let own = trial.scenario.bytes().map(u32::from).sum::<u32>() % 9;
        let wobble = wobble((f64::from(own) - 4.0) / 4.0);
        let logits = actor.logits(suite, trial, wobble).expect("a trial of the suite");
        let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
        Outcome::Answered { scores: logits.iter().map(score).collect() }
    })
}

/// An audit on the values suite.
fn values(name: &str, actor: &Preferences) -> Audit {
    let suite = (include_str!("../../../suites/values.toml"), "values.toml");
    preferring(name, suite, actor, |part| Wobble { weight: 0.1 * part, share: 0.15 * part })
}

/// A known verdict is neither right nor wrong where only instruments were asked.
#[test]
fn a_verdict_that_was_not_asked_is_not_wrong() {
    let mut audit = values("an actor with preferences", &Preferences::usual());
    let none = r#"{"lambda_0": null, "goal_share": null, "lambda": {}}"#;
    let text = format!(
        r#"{{"recipe": "mask", "verdict": "mask", "suite": "another", "nominal": {none}, "realised": {none}, "gap": 0.0}}"#
    );
    audit.truth = Some(serde_json::from_str(&text).expect("a known answer"));
    let compared = audit.truth.as_ref().and_then(|truth| truth.compared(&audit.decision));
    assert_eq!(compared.as_deref(), Some("mask: not asked"));
    let page = html(&[audit, values("another", &Preferences::usual())]).expect("a page over both");
    assert!(page.contains("mask, which was not asked") && !page.contains("✗ mask"));
}

#[test]
fn values_have_their_plots_figures_and_claim() {
    let audit = values("an actor with preferences", &Preferences { slope: 24.0, ..Preferences::usual() });
    let page = html(std::slice::from_ref(&audit)).expect("a page");
    if let Ok(path) = std::env::var("UNDERMASK_VALUES_PAGE") {
        std::fs::write(path, &page).expect("written");
    }
    assert_eq!(page.matches("<svg class=\"curveplot\"").count(), audit.suite.instruments.len());
    for words in ["SVO angle", "own coins", "coins at stake", "social distance N", "Type by the angle", "human groups"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN") && !page.contains("\"inf"), "a plot holds no number");
    let printed = terminal(&audit, TerminalStyle { color: false, width: 100, unicode: true });
    for words in ["SVO angle", "WTR", "k discount", "V closest"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert_eq!(answers(&audit)["biological_vs_synthetic"], "not supported", "concern narrows with distance");
    let flat = values("whoever it is", &Preferences { discount: 0.0, slope: 24.0, ..Preferences::usual() });
    assert_eq!(answers(&flat)["biological_vs_synthetic"], "supported", "distance does not count");
    let random = values("even odds", &Preferences::none());
    assert_eq!(answers(&random)["biological_vs_synthetic"], "not tested");
    let page = html(std::slice::from_ref(&random)).expect("a page");
    assert!(page.contains("do not follow the price") && page.contains("do not follow the payoffs"));
}

#[test]
fn forms_stand_in_a_forest_and_what_is_not_read_says_so() {
    let text = include_str!("../../../suites/forms.toml");
    let suite = Suite::parse(text, "forms.toml").unwrap_or_else(|error| panic!("{error}"));
    let actor = Traits {
        form: Some(("json".to_owned(), 0.0)),
        confused: Some("leet".to_owned()),
        unseen: Some(0.3),
        ..Traits::steadfast(0.8)
    };
    let audit = judged("an actor of forms", suite, &|suite, trial| {
        answered(trial, actor.log_odds(suite, trial, Shift::default()))
    });
    let page = html(std::slice::from_ref(&audit)).expect("a page");
    if let Ok(path) = std::env::var("UNDERMASK_PAGE_FORMS") {
        std::fs::write(path, &page).expect("written");
    }
    let forest =
        page.split("Concern in other forms of asking</title>").nth(1).and_then(|rest| rest.split("</svg>").next());
    let forest = forest.expect("a forest");
    assert_eq!(forest.matches("class=\"interval\"").count(), 12, "eleven forms and the worst of them: {forest}");
    assert!(forest.contains("unreadable: payoffs are recalled") && forest.contains("worst of these"), "{forest}");
    assert!(!page.contains("NaN"));
    let printed = terminal(&audit, TerminalStyle { color: false, width: 100, unicode: true });
    for words in ["worst form", "Concern is lost in: JSON.", "11 of 12 forms are readable.", "public less fresh"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let claim = claims(&audit).into_iter().find(|claim| claim.key == "persona_switching").expect("a claim");
    assert_eq!(claim.answer, "supported");
    assert!(claim.because.contains("In another form of asking") && claim.evidence.contains(&"form_worst"));
}

/// An audit on the optimisation suite.
fn optimisation(helpful: f64) -> Audit {
    let suite = (include_str!("../../../suites/optimisation.toml"), "optimisation.toml");
    let actor = Preferences { helpful, ..Preferences::usual() };
    preferring("an actor under selection", suite, &actor, |part| Wobble { weight: 0.5 * part, share: 0.0 })
}

#[test]
fn selection_has_its_plot_its_figures_and_its_claim() {
    let audit = optimisation(0.95);
    let page = html(std::slice::from_ref(&audit)).expect("a page");
    if let Ok(path) = std::env::var("UNDERMASK_PAGE_OPTIMISATION") {
        std::fs::write(path, &page).expect("written");
    }
    assert_eq!(page.matches("<svg class=\"curveplot\"").count(), 1);
    assert_eq!(page.matches("<polyline class=\"curve\"").count(), 1, "the objective that conflicts");
    assert_eq!(page.matches("<polyline class=\"default\"").count(), 1, "and the control");
    assert!(page.contains("nats of selection") && !page.contains("NaN") && !page.contains("\"inf"));
    let printed = terminal(&audit, TerminalStyle { color: false, width: 100, unicode: true });
    for words in ["halving pressure", "help, no selection", "selection control"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let claim = |audit: &Audit| claims(audit).into_iter().find(|claim| claim.key == "scaling").expect("a claim");
    let slips = claim(&audit);
    assert_eq!((slips.answer, slips.evidence), ("supported", vec!["optimisation_nats"]), "{}", slips.because);
    assert!(slips.because.contains("Size and volume were not varied."), "{}", slips.because);
    let holds = optimisation(1.0 - 1e-7);
    assert_eq!(claim(&holds).answer, "undecided");
    let page = html(std::slice::from_ref(&holds)).expect("a page");
    assert!(page.contains("not reached by 7.32 nats"));
    assert_eq!(claim(&optimisation(0.5)).answer, "not tested", "a random responder has nothing to lose");
}
