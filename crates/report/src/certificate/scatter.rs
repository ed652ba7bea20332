//! Recovered against realised: one dot an organism (or a context of one), with the identity line.

use std::fmt::Write as _;

use undermask_measure::calibration::Recovered;

use crate::chart::{Scale, escape};
use crate::words::number;

const SIDE: f64 = 260.0;
/// More pairs than this are drawn without intervals.
const CROWDED: usize = 80;

/// The plot of one quantity; `None` where there is nothing to plot.
pub(crate) fn scatter(one: &Recovered, name: &str) -> Option<String> {
    let values = one.pairs.iter().flat_map(|pair| [pair[0], pair[1]]);
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if !(low.is_finite() && high.is_finite()) {
        return None;
    }
    // Where values hardly differ it is the intervals that say what a difference is.
    let width = one.pairs.iter().map(|pair| pair[3] - pair[2]).filter(|width| width.is_finite()).sum::<f64>();
    let room = (0.12 * (high - low)).max(0.6 * width / one.pairs.len() as f64).max(0.01);
    let (low, high) = (low - room, high + room);
    let across = Scale { low, high, from: 44.0, to: SIDE - 8.0 };
    let up = Scale { low, high, from: SIDE - 40.0, to: 10.0 };
    let mut svg = format!(
        r#"<svg class="square" viewBox="0 0 {SIDE} {SIDE}" role="img"><title>{}: estimate against truth</title>"#,
        escape(name)
    );
    axes(&mut svg, across, up, &ticks(low, high), "realised truth", "estimate");
    let _ = write!(
        svg,
        r#"<line class="identity" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        across.place(low),
        up.place(low),
        across.place(high),
        up.place(high)
    );
    let crowded = one.pairs.len() > CROWDED;
    for [truth, estimate, low, high] in &one.pairs {
        let (x, y) = (across.place(*truth), up.place(*estimate));
        if !crowded {
            let (top, foot) = (up.place(*high), up.place(*low));
            let _ = write!(svg, r#"<line class="whisker" x1="{x:.1}" x2="{x:.1}" y1="{top:.1}" y2="{foot:.1}"/>"#);
        }
        let radius = if crowded { 1.8 } else { 3.2 };
        let _ = write!(svg, r#"<circle class="mark" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#);
    }
    svg.push_str("</svg>");
    Some(svg)
}

/// Grid, labels and names of two axes.
pub(crate) fn axes(svg: &mut String, across: Scale, up: Scale, ticks: &[f64], below: &str, beside: &str) {
    for tick in ticks {
        let (x, y) = (across.place(*tick), up.place(*tick));
        let label = label(*tick);
        let _ = write!(svg, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/>"#, up.from, up.to);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
            across.from, across.to
        );
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            up.from + 14.0
        );
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
            across.from - 5.0,
            y + 4.0
        );
    }
    let (middle, centre) = ((across.from + across.to) / 2.0, (up.from + up.to) / 2.0);
    let _ = write!(
        svg,
        r#"<text class="tick" x="{middle:.1}" y="{:.1}" text-anchor="middle">{below}</text>"#,
        up.from + 30.0
    );
    let _ = write!(
        svg,
        r#"<text class="tick" transform="translate(11 {centre:.1}) rotate(-90)" text-anchor="middle">{beside}</text>"#
    );
}

/// As few decimals as say it.
fn label(tick: f64) -> String {
    if (tick - tick.round()).abs() < 1e-9 { format!("{tick:.0}").replace('-', "−") } else { number(tick) }
}

/// Round values within a range, at most six.
pub(crate) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let span = high - low;
    let steps = [0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
    let step = steps.into_iter().find(|step| span / step <= 5.0).unwrap_or(span / 4.0);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|place| place as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_few_and_inside() {
        for (low, high) in [(-0.3, 1.1), (0.0, 16.0), (-0.02, 0.11), (3.0, 170.0)] {
            let ticks = ticks(low, high);
            assert!((2..=6).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|tick| *tick >= low - 1e-9 && *tick <= high + 1e-9), "{ticks:?}");
        }
    }
}
