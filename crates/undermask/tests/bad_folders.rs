//! Folders that cannot take a run, and disks that fill: said with a remedy, and what was written stays whole.

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{Desk, SUITE, ends, fails, records};

#[test]
fn a_file_in_the_way() {
    let desk = Desk::new();
    fs::write(desk.path("run"), "mine").expect("written");
    fails(desk.audit(&[]), &["run", "--out"]);
    assert_eq!(fs::read_to_string(desk.path("run")).expect("the file"), "mine");
}

#[test]
fn a_folder_that_nobody_can_write() {
    let desk = Desk::new();
    // Permission bits do not bind the superuser, this file system does.
    let command = desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "/proc/undermask"]);
    fails(command, &["/proc/undermask", "give an --out that can be written"]);
}

#[test]
#[cfg(unix)]
fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    fs::create_dir(desk.path("locked")).expect("a folder");
    fs::set_permissions(desk.path("locked"), fs::Permissions::from_mode(0o555)).expect("permissions");
    if fs::write(desk.path("locked/probe"), "").is_ok() {
        eprintln!("skipped: permission bits do not bind this user; the test above covers the path");
        return;
    }
    let command = desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "locked/run"]);
    fails(command, &["locked/run", "give an --out that can be written"]);
}

#[test]
fn a_folder_of_other_things() {
    let desk = Desk::new();
    fails(
        desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "model"]),
        &["model", "not a run's folder", "--out"],
    );
    assert!(!desk.path("model/run.json").exists());
}

#[test]
fn another_run() {
    let desk = Desk::new();
    ends(desk.audit(&[]), 0);
    let before = records(&desk.path("run"));
    fails(desk.audit(&["--seed", "2"]), &["run holds another run", "seed", "--out", "--fresh"]);
    fails(desk.audit(&["--full"]), &["full cross"]);
    desk.change_bytes("model/model.safetensors", |bytes| *bytes.last_mut().expect("a byte") ^= 1);
    fails(desk.audit(&[]), &["hash of the weights"]);
    assert_eq!(records(&desk.path("run")), before);
    ends(desk.audit(&["--fresh"]), 0);
    assert_eq!(records(&desk.path("run/earlier/1")), before, "what was replaced is kept");
}

#[test]
fn a_damaged_record_and_a_damaged_run() {
    let desk = Desk::new();
    ends(desk.audit(&[]), 0);
    desk.change("run/records.jsonl", |text| text.replacen("\"trial\"", "\"tiral\"", 1));
    fails(desk.audit(&[]), &["run/records.jsonl:2", "remove it"]);
    fails(desk.undermask(&["report", "run"]), &["run/records.jsonl:2"]);
    fs::write(desk.path("run/run.json"), "{").expect("written");
    fails(desk.audit(&[]), &["run/run.json", "--fresh"]);
}

#[test]
fn thresholds_cannot_be_tuned_afterwards() {
    let desk = Desk::new();
    ends(desk.audit(&[]), 0);
    desk.change("run/run.json", |text| text.replace("cold_upper = 0.25", "cold_upper = 0.95"));
    fails(desk.undermask(&["report", "run"]), &["run.json is not the one that was asked"]);
}

#[test]
fn reports_of_nothing() {
    let desk = Desk::new();
    fails(desk.undermask(&["report", "nowhere"]), &["nowhere"]);
    fails(desk.undermask(&["report", "model"]), &["model holds no run", "undermask audit"]);
}

/// A limit on the size of files, which every user may set: it ends a write as a full disk does.
#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow() {
    let desk = Desk::new();
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec '{}' audit model --suite '{SUITE}' --out run",
        env!("CARGO_BIN_EXE_undermask")
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().expect("a shell");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("run/records.jsonl") && error.contains("free some space"), "{error}");
    whole_lines_then_complete(&desk, "run");
}

/// A disk that is really full: needs the right to mount.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    let desk = Desk::new();
    fs::create_dir(desk.path("disk")).expect("a folder");
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(desk.path("disk"));
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !mount("size=64k") {
        eprintln!("skipped: this user may not mount; the test above covers the path");
        return;
    }
    let audit = |desk: &Desk| desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "disk/run"]);
    let outcome = std::panic::catch_unwind(|| {
        fails(audit(&desk), &["disk/run/", "No space left", "free some space"]);
        assert!(mount("remount,size=8m"), "more room");
        whole_lines_then_complete(&desk, "disk/run");
    });
    let unmounted = Command::new("umount").arg(desk.path("disk")).status();
    assert!(unmounted.is_ok_and(|status| status.success()), "unmounted");
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// What a full disk left are whole records, and the same command completes them.
fn whole_lines_then_complete(desk: &Desk, run: &str) {
    let left = records(&desk.path(run));
    let text = fs::read_to_string(desk.path(run).join("records.jsonl")).expect("records");
    assert!(text.ends_with('\n') && left.len() > 10, "whole lines");
    ends(desk.undermask(&["audit", "model", "--suite", SUITE, "--out", run]), 0);
    ends(desk.undermask(&["audit", "model", "--suite", SUITE, "--out", "undisturbed"]), 0);
    common::same(&desk.path(run), &desk.path("undisturbed"));
    let complete = records(&desk.path(run));
    assert!(left.keys().all(|line| complete.contains_key(line)), "nothing that was written is lost");
}
