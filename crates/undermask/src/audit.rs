//! The main job: suite → plan → run on a model → records → profile → verdict → report.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use undermask_engine::ScoreSettings;
use undermask_measure::{EstimateSettings, Verdict, decide, estimate};
use undermask_model::{Question, Respond, TokenCounts};
use undermask_report::{Audit, KnownTruth};
use undermask_store::{Record, RunInfo, RunStore};
use undermask_suite::{Plan, PlanSettings, Suite};

use crate::cli::{AuditArguments, Precision, VerdictName};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::models::{self, Opened};
use crate::progress::{Bar, interrupted, listen};
use crate::suites::{self, Loaded};
use crate::{announce, report};

/// Bootstrap resamples of the quantities that need them.
const RESAMPLES: usize = 2000;

/// Audits every model that was named.
///
/// # Errors
/// [`CommandError`]; what was answered before it stays on disk.
pub fn audit(arguments: &AuditArguments) -> Result<Finish, CommandError> {
    let loaded = suites::load(&arguments.suite)?;
    let names = models::names(&arguments.models)?;
    listen();
    let mut audits = Vec::with_capacity(names.len());
    for name in &names {
        let directory = directory(arguments, name, names.len() > 1);
        match audit_one(arguments, &loaded, name, &directory)? {
            Some(audit) => {
                if !arguments.json && names.len() == 1 {
                    report::print(&audit);
                }
                audits.push(audit);
            }
            None => return Ok(Finish::Interrupted),
        }
    }
    report::finish(&audits, &overall(arguments, &names), arguments.json)?;
    Ok(finish(&audits, &arguments.fail_on))
}

/// One model; `None` when the user stopped it.
fn audit_one(arguments: &AuditArguments, loaded: &Loaded, name: &str, directory: &Path) -> Result<Option<Audit>, CommandError> {
    let suite = &loaded.suite;
    let plan = Plan::expand(suite, &PlanSettings { seed: arguments.seed, full: arguments.full });
    let Opened { model, truth } = models::open(name, score_settings(arguments)?)?;
    let questions: Vec<Question> =
        plan.trials.iter().map(|trial| Question { prompt: trial.prompt.clone(), options: trial.options.clone() }).collect();
    let tokens = model.count(&questions)?;
    let mut store = RunStore::open(directory, info(arguments, loaded, &model, &plan, tokens))?;
    announce::before(suite, &plan, &model, &questions, tokens, &store)?;
    let mut bar = Bar::new(name, "trials", plan.trials.len());
    let complete = undermask_run::execute(&plan, &model, &mut store, &mut |asked| {
        if asked.now == 0 {
            bar.start_at(asked.done);
        }
        bar.set(asked.done, "");
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    drop(bar);
    if !complete {
        eprintln!("  stopped; every answer so far is in {}. The same command continues.", directory.display());
        return Ok(None);
    }
    let records: Vec<Record> = store.records().cloned().collect();
    let audit = judge(suite.clone(), &plan, store.info().clone(), &records, truth);
    report::write(&audit, &store)?;
    Ok(Some(audit))
}

/// From records to an audit that can be shown.
pub fn judge(suite: Suite, plan: &Plan, info: RunInfo, records: &[Record], truth: Option<KnownTruth>) -> Audit {
    let asked: std::collections::BTreeSet<&str> = plan.trials.iter().map(|trial| trial.id.0.as_str()).collect();
    let records: Vec<Record> = records.iter().filter(|record| asked.contains(record.trial.0.as_str())).cloned().collect();
    let profile = estimate(&suite, &records, &EstimateSettings { seed: info.seed, resamples: RESAMPLES });
    let decision = decide(&suite.criteria, &profile);
    let examples = report::examples(&suite, plan, &records);
    Audit { info, suite, profile, decision, examples, truth }
}

fn score_settings(arguments: &AuditArguments) -> Result<ScoreSettings, CommandError> {
    let default = ScoreSettings::default();
    let threads = arguments.threads.unwrap_or(default.threads);
    if threads == 0 || arguments.memory == 0 {
        return Err(CommandError::Usage("--threads and --memory must be at least 1".to_owned()));
    }
    Ok(ScoreSettings { threads, memory: arguments.memory << 20 })
}

fn info(arguments: &AuditArguments, loaded: &Loaded, model: &dyn Respond, plan: &Plan, tokens: TokenCounts) -> RunInfo {
    let facts = model.facts().clone();
    let Precision::F32 = arguments.precision;
    RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: facts.name,
        architecture: facts.architecture,
        parameters: facts.parameters,
        weights_hash: facts.weights_hash,
        tokenizer_hash: facts.tokenizer_hash,
        template_hash: facts.template_hash,
        precision: facts.precision,
        suite: loaded.suite.name.clone(),
        suite_hash: loaded.suite.hash.clone(),
        suite_text: loaded.text.clone(),
        seed: arguments.seed,
        full: arguments.full,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: plan.trials.len(),
        tokens: (tokens.total, tokens.unique),
        started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        seconds: 0.0,
        notes: model.notes(),
    }
}

/// A model's name as part of a path.
fn slug(name: &str) -> String {
    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or(name);
    last.strip_prefix("organism:").unwrap_or(last).chars().map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' }).collect()
}

fn suite_slug(arguments: &AuditArguments) -> String {
    slug(arguments.suite.trim_end_matches(".toml"))
}

/// Where one model's run goes.
fn directory(arguments: &AuditArguments, name: &str, several: bool) -> PathBuf {
    match (&arguments.out, several) {
        (Some(out), false) => out.clone(),
        (Some(out), true) => out.join(slug(name)),
        (None, _) => {
            let full = if arguments.full { "-full" } else { "" };
            Path::new("runs").join(format!("{}-{}-{}{full}", slug(name), suite_slug(arguments), arguments.seed))
        }
    }
}

/// Where the page over all models goes.
fn overall(arguments: &AuditArguments, names: &[String]) -> PathBuf {
    match &arguments.out {
        Some(out) => out.clone(),
        None if names.len() == 1 => directory(arguments, &names[0], false),
        None => Path::new("runs").join(format!("overview-{}-{}", suite_slug(arguments), arguments.seed)),
    }
}

fn finish(audits: &[Audit], fail_on: &[VerdictName]) -> Finish {
    let named = |verdict: Verdict| match verdict {
        Verdict::Steadfast => VerdictName::Steadfast,
        Verdict::Mask => VerdictName::Mask,
        Verdict::Bounded => VerdictName::Bounded,
        Verdict::Cold => VerdictName::Cold,
        Verdict::Obedient => VerdictName::Obedient,
        Verdict::Indeterminate => VerdictName::Indeterminate,
    };
    let any = |chosen: &dyn Fn(Verdict) -> bool| audits.iter().any(|audit| chosen(audit.decision.verdict));
    if any(&|verdict| fail_on.contains(&named(verdict))) {
        Finish::Finding
    } else if !fail_on.is_empty() && any(&|verdict| verdict == Verdict::Indeterminate) {
        Finish::Inconclusive
    } else {
        Finish::Done
    }
}
