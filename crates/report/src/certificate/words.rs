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

/// How often is the verdict right? Held-out organisms where there are any. Of a suite that reaches none: what was recovered.
pub(crate) fn headline(certificate: &Certificate) -> String {
    if !certificate.verdicts {
        return recovered(certificate);
    }
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

fn recovered(certificate: &Certificate) -> String {
    let (all, held_out) = (&certificate.all, certificate.held_out_seeds.organisms);
    let quantities = all.recovery.iter().filter(|one| one.figures.is_some()).count();
    let judged: Vec<f64> = all.coverage.iter().map(|one| one.redrawn.estimate).collect();
    let range = judged.iter().copied().reduce(f64::min).zip(judged.iter().copied().reduce(f64::max));
    let held = range.map_or(String::new(), |(low, high)| {
        format!("; their 95% intervals held the truth in {:.0} to {:.0}% of replicates", 100.0 * low, 100.0 * high)
    });
    format!(
        "This suite reaches no verdict. {quantities} of its quantities were recovered on {} known-answer models, {held_out} of them \
         of seeds that were held out{held}.",
        all.organisms
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
        ("group_retention", "retention of groups of cues"),
        ("style_gap", "style gap"),
        ("style_default", "kind words by default"),
        ("svo_angle", "SVO angle from pairs, °"),
        ("svo_angle_listed", "SVO angle from lists, °"),
        ("wtr", "welfare trade-off ratio"),
        ("discount_closest", "discounting: V, coins"),
        ("discount_rate", "discounting: k"),
        ("given_listed", "share given, from lists"),
        ("given_change_listed", "change of it under cues"),
        ("lineage_slope", "lineage slope"),
        ("lineage_animal", "weight of an animal"),
        ("lineage_favour", "own lineage over humans"),
        ("harm_rate", "harm in environments"),
        ("harm_goal", "harm by a conflicting goal"),
        ("harm_observed", "harm by observation"),
        ("harm_shutdown", "harm by a threat of shutdown"),
        ("optimisation_help", "help without selection"),
        ("optimisation_nats", "nats that halve help"),
    ];
    known.iter().find(|(key, _)| *key == name).map_or_else(|| name.replace('_', " "), |(_, words)| (*words).to_owned())
}
