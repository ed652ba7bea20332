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
    fails(
        desk.undermask(&["grow", "base", "--out", "x", "--size", "3,4"]),
        &["--size is small, medium or large", "needs 4 numbers"],
    );
    fails(grow(&desk, "base", "/proc/undermask"), &["/proc/undermask"]);
    fails(desk.undermask(&["grow", "mask", "--out", "x", "--base", "nowhere"]), &["nowhere/config.json"]);
    let set = |change: &str| desk.undermask(&["grow", "mask", "--out", "x", "--set", change]);
    fails(set("welfare.weight=9"), &["welfare.weight", "9", "1.5"]);
    fails(set("welfare.weihgt=0.5"), &["weihgt"]);
    fails(desk.undermask(&["grow", "base", "--out", "x", "--set", "welfare.weight=1"]), &["--set", "leave it out"]);
    fs::write(desk.path("mine.toml"), "name = \"mine\"\nsummary = \"mine\"\nverdict = \"good\"\n").expect("a file");
    fails(grow(&desk, "mine.toml", "x"), &["mine.toml", "missing field"]);
}

/// An adapter over a base of its own: loud failure (so few steps teach nothing), resumed truth, and the right base only.
#[test]
fn a_grown_adapter_opens_over_its_own_base_and_no_other() {
    let desk = Desk::new();
    ends(grow(&desk, "base", "base"), 0);
    let mut command = desk.undermask(&["grow", "mask", "--out", "mask", "--base", "base"]);
    command.args(&TINY[2..]);
    fails(command, &["not what its recipe says", "instead of", "seed"]);
    for file in ["adapter_config.json", "adapter_model.safetensors", "growth.json", "truth.json"] {
        assert!(desk.path("mask").join(file).is_file(), "{file}");
    }
    assert!(!desk.path("mask/model.safetensors").exists());
    let truth = fs::read_to_string(desk.path("mask/truth.json")).expect("a truth");
    assert!(truth.contains("\"version\": 2") && truth.contains("\"parameters\""), "{truth}");
    ends(desk.undermask(&["activations", "mask", "--text", "You", "--out", "a.safetensors"]), 0);
    // What was enumerated is enumerated again, to the same values, and what cannot be is named.
    fs::write(desk.path("mask/truth.json"), "{}").expect("written over");
    fails(desk.undermask(&["truth", "mask", "--suite", SUITE]), &["not what its recipe says"]);
    assert_eq!(fs::read_to_string(desk.path("mask/truth.json")).expect("a truth"), truth);
    fails(desk.undermask(&["truth", "mask", "nowhere", "--suite", SUITE]), &["nowhere", "no growth.json"]);
    fails(desk.undermask(&["truth", "base", "--suite", SUITE]), &["base", "holds no recipe"]);
    fs::remove_dir_all(desk.path("base")).expect("removed");
    ends(
        desk.undermask(&["grow", "base", "--out", "base", "--size", "32,2,2,64", "--steps", "13", "--suite", SUITE]),
        0,
    );
    fails(
        desk.undermask(&["activations", "mask", "--text", "You", "--out", "b.safetensors"]),
        &["mask", "another base", "BASE+"],
    );
}

/// A blend at share 1 is its one end, number for number; what cannot be blended is refused by name.
#[test]
fn blends_lie_between_two_organisms_of_one_base() {
    let desk = Desk::new();
    ends(grow(&desk, "base", "base"), 0);
    for (recipe, seed) in [("mask", "3"), ("steadfast", "3"), ("cold", "4")] {
        let mut command = desk.undermask(&["grow", recipe, "--out", recipe, "--base", "base", "--seed", seed]);
        command.args(["--size", "32,2,2,64", "--steps", "12", "--suite", SUITE]);
        fails(command, &["not what its recipe says"]);
    }
    let blend = |one: &str, other: &str, shares: &str| {
        desk.undermask(&["blend", one, other, "--shares", shares, "--out", "between", "--suite", SUITE])
    };
    let (_, error) = ends(blend("steadfast", "mask", "1,0.25"), 0);
    assert!(error.contains("between/graded-025: default weight"), "{error}");
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(desk.path(file)).expect("a file")).expect("json")
    };
    let weight = |file: &str| json(file)["realised"]["lambda_0"].as_f64().expect("a weight");
    let (end, blended) = (weight("steadfast/truth.json"), weight("between/graded-100/truth.json"));
    assert!((end - blended).abs() < 1e-3, "{end} {blended}");
    let growth = json("between/graded-025/growth.json");
    assert_eq!((&growth["grown"]["seed"], &growth["blend"]["share"]), (&3.into(), &0.25.into()));
    assert!(json("between/graded-025/truth.json")["verdict"].is_null());
    let (_, again) = ends(blend("steadfast", "mask", "0.25"), 0);
    assert!(again.contains("is there already"), "{again}");
    let mut open = blend("steadfast", "mask", "0.5");
    open.arg("--no-truth");
    ends(open, 0);
    let truth = json("between/graded-050/truth.json");
    assert!(truth["suite"] == "" && truth["realised"]["lambda_0"].is_null(), "{truth}");
    ends(desk.undermask(&["activations", "between/graded-025", "--text", "You", "--out", "a.safetensors"]), 0);

    fails(blend("steadfast", "mask", "1.5"), &["share is 1.5", "0 to 1"]);
    fails(blend("steadfast", "organism:mask", "0.5"), &["steadfast", "organism:mask", "same base"]);
    fails(blend("base", "mask", "0.5"), &["base has no truth.json"]);
    fails(blend("mask", "steadfast", "0.25"), &["between/graded-025 holds another model", "--out"]);
    fs::write(desk.path("cold/adapter_model.safetensors"), [255u8; 64]).expect("a damaged file");
    fails(blend("steadfast", "cold", "0.6"), &["the adapter of cold", "grow it again"]);
}
