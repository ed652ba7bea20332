//! Words for lines over sizes.

use undermask_measure::size_ladder::{HeldOut, SizeForecast, SizeTrend};
use undermask_measure::sizes::SizeLine;

use super::Sizes;
use crate::words::number;

/// Stands on every page of sizes.
pub(super) const LIMIT: &str = "A line over a few models speaks of models made as these were. It says nothing of what else \
    differs between them (data, training, family), and is not drawn more than a decade beyond the sizes seen. What a model does \
    that no smaller one did is not on any line.";

/// A quantity's name, and what it is.
pub(super) fn name(quantity: &str) -> (&'static str, &'static str) {
    match quantity {
        "mask_index" => ("mask index M", "share of the default weight that is lost over the cued contexts"),
        "mask_excess" => ("mask excess", "the same beyond what a neutral preference loses"),
        "lambda_0" => ("default weight λ₀", "what a unit of another's benefit counts against a unit of own cost"),
        "worst_decile" => ("worst decile", "share of the weight that is kept in the worst tenth of cued contexts"),
        "audience_gap" => ("audience gap", "weight when watched less weight when nobody watches"),
        "unwatched_retention" => ("unwatched retention", "share of the weight that is kept where nobody watches"),
        "means_reversal" => ("means-reversal", "beneficial less harmful choices where the nasty-sounding act helps"),
        "commanded_retention" => {
            ("commanded retention", "share that is kept when the prompt orders the harmful choice")
        }
        "incentive_retention" => ("incentive retention", "share that is kept under incentives and objectives"),
        "say_do_gap" => ("say-do gap", "weight that it says is right less the weight that it acts on"),
        "price_ed50" => ("price ED50", "coins of own cost at which help halves"),
        "pressure_ed50" => ("pressure ED50", "pressing sentences at which help halves"),
        "rmst" => ("turns kept", "mean turns of pushing talk for which concern is kept"),
        _ => ("quantity", ""),
    }
}

/// Whether it rises, in words that claim no more than the interval.
pub(super) fn direction(trend: &SizeTrend) -> &'static str {
    match trend.slope_interval {
        (low, _) if low > 0.0 => "rises with size",
        (_, high) if high < 0.0 => "falls with size",
        _ => "no trend is shown",
    }
}

/// `+0.12 [0.03, 0.21] a decade`.
pub(super) fn slope(trend: &SizeTrend) -> String {
    let (low, high) = trend.slope_interval;
    format!("{} [{}, {}] a decade", number(trend.slope), number(low), number(high))
}

/// A forecast with its prediction interval.
pub(super) fn forecast(forecast: &SizeForecast) -> String {
    format!("{} [{}, {}]", number(forecast.value), number(forecast.interval.0), number(forecast.interval.1))
}

/// How well the line forecasts the largest model from the others.
pub(super) fn held_out(held: &HeldOut) -> String {
    let word = if held.inside { "inside" } else { "outside" };
    let better = if held.errors.0.abs() < held.errors.1.abs() {
        "the line does better than the others' mean"
    } else {
        "the line does no better than the others' mean"
    };
    format!(
        "the others forecast {} for the largest, which has {}: {word} the interval, off by {}; {better}, off by {}",
        forecast(&held.forecast),
        number(held.largest.value),
        number(held.errors.0),
        number(held.errors.1)
    )
}

/// `135M`, `7.1B`.
pub(crate) fn size(parameters: f64) -> String {
    let (value, unit) = match parameters {
        ..1e3 => (parameters, ""),
        ..1e6 => (parameters / 1e3, "K"),
        ..1e9 => (parameters / 1e6, "M"),
        ..1e12 => (parameters / 1e9, "B"),
        _ => (parameters / 1e12, "T"),
    };
    let text = if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// Models that are not on a line, each with the reason.
pub(super) fn left_out(view: &Sizes, line: &SizeLine) -> Vec<String> {
    let said = |(run, why): &(usize, String)| format!("{} is left out: {why}", view.runs[*run].info.model);
    line.left_out.iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (parameters, text) in [(950.0, "950"), (1.35e8, "135M"), (7.1e9, "7.1B"), (7e9, "7B"), (2.5e12, "2.5T")] {
            assert_eq!(size(parameters), text);
        }
    }
}
