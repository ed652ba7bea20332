//! One quantity as a dot with its interval, for a row of a table.

use std::fmt::Write as _;

use undermask_measure::Estimate;

use super::{Scale, dot};

/// A strip with thresholds as ticks.
pub fn strip(estimate: &Estimate, range: (f64, f64), thresholds: &[f64]) -> String {
    let scale = Scale { low: range.0, high: range.1, from: 6.0, to: 214.0 };
    let mut svg = String::from(r#"<svg class="strip" viewBox="0 0 220 24" role="img" aria-hidden="true">"#);
    let _ = write!(svg, r#"<line class="axis" x1="6" x2="214" y1="12" y2="12"/>"#);
    if range.0 < 0.0 && range.1 > 0.0 {
        let zero = scale.place(0.0);
        let _ = write!(svg, r#"<line class="zero" x1="{zero:.1}" x2="{zero:.1}" y1="4" y2="20"/>"#);
    }
    for threshold in thresholds {
        let x = scale.place(*threshold);
        let _ = write!(svg, r#"<line class="threshold" x1="{x:.1}" x2="{x:.1}" y1="3" y2="21"/>"#);
    }
    let (low, high) = (scale.place(estimate.low), scale.place(estimate.high));
    let _ = write!(svg, r#"<line class="interval" x1="{low:.1}" x2="{high:.1}" y1="12" y2="12"/>"#);
    svg.push_str(&dot(scale.place(estimate.estimate), 12.0, true, "point"));
    svg.push_str("</svg>");
    svg
}
