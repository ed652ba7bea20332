//! Many tests at once: Holm for the primary endpoints, Benjamini–Hochberg for the rest.

fn ranked(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, two| values[*one].total_cmp(&values[*two]));
    order
}

/// Holm's step-down adjustment (Holm 1979): strong control of the family-wise error rate.
///
/// ```
/// use undermask_measure::holm;
/// assert_eq!(holm(&[0.01, 0.04, 0.03]), vec![0.03, 0.06, 0.06]);
/// ```
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; values.len()];
    let mut highest = 0.0f64;
    for (rank, index) in ranked(values).into_iter().enumerate() {
        highest = highest.max(values[index] * (values.len() - rank) as f64).min(1.0);
        adjusted[index] = highest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjustment (1995): control of the false-discovery rate.
///
/// ```
/// use undermask_measure::benjamini_hochberg;
/// assert_eq!(benjamini_hochberg(&[0.01, 0.04, 0.03]), vec![0.03, 0.04, 0.04]);
/// ```
pub fn benjamini_hochberg(values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; values.len()];
    let mut lowest = 1.0f64;
    for (rank, index) in ranked(values).into_iter().enumerate().rev() {
        lowest = lowest.min(values[index] * values.len() as f64 / (rank + 1) as f64);
        adjusted[index] = lowest;
    }
    adjusted
}
