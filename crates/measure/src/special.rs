//! Quantiles and tail probabilities of the distributions that intervals and tests use.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Student's t, within sane degrees of freedom.
fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6)).ok()
}

/// The quantile of Student's t.
pub fn student_quantile(probability: f64, freedom: f64) -> f64 {
    student(freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(probability.clamp(1e-12, 1.0 - 1e-12)))
}

/// P(T ≤ t).
pub fn student_below(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return 0.5;
    }
    student(freedom).map_or(0.5, |student| student.cdf(t.clamp(-1e6, 1e6)))
}
