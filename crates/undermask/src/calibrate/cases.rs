//! One organism's case: its audit and its grid are asked, or read from answers that were kept; replicates are dealt from the grid. A
//! case stays on disk with everything that it depends on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use undermask_measure::calibration::{Case, Enumerated, Organism, reaches_verdicts};
use undermask_measure::{EstimateSettings, Profile, Verdict, decide, estimate};
use undermask_model::{Local, Respond as _};
use undermask_store::{Record, StoreError, put};
use undermask_suite::{ItemKind, Plan, PlanSettings, Suite};

use super::answers::{Answers, ENDING, Scores, Told};
use super::subjects::Subject;
use super::{dealing, known, measuring};
use crate::audit::{RESAMPLES, local_settings};
use crate::certified;
use crate::cli::{AuditArguments, CalibrateArguments};
use crate::error::CommandError;
use crate::models;
use crate::suites::Loaded;

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
pub struct Common {
    counts: measuring::Counts,
    /// The full grid.
    grid: Option<Rc<Plan>>,
    /// Of it, what welfare weights are made of.
    ladder: Option<Rc<Plan>>,
    /// The organism before, whose prompts are those of the next where both have one tokenizer.
    before: Option<Local>,
}

impl Common {
    /// What is asked of an organism beside its audit, and what it is called.
    fn grid(&mut self, suite: &Suite, only_weights: bool) -> (Rc<Plan>, &'static str) {
        if only_weights {
            let ladder = self.ladder.get_or_insert_with(|| Rc::new(of_weights(Enumerated::plan(suite))));
            (Rc::clone(ladder), "ladder")
        } else {
            (Rc::clone(self.grid.get_or_insert_with(|| Rc::new(Enumerated::plan(suite)))), "grid")
        }
    }
}

/// One organism's case: read where it is there, made where it is not. `None` when the user stopped it.
pub fn case(
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
    let identity = (facts.weights_hash.as_str(), facts.precision.as_str());
    let known = known::Known::read(subject)?;
    let organism = known.organism(&subject.name, identity, &certified::development()?);
    let depends_on = depends_on(arguments, suite, &organism, &known, subject.only_weights);
    let path = case_of(subject, out);
    if let Some(case) = read(&path, &depends_on) {
        return Ok(Some(case));
    }
    // Runs are named by what they depend on: another suite, or weights grown anew, is another run.
    let tail = format!("{}-{}", &suite.hash[..8], &facts.weights_hash.get(..8).unwrap_or("weights"));
    let run = |what: &str| out.join("runs").join(format!("{}-{tail}", subject.slug)).join(what);
    let (grid, what) = common.grid(suite, subject.only_weights);
    let counts = &mut common.counts;
    let folder = run(&format!("audit-{}", arguments.seed));
    let Some((audit, records)) = measuring::audit(&asking, loaded, &model, subject, &folder, counts)? else {
        return Ok(None);
    };
    let Some(answers) = measuring::grid(&asking, loaded, &model, subject, &grid, &run(what), (what, counts))? else {
        return Ok(None);
    };
    let beside = beside(&known, suite, subject, &grid, &run("beside.json"))?;
    let found = Found { verdict: audit.decision.verdict, profile: &audit.profile, grid: &grid, answers, beside };
    keep(arguments, suite, subject, identity, (&records, &found), out)?;
    let case = made(arguments, suite, subject, &known, organism, found)?;
    case.as_ref().map_or(Ok(()), |case| write(&path, depends_on, case))?;
    common.before = Some(model);
    Ok(case)
}

/// The case of an organism of which an earlier calibration kept the answers. `None` when the user stopped it.
pub fn kept_case(
    arguments: &CalibrateArguments,
    suite: &Suite,
    subject: &Subject,
    kept: Answers,
    out: &Path,
    common: &mut Common,
) -> Result<Option<Case>, CommandError> {
    let Answers { suite: asked, weights_hash, precision, truth, growth, told, .. } = kept;
    let refused = |why: String| CommandError::Usage(format!("{}: {why}", subject.name));
    let told = told.ok_or_else(|| refused("it holds no answers; leave it out".to_owned()))?;
    if asked != suite.hash {
        return Err(refused(format!(
            "it answers another suite than this `{}`; calibrate the organism again",
            suite.name
        )));
    }
    if told.seed != arguments.seed {
        return Err(refused(format!("its audit has the seed {}; give --seed {}", told.seed, told.seed)));
    }
    let known = known::Known::of(&subject.name, &truth, growth.as_ref())?;
    let organism = known.organism(&subject.slug, (&weights_hash, &precision), &certified::development()?);
    let subject = &Subject { only_weights: told.only_weights, ..subject.clone() };
    let depends_on = depends_on(arguments, suite, &organism, &known, subject.only_weights);
    let path = case_of(subject, out);
    if let Some(case) = read(&path, &depends_on) {
        return Ok(Some(case));
    }
    let other =
        || refused("it answers a plan that this build deals otherwise; calibrate the organism again".to_owned());
    let plan = Plan::expand(suite, &PlanSettings { seed: told.seed, full: false });
    let records = told.audit.records(&plan).ok_or_else(other)?;
    let (grid, _) = common.grid(suite, subject.only_weights);
    let answers = told.grid.records(&grid).ok_or_else(other)?;
    let profile = estimate(suite, &records, &EstimateSettings { seed: told.seed, resamples: RESAMPLES });
    let verdict = decide(&suite.criteria, &profile).verdict;
    let found = Found { verdict, profile: &profile, grid: &grid, answers, beside: told.beside };
    let case = made(arguments, suite, subject, &known, organism, found)?;
    case.as_ref().map_or(Ok(()), |case| write(&path, depends_on, case))?;
    Ok(case)
}

/// What was found of one organism.
struct Found<'a> {
    /// The verdict of its audit.
    verdict: Verdict,
    /// The audit's profile.
    profile: &'a Profile,
    /// What the grid asks.
    grid: &'a Plan,
    /// Its answers.
    answers: Vec<Record>,
    /// What was enumerated beside it.
    beside: BTreeMap<String, Option<f64>>,
}

/// Makes a case. `None` when the user stopped it.
fn made(
    arguments: &CalibrateArguments,
    suite: &Suite,
    subject: &Subject,
    known: &known::Known,
    organism: Organism,
    Found { verdict, profile, grid, answers, beside }: Found,
) -> Result<Option<Case>, CommandError> {
    if subject.only_weights {
        return Ok(Some(Case::of(organism, suite, (verdict, profile), &known.weights(suite, &answers))));
    }
    let truths = known.truths(&subject.name, suite, (grid, &answers), &beside)?;
    let table = Enumerated::new(suite, grid, answers)
        .map_err(|error| CommandError::Usage(format!("{}: {error}", subject.name)))?;
    let seed = fingerprint(&organism.weights_hash);
    // Other designs show how often a verdict is right. Where none is, replicates show coverage only: all of them where the suite
    // reaches no verdict, a quarter where it does and this organism is beside others that have one.
    let wanted = match organism.expected {
        _ if !reaches_verdicts(suite) => dealing::Wanted { replicates: arguments.replicates, designs: false },
        Some(_) => dealing::Wanted { replicates: arguments.replicates, designs: true },
        None => dealing::Wanted { replicates: arguments.replicates.div_ceil(4), designs: false },
    };
    let Some(dealt) = dealing::deal(suite, &table, &truths, (&subject.slug, seed), wanted)? else { return Ok(None) };
    let mut case = Case::of(organism, suite, (verdict, profile), &truths);
    (case.replicates, case.same_scenarios, case.designs) = (dealt.whole, dealt.same, dealt.designs);
    Ok(Some(case))
}

/// What lists, games and the best of n show of a network, where the suite asks them: read from its truth, if it is that of this suite, or
/// enumerated and kept in `path`.
fn beside(
    known: &known::Known,
    suite: &Suite,
    subject: &Subject,
    grid: &Plan,
    path: &Path,
) -> Result<BTreeMap<String, Option<f64>>, CommandError> {
    if !grid.trials.iter().any(|trial| matches!(trial.kind, ItemKind::Choice | ItemKind::Act)) {
        return Ok(BTreeMap::new());
    }
    if let Some(parameters) = known.enumerated(suite) {
        return Ok(parameters.clone());
    }
    let kept = std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(parameters) = kept {
        return Ok(parameters);
    }
    let parameters = crate::truth::parameters(&subject.name, suite)?;
    let text = serde_json::to_vec(&parameters).map_err(|error| CommandError::Usage(format!("values: {error}")))?;
    put(path, &text)?;
    Ok(parameters)
}

/// Keeps what an organism answered, where all of it is scored labels.
fn keep(
    arguments: &CalibrateArguments,
    suite: &Suite,
    subject: &Subject,
    identity: (&str, &str),
    (records, found): (&[Record], &Found),
    out: &Path,
) -> Result<(), CommandError> {
    let plan = Plan::expand(suite, &PlanSettings { seed: arguments.seed, full: false });
    let scores = Scores::of(&plan, records).zip(Scores::of(found.grid, &found.answers));
    let Some((audit, grid)) = scores else { return Ok(()) };
    let (truth, growth) = known::documents(subject)?;
    let (seed, only_weights, beside) = (arguments.seed, subject.only_weights, found.beside.clone());
    let told = Told { seed, only_weights, beside, audit, grid };
    let answers = Answers { told: Some(told), ..Answers::new(&suite.hash, identity, truth, growth) };
    answers.write(&answers_of(subject, out))
}

/// Keeps that a growth failed, so that a certificate made from answers names it too.
pub fn keep_failed(suite: &Suite, subject: &Subject, out: &Path) -> Result<(), CommandError> {
    let (truth, growth) = known::documents(subject)?;
    Answers::new(&suite.hash, ("", ""), truth, growth).write(&answers_of(subject, out))
}

/// Where an organism's case lies.
fn case_of(subject: &Subject, out: &Path) -> PathBuf {
    out.join("cases").join(format!("{}.json", subject.slug))
}

/// Where an organism's answers are kept.
fn answers_of(subject: &Subject, out: &Path) -> PathBuf {
    out.join("answers").join(format!("{}{ENDING}", subject.slug))
}

/// Everything that a case depends on.
fn depends_on(
    arguments: &CalibrateArguments,
    suite: &Suite,
    organism: &Organism,
    known: &known::Known,
    only_weights: bool,
) -> Vec<String> {
    let mut all = vec![
        suite.hash.clone(),
        organism.weights_hash.clone(),
        organism.precision.clone(),
        certified::code(suite).instrument,
        arguments.seed.to_string(),
        arguments.replicates.to_string(),
        format!("{organism:?}"),
        format!("{:016x}", fingerprint(&known.told())),
    ];
    if only_weights {
        all.push("weights".to_owned());
    }
    all
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
fn read(path: &Path, depends_on: &[String]) -> Option<Case> {
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
