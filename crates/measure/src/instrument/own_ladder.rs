//! Ladders that are an instrument's own: the weight at which help stops, and whether one switch explains the choices.
//!
//! Spearman–Kärber as on the suite's ladder, over scenarios that each climb the whole of it, so the weight is the mean of
//! the scenarios' own. A weight is refused where help neither falls along the ladder nor is one-sided throughout: its
//! middle is what a random responder scores.

use undermask_suite::Probe;

use super::arms::{Arms, Found};
use crate::Bound;
use crate::discounting::{LadderChoice, Switch, switch};
use crate::ladder::{self, Point};
use crate::linear::{Linear, clustered_mean};
use crate::score::Item;

/// A ladder on which help is this one-sided everywhere is decided rather than random.
const SATURATED: f64 = 0.9;
/// Share of items that may be unanswered.
const UNANSWERED: f64 = 0.05;

/// Weight over the items whose place fits, on a ladder of these ratios; with the bound where it does not bracket it.
pub(crate) fn weight(
    arms: &Arms,
    ratios: &[f64],
    fits: impl Fn(&Probe) -> bool,
) -> Result<(Linear, Option<Bound>), String> {
    let point =
        |item: &Item| Some(Point { cluster: item.cluster, rung: item.rung?, ratio: item.ratio?, scored: item.scored });
    let points: Vec<Point> = arms.items(fits).filter_map(point).collect();
    if points.is_empty() {
        return Err("it was not asked".to_owned());
    }
    let missing = points.iter().filter(|point| point.scored.is_none()).count();
    if missing as f64 > UNANSWERED * points.len() as f64 {
        return Err(format!("{missing} of {} items were not answered", points.len()));
    }
    let found = ladder::estimate(&points, ratios, arms.clusters(), arms.criteria().confidence)?;
    Ok((Linear::from(&found), found.bound))
}

/// Mean help on the lower and on the upper half of the rungs.
pub(crate) fn halves(
    arms: &Arms,
    rungs: usize,
    fits: impl Fn(&Probe) -> bool + Copy,
) -> Result<(Linear, Linear), String> {
    let half = |low: bool| -> Found {
        let inside = |rung: usize| if low { rung < rungs / 2 } else { rung >= rungs.div_ceil(2) };
        let items = arms.items(fits).filter(|item| item.rung.is_some_and(inside));
        let values: Vec<(usize, f64)> =
            items.filter_map(|item| Some((item.cluster, item.scored?.probability()))).collect();
        clustered_mean(&values, arms.clusters()).ok_or_else(|| "it was not answered".to_owned())
    };
    Ok((half(true)?, half(false)?))
}

/// Refuses where choices do not follow the price: help on the lower half of the rungs less that on the upper half has an
/// interval that reaches 0, and help is not one-sided either.
pub(crate) fn responds(arms: &Arms, rungs: usize, fits: impl Fn(&Probe) -> bool + Copy) -> Result<(), String> {
    let (low, high) = halves(arms, rungs, fits)?;
    let one_sided = low.value.min(high.value) > SATURATED || low.value.max(high.value) < 1.0 - SATURATED;
    if one_sided { Ok(()) } else { falls(arms, (&low, &high)) }
}

/// Refuses where help does not fall from the one half to the other.
pub(crate) fn falls(arms: &Arms, (low, high): (&Linear, &Linear)) -> Result<(), String> {
    let fall = Linear::sum([(1.0, low), (-1.0, high)]);
    if fall.interval(arms.criteria().confidence).0 > 0.0 {
        return Ok(());
    }
    Err(format!(
        "help does not fall along the ladder ({:.2} on its cheap half, {:.2} on its dear half): choices do not follow the price",
        low.value, high.value
    ))
}

/// Each scenario's own switch at one dose; scenarios of which too little was answered are left out.
pub(crate) fn switches(arms: &Arms, dose: f64, price: impl Fn(f64) -> f64) -> Vec<(usize, Switch)> {
    let mut ladders = vec![Vec::new(); arms.clusters()];
    for item in arms.items(|probe| probe.dose == Some(dose)) {
        if let (Some(ratio), Some(scored)) = (item.ratio, item.scored) {
            ladders[item.cluster].push(LadderChoice { price: price(ratio), help: scored.probability() });
        }
    }
    let found = ladders.iter().enumerate();
    found.filter_map(|(cluster, choices)| Some((cluster, switch(choices).ok()?))).collect()
}

/// Mean share of a scenario's choices that its own switch explains.
pub(crate) fn consistency(arms: &Arms, switches: &[(usize, Switch)]) -> Found {
    let values: Vec<(usize, f64)> = switches.iter().map(|(cluster, switch)| (*cluster, switch.consistency)).collect();
    clustered_mean(&values, arms.clusters()).ok_or_else(|| "no scenario has a switch".to_owned())
}
