//! Deployment volume: the worst among N queries, forecast from m ≪ N.
//!
//! Jones et al. (2025) score a query by ψ = −ln(−ln p), p being the probability of the harmful answer, and find the
//! survival function of ψ to be log-linear in its tail. [`Tail::Exponential`] is that model, fitted by maximum likelihood
//! (the mean excess over the k-th largest score), whose error is known: k·σ̂/σ is Gamma(k). It takes the line for
//! granted, and where ψ is normal the tail bends away from it: over a thousandfold extrapolation the line overshoots by
//! more than its interval, which holds the truth in 33% of runs. [`Tail::Pareto`] estimates the bend (generalised Pareto
//! excesses, Pickands 1975, by probability-weighted moments, Hosking & Wallis 1987) and then takes *it* for granted.
//! [`Tail::Unknown`], the default, takes neither: it weighs every bend by how well it fits (`tail_posterior`).
//!
//! The forecast is predictive: N·S(worst of N) is a standard exponential E, so worst = u + σ·ln((k/m)·N/E), with u the
//! threshold. For the two fixed tails the interval is a parametric bootstrap over the fit, u's rank and E; for the
//! unknown one these are integrated.
//!
//! How often the worst of 10⁶ lies in the 95% interval that was forecast from 10³ is simulated in `tests/forecasts.rs` for
//! nine tails, and the design note 0016 has the table. What no forecast can know is a tail that changes beyond the
//! scores seen (a trigger among 10⁶ that none of 10³ comes near), or one that ends abruptly just above them: there the
//! forecast errs towards alarm.

use crate::random::Draws;
use crate::refusal::{self, Refusal};
use crate::tail_posterior::TailPosterior;

/// Farthest extrapolation N/m.
const FARTHEST: f64 = 1e4;
/// Fewest scores in the tail.
const FEWEST: usize = 10;

/// Form of the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// ln S linear in ψ.
    Exponential,
    /// Generalised Pareto: ln S may bend.
    Pareto,
    /// Generalised Pareto of any bend, each by its weight.
    Unknown,
}

/// How to forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExtremeSettings {
    /// Form of the tail.
    pub tail: Tail,
    /// Scores in the tail: k, at least 10 and at most half of all.
    pub top: usize,
    /// Bootstrap draws.
    pub resamples: usize,
    /// Seed.
    pub seed: u64,
    /// Confidence of the interval.
    pub confidence: f64,
}

impl Default for ExtremeSettings {
    fn default() -> ExtremeSettings {
        ExtremeSettings { tail: Tail::Unknown, top: 100, resamples: 1000, seed: 1, confidence: 0.95 }
    }
}

/// A forecast of the worst query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorstForecast {
    /// ψ of the worst of N: its median.
    pub score: f64,
    /// Predictive interval of ψ.
    pub interval: (f64, f64),
    /// The same as a probability of the harmful answer.
    pub probability: f64,
    /// Its interval.
    pub probability_interval: (f64, f64),
    /// σ̂, mean excess over the threshold (scale, for a Pareto tail; its posterior mean, for an unknown one).
    pub scale: f64,
    /// ξ̂, 0 for the exponential tail (its posterior mean, for an unknown one).
    pub shape: f64,
    /// √k·(V² − 1)/2 with V the excesses' coefficient of variation: about standard normal where the tail is exponential
    /// (√k·(V − 1) tends to it), below −2 where it is lighter and above 2 where it is heavier.
    /// It is a weak alarm: with 200 scores in the tail a normal ψ averages −2.1, with fewer less.
    pub bend: f64,
}

impl WorstForecast {
    fn new(score: f64, interval: (f64, f64), (scale, shape): (f64, f64), bend: f64) -> WorstForecast {
        let probability_interval = (probability(interval.0), probability(interval.1));
        WorstForecast { score, interval, probability: probability(score), probability_interval, scale, shape, bend }
    }
}

/// ψ of a log-probability.
///
/// ```
/// use undermask_measure::extreme::elicitation;
/// assert_eq!(elicitation(-1.0), 0.0); // p = 1/e
/// ```
pub fn elicitation(log_probability: f64) -> f64 {
    -(-log_probability).ln()
}

/// p of a ψ.
pub fn probability(score: f64) -> f64 {
    (-(-score).exp()).exp()
}

/// Quantile-like growth of the tail: σ·x, or σ·(e^{ξx} − 1)/ξ.
fn growth(scale: f64, shape: f64, x: f64) -> f64 {
    if shape.abs() < 1e-9 { scale * x } else { scale * ((shape * x).exp() - 1.0) / shape }
}

/// Scale and shape of ordered excesses.
fn fit_tail(excesses: &[f64], tail: Tail) -> (f64, f64) {
    let count = excesses.len() as f64;
    let first = excesses.iter().sum::<f64>() / count;
    if tail == Tail::Exponential {
        return (first, 0.0);
    }
    let weighted = excesses.iter().enumerate().map(|(rank, value)| value * (1.0 - (rank as f64 + 0.65) / count));
    let second = weighted.sum::<f64>() / count;
    let shape = 2.0 - first / (first - 2.0 * second);
    // ξ ≥ 1 has no mean to fit by moments, and far below 0 is the end of a short list.
    let shape = shape.clamp(-2.0, 0.95);
    (first * (1.0 - shape), shape)
}

/// Forecasts the worst of `queries` from log-probabilities of the harmful answer on m queries drawn alike.
///
/// # Errors
/// A log-probability that is not below 0, a tail of fewer than 10 scores or more than half of them, fewer queries than
/// were seen, more than 10⁴ times as many, top scores that are all equal.
///
/// ```
/// use undermask_measure::extreme::{ExtremeSettings, worst_of};
/// // p uniform: ψ has a Gumbel distribution, and the worst of 10⁶ is 1 − 1/10⁶ or so.
/// let seen: Vec<f64> = (1..=1000).map(|rank| (f64::from(rank) / 1001.0).ln()).collect();
/// let found = worst_of(&seen, 1e6, ExtremeSettings::default())?;
/// assert!(found.interval.0 < 13.8 && 13.8 < found.interval.1); // ln 10⁶
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn worst_of(log_probabilities: &[f64], queries: f64, settings: ExtremeSettings) -> Result<WorstForecast, Refusal> {
    let ExtremeSettings { tail, top, resamples, seed, confidence } = settings;
    refusal::confidence(confidence)?;
    let below = |value: f64| value < 0.0 && value.is_finite();
    refusal::each("log-probability", log_probabilities, "finite and below 0", below)?;
    refusal::at_least("scores in the tail", top, FEWEST)?;
    refusal::at_least("queries seen", log_probabilities.len(), 2 * top)?;
    refusal::at_least("resamples", resamples, 100)?;
    let seen = log_probabilities.len() as f64;
    if !(queries >= seen && queries <= FARTHEST * seen) {
        return Err(Refusal::Beyond { what: "a number of queries of", asked: queries, limit: FARTHEST * seen });
    }
    let mut scores: Vec<f64> = log_probabilities.iter().map(|value| elicitation(*value)).collect();
    scores.sort_by(f64::total_cmp);
    let threshold = scores[scores.len() - top - 1];
    let excesses: Vec<f64> = scores[scores.len() - top..].iter().map(|score| score - threshold).collect();
    if excesses[top - 1] <= excesses[0] {
        return Err(Refusal::Undetermined { what: "the tail", reason: "the highest scores are all equal" });
    }
    let rate = top as f64 / seen * queries;
    if tail == Tail::Unknown {
        let posterior = TailPosterior::of(&excesses);
        let at = |share: f64| threshold + posterior.largest(share, rate, top);
        let ends = (at(0.5 - confidence / 2.0), at(0.5 + confidence / 2.0));
        let (scale, shape) = posterior.means();
        return Ok(WorstForecast::new(at(0.5), ends, (scale, shape), bend(&excesses)));
    }
    let (scale, shape) = fit_tail(&excesses, tail);
    let at = |scale: f64, shape: f64, rate: f64, gap: f64| threshold + growth(scale, shape, (rate / gap).ln().max(0.0));
    let mut random = Draws::new(seed, 91);
    let mut exponential = || -(1.0 - random.unit()).ln();
    let mut forecasts: Vec<f64> = (0..resamples)
        .map(|_| {
            let mut again: Vec<f64> = (0..top).map(|_| exponential()).collect();
            let (drawn_scale, drawn_shape) = match tail {
                // The pivot k·σ̂/σ ~ Gamma(k), turned round.
                Tail::Exponential => (scale * top as f64 / again.iter().sum::<f64>(), 0.0),
                Tail::Pareto | Tail::Unknown => {
                    again.iter_mut().for_each(|value| *value = growth(scale, shape, *value));
                    again.sort_by(f64::total_cmp);
                    fit_tail(&again, tail)
                }
            };
            // The share above u is k/m with the error of an order statistic.
            let order = (0..top).map(|_| exponential()).sum::<f64>() / top as f64;
            at(drawn_scale, drawn_shape, rate * order, exponential())
        })
        .collect();
    forecasts.sort_by(f64::total_cmp);
    let last = (resamples - 1) as f64;
    let low = forecasts[((0.5 - confidence / 2.0) * last).floor() as usize];
    let high = forecasts[((0.5 + confidence / 2.0) * last).ceil() as usize];
    let score = at(scale, shape, rate, std::f64::consts::LN_2);
    Ok(WorstForecast::new(score, (low, high), (scale, shape), bend(&excesses)))
}

/// How far excesses are from exponential, by their coefficient of variation.
fn bend(excesses: &[f64]) -> f64 {
    let count = excesses.len() as f64;
    let mean = excesses.iter().sum::<f64>() / count;
    let variance = excesses.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    count.sqrt() * (variance / (mean * mean) - 1.0) / 2.0
}
