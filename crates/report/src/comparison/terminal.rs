//! The summary that ends `compare` in a terminal: the verdict with its sentence, then a row a quantity.

use std::fmt::Write as _;

use undermask_measure::Quantity;
use undermask_measure::compare::{Row, RowChange};
use undermask_measure::paired::Change;

use super::{Comparison, words};
use crate::terminal::{TerminalStyle, push_wrapped};
use crate::words::number;

/// One comparison.
pub fn comparison_terminal(view: &Comparison, style: TerminalStyle) -> String {
    let (found, width) = (&view.found, style.width.clamp(60, 120));
    let color = match found.verdict {
        Change::Regression => "1;31",
        Change::Improvement => "1;34",
        Change::Equivalent | Change::Undecided => "1",
    };
    let title = format!("{} {}", words::mark(found.verdict, style.unicode), words::name(found.verdict).to_uppercase());
    let models = format!("{} against {}", view.candidate.model, view.baseline.model);
    let mut out = format!("{}  {}\n", style.paint(color, &title), style.paint("1", &models));
    push_wrapped(&mut out, words::meaning(found.verdict), width, "  ");
    let bullet = if style.unicode { "  • " } else { "  - " };
    push_wrapped(&mut out, &found.evidence, width, bullet);
    found.notes.iter().for_each(|note| push_wrapped(&mut out, note, width, bullet));
    let longest = found.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(8);
    let heading =
        format!("{:<longest$}  {:>9} {:>9}  {:<21} result", "quantity", "baseline", "candidate", "difference");
    let _ = writeln!(out, "\n  {}", style.paint("1", &heading));
    for (part, title) in words::PARTS {
        let rows: Vec<&Row> = found.rows.iter().filter(|row| row.part == part).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  {}", style.paint("2", title));
        for row in rows {
            line(&mut out, row, longest, width, style);
        }
    }
    out.push('\n');
    let overlap = found.overlap;
    let trials = format!(
        "{} trials in both runs, {} only in the baseline, {} only in the candidate; margin ±{}, {:.0}% intervals by scenario; p after Holm over the endpoints",
        overlap.shared,
        overlap.only_in_baseline,
        overlap.only_in_candidate,
        number(found.margin),
        100.0 * found.confidence
    );
    push_wrapped(&mut out, &trials, width, "  ");
    for gate in &found.gates {
        let failed = match (gate.baseline, gate.candidate) {
            (true, false) => "the candidate fails its gate",
            (false, true) => "the baseline fails its gate",
            _ => "both fail its gate",
        };
        push_wrapped(&mut out, &format!("Left out: {}, {failed}.", gate.context), width, "  ");
    }
    for warning in &view.warnings {
        push_wrapped(&mut out, &format!("Warning: {warning}."), width, "  ");
    }
    style.plain(out)
}

fn line(out: &mut String, row: &Row, longest: usize, width: usize, style: TerminalStyle) {
    let shown = |quantity: &Quantity| match quantity {
        Quantity::Estimated(found) => number(found.estimate),
        Quantity::Refused { .. } => "undefined".to_owned(),
    };
    let values = format!("{:<longest$}  {:>9} {:>9}", row.name, shown(&row.baseline), shown(&row.candidate));
    let Some(found) = &row.measured else {
        let _ = writeln!(out, "  {values}  refused");
        let why = row.refused.as_deref().unwrap_or("it was not measured");
        push_wrapped(out, why, width, "      ");
        return;
    };
    let figures = words::difference(found);
    let p = match found.change {
        RowChange::Regression | RowChange::Improvement | RowChange::Changed => {
            format!("(p {})", words::p_value(found.p))
        }
        RowChange::Equivalent | RowChange::Undecided => String::new(),
    };
    let result = match found.change {
        RowChange::Regression => style.paint("31", words::result(row)),
        _ => words::result(row).to_owned(),
    };
    let _ = writeln!(out, "{}", format!("  {values}  {figures:<21} {result} {p}").trim_end());
    if found.change == RowChange::Undecided {
        push_wrapped(out, &words::power(found), width, "      ");
    }
}
