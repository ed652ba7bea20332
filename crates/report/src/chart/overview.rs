//! Several models side by side: the mask index and the worst decile's retention of each, as dots with intervals.

use std::fmt::Write as _;

use undermask_measure::Quantity;

use super::{Scale, dot, escape};
use crate::{Audit, words};

const WIDTH: f64 = 760.0;
const ROW: f64 = 26.0;

/// Heading, scale, and the quantity that it shows.
type Panel = (&'static str, Scale, fn(&Audit) -> &Option<Quantity>);

/// λ₀ and M of every model.
pub fn overview(audits: &[Audit]) -> String {
    let height = ROW * audits.len() as f64 + 60.0;
    let panels: [Panel; 2] = [
        ("λ₀ default weight", Scale { low: -0.6, high: 1.4, from: 250.0, to: 480.0 }, |audit| {
            &audit.profile.quantities.lambda_0
        }),
        ("M mask index", Scale { low: -0.4, high: 1.2, from: 520.0, to: 750.0 }, |audit| {
            &audit.profile.quantities.mask_index
        }),
    ];
    let mut svg = format!(
        r#"<svg class="forest" viewBox="0 0 {WIDTH} {height:.0}" role="img"><title>Default weight and mask index of every model</title>"#
    );
    let bottom = height - 26.0;
    for (name, scale, _) in &panels {
        let _ = write!(svg, r#"<text class="group" x="{:.1}" y="14">{name}</text>"#, scale.from);
        for value in [0.0, 0.5, 1.0] {
            let x = scale.place(value);
            let class = if value == 0.0 { "zero" } else { "grid" };
            let _ = write!(
                svg,
                r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="24" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 16.0,
                words::number(value)
            );
        }
    }
    for (index, audit) in audits.iter().enumerate() {
        let y = 40.0 + ROW * index as f64;
        let verdict = audit.decision.verdict;
        let _ = write!(
            svg,
            r#"<text class="label" x="0" y="{:.1}">{} {}</text>"#,
            y + 4.0,
            words::mark(verdict, true),
            escape(&format!("{} — {}", audit.info.model.trim_start_matches("organism:"), words::name(verdict)))
        );
        for (_, scale, quantity) in &panels {
            match quantity(audit) {
                Some(Quantity::Estimated(estimate)) => {
                    let _ = write!(
                        svg,
                        r#"<line class="interval" x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
                        scale.place(estimate.low),
                        scale.place(estimate.high)
                    );
                    svg.push_str(&dot(scale.place(estimate.estimate), y, true, "point"));
                }
                _ => {
                    let _ = write!(
                        svg,
                        r#"<text class="tick" x="{:.1}" y="{:.1}">undefined</text>"#,
                        scale.from + 4.0,
                        y + 4.0
                    );
                }
            }
        }
    }
    svg.push_str("</svg>");
    svg
}
