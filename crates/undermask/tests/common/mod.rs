//! What the tests of the command line share: the command, a tiny model, a small suite, and one way to check.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// A few trials: half a minute of nothing would be too long.
pub const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/small.toml");
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/fixtures/grouped");
const TEMPLATE: &str = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}\
                        {% if add_generation_prompt %}<|assistant|>{% endif %}";

/// A folder of the test's own, with a model in `model`.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A desk with a whole model.
    pub fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(desk.path("model")).expect("a folder");
        for name in ["tokenizer.json", "tokenizer_config.json", "model.safetensors", "config.json"] {
            fs::copy(Path::new(WEIGHTS).join(name), desk.path("model").join(name)).expect("a copy");
        }
        desk.change("model/config.json", |text| {
            text.replace("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 4096")
        });
        fs::write(desk.path("model/chat_template.jinja"), TEMPLATE).expect("a template");
        desk
    }

    /// A path on it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a text file.
    pub fn change(&self, name: &str, how: impl Fn(String) -> String) {
        let path = self.path(name);
        let before = fs::read_to_string(&path).expect("a text");
        let after = how(before.clone());
        assert_ne!(before, after, "nothing was changed in {name}");
        fs::write(path, after).expect("written");
    }

    /// Changes a file of bytes.
    pub fn change_bytes(&self, name: &str, how: impl Fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(name)).expect("bytes");
        how(&mut bytes);
        fs::write(self.path(name), bytes).expect("written");
    }

    /// The command, run on this desk.
    pub fn undermask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undermask"));
        command.current_dir(self.folder.path()).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("UNDERMASK_")) {
            command.env_remove(name);
        }
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HF_")) {
            command.env_remove(name);
        }
        // No test asks the real hub.
        command.env("HF_HOME", self.folder.path().join("hf")).env("HF_HUB_OFFLINE", "1");
        command.env("NO_COLOR", "1").env("COLUMNS", "100").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Audits `model` on the small suite into `run`, with more arguments.
    pub fn audit(&self, more: &[&str]) -> Command {
        let mut command = self.undermask(&["audit", "model", "--suite", SUITE, "--out", "run"]);
        command.args(more);
        command
    }
}

/// Runs a command that must end with this code; returns what it printed.
pub fn ends(mut command: Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command runs");
    let (out, error) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    assert_eq!(status.code(), Some(code), "stdout: {out}\nstderr: {error}");
    assert!(!error.contains("panicked") && !error.contains("bug in undermask"), "{error}");
    (out, error)
}

/// Runs a command that must fail with code 2 and say all of this, and print nothing as a result.
pub fn fails(command: Command, words: &[&str]) -> String {
    let (out, error) = ends(command, 2);
    for word in words {
        assert!(error.contains(word), "`{word}` is missing in: {error}");
    }
    assert_eq!(out, "", "an error prints no result");
    error
}

/// The records of a run: each line with how often it stands, the header left out.
pub fn records(run: &Path) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(run.join("records.jsonl")).expect("records");
    text.lines().skip(1).fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line.to_owned()).or_default() += 1;
        counts
    })
}

/// Two runs hold the same records, each once; says in one line what differs.
pub fn same(one: &Path, two: &Path) {
    let (first, second) = (records(one), records(two));
    let twice = first.iter().find(|(_, count)| **count != 1);
    assert!(twice.is_none(), "twice: {twice:?}");
    let differs = first.keys().find(|line| !second.contains_key(*line));
    assert!(
        differs.is_none(),
        "{} of {}, such as {differs:?}",
        first.keys().filter(|line| !second.contains_key(*line)).count(),
        first.len()
    );
    assert_eq!(first.len(), second.len());
}

/// The profile of an organism that ships on a suite of instruments only: every quantity of it is said.
pub fn mask_on(suite: &str) -> serde_json::Value {
    let desk = Desk::new();
    let (text, _) = ends(desk.undermask(&["audit", "organism:mask", "--suite", suite, "--out", "run", "--json"]), 0);
    let profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    every_quantity_is_said(profile["instruments"].as_object().expect("instruments"));
    assert_eq!(profile["profile"]["lambda_0"]["estimate"].as_f64(), None, "the ladder was not asked");
    profile
}

/// Every quantity of every instrument has a figure, or says why there is none.
fn every_quantity_is_said(instruments: &serde_json::Map<String, serde_json::Value>) {
    for (id, instrument) in instruments {
        let quantities = instrument["quantities"].as_object().expect("quantities");
        assert!(!quantities.is_empty(), "{id}");
        for (name, quantity) in quantities {
            let said = quantity["estimate"].is_f64() || quantity["refused"].as_str().is_some_and(|why| !why.is_empty());
            assert!(said, "{id}.{name}: a figure, or why there is none: {quantity}");
        }
    }
}
