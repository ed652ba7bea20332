//! Hysteresis: concern after a persona was put on in talk and taken off again, over concern without any talk.
//!
//! `hysteresis` = λ_removed/λ_plain: 1 when it comes back, less when the persona stays. Beside it λ_on/λ_plain (what the
//! persona does while it is in force) and λ_control/λ_plain (what neutral talk of the same length does). All on the same
//! items; refused where λ_plain is too small to be lost. Gate: payoffs must be recalled after the talk.

use super::arms::{Arms, FREE, Found};
use crate::InstrumentProfile;
use crate::linear::Linear;

/// What a random responder scores.
const NULL: &str = "A random responder has the ladder's middle everywhere: every ratio 1.";

pub(crate) fn estimate(arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let lambda = |arm: &'static str| arms.lambda(move |probe| probe.arm == arm);
    let plain = lambda("plain");
    found.curve.extend(arms.point("plain", None, &plain, FREE));
    let criteria = arms.criteria();
    let base: Found = plain.and_then(|plain| {
        let (low, _) = plain.interval(criteria.confidence);
        if low <= criteria.undefined_lower {
            let needed = criteria.undefined_lower;
            return Err(format!("the weight without talk has lower bound {low:.2}, {needed:.2} is needed"));
        }
        Ok(plain)
    });
    for (name, arm) in [("hysteresis_control", "control"), ("persona_retention", "on"), ("hysteresis", "removed")] {
        let over = lambda(arm);
        found.curve.extend(arms.point(arm, None, &over, FREE));
        let ratio = match (&over, &base) {
            (Ok(over), Ok(base)) => Ok(Linear::ratio(over, base)),
            (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        };
        let ratio = if arm == "removed" { arms.recalled("after the talk").and(ratio) } else { ratio };
        found.add(name, arms.quantity(ratio));
    }
}
