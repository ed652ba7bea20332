//! A run that is stopped, anywhere and more than once, ends with the records of one that was not.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use common::{info, plan};
use undermask_model::{Question, Scripted, answered, known_weight};
use undermask_run::{Asked, RunError, execute};
use undermask_store::{Outcome, RunStore, read_run};

/// The lines of a run's records, each with how often it stands.
fn lines(directory: &Path) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(directory.join("records.jsonl")).expect("records");
    text.lines().skip(1).fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line.to_owned()).or_default() += 1;
        counts
    })
}

fn go_on(_: Asked) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn stopped_runs_resume_to_the_same_records() {
    let plan = plan();
    let model = Scripted::new("scripted", known_weight(&plan, 8.0, |_| 0.8));
    let (whole, parts) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut store = RunStore::open(whole.path(), info(plan.trials.len())).expect("a run");
    assert!(execute(&plan, &model, &mut store, &mut go_on).expect("a run"));
    for sitting in 1.. {
        let mut store = RunStore::open(parts.path(), info(plan.trials.len())).expect("a run");
        let mut some = |asked: Asked| {
            if asked.now < 97 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        if execute(&plan, &model, &mut store, &mut some).expect("a run") {
            assert!(sitting > 3, "it was stopped several times");
            break;
        }
        drop(store);
        // As a kill in the middle of a line leaves it.
        let path = parts.path().join("records.jsonl");
        let text = fs::read_to_string(&path).expect("records");
        fs::write(&path, &text[..text.len() - 25]).expect("torn");
    }
    assert_eq!(lines(parts.path()), lines(whole.path()));
    assert!(lines(parts.path()).values().all(|count| *count == 1));
    assert_eq!(lines(parts.path()).len(), plan.trials.len());
}

#[test]
fn a_complete_run_asks_nothing() {
    let plan = plan();
    let folder = tempfile::tempdir().expect("a folder");
    let model = Scripted::new("scripted", |_: &Question| answered(&[-0.5, -1.0]));
    let mut store = RunStore::open(folder.path(), info(plan.trials.len())).expect("a run");
    assert!(execute(&plan, &model, &mut store, &mut go_on).expect("a run"));
    let silent = Scripted::new("silent", |_: &Question| -> Outcome { panic!("nothing is left to ask") });
    assert!(execute(&plan, &silent, &mut store, &mut go_on).expect("a run"));
}

#[test]
fn an_error_in_one_trial_is_data_and_is_asked_again() {
    let plan = plan();
    let folder = tempfile::tempdir().expect("a folder");
    let broken = plan.trials[5].prompt.clone();
    let moody = Scripted::new("moody", |question: &Question| {
        if question.prompt == broken { Outcome::Error { message: "no".to_owned() } } else { answered(&[-0.5, -1.0]) }
    });
    let mut store = RunStore::open(folder.path(), info(plan.trials.len())).expect("a run");
    assert!(execute(&plan, &moody, &mut store, &mut go_on).expect("a run"), "an error is an outcome");
    let errors =
        |store: &RunStore| store.records().filter(|record| matches!(record.outcome, Outcome::Error { .. })).count();
    assert!(errors(&store) >= 1);
    let well = Scripted::new("well", |_: &Question| answered(&[-0.5, -1.0]));
    assert!(execute(&plan, &well, &mut store, &mut go_on).expect("a run"));
    assert_eq!(errors(&store), 0);
    drop(store);
    assert_eq!(read_run(folder.path()).expect("a run").1.len(), plan.trials.len());
}

#[test]
fn a_model_that_answers_nothing_is_an_error_soon() {
    let plan = plan();
    let folder = tempfile::tempdir().expect("a folder");
    let dead =
        Scripted::new("dead", |_: &Question| Outcome::Error { message: "a log-probability is not finite".to_owned() });
    let mut store = RunStore::open(folder.path(), info(plan.trials.len())).expect("a run");
    let error = execute(&plan, &dead, &mut store, &mut go_on).expect_err("an error");
    let RunError::NothingAnswered { asked, first, .. } = &error else { panic!("{error}") };
    assert!(*asked < plan.trials.len() && first.contains("not finite"), "{error}");
}
