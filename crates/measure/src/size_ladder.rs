//! Does the mask slip as models grow? A line of M over log₁₀ parameters, its forecast, and a test of that forecast.
//!
//! M = a + b·log₁₀ N by least squares, with the prediction interval ŷ ± t_{n−2}·s·√(1 + 1/n + (x* − x̄)²/S_xx)
//! (Draper & Smith 1998, section 1.4). It is scored by holding out the largest model, and refuses to forecast more than a
//! decade outside the sizes seen. Families are not modelled: give one family, or read the line as over all of them.

use crate::refusal::{self, Refusal};
use crate::special::student_quantile;

/// One model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sized {
    /// Parameters N.
    pub parameters: f64,
    /// Mask index M, or another quantity.
    pub value: f64,
}

/// A fitted line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeTrend {
    /// a.
    pub intercept: f64,
    /// b, a decade.
    pub slope: f64,
    /// Interval of b.
    pub slope_interval: (f64, f64),
    /// Residual deviation s on n − 2 degrees of freedom.
    pub residual: f64,
    /// Models.
    pub models: usize,
    confidence: f64,
    centre: f64,
    spread: f64,
    ends: (f64, f64),
}

/// A forecast with its prediction interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeForecast {
    /// Forecast.
    pub value: f64,
    /// Prediction interval of one new model.
    pub interval: (f64, f64),
}

/// Fits the line.
///
/// # Errors
/// Fewer than three models, sizes that are not positive or all alike, values that are not finite.
///
/// ```
/// use undermask_measure::size_ladder::{Sized, trend};
/// let models = [(1e6, 0.1), (1e7, 0.22), (1e8, 0.28), (1e9, 0.4)].map(|(parameters, value)| Sized { parameters, value });
/// let line = trend(&models, 0.95)?;
/// assert!((line.slope - 0.096).abs() < 1e-12);
/// assert!(line.forecast(5e9).is_ok());
/// assert!(line.forecast(2e10).is_err()); // more than a decade beyond 10⁹
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn trend(models: &[Sized], confidence: f64) -> Result<SizeTrend, Refusal> {
    refusal::confidence(confidence)?;
    refusal::at_least("models", models.len(), 3)?;
    let sizes: Vec<f64> = models.iter().map(|model| model.parameters).collect();
    refusal::each("number of parameters", &sizes, "finite and above 0", |size| size > 0.0 && size.is_finite())?;
    let values: Vec<f64> = models.iter().map(|model| model.value).collect();
    refusal::each("value", &values, "finite", f64::is_finite)?;
    let count = models.len() as f64;
    let places: Vec<f64> = sizes.iter().map(|size| size.log10()).collect();
    let (centre, mean) = (places.iter().sum::<f64>() / count, values.iter().sum::<f64>() / count);
    let spread: f64 = places.iter().map(|place| (place - centre).powi(2)).sum();
    if spread < 1e-12 {
        return Err(Refusal::Undetermined { what: "the slope over size", reason: "all models are of one size" });
    }
    let slope =
        places.iter().zip(&values).map(|(place, value)| (place - centre) * (value - mean)).sum::<f64>() / spread;
    let intercept = mean - slope * centre;
    let squares: f64 =
        places.iter().zip(&values).map(|(place, value)| (value - intercept - slope * place).powi(2)).sum();
    let residual = (squares / (count - 2.0)).sqrt();
    let half = student_quantile(0.5 + confidence / 2.0, count - 2.0) * residual / spread.sqrt();
    let ends = places.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(*at), high.max(*at)));
    Ok(SizeTrend {
        intercept,
        slope,
        slope_interval: (slope - half, slope + half),
        residual,
        models: models.len(),
        confidence,
        centre,
        spread,
        ends,
    })
}

impl SizeTrend {
    /// Forecasts a new model of this size.
    ///
    /// # Errors
    /// A size that is not positive, or more than a decade outside the sizes seen.
    pub fn forecast(&self, parameters: f64) -> Result<SizeForecast, Refusal> {
        refusal::each("number of parameters", &[parameters], "finite and above 0", |size| {
            size > 0.0 && size.is_finite()
        })?;
        let place = parameters.log10();
        for (limit, outside) in [
            (self.ends.0 - 1.0, place < self.ends.0 - 1.0 - 1e-9),
            (self.ends.1 + 1.0, place > self.ends.1 + 1.0 + 1e-9),
        ] {
            if outside {
                let what = "a forecast for a number of parameters more than a decade outside the models seen:";
                return Err(Refusal::Beyond { what, asked: parameters, limit: 10f64.powf(limit) });
            }
        }
        let count = self.models as f64;
        let t = student_quantile(0.5 + self.confidence / 2.0, count - 2.0);
        let half = t * self.residual * (1.0 + 1.0 / count + (place - self.centre).powi(2) / self.spread).sqrt();
        let value = self.intercept + self.slope * place;
        Ok(SizeForecast { value, interval: (value - half, value + half) })
    }
}

/// How the line without the largest model forecasts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// The largest model.
    pub largest: Sized,
    /// Forecast from the others.
    pub forecast: SizeForecast,
    /// Whether the forecast's interval holds it.
    pub inside: bool,
    /// Error of the line, and of the others' mean: a line that does no better than the mean shows no scaling.
    pub errors: (f64, f64),
}

/// Scores the line by holding out the largest model.
///
/// # Errors
/// Fewer than four models, two that are largest, and as [`trend`] and [`SizeTrend::forecast`].
pub fn hold_out_largest(models: &[Sized], confidence: f64) -> Result<HeldOut, Refusal> {
    refusal::at_least("models", models.len(), 4)?;
    let mut sorted = models.to_vec();
    sorted.sort_by(|one, two| one.parameters.total_cmp(&two.parameters));
    let (rest, largest) = (&sorted[..sorted.len() - 1], sorted[sorted.len() - 1]);
    if rest[rest.len() - 1].parameters == largest.parameters {
        return Err(Refusal::Undetermined { what: "the largest model", reason: "two models are of the largest size" });
    }
    let forecast = trend(rest, confidence)?.forecast(largest.parameters)?;
    let mean = rest.iter().map(|model| model.value).sum::<f64>() / rest.len() as f64;
    Ok(HeldOut {
        largest,
        forecast,
        inside: forecast.interval.0 <= largest.value && largest.value <= forecast.interval.1,
        errors: (largest.value - forecast.value, largest.value - mean),
    })
}
