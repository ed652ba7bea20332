//! λ of every context with its interval, grouped; lines at 0 and at λ₀; a context that fails the gate is hollow.

use std::fmt::Write as _;

use undermask_measure::Quantity;

use super::{Scale, dot, escape};
use crate::{Audit, words};

const WIDTH: f64 = 760.0;
const ROW: f64 = 20.0;
const LABEL: f64 = 250.0;

/// The forest plot of an audit.
pub fn forest(audit: &Audit) -> String {
    let contexts = &audit.profile.contexts;
    let mut rows: Vec<Result<&undermask_measure::ContextProfile, String>> = Vec::new();
    let mut heading = String::new();
    for context in contexts {
        let group = format!("{} · {}", words::family(context.family), context.group.replace('-', " "));
        if group != heading {
            heading.clone_from(&group);
            rows.push(Err(group));
        }
        rows.push(Ok(context));
    }
    let ratios = &audit.suite.ladder.ratios;
    let scale = Scale { low: ratios[0], high: ratios[ratios.len() - 1], from: LABEL, to: WIDTH - 130.0 };
    let height = ROW * rows.len() as f64 + 40.0;
    let bottom = height - 30.0;
    let mut svg = format!(
        r#"<svg class="forest" viewBox="0 0 {WIDTH} {height:.0}" role="img"><title>Welfare weight of every context with its interval</title>"#
    );
    for ratio in [-0.5, 0.0, 0.5, 1.0, 1.5] {
        if ratio >= scale.low && ratio <= scale.high {
            let x = scale.place(ratio);
            let class = if ratio == 0.0 { "zero" } else { "grid" };
            let _ = write!(
                svg,
                r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 16.0,
                words::number(ratio)
            );
        }
    }
    if let Some(Quantity::Estimated(base)) = &audit.profile.quantities.lambda_0 {
        let (low, high, middle) = (scale.place(base.low), scale.place(base.high), scale.place(base.estimate));
        let _ = write!(
            svg,
            r#"<rect class="base" x="{low:.1}" width="{:.1}" y="4" height="{:.1}"/><line class="lambda" x1="{middle:.1}" x2="{middle:.1}" y1="4" y2="{bottom:.1}"/>"#,
            (high - low).max(1.0),
            bottom - 4.0
        );
        let _ = write!(
            svg,
            r#"<text class="tick strong" x="{middle:.1}" y="{:.1}" text-anchor="middle">λ₀</text>"#,
            bottom + 28.0
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let y = 14.0 + ROW * index as f64;
        match row {
            Err(group) => {
                let _ = write!(svg, r#"<text class="group" x="0" y="{:.1}">{}</text>"#, y + 4.0, escape(group));
            }
            Ok(context) => {
                let _ =
                    write!(svg, r#"<text class="label" x="12" y="{:.1}">{}</text>"#, y + 4.0, escape(&context.title));
                match &context.lambda {
                    Quantity::Estimated(estimate) => {
                        let (low, high) = (scale.place(estimate.low), scale.place(estimate.high));
                        let _ = write!(
                            svg,
                            r#"<line class="interval" x1="{low:.1}" x2="{high:.1}" y1="{y:.1}" y2="{y:.1}"/>"#
                        );
                        svg.push_str(&dot(scale.place(estimate.estimate), y, context.gate.passed, "point"));
                        let _ = write!(
                            svg,
                            r#"<text class="figure" x="{WIDTH}" y="{:.1}" text-anchor="end">{}</text>"#,
                            y + 4.0,
                            escape(&words::interval(estimate))
                        );
                    }
                    Quantity::Refused { refused } => {
                        let _ = write!(
                            svg,
                            r#"<text class="figure" x="{LABEL}" y="{:.1}">refused: {}</text>"#,
                            y + 4.0,
                            escape(refused)
                        );
                    }
                }
            }
        }
    }
    svg.push_str("</svg>");
    svg
}
