//! What became better and what worse, in margins: a dot and an interval a quantity, the margin as a band around 0.
//!
//! Quantities have units of their own (weights, shares, coins, turns), so each is drawn over its own margin, turned so that
//! right is better. Where neither way is better right is more, and the dot is hollow.

use std::fmt::Write as _;

use undermask_measure::compare::{Better, Part, Row};

use super::words;
use crate::chart::{Scale, dot, escape};

const WIDTH: f64 = 760.0;
const ROW: f64 = 22.0;
const LABEL: f64 = 230.0;
/// Margins on either side, at least and at most.
const REACH: (f64, f64) = (2.0, 8.0);

/// The plot of all rows but the mirrored ones.
pub(super) fn forest(rows: &[Row]) -> String {
    let mut lines: Vec<Result<&Row, &str>> = Vec::new();
    for (part, title) in words::PARTS.into_iter().filter(|(part, _)| *part != Part::Mirror) {
        let own: Vec<&Row> = rows.iter().filter(|row| row.part == part).collect();
        if !own.is_empty() {
            lines.push(Err(title));
            lines.extend(own.into_iter().map(Ok));
        }
    }
    let ends = rows.iter().filter_map(|row| row.measured.as_ref()).map(|found| {
        let (_, low, high) = found.better;
        low.abs().max(high.abs()) / found.margin
    });
    let reach = ends.fold(REACH.0, f64::max).min(REACH.1).ceil();
    let scale = Scale { low: -reach, high: reach, from: LABEL, to: WIDTH - 160.0 };
    let height = ROW * lines.len() as f64 + 54.0;
    let bottom = height - 34.0;
    let mut svg = format!(
        r#"<svg class="forest" viewBox="0 0 {WIDTH} {height:.0}" role="img"><title>By how much each quantity became better, in margins, with its interval</title>"#
    );
    let (left, right) = (scale.place(-1.0), scale.place(1.0));
    let _ = write!(
        svg,
        r#"<rect class="base" x="{left:.1}" width="{:.1}" y="4" height="{:.1}"/>"#,
        right - left,
        bottom - 4.0
    );
    let step = if reach > 4.0 { 2 } else { 1 };
    for tick in (-(reach as i64)..=reach as i64).filter(|tick| tick % step == 0) {
        let (x, class) = (scale.place(tick as f64), if tick == 0 { "zero" } else { "grid" });
        let label = tick.to_string().replace('-', "−");
        let _ = write!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            bottom + 14.0
        );
    }
    for (x, anchor, text) in [(scale.from, "start", "← worse"), (scale.to, "end", "better →")] {
        let y = bottom + 29.0;
        let _ = write!(svg, r#"<text class="tick" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
    }
    let (middle, y) = ((scale.from + scale.to) / 2.0, bottom + 29.0);
    let _ = write!(svg, r#"<text class="tick" x="{middle:.1}" y="{y:.1}" text-anchor="middle">in margins</text>"#);
    for (index, line) in lines.iter().enumerate() {
        let y = 16.0 + ROW * index as f64;
        match line {
            Err(title) => {
                let _ = write!(svg, r#"<text class="group" x="0" y="{:.1}">{}</text>"#, y + 4.0, escape(title));
            }
            Ok(row) => draw(&mut svg, row, scale, y),
        }
    }
    svg.push_str("</svg>");
    svg
}

fn draw(svg: &mut String, row: &Row, scale: Scale, y: f64) {
    let text = y + 4.0;
    let _ = write!(svg, r#"<text class="label" x="12" y="{text:.1}">{}</text>"#, escape(&row.name));
    let figure = words::result(row);
    let _ = write!(svg, r#"<text class="figure" x="{WIDTH}" y="{text:.1}" text-anchor="end">{figure}</text>"#);
    let Some(found) = &row.measured else { return };
    let (value, low, high) = found.better;
    let [value, low, high] = [value, low, high].map(|one| one / found.margin);
    let (from, to) = (scale.place(low), scale.place(high));
    let _ = write!(svg, r#"<line class="interval" x1="{from:.1}" x2="{to:.1}" y1="{y:.1}" y2="{y:.1}"/>"#);
    // An interval that runs out of the plot ends in an arrow.
    for (out, x, turn) in [(low < scale.low, from, 1.0), (high > scale.high, to, -1.0)] {
        if out {
            let (back, up, down) = (x + 6.0 * turn, y - 4.0, y + 4.0);
            let _ = write!(
                svg,
                r#"<polyline class="interval" points="{back:.1},{up:.1} {x:.1},{y:.1} {back:.1},{down:.1}"/>"#
            );
        }
    }
    svg.push_str(&dot(scale.place(value), y, row.better != Better::Neither, "point"));
}
