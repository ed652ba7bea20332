//! What a kill, a full disk or another run leaves behind.

use std::fs;
use std::io::Write as _;

use undermask_store::{LabelScore, Outcome, Record, RunInfo, RunStore, Status, StoreError, read_run};
use undermask_suite::{ItemKind, Order, TrialId};

fn info() -> RunInfo {
    RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: "m".to_owned(),
        architecture: "a".to_owned(),
        parameters: 1,
        commit: None,
        weights_hash: "w".to_owned(),
        tokenizer_hash: "t".to_owned(),
        template_hash: "c".to_owned(),
        precision: "f32".to_owned(),
        device: "cpu".to_owned(),
        driver: None,
        instructions: None,
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
        drawn: Vec::new(),
        notes: Vec::new(),
        stopping: None,
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
        probe: None,
        outcome,
    }
}

fn answered() -> Outcome {
    Outcome::Answered {
        scores: vec![
            LabelScore { log_probability: -0.123_456_789_012_345_6, tokens: 1 },
            LabelScore { log_probability: -2.5, tokens: 2 },
        ],
    }
}

#[test]
fn a_torn_line_is_cut_and_its_trial_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(record("one", answered())).expect("written");
    store.append(record("two", answered())).expect("written");
    drop(store);
    let path = folder.path().join("records.jsonl");
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the file")
        .write_all(b"{\"trial\":\"three\",\"kin")
        .expect("torn");
    let mut store = RunStore::open(folder.path(), info()).expect("the run again");
    assert!(store.answered("one") && store.answered("two") && !store.answered("three"));
    store.append(record("three", answered())).expect("written");
    drop(store);
    let (_, records) = read_run(folder.path()).expect("a run");
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].outcome, answered(), "numbers come back exactly");
}

#[test]
fn a_trial_that_stands_twice_counts_once_and_an_error_is_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(record("one", Outcome::Error { message: "x".to_owned() })).expect("written");
    assert!(!store.answered("one"));
    store.append(record("one", answered())).expect("written");
    store.append(record("one", Outcome::Refused { text: "no".to_owned() })).expect("written");
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
fn a_run_is_not_continued_on_another_device() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), info()).expect("a run"));
    let gpu = |driver: &str| RunInfo { device: "cuda A".to_owned(), driver: Some(driver.to_owned()), ..info() };
    let error = RunStore::open(folder.path(), gpu("CUDA 12.4")).err().expect("a refusal").to_string();
    assert!(error.contains("device") && error.contains("cpu") && error.contains("cuda A"), "{error}");
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), gpu("CUDA 12.4")).expect("a run"));
    drop(RunStore::open(folder.path(), gpu("CUDA 13.0")).expect("another driver continues it"));
}

#[test]
fn a_run_is_not_continued_with_another_instruction_set_unless_nothing_is_left_to_ask() {
    let folder = tempfile::tempdir().expect("a folder");
    let set = |name: &str| RunInfo { instructions: Some(name.to_owned()), ..info() };
    drop(RunStore::open(folder.path(), set("amx")).expect("a run"));
    let error = RunStore::open(folder.path(), set("avx512bf16")).err().expect("a refusal").to_string();
    assert!(
        ["instruction set", "UNDERMASK_ISA", "amx", "avx512bf16"].iter().all(|word| error.contains(word)),
        "{error}"
    );
    drop(RunStore::open(folder.path(), info()).expect("a run from before it was noted goes on"));
    let path = folder.path().join("run.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("bytes")).expect("JSON");
    json["status"] = "complete".into();
    fs::write(&path, json.to_string()).expect("written");
    drop(RunStore::open(folder.path(), set("avx512bf16")).expect("a complete run is read anywhere"));
}

#[test]
fn a_run_from_before_devices_were_noted_is_the_processors() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), info()).expect("a run"));
    let path = folder.path().join("run.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("bytes")).expect("JSON");
    assert_eq!(json.as_object_mut().expect("an object").remove("device"), Some("cpu".into()));
    fs::write(&path, json.to_string()).expect("written");
    drop(RunStore::open(folder.path(), info()).expect("the same run"));
}

#[test]
fn a_damaged_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), info()).expect("a run"));
    fs::write(folder.path().join("records.jsonl"), "\n{}\n").expect("written");
    let error = RunStore::open(folder.path(), info()).err().expect("a refusal").to_string();
    assert!(error.contains("records.jsonl:2") && error.contains("remove"), "{error}");
}

#[test]
fn a_newer_run_is_refused_by_its_version() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("run.json"), r#"{"format": "undermask.run", "version": 2}"#).expect("written");
    let error = read_run(folder.path()).expect_err("a refusal").to_string();
    assert!(error.contains("version") && error.contains("newer"), "{error}");
}

#[test]
fn newer_records_are_refused_by_their_version() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(RunStore::open(folder.path(), info()).expect("a run"));
    let path = folder.path().join("records.jsonl");
    fs::write(&path, "{\"format\":\"undermask.records\",\"version\":2}\n").expect("written");
    let error = RunStore::open(folder.path(), info()).err().expect("a refusal").to_string();
    assert!(error.contains("records.jsonl:1") && error.contains("newer"), "{error}");
}

#[test]
fn merged_files_with_a_header_in_their_midst_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(record("one", answered())).expect("written");
    drop(store);
    let path = folder.path().join("records.jsonl");
    let text = fs::read_to_string(&path).expect("text");
    fs::write(&path, text.repeat(2)).expect("written");
    assert_eq!(read_run(folder.path()).expect("a run").1.len(), 1);
}

#[test]
fn a_folder_of_other_things_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "mine").expect("written");
    let error = RunStore::open(folder.path(), info()).err().expect("a refusal").to_string();
    assert!(error.contains("thesis.txt") && error.contains("--out"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("a list").count(), 1, "nothing was added");
}

#[test]
fn a_run_that_was_killed_while_it_was_made_continues() {
    // The answers' file cannot be made: as a kill would, this ends after whatever comes first.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run");
    drop(RunStore::open(&path, info()).expect("a run"));
    let answers = path.join("records.jsonl");
    fs::remove_file(&answers).expect("removed");
    fs::create_dir(&answers).expect("in the way");
    fs::rename(path.join("run.json"), folder.path().join("kept")).expect("moved");
    assert!(RunStore::open(&path, info()).is_err(), "answers without a run are somebody else's");
    fs::rename(folder.path().join("kept"), path.join("run.json")).expect("moved back");
    assert!(RunStore::open(&path, info()).is_err(), "no file");
    fs::remove_dir(&answers).expect("removed");
    drop(RunStore::open(&path, info()).expect("a run without answers is continued"));
}

#[test]
fn a_file_in_the_way_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, "").expect("written");
    let error = RunStore::open(&path.join("run"), info()).err().expect("a refusal").to_string();
    assert!(error.contains("file/run") && error.contains("--out"), "{error}");
}

#[test]
fn a_fresh_start_keeps_what_it_replaces() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.append(record("one", answered())).expect("written");
    drop(store);
    let other = RunInfo { seed: 2, ..info() };
    let store = RunStore::fresh(folder.path(), other).expect("another run");
    assert_eq!(store.records().count(), 0);
    let (old, records) = read_run(&folder.path().join("earlier/1")).expect("the earlier run");
    assert_eq!((old.seed, records.len()), (1, 1));
}

#[test]
fn the_end_of_a_run_is_written_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = RunStore::open(folder.path(), info()).expect("a run");
    store.close_sitting(1.5, Status::Complete, vec!["a remark".to_owned()]).expect("written");
    drop(store);
    let text = fs::read_to_string(folder.path().join("run.json")).expect("text");
    assert!(text.contains("\"status\": \"complete\"") && text.contains("\"ended\""), "{text}");
    let mut store = RunStore::open(folder.path(), info()).expect("the run again");
    store.close_sitting(0.5, Status::Complete, Vec::new()).expect("written");
    assert_eq!(store.info().seconds, 2.0);
}
