//! P(help) against cost/benefit in one context, the default's curve behind it, the neutral twin dashed.

use std::fmt::Write as _;

use undermask_measure::{ContextProfile, Quantity, Rung};

use super::{Scale, escape};

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 130.0;

/// One small multiple.
pub fn ladder(context: &ContextProfile, default: &[Rung]) -> String {
    let rungs = &context.ladder;
    let (low, high) = match (rungs.first(), rungs.last()) {
        (Some(first), Some(last)) if last.ratio > first.ratio => (first.ratio, last.ratio),
        _ => return String::new(),
    };
    let x = Scale { low, high, from: 24.0, to: WIDTH - 6.0 };
    let y = Scale { low: 0.0, high: 1.0, from: HEIGHT - 22.0, to: 8.0 };
    let line = |rungs: &[Rung], value: fn(&Rung) -> f64| {
        rungs
            .iter()
            .map(|rung| format!("{:.1},{:.1}", x.place(rung.ratio), y.place(value(rung))))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut svg = format!(
        r#"<svg class="ladder" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{}</title>"#,
        escape(&format!("P(help) by cost/benefit: {}", context.title))
    );
    for (value, label) in [(0.0, "0"), (0.5, "½"), (1.0, "1")] {
        let place = y.place(value);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="24" x2="{:.1}" y1="{place:.1}" y2="{place:.1}"/><text class="tick" x="20" y="{:.1}" text-anchor="end">{label}</text>"#,
            WIDTH - 6.0,
            place + 3.5
        );
    }
    for value in [-0.5, 0.0, 0.5, 1.0, 1.5] {
        if (low..=high).contains(&value) {
            let _ = write!(
                svg,
                r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                x.place(value),
                HEIGHT - 8.0,
                crate::words::number(value).trim_end_matches('0').trim_end_matches('.')
            );
        }
    }
    let upper: Vec<String> =
        rungs.iter().map(|rung| format!("{:.1},{:.1}", x.place(rung.ratio), y.place(rung.high))).collect();
    let lower: Vec<String> =
        rungs.iter().rev().map(|rung| format!("{:.1},{:.1}", x.place(rung.ratio), y.place(rung.low))).collect();
    let _ = write!(svg, r#"<polygon class="band" points="{} {}"/>"#, upper.join(" "), lower.join(" "));
    if !default.is_empty() {
        let _ = write!(svg, r#"<polyline class="default" points="{}"/>"#, line(default, |rung| rung.smoothed));
    }
    if !context.neutral_ladder.is_empty() {
        let _ = write!(
            svg,
            r#"<polyline class="neutral" points="{}"/>"#,
            line(&context.neutral_ladder, |rung| rung.smoothed)
        );
    }
    let _ = write!(svg, r#"<polyline class="curve" points="{}"/>"#, line(rungs, |rung| rung.smoothed));
    if let Quantity::Estimated(estimate) = &context.lambda {
        let place = x.place(estimate.estimate);
        let _ =
            write!(svg, r#"<line class="lambda" x1="{place:.1}" x2="{place:.1}" y1="8" y2="{:.1}"/>"#, HEIGHT - 22.0);
    }
    svg.push_str("</svg>");
    svg
}
