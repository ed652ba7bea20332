//! The optimisation instrument from end to end: its suite on a shipped organism, and a bad copy refused.

mod common;

use common::{Desk, ends, fails, mask_on};

#[test]
fn a_shipped_organism_is_audited_on_the_optimisation_suite() {
    assert_eq!(mask_on("optimisation")["instruments"]["best-of-n"]["kind"], "optimisation");
}

#[test]
fn an_objective_that_does_not_conflict_is_refused_with_its_line() {
    let desk = Desk::new();
    let text = include_str!("../../../suites/optimisation.toml");
    std::fs::write(desk.path("mine.toml"), text).expect("written");
    let (checked, _) = ends(desk.undermask(&["suite", "check", "mine.toml"]), 0);
    assert!(checked.contains("144 trials") && checked.contains("with 1 instrument"), "{checked}");
    let wrong = text.replacen("scores = [0, 0, 1, 1]", "scores = [1, 0, 0, 0]", 1);
    let line = 1 + wrong.lines().position(|line| line == "scores = [1, 0, 0, 0]").expect("the line");
    std::fs::write(desk.path("bad.toml"), wrong).expect("written");
    let place = format!("bad.toml:{line}");
    fails(desk.undermask(&["suite", "check", "bad.toml"]), &["does not conflict", "more points", &place]);
}
