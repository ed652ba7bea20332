//! The frame that instruments' curves share: axes, ticks, bands and steps over a dose.

use std::fmt::Write as _;

use undermask_measure::CurvePoint;

use super::{Scale, escape};
use crate::words::number;

pub(crate) const WIDTH: f64 = 420.0;
pub(crate) const HEIGHT: f64 = 220.0;

/// A drawing within axes.
pub(crate) struct Plot {
    pub x: Scale,
    pub y: Scale,
    svg: String,
}

impl Plot {
    /// Axes over these ranges; `below` names what runs across.
    pub fn new(title: &str, below: &str, x: (f64, f64), y: (f64, f64), ticks: &[f64], levels: &[f64]) -> Plot {
        let across = Scale { low: x.0, high: x.1.max(x.0 + 1e-9), from: 36.0, to: WIDTH - 12.0 };
        let up = Scale { low: y.0, high: y.1, from: HEIGHT - 40.0, to: 10.0 };
        let mut svg = format!(
            r#"<svg class="curveplot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{}</title>"#,
            escape(title)
        );
        for level in levels {
            let (place, right) = (up.place(*level), WIDTH - 12.0);
            let class = if *level == 0.0 { "zero" } else { "grid" };
            let _ = write!(
                svg,
                r#"<line class="{class}" x1="36" x2="{right:.1}" y1="{place:.1}" y2="{place:.1}"/><text class="tick" x="31" y="{:.1}" text-anchor="end">{}</text>"#,
                place + 3.5,
                short(*level)
            );
        }
        for tick in ticks {
            let _ = write!(
                svg,
                r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                across.place(*tick),
                HEIGHT - 25.0,
                short(*tick)
            );
        }
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            (36.0 + WIDTH) / 2.0,
            HEIGHT - 8.0,
            escape(below)
        );
        Plot { x: across, y: up, svg }
    }

    /// An upright band with a line, such as ED50 with its interval.
    pub fn upright(&mut self, at: f64, low: f64, high: f64) {
        let (left, right, place) = (self.x.place(low), self.x.place(high), self.x.place(at));
        let (top, foot) = (self.y.to, self.y.from);
        let _ = write!(
            self.svg,
            r#"<rect class="base" x="{left:.1}" width="{:.1}" y="{top:.1}" height="{:.1}"/><line class="lambda" x1="{place:.1}" x2="{place:.1}" y1="{top:.1}" y2="{foot:.1}"/>"#,
            (right - left).max(1.0),
            foot - top
        );
    }

    /// A band and a line through points, as they are or as steps down.
    pub fn line(&mut self, points: &[&CurvePoint], class: &str, steps: bool) {
        let path = |value: fn(&CurvePoint) -> f64| -> Vec<(f64, f64)> {
            let mut path: Vec<(f64, f64)> = Vec::new();
            for point in points {
                let (x, y) = (self.x.place(point.x.unwrap_or(0.0)), self.y.place(value(point)));
                if let (true, Some((_, before))) = (steps, path.last().copied()) {
                    path.push((x, before));
                }
                path.push((x, y));
            }
            path
        };
        let text =
            |path: &[(f64, f64)]| path.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
        let upper = path(|point| point.high);
        let lower: Vec<(f64, f64)> = path(|point| point.low).into_iter().rev().collect();
        let middle = path(|point| point.estimate);
        let _ = write!(
            self.svg,
            r#"<polygon class="band {class}" points="{} {}"/><polyline class="{class}" points="{}"/>"#,
            text(&upper),
            text(&lower),
            text(&middle)
        );
    }

    /// A dot with its interval.
    pub fn point(&mut self, point: &CurvePoint, full: bool) {
        let x = self.x.place(point.x.unwrap_or(0.0));
        let (low, high) = (self.y.place(point.low), self.y.place(point.high));
        let _ = write!(self.svg, r#"<line class="interval" x1="{x:.1}" x2="{x:.1}" y1="{low:.1}" y2="{high:.1}"/>"#);
        self.svg.push_str(&super::dot(x, self.y.place(point.estimate), full, "point"));
    }

    /// A straight line between two values.
    pub fn straight(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = write!(
            self.svg,
            r#"<line class="{class}" x1="{:.1}" x2="{:.1}" y1="{:.1}" y2="{:.1}"/>"#,
            self.x.place(from.0),
            self.x.place(to.0),
            self.y.place(from.1),
            self.y.place(to.1)
        );
    }

    pub fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// A tick's value without needless decimals.
pub(crate) fn short(value: f64) -> String {
    let text = number(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Every x that occurs, thinned to ten or fewer.
pub(crate) fn ticks(points: &[CurvePoint]) -> Vec<f64> {
    let mut places: Vec<f64> = points.iter().filter_map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let step = places.len().div_ceil(11).max(1);
    places.into_iter().step_by(step).collect()
}

/// The points of an arm, by dose.
pub(crate) fn of_arm<'a>(points: &'a [CurvePoint], arm: &str) -> Vec<&'a CurvePoint> {
    let mut found: Vec<&CurvePoint> = points.iter().filter(|point| point.arm == arm).collect();
    found.sort_by(|one, two| one.x.unwrap_or(0.0).total_cmp(&two.x.unwrap_or(0.0)));
    found
}
