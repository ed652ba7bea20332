//! `--stop-early` from end to end on a shipped mask: what is recorded, claimed and refused, and that a killed run stops where
//! an undisturbed one does.

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Desk, ends, fails};
use serde_json::Value;

const AUDIT: [&str; 4] = ["audit", "organism:mask", "--suite", "core"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON and nothing else")
}

fn early(desk: &Desk, out: &str, more: &[&str]) -> assert_cmd::Command {
    let mut command = desk.undermask(&AUDIT);
    command.args(["--stop-early", "--out", out]).args(more);
    command
}

#[test]
fn a_clear_mask_stops_says_so_and_stops_at_the_same_place_after_a_kill() {
    let desk = Desk::new();
    let (out, error) = ends(early(&desk, "whole", &["--json", "--fail-on", "mask"]), 1);
    assert!(error.contains("it may stop early, at one of 13 looks"), "{error}");
    let found = json(&out);
    assert_eq!(found["verdict"], "mask");
    let stopping = &found["run"]["stopping"];
    let (asked, planned) = (stopping["trials_asked"].as_u64(), found["run"]["trials"].as_u64());
    assert!(stopping["on"] == true && asked < planned && asked > Some(0), "{stopping}");
    assert!(stopping["stopped"]["scenarios"].as_u64() < stopping["scenarios"].as_u64());
    assert!(stopping["not_asked"].as_array().is_some_and(|lines| lines.len() >= 2));
    let (low, known) = (found["profile"]["mask_index"]["low"].as_f64(), 1.0 - truth(&found));
    assert!(low.is_some_and(|low| low > 0.0 && low < known), "the interval holds what enumeration says");
    assert!(found["profile"]["worst_decile"]["refused"].as_str().is_some_and(|why| why.contains("not claimed")));
    let run = json(&fs::read_to_string(desk.path("whole/run.json")).expect("run.json"));
    assert_eq!((run["status"].as_str(), &run["stopping"]["stopped"]["verdict"]), (Some("complete"), &found["verdict"]));
    let records = common::records(&desk.path("whole"));
    assert_eq!(Some(records.len() as u64), asked, "nothing beyond the last look was asked");
    let page = fs::read_to_string(desk.path("whole/report.html")).expect("a page");
    for words in ["Stopping early.", "Not asked: ", "not claimed: the audit stopped early"] {
        assert!(page.contains(words), "`{words}` is missing");
    }

    // Killed in the middle, the same command goes on and stops at the same place.
    let mut command = Command::new(env!("CARGO_BIN_EXE_undermask"));
    command.args(AUDIT).args(["--stop-early", "--out", "torn"]).current_dir(desk.path(""));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
    let begun = Instant::now();
    let lines = || {
        fs::read(desk.path("torn/records.jsonl")).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
    };
    while lines() < records.len() / 2 {
        assert!(begun.elapsed() < Duration::from_secs(240), "no progress");
        sleep(Duration::from_millis(5));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    assert!(lines() < records.len(), "it was killed before its end");
    let (again, error) = ends(early(&desk, "torn", &["--json"]), 0);
    assert!(error.contains("are answered already"), "{error}");
    common::same(&desk.path("torn"), &desk.path("whole"));
    assert_eq!(json(&again)["run"]["stopping"], *stopping);
    assert_eq!(json(&again)["profile"], found["profile"]);

    // Its report is made again from its folder alone, by either verb.
    let (again, error) = ends(early(&desk, "whole", &["--json"]), 0);
    assert_eq!(json(&again), found);
    assert!(error.contains("stopped early at look"), "{error}");
    assert_eq!(json(&ends(desk.undermask(&["report", "whole", "--json"]), 0).0), found);

    // What was not asked cannot be compared, and a verdict that the records do not bear is no verdict.
    fails(desk.undermask(&["compare", "whole", "torn"]), &["the baseline whole stopped early", "without --stop-early"]);
    desk.change("torn/run.json", |text| text.replace("\"verdict\": \"mask\"", "\"verdict\": \"cold\""));
    fails(desk.undermask(&["report", "torn"]), &["do not lead to the verdict cold", "--fresh"]);
}

/// The goal share that enumeration gives.
fn truth(found: &Value) -> f64 {
    found["truth"]["realised"]["goal_share"].as_f64().expect("a known answer")
}

#[test]
fn a_suite_that_cannot_stop_early_is_refused_before_a_model_is_opened() {
    let desk = Desk::new();
    let command = desk.undermask(&["audit", "model", "--suite", "values", "--out", "run", "--stop-early"]);
    fails(command, &["stopping early needs 12 welfare scenarios, values has 0", "ask this suite without --stop-early"]);
    assert!(!desk.path("run").exists());
}

#[test]
fn looks_are_not_laid_over_a_run_without_them() {
    let desk = Desk::new();
    let quick = |more: &[&str]| {
        let mut command = desk.undermask(&["audit", "model", "--suite", "quick", "--out", "run"]);
        command.args(more);
        command
    };
    ends(quick(&[]), 0);
    fails(quick(&["--stop-early"]), &["choice of looks is to ask everything, this one's is to stop early", "--fresh"]);
}

/// The tiny model answers at random: it fails its gates, the rest is not asked, and may be asked after all.
#[test]
fn failed_gates_stop_and_the_rest_can_still_be_asked() {
    let desk = Desk::new();
    let quick = |out: &str, more: &[&str]| {
        let mut command = desk.undermask(&["audit", "model", "--suite", "quick", "--json", "--out", out]);
        command.args(more);
        command
    };
    let found = json(&ends(quick("run", &["--stop-early"]), 0).0);
    assert_eq!(found["verdict"], "indeterminate");
    assert_eq!(found["run"]["stopping"]["stopped"]["look"], 1);
    let whole = json(&ends(quick("run", &[]), 0).0);
    assert!(whole["run"]["stopping"].is_null());
    let plain = json(&ends(quick("plain", &[]), 0).0);
    assert_eq!(whole["profile"], plain["profile"]);
    common::same(&desk.path("run"), &desk.path("plain"));
}
