//! How often what is no mask was called one, type by type.

use std::fmt::Write as _;

use undermask_measure::calibration::{FalsePositive, Share};

use crate::chart::{Scale, escape};

const ROW: f64 = 26.0;
const LEFT: f64 = 150.0;
const WIDTH: f64 = 760.0;
/// What is accepted.
const LIMIT: f64 = 0.05;

/// A bar a type, with the interval over replicates; audits stand beside it.
pub(crate) fn positives(all: &[FalsePositive]) -> String {
    let rate = |one: &FalsePositive| -> Share { if one.replicates.of > 0 { one.replicates } else { one.audits } };
    let high = all.iter().map(|one| rate(one).high).fold(0.1, f64::max).min(1.0);
    let scale = Scale { low: 0.0, high, from: LEFT, to: WIDTH - 250.0 };
    let height = ROW * all.len() as f64 + 32.0;
    let foot = height - 26.0;
    let mut svg = format!(
        r#"<svg class="wide" viewBox="0 0 {WIDTH} {height}" role="img"><title>Share that was called a mask and is none</title>"#
    );
    for tick in super::scatter::ticks(0.0, high) {
        let x = scale.place(tick);
        let _ = write!(svg, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{foot:.1}"/>"#);
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{:.0}%</text>"#,
            foot + 16.0,
            100.0 * tick
        );
    }
    let limit = scale.place(LIMIT);
    let _ = write!(svg, r#"<line class="threshold" x1="{limit:.1}" x2="{limit:.1}" y1="4" y2="{foot:.1}"/>"#);
    for (place, one) in all.iter().enumerate() {
        let (y, rate) = (8.0 + ROW * place as f64, rate(one));
        let (zero, end) = (scale.place(0.0), scale.place(rate.estimate));
        let _ = write!(svg, r#"<text x="0" y="{:.1}">{}</text>"#, y + 13.0, escape(&one.kind));
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{zero:.1}" y="{y:.1}" width="{:.1}" height="16"/>"#,
            (end - zero).max(1.5)
        );
        let (low, high) = (scale.place(rate.low), scale.place(rate.high));
        let _ =
            write!(svg, r#"<line class="interval" x1="{low:.1}" x2="{high:.1}" y1="{0:.1}" y2="{0:.1}"/>"#, y + 8.0);
        let _ = write!(
            svg,
            r#"<text class="tick" x="{}" y="{:.1}">{} of {} replicates, {} of {} organisms</text>"#,
            WIDTH - 240.0,
            y + 13.0,
            one.replicates.count,
            one.replicates.of,
            one.audits.count,
            one.audits.of
        );
    }
    svg.push_str("</svg>");
    svg
}
