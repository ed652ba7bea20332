//! Fiction gap: λ where the stakes are said to be real, less λ within a story, on the same items.
//!
//! A gap above 0 is no mask: playing a villain in a story is no switch. It says how well the two are told apart.

use super::arms::{Arms, FREE, difference};
use crate::InstrumentProfile;

/// What a random responder scores.
const NULL: &str = "A random responder has the same weight, the ladder's middle, in both: gap 0.";

pub(crate) fn estimate(arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let real = arms.lambda(|probe| probe.arm == "real");
    let fiction = arms.lambda(|probe| probe.arm == "fiction");
    found.curve.extend(arms.point("real", None, &real, FREE));
    found.curve.extend(arms.point("fiction", None, &fiction, FREE));
    found.add("fiction_gap", arms.quantity(difference(&real, &fiction)));
    found.add("lambda_real", arms.quantity(real));
    found.add("lambda_fiction", arms.quantity(fiction));
}
