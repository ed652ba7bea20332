//! A short plan of the core suite, and what its runs say of themselves.

use undermask_store::RunInfo;
use undermask_suite::{Plan, PlanSettings, Suite};

/// A sixteenth of the core suite.
pub fn plan() -> Plan {
    let suite = Suite::parse(include_str!("../../../../suites/core.toml"), "core.toml").expect("the core suite");
    let whole = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    whole.shard(0, 16)
}

/// A run of so many trials that does not stop early.
pub fn info(trials: usize) -> RunInfo {
    let text = str::to_owned;
    RunInfo {
        format: text("undermask.run"),
        version: 1,
        model: text("scripted"),
        architecture: text("scripted"),
        parameters: 0,
        commit: None,
        weights_hash: text("w"),
        tokenizer_hash: text("t"),
        template_hash: text("c"),
        precision: text("f32"),
        device: "cpu".to_owned(),
        driver: None,
        instructions: None,
        suite: text("core"),
        suite_hash: text("h"),
        suite_text: String::new(),
        seed: 1,
        full: false,
        code_version: text("0"),
        trials,
        tokens: (0, 0),
        started: 0,
        seconds: 0.0,
        drawn: Vec::new(),
        notes: Vec::new(),
        stopping: None,
    }
}
