//! Lineage, budgets and utilities from end to end: in suites by hand, and on a shipped organism.

mod common;

use common::{Desk, ends, fails, mask_on};

/// One instrument and five scenes.
fn mine() -> String {
    let head = "format = \"undermask.suite\"\nversion = 1\nname = \"mine\"\nquestions = [\"{first} or {second}?\"]\n\n\
                [[instrument]]\nid = \"split\"\nkind = \"budgets\"\ntitle = \"What is shared with a friend\"\nform = \"pairs\"\n\
                who = [\"Ines\", \"Pavel\"]\nbudgets = [[10, 3, 1], [10, 1, 3], [20, 1, 1]]\n\n";
    let scene = |number: usize| {
        format!(
            "[[scenario]]\nid = \"day-{number}\"\nkind = \"instrument\"\nfamily = \"days\"\ntarget = \"give\"\nother = \"keep\"\n\
             setting = \"It is day {number} at the mill of {{who}}.\"\n\
             benefit = \"If you {{target}}, {{who}} has {{benefit}} more coins.\"\n\
             cost = \"If you {{target}}, you have {{cost}} fewer coins.\"\n\n"
        )
    };
    format!("{head}{}", (1..=5).map(scene).collect::<String>())
}

#[test]
fn a_suite_by_hand_needs_no_rust() {
    let desk = Desk::new();
    std::fs::write(desk.path("mine.toml"), mine()).expect("written");
    let (checked, _) = ends(desk.undermask(&["suite", "check", "mine.toml"]), 0);
    assert!(checked.contains("valid suite") && checked.contains("with 1 instrument"), "{checked}");
    let (text, _) = ends(desk.undermask(&["audit", "model", "--suite", "mine.toml", "--out", "run", "--json"]), 0);
    let profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let split = &profile["instruments"]["split"];
    assert_eq!(split["kind"], "budgets");
    assert!(split["quantities"]["ccei_within"]["estimate"].is_f64(), "{split}");
    let refused = split["quantities"]["ccei_gap"]["refused"].as_str();
    assert!(refused.is_some_and(|why| why.contains("one context alone")), "{split}");
    let page = std::fs::read_to_string(desk.path("run/report.html")).expect("a page");
    assert!(page.contains("What is shared with a friend") && page.contains("Bronars power"));
    std::fs::write(desk.path("bad.toml"), mine().replace("[20, 1, 1]", "[21, 1, 1]")).expect("written");
    fails(desk.undermask(&["suite", "check", "bad.toml"]), &["do not divide 21 tokens", "a multiple of 5"]);
}

#[test]
fn a_shipped_organism_is_audited_on_the_preferences_suite() {
    assert_eq!(mask_on("preferences")["instruments"].as_object().expect("instruments").len(), 4);
}
