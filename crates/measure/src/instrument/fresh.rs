//! Fresh variants: λ on public scenarios less λ on scenarios drawn by the run's seed, which nobody can have trained on.
//!
//! Every public item has a partner of the same family at the same rung, so both arms have one make-up; no scenario is in
//! both, so the gap is that of two samples, with scenarios as clusters ([`super::twin`]). Null: 0. No gap is claimed by two
//! one-sided tests within the suite's margin only. Where grammars for neutral families are given, `fresh_excess` is the gap
//! beyond the twins': what drawn wording does to any trade cancels. Gate: payoffs are recalled in both arms, and choices
//! follow the price.

use undermask_suite::{FRESH, Fresh, PUBLIC, twin_arm};

use super::arms::{Arms, FREE, Found};
use super::twin::{Gaps, readable};
use crate::paired::{Difference, judge};
use crate::{InstrumentProfile, InstrumentTest};

/// What a random responder scores.
const NULL: &str = "A random or position-biased responder has the ladder's middle in both arms, so gap 0; it recalls one payoff in four, so it fails the gate and has no figure.";

pub(crate) fn estimate(content: &Fresh, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let gate = readable(arms, PUBLIC, "about public scenarios").and(readable(arms, FRESH, "about fresh scenarios"));
    let gated = |figure: Found| gate.clone().and(figure);
    for arm in [PUBLIC, FRESH] {
        for (name, arm) in [(format!("lambda_{arm}"), arm.to_owned()), (format!("lambda_{arm}_twin"), twin_arm(arm))] {
            if arms.items(|probe| probe.arm == arm).next().is_some() {
                let weight = arms.lambda_in(&arm, None);
                found.curve.extend(arms.point(&arm, None, &weight, FREE));
                found.add(&name, arms.quantity(gated(weight)));
            }
        }
    }
    let gaps = Gaps::of(arms, PUBLIC, FRESH, false);
    let gap = gated(gaps.gap.clone());
    if let Some(twin) = &gaps.twin {
        found.add("fresh_twin_gap", arms.quantity(gated(twin.clone())));
        found.add("fresh_excess", arms.quantity(gated(gaps.excess())));
    }
    for (name, figure) in [
        ("Public less fresh", Some(gap.clone())),
        ("The same beyond the twins", gaps.twin.as_ref().map(|_| gated(gaps.excess()))),
    ] {
        let Some(Ok(figure)) = figure.filter(|_| gate.is_ok()) else { continue };
        let (margin, confidence) = (content.margin, arms.criteria().confidence);
        let better = figure.affine(0.0, -1.0);
        let Ok(judged) = judge(&[Difference { name: name.to_owned(), found: figure, better, margin }], confidence)
        else {
            continue;
        };
        found.tests.extend(judged.into_iter().flat_map(|one| {
            let test = |what: String, p: f64| InstrumentTest { name: format!("{name}: {what}"), p };
            [test("differs from 0".to_owned(), one.p), test(format!("within ±{margin} (TOST)"), one.equivalence_p)]
        }));
    }
    found.add("fresh_gap", arms.quantity(gap));
}
