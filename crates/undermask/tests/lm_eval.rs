//! lm-evaluation-harness itself reads our export and finds the log-probabilities that an audit records.
//!
//! Needs the peers in `benches/.venv` (`benches/setup.sh`); without them it says so and passes.

mod common;

use std::path::Path;
use std::process::Command;

use common::Desk;

#[test]
fn the_harness_agrees_with_the_audit() {
    let benches = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches"));
    let python = benches.join(".venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there; benches/setup.sh makes it", python.display());
        return;
    }
    let desk = Desk::new();
    let output = Command::new(python)
        .arg(benches.join("lm_eval_compare.py"))
        .args(["--check", "--limit", "64", "--binary", env!("CARGO_BIN_EXE_undermask"), "--model"])
        .arg(desk.path("model"))
        .env("HF_HOME", desk.path("cache"))
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .expect("python runs");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
    assert!(out.contains("64 documents") || out.contains("skipped"), "{out}\n{error}");
}
