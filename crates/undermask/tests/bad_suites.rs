//! What is wrong in a suite is shown with its line and its remedy.

mod common;

use common::{Desk, SUITE, fails};

/// Changes the small suite in one place, and checks that both verbs point at that line.
fn check(before: &str, after: &str, words: &[&str]) {
    let desk = Desk::new();
    let text = std::fs::read_to_string(SUITE).expect("the suite");
    let place = text.find(before).expect("what is to be changed");
    let line = text[..place].matches('\n').count() + 1;
    std::fs::write(desk.path("mine.toml"), text.replacen(before, after, 1)).expect("written");
    for arguments in [&["suite", "check", "mine.toml"][..], &["audit", "model", "--suite", "mine.toml", "--out", "run"]]
    {
        let error = fails(desk.undermask(arguments), words);
        assert!(error.contains(&format!("mine.toml:{line}:")), "line {line} is not named: {error}");
    }
    assert!(!desk.path("run").exists(), "nothing was written");
}

#[test]
fn a_misspelt_key() {
    check("benefit = ", "benfit = ", &["benfit", "benefit"]);
}

#[test]
fn a_misspelt_factor() {
    check("family = \"cued\"", "family = \"qued\"", &["qued", "cued"]);
}

#[test]
fn a_misspelt_kind() {
    check("kind = \"welfare\"", "kind = \"wellfare\"", &["wellfare", "welfare"]);
}

#[test]
fn a_context_that_is_not_there() {
    check("reversal_contexts = [\"default\"]", "reversal_contexts = [\"defualt\"]", &["defualt"]);
}

#[test]
fn a_missing_quote() {
    check("title = \"A few items for tests\"", "title = \"A few items for tests", &["mine.toml"]);
}

#[test]
fn several_problems_are_shown_together() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(SUITE).expect("the suite");
    let text = text.replacen("{benefit}", "{benfit}", 2);
    std::fs::write(desk.path("mine.toml"), text).expect("written");
    fails(
        desk.undermask(&["suite", "check", "mine.toml"]),
        &["4 problems", "mine.toml:64:11", "mine.toml:76:11", "did you mean {benefit}?"],
    );
}

#[test]
fn names_that_are_no_suites() {
    let desk = Desk::new();
    std::fs::write(desk.path("noise.toml"), [0xFF, 0xFE, 0x00]).expect("written");
    fails(desk.undermask(&["suite", "show", "coer"]), &["no suite `coer`", "did you mean `core`?"]);
    fails(desk.undermask(&["suite", "check", "nowhere.toml"]), &["nowhere.toml", "core"]);
    fails(desk.undermask(&["suite", "check", "noise.toml"]), &["noise.toml", "UTF-8"]);
    fails(desk.undermask(&["suite", "check", "model"]), &["model", "directory"]);
}
