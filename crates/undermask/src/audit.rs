//! The main job: suite → plan → run on a model → records → profile → verdict → report.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use undermask_engine::{Precision, ScoreSettings};
use undermask_measure::{EstimateSettings, Verdict, decide, estimate};
use undermask_model::{LocalSettings, Respond, TokenCounts};
use undermask_report::{Audit, KnownTruth};
use undermask_run::{execute, questions};
use undermask_store::{Outcome, Record, RunInfo, RunStore};
use undermask_suite::{Plan, PlanSettings, Suite};

use crate::cli::{self, AuditArguments, VerdictName};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::place::Places;
use crate::progress::{Bar, interrupted, listen};
use crate::suites::{self, Loaded};
use crate::{announce, certified, drawn, early, models, report};

/// Bootstrap resamples of the quantities that need them.
pub(crate) const RESAMPLES: usize = 2000;

/// Audits every model that was named.
///
/// # Errors
/// [`CommandError`]; what was answered before it stays on disk.
pub fn audit(arguments: &AuditArguments) -> Result<Finish, CommandError> {
    let loaded = suites::load(&arguments.suite)?;
    if arguments.stop_early {
        // Better said before a model is fetched.
        early::stopping(&loaded.suite, &plan(arguments, &loaded.suite), arguments.seed)?;
    }
    let names = models::names(&arguments.models, &loaded.suite)?;
    let places = Places::of(arguments, &names)?;
    listen();
    let mut audits = Vec::with_capacity(names.len());
    for (name, directory) in names.iter().zip(&places.runs) {
        let Some(audit) = audit_one(arguments, &loaded, name, directory)? else {
            return Ok(Finish::Interrupted);
        };
        if !arguments.json && names.len() == 1 {
            report::print(&audit)?;
        }
        audits.push(audit);
    }
    report::finish(&audits, &places.overview, arguments.json)?;
    Ok(finish(&audits, &arguments.fail_on))
}

/// One model; `None` when the user stopped it.
fn audit_one(
    arguments: &AuditArguments,
    Loaded { suite, text }: &Loaded,
    name: &str,
    directory: &Path,
) -> Result<Option<Audit>, CommandError> {
    let drawn = match arguments.fresh {
        true => suite.draw(arguments.seed),
        false => drawn::within(directory, suite, arguments.seed),
    };
    let plan = Plan::expand_drawn(suite, &PlanSettings { seed: arguments.seed, full: arguments.full }, &drawn);
    let settings = local_settings(arguments)?;
    let model = models::open(name, settings)?;
    let truth = models::truth(name)?;
    let tokens = model.count(&questions(&plan.trials)).map_err(|error| CommandError::model(name, error))?;
    let mut info = RunInfo { drawn, ..info(arguments, suite, text, &model, &plan, tokens) };
    if arguments.stop_early {
        info.stopping = Some(early::stopping(suite, &plan, arguments.seed)?);
    }
    let mut store = match arguments.fresh {
        true => RunStore::fresh(directory, info)?,
        false => RunStore::open(directory, info)?,
    };
    announce::before(suite, &plan, &model, tokens, &store, settings.scoring.threads)
        .map_err(|error| CommandError::model(name, error))?;
    let mut bar = Bar::new(name, "trials", plan.trials.len());
    let mut watch = |asked| {
        bar.asked(asked);
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let complete = if arguments.stop_early {
        early::execute(suite, &plan, &model, &mut store, &mut watch)?
    } else {
        execute(&plan, &model, &mut store, &mut watch).map_err(|error| CommandError::run(name, error))?
    };
    drop(bar);
    if !complete {
        eprintln!("  stopped; every answer so far is in {}. The same command continues.", directory.display());
        return Ok(None);
    }
    let records: Vec<Record> = store.records().cloned().collect();
    let audit = judge(suite.clone(), &plan, store.info().clone(), &records, truth)?;
    report::write(&audit, directory)?;
    Ok(Some(audit))
}

fn plan(arguments: &AuditArguments, suite: &Suite) -> Plan {
    Plan::expand(suite, &PlanSettings { seed: arguments.seed, full: arguments.full })
}

/// From records to an audit that can be shown.
///
/// # Errors
/// A run that is said to have stopped early, and whose records do not say so.
pub fn judge(
    suite: Suite,
    plan: &Plan,
    mut info: RunInfo,
    records: &[Record],
    truth: Option<KnownTruth>,
) -> Result<Audit, CommandError> {
    let asked = early::asked(plan, &info);
    let records: Vec<Record> =
        records.iter().filter(|record| asked.contains(record.trial.0.as_str())).cloned().collect();
    let (profile, decision) = match info.stopped() {
        Some(stopped) => early::judge(&suite, plan, &info, stopped, &records)?,
        None => {
            let profile = estimate(&suite, &records, &EstimateSettings { seed: info.seed, resamples: RESAMPLES });
            let decision = decide(&suite.criteria, &profile);
            (profile, decision)
        }
    };
    let examples = report::examples(&suite, plan, &records);
    info.notes.extend(rare_labels(&records));
    let certified = certified::of(&info, &suite);
    Ok(Audit { info, suite, profile, decision, examples, truth, certified })
}

/// Says so where the labels are not what the model would answer with.
fn rare_labels(records: &[Record]) -> Option<String> {
    let masses = records.iter().filter_map(|record| match &record.outcome {
        Outcome::Answered { scores } => Some(scores.iter().map(|score| score.log_probability.exp()).sum::<f64>()),
        _ => None,
    });
    let (rare, all) = masses.fold((0, 0), |(rare, all), mass| (rare + usize::from(mass < 0.1), all + 1));
    (all > 0 && rare * 4 > all).then(|| {
        let share = 100 * rare / all;
        format!(
            "in {share}% of the trials the labels together took less than a tenth of the probability: the model would \
             rather answer in other words, and its choices are read from what it seldom says"
        )
    })
}

pub(crate) fn local_settings(arguments: &AuditArguments) -> Result<LocalSettings, CommandError> {
    let threads = arguments.threads.unwrap_or(ScoreSettings::default().threads);
    if threads == 0 || arguments.memory == 0 {
        return Err(CommandError::Usage("--threads and --memory must be at least 1".to_owned()));
    }
    let precision = match arguments.precision {
        cli::Precision::F32 => Precision::F32,
        cli::Precision::Bf16 => Precision::Bf16,
        cli::Precision::Q8 => Precision::Q8,
    };
    let scoring = ScoreSettings { threads, memory: arguments.memory.saturating_mul(1 << 20) };
    Ok(LocalSettings { precision, scoring, device: arguments.device })
}

pub(crate) fn info(
    arguments: &AuditArguments,
    suite: &Suite,
    text: &str,
    model: &dyn Respond,
    plan: &Plan,
    tokens: TokenCounts,
) -> RunInfo {
    let facts = model.facts().clone();
    RunInfo {
        format: "undermask.run".to_owned(),
        version: 1,
        model: facts.name,
        architecture: facts.architecture,
        parameters: facts.parameters,
        weights_hash: facts.weights_hash,
        tokenizer_hash: facts.tokenizer_hash,
        template_hash: facts.template_hash,
        commit: facts.commit,
        precision: facts.precision,
        device: facts.device,
        driver: facts.driver,
        instructions: facts.instructions,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        suite_text: text.to_owned(),
        seed: arguments.seed,
        full: arguments.full,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trials: plan.trials.len(),
        tokens: (tokens.total, tokens.unique),
        started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        seconds: 0.0,
        drawn: Vec::new(),
        notes: model.notes(),
        stopping: None,
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
