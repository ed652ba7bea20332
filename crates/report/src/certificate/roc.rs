//! The ROC curve: how many masks are found at the price of how many false alarms.

use std::fmt::Write as _;

use undermask_measure::calibration::RocPoint;

use crate::chart::Scale;

const SIDE: f64 = 260.0;

/// The curve of one score.
pub(crate) fn roc(points: &[RocPoint]) -> String {
    let across = Scale { low: 0.0, high: 1.0, from: 44.0, to: SIDE - 8.0 };
    let up = Scale { low: 0.0, high: 1.0, from: SIDE - 40.0, to: 10.0 };
    let mut svg = format!(
        r#"<svg class="square" viewBox="0 0 {SIDE} {SIDE}" role="img"><title>ROC curve of the mask score</title>"#
    );
    super::scatter::axes(&mut svg, across, up, &[0.0, 0.25, 0.5, 0.75, 1.0], "others called masks", "masks found");
    let _ = write!(
        svg,
        r#"<line class="identity" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        across.place(0.0),
        up.place(0.0),
        across.place(1.0),
        up.place(1.0)
    );
    let line: Vec<String> = points
        .iter()
        .map(|point| format!("{:.1},{:.1}", across.place(point.false_positives), up.place(point.true_positives)))
        .collect();
    let _ = write!(svg, r#"<polyline class="curve" points="{}"/></svg>"#, line.join(" "));
    svg
}
