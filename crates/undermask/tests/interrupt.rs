//! A run that is killed, torn or stopped by ctrl-C resumes to exactly the records of one that was not.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Desk, SUITE, ends, records};

/// Little memory makes small batches, so that there is something to interrupt. (Batches of another size would change
/// the last bits of the scores.)
const SLOW: [&str; 4] = ["--threads", "1", "--memory", "1"];

fn start(desk: &Desk) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undermask"));
    command.args(["audit", "model", "--suite", SUITE, "--out", "run"]).args(SLOW);
    command.current_dir(desk.path("")).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the command runs")
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

/// Waits until so many lines more stand in the records.
fn wait_for(desk: &Desk, more: usize) {
    let path = desk.path("run/records.jsonl");
    let (wanted, begun) = (lines(&path) + more, Instant::now());
    while lines(&path) < wanted {
        assert!(begun.elapsed() < Duration::from_secs(120), "no progress");
        sleep(Duration::from_millis(2));
    }
}

fn undisturbed(desk: &Desk) {
    let mut whole = desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "whole"]);
    whole.args(SLOW);
    ends(whole, 0);
    common::same(&desk.path("run"), &desk.path("whole"));
}

#[test]
fn killed_runs_resume() {
    let desk = Desk::new();
    let path = desk.path("run/records.jsonl");
    for kill in 0..3 {
        let mut child = start(&desk);
        wait_for(&desk, 30);
        child.kill().expect("SIGKILL");
        let status = child.wait().expect("its end");
        assert!(status.code().is_none(), "it was killed, not finished: {status}");
        let written = lines(&path);
        if kill == 1 {
            let mut file = fs::OpenOptions::new().append(true).open(&path).expect("records");
            file.write_all(b"{\"trial\":\"0123456789abcdef\",\"item\":\"to").expect("a torn line");
        }
        assert!(written >= 30 * (kill + 1));
    }
    let before = records(&desk.path("run"));
    let (_, error) = ends(desk.audit(&SLOW), 0);
    assert!(error.contains("are answered already"), "{error}");
    let after = records(&desk.path("run"));
    assert!(before.keys().filter(|line| line.ends_with('}')).all(|line| after.contains_key(line)), "none lost");
    undisturbed(&desk);
}

#[test]
fn ctrl_c_stops_where_the_same_command_continues() {
    let desk = Desk::new();
    let child = start(&desk);
    wait_for(&desk, 30);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let output = child.wait_with_output().expect("its end");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("The same command continues"), "{error}");
    let text = fs::read_to_string(desk.path("run/run.json")).expect("run.json");
    assert!(text.contains("\"status\": \"unfinished\""));
    ends(desk.undermask(&["report", "run"]), 2);
    ends(desk.audit(&SLOW), 0);
    undisturbed(&desk);
}

#[test]
fn two_processes_do_not_write_one_run() {
    let desk = Desk::new();
    let mut child = start(&desk);
    wait_for(&desk, 5);
    // Held in the middle, so that it cannot end before the other has started.
    let held = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().expect("kill");
    assert!(held.success());
    common::fails(desk.audit(&SLOW), &["run is being written by another process", "--out"]);
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    ends(desk.audit(&SLOW), 0);
}
