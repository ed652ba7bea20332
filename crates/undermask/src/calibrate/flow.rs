//! Organisms → (growth) → audit and grid → replicates → cases → certificate and page. Every step leaves a file, so that the
//! same command continues where it stopped; shards share the organisms, and a call without a shard joins them.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use undermask_measure::calibration::{Case, Certificate, Circumstances, Enumerated, certify};
use undermask_model::{Local, Respond as _};
use undermask_report::{certificate_page, certificate_summary};
use undermask_store::{StoreError, put};
use undermask_suite::{ItemKind, Plan};

use super::subjects::{Subject, subjects};
use super::{dealing, growing, known, measuring};
use crate::audit::local_settings;
use crate::certified;
use crate::cli::{AuditArguments, CalibrateArguments};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::progress::listen;
use crate::suites::{self, Loaded};
use crate::{models, output};

/// A case on disk, with everything that it depends on.
#[derive(Serialize, Deserialize)]
struct CaseFile {
    format: String,
    version: u32,
    /// Suite, weights, code, seed and replicates.
    depends_on: Vec<String>,
    case: Case,
}

const CASE: &str = "undermask.case";

/// What organisms have in common, and is large or slow to make.
#[derive(Default)]
struct Common {
    counts: measuring::Counts,
    /// The full grid.
    grid: OnceCell<Plan>,
    /// Of it, what welfare weights are made of.
    ladder: OnceCell<Plan>,
    /// The organism before, whose prompts are those of the next where both have one tokenizer.
    before: Option<Local>,
}

/// Calibrates.
///
/// # Errors
/// [`CommandError`]; what was done before it stays on disk.
pub fn calibrate(arguments: &CalibrateArguments) -> Result<Finish, CommandError> {
    if arguments.replicates == 0 {
        return Err(CommandError::Usage("--replicates must be at least 1".to_owned()));
    }
    let loaded = suites::load(&arguments.suite)?;
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("calibration").join(&loaded.suite.name));
    let subjects = subjects(arguments, &loaded.suite, &out)?;
    listen();
    let (mut cases, mut failed, mut common) = (Vec::new(), Vec::new(), Common::default());
    for (place, subject) in subjects.iter().enumerate() {
        if arguments.shard.is_some_and(|shard| !shard.has(place)) {
            continue;
        }
        if let Some(planned) = &subject.growth {
            match growing::grow(arguments, planned)? {
                growing::Growth::Ready => {}
                growing::Growth::Failed(why) => {
                    failed.push(why);
                    continue;
                }
                growing::Growth::Interrupted => return Ok(stopped(&out)),
            }
        } else if let Some(why) = growing::failed(Path::new(&subject.name)) {
            failed.push(why);
            continue;
        }
        match case(arguments, &loaded, subject, &out, &mut common)? {
            Some(case) => cases.push(case),
            None => return Ok(stopped(&out)),
        }
    }
    if let Some(shard) = arguments.shard {
        eprintln!("  shard {shard} is done; the same command without --shard joins all of them");
        return Ok(Finish::Done);
    }
    let circumstances = Circumstances {
        code: certified::code(&loaded.suite),
        development: certified::development()?,
        seed: arguments.seed,
        failed_growths: failed,
    };
    finish(arguments, &certify(&loaded.suite, &cases, circumstances), &out)
}

fn stopped(out: &Path) -> Finish {
    eprintln!("  stopped; what was done is in {}. The same command continues.", out.display());
    Finish::Interrupted
}

fn finish(arguments: &CalibrateArguments, certificate: &Certificate, out: &Path) -> Result<Finish, CommandError> {
    let unwritable = |error: serde_json::Error| CommandError::Usage(format!("the certificate: {error}"));
    let text = serde_json::to_string_pretty(certificate).map_err(unwritable)?;
    let file = out.join("certificate.json");
    put(&file, format!("{text}\n").as_bytes())?;
    let page = out.join("certificate.html");
    put(&page, certificate_page(certificate)?.as_bytes())?;
    if arguments.json {
        output::print(&format!("{text}\n"))?;
    } else {
        output::print(&certificate_summary(certificate, output::style()))?;
        output::print(&format!("\n  certificate: {}\n  page: {}\n", file.display(), page.display()))?;
    }
    Ok(Finish::Done)
}

/// One organism's case: read where it is there, made where it is not. `None` when the user stopped it.
fn case(
    arguments: &CalibrateArguments,
    loaded: &Loaded,
    subject: &Subject,
    out: &Path,
    common: &mut Common,
) -> Result<Option<Case>, CommandError> {
    let asking = asking(arguments);
    let mut model = models::open(&subject.name, local_settings(&asking)?)?;
    if let Some(before) = &common.before {
        model = model.sharing_prompts_of(before);
    }
    let (suite, facts) = (&loaded.suite, model.facts());
    let known = known::Known::read(subject)?;
    let code = certified::code(suite);
    let organism = known.organism(subject, facts, &certified::development()?);
    let mut depends_on = vec![
        suite.hash.clone(),
        facts.weights_hash.clone(),
        facts.precision.clone(),
        code.instrument,
        arguments.seed.to_string(),
        arguments.replicates.to_string(),
        format!("{organism:?}"),
        format!("{:016x}", fingerprint(&known.told())),
    ];
    if subject.only_weights {
        depends_on.push("weights".to_owned());
    }
    let path = out.join("cases").join(format!("{}.json", subject.slug));
    if let Some(case) = read(&path, &depends_on) {
        return Ok(Some(case));
    }
    // Runs are named by what they depend on: another suite, or weights grown anew, is another run.
    let tail = format!("{}-{}", &suite.hash[..8], &facts.weights_hash.get(..8).unwrap_or("weights"));
    let run = |what: &str| out.join("runs").join(format!("{}-{tail}", subject.slug)).join(what);
    let Common { counts, grid, ladder, .. } = common;
    let Some(audit) =
        measuring::audit(&asking, loaded, &model, subject, &run(&format!("audit-{}", arguments.seed)), counts)?
    else {
        return Ok(None);
    };
    let (plan, what) = match subject.only_weights {
        false => (grid.get_or_init(|| Enumerated::plan(suite)), "grid"),
        true => (ladder.get_or_init(|| of_weights(Enumerated::plan(suite))), "ladder"),
    };
    let Some(records) = measuring::grid(&asking, loaded, &model, subject, plan, &run(what), (what, counts))? else {
        return Ok(None);
    };
    let case = match subject.only_weights {
        true => Case::of(organism, audit.decision.verdict, &audit.profile, &known.weights(suite, &records)),
        false => {
            let truths = known.truths(subject, suite, plan, &records)?;
            let table = Enumerated::new(suite, plan, records)
                .map_err(|error| CommandError::Usage(format!("{}: {error}", subject.name)))?;
            let seed = fingerprint(&facts.weights_hash);
            // Where no verdict is right, replicates show coverage only: a quarter of them, in the whole design.
            let wanted = match organism.expected {
                Some(_) => dealing::Wanted { replicates: arguments.replicates, designs: true },
                None => dealing::Wanted { replicates: arguments.replicates.div_ceil(4), designs: false },
            };
            let dealt = dealing::deal(suite, &table, &truths, (&subject.slug, seed), wanted)?;
            let Some(dealt) = dealt else { return Ok(None) };
            let mut case = Case::of(organism, audit.decision.verdict, &audit.profile, &truths);
            (case.replicates, case.same_scenarios, case.designs) = (dealt.whole, dealt.same, dealt.designs);
            case
        }
    };
    write(&path, depends_on, &case)?;
    common.before = Some(model);
    Ok(Some(case))
}

/// The trials of a full grid that welfare weights are made of.
fn of_weights(grid: Plan) -> Plan {
    let trials = grid.trials.into_iter().filter(|trial| trial.kind == ItemKind::Welfare).collect();
    Plan { trials }
}

/// FNV-1a (Fowler, Noll & Vo 1991): the same on every machine and in every version.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How organisms are audited: as a user would, in the exact mode.
fn asking(arguments: &CalibrateArguments) -> AuditArguments {
    AuditArguments {
        models: Vec::new(),
        suite: arguments.suite.clone(),
        out: None,
        seed: arguments.seed,
        precision: arguments.precision,
        // The certificate is of the reference: the processor.
        device: undermask_engine::DeviceChoice::Cpu,
        full: false,
        fail_on: Vec::new(),
        json: true,
        threads: arguments.threads,
        memory: arguments.memory,
        fresh: false,
        show_config: false,
        // What is certified is the whole audit.
        stop_early: false,
    }
}

/// A case that depends on the same things; a damaged or older one is made anew.
fn read(path: &PathBuf, depends_on: &[String]) -> Option<Case> {
    let file: CaseFile = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (file.format == CASE && file.version == 1 && file.depends_on == depends_on).then_some(file.case)
}

fn write(path: &Path, depends_on: Vec<String>, case: &Case) -> Result<(), CommandError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::writing(folder, error))?;
    }
    let file = CaseFile { format: CASE.to_owned(), version: 1, depends_on, case: case.clone() };
    let text = serde_json::to_string(&file).map_err(|error| CommandError::Usage(format!("a case: {error}")))?;
    Ok(put(path, format!("{text}\n").as_bytes())?)
}
