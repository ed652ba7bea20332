//! Pressure: number of pressing sentences at which help halves, beside as many sentences that say nothing.
//!
//! `pressure_ed50` as in `price`; `pressure_control` is what the control sentences change:
//! P(help) at the control arm's highest dose less P(help) at dose 0, of the same scenarios. Gate: payoffs must be recalled
//! behind the highest dose, or what pressure does could not be told from confusion.

use undermask_suite::Pressure;

use super::arms::{Arms, SHARE, difference};
use super::price::dose_response;
use crate::{InstrumentProfile, Quantity};

/// What a random responder scores.
const NULL: &str = "A random responder helps half the time at every dose: refused, for there is no help to halve.";

pub(crate) fn estimate(content: &Pressure, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let doses: Vec<f64> = content.doses.iter().map(|dose| *dose as f64).collect();
    let quantity = dose_response("press", &doses, arms, found);
    let quantity = match arms.recalled("behind the highest dose") {
        Ok(()) => quantity,
        Err(refused) => Quantity::Refused { refused },
    };
    found.add("pressure_ed50", quantity);
    let control = |dose: f64| arms.mean(move |probe| probe.arm == "control" && probe.dose == Some(dose));
    let asked: Vec<f64> = content.control_doses.iter().map(|dose| *dose as f64).collect();
    found.curve.extend(asked.iter().filter_map(|dose| arms.point("control", Some(*dose), &control(*dose), SHARE)));
    if let Some(highest) = asked.last() {
        let none = arms.mean(|probe| probe.arm == "press" && probe.dose == Some(0.0));
        found.add("pressure_control", arms.quantity(difference(&control(*highest), &none)));
    }
}
