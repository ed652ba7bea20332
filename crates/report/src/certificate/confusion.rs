//! Heat map of verdicts: a row a truth, a column a verdict, darker for a larger share of its row.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use undermask_measure::Verdict;
use undermask_measure::calibration::ConfusionRow;

use crate::words;

const COLUMNS: [Verdict; 6] =
    [Verdict::Steadfast, Verdict::Mask, Verdict::Bounded, Verdict::Cold, Verdict::Obedient, Verdict::Indeterminate];
const LEFT: f64 = 120.0;
const TOP: f64 = 30.0;
const CELL: (f64, f64) = (96.0, 40.0);
/// The indeterminate column stands apart: it is no wrong verdict.
const APART: f64 = 14.0;

/// The map of audits or of replicates.
pub(crate) fn confusion(
    rows: &[ConfusionRow],
    of: fn(&ConfusionRow) -> &BTreeMap<Verdict, usize>,
    title: &str,
) -> String {
    let (width, height) = (LEFT + CELL.0 * 6.0 + APART + 4.0, TOP + CELL.1 * rows.len() as f64 + 4.0);
    let mut svg = format!(
        r#"<svg class="confusion" viewBox="0 0 {width} {height}" role="img"><title>{title}: truth down, verdict across</title>"#
    );
    let left = |column: usize| LEFT + CELL.0 * column as f64 + if column == 5 { APART } else { 0.0 };
    for (column, verdict) in COLUMNS.iter().enumerate() {
        let middle = left(column) + CELL.0 / 2.0;
        let _ = write!(
            svg,
            r#"<text class="group" x="{middle}" y="18" text-anchor="middle">{}</text>"#,
            words::name(*verdict)
        );
    }
    for (line, row) in rows.iter().enumerate() {
        let counts = of(row);
        let all: usize = counts.values().sum();
        let top = TOP + CELL.1 * line as f64;
        let name = words::name(row.truth);
        let _ = write!(
            svg,
            r#"<text x="{}" y="{}" text-anchor="end">{name}</text>"#,
            LEFT - 10.0,
            top + CELL.1 / 2.0 + 4.0
        );
        for (column, verdict) in COLUMNS.iter().enumerate() {
            let count = counts.get(verdict).copied().unwrap_or(0);
            let share = count as f64 / all.max(1) as f64;
            let kind = if *verdict == row.truth {
                "right"
            } else if column == 5 {
                "undecided"
            } else {
                "wrong"
            };
            let (x, width, height) = (left(column), CELL.0 - 3.0, CELL.1 - 3.0);
            // A wrong verdict is seen even where it is rare.
            let least = if kind == "wrong" { 0.5 } else { 0.18 };
            let shade = if count == 0 { 0.0 } else { least + (0.9 - least) * share };
            let _ = write!(svg, r#"<rect class="cell" x="{x}" y="{top}" width="{width}" height="{height}"/>"#);
            let _ = write!(
                svg,
                r#"<rect class="{kind}" fill-opacity="{shade:.2}" x="{x}" y="{top}" width="{width}" height="{height}"/>"#
            );
            if count > 0 {
                let (middle, base) = (x + width / 2.0, top + height / 2.0 + 4.5);
                let _ =
                    write!(svg, r#"<text class="count" x="{middle}" y="{base}" text-anchor="middle">{count}</text>"#);
            }
        }
    }
    svg.push_str("</svg>");
    svg
}
