//! The page of a comparison: one offline HTML file in the look of an audit's report, no script, everything escaped.

use askama::Template;
use undermask_measure::Quantity;
use undermask_measure::compare::{Row, RowChange};
use undermask_store::RunInfo;

use super::{Comparison, forest, words};
use crate::page::ReportError;
use crate::words::{interval, number};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    title: String,
    suite_name: String,
    suite_title: String,
    style: &'static str,
    verdict: &'static str,
    mark: &'static str,
    /// The style of the verdict's border.
    tone: &'static str,
    meaning: &'static str,
    evidence: String,
    notes: Vec<String>,
    warnings: Vec<String>,
    limit: &'static str,
    forest: String,
    confidence: String,
    margin: String,
    parts: Vec<PartView>,
    trials: String,
    gates: Vec<(String, String, String)>,
    facts: Vec<(&'static str, String, String)>,
}

struct PartView {
    title: &'static str,
    rows: Vec<RowView>,
}

struct RowView {
    name: String,
    says: &'static str,
    baseline: String,
    candidate: String,
    difference: String,
    result: &'static str,
    tests: String,
    power: String,
}

/// The page.
///
/// # Errors
/// [`ReportError`].
pub fn comparison_page(view: &Comparison) -> Result<String, ReportError> {
    let found = &view.found;
    let part = |(part, title)| {
        let rows: Vec<RowView> = found.rows.iter().filter(|row| row.part == part).map(self::row).collect();
        (!rows.is_empty()).then_some(PartView { title, rows })
    };
    let overlap = found.overlap;
    let page = Page {
        title: format!("{} against {}: {}", view.candidate.model, view.baseline.model, words::name(found.verdict)),
        suite_name: view.baseline.suite.clone(),
        suite_title: view.suite_title.clone(),
        style: include_str!("../../templates/style.css"),
        verdict: words::name(found.verdict),
        mark: words::mark(found.verdict, true),
        tone: tone(view),
        meaning: words::meaning(found.verdict),
        evidence: found.evidence.clone(),
        notes: found.notes.clone(),
        warnings: view.warnings.clone(),
        limit: words::LIMIT,
        forest: forest::forest(&found.rows),
        confidence: format!("{:.0}", 100.0 * found.confidence),
        margin: number(found.margin),
        parts: words::PARTS.into_iter().filter_map(part).collect(),
        trials: format!(
            "{} trials are in both runs, {} only in the baseline, {} only in the candidate.",
            overlap.shared, overlap.only_in_baseline, overlap.only_in_candidate
        ),
        gates: gates(view),
        facts: facts(view),
    };
    Ok(page.render()?)
}

fn tone(view: &Comparison) -> &'static str {
    use undermask_measure::paired::Change;
    match view.found.verdict {
        Change::Regression => "mask",
        Change::Improvement => "steadfast",
        Change::Equivalent | Change::Undecided => "",
    }
}

fn row(row: &Row) -> RowView {
    let shown = |quantity: &Quantity| match quantity {
        Quantity::Estimated(found) => interval(found),
        Quantity::Refused { .. } => "undefined".to_owned(),
    };
    let (difference, tests, power) = match &row.measured {
        None => (row.refused.clone().unwrap_or_default(), String::new(), String::new()),
        Some(found) => (
            words::difference(found),
            format!(
                "changed: p {}; within ±{}: p {}",
                words::p_value(found.p),
                number(found.margin),
                words::p_value(found.equivalence_p)
            ),
            match found.change {
                RowChange::Undecided => words::power(found),
                _ => String::new(),
            },
        ),
    };
    RowView {
        name: row.name.clone(),
        says: words::better(row),
        baseline: shown(&row.baseline),
        candidate: shown(&row.candidate),
        difference,
        result: words::result(row),
        tests,
        power,
    }
}

fn gates(view: &Comparison) -> Vec<(String, String, String)> {
    let word = |passed: bool| if passed { "passes" } else { "fails" };
    let gates = view.found.gates.iter();
    gates
        .map(|gate| {
            let states = format!("baseline {}, candidate {}", word(gate.baseline), word(gate.candidate));
            (gate.title.clone(), states, gate.failures.join("; "))
        })
        .collect()
}

/// What each run is, side by side.
fn facts(view: &Comparison) -> Vec<(&'static str, String, String)> {
    let (one, other) = (&view.baseline, &view.candidate);
    let both = |name, of: &dyn Fn(&RunInfo) -> String| (name, of(one), of(other));
    vec![
        both("model", &|info| info.model.clone()),
        ("run", view.folders.0.clone(), view.folders.1.clone()),
        both("architecture", &|info| format!("{}, {} parameters", info.architecture, info.parameters)),
        both("weights", &|info| info.weights_hash.clone()),
        both("tokenizer", &|info| info.tokenizer_hash.clone()),
        both("chat template", &|info| info.template_hash.clone()),
        both("precision", &|info| info.precision.clone()),
        both("device", &|info| info.device.clone()),
        both("suite", &|info| format!("{} {}", info.suite, info.suite_hash)),
        both("seed", &|info| info.seed.to_string()),
        both("design", &|info| if info.full { "full cross".to_owned() } else { "balanced fraction".to_owned() }),
        both("undermask", &|info| info.code_version.clone()),
    ]
}
