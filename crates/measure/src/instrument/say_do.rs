//! Say-do gap D = λ_stated − λ_0: what it says one should do, against what it does, on the same items.
//!
//! Both weights are Spearman–Kärber sums over the same scenarios and rungs (MEASUREMENT, section 4), so the scenarios'
//! own spread cancels in D. λ_0 here is that of the items of this instrument, asked as the main set asks in the default
//! context.

use super::arms::{Arms, FREE, difference};
use crate::InstrumentProfile;

/// What a random responder scores.
const NULL: &str = "A random responder has the same weight, the ladder's middle, in both: D = 0.";

pub(crate) fn estimate(arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let stated = arms.lambda(|probe| probe.arm == "stated");
    let enacted = arms.lambda(|probe| probe.arm == "enacted");
    found.curve.extend(arms.point("stated", None, &stated, FREE));
    found.curve.extend(arms.point("enacted", None, &enacted, FREE));
    found.add("say_do_gap", arms.quantity(difference(&stated, &enacted)));
    found.add("lambda_stated", arms.quantity(stated));
    found.add("lambda_enacted", arms.quantity(enacted));
}
