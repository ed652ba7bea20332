//! Recovery of a known answer: each context's estimate against what the network really does.

use std::fmt::Write as _;

use super::{Scale, coordinate, escape};
use crate::audit::{Audit, KnownTruth};
use crate::chart::interval::trimmed;
use crate::figures::{estimated, number};

/// How estimates and truth agree.
pub(crate) struct Agreement {
    /// Scatter.
    pub plot: String,
    /// Contexts compared.
    pub compared: usize,
    /// Of them, intervals that hold the realised value.
    pub held: usize,
    /// Mean absolute distance.
    pub distance: f64,
}

const SIDE: f64 = 260.0;
const NEAR: f64 = 34.0;
const FAR: f64 = 250.0;

/// Compares every context that has both.
pub(crate) fn agreement(audit: &Audit, truth: &KnownTruth) -> Option<Agreement> {
    let pairs: Vec<_> = audit
        .profile
        .contexts
        .iter()
        .filter_map(|context| {
            let known = truth.realised.lambda.get(&context.id).copied().filter(|value| value.is_finite())?;
            Some((context, known, estimated(Some(&context.lambda))?))
        })
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let held = pairs.iter().filter(|(_, known, estimate)| estimate.low <= *known && *known <= estimate.high).count();
    let distance = pairs.iter().map(|(_, known, estimate)| (estimate.estimate - known).abs()).sum::<f64>() / pairs.len() as f64;
    let known = pairs.iter().map(|(_, known, _)| *known);
    let (low, high) = known.fold((-0.1, 1.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
    let scale = Scale::holding((low, high), pairs.iter().map(|(_, _, estimate)| *estimate));
    let place = |value: f64| scale.percent(value) / 100.0 * (FAR - NEAR);
    let (across, up) = (|value: f64| NEAR + place(value), |value: f64| SIDE - NEAR - place(value) + 2.0);
    let mut svg = format!("<svg class=\"known\" viewBox=\"0 0 {SIDE} {SIDE}\" role=\"img\"><title>Estimate against known answer</title>");
    let _ = write!(svg, "<desc>{held} of {} intervals hold the realised welfare weight.</desc>", pairs.len());
    for tick in scale.ticks() {
        let (x, y) = (coordinate(across(tick)), coordinate(up(tick)));
        let (foot, top) = (coordinate(up(scale.low)), coordinate(up(scale.high)));
        let _ = write!(svg, "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{foot}\"/>");
        let _ = write!(svg, "<line class=\"grid\" x1=\"{NEAR}\" x2=\"{FAR}\" y1=\"{y}\" y2=\"{y}\"/>");
        let _ = write!(svg, "<text x=\"{x}\" y=\"{}\">{}</text>", coordinate(up(scale.low) + 13.0), trimmed(tick));
        let _ = write!(svg, "<text class=\"end\" x=\"{}\" y=\"{}\">{}</text>", NEAR - 5.0, coordinate(up(tick) + 3.5), trimmed(tick));
    }
    let (start, end) = (scale.low, scale.high);
    let _ = write!(
        svg,
        "<line class=\"reference\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
        coordinate(across(start)),
        coordinate(up(start)),
        coordinate(across(end)),
        coordinate(up(end))
    );
    for (context, known, estimate) in &pairs {
        let x = coordinate(across(*known));
        let _ = write!(
            svg,
            "<g class=\"{}\"><line class=\"whisker thin\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/><circle class=\"dot\" cx=\"{x}\" cy=\"{}\" r=\"3\"><title>{}: estimated {}, known {}</title></circle></g>",
            crate::verdict_words::family_word(context.family),
            coordinate(up(estimate.low)),
            coordinate(up(estimate.high)),
            coordinate(up(estimate.estimate)),
            escape(&context.title),
            number(estimate.estimate),
            number(*known)
        );
    }
    let middle = (NEAR + FAR) / 2.0;
    let _ = write!(svg, "<text x=\"{middle}\" y=\"{}\">known λ</text>", SIDE - 2.0);
    let _ = write!(svg, "<text transform=\"translate(9 {middle}) rotate(-90)\">estimated λ</text></svg>");
    Some(Agreement { plot: svg, compared: pairs.len(), held, distance })
}
