//! What a kill, a full disk or another run leaves behind.

use std::fs;
use std::io::Write as _;

use undermask_store::{LabelScore, Outcome, Record, RunInfo, RunStore, StoreError, read_run};
use undermask_suite::{ItemKind, Order, TrialId};

fn info() -> RunInfo {
    RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: "m".to_owned(),
        architecture: "a".to_owned(),
        parameters: 1,
        weights_hash: "w".to_owned(),
        tokenizer_hash: "t".to_owned(),
        template_hash: "c".to_owned(),
        precision: "f32".to_owned(),
        suite: "s".to_owned(),
        suite_hash: "h".to_owned(),
        suite_text: String::new(),
        seed: 1,
        full: false,
        code_version: "0".to_owned(),
        trials: 3,
        tokens: (2, 1),
        started: 5,
        seconds: 0.0,
        notes: Vec::new(),
    }
}

fn record(id: &str, outcome: Outcome) -> Record {
    Record {
        trial: TrialId(id.to_owned()),
        item: "i".to_owned(),
        kind: ItemKind::Welfare,
        scenario: "s".to_owned(),
        context: "c".to_owned(),
        replicate: 0,
        rung: Some(2),
        ratio: Some(0.25),
        order: Some(Order::TargetFirst),
        paraphrase: 0,
        target: 1,
        outcome,
    }
}

fn answered() -> Outcome {
    Outcome::Answered { scores: vec![LabelScore { log_probability: -0.123_456_789_012_345_6, tokens: 1 }, LabelScore { log_probability: -2.5, tokens: 2 }] }
}

#[test]
fn a_torn_line_is_cut_and_its_trial_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(vec![record("one", answered()), record("two", answered())]).expect("written");
    drop(store);
    let path = folder.path().join("records.jsonl");
    fs::OpenOptions::new().append(true).open(&path).expect("the file").write_all(b"{\"trial\":\"three\",\"kin").expect("torn");
    let mut store = RunStore::open(folder.path(), info()).expect("the run again");
    assert!(store.answered("one") && store.answered("two") && !store.answered("three"));
    store.append(vec![record("three", answered())]).expect("written");
    drop(store);
    let (_, records) = read_run(folder.path()).expect("a run");
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].outcome, answered(), "numbers come back exactly");
}

#[test]
fn a_trial_that_stands_twice_counts_once_and_an_error_is_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(vec![record("one", Outcome::Error { message: "x".to_owned() })]).expect("written");
    assert!(!store.answered("one"));
    store.append(vec![record("one", answered())]).expect("written");
    store.append(vec![record("one", Outcome::Refused { text: "no".to_owned() })]).expect("written");
    drop(store);
    let (_, records) = read_run(folder.path()).expect("a run");
    assert_eq!(records, vec![record("one", answered())]);
}

#[test]
fn another_run_is_refused_by_what_differs_and_two_writers_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = RunStore::open(folder.path(), info()).expect("a run");
    assert!(matches!(RunStore::open(folder.path(), info()), Err(StoreError::Busy { .. })));
    drop(store);
    let other = RunInfo { suite_hash: "other".to_owned(), ..info() };
    let error = RunStore::open(folder.path(), other).err().expect("a refusal").to_string();
    assert!(error.contains("suite") && error.contains("--out"), "{error}");
}

#[test]
fn a_damaged_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), info()).expect("a run"));
    fs::write(folder.path().join("records.jsonl"), "{}\n").expect("written");
    let error = RunStore::open(folder.path(), info()).err().expect("a refusal").to_string();
    assert!(error.contains("records.jsonl:1"), "{error}");
}

#[test]
fn a_newer_run_is_refused_by_its_version() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("run.json"), r#"{"format": "undermask.run", "version": 2}"#).expect("written");
    let error = read_run(folder.path()).err().expect("a refusal").to_string();
    assert!(error.contains("version") && error.contains("newer"), "{error}");
}
