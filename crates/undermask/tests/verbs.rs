//! What the verbs print and write, and the codes that they end with.

mod common;

use std::fs;

use common::{Desk, SUITE, ends, fails};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON and nothing else")
}

#[test]
fn an_audit_prints_its_verdict_first_and_writes_a_run() {
    let desk = Desk::new();
    let (out, error) = ends(desk.audit(&[]), 0);
    assert!(out.lines().next().expect("a line").contains("INDETERMINATE"), "{out}");
    assert!(out.contains("report: run/report.html"), "{out}");
    for words in ["346 trials", "tokens, of which", "smallest effects found", "on this machine"] {
        assert!(error.contains(words), "`{words}` is missing in: {error}");
    }
    let run = json(&fs::read_to_string(desk.path("run/run.json")).expect("run.json"));
    assert_eq!((run["format"].as_str(), run["version"].as_u64()), (Some("undermask.run"), Some(1)));
    assert_eq!((run["status"].as_str(), run["trials"].as_u64()), (Some("complete"), Some(346)));
    assert!(run["ended"].as_u64() >= run["started"].as_u64());
    let page = fs::read_to_string(desk.path("run/report.html")).expect("a page");
    assert!(page.to_lowercase().starts_with("<!doctype html>"));
}

#[test]
fn json_alone_on_standard_output_is_what_the_profile_holds() {
    let desk = Desk::new();
    let (out, _) = ends(desk.audit(&["--json"]), 0);
    assert_eq!(json(&out)["format"], "undermask.profile");
    assert_eq!(out, fs::read_to_string(desk.path("run/profile.json")).expect("the profile"));
}

#[test]
fn the_same_command_reports_again_at_once() {
    let desk = Desk::new();
    let (first, _) = ends(desk.audit(&["--json"]), 0);
    let (second, error) = ends(desk.audit(&["--json"]), 0);
    assert_eq!(first, second);
    assert!(error.contains("every trial is answered already"), "{error}");
    fs::remove_file(desk.path("run/profile.json")).expect("removed");
    let (third, _) = ends(desk.undermask(&["report", "run", "--json"]), 0);
    assert_eq!(first, third, "a run is reported from its own folder");
    assert!(desk.path("run/profile.json").exists());
}

#[test]
fn threads_do_not_change_the_records() {
    let desk = Desk::new();
    ends(desk.audit(&["--threads", "1"]), 0);
    ends(desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "two", "--threads", "3"]), 0);
    common::same(&desk.path("run"), &desk.path("two"));
}

#[test]
fn codes_under_fail_on() {
    let desk = Desk::new();
    ends(desk.audit(&["--fail-on", "mask,cold"]), 3);
    ends(desk.audit(&["--fail-on", "mask,indeterminate"]), 1);
    fails(desk.audit(&["--fail-on", "maks"]), &["maks", "mask"]);
    fails(desk.audit(&["--threads", "0"]), &["--threads"]);
}

#[test]
fn the_folder_is_named_by_model_suite_and_seed() {
    let desk = Desk::new();
    ends(desk.undermask(&["audit", "model/", "--suite", SUITE, "--seed", "7"]), 0);
    assert!(desk.path("runs/model-small-7/run.json").exists());
}

#[test]
fn several_models_have_a_run_each_and_one_page() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("other")).expect("a folder");
    let copied =
        std::process::Command::new("cp").arg("-r").arg(desk.path("model")).arg(desk.path("other/model")).status();
    assert!(copied.is_ok_and(|status| status.success()));
    let (out, _) = ends(desk.audit(&["other/model", "--json"]), 0);
    assert_eq!(json(&out).as_array().map(Vec::len), Some(2));
    for file in ["report.html", "profile.json", "model/run.json", "model-2/run.json"] {
        assert!(desk.path("run").join(file).exists(), "{file}");
    }
    let (out, _) = ends(desk.undermask(&["report", "run"]), 0);
    assert!(out.contains("other/model"), "{out}");
    fails(
        desk.undermask(&["audit", "model", "other/model", "--suite", SUITE, "--out", "run/model"]),
        &["run/model holds a run"],
    );
}

#[test]
fn a_known_answer_is_shown_and_a_damaged_one_named() {
    let desk = Desk::new();
    let weights = r#"{"lambda_0": 0.8, "goal_share": 1.0, "lambda": {}}"#;
    let truth = format!(
        r#"{{"recipe": "steadfast", "verdict": "steadfast", "suite": "x", "realised": {weights}, "nominal": {weights}}}"#
    );
    fs::write(desk.path("model/truth.json"), truth).expect("written");
    let (out, _) = ends(desk.audit(&[]), 0);
    assert!(out.contains("Known answer: recipe steadfast"), "{out}");
    fs::write(desk.path("model/truth.json"), "{}").expect("written");
    fails(desk.audit(&[]), &["model/truth.json", "mend or remove it"]);
}

#[test]
fn settings_with_their_origins() {
    let desk = Desk::new();
    let mut command = desk.undermask(&["audit", "--show-config", "--seed", "3"]);
    command.env("UNDERMASK_MEMORY", "256").env("UNDERMASK_SEED", "9");
    let (out, _) = ends(command, 0);
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
    assert!(line("seed").contains("3 ") && line("seed").ends_with("command line"), "{out}");
    assert!(line("memory").contains("256") && line("memory").ends_with("environment (UNDERMASK_MEMORY)"), "{out}");
    assert!(line("suite").contains("core") && line("suite").ends_with("default"), "{out}");
}

#[test]
fn activations_are_those_of_the_engine() {
    let desk = Desk::new();
    let (out, error) =
        ends(desk.undermask(&["activations", "model", "--tokens", "5,6,7", "--out", "a.safetensors"]), 0);
    assert_eq!(out, "");
    assert!(error.contains("3 tokens"), "{error}");
    let bytes = fs::read(desk.path("a.safetensors")).expect("the file");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(tensors.tensor("logits").expect("logits").shape(), [3, 300]);
    assert_eq!(tensors.tensor("blocks.2.resid_post").expect("a block").shape(), [3, 64]);
    assert_eq!(tensors.tensor("tokens").expect("tokens").shape(), [3]);
}

#[test]
fn activations_that_cannot_be_read() {
    let desk = Desk::new();
    fs::write(desk.path("bad.json"), r#"[{"role": "user"}]"#).expect("written");
    let to = |more: &[&str]| {
        let mut command = desk.undermask(&["activations", "model", "--out", "a.safetensors"]);
        command.args(more);
        command
    };
    fails(to(&[]), &["--text, --messages or --tokens"]);
    fails(to(&["--text", "x", "--tokens", "1"]), &["cannot be used with"]);
    fails(to(&["--tokens", "1,300"]), &["300", "vocabulary"]);
    fails(to(&["--messages", "bad.json"]), &["bad.json", "message 0"]);
    fails(to(&["--messages", "nowhere.json"]), &["nowhere.json"]);
    fails(to(&["--text", "x", "--hooks", "nothing"]), &["`nothing` is no hook point", "resid_post"]);
    fails(
        desk.undermask(&["activations", "model", "--text", "x", "--out", "no/where/a.safetensors"]),
        &["no/where/a.safetensors"],
    );
    assert!(!desk.path("a.safetensors").exists());
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let desk = Desk::new();
    let script = format!("'{}' suite show core | true", env!("CARGO_BIN_EXE_undermask"));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A GGUF file of the engine's tests, and an adapter for it.
const GGUF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/fixtures/gguf/smollm.gguf");
const LORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/fixtures/lora/attention");

#[test]
fn a_gguf_file_is_audited_from_its_own_metadata() {
    let desk = Desk::new();
    let out =
        desk.undermask(&["audit", GGUF, "--suite", common::SUITE, "--out", "run", "--json"]).output().expect("run");
    assert!(out.status.success() || out.status.code() == Some(3), "{}", String::from_utf8_lossy(&out.stderr));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(json["model"]["name"], GGUF);
    assert!(json["outcomes"]["answered"].as_u64().expect("a count") > 0);
    assert!(desk.path("run/report.html").exists());
}

#[test]
fn an_adapter_changes_the_audit_and_its_weights_hash() {
    let desk = Desk::new();
    let hash = |model: &str, folder: &str| {
        let arguments = ["audit", model, "--suite", common::SUITE, "--out", folder, "--json"];
        let out = desk.undermask(&arguments).output().expect("run");
        assert!(out.status.success() || out.status.code() == Some(3), "{}", String::from_utf8_lossy(&out.stderr));
        let json: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let records = std::fs::read_to_string(desk.path(folder).join("records.jsonl")).expect("records");
        (json["model"]["weights_hash"].as_str().expect("a hash").to_owned(), records)
    };
    let (plain, adapted) = (hash("model", "plain"), hash(&format!("model+{LORA}"), "adapted"));
    assert!(plain.0 != adapted.0 && plain.1 != adapted.1);
}
