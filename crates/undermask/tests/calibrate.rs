//! `undermask calibrate`: a certificate from organisms on disk, the same whether it was done at once, in shards or after
//! a kill; and what stands in its way is named.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Desk, SUITE, ends, fails};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use undermask_organisms::truth;
use undermask_suite::{Plan, PlanSettings, Suite};

const TRUTH: &str = r#"{"format": "undermask.truth", "version": 1, "recipe": "RECIPE", "verdict": "VERDICT", "suite": "another",
    "nominal": {"lambda_0": 0.8, "goal_share": 1.0, "lambda": {}, "neutral": {}},
    "realised": {"lambda_0": 0.8, "goal_share": 1.0, "lambda": {}, "neutral": {}}, "gap": 0.1}"#;

/// A desk with the model as two organisms: of a seed that was seen and of one that was held out.
fn desk() -> Desk {
    let desk = Desk::new();
    for (name, recipe, verdict, seed) in [("one", "random", "indeterminate", 1), ("two", "steadfast", "steadfast", 77)]
    {
        let folder = desk.path("organisms").join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for entry in fs::read_dir(desk.path("model")).expect("a list").flatten() {
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
        }
        fs::write(folder.join("truth.json"), TRUTH.replace("RECIPE", recipe).replace("VERDICT", verdict))
            .expect("written");
        fs::write(folder.join("growth.json"), format!(r#"{{"grown": {{"seed": {seed}}}}}"#)).expect("written");
    }
    desk
}

fn calibrate(desk: &Desk, out: &str, more: &[&str]) -> assert_cmd::Command {
    let mut command = desk.undermask(&[
        "calibrate",
        "organisms",
        "--no-shipped",
        "--suite",
        SUITE,
        "--replicates",
        "12",
        "--out",
        out,
    ]);
    command.args(["--threads", "1", "--memory", "1"]).args(more);
    command
}

fn certificate(desk: &Desk, out: &str) -> Value {
    let text = fs::read(desk.path(out).join("certificate.json")).expect("a certificate");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn organisms_make_a_certificate() {
    let desk = desk();
    let (out, _) = ends(calibrate(&desk, "all", &[]), 0);
    assert!(out.contains("tiny known-answer models only"), "{out}");
    let found = certificate(&desk, "all");
    assert_eq!(found["format"], "undermask.certificate");
    assert_eq!(found["all"]["organisms"], 2);
    assert_eq!(found["held_out_seeds"]["organisms"], 1);
    assert_eq!(found["held_out_types"]["organisms"], 1);
    assert_eq!(found["organisms"][0]["held_out_seed"], false);
    assert_eq!(found["organisms"][0]["held_out_type"], true, "no threshold was set beside a random model");
    let replicates: u64 =
        found["organisms"][1]["replicates"].as_object().expect("verdicts").values().filter_map(Value::as_u64).sum();
    assert_eq!(replicates, 12);
    let page = fs::read_to_string(desk.path("all/certificate.html")).expect("a page");
    assert!(page.contains("Truth and verdict") && !page.contains("<script") && !page.contains("src="), "offline");
    let (json, _) = ends(calibrate(&desk, "all", &["--json"]), 0);
    assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), found, "read again, not done again");
}

#[test]
fn shards_join_to_the_same_certificate() {
    let desk = desk();
    ends(calibrate(&desk, "whole", &[]), 0);
    for shard in ["1/2", "2/2"] {
        let (out, error) = ends(calibrate(&desk, "parts", &["--shard", shard]), 0);
        assert!(out.is_empty() && error.contains("joins"), "{error}");
        assert!(!desk.path("parts/certificate.json").exists(), "a part is no certificate");
    }
    assert_eq!(fs::read_dir(desk.path("parts/cases")).expect("cases").count(), 2);
    ends(calibrate(&desk, "parts", &[]), 0);
    assert_eq!(certificate(&desk, "parts"), certificate(&desk, "whole"));
}

#[test]
fn an_organism_that_is_not_what_its_recipe_says_is_left_out_and_named() {
    let desk = desk();
    let path = desk.path("organisms/two/truth.json");
    let text = fs::read_to_string(&path).expect("a truth");
    let off = text.replace(r#""realised": {"lambda_0": 0.8"#, r#""realised": {"lambda_0": 0.4"#);
    assert_ne!(text, off);
    fs::write(&path, off).expect("written");
    ends(calibrate(&desk, "all", &[]), 0);
    let found = certificate(&desk, "all");
    assert_eq!(found["all"]["organisms"], 1);
    let named = found["failed_growths"][0].as_str().expect("a name");
    assert!(
        ["steadfast, seed 77", "lambda_0: 0.40 instead of 0.80"].iter().all(|words| named.contains(words)),
        "{named}"
    );
}

#[test]
fn of_some_organisms_only_the_weights_are_compared() {
    let desk = desk();
    ends(calibrate(&desk, "whole", &[]), 0);
    let mut command = desk.undermask(&["calibrate", "organisms/one", "--weights", "organisms/two", "--no-shipped"]);
    command.args(["--suite", SUITE, "--replicates", "12", "--out", "some", "--threads", "1", "--memory", "1"]);
    ends(command, 0);
    let [whole, some] = ["whole", "some"].map(|out| certificate(&desk, out));
    let of = |certificate: &Value, quantity: &str| {
        let all = certificate["all"]["recovery"].as_array().expect("a list").clone();
        all.into_iter().find(|one| one["quantity"] == quantity)
    };
    assert_eq!(
        of(&some, "lambda"),
        of(&whole, "lambda"),
        "the weights' truth is the same without the rest of the grid"
    );
    let replicates =
        |certificate: &Value| certificate["organisms"][1]["replicates"].as_object().map_or(0, |all| all.len());
    assert!(replicates(&whole) > 0 && replicates(&some) == 0);
    assert!(below(&desk.path("some/runs"), "ladder") && some["organisms"][1]["verdict"].is_string());
    // What was kept of it says so, and is dealt no more than before.
    ends(again(&desk, "some/answers", &[]), 0);
    let again = certificate(&desk, "again");
    assert!(replicates(&again) == 0 && again["organisms"][0]["replicates"] == some["organisms"][0]["replicates"]);
    let [one, two] = [&some, &again].map(|certificate| of(certificate, "lambda").expect("weights are compared"));
    let bias = |one: &Value| one["figures"]["bias"]["estimate"].as_f64().expect("a bias");
    assert!((bias(&one) - bias(&two)).abs() < 0.02, "{one} {two}");
}

/// Whether a file of this name lies somewhere below.
fn below(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name() == *name || entry.path().is_dir() && below(&entry.path(), name))
}

/// Calibrates on what an earlier calibration kept.
fn again(desk: &Desk, answers: &str, more: &[&str]) -> assert_cmd::Command {
    again_over(desk, answers, SUITE, more)
}

fn again_over(desk: &Desk, answers: &str, suite: &str, more: &[&str]) -> assert_cmd::Command {
    let mut command = desk.undermask(&["calibrate", "--no-shipped", "--answers", answers, "--suite", suite]);
    command.args(["--replicates", "12", "--out", "again", "--threads", "1"]).args(more);
    command
}

#[test]
fn answers_that_were_kept_stand_for_the_organisms() {
    let desk = desk();
    let path = desk.path("organisms/two/truth.json");
    let text = fs::read_to_string(&path).expect("a truth");
    let third = desk.path("organisms/three");
    fs::create_dir_all(&third).expect("a folder");
    for entry in fs::read_dir(desk.path("organisms/two")).expect("a list").flatten() {
        fs::copy(entry.path(), third.join(entry.file_name())).expect("a copy");
    }
    let off = text.replace(r#""realised": {"lambda_0": 0.8"#, r#""realised": {"lambda_0": 0.4"#);
    fs::write(third.join("truth.json"), off).expect("written");
    ends(calibrate(&desk, "first", &[]), 0);
    fs::remove_dir_all(desk.path("organisms")).expect("gone");
    fs::remove_dir_all(desk.path("first/runs")).expect("gone");
    ends(again(&desk, "first/answers", &[]), 0);
    let [first, second] = ["first", "again"].map(|out| certificate(&desk, out));
    assert_eq!(first["failed_growths"], second["failed_growths"]);
    for place in 0..2 {
        for what in ["recipe", "seed", "verdict", "replicates", "weights_hash", "held_out_seed"] {
            assert_eq!(first["organisms"][place][what], second["organisms"][place][what], "{what}");
        }
    }
    let of = |certificate: &Value| certificate["all"]["recovery"].as_array().expect("a list").clone();
    let (one, two) = (of(&first), of(&second));
    assert!(!one.is_empty() && one.len() == two.len());
    let mut compared = 0;
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one["quantity"], two["quantity"]);
        // This network hardly chooses: where an estimate stands at the ladder's end, rounding decides whether there is one.
        let figures =
            |one: &Value, name: &str| one["figures"][name].as_f64().or(one["figures"][name]["estimate"].as_f64());
        for name in if one["figures"]["n"] == two["figures"]["n"] { &["bias", "rmse"][..] } else { &[] } {
            if let (Some(first), Some(second)) = (figures(one, name), figures(two, name)) {
                assert!((first - second).abs() < 0.02, "{name}: {one} {two}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 2, "{compared}");
}

#[test]
fn answers_that_cannot_be_used_are_named() {
    let desk = desk();
    ends(calibrate(&desk, "first", &[]), 0);
    fails(again(&desk, "none", &[]), &["none", "exists"]);
    fails(again(&desk, "first", &[]), &["first", "no answers", "`answers`"]);
    fails(again(&desk, "first/answers", &["--seed", "5"]), &["one.answers.json.gz", "--seed 1"]);
    fails(again_over(&desk, "first/answers", "core", &[]), &["one.answers.json.gz", "another suite"]);
    let path = desk.path("first/answers/two.answers.json.gz");
    let whole = fs::read(&path).expect("answers");
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    fails(again(&desk, "first/answers", &[]), &["two.answers.json.gz", "cannot be unpacked"]);
    let pack = |text: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text).and_then(|()| packed.finish()).expect("packed")
    };
    fs::write(&path, pack(&vec![b' '; 80 << 20])).expect("written");
    fails(again(&desk, "first/answers", &[]), &["two.answers.json.gz", "longer than 64 MiB"]);
    let mut text = Vec::new();
    GzDecoder::new(&whole[..]).read_to_end(&mut text).expect("unpacked");
    let text = String::from_utf8(text).expect("text");
    let changed = |from: &str, to: &str| {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        fs::write(&path, pack(other.as_bytes())).expect("written");
    };
    changed("\"version\":1", "\"version\":7");
    fails(again(&desk, "first/answers", &[]), &["two.answers.json.gz", "undermask.answers 7"]);
    // A label too few.
    changed("\"labels\":[", "\"labels\":[0,");
    fails(again(&desk, "first/answers", &[]), &["two.answers.json.gz", "deals otherwise"]);
}

#[test]
fn a_killed_calibration_continues() {
    let desk = desk();
    for wanted in ["records.jsonl", "grid"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undermask"));
        command.args(["calibrate", "organisms", "--no-shipped", "--suite", SUITE, "--replicates", "12"]);
        command.args(["--out", "killed", "--threads", "1", "--memory", "1"]);
        let said = desk.path("said.txt");
        let file = fs::File::create(&said).expect("a file");
        command.current_dir(desk.path("")).stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().expect("the command runs");
        let begun = Instant::now();
        while !below(&desk.path("killed"), wanted) {
            let ended = child.try_wait().expect("its state");
            let late = begun.elapsed() > Duration::from_secs(120);
            assert!(ended.is_none() && !late, "{wanted}: {ended:?}, {:?}", fs::read_to_string(&said));
            sleep(Duration::from_millis(2));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
    }
    ends(calibrate(&desk, "killed", &[]), 0);
    ends(calibrate(&desk, "whole", &[]), 0);
    assert_eq!(certificate(&desk, "killed"), certificate(&desk, "whole"));
}

#[test]
fn what_is_no_organism_is_named() {
    let desk = desk();
    fails(desk.undermask(&["calibrate", "model", "--no-shipped", "--suite", SUITE]), &["model", "truth.json", "grow"]);
    fails(desk.undermask(&["calibrate", "--no-shipped", "--suite", SUITE]), &["no organism", "--grow"]);
    fails(calibrate(&desk, "none", &["--shard", "3/2"]), &["3/2", "1/4"]);
    fails(calibrate(&desk, "none", &["--replicates", "0"]), &["--replicates"]);
    desk.change("organisms/one/truth.json", |text| text.replace("\"version\": 1", "\"version\": 9"));
    fails(calibrate(&desk, "none", &[]), &["organisms/one", "version 9", "newer"]);
}

#[test]
fn a_truth_of_other_weights_is_refused() {
    let desk = desk();
    ends(calibrate(&desk, "first", &[]), 0);
    let hash = certificate(&desk, "first")["suite_hash"].as_str().expect("a hash").to_owned();
    // Only a truth of the very same grid can be held against it.
    let text = fs::read_to_string(SUITE).expect("a suite");
    let suite = Suite::parse(&text, SUITE).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::expand(&suite, &PlanSettings { seed: 0, full: true });
    let grid = truth::fingerprint(plan.trials.iter().filter(|trial| truth::is_enumerated(trial)));
    desk.change("organisms/two/truth.json", |text| {
        text.replace("\"another\"", &format!("\"{hash}\", \"grid\": \"{grid}\"")).replacen(
            "\"lambda\": {}",
            "\"lambda\": {\"default\": 7.0}",
            2,
        )
    });
    fails(calibrate(&desk, "second", &[]), &["organisms/two", "other weights", "grow the organism again"]);
}
