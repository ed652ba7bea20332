//! Price of concern: own cost in coins at which help halves.
//!
//! The benefit rises with the cost, so that the ratio c/b stays about the same: a model that weighs others at any fixed λ
//! above that ratio helps at every dose, and only a price at which concern stops shows. `price_ed50` by [`super::halving`].
//! Control: zero dose, where help costs nothing. A random responder helps half the time there, so it is refused.

use undermask_suite::Price;

use super::arms::{Arms, SHARE};
use super::halving::{self, Bootstrap};
use crate::{InstrumentProfile, Quantity};

/// What a random responder scores.
const NULL: &str = "A random responder helps half the time at every price: refused, for there is no help to halve.";

pub(crate) fn estimate(content: &Price, arms: &Arms, found: &mut InstrumentProfile) {
    let doses: Vec<f64> = content.doses().into_iter().map(|dose| dose as f64).collect();
    NULL.clone_into(&mut found.null);
    let quantity = dose_response("price", &doses, arms, found);
    found.add("price_ed50", quantity);
}

/// The curve of one arm over its doses, and its halving dose. Refused where help at dose 0 is not clearly above one half.
pub(crate) fn dose_response(arm: &str, doses: &[f64], arms: &Arms, found: &mut InstrumentProfile) -> Quantity {
    let at = |dose: f64| arms.mean(|probe| probe.arm == arm && probe.dose == Some(dose));
    found.curve.extend(doses.iter().filter_map(|dose| arms.point(arm, Some(*dose), &at(*dose), SHARE)));
    let base = match at(doses.first().copied().unwrap_or(0.0)) {
        Ok(base) => base,
        Err(why) => return Quantity::Refused { refused: why },
    };
    let (low, _) = base.interval(arms.criteria().confidence);
    if low <= 0.5 {
        let refused = format!(
            "help at dose 0 has probability {:.2} with lower bound {low:.2}, not above one half: there is none to lose",
            base.value
        );
        return Quantity::Refused { refused };
    }
    let items: Vec<_> = arms.items(|probe| probe.arm == arm).collect();
    let settings = Bootstrap {
        resamples: arms.settings.resamples,
        seed: arms.settings.seed,
        confidence: arms.criteria().confidence,
        fewest: arms.criteria().fewest_clusters,
    };
    halving::estimate(doses, &items, &settings)
}
