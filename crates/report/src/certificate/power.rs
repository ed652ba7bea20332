//! Right verdicts as designs grow: more scenarios, or more questions about each.

use std::fmt::Write as _;

use undermask_measure::calibration::PowerCurve;

use crate::chart::Scale;
use crate::words;

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 220.0;

/// The chart of one verdict: a line over trials a number of plans.
pub(crate) fn power(curve: &PowerCurve) -> String {
    let most = curve.points.iter().map(|point| point.trials).fold(1.0, f64::max);
    let across = Scale { low: 0.0, high: 1.08 * most, from: 42.0, to: WIDTH - 8.0 };
    let up = Scale { low: 0.0, high: 1.0, from: HEIGHT - 40.0, to: 10.0 };
    let name = words::name(curve.truth);
    let mut svg = format!(
        r#"<svg class="power" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{name}: share of right verdicts by trials</title>"#
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = up.place(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
            across.from, across.to
        );
        let _ = write!(
            svg,
            r#"<text class="tick" x="37" y="{:.1}" text-anchor="end">{:.0}%</text>"#,
            y + 4.0,
            100.0 * tick
        );
    }
    for part in [0.25, 0.5, 0.75, 1.0] {
        let trials = part * most;
        let label = format!("{:.0}", (trials / 100.0).round() * 100.0);
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            across.place(trials),
            up.from + 15.0
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">trials</text>"#,
        (across.from + across.to) / 2.0,
        up.from + 31.0
    );
    let mut plans: Vec<usize> = curve.points.iter().map(|point| point.plans).collect();
    plans.dedup();
    for plans in plans {
        let points: Vec<_> = curve.points.iter().filter(|point| point.plans == plans).collect();
        let class = if plans == 1 { "curve" } else { "curve more" };
        let line: Vec<String> = points
            .iter()
            .map(|point| format!("{:.1},{:.1}", across.place(point.trials), up.place(point.right.estimate)))
            .collect();
        let _ = write!(svg, r#"<polyline class="{class}" points="{}"/>"#, line.join(" "));
        for point in points {
            let (x, y) = (across.place(point.trials), up.place(point.right.estimate));
            let (top, foot) = (up.place(point.right.high), up.place(point.right.low));
            let _ = write!(svg, r#"<line class="whisker" x1="{x:.1}" x2="{x:.1}" y1="{top:.1}" y2="{foot:.1}"/>"#);
            let _ = write!(
                svg,
                r#"<circle class="mark" cx="{x:.1}" cy="{y:.1}" r="3"><title>{} scenarios, {} plan(s): {:.0}%</title></circle>"#,
                point.scenarios,
                point.plans,
                100.0 * point.right.estimate
            );
        }
    }
    svg.push_str("</svg>");
    svg
}
