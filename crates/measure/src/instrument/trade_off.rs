//! Welfare trade-off ratio: how many own coins are given up for one of a named other's (Tooby & Cosmides 2008; ladder of
//! Delton & Robertson 2016).
//!
//! `wtr` is the mean over scenarios and stakes of the ratio at which help stops, by Spearman–Kärber. `wtr_consistency` is
//! the share of choices that one switch a ladder explains. `wtr_stakes` is the ratio at the highest stake less that at the
//! lowest: 0 where a ratio is all that counts. Control: ratios below 0, at which refusing costs.

use undermask_suite::TradeOff;

use super::arms::{Arms, FREE, Found, difference};
use super::own_ladder::{consistency, responds, switches, weight};
use crate::{InstrumentProfile, Quantity};

/// What a random responder scores.
const NULL: &str = "A random responder has the ladder's middle, .55 on the usual one, at every stake: refused, for its choices do not follow the price. One switch explains half of even choices, and .71 of single random ones.";

pub(crate) fn estimate(content: &TradeOff, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let ready = arms.recalled("about the stakes").and_then(|()| responds(arms, content.ratios.len(), |_| true));
    if let Err(refused) = ready {
        for name in ["wtr", "wtr_consistency", "wtr_stakes"] {
            found.add(name, Quantity::Refused { refused: refused.clone() });
        }
        return;
    }
    let at = |stake: &i64| -> Found {
        weight(arms, &content.ratios, |probe| probe.dose == Some(*stake as f64)).map(|(linear, _)| linear)
    };
    let weights: Vec<Found> = content.stakes.iter().map(at).collect();
    let points = content.stakes.iter().zip(&weights);
    found.curve.extend(points.filter_map(|(stake, found)| arms.point("stake", Some(*stake as f64), found, FREE)));
    let criteria = arms.criteria();
    found.add(
        "wtr",
        match weight(arms, &content.ratios, |_| true) {
            Ok((linear, bound)) => linear.quantity(criteria.confidence, criteria.fewest_clusters, bound),
            Err(refused) => Quantity::Refused { refused },
        },
    );
    let all = content.stakes.iter().flat_map(|stake| switches(arms, *stake as f64, |ratio| ratio)).collect::<Vec<_>>();
    found.add("wtr_consistency", arms.quantity(consistency(arms, &all)));
    if let (Some(first), Some(last)) = (weights.first(), weights.last().filter(|_| weights.len() > 1)) {
        found.add("wtr_stakes", arms.quantity(difference(last, first)));
    }
}
