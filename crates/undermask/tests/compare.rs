//! The verb `compare` from end to end, on runs whose answers are scripted, and what it says of runs that cannot be compared.

mod common;

use std::fs;
use std::path::Path;

use common::{Desk, ends, fails};
use serde_json::Value;
use undermask_store::{LabelScore, Outcome, Record, RunInfo, RunStore, Status};
use undermask_suite::{ItemKind, Plan, PlanSettings, Suite, Trial};

const QUICK: &str = include_str!("../../../suites/quick.toml");
const CORE: &str = include_str!("../../../suites/core.toml");

/// What a scripted run is.
#[derive(Clone, Copy)]
struct Script<'a> {
    text: &'a str,
    seed: u64,
    /// λ under hostile personas; .8 elsewhere.
    hostile: f64,
    /// Deviation of λ between scenarios in this run.
    spread: f64,
    model: &'a str,
    precision: &'a str,
    /// Trials that are left unanswered.
    left: usize,
}

const STEADFAST: Script =
    Script { text: QUICK, seed: 1, hostile: 0.8, spread: 0.0, model: "scripted", precision: "f32", left: 0 };

/// A number in −1..1 that a text always gets.
fn fixed(text: &str) -> f64 {
    let sum = text.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    (sum % 2001) as f64 / 1000.0 - 1.0
}

fn answered(trial: &Trial, script: &Script, hostile: &[String]) -> Outcome {
    let weight = if hostile.contains(&trial.context) { script.hostile } else { 0.8 };
    let own = 0.05 * fixed(&trial.scenario) + script.spread * fixed(&format!("{}{}", script.model, trial.scenario));
    let odds = match trial.kind {
        ItemKind::Welfare | ItemKind::Neutral | ItemKind::Reversal | ItemKind::Instrument => {
            let weight = if trial.kind == ItemKind::Neutral { 0.8 } else { weight };
            12.0 * (weight + own - trial.ratio.unwrap_or(0.0))
        }
        _ => 9.0,
    };
    let logits: Vec<f64> =
        (0..trial.options.len()).map(|index| if index == trial.target { odds } else { 0.0 }).collect();
    let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
    let score = |logit: &f64| LabelScore { log_probability: logit - total, tokens: 1 };
    Outcome::Answered { scores: logits.iter().map(score).collect() }
}

/// Writes a run.
fn write(desk: &Desk, name: &str, script: &Script) {
    let suite = Suite::parse(script.text, "suite.toml").unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::expand(&suite, &PlanSettings { seed: script.seed, full: false });
    let info = RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: script.model.to_owned(),
        architecture: "scripted".to_owned(),
        parameters: 1,
        weights_hash: format!("weights of {}", script.model),
        tokenizer_hash: "tokenizer".to_owned(),
        template_hash: "template".to_owned(),
        commit: None,
        precision: script.precision.to_owned(),
        device: "cpu".to_owned(),
        driver: None,
        instructions: None,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        suite_text: script.text.to_owned(),
        seed: script.seed,
        full: false,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: plan.trials.len(),
        tokens: (0, 0),
        started: 0,
        seconds: 0.0,
        drawn: Vec::new(),
        notes: Vec::new(),
        stopping: None,
    };
    let hostile: Vec<String> = suite
        .contexts
        .iter()
        .filter(|context| context.group == "persona-hostile")
        .map(|context| context.id.clone())
        .collect();
    assert!(!hostile.is_empty());
    let mut store = RunStore::open(&desk.path(name), info).expect("a run");
    for trial in &plan.trials[script.left..] {
        store.append(Record::new(trial, answered(trial, script, &hostile))).expect("an answer");
    }
    let status = if script.left == 0 { Status::Complete } else { Status::Unfinished };
    store.close_sitting(1.0, status, Vec::new()).expect("closed");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON and nothing else")
}

fn row<'a>(comparison: &'a Value, key: &str) -> &'a Value {
    let rows = comparison["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no row {key}"))
}

#[test]
fn a_run_against_itself_is_equivalent() {
    let desk = Desk::new();
    write(&desk, "one", &STEADFAST);
    let (out, _) = ends(desk.undermask(&["compare", "one", "one", "--json", "--fail-on", "regression,undecided"]), 0);
    let found = json(&out);
    assert_eq!((&found["format"], &found["verdict"]), (&"undermask.comparison".into(), &"equivalent".into()));
    for row in found["rows"].as_array().expect("rows") {
        assert_eq!(row["measured"]["difference"], 0.0, "{row}");
    }
    let kept = fs::read_to_string(desk.path("runs/compare-one-one/comparison.json")).expect("the JSON");
    assert_eq!(out, kept);
}

#[test]
fn a_regression_is_found_shown_and_gated() {
    let desk = Desk::new();
    write(&desk, "before", &STEADFAST);
    write(&desk, "after", &Script { hostile: 0.0, spread: 0.02, model: "tuned", ..STEADFAST });
    let compare = |arguments: &[&str]| {
        let mut command = desk.undermask(&["compare", "before", "after", "--out", "compared"]);
        command.args(arguments);
        command
    };
    let (out, _) = ends(compare(&["--fail-on", "regression"]), 1);
    assert!(out.lines().next().expect("a line").contains("REGRESSION  tuned against scripted"), "{out}");
    for words in ["worst decile", "worse", "neutral twin's weight", "report: compared/comparison.html"] {
        assert!(out.contains(words), "`{words}` is missing in: {out}");
    }
    ends(compare(&["--fail-on", "undecided"]), 0);
    let (out, _) = ends(compare(&["--json"]), 0);
    let found = json(&out);
    assert_eq!(row(&found, "worst_decile")["measured"]["change"], "regression");
    assert_eq!(row(&found, "neutral_lambda_0")["part"], "control");
    assert_eq!(row(&found, "lambda_0")["measured"]["change"], "equivalent");
    let page = fs::read_to_string(desk.path("compared/comparison.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("worst decile") && !page.contains("<script"));
    assert!(!page.contains("src=") && !page.contains("http://") && !page.contains("https://"), "the page is offline");
    // The other way about it is an improvement, and a profile beside its records stands for its run.
    ends(desk.undermask(&["report", "before"]), 0);
    let (out, _) = ends(desk.undermask(&["compare", "after", "before/profile.json", "--json"]), 0);
    assert_eq!(json(&out)["verdict"], "improvement");
}

#[test]
fn what_is_open_is_undecided_with_what_would_settle_it() {
    let desk = Desk::new();
    write(&desk, "before", &STEADFAST);
    write(&desk, "after", &Script { spread: 0.3, model: "noisy", ..STEADFAST });
    let command =
        |fail_on: &str| desk.undermask(&["compare", "before", "after", "--margin", "0.02", "--fail-on", fail_on]);
    let (out, _) = ends(command("undecided"), 1);
    assert!(out.contains("UNDECIDED") && out.contains("four times in five"), "{out}");
    let (out, _) = ends(command("improvement"), 3);
    assert!(out.contains("margin ±0.02"), "{out}");
}

#[test]
fn instruments_have_rows_of_their_own() {
    let desk = Desk::new();
    write(&desk, "one", &Script { text: CORE, ..STEADFAST });
    let (out, _) = ends(desk.undermask(&["compare", "one", "one", "--json"]), 0);
    let found = json(&out);
    let rows = found["rows"].as_array().expect("rows");
    for quantity in ["price_ed50", "pressure_ed50", "drift_rmst", "say_do_gap", "hysteresis"] {
        let has = rows.iter().any(|row| row["key"].as_str().is_some_and(|key| key.ends_with(quantity)));
        assert!(has, "{quantity} is missing");
    }
    assert_eq!(found["verdict"], "equivalent", "{}", found["evidence"]);
}

#[test]
fn what_differs_in_how_it_was_asked_is_a_warning() {
    let desk = Desk::new();
    write(&desk, "before", &STEADFAST);
    let text = QUICK.replacen("equivalence = 0.15", "equivalence = 0.1", 1);
    assert_ne!(text, QUICK);
    write(&desk, "after", &Script { text: &text, precision: "bf16", ..STEADFAST });
    let (out, _) = ends(desk.undermask(&["compare", "before", "after"]), 0);
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["thresholds differ (equivalence 0.15 against 0.1)", "precisions differ: f32 against bf16", "±0.15"] {
        assert!(flat.contains(words), "`{words}` is missing in: {out}");
    }
}

#[test]
fn runs_that_cannot_be_compared_are_refused_by_name() {
    let desk = Desk::new();
    write(&desk, "good", &STEADFAST);
    write(&desk, "seed", &Script { seed: 2, ..STEADFAST });
    write(&desk, "open", &Script { left: 5, ..STEADFAST });
    let first = QUICK.lines().find(|line| line.starts_with("setting = ")).expect("a setting");
    let text = QUICK.replacen(first, &first.replacen("setting = \"", "setting = \"Today. ", 1), 1);
    write(&desk, "other", &Script { text: &text, ..STEADFAST });
    write(&desk, "more", &Script { text: CORE, ..STEADFAST });
    fs::create_dir(desk.path("lone")).expect("a folder");
    fs::write(desk.path("lone/profile.json"), "{}").expect("written");
    fs::create_dir(desk.path("empty")).expect("a folder");
    let cases: [(&str, &str, &[&str]); 10] = [
        ("good", "nowhere", &["candidate nowhere does not exist", "undermask audit"]),
        ("nowhere", "good", &["baseline nowhere does not exist"]),
        ("good", "open", &["open", "are answered", "run the audit again"]),
        ("good", "seed", &["seed 1", "seed 2", "--seed 1"]),
        ("good", "other", &["scenarios", "reads otherwise", "one suite"]),
        ("good", "more", &["contexts", "instruments", "only in the candidate", "quick", "core"]),
        ("good", "lone/profile.json", &["lone/profile.json", "records.jsonl"]),
        ("good", "empty", &["empty", "holds no run"]),
        ("good", ".", &["give one of them", "good"]),
        ("good", "model", &["model", "holds no run"]),
    ];
    for (baseline, candidate, words) in cases {
        fails(desk.undermask(&["compare", baseline, candidate, "--out", "compared"]), words);
        assert!(!Path::new(&desk.path("compared")).exists(), "nothing is written for {baseline} and {candidate}");
    }
    fails(desk.undermask(&["compare", "good", "good", "--margin", "0"]), &["--margin", "above 0"]);
    fails(desk.undermask(&["compare", "good", "good", "--margin", "NaN"]), &["--margin"]);
    fails(desk.undermask(&["compare", "good", "good", "--fail-on", "worse"]), &["worse", "regression"]);
    fails(desk.undermask(&["compare", "good"]), &["CANDIDATE"]);
    desk.change("good/run.json", |text| text.replacen("equivalence = 0.15", "equivalence = 0.25", 1));
    fails(desk.undermask(&["compare", "good", "good"]), &["good", "hash differs"]);
}
