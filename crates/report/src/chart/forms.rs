//! The forest over forms of asking: what each loses beyond its twin, with its interval, and why a form has no figure.

use std::fmt::Write as _;

use undermask_measure::{CurvePoint, InstrumentProfile, Quantity};

use super::instrument::estimated;
use super::{Scale, dot, escape};
use crate::words;

/// Height of a row, and the width of all.
const ROW: f64 = 22.0;
const WIDTH: f64 = 420.0;
/// Where the plot begins and ends.
const PLOT: (f64, f64) = (104.0, 288.0);
/// Longest reason that stands in a row; the whole of it is in the profile.
const REASON: usize = 48;

/// Rows with a figure in the suite's order, the largest of all, then those without one.
pub(crate) fn forest(profile: &InstrumentProfile) -> String {
    let refused: Vec<(&str, &str)> = profile
        .quantities
        .iter()
        .filter_map(|(key, quantity)| match quantity {
            Quantity::Refused { refused } => Some((key.strip_prefix("excess.")?, refused.as_str())),
            Quantity::Estimated(_) => None,
        })
        .collect();
    let rows = profile.curve.len() + 1 + refused.len();
    let (low, high) = range(&profile.curve);
    let scale = Scale { low, high, from: PLOT.0, to: PLOT.1 };
    let foot = 8.0 + ROW * rows as f64;
    let mut svg = format!(
        r#"<svg class="forest" viewBox="0 0 {WIDTH} {:.0}" role="img"><title>{}</title>"#,
        foot + 22.0,
        escape(&profile.title)
    );
    for level in levels(low, high) {
        let (x, class) = (scale.place(level), if level == 0.0 { "zero" } else { "grid" });
        let _ = write!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{foot:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            foot + 15.0,
            super::plot::short(level)
        );
    }
    let place = |row: usize| 16.0 + ROW * row as f64;
    for (row, point) in profile.curve.iter().enumerate() {
        bar(&mut svg, scale, place(row), &words::arm(&point.arm), (point.estimate, point.low, point.high));
    }
    let mut row = profile.curve.len();
    if let Some(worst) = estimated(profile, "form_worst") {
        bar(&mut svg, scale, place(row), "worst of these", (worst.estimate, worst.low, worst.high));
        row += 1;
    }
    for (form, why) in refused {
        let y = place(row) + 4.0;
        let short: String = why.chars().take(REASON).collect();
        let dots = if why.chars().count() > REASON { "…" } else { "" };
        let _ = write!(
            svg,
            r#"<text class="label" x="0" y="{y:.1}">{}</text><text class="figure" x="{}" y="{y:.1}">{}{dots}</text>"#,
            escape(&words::arm(form)),
            PLOT.0,
            escape(&short)
        );
        row += 1;
    }
    svg.push_str("</svg>");
    svg
}

fn bar(svg: &mut String, scale: Scale, y: f64, name: &str, (estimate, low, high): (f64, f64, f64)) {
    let (from, to) = (scale.place(low), scale.place(high));
    let _ = write!(
        svg,
        r#"<text class="label" x="0" y="{:.1}">{}</text><line class="interval" x1="{from:.1}" x2="{to:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
        y + 4.0,
        escape(name)
    );
    svg.push_str(&dot(scale.place(estimate), y, true, "point"));
    let figure = format!("{} [{}, {}]", words::number(estimate), words::number(low), words::number(high));
    let _ = write!(
        svg,
        r#"<text class="figure" x="{WIDTH}" y="{:.1}" text-anchor="end">{}</text>"#,
        y + 4.0,
        escape(&figure)
    );
}

/// Of all intervals, and not less than half a weight to either side; beyond two it is cut off.
fn range(curve: &[CurvePoint]) -> (f64, f64) {
    let low = curve.iter().map(|point| point.low).fold(-0.5, f64::min).max(-2.0);
    let high = curve.iter().map(|point| point.high).fold(0.5, f64::max).min(2.0);
    ((low * 2.0).floor() / 2.0, (high * 2.0).ceil() / 2.0)
}

fn levels(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = ((low * 2.0).round() as i64, (high * 2.0).round() as i64);
    (first..=last).map(|half| half as f64 / 2.0).collect()
}
