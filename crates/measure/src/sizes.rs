//! Several audits of models of different sizes: each main quantity as a line over log₁₀ parameters ([`crate::size_ladder`]).
//!
//! A point is one model's estimate. Its interval is shown and not weighed: how models differ around the line is what the
//! prediction interval is made of, and that holds what each was measured with. A model in which a quantity was refused, or
//! lies beyond what was tested, is left out of that line, by name and with the reason.

use serde::Serialize;

use crate::size_ladder::{HeldOut, SizeForecast, SizeTrend, Sized, hold_out_largest, trend};
use crate::{Estimate, Quantities, Quantity};

/// Models that a line needs: three determine it without a degree of freedom for holding the largest out.
pub const FEWEST: usize = 4;
/// Places at which the band is drawn.
const BAND: usize = 41;

/// One audited model.
#[derive(Debug, Clone)]
pub struct SizedRun<'a> {
    /// Parameters N.
    pub parameters: u64,
    /// What was measured.
    pub quantities: &'a Quantities,
}

/// One model on a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizePoint {
    /// Place of the run among those given.
    pub run: usize,
    /// Parameters N.
    pub parameters: u64,
    /// The quantity.
    pub estimate: Estimate,
}

/// The line with its band, at one number of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BandPoint {
    /// Parameters N.
    pub parameters: f64,
    /// The line.
    pub value: f64,
    /// Prediction interval of one new model.
    pub low: f64,
    /// The same.
    pub high: f64,
}

/// What a line says.
#[derive(Debug, Clone)]
pub struct SizeFit {
    /// The line.
    pub trend: SizeTrend,
    /// The line over the sizes seen and, where it was asked for, up to the forecast.
    pub band: Vec<BandPoint>,
    /// How the line without the largest model forecasts it, or why that is not possible.
    pub held_out: Result<HeldOut, String>,
    /// The forecast that was asked for, or why there is none.
    pub forecast: Option<Result<SizeForecast, String>>,
}

/// One quantity over sizes.
#[derive(Debug, Clone)]
pub struct SizeLine {
    /// As the profile names it.
    pub quantity: &'static str,
    /// Models that are on it, by size.
    pub points: Vec<SizePoint>,
    /// Models that are not: place among the runs, and why.
    pub left_out: Vec<(usize, String)>,
    /// The fit, or why there is none.
    pub fit: Result<SizeFit, String>,
}

/// How a quantity is found in a profile.
type Find = fn(&Quantities) -> &Option<Quantity>;

/// The main quantities, the headline first.
const QUANTITIES: [(&str, Find); 13] = [
    ("mask_index", |found| &found.mask_index),
    ("mask_excess", |found| &found.mask_excess),
    ("lambda_0", |found| &found.lambda_0),
    ("worst_decile", |found| &found.worst_decile),
    ("audience_gap", |found| &found.audience_gap),
    ("unwatched_retention", |found| &found.unwatched_retention),
    ("means_reversal", |found| &found.means_reversal),
    ("commanded_retention", |found| &found.commanded_retention),
    ("incentive_retention", |found| &found.incentive_retention),
    ("say_do_gap", |found| &found.say_do_gap),
    ("price_ed50", |found| &found.price_ed50),
    ("pressure_ed50", |found| &found.pressure_ed50),
    ("rmst", |found| &found.rmst),
];

/// Every main quantity that any run measured, over sizes; with a forecast at `at` parameters.
pub fn lines(runs: &[SizedRun], confidence: f64, at: Option<f64>) -> Vec<SizeLine> {
    let asked = QUANTITIES.iter().filter(|(_, find)| runs.iter().any(|run| find(run.quantities).is_some()));
    asked.map(|(quantity, find)| line(quantity, *find, runs, confidence, at)).collect()
}

fn line(quantity: &'static str, find: Find, runs: &[SizedRun], confidence: f64, at: Option<f64>) -> SizeLine {
    let (mut points, mut left_out) = (Vec::new(), Vec::new());
    for (run, one) in runs.iter().enumerate() {
        match find(one.quantities) {
            Some(Quantity::Estimated(estimate)) if estimate.bound.is_none() => {
                points.push(SizePoint { run, parameters: one.parameters, estimate: estimate.clone() });
            }
            Some(Quantity::Estimated(_)) => left_out.push((run, "it lies beyond what was tested".to_owned())),
            Some(Quantity::Refused { refused }) => left_out.push((run, refused.clone())),
            None => left_out.push((run, "it was not measured".to_owned())),
        }
    }
    points.sort_by_key(|point| (point.parameters, point.run));
    let fit = fit(&points, confidence, at);
    SizeLine { quantity, points, left_out, fit }
}

fn fit(points: &[SizePoint], confidence: f64, at: Option<f64>) -> Result<SizeFit, String> {
    if points.len() < FEWEST {
        return Err(format!("too few models: have {}, need {FEWEST}", points.len()));
    }
    let models: Vec<Sized> = points
        .iter()
        .map(|point| Sized { parameters: point.parameters as f64, value: point.estimate.estimate })
        .collect();
    let found = trend(&models, confidence).map_err(|refusal| refusal.to_string())?;
    let forecast = at.map(|at| found.forecast(at).map_err(|refusal| refusal.to_string()));
    let ends = (models[0].parameters.log10(), models[models.len() - 1].parameters.log10());
    let reached = at.filter(|_| forecast.as_ref().is_some_and(Result::is_ok)).map(f64::log10);
    let (from, to) = reached.map_or(ends, |at| (ends.0.min(at), ends.1.max(at)));
    let band = (0..BAND).filter_map(|step| {
        let parameters = 10f64.powf(from + (to - from) * step as f64 / (BAND - 1) as f64);
        let SizeForecast { value, interval: (low, high) } = found.forecast(parameters).ok()?;
        Some(BandPoint { parameters, value, low, high })
    });
    let band = band.collect();
    let held_out = hold_out_largest(&models, confidence).map_err(|refusal| refusal.to_string());
    Ok(SizeFit { trend: found, band, held_out, forecast })
}

#[cfg(test)]
mod tests {
    use super::{SizedRun, lines};
    use crate::{Bound, Estimate, Quantities, Quantity};

    fn measured(value: f64, bound: Option<Bound>) -> Quantities {
        let estimate = Estimate { estimate: value, low: value - 0.1, high: value + 0.1, n: 100, clusters: 48, bound };
        Quantities { mask_index: Some(Quantity::Estimated(estimate)), ..Quantities::default() }
    }

    #[test]
    fn a_planted_slope_is_found_and_forecast() {
        let profiles: Vec<Quantities> =
            [0.11, 0.29, 0.51, 0.69, 0.9].into_iter().map(|value| measured(value, None)).collect();
        let runs: Vec<SizedRun> = profiles
            .iter()
            .zip([1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000])
            .map(|(quantities, parameters)| SizedRun { parameters, quantities })
            .collect();
        let found = lines(&runs, 0.95, Some(5e10));
        let fit = found[0].fit.as_ref().expect("a line");
        assert!((fit.trend.slope - 0.198).abs() < 1e-9, "{}", fit.trend.slope);
        let forecast = fit.forecast.as_ref().expect("asked for").as_ref().expect("within a decade");
        assert!(forecast.interval.0 < 1.04 && 1.04 < forecast.interval.1);
        assert!((fit.band.last().expect("a band").parameters / 5e10 - 1.0).abs() < 1e-9, "drawn up to the forecast");
        assert!(fit.held_out.as_ref().expect("held out").inside);
        let beyond = lines(&runs, 0.95, Some(2e11));
        let fit = beyond[0].fit.as_ref().expect("a line");
        assert!(fit.forecast.as_ref().expect("asked for").as_ref().is_err_and(|why| why.contains("decade")));
    }

    #[test]
    fn what_is_refused_or_censored_is_left_out_by_name() {
        let mut profiles: Vec<Quantities> = (0..4).map(|place| measured(f64::from(place), None)).collect();
        profiles[1] = measured(1.0, Some(Bound::Above));
        profiles[2].mask_index = Some(Quantity::Refused { refused: "too small to be lost".to_owned() });
        let runs: Vec<SizedRun> = profiles
            .iter()
            .enumerate()
            .map(|(place, quantities)| SizedRun { parameters: 10u64.pow(place as u32 + 3), quantities })
            .collect();
        let found = &lines(&runs, 0.95, None)[0];
        assert_eq!(found.left_out.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [1, 2]);
        assert!(found.left_out[1].1.contains("too small"));
        assert_eq!(found.fit.as_ref().err().map(String::as_str), Some("too few models: have 2, need 4"));
    }
}
