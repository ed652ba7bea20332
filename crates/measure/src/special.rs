//! Quantiles and tail probabilities of the distributions that intervals and tests use.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};

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
