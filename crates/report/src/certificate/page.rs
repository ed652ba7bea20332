//! The certificate's page: one offline HTML file in the look of an audit's report.

use askama::Template;
use undermask_measure::calibration::{Certificate, Check, Figures, Recovered};

use super::standing::TINY;
use super::words::{headline, quantity, share, spread};
use super::{confusion, coverage, positives, power, roc, scatter};
use crate::page::ReportError;
use crate::words::{self, number};

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page {
    title: String,
    suite: String,
    style: &'static str,
    own: &'static str,
    headline: String,
    tiny: &'static str,
    /// Whether the suite reaches any.
    verdicts: bool,
    cards: Vec<Card>,
    checks: Vec<CheckView>,
    confusion: String,
    confusion_replicates: String,
    auroc: Vec<String>,
    roc: String,
    scatters: Vec<Plot>,
    recovery: Vec<RecoveryView>,
    coverage: String,
    positives: String,
    powers: Vec<Plot>,
    misses: Vec<String>,
    organisms: Vec<OrganismView>,
    failed: Vec<String>,
    notes: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

/// How often the verdict was right, over some of the organisms.
struct Card {
    title: &'static str,
    answer: String,
    because: String,
}

struct CheckView {
    mark: &'static str,
    word: &'static str,
    name: String,
    wanted: String,
    found: String,
}

struct Plot {
    title: String,
    says: String,
    svg: String,
}

struct RecoveryView {
    name: String,
    n: String,
    bias: String,
    rmse: String,
    slope: String,
    correlation: String,
    relative: String,
    reached: String,
}

struct OrganismView {
    name: String,
    kind: String,
    seed: String,
    held_out: &'static str,
    truth: String,
    verdict: &'static str,
    state: &'static str,
    score: String,
}

/// The page of a certificate.
///
/// # Errors
/// [`ReportError::Template`].
pub fn certificate_page(certificate: &Certificate) -> Result<String, ReportError> {
    let all = &certificate.all;
    let plots = all.recovery.iter().filter(|one| one.kind.is_none());
    let page = Page {
        title: match certificate.verdicts {
            true => format!("How often is the verdict of suite {} right?", certificate.suite),
            false => format!("How well does suite {} measure?", certificate.suite),
        },
        verdicts: certificate.verdicts,
        suite: certificate.suite.clone(),
        style: include_str!("../../templates/style.css"),
        own: include_str!("../../templates/certificate.css"),
        headline: headline(certificate),
        tiny: TINY,
        cards: cards(certificate),
        checks: certificate.checks.iter().map(check).collect(),
        confusion: confusion::confusion(&all.confusion, |row| &row.audits, "Verdicts of audits"),
        confusion_replicates: confusion::confusion(&all.confusion, |row| &row.replicates, "Verdicts of replicates"),
        auroc: auroc(certificate),
        roc: roc::roc(&all.roc),
        scatters: plots.filter_map(plot).collect(),
        recovery: all.recovery.iter().map(recovery).collect(),
        coverage: coverage::coverage(&all.coverage),
        positives: positives::positives(&all.false_positives),
        powers: all
            .power
            .iter()
            .map(|curve| Plot {
                title: words::name(curve.truth).to_owned(),
                says: String::new(),
                svg: power::power(curve),
            })
            .collect(),
        misses: misses(all),
        organisms: organisms(certificate),
        failed: certificate.failed_growths.clone(),
        notes: certificate.notes.clone(),
        facts: facts(certificate),
    };
    Ok(page.render()?)
}

fn cards(certificate: &Certificate) -> Vec<Card> {
    let of = |title: &'static str, figures: &Figures| {
        let (answer, because) = match (&figures.right, &figures.wrong) {
            (Some(right), Some(wrong)) => {
                let undecided = right.of - right.count - wrong.count;
                let replicated = figures.right_replicates.as_ref().map_or(String::new(), |replicated| {
                    format!(" Over {} replicates with other questions: {}.", replicated.of, share(replicated))
                });
                (
                    format!("{} of {} right", right.count, right.of),
                    format!("{}; {} wrong, {undecided} undecided.{replicated}", share(right), wrong.count),
                )
            }
            _ => ("none audited".to_owned(), format!("{} organisms with one right answer.", figures.organisms)),
        };
        Card { title, answer, because }
    };
    vec![
        of("Held-out seeds", &certificate.held_out_seeds),
        of("Held-out types", &certificate.held_out_types),
        of("All organisms", &certificate.all),
    ]
}

fn check(check: &Check) -> CheckView {
    let (mark, word) = match check.passed {
        Some(true) => ("✓", "reached"),
        Some(false) => ("✗", "missed"),
        None => ("·", "too little to say"),
    };
    CheckView { mark, word, name: check.name.clone(), wanted: check.wanted.clone(), found: check.found.clone() }
}

fn auroc(certificate: &Certificate) -> Vec<String> {
    let all = [
        ("Masks against everything that is none", &certificate.all.against_all),
        ("Masks against steadfast", &certificate.all.against_steadfast),
        ("The first, on held-out seeds", &certificate.held_out_seeds.against_all),
        ("The first, on held-out types", &certificate.held_out_types.against_all),
    ];
    let line = |(what, found): (&str, &Option<undermask_measure::calibration::Auroc>)| {
        let found = found.as_ref()?;
        Some(format!(
            "{what}: {:.3} [{:.3}, {:.3}], {} against {}.",
            found.estimate, found.low, found.high, found.positives, found.negatives
        ))
    };
    all.into_iter().filter_map(line).collect()
}

fn plot(one: &Recovered) -> Option<Plot> {
    let title = quantity(&one.quantity);
    let svg = scatter::scatter(one, &title)?;
    let says = one.figures.as_ref().map_or(String::new(), |figures| match &figures.slope {
        Some(slope) => format!("slope {}", spread(slope)),
        None => format!("error {}", number(figures.rmse)),
    });
    Some(Plot { title, says, svg })
}

fn recovery(one: &Recovered) -> RecoveryView {
    let none = || "–".to_owned();
    let name = quantity(&one.quantity);
    let reached = one.reached;
    let mut beyond = Vec::new();
    for (count, what) in [
        (reached.neither, "rightly beyond the range"),
        (reached.missed, "reached but reported beyond"),
        (reached.invented, "never reached but reported so"),
        (reached.refused, "refused"),
    ] {
        if count > 0 {
            beyond.push(format!("{count} {what}"));
        }
    }
    let figures = one.figures.as_ref();
    RecoveryView {
        name: one.kind.as_ref().map_or(name.clone(), |kind| format!("{name}, {kind} organisms")),
        n: figures.map_or_else(none, |figures| format!("{} of {}", figures.n, figures.organisms)),
        bias: figures.and_then(|figures| figures.bias.as_ref()).map_or_else(none, spread),
        rmse: figures.map_or_else(none, |figures| number(figures.rmse)),
        slope: figures.and_then(|figures| figures.slope.as_ref()).map_or_else(none, spread),
        correlation: figures.and_then(|figures| figures.correlation).map_or_else(none, number),
        relative: figures
            .and_then(|figures| figures.relative)
            .map_or_else(none, |relative| format!("{:.0}%", 100.0 * relative)),
        reached: beyond.join("; "),
    }
}

fn misses(figures: &Figures) -> Vec<String> {
    let line = |miss: &undermask_measure::calibration::Miss| {
        let all: usize = miss.replicates.values().sum();
        let found = miss.replicates.get(&miss.truth).copied().unwrap_or(0);
        format!(
            "{} is a {} and was reported as {}; {found} of its {all} replicates found it.",
            miss.name,
            words::name(miss.truth),
            words::name(miss.verdict)
        )
    };
    figures.misses.iter().map(line).collect()
}

fn organisms(certificate: &Certificate) -> Vec<OrganismView> {
    let view = |entry: &undermask_measure::calibration::Entry| {
        let organism = &entry.organism;
        let state = match organism.expected {
            _ if organism.expected_miss => "expected miss",
            Some(truth) if truth == entry.verdict => "right",
            Some(_) if entry.verdict == undermask_measure::Verdict::Indeterminate => "undecided",
            Some(_) => "wrong",
            None => "",
        };
        OrganismView {
            name: organism.name.rsplit('/').next().unwrap_or(&organism.name).to_owned(),
            kind: organism.kind.clone(),
            seed: organism.seed.map_or("unknown".to_owned(), |seed| seed.to_string()),
            held_out: match (organism.held_out_seed, organism.held_out_type) {
                (true, true) => "seed and type",
                (true, false) => "seed",
                (false, true) => "type",
                (false, false) => "no",
            },
            truth: organism.expected.map_or("none".to_owned(), |truth| words::name(truth).to_owned()),
            verdict: words::name(entry.verdict),
            state,
            score: number(entry.score),
        }
    };
    certificate.organisms.iter().map(view).collect()
}

fn facts(certificate: &Certificate) -> Vec<(&'static str, String)> {
    let seeds: Vec<String> = certificate.development.seeds.iter().map(u64::to_string).collect();
    vec![
        ("suite", format!("{} {}", certificate.suite, certificate.suite_hash)),
        ("undermask", certificate.code.version.clone()),
        ("code that plans, measures and judges", certificate.code.instrument.clone()),
        ("precision", certificate.precisions.join(", ")),
        ("seed of the audits", certificate.seed.to_string()),
        ("seeds seen while thresholds were set", seeds.join(", ")),
        ("types seen then", certificate.development.types.join(", ")),
    ]
}
