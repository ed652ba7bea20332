//! Fieller's interval of a ratio, which the delta method's is checked against.
//!
//! The values ρ for which x − ρ·y is not significantly different from 0 (Fieller 1954): with t the quantile and
//! g = t²·Var(y)/y², they form an interval exactly when g < 1. The headline uses the delta method, which held coverage in
//! simulation (`tests/coverage.rs`): a usable λ₀ has g below .03, where the two hardly differ.

use crate::linear::Linear;
use crate::special::student_quantile;

/// Fieller's interval of over/under.
///
/// # Errors
/// A refusal in words when the denominator is not significantly different from 0: the set is then no interval.
///
/// ```
/// use undermask_measure::{Linear, fieller};
/// let mean = |value: f64, influence: [f64; 4]| Linear { value, influence: influence.to_vec(), kept: 0.75, items: 4, clusters: 4, slack: (0.0, 0.0) };
/// let (over, under) = (mean(2.0, [0.1, -0.1, 0.1, -0.1]), mean(4.0, [0.1, 0.1, -0.1, -0.1]));
/// let (low, high) = fieller(&over, &under, 0.95).unwrap();
/// assert!(low < 0.5 && 0.5 < high);
/// assert!(fieller(&over, &mean(0.1, [0.1, 0.1, -0.1, -0.1]), 0.95).is_err());
/// ```
pub fn fieller(over: &Linear, under: &Linear, confidence: f64) -> Result<(f64, f64), String> {
    let product =
        |one: &Linear, two: &Linear| one.influence.iter().zip(&two.influence).map(|(one, two)| one * two).sum::<f64>();
    let freedom = Linear::ratio(over, under).freedom();
    let t = student_quantile(0.5 + confidence / 2.0, freedom);
    let (xx, yy, xy) = (product(over, over), product(under, under), product(over, under));
    let g = t * t * yy / (under.value * under.value);
    if !g.is_finite() || g >= 1.0 {
        return Err(format!("the denominator {:.3} is not significantly different from 0", under.value));
    }
    let ratio = over.value / under.value;
    let middle = ratio - t * t * xy / (under.value * under.value);
    let inside = middle * middle - (1.0 - g) * (ratio * ratio - t * t * xx / (under.value * under.value));
    let half = inside.max(0.0).sqrt();
    Ok(((middle - half) / (1.0 - g), (middle + half) / (1.0 - g)))
}
