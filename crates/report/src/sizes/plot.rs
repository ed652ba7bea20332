//! One quantity over sizes: models with their intervals, the line with its prediction band, and the largest model as the
//! others forecast it, hollow.

use undermask_measure::CurvePoint;
use undermask_measure::sizes::SizeLine;

use super::words;
use crate::chart::Plot;

fn point(parameters: f64, estimate: f64, low: f64, high: f64) -> CurvePoint {
    CurvePoint { arm: String::new(), x: Some(parameters.log10()), estimate, low, high, n: 1 }
}

/// The drawing; empty where there is no line.
pub(super) fn plot(line: &SizeLine) -> String {
    let Ok(fit) = &line.fit else { return String::new() };
    let models: Vec<CurvePoint> = line
        .points
        .iter()
        .map(|one| point(one.parameters as f64, one.estimate.estimate, one.estimate.low, one.estimate.high))
        .collect();
    let band: Vec<CurvePoint> = fit.band.iter().map(|at| point(at.parameters, at.value, at.low, at.high)).collect();
    let places = || models.iter().chain(&band).filter_map(|one| one.x);
    let (from, to) = places().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
    let room = 0.04 * (to - from);
    let ends = || models.iter().chain(&band);
    let low = ends().map(|one| one.low).fold(0.0, f64::min);
    let high = ends().map(|one| one.high).fold(low + 0.1, f64::max);
    // Four models predict with a wide band: it may run out of the plot, the models may not.
    let most = models.iter().map(|one| one.high).fold(1.0, f64::max);
    let least = models.iter().map(|one| one.low).fold(0.0, f64::min);
    let reach = most - least;
    let (low, high) = (low.max(least - 0.5 * reach), high.min(most + 0.5 * reach));
    let step = if to - from > 2.0 { 1.0 } else { 0.5 };
    let ticks: Vec<f64> = (0..40).map(|count| (from / step).ceil() * step + step * f64::from(count)).collect();
    let ticks: Vec<f64> = ticks.into_iter().filter(|tick| *tick <= to).collect();
    let title = format!("{} over the number of parameters", words::name(line.quantity).0);
    let levels = levels(low, high);
    let mut plot =
        Plot::new(&title, "log₁₀ of the number of parameters", (from - room, to + room), (low, high), &ticks, &levels);
    plot.line(&band.iter().collect::<Vec<_>>(), "curve", false);
    models.iter().for_each(|one| plot.point(one, true));
    if let Ok(held) = &fit.held_out {
        let (low, high) = held.forecast.interval;
        let mut beside = point(held.largest.parameters, held.forecast.value, low, high);
        // Beside the model itself, so that both can be seen.
        beside.x = beside.x.map(|x| x + room / 2.0);
        plot.point(&beside, false);
    }
    plot.finish()
}

/// Round levels within a range, some five of them.
fn levels(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough).unwrap_or(power);
    let first = (low / step).ceil() as i64;
    (first..first + 20).map(|count| count as f64 * step).take_while(|level| *level <= high).collect()
}

#[cfg(test)]
mod tests {
    use super::levels;

    #[test]
    fn levels_are_round() {
        assert_eq!(levels(-0.1, 1.0).len(), 3);
        assert_eq!(levels(0.0, 20.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
    }
}
