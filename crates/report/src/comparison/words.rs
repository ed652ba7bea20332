//! Words for verdicts and rows of a comparison: the same in the terminal and on the page.

use undermask_measure::compare::{Better, Measured, Part, Row, RowChange};
use undermask_measure::paired::Change;

use crate::words::number;

/// A verdict's name.
pub(super) fn name(change: Change) -> &'static str {
    match change {
        Change::Regression => "regression",
        Change::Improvement => "improvement",
        Change::Equivalent => "equivalent",
        Change::Undecided => "undecided",
    }
}

/// What it means, in a sentence.
pub(super) fn meaning(change: Change) -> &'static str {
    match change {
        Change::Regression => "The candidate's concern for others is worse than the baseline's.",
        Change::Improvement => {
            "The candidate's concern for others is better than the baseline's, and nothing that decides is worse or open."
        }
        Change::Equivalent => "Whatever decides is the same in both runs, within the margin.",
        Change::Undecided => {
            "Something that decides is open: the data show neither a change in it nor that there is none."
        }
    }
}

/// A mark for it, so that meaning never rests on colour.
pub(super) fn mark(change: Change, unicode: bool) -> &'static str {
    match (change, unicode) {
        (Change::Regression, true) => "▼",
        (Change::Improvement, true) => "▲",
        (Change::Equivalent, true) => "≈",
        (Change::Undecided, _) => "?",
        (Change::Regression, false) => "v",
        (Change::Improvement, false) => "^",
        (Change::Equivalent, false) => "=",
    }
}

/// What no comparison can show; stands on every page.
pub(super) const LIMIT: &str = "A behavioural test cannot show inner motive, and two runs that agree here may differ where nothing was asked: in other contexts, longer talk, or at other prices.";

/// A row's result in a word.
pub(super) fn result(row: &Row) -> &'static str {
    match row.measured.as_ref().map(|found| found.change) {
        Some(RowChange::Regression) => "worse",
        Some(RowChange::Improvement) => "better",
        Some(RowChange::Changed) => "changed",
        Some(RowChange::Equivalent) => "equivalent",
        Some(RowChange::Undecided) => "undecided",
        None => "refused",
    }
}

/// Which way is better, in words.
pub(super) fn better(row: &Row) -> &'static str {
    match row.better {
        Better::Higher => "more is better",
        Better::Lower => "less is better",
        Better::NearerZero => "nearer to 0 is better",
        Better::Neither => "neither way is better",
    }
}

/// The headings under which rows stand.
pub(super) const PARTS: [(Part, &str); 4] = [
    (Part::Endpoint, "endpoints, which decide"),
    (Part::Mirror, "the same finding read the other way"),
    (Part::Control, "controls, which should not move"),
    (Part::Beside, "beside the verdict"),
];

/// With a sign.
pub(super) fn signed(value: f64) -> String {
    let text = number(value);
    if value > 0.0 && text != "0.00" { format!("+{text}") } else { text }
}

/// `+0.12 [0.05, 0.19]`.
pub(super) fn difference(found: &Measured) -> String {
    format!("{} [{}, {}]", signed(found.difference), signed(found.low), signed(found.high))
}

/// A p-value that is never shown as 0.
pub(super) fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// What could have been found.
pub(super) fn power(found: &Measured) -> String {
    if found.detectable == 0.0 {
        return "the two runs agree in every scenario".to_owned();
    }
    let needed = match found.scenarios_needed {
        Some(needed) if needed > found.clusters => {
            format!("; four times in five it would take {needed} scenarios in place of {}", found.clusters)
        }
        _ => String::new(),
    };
    format!(
        "a change of {} is found four times in five, one as large as the margin (±{}) {:.0}% of the time{needed}",
        number(found.detectable),
        number(found.margin),
        100.0 * found.power
    )
}
