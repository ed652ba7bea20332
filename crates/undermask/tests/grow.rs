//! Growing a tiny base: whole, stopped and continued; and what is refused.

mod common;

use std::fs;

use common::{Desk, SUITE, ends, fails};

const TINY: [&str; 8] = ["--size", "32,2,2,64", "--steps", "12", "--seed", "3", "--suite", SUITE];

fn grow(desk: &Desk, recipe: &str, out: &str) -> assert_cmd::Command {
    let mut command = desk.undermask(&["grow", recipe, "--out", out]);
    command.args(TINY);
    command
}

#[test]
fn a_base_is_grown_the_same_twice_and_not_written_over() {
    let desk = Desk::new();
    let (out, error) = ends(grow(&desk, "base", "one"), 0);
    assert!(out.is_empty() && error.contains("12 steps"), "{error}");
    ends(grow(&desk, "base", "two"), 0);
    let weights = |name: &str| fs::read(desk.path(name).join("model.safetensors")).expect("weights");
    assert_eq!(weights("one"), weights("two"));
    assert!(fs::read_to_string(desk.path("one/loss.svg")).expect("a curve").contains("polyline"));
    fails(grow(&desk, "base", "one"), &["one holds a finished model", "--out"]);
    let before = weights("model");
    fails(grow(&desk, "base", "model"), &["model holds a finished model"]);
    assert_eq!(weights("model"), before);
    ends(desk.undermask(&["activations", "one", "--text", "You", "--out", "a.safetensors"]), 0);
}

#[test]
fn what_cannot_be_grown() {
    let desk = Desk::new();
    fails(grow(&desk, "bsae", "x"), &["no recipe `bsae`", "steadfast"]);
    fails(desk.undermask(&["grow", "base", "--out", "x", "--size", "3,4"]), &["--size needs 4 numbers"]);
    fails(grow(&desk, "base", "/proc/undermask"), &["/proc/undermask"]);
    fails(desk.undermask(&["grow", "mask", "--out", "x", "--base", "nowhere"]), &["nowhere/config.json"]);
}
