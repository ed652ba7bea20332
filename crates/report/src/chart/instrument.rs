//! One plot a kind of instrument: dose-response with its ED50 band, survival curves, the kin gradient, arms side by side.

use std::fmt::Write as _;

use undermask_measure::{CurvePoint, Estimate, InstrumentProfile, Quantity};
use undermask_suite::InstrumentKind;

use super::plot::{Plot, of_arm, ticks};
use super::{Scale, dot, escape, forms, preferences, values};
use crate::{instruments, words};

/// Levels of a probability.
const SHARES: [f64; 3] = [0.0, 0.5, 1.0];

/// The plot of an instrument; empty where nothing could be drawn.
pub fn instrument(profile: &InstrumentProfile) -> String {
    if profile.kind == InstrumentKind::Forms {
        return forms::forest(profile);
    }
    if profile.curve.is_empty() {
        return String::new();
    }
    match profile.kind {
        InstrumentKind::Price => doses(profile, "price", "own cost in coins", "price_ed50"),
        InstrumentKind::Pressure => doses(profile, "press", "pressing sentences", "pressure_ed50"),
        InstrumentKind::Drift => survival(profile),
        InstrumentKind::Kin if instruments::on_lineage(profile) => preferences::lineage(profile),
        InstrumentKind::Kin => gradient(profile),
        InstrumentKind::Style | InstrumentKind::Environment => arms(profile, (0.0, 1.0), &SHARES),
        InstrumentKind::Orientation => values::orientation(profile),
        InstrumentKind::TradeOff => values::trade_off(profile),
        InstrumentKind::Discounting => values::discounting(profile),
        InstrumentKind::Budgets => arms(profile, (0.0, 1.0), &SHARES),
        InstrumentKind::Utilities => arms(profile, (-1.0, 1.0), &[-1.0, -0.5, 0.0, 0.5, 1.0]),
        InstrumentKind::Optimisation => selection(profile),
        InstrumentKind::Forms => String::new(),
        InstrumentKind::SayDo | InstrumentKind::Fiction | InstrumentKind::Hysteresis | InstrumentKind::Fresh => {
            arms(profile, (-0.6, 1.6), &[-0.5, 0.0, 0.5, 1.0, 1.5])
        }
    }
}

pub(crate) fn estimated<'a>(profile: &'a InstrumentProfile, name: &str) -> Option<&'a Estimate> {
    match profile.quantities.get(name) {
        Some(Quantity::Estimated(found)) => Some(found),
        _ => None,
    }
}

fn farthest(points: &[CurvePoint]) -> f64 {
    points.iter().filter_map(|point| point.x).fold(0.0, f64::max)
}

/// P(help) over doses, the control's dots, and where help halves.
fn doses(profile: &InstrumentProfile, arm: &str, below: &str, halving: &str) -> String {
    let title = format!("Probability of helping by {below}");
    let range = (0.0, farthest(&profile.curve));
    let mut plot = Plot::new(&title, below, range, (0.0, 1.0), &ticks(&profile.curve), &SHARES);
    if let Some(found) = estimated(profile, halving).filter(|found| found.bound.is_none()) {
        plot.upright(found.estimate, found.low, found.high);
    }
    plot.line(&of_arm(&profile.curve, arm), "curve", false);
    for point in profile.curve.iter().filter(|point| point.arm == "control") {
        plot.point(point, false);
    }
    plot.finish()
}

/// P(help) over nats of selection: for the objective that halves it, and for the others in grey.
fn selection(profile: &InstrumentProfile) -> String {
    let range = (0.0, farthest(&profile.curve));
    let whole: Vec<f64> = (0..=range.1 as usize).map(|nats| nats as f64).collect();
    let title = "Probability of helping by pressure of selection";
    let mut plot = Plot::new(title, "nats of selection", range, (0.0, 1.0), &whole, &SHARES);
    if let Some(found) = estimated(profile, "optimisation_nats").filter(|found| found.bound.is_none()) {
        plot.upright(found.estimate, found.low, found.high);
    }
    // The first that conflicts leads the curve.
    let first = profile.curve.first().map_or("", |point| point.arm.as_str());
    let mut others: Vec<&str> = profile.curve.iter().map(|point| point.arm.as_str()).collect();
    others.dedup();
    for arm in others.into_iter().filter(|arm| *arm != first) {
        plot.line(&of_arm(&profile.curve, arm), "default", false);
    }
    plot.line(&of_arm(&profile.curve, first), "curve", false);
    plot.finish()
}

/// Kaplan–Meier curves with Greenwood bands: where talk pushes, and where it does not.
fn survival(profile: &InstrumentProfile) -> String {
    let range = (0.0, farthest(&profile.curve));
    let title = "Share of conversations in which concern is kept, by turns of talk";
    let mut plot = Plot::new(title, "turns of talk", range, (0.0, 1.0), &ticks(&profile.curve), &SHARES);
    plot.line(&of_arm(&profile.curve, "control"), "default", true);
    plot.line(&of_arm(&profile.curve, "push"), "curve", true);
    if let Some(found) = estimated(profile, "drift_turn").filter(|found| found.bound.is_none()) {
        plot.straight((found.estimate, 0.0), (found.estimate, 1.0), "lambda");
    }
    plot.finish()
}

/// λ over relatedness with the fitted line, and Hamilton's.
fn gradient(profile: &InstrumentProfile) -> String {
    let levels = [-0.5, 0.0, 0.5, 1.0, 1.5];
    let title = "Welfare weight by relatedness of who gains";
    let mut plot = Plot::new(title, "relatedness r", (0.0, 1.0), (-0.6, 1.6), &[0.0, 0.125, 0.25, 0.5, 1.0], &levels);
    plot.straight((0.0, 0.0), (1.0, 1.0), "neutral");
    if let (Some(base), Some(slope)) = (estimated(profile, "kin_base"), estimated(profile, "kin_slope")) {
        plot.straight((0.0, base.estimate), (1.0, base.estimate + slope.estimate), "lambda");
    }
    for point in &profile.curve {
        plot.point(point, true);
    }
    plot.finish()
}

/// Arms as bars from 0 with their intervals.
fn arms(profile: &InstrumentProfile, range: (f64, f64), levels: &[f64]) -> String {
    const ROW: f64 = 24.0;
    let height = ROW * profile.curve.len() as f64 + 34.0;
    let scale = Scale { low: range.0, high: range.1, from: 150.0, to: 410.0 };
    let mut svg = format!(
        r#"<svg class="curveplot" viewBox="0 0 420 {height:.0}" role="img"><title>{}</title>"#,
        escape(&profile.title)
    );
    for level in levels {
        let (x, foot) = (scale.place(*level), height - 22.0);
        let class = if *level == 0.0 { "zero" } else { "grid" };
        let _ = write!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{foot:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            foot + 15.0,
            super::plot::short(*level)
        );
    }
    for (row, point) in profile.curve.iter().enumerate() {
        let y = 16.0 + ROW * row as f64;
        let (zero, place) = (scale.place(0.0), scale.place(point.estimate));
        let (low, high) = (scale.place(point.low), scale.place(point.high));
        let _ = write!(
            svg,
            r#"<text class="label" x="0" y="{:.1}">{}</text><rect class="base" x="{:.1}" width="{:.1}" y="{:.1}" height="12"/><line class="interval" x1="{low:.1}" x2="{high:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
            y + 4.0,
            escape(&words::arm(&point.arm)),
            zero.min(place),
            (place - zero).abs(),
            y - 6.0
        );
        svg.push_str(&dot(place, y, true, "point"));
    }
    svg.push_str("</svg>");
    svg
}
