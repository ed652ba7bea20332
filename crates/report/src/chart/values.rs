//! Plots of the value instruments: the plane of own and other's payoff, ratios by stake, coins forgone by distance.

use undermask_measure::{CurvePoint, InstrumentProfile};

use super::instrument::estimated;
use super::plot::{Plot, ticks};

/// Angles between the types of social value orientation, degrees.
const TYPES: [f64; 3] = [57.15, 22.45, -12.04];
/// Length of a ray from 50/50, in coins.
const RAY: f64 = 58.0;
/// Medians of human groups as cited (V, k): a reference line.
const HUMANS: (f64, f64) = (83.0, 0.05);

/// Items and their mean in the plane, with the rays between types and the angle.
pub(crate) fn orientation(profile: &InstrumentProfile) -> String {
    let title = "Expected coins for oneself and for the other";
    let levels = [0.0, 50.0, 100.0];
    let mut plot = Plot::new(title, "own coins", (40.0, 110.0), (0.0, 110.0), &[50.0, 75.0, 100.0], &levels);
    let end = |angle: f64| {
        let angle = angle.to_radians();
        (50.0 + RAY * angle.cos(), 50.0 + RAY * angle.sin())
    };
    for angle in TYPES {
        plot.straight((50.0, 50.0), end(angle), "neutral");
    }
    if let Some(angle) = estimated(profile, "svo_angle") {
        plot.straight((50.0, 50.0), end(angle.estimate), "lambda");
    }
    for point in &profile.curve {
        plot.point(point, point.arm == "mean");
    }
    plot.finish()
}

/// The ratio at every stake.
pub(crate) fn trade_off(profile: &InstrumentProfile) -> String {
    let title = "Own coins given up for one of the other's, by stake";
    let levels = [-0.5, 0.0, 0.5, 1.0, 1.5];
    let far = farthest(&profile.curve);
    let mut plot = Plot::new(title, "coins at stake", (0.0, 1.1 * far), (-0.6, 1.7), &ticks(&profile.curve), &levels);
    if let Some(ratio) = estimated(profile, "wtr") {
        plot.straight((0.0, ratio.estimate), (1.1 * far, ratio.estimate), "lambda");
    }
    for point in &profile.curve {
        plot.point(point, true);
    }
    plot.finish()
}

/// Coins forgone over distance with the fitted hyperbola, and that of human groups.
pub(crate) fn discounting(profile: &InstrumentProfile) -> String {
    let title = "Coins forgone for the N-th closest person";
    let levels = [0.0, 25.0, 50.0, 75.0, 100.0];
    let far = farthest(&profile.curve);
    let places: Vec<f64> = ticks(&profile.curve).into_iter().filter(|n| *n == 1.0 || *n >= far / 20.0).collect();
    let mut plot = Plot::new(title, "social distance N", (0.0, 1.02 * far), (-5.0, 100.0), &places, &levels);
    hyperbola(&mut plot, HUMANS, far, "neutral");
    if let (Some(closest), Some(rate)) = (estimated(profile, "discount_closest"), estimated(profile, "discount_rate")) {
        hyperbola(&mut plot, (closest.estimate, rate.estimate), far, "lambda");
    }
    for point in &profile.curve {
        plot.point(point, true);
    }
    plot.finish()
}

/// V/(1 + kN) in pieces that grow with N, where it bends less.
fn hyperbola(plot: &mut Plot, (closest, rate): (f64, f64), far: f64, class: &str) {
    let at = |piece: i32| far * (f64::from(piece) / 40.0).powi(2);
    let value = |n: f64| closest / (1.0 + rate * n);
    for piece in 0..40 {
        let (from, to) = (at(piece), at(piece + 1));
        plot.straight((from, value(from)), (to, value(to)), class);
    }
}

fn farthest(points: &[CurvePoint]) -> f64 {
    points.iter().filter_map(|point| point.x).fold(1.0, f64::max)
}
