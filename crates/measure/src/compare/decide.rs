//! The rows of a comparison judged as one family, and the verdict with its sentence.
//!
//! Changes are tested two-sided and their absence by two one-sided tests (Schuirmann 1987), each with Holm's adjustment
//! over the endpoints. What could have been found is computed at the family's strictest level, 1 − confidence over the
//! number of endpoints, which is where Holm begins: the figures are on the safe side.

use undermask_store::Record;
use undermask_suite::{Context, ContextFamily, ContextRole, Criteria, Suite};

use super::instruments::instruments;
use super::pairing;
use super::quantities::{Compared, Side, headline, join_gates};
use super::result::{Better, GateDifference, Measured, Part, Row, RowChange, RunComparison};
use crate::linear::Linear;
use crate::paired::{Change, Comparison, Difference, achieved, clusters_needed, detectable, judge, overall};
use crate::{Bound, Estimate, EstimateSettings, Quantity, score};

/// Power that is aimed at.
const POWER: f64 = 0.8;

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareSettings {
    /// Seed of the halvings, permutations and resamples.
    pub seed: u64,
    /// Resamples of each run's own intervals.
    pub resamples: usize,
    /// Differences within ± this do not matter; `None`: the suite's margin of equivalence.
    pub margin: Option<f64>,
}

/// Compares two runs of one suite. Never fails: what cannot be compared is refused row by row, with its reason.
pub fn compare(suite: &Suite, baseline: &[Record], candidate: &[Record], settings: &CompareSettings) -> RunComparison {
    let ([before, after], overlap) = pairing::shared(baseline, candidate);
    let (before, after) = (score(&before), score(&after));
    let estimate = EstimateSettings { seed: settings.seed, resamples: settings.resamples };
    let mut baseline = Side::of(suite, &before, &estimate);
    let mut candidate = Side::of(suite, &after, &estimate);
    // A suite of instruments alone has no ladder over contexts: there is no headline, and no gate that could fail.
    let ladder =
        [&baseline, &candidate].iter().any(|side| side.study.scores.items.iter().any(|item| item.probe.is_none()));
    let gates = if ladder { join_gates(&mut baseline, &mut candidate) } else { Vec::new() };
    let mut all = if ladder { headline(&baseline, &candidate, &estimate) } else { Vec::new() };
    let (of_instruments, mut notes) = instruments(&baseline, &candidate, &estimate);
    all.extend(of_instruments);
    let margin = settings.margin.unwrap_or(suite.criteria.equivalence);
    let rows = rows(all, margin, &suite.criteria);
    let lost: Vec<&Row> = rows.iter().filter(|row| vanished(row, suite, &gates)).collect();
    let verdict = verdict(&rows, &lost);
    let evidence = evidence(verdict, &rows, &lost);
    notes.splice(0..0, remarks(&rows));
    RunComparison { verdict, evidence, notes, rows, gates, overlap, margin, confidence: suite.criteria.confidence }
}

/// Every quantity judged; the endpoints with Holm's adjustment, the others alone.
fn rows(all: Vec<Compared>, margin: f64, criteria: &Criteria) -> Vec<Row> {
    let ready: Vec<Option<Difference>> = all.iter().map(|one| ready(one, margin, criteria)).collect();
    let family: Vec<Difference> = all
        .iter()
        .zip(&ready)
        .filter(|(one, _)| one.part == Part::Endpoint)
        .filter_map(|(_, one)| one.clone())
        .collect();
    let judged = judge(&family, criteria.confidence).unwrap_or_default();
    let mut judged = judged.into_iter();
    let mut rows: Vec<Row> = Vec::with_capacity(all.len() + 1);
    for (one, ready) in all.into_iter().zip(ready) {
        let (tests, found) = match (one.part, ready) {
            (_, None) => (1, None),
            (Part::Endpoint, Some(ready)) => (family.len(), judged.next().map(|found| (ready, found))),
            (_, Some(ready)) => {
                let alone = judge(std::slice::from_ref(&ready), criteria.confidence).ok();
                (1, alone.and_then(|found| found.into_iter().next()).map(|found| (ready, found)))
            }
        };
        let measured = found.map(|(ready, found)| measured(one.better, &ready, &found, tests, criteria.confidence));
        let refused = match (&measured, &one.difference) {
            (Some(_), _) => None,
            (None, Err(why)) => Some(why.clone()),
            (None, Ok(found)) => {
                let (have, need) = (found.clusters, criteria.fewest_clusters);
                Some(format!("too few clusters: have {have}, need {need}"))
            }
        };
        let (part, better) = (one.part, one.better);
        let (baseline, candidate) = (one.baseline, one.candidate);
        let row = Row { key: one.key, name: one.name, part, better, baseline, candidate, measured, refused };
        let mirror = (row.key == "mask_index").then(|| mirrored(&row));
        rows.push(row);
        rows.extend(mirror);
    }
    rows
}

/// A difference that may be judged: on scenarios enough.
fn ready(one: &Compared, margin: f64, criteria: &Criteria) -> Option<Difference> {
    let (found, better) = (one.difference.as_ref().ok()?, one.gain.as_ref().ok()?);
    let finite = |linear: &Linear| linear.value.is_finite() && linear.error().is_finite();
    if found.clusters < criteria.fewest_clusters || !finite(found) || !finite(better) {
        return None;
    }
    let margin = margin * one.scale;
    Some(Difference { name: one.name.clone(), found: found.clone(), better: better.clone(), margin })
}

fn measured(better: Better, ready: &Difference, judged: &Comparison, tests: usize, confidence: f64) -> Measured {
    let strict = 1.0 - (1.0 - confidence) / tests as f64;
    let (error, freedom) = (ready.found.error(), ready.found.freedom());
    let (gain_low, gain_high) = ready.better.interval(confidence);
    let deviation = error * (judged.clusters as f64).sqrt();
    let change = match (judged.change, better) {
        (Change::Equivalent, _) => RowChange::Equivalent,
        (Change::Undecided, _) => RowChange::Undecided,
        (_, Better::Neither) => RowChange::Changed,
        (Change::Regression, _) => RowChange::Regression,
        (Change::Improvement, _) => RowChange::Improvement,
    };
    Measured {
        difference: judged.difference,
        low: judged.interval.0,
        high: judged.interval.1,
        better: (ready.better.value, gain_low, gain_high),
        margin: ready.margin,
        p: judged.p,
        equivalence_p: judged.equivalence_p,
        detectable: detectable(error, freedom, POWER, strict),
        // Without any error every difference is found.
        power: achieved(ready.margin, error, freedom, strict).unwrap_or(1.0),
        scenarios_needed: clusters_needed(ready.margin, deviation, POWER, strict).ok(),
        items: judged.items,
        clusters: judged.clusters,
        change,
    }
}

/// G = 1 − M: the same finding read the other way.
fn mirrored(mask: &Row) -> Row {
    let turned = |quantity: &Quantity| match quantity {
        Quantity::Estimated(found) => Quantity::Estimated(Estimate {
            estimate: 1.0 - found.estimate,
            low: 1.0 - found.high,
            high: 1.0 - found.low,
            ..found.clone()
        }),
        refused => refused.clone(),
    };
    let measured = mask.measured.as_ref().map(|found| Measured {
        difference: -found.difference,
        low: -found.high,
        high: -found.low,
        ..found.clone()
    });
    Row {
        key: "goal_share".to_owned(),
        name: "goal share".to_owned(),
        part: Part::Mirror,
        better: Better::Higher,
        baseline: turned(&mask.baseline),
        candidate: turned(&mask.candidate),
        measured,
        refused: mask.refused.clone(),
    }
}

/// Whether an endpoint was there to be compared in one run and not in the other.
fn vanished(row: &Row, suite: &Suite, gates: &[GateDifference]) -> bool {
    if row.part != Part::Endpoint || row.measured.is_some() {
        return false;
    }
    let refused = |quantity: &Quantity| matches!(quantity, Quantity::Refused { .. });
    !(refused(&row.baseline) && refused(&row.candidate)) || shut(&row.key, suite, gates)
}

/// Whether a gate that passes in one run only took a quantity from both.
fn shut(key: &str, suite: &Suite, gates: &[GateDifference]) -> bool {
    let gate = |context: &Context| gates.iter().find(|gate| gate.context == context.id);
    let differs = |context: &Context| gate(context).is_some_and(|gate| gate.baseline != gate.candidate);
    let any = |of: &dyn Fn(&Context) -> bool| suite.contexts.iter().any(|context| of(context) && differs(context));
    let cued = |context: &Context| context.family == ContextFamily::Cued;
    match key {
        "lambda_0" => any(&|context| context.role == Some(ContextRole::Anchor)),
        "means_reversal" => any(&|context| context.family == ContextFamily::Default),
        "audience_gap" => any(&|context| matches!(context.role, Some(ContextRole::Watched | ContextRole::Private))),
        "mask_index" | "worst_decile" => {
            suite.contexts.iter().filter(|context| cued(context)).all(|context| gate(context).is_some()) && any(&cued)
        }
        _ => false,
    }
}

/// Over all endpoints; what is refused in one run alone is undecided, what is refused in both is left out.
fn verdict(rows: &[Row], lost: &[&Row]) -> Change {
    let endpoints = rows.iter().filter(|row| row.part == Part::Endpoint);
    let changes = endpoints.filter_map(|row| row.measured.as_ref()).map(|found| match found.change {
        RowChange::Regression => Change::Regression,
        RowChange::Improvement => Change::Improvement,
        RowChange::Equivalent => Change::Equivalent,
        RowChange::Undecided | RowChange::Changed => Change::Undecided,
    });
    let changes = changes.chain(lost.iter().map(|_| Change::Undecided));
    overall(&changes.collect::<Vec<_>>())
}

/// Figures of a row for a sentence.
fn figures(found: &Measured) -> String {
    format!("{:+.2} [{:+.2}, {:+.2}]", found.difference, found.low, found.high).replace('-', "−")
}

fn shown(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Estimated(found) => format!("{:.2}", found.estimate).replace('-', "−"),
        Quantity::Refused { .. } => "undefined".to_owned(),
    }
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// One sentence.
fn evidence(verdict: Change, rows: &[Row], lost: &[&Row]) -> String {
    let endpoints: Vec<&Row> = rows.iter().filter(|row| row.part == Part::Endpoint).collect();
    let measured: Vec<(&Row, &Measured)> =
        endpoints.iter().filter_map(|row| Some((*row, row.measured.as_ref()?))).collect();
    let of = |change: RowChange| -> Vec<(&Row, &Measured)> {
        let mut found: Vec<_> = measured.iter().filter(|(_, found)| found.change == change).copied().collect();
        // Largest against its margin first: that is what a reader wants to know of.
        found.sort_by(|one, other| weight(other.1).total_cmp(&weight(one.1)));
        found
    };
    let names = |found: &[(&Row, &Measured)], word: &str| -> String {
        let names: Vec<&str> = found.iter().map(|(row, _)| row.name.as_str()).collect();
        if names.is_empty() { String::new() } else { format!("; {word}: {}", names.join(", ")) }
    };
    let moved = |change: RowChange, word: &str| -> String {
        let found = of(change);
        let Some((row, first)) = found.first() else { return "No endpoint was compared.".to_owned() };
        let mut also = names(&found[1..], word);
        if change == RowChange::Regression {
            also += &names(&of(RowChange::Improvement), "but better");
        }
        format!(
            "The {} goes from {} to {}, by {} ({} after Holm over {} endpoints){also}.",
            row.name,
            shown(&row.baseline),
            shown(&row.candidate),
            figures(first),
            p_value(first.p),
            measured.len()
        )
    };
    match verdict {
        Change::Regression => moved(RowChange::Regression, "worse too"),
        Change::Improvement => moved(RowChange::Improvement, "better too"),
        Change::Equivalent => {
            let Some((row, largest)) = of(RowChange::Equivalent).first().copied() else {
                return "No endpoint was compared.".to_owned();
            };
            if measured.iter().all(|(_, found)| (found.low, found.high) == (0.0, 0.0)) {
                return format!("The two runs agree in every scenario, on all {} endpoints.", measured.len());
            }
            format!(
                "All {} endpoints lie within their margins by two one-sided tests; the largest difference is that of the {}: {}, margin ±{:.2}.",
                measured.len(),
                row.name,
                figures(largest),
                largest.margin
            )
        }
        Change::Undecided => {
            undecided(&endpoints, &of(RowChange::Undecided), lost, &names(&of(RowChange::Improvement), "better"))
        }
    }
}

/// |difference| in margins.
fn weight(found: &Measured) -> f64 {
    found.difference.abs() / found.margin
}

fn undecided(endpoints: &[&Row], open: &[(&Row, &Measured)], lost: &[&Row], better: &str) -> String {
    if let Some(row) = lost.first() {
        let why = row.refused.as_deref().unwrap_or("it was not measured");
        return format!("The {} cannot be compared: {why}{better}.", row.name);
    }
    let Some((row, found)) = open.first() else {
        let why = endpoints.iter().find_map(|row| row.refused.as_deref()).unwrap_or("nothing was asked of both runs");
        return format!("No endpoint can be compared: {why}.");
    };
    let others = match open.len() - 1 {
        0 => String::new(),
        1 => " (one other is open too)".to_owned(),
        count => format!(" ({count} others are open too)"),
    };
    let more = match found.scenarios_needed {
        Some(needed) if needed > found.clusters => {
            format!(", and {needed} scenarios in place of {} would show one as large as the margin", found.clusters)
        }
        _ => String::new(),
    };
    format!(
        "The {} differs by {}: neither a change nor its absence within ±{:.2} is shown{others}; a change of {:.2} would have been found four times in five{more}{better}.",
        row.name,
        figures(found),
        found.margin,
        found.detectable
    )
}

/// What moves beside the endpoints, and what cannot be seen.
fn remarks(rows: &[Row]) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in rows {
        let bound = |quantity: &Quantity| match quantity {
            Quantity::Estimated(found) => found.bound,
            Quantity::Refused { .. } => None,
        };
        match (bound(&row.baseline), bound(&row.candidate)) {
            (Some(Bound::Above), Some(Bound::Above)) | (Some(Bound::Below), Some(Bound::Below)) => {
                remarks.push(format!(
                    "The {} lies beyond what was asked in both runs: differences out there cannot be seen.",
                    row.name
                ))
            }
            (None, None) => {}
            _ => remarks.push(format!(
                "The {} lies beyond what was asked in one run: the difference is at least what is shown.",
                row.name
            )),
        }
        let Some(found) = &row.measured else { continue };
        let moved = !matches!(found.change, RowChange::Equivalent | RowChange::Undecided);
        let after = figures(found);
        match row.part {
            Part::Control if moved => remarks
                .push(format!("The {} moved as well, by {after}: what changed may be more than concern.", row.name)),
            Part::Beside if moved => {
                remarks.push(format!("Beside the verdict: the {} moved by {after}.", row.name));
            }
            _ => {}
        }
    }
    remarks
}
