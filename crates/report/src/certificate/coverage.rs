//! How often intervals hold the truth: a dot a quantity, the accepted band behind.

use std::fmt::Write as _;

use undermask_measure::calibration::{BAND, Coverage};

use super::words::quantity;
use crate::chart::{Scale, dot, escape};

const ROW: f64 = 24.0;
const LEFT: f64 = 190.0;
const WIDTH: f64 = 760.0;

/// The chart of every quantity.
pub(crate) fn coverage(all: &[Coverage]) -> String {
    let judged = |one: &Coverage| one.varying.filter(|share| share.of > 0).unwrap_or(one.redrawn);
    let least = all.iter().map(judged).map(|share| share.low.min(share.estimate)).fold(0.9, f64::min);
    let low = ((least - 0.01) * 20.0).floor() / 20.0;
    let scale = Scale { low, high: 1.0, from: LEFT, to: WIDTH - 150.0 };
    let height = ROW * all.len() as f64 + 34.0;
    let mut svg = format!(
        r#"<svg class="wide" viewBox="0 0 {WIDTH} {height}" role="img"><title>Share of intervals that hold the truth</title>"#
    );
    let foot = height - 26.0;
    let (from, to) = (scale.place(BAND.0), scale.place(BAND.1));
    let _ =
        write!(svg, r#"<rect class="band" x="{from:.1}" y="4" width="{:.1}" height="{:.1}"/>"#, to - from, foot - 4.0);
    let nominal = scale.place(0.95);
    let _ = write!(svg, r#"<line class="zero" x1="{nominal:.1}" x2="{nominal:.1}" y1="4" y2="{foot:.1}"/>"#);
    for tick in super::scatter::ticks(low, 1.0) {
        let x = scale.place(tick);
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{:.0}%</text>"#,
            foot + 16.0,
            100.0 * tick
        );
    }
    for (place, one) in all.iter().enumerate() {
        let y = 18.0 + ROW * place as f64;
        let judged = judged(one);
        let (low, high) = (scale.place(judged.low), scale.place(judged.high));
        let _ = write!(svg, r#"<text x="0" y="{:.1}">{}</text>"#, y + 4.0, escape(&quantity(&one.quantity)));
        let _ = write!(svg, r#"<line class="interval" x1="{low:.1}" x2="{high:.1}" y1="{y:.1}" y2="{y:.1}"/>"#);
        svg.push_str(&dot(scale.place(judged.estimate), y, one.accepted != Some(false), "point"));
        let word = match one.accepted {
            Some(true) => "accepted",
            Some(false) => "outside the band",
            None => "too few to say",
        };
        let figure = format!("{:.1}% {word}", 100.0 * judged.estimate);
        let _ = write!(svg, r#"<text class="tick" x="{}" y="{:.1}">{figure}</text>"#, WIDTH - 140.0, y + 4.0);
    }
    svg.push_str("</svg>");
    svg
}
