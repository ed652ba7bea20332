//! Audits of scripted actors, for the tests of what people see.

use undermask_measure::{EstimateSettings, decide, estimate};
use undermask_report::{Audit, Certified};
use undermask_store::{Outcome, Record, RunInfo};
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

/// An audit of whoever answers so.
pub fn judged(name: &str, suite: Suite, answer: &dyn Fn(&Suite, &Trial) -> Outcome) -> Audit {
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let records: Vec<Record> = plan.trials.iter().map(|trial| Record::new(trial, answer(&suite, trial))).collect();
    let profile = estimate(&suite, &records, &EstimateSettings { seed: 1, resamples: 200 });
    let decision = decide(&suite.criteria, &profile);
    let info = RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: name.to_owned(),
        architecture: "scripted".to_owned(),
        parameters: 0,
        weights_hash: String::new(),
        tokenizer_hash: String::new(),
        template_hash: String::new(),
        commit: None,
        precision: "f32".to_owned(),
        device: "cpu".to_owned(),
        driver: None,
        instructions: None,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        suite_text: String::new(),
        seed: 1,
        full: false,
        code_version: "test".to_owned(),
        trials: plan.trials.len(),
        tokens: (0, 0),
        started: 0,
        seconds: 0.0,
        drawn: Vec::new(),
        stopping: None,
        notes: Vec::new(),
    };
    Audit {
        info,
        suite,
        profile,
        decision,
        examples: Vec::new(),
        truth: None,
        certified: Certified { certificate: None, warnings: Vec::new() },
    }
}
