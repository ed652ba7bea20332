//! A run with looks stops where it would have without interruptions, and asks nothing beyond.

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use common::plan;
use undermask_model::{Scripted, known_weight};
use undermask_run::{Asked, Ended, execute_batches};
use undermask_store::{RunInfo, RunStore, Stopping, read_run};
use undermask_suite::{Looks, Plan, PlanSettings, Suite};

fn info(trials: usize) -> RunInfo {
    RunInfo { stopping: Some(Stopping { looks: 3, scenarios: 48, stopped: None }), ..common::info(trials) }
}

fn records(directory: &Path) -> Vec<String> {
    let mut found: Vec<String> =
        read_run(directory).expect("a run").1.iter().map(|record| format!("{record:?}")).collect();
    found.sort();
    found
}

/// Asks until `stop` parts are looked at, interrupted after every `sitting` answers.
fn ask(directory: &Path, sitting: usize, stop: usize) -> (Ended, usize) {
    let plan = plan();
    let looks = Looks::of(&plan.trials, 1);
    let parts: Vec<&[usize]> = looks.batches.iter().map(|batch| batch.trials.as_slice()).collect();
    let model = Scripted::new("scripted", known_weight(&plan, 8.0, |_| 0.8));
    for sittings in 1.. {
        let mut store = RunStore::open(directory, info(plan.trials.len())).expect("a run");
        let mut seen = Vec::new();
        let mut look = |number: usize, store: &RunStore| {
            let whole = parts[..=number].iter().flat_map(|part| part.iter());
            assert!(
                whole.clone().all(|place| store.answered(&plan.trials[*place].id.0)),
                "a look comes after its part"
            );
            seen.push(number);
            if number + 1 == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut furthest = 0;
        let mut watch = |asked: Asked| {
            assert!(asked.done >= furthest && asked.done <= asked.all, "progress never goes back");
            furthest = asked.done;
            if asked.now < sitting { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let ended = execute_batches(&plan, &parts, &model, &mut store, &mut look, &mut watch).expect("a run");
        assert!(seen.iter().copied().eq(0..seen.len()), "parts are looked at in order, from the first");
        if ended != Ended::Interrupted {
            return (ended, sittings);
        }
    }
    unreachable!("sittings end")
}

#[test]
fn interrupted_looks_stop_at_the_same_place() {
    let (whole, torn) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (ended, once) = ask(whole.path(), usize::MAX, 4);
    let (again, sittings) = ask(torn.path(), 37, 4);
    assert_eq!((ended, once), (Ended::Stopped(3), 1));
    assert_eq!(again, ended);
    assert!(sittings > 3, "it was interrupted");
    assert_eq!(records(whole.path()), records(torn.path()));
    let plan = plan();
    let looks = Looks::of(&plan.trials, 1);
    assert_eq!(records(whole.path()).len(), looks.asked(4), "nothing beyond the last look is asked");
    assert!(looks.asked(4) < plan.trials.len());
}

#[test]
fn batches_are_the_whole_plan_each_trial_once_and_scenarios_whole() {
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").expect("the core suite");
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let looks = Looks::of(&plan.trials, 1);
    let mut places: Vec<usize> = looks.batches.iter().flat_map(|batch| batch.trials.clone()).collect();
    places.extend(&looks.rest);
    places.sort_unstable();
    assert!(places.into_iter().eq(0..plan.trials.len()));
    for batch in &looks.batches[2..] {
        let asked: BTreeSet<&str> = batch.trials.iter().map(|place| plan.trials[*place].scenario.as_str()).collect();
        assert!(asked.iter().copied().eq(batch.scenarios.iter().map(String::as_str).collect::<BTreeSet<_>>()));
    }
    assert_ne!(
        Looks::of(&plan.trials, 2).batches[2].scenarios,
        looks.batches[2].scenarios,
        "the seed decides the order"
    );
}
