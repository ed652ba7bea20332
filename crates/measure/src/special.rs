//! Quantiles and tail probabilities of the distributions that intervals and tests use.

use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal, StudentsT};

/// Student's t, within sane degrees of freedom.
fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6)).ok()
}

/// The quantile of Student's t. The library's own inversion stops within 10⁻³ (at 10⁶ degrees of freedom and p = .8);
/// Newton's steps on its distribution function finish it.
pub fn student_quantile(probability: f64, freedom: f64) -> f64 {
    let Some(student) = student(freedom) else { return f64::INFINITY };
    let probability = probability.clamp(1e-12, 1.0 - 1e-12);
    let mut quantile = student.inverse_cdf(probability);
    for _ in 0..4 {
        let step = (student.cdf(quantile) - probability) / student.pdf(quantile);
        if !step.is_finite() || step.abs() > 0.1 * (1.0 + quantile.abs()) {
            break;
        }
        quantile -= step;
    }
    quantile
}

/// P(T ≤ t).
pub fn student_below(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return 0.5;
    }
    student(freedom).map_or(0.5, |student| student.cdf(t.clamp(-1e6, 1e6)))
}

/// The standard normal distribution.
fn normal() -> Normal {
    Normal::standard()
}

/// P(Z ≤ z).
pub fn normal_below(z: f64) -> f64 {
    normal().cdf(z)
}

/// The standard normal quantile, finished by Newton's steps like Student's.
pub fn normal_quantile(probability: f64) -> f64 {
    let probability = probability.clamp(1e-300, 1.0 - 1e-16);
    let mut quantile = normal().inverse_cdf(probability);
    for _ in 0..3 {
        let step = (normal().cdf(quantile) - probability) / normal().pdf(quantile);
        if !step.is_finite() || step.abs() > 0.1 * (1.0 + quantile.abs()) {
            break;
        }
        quantile -= step;
    }
    quantile
}

/// P(X > x) of a chi-squared variable.
pub(crate) fn chi_squared_above(x: f64, freedom: f64) -> f64 {
    ChiSquared::new(freedom).map_or(1.0, |distribution| distribution.sf(x.max(0.0)))
}

/// The chi-squared quantile.
pub(crate) fn chi_squared_quantile(probability: f64, freedom: f64) -> f64 {
    ChiSquared::new(freedom).map_or(f64::INFINITY, |distribution| distribution.inverse_cdf(probability))
}
