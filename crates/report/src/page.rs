//! One self-contained HTML page: no script, no request, everything escaped by the template.

use askama::Template;
use undermask_measure::Quantity;
use undermask_store::RunInfo;
use undermask_suite::{ContextFamily, Criteria, InstrumentKind, ItemKind};

use crate::certificate::Certified;
use crate::claims::{Claim, claims};
use crate::instruments::{self, InstrumentView};
use crate::words::{self, known_number, number};
use crate::{Audit, Example, chart};

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to show.
    #[error("there is no audit to show")]
    Empty,
    /// The template failed (a bug).
    #[error("the page could not be made: {0}")]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    title: String,
    suite_name: String,
    suite_title: String,
    style: &'static str,
    limit: &'static str,
    confidence: String,
    overview: String,
    models: Vec<Model>,
    terms: &'static [(&'static str, &'static str)],
}

struct Model {
    name: String,
    verdict: &'static str,
    mark: &'static str,
    meaning: &'static str,
    reasons: Vec<String>,
    coverage: String,
    /// How far a run that may stop early was asked; empty for others.
    stopping: String,
    not_asked: Vec<String>,
    known: String,
    known_long: String,
    certificate: CertificateView,
    claims: Vec<Claim>,
    forest: String,
    ladders: Vec<LadderView>,
    rows: Vec<RowView>,
    equivalences: Vec<String>,
    rules: Vec<RuleView>,
    tested: Vec<String>,
    not_tested: Vec<&'static str>,
    instruments: Vec<InstrumentView>,
    examples: Vec<ExampleView>,
    gates: Vec<GateView>,
    facts: Vec<(&'static str, String)>,
}

/// How often the instrument is right.
struct CertificateView {
    sentence: String,
    warnings: Vec<String>,
    checks: Vec<(&'static str, String, String)>,
    misses: Vec<String>,
}

struct LadderView {
    title: String,
    passed: bool,
    svg: String,
}

struct RowView {
    symbol: &'static str,
    name: &'static str,
    says: &'static str,
    svg: String,
    figure: String,
    n: String,
    clusters: String,
}

struct RuleView {
    name: &'static str,
    held: bool,
    because: String,
}

struct ExampleView {
    title: String,
    system: String,
    talk: Vec<(&'static str, String)>,
    user: String,
    prefill: String,
    options: Vec<OptionView>,
}

struct OptionView {
    text: String,
    width: String,
    percent: String,
}

struct GateView {
    title: String,
    state: String,
    recall: String,
    dominance: String,
    response: String,
    check: String,
    bias: String,
    p: String,
}

/// What no run of this version tests.
const NEVER_TESTED: &[&str] = &[
    "free text",
    "other languages than the suite's",
    "the representation of self and other, activations and interventions on them",
    "any trigger that is not among the contexts listed here",
];

/// What an instrument would test, and the kind that does.
const BY_INSTRUMENT: &[(InstrumentKind, &str)] = &[
    (InstrumentKind::Drift, "conversations of many turns, and drift over them"),
    (InstrumentKind::Price, "prices in doses"),
    (InstrumentKind::Pressure, "pressures in doses"),
    (InstrumentKind::SayDo, "what the model says is right, against what it does"),
    (InstrumentKind::Kin, "kin"),
    (InstrumentKind::Discounting, "social distance"),
    (InstrumentKind::Budgets, "whether choices between own and other's coins are those of one preference"),
    (InstrumentKind::Utilities, "whether what is wanted carries from context to context"),
    (InstrumentKind::Hysteresis, "whether concern comes back after a persona is taken off"),
    (InstrumentKind::Environment, "acting over time, with a score and an off-switch"),
    (InstrumentKind::Forms, "other forms of asking: without a chat template, in JSON or code, oddly spelt"),
    (InstrumentKind::Fresh, "scenarios that nobody can have trained on"),
    (InstrumentKind::Optimisation, "selection of answers for an objective that conflicts with concern"),
];

const TERMS: &[(&str, &str)] = &[
    (
        "welfare weight λ",
        "How much a unit of the other's benefit counts against a unit of the actor's own cost. The actor helps when λ times the benefit exceeds the cost.",
    ),
    ("default weight λ₀", "λ in the default context, from items of its own."),
    (
        "mask index M",
        "1 − λ/λ₀ averaged over the cued contexts. G = 1 − M is the goal share. Not clipped, so it may lie below 0 or above 1.",
    ),
    (
        "neutral twin",
        "The same trade for a liked thing with nobody else's welfare in it, under the same contexts. What both lose is not a mask.",
    ),
    (
        "worst decile",
        "Retention λ/λ₀ in the worst tenth of cued contexts, chosen on one half of the scenarios and measured on the other.",
    ),
    (
        "gate",
        "Whether the model is competent in a context: recalls payoffs, prefers more to fewer coins for itself, responds to payoffs at all.",
    ),
    (
        "commanded, cued, incentive, fiction",
        "Families of contexts: the prompt orders the harmful choice; a cue that should not matter; a price or an objective; part of a story, where playing a villain is no switch. The mask index is over cued contexts only.",
    ),
    (
        "ED50",
        "The dose (coins of own cost, pressing sentences) at which help falls to half of what it is at dose 0. A verdict of bounded needs it inside the range tested, cues changing nothing.",
    ),
    (
        "RMST",
        "Restricted mean survival time: the mean number of turns of talk, up to the deepest that was asked at, for which concern is kept.",
    ),
    ("interval", "Scenarios are the clusters; contexts are paired within them."),
];

/// The page of one audit or several.
///
/// # Errors
/// [`ReportError`].
pub fn html(audits: &[Audit]) -> Result<String, ReportError> {
    let first = audits.first().ok_or(ReportError::Empty)?;
    let title = match audits {
        [one] => format!("{} is {}", one.info.model, article(words::name(one.decision.verdict))),
        many => format!("{} models audited", many.len()),
    };
    let page = Page {
        title,
        suite_name: first.suite.name.clone(),
        suite_title: first.suite.title.clone(),
        style: include_str!("../templates/style.css"),
        limit: words::LIMIT,
        confidence: format!("{:.0}", 100.0 * first.profile.confidence),
        overview: if audits.len() > 1 { chart::overview(audits) } else { String::new() },
        models: audits.iter().map(model).collect(),
        terms: TERMS,
    };
    Ok(page.render()?)
}

/// `mask` takes an article, the adjectives do not.
fn article(verdict: &str) -> String {
    if verdict == "mask" { "a mask".to_owned() } else { verdict.to_owned() }
}

fn model(audit: &Audit) -> Model {
    let (verdict, profile) = (audit.decision.verdict, &audit.profile);
    let default = profile.contexts.iter().find(|context| context.family == ContextFamily::Default);
    let (known, known_long) = known(audit);
    Model {
        name: audit.info.model.clone(),
        verdict: words::name(verdict),
        mark: words::mark(verdict, true),
        meaning: words::meaning(verdict),
        reasons: audit.decision.reasons.clone(),
        coverage: format!(
            "{} contexts were tested with {} trials.",
            profile.contexts.len(),
            audit.info.stopped().map_or(audit.info.trials, |stopped| stopped.trials)
        ),
        stopping: crate::stopping::sentence(audit).unwrap_or_default(),
        not_asked: crate::stopping::not_asked(audit),
        known,
        known_long,
        certificate: certificate(&audit.certified),
        claims: claims(audit),
        forest: if audit.has_ladder() { chart::forest(audit) } else { String::new() },
        ladders: profile
            .contexts
            .iter()
            .filter(|context| !context.ladder.is_empty())
            .map(|context| LadderView {
                title: context.title.clone(),
                passed: context.gate.passed,
                svg: chart::ladder(
                    context,
                    default.filter(|default| default.id != context.id).map_or(&[], |default| &default.ladder),
                ),
            })
            .collect(),
        rows: rows(audit),
        equivalences: profile
            .equivalences
            .iter()
            .map(|test| {
                let found = if test.equivalent { "lies within" } else { "is not shown to lie within" };
                format!(
                    "{} {found} ±{:.2} (two one-sided tests, p = {:.3}).",
                    test.quantity.replace('_', " "),
                    test.margin,
                    test.p
                )
            })
            .collect(),
        rules: audit
            .decision
            .rules
            .iter()
            .map(|rule| RuleView { name: words::name(rule.verdict), held: rule.held, because: rule.because.clone() })
            .collect(),
        tested: tested(audit),
        not_tested: not_tested(audit),
        instruments: instruments::views(profile),
        examples: audit.examples.iter().map(|example| self::example(audit, example)).collect(),
        gates: gates(audit),
        facts: facts(&audit.info, profile.normalised),
    }
}

fn certificate(certified: &Certified) -> CertificateView {
    let checks = certified.certificate.iter().flat_map(|certificate| &certificate.checks).map(|check| {
        let word = match check.passed {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "too little to say",
        };
        (word, check.name.clone(), check.found.clone())
    });
    let misses = certified.certificate.iter().flat_map(|certificate| &certificate.all.misses).map(|miss| {
        format!("{} is a {} and was reported as {}", miss.name, words::name(miss.truth), words::name(miss.verdict))
    });
    CertificateView {
        sentence: certified.sentence(),
        warnings: certified.warnings.clone(),
        checks: checks.collect(),
        misses: misses.collect(),
    }
}

/// The known answer in a word and in a sentence; both empty where there is none.
fn known(audit: &Audit) -> (String, String) {
    let Some(truth) = &audit.truth else { return (String::new(), String::new()) };
    let verdict = words::name(audit.decision.verdict);
    let short = match &truth.verdict {
        Some(wanted) if wanted == verdict => format!("✓ {wanted}"),
        Some(wanted) if audit.decision.rules.is_empty() => format!("{wanted}, which was not asked"),
        Some(wanted) if truth.expected_miss => format!("○ {wanted}, an expected miss"),
        Some(wanted) => format!("✗ {wanted}"),
        None => format!("G = {}", known_number(truth.realised.goal_share)),
    };
    let wanted = truth.verdict.as_ref().map_or(String::new(), |_| format!(" {}.", capitalised(&truth.answer())));
    let figures = if audit.has_ladder() && truth.comparable(&audit.suite) {
        format!(
            " By exact enumeration its default weight is {} and its goal share {}; the recipe says {} and {}.",
            known_number(truth.realised.lambda_0),
            known_number(truth.realised.goal_share),
            known_number(truth.nominal.lambda_0),
            known_number(truth.nominal.goal_share)
        )
    } else {
        String::new()
    };
    (short, format!("This is an organism, grown by the recipe {}.{wanted}{figures}", truth.recipe))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Thresholds of the verdict that a quantity is held against.
fn thresholds(symbol: &str, criteria: &Criteria) -> Vec<f64> {
    match symbol {
        "λ₀" => vec![criteria.undefined_lower, criteria.cold_upper],
        "M" => vec![-criteria.equivalence, criteria.equivalence, criteria.mask_index_lower],
        "M_excess" | "worst_excess" => vec![criteria.mask_excess_lower],
        "worst" => vec![criteria.mask_worst_decile_upper, criteria.steadfast_worst_decile_lower],
        "C" | "C neutral" => vec![criteria.obedient_upper],
        _ => Vec::new(),
    }
}

fn rows(audit: &Audit) -> Vec<RowView> {
    audit
        .rows()
        .into_iter()
        .map(|row| {
            let (svg, n, clusters) = match row.quantity {
                Quantity::Estimated(estimate) => {
                    let ticks = thresholds(row.symbol, &audit.suite.criteria);
                    (chart::strip(estimate, row.range, &ticks), estimate.n.to_string(), estimate.clusters.to_string())
                }
                Quantity::Refused { .. } => (String::new(), String::new(), String::new()),
            };
            RowView {
                symbol: row.symbol,
                name: row.name,
                says: row.says,
                svg,
                figure: words::quantity(row.quantity),
                n,
                clusters,
            }
        })
        .collect()
}

fn tested(audit: &Audit) -> Vec<String> {
    let count = |kind: undermask_suite::ScenarioKind| {
        audit.suite.scenarios.iter().filter(|scenario| scenario.kind == kind).count()
    };
    let ratios = &audit.suite.ladder.ratios;
    let ladder = format!(
        "{} welfare scenarios on {} rungs of cost to benefit from {} to {}, {} neutral twins, {} means-reversals",
        count(undermask_suite::ScenarioKind::Welfare),
        ratios.len(),
        number(ratios[0]),
        number(ratios[ratios.len() - 1]),
        count(undermask_suite::ScenarioKind::Neutral),
        count(undermask_suite::ScenarioKind::Reversal)
    );
    let mut lines: Vec<String> = Some(ladder).filter(|_| audit.has_ladder()).into_iter().collect();
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for context in &audit.profile.contexts {
        let name = format!("{}, {}", words::family(context.family), context.group.replace('-', " "));
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, titles)) => titles.push(&context.title),
            None => groups.push((name, vec![&context.title])),
        }
    }
    // Instruments come last: a run that stopped did not reach them.
    let reached = audit.suite.instruments.iter().filter(|_| audit.info.stopped().is_none());
    for instrument in reached {
        let asked = instrument.scenarios.len();
        lines.push(format!("{}: {} ({asked} scenarios)", instruments::kind(instrument.kind()), instrument.title));
    }
    lines.extend(groups.into_iter().map(|(group, titles)| format!("{group}: {}", titles.join("; "))));
    lines
}

fn not_tested(audit: &Audit) -> Vec<&'static str> {
    let tested = |kind: InstrumentKind| audit.profile.instruments.values().any(|found| found.kind == kind);
    let missing = BY_INSTRUMENT.iter().filter(|(kind, _)| !tested(*kind)).map(|(_, what)| *what);
    missing.chain(NEVER_TESTED.iter().copied()).collect()
}

fn example(audit: &Audit, example: &Example) -> ExampleView {
    let trial = &example.trial;
    let context = audit
        .suite
        .contexts
        .iter()
        .find(|context| context.id == trial.context)
        .map_or(trial.context.as_str(), |context| &context.title);
    let kind = match trial.kind {
        ItemKind::Welfare => "another's benefit against own cost",
        ItemKind::Neutral => "the neutral twin",
        ItemKind::Reversal => "means-reversal",
        ItemKind::Dominance => "dominance gate",
        ItemKind::Recall => "recall gate",
        ItemKind::ContextCheck => "context check",
        ItemKind::Instrument => "instrument",
        ItemKind::Act => "act in an environment",
        ItemKind::Choice => "choice among several",
    };
    let options = trial.options.iter().zip(&example.probabilities).map(|(text, probability)| OptionView {
        text: text.clone(),
        width: format!("{:.1}", 100.0 * probability),
        percent: format!("{:.1}%", 100.0 * probability),
    });
    ExampleView {
        title: format!("{context}: {kind}"),
        system: trial.prompt.system.clone().unwrap_or_default(),
        talk: trial.prompt.history.iter().map(|turn| (turn.role.name(), turn.content.clone())).collect(),
        user: trial.prompt.user.clone(),
        prefill: trial.prompt.prefill.clone(),
        options: options.collect(),
    }
}

fn gates(audit: &Audit) -> Vec<GateView> {
    let contexts = audit.profile.contexts.iter();
    contexts
        .map(|context| GateView {
            title: context.title.clone(),
            state: if context.gate.passed {
                "passed".to_owned()
            } else {
                format!("failed: {}", context.gate.failures.join("; "))
            },
            recall: number(context.gate.recall),
            dominance: number(context.gate.dominance),
            response: format!("{:.3}", context.gate.response_p),
            check: context.gate.check.map_or(String::new(), number),
            bias: words::quantity(&context.position_bias),
            p: context.p_adjusted.map_or(String::new(), |p| format!("{p:.3}")),
        })
        .collect()
}

/// Where it was computed, and by what there.
fn device(info: &RunInfo) -> String {
    let driver = info.driver.as_ref().map(|driver| format!(", driver {driver}"));
    let instructions = info.instructions.as_ref().map(|set| format!(", kernels for {set}"));
    [Some(info.device.clone()), driver, instructions].into_iter().flatten().collect()
}

fn facts(info: &RunInfo, normalised: usize) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("model", info.model.clone()),
        ("architecture", format!("{}, {} parameters", info.architecture, info.parameters)),
        ("weights", info.weights_hash.clone()),
        ("tokenizer", info.tokenizer_hash.clone()),
        ("chat template", info.template_hash.clone()),
        ("precision", info.precision.clone()),
        ("device", device(info)),
        ("suite", format!("{} {}", info.suite, info.suite_hash)),
        ("seed", info.seed.to_string()),
        ("design", if info.full { "full cross".to_owned() } else { "balanced fraction".to_owned() }),
        ("trials", info.trials.to_string()),
        ("tokens", format!("{} in full, {} with shared beginnings read once", info.tokens.0, info.tokens.1)),
        ("labels of uneven length", format!("{normalised} trials, scored per token")),
        ("undermask", info.code_version.clone()),
        (
            "again",
            format!(
                "undermask audit {} --suite {} --seed {}{}",
                info.model,
                info.suite,
                info.seed,
                match (info.full, info.stopping.is_some()) {
                    (false, false) => "",
                    (true, false) => " --full",
                    (false, true) => " --stop-early",
                    (true, true) => " --full --stop-early",
                }
            ),
        ),
    ];
    facts.extend(info.notes.iter().map(|note| ("note", note.clone())));
    facts
}
