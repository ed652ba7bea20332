//! One estimate as a dot with its interval on a row, against reference lines and a band; and the axis over such rows.

use std::fmt::Write as _;

use undermask_measure::{Bound, Estimate};

use super::{Scale, coordinate, escape};
use crate::figures::number;

/// What a row shows.
pub(crate) struct IntervalPlot<'a> {
    /// Scale.
    pub scale: &'a Scale,
    /// Height in pixels.
    pub height: u32,
    /// The estimate; none draws the references alone.
    pub estimate: Option<&'a Estimate>,
    /// Reference lines.
    pub lines: &'a [Line],
    /// Reference band.
    pub band: Option<(f64, f64)>,
    /// Hollow: the context failed its gate.
    pub hollow: bool,
    /// The known answer.
    pub realised: Option<f64>,
    /// What the chart says, for those who cannot see it.
    pub title: &'a str,
}

/// A reference line.
pub(crate) struct Line {
    /// Where.
    pub at: f64,
    /// Class: `zero`, `reference` or `threshold`.
    pub class: &'static str,
}

/// Draws a row.
pub(crate) fn interval_plot(plot: &IntervalPlot) -> String {
    let (scale, height) = (plot.scale, plot.height);
    let middle = f64::from(height) / 2.0;
    let mut svg = format!("<svg class=\"row-plot\" height=\"{height}\" role=\"img\"><title>{}</title>", escape(plot.title));
    if let Some((low, high)) = plot.band {
        let (left, right) = (scale.percent(low), scale.percent(high));
        let width = coordinate(right - left);
        let _ = write!(svg, "<rect class=\"band\" x=\"{}%\" y=\"0\" width=\"{width}%\" height=\"{height}\"/>", coordinate(left));
    }
    for line in plot.lines.iter().filter(|line| scale.shows(line.at)) {
        let x = coordinate(scale.percent(line.at));
        let _ = write!(svg, "<line class=\"{}\" x1=\"{x}%\" x2=\"{x}%\" y1=\"0\" y2=\"{height}\"/>", line.class);
    }
    if let Some(estimate) = plot.estimate {
        let y = coordinate(middle);
        let (low, high) = (coordinate(scale.percent(estimate.low)), coordinate(scale.percent(estimate.high)));
        let _ = write!(svg, "<line class=\"whisker\" x1=\"{low}%\" x2=\"{high}%\" y1=\"{y}\" y2=\"{y}\"/>");
        let beyond_right = !scale.shows(estimate.high) && estimate.high > scale.high || estimate.bound == Some(Bound::Above);
        let beyond_left = !scale.shows(estimate.low) && estimate.low < scale.low || estimate.bound == Some(Bound::Below);
        for (beyond, x, arrow) in [(beyond_right, &high, "M-5-4 0 0-5 4"), (beyond_left, &low, "M5-4 0 0 5 4")] {
            if beyond {
                let _ = write!(svg, "<svg class=\"free\" x=\"{x}%\" y=\"{y}\"><path class=\"arrow\" d=\"{arrow}\"/></svg>");
            }
        }
        let x = coordinate(scale.percent(estimate.estimate));
        if plot.hollow {
            let _ = write!(svg, "<svg class=\"free\" x=\"{x}%\" y=\"{y}\"><path class=\"hollow\" d=\"M0-5 5 0 0 5-5 0Z\"/></svg>");
        } else {
            let _ = write!(svg, "<circle class=\"dot\" cx=\"{x}%\" cy=\"{y}\" r=\"4\"/>");
        }
    }
    if let Some(value) = plot.realised.filter(|value| value.is_finite()) {
        let (x, y) = (coordinate(scale.percent(value)), coordinate(middle));
        let _ = write!(svg, "<svg class=\"free\" x=\"{x}%\" y=\"{y}\"><path class=\"realised\" d=\"M-4-4 4 4M4-4-4 4\"/></svg>");
    }
    svg.push_str("</svg>");
    svg
}

/// The axis over rows: ticks with their values, and named references above them.
pub(crate) fn axis(scale: &Scale, named: &[(f64, &str)]) -> String {
    let height = if named.is_empty() { 18 } else { 34 };
    let mut svg = format!("<svg class=\"row-plot axis\" height=\"{height}\" aria-hidden=\"true\">");
    for tick in scale.ticks() {
        let x = coordinate(scale.percent(tick));
        let (y, top) = (height - 6, height - 4);
        let _ = write!(
            svg,
            "<text x=\"{x}%\" y=\"{y}\">{}</text><line class=\"tick\" x1=\"{x}%\" x2=\"{x}%\" y1=\"{top}\" y2=\"{height}\"/>",
            trimmed(tick)
        );
    }
    for (value, name) in named.iter().filter(|(value, _)| scale.shows(*value)) {
        let _ = write!(svg, "<text class=\"named\" x=\"{}%\" y=\"12\">{}</text>", coordinate(scale.percent(*value)), escape(name));
    }
    svg.push_str("</svg>");
    svg
}

/// A tick's value without needless decimals.
pub(crate) fn trimmed(value: f64) -> String {
    let text = number(value);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
