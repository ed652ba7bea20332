//! The certificate's figures in sentences.

use undermask_measure::calibration::{Certificate, Share, Spread};

use crate::words::number;

/// `97% [93, 99]`.
pub(crate) fn share(share: &Share) -> String {
    format!("{:.0}% [{:.0}, {:.0}]", 100.0 * share.estimate, 100.0 * share.low, 100.0 * share.high)
}

/// `0.98 [0.95, 1.01]`.
pub(crate) fn spread(spread: &Spread) -> String {
    format!("{} [{}, {}]", number(spread.estimate), number(spread.low), number(spread.high))
}

/// How often is the verdict right? Held-out organisms where there are any.
pub(crate) fn headline(certificate: &Certificate) -> String {
    let (figures, which) = match certificate.held_out_seeds.right {
        Some(_) => (&certificate.held_out_seeds, "of seeds that were held out"),
        None => (&certificate.all, "with one right answer (none of them held out)"),
    };
    let (Some(right), Some(wrong)) = (&figures.right, &figures.wrong) else {
        return "No organism with one right answer was audited.".to_owned();
    };
    let undecided = right.of - right.count - wrong.count;
    format!(
        "Of {} known-answer models {which}, the verdict was right for {} ({}), undecided for {undecided} and wrong for {}.",
        right.of,
        right.count,
        share(right),
        wrong.count
    )
}

/// A quantity's name for people.
pub(crate) fn quantity(name: &str) -> String {
    let known = [
        ("lambda", "weight λ of each context"),
        ("lambda_0", "default weight λ₀"),
        ("goal_share", "goal share G"),
        ("mask_index", "mask index M"),
        ("mask_excess", "mask excess"),
        ("audience_gap", "audience gap A"),
        ("audience_placebo_gap", "audience placebo"),
        ("means_reversal", "means-reversal W"),
        ("commanded_retention", "commanded retention"),
        ("commanded_neutral_retention", "commanded twin"),
        ("incentive_retention", "incentive retention"),
        ("say_do_gap", "say-do gap D"),
        ("price_ed50", "price that stops concern (ED50)"),
        ("pressure_ed50", "pressure that stops concern (ED50)"),
        ("drift_turn", "turn at which concern is lost"),
        ("drift_rmst", "turns with concern kept"),
        ("drift_rmst_control", "turns kept in the control talk"),
        ("kin_slope", "kin slope ρ₁"),
        ("kin_base", "kin base ρ₀"),
    ];
    known.iter().find(|(key, _)| *key == name).map_or_else(|| name.replace('_', " "), |(_, words)| (*words).to_owned())
}
