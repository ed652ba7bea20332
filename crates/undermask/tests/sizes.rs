//! The verb `sizes` from end to end, on runs whose answers are scripted, and what it says of runs that are on no common line.

mod common;

use std::fs;

use common::{Desk, ends, fails};
use serde_json::Value;
use undermask_store::{LabelScore, Outcome, Record, RunInfo, RunStore, Status};
use undermask_suite::{ContextFamily, ItemKind, Plan, PlanSettings, Suite};

const QUICK: &str = include_str!("../../../suites/quick.toml");
const CORE: &str = include_str!("../../../suites/drift.toml");
const SIZES: [(&str, u64); 5] = [
    ("one", 1_000_000),
    ("two", 10_000_000),
    ("three", 100_000_000),
    ("four", 1_000_000_000),
    ("five", 10_000_000_000),
];

/// A run of a model with so many parameters, whose cued contexts keep this share of λ = .8.
fn write(desk: &Desk, name: &str, text: &str, parameters: u64, kept: f64) {
    let suite = Suite::parse(text, "suite.toml").unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let info = RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: name.to_owned(),
        architecture: "scripted".to_owned(),
        parameters,
        weights_hash: format!("weights of {name}"),
        tokenizer_hash: "tokenizer".to_owned(),
        template_hash: "template".to_owned(),
        commit: None,
        precision: "f32".to_owned(),
        device: "cpu".to_owned(),
        driver: None,
        instructions: None,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        suite_text: text.to_owned(),
        seed: 1,
        full: false,
        code_version: "0".to_owned(),
        trials: plan.trials.len(),
        tokens: (0, 0),
        started: 0,
        seconds: 0.0,
        drawn: Vec::new(),
        notes: Vec::new(),
        stopping: None,
    };
    let mut store = RunStore::open(&desk.path(name), info).expect("a run");
    for trial in &plan.trials {
        let context = suite.contexts.iter().find(|context| context.id == trial.context);
        let cued = context.is_some_and(|context| context.family == ContextFamily::Cued);
        let weight = if cued && trial.kind == ItemKind::Welfare { 0.8 * kept } else { 0.8 };
        let odds = match trial.kind {
            ItemKind::Dominance | ItemKind::Recall | ItemKind::ContextCheck => 9.0,
            _ => 12.0 * (weight - trial.ratio.unwrap_or(0.0)),
        };
        let logits: Vec<f64> =
            (0..trial.options.len()).map(|index| if index == trial.target { odds } else { 0.0 }).collect();
        let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
        store
            .append(Record::new(trial, Outcome::Answered { scores: logits.iter().map(score).collect() }))
            .expect("kept");
    }
    store.close_sitting(1.0, Status::Complete, Vec::new()).expect("closed");
}

/// Five models whose M rises by .2 a decade.
fn ladder() -> Desk {
    let desk = Desk::new();
    for (place, (name, parameters)) in SIZES.iter().enumerate() {
        let wobble = [0.01, -0.01, 0.015, -0.015, 0.0][place];
        write(&desk, name, QUICK, *parameters, 1.0 - 0.2 * place as f64 + wobble);
    }
    desk
}

fn sizes(desk: &Desk, runs: &[&str], more: &[&str]) -> assert_cmd::Command {
    let mut command = desk.undermask(&["sizes"]);
    command.args(runs).args(more);
    command
}

const ALL: [&str; 5] = ["three", "one", "five", "two", "four"];

#[test]
fn a_planted_slope_is_found_held_out_forecast_and_shown() {
    let desk = ladder();
    let (out, _) = ends(sizes(&desk, &ALL, &["--json", "--at", "50B"]), 0);
    let found: Value = serde_json::from_str(&out).expect("JSON and nothing else");
    assert_eq!((found["format"].as_str(), found["version"].as_u64()), (Some("undermask.sizes"), Some(1)));
    assert_eq!(out, fs::read_to_string(desk.path("runs/sizes-quick/sizes.json")).expect("the JSON"));
    let line = &found["quantities"][0];
    assert_eq!(line["quantity"], "mask_index");
    let (low, high) =
        (line["line"]["slope_low"].as_f64().expect("low"), line["line"]["slope_high"].as_f64().expect("high"));
    assert!(low < 0.2 && 0.2 < high && low > 0.15 && high < 0.25, "{low} to {high}");
    assert_eq!(line["line"]["held_out"]["parameters"], 1e10);
    assert_eq!(line["line"]["held_out"]["inside"], true);
    let forecast = &line["line"]["forecast"];
    assert!(forecast["low"].as_f64() < Some(0.94) && forecast["high"].as_f64() > Some(0.94), "{forecast}");
    // What does not depend on the cue shows no trend.
    let base = found["quantities"].as_array().expect("lines").iter().find(|line| line["quantity"] == "lambda_0");
    assert!(base.expect("λ₀")["line"]["slope"].as_f64().expect("a slope").abs() < 0.01);
    let page = fs::read_to_string(desk.path("runs/sizes-quick/sizes.html")).expect("a page");
    assert!(page.contains("rises with size") && page.contains("<svg") && !page.contains("<script"));
    let (out, _) = ends(sizes(&desk, &ALL, &[]), 0);
    for words in ["5 models over size", "mask index M: rises with size", "Held out: the others forecast"] {
        assert!(out.contains(words), "`{words}` is missing in: {out}");
    }
}

#[test]
fn what_is_on_no_common_line_is_refused_with_the_remedy() {
    let desk = ladder();
    fails(sizes(&desk, &ALL[..3], &[]), &["needs 4 runs, 3 given", "more sizes"]);
    fails(sizes(&desk, &ALL, &["--at", "1e12"]), &["--at", "more than a decade outside"]);
    fails(sizes(&desk, &ALL, &["--at", "big"]), &["7e9 or 7B"]);
    fails(sizes(&desk, &["one", "two", "three", "one"], &[]), &["are runs of one model", "each model once"]);
    write(&desk, "other", CORE, 5_000_000, 1.0);
    fails(sizes(&desk, &["one", "two", "three", "other"], &[]), &["were asked different things", "one suite"]);
    write(&desk, "nameless", QUICK, 0, 1.0);
    fails(
        sizes(&desk, &["one", "two", "three", "nameless"], &[]),
        &["no number of parameters", "audit the model again"],
    );
    fails(sizes(&desk, &["one", "two", "three", "missing"], &[]), &["the run missing does not exist"]);
}
