//! The export of a suite as a task of lm-evaluation-harness. `lm_eval.rs` runs the harness itself.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Desk, SUITE, ends, fails};
use serde_json::Value;
use undermask_engine::{Model, Source};

fn documents(desk: &Desk) -> Vec<Value> {
    let text = fs::read_to_string(desk.path("task/undermask_small.jsonl")).expect("documents");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn exported(desk: &Desk) -> Vec<Value> {
    let arguments = ["export", SUITE, "--format", "lm-eval", "--model", "model", "--out", "task"];
    let (out, error) = ends(desk.undermask(&arguments), 0);
    assert!(out.starts_with("lm_eval --model hf ") && out.contains("--tasks undermask_small "), "{out}");
    assert!(error.contains("346 trials"), "{error}");
    documents(desk)
}

#[test]
fn every_trial_is_a_document_under_its_own_id() {
    let desk = Desk::new();
    let documents = exported(&desk);
    ends(desk.audit(&[]), 0);
    let records = fs::read_to_string(desk.path("run/records.jsonl")).expect("records");
    let asked: BTreeSet<String> = records
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["trial"].as_str().map(str::to_owned))
        .collect();
    let written: BTreeSet<String> =
        documents.iter().map(|document| document["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!((written.len(), &written), (documents.len(), &asked));
}

#[test]
fn documents_are_cut_between_tokens_and_name_the_target() {
    let desk = Desk::new();
    let model = Model::open(&Source::Directory(desk.path("model"))).expect("the model");
    let tokens = |text: &str| model.encode(text).expect("tokens");
    for document in exported(&desk) {
        let text = document["text"].as_str().expect("a prompt");
        let choices: Vec<&str> = document["choices"]
            .as_array()
            .expect("labels")
            .iter()
            .map(|choice| choice.as_str().expect("one"))
            .collect();
        assert!(text.starts_with("<|") && choices.len() >= 2, "{document}");
        assert!(document["target"].as_u64().expect("an index") < choices.len() as u64, "{document}");
        let shared = document["shared_tokens"].as_u64().expect("a count") as usize;
        assert_eq!(tokens(text.trim_end()).len() + shared, tokens(text).len());
        for choice in choices {
            assert!(tokens(&format!("{text}{choice}")).starts_with(&tokens(text)), "{document}");
        }
    }
}

#[test]
fn the_task_file_names_its_suite_and_its_documents() {
    let desk = Desk::new();
    exported(&desk);
    let yaml = fs::read_to_string(desk.path("task/undermask_small.yaml")).expect("the task");
    let path = desk.path("task/undermask_small.jsonl").canonicalize().expect("a path");
    for line in ["task: undermask_small", "output_type: multiple_choice", "target_delimiter: \"\"", "  seed: 1"] {
        assert!(yaml.lines().any(|found| found == line), "`{line}` is missing in {yaml}");
    }
    assert!(yaml.contains(&format!("test: \"{}\"", path.display())), "{yaml}");
}

#[test]
fn white_space_before_the_labels_is_counted() {
    let desk = Desk::new();
    desk.change("model/chat_template.jinja", |text| text.replace("<|assistant|>", "<|assistant|>\\n"));
    for document in exported(&desk).iter().filter(|document| document["text"].as_str().expect("text").ends_with('\n')) {
        assert!(document["shared_tokens"].as_u64() >= Some(1), "{document}");
    }
}

#[test]
fn what_cannot_be_exported() {
    let desk = Desk::new();
    let export = |more: &[&str]| {
        let mut command = desk.undermask(&["export"]);
        command.args(more);
        command
    };
    fails(export(&["coer", "--format", "lm-eval", "--model", "model", "--out", "task"]), &["did you mean `core`?"]);
    fails(export(&[SUITE, "--format", "lm-evil", "--model", "model", "--out", "task"]), &["lm-evil", "lm-eval"]);
    fails(export(&[SUITE, "--format", "lm-eval", "--model", "nothing", "--out", "task"]), &["nothing"]);
    fails(export(&[SUITE, "--format", "lm-eval", "--model", "model", "--out", "model/config.json"]), &["--out"]);
    fs::remove_file(desk.path("model/chat_template.jinja")).expect("removed");
    fails(export(&[SUITE, "--format", "lm-eval", "--model", "model", "--out", "task"]), &["no chat template"]);
    assert!(!desk.path("task").exists(), "nothing is written");
}
