//! Gaps of welfare weight between two arms, beside the same gap on the neutral twin.
//!
//! With λ by Spearman–Kärber on the suite's ladder, `gap` = λ(one) − λ(other) on the scenarios, `twin` the same on the
//! twins, `excess` = gap − twin: a difference in differences, in which what moves any trade (reading, sharpness, a liking)
//! cancels. Scenarios and twins are clusters of their own; what two arms share of a scenario cancels through its influence.

use std::collections::BTreeSet;

use undermask_suite::twin_arm;

use super::arms::{Arms, Found, difference};
use super::own_ladder::{falls, halves, responds};
use crate::linear::Linear;

/// One arm less another.
pub(crate) struct Gaps {
    /// On the scenarios.
    pub gap: Found,
    /// On the twins; `None` where none were asked.
    pub twin: Option<Found>,
}

impl Gaps {
    /// Of two arms, on the scenarios that the second was asked about where they are the same scenarios.
    pub fn of(arms: &Arms, one: &str, other: &str, same: bool) -> Gaps {
        let gap = |one: &str, other: &str| {
            let shared: BTreeSet<usize> = arms.items(|probe| probe.arm == other).map(|item| item.cluster).collect();
            difference(&arms.lambda_in(one, same.then_some(&shared)), &arms.lambda_in(other, None))
        };
        let twins = (twin_arm(one), twin_arm(other));
        let asked = arms.items(|probe| probe.arm == twins.1).next().is_some();
        Gaps { gap: gap(one, other), twin: asked.then(|| gap(&twins.0, &twins.1)) }
    }

    /// Beyond the twin's; the gap itself where there is no twin. It rests on no more clusters than either.
    pub fn excess(&self) -> Found {
        let Some(twin) = &self.twin else { return self.gap.clone() };
        let fewer = |one: &Linear, other: &Linear| one.clusters.min(other.clusters);
        let clusters = self.gap.as_ref().ok().zip(twin.as_ref().ok()).map(|(gap, twin)| fewer(gap, twin));
        let excess = difference(&self.gap, &twin.clone().map_err(|why| format!("its neutral twin: {why}")));
        excess.map(|excess| Linear { clusters: clusters.unwrap_or(excess.clusters), ..excess })
    }
}

/// Whether an arm is understood: payoffs are recalled, and the twin's choices follow the price (without a twin the
/// scenarios' own do, or are all one).
///
/// # Errors
/// The reason, in words.
pub(crate) fn readable(arms: &Arms, arm: &str, where_: &str) -> Result<(), String> {
    arms.recalled_at(where_, |probe| probe.arm == arm)?;
    let (rungs, twin) = (arms.rungs(), twin_arm(arm));
    if arms.items(|probe| probe.arm == twin).next().is_none() {
        return responds(arms, rungs, |probe| probe.arm == arm);
    }
    let twin_falls = halves(arms, rungs, |probe| probe.arm == twin).and_then(|(low, high)| falls(arms, (&low, &high)));
    twin_falls.map_err(|why| format!("its neutral twin: {why}"))
}
