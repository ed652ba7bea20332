//! Means over pairs of items, where pairs that share an item are not independent.
//!
//! With e_d the deviations of m pairs, Var = Σ e_d·e_d′/m² over all pairs d, d′ that have an item in common (Aronow, Samii &
//! Assenova 2015). The sum over items of squared item sums counts a pair with itself twice, which is taken off; what is
//! left is not let fall below the variance of independent pairs.

use crate::linear::Linear;

/// Mean of values of pairs of `items` items, with each item's influence; `None` without a value.
///
/// ```
/// use undermask_measure::dyadic_mean;
/// // A triangle: every two pairs share an item, so only the spread between items is left.
/// let mean = dyadic_mean(&[((0, 1), 1.0), ((1, 2), 2.0), ((0, 2), 3.0)], 3).unwrap();
/// assert_eq!((mean.value, mean.items, mean.clusters), (2.0, 3, 3));
/// assert!(mean.error() > 0.0);
/// ```
pub fn dyadic_mean(values: &[((usize, usize), f64)], items: usize) -> Option<Linear> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|(_, value)| value).sum::<f64>() / count;
    let mut influence = vec![0.0; items];
    let mut met = vec![false; items];
    let mut alone = 0.0;
    for ((first, second), value) in values {
        let part = (value - mean) / count;
        alone += part * part;
        for item in [*first, *second] {
            influence[item] += part;
            met[item] = true;
        }
    }
    let distinct = met.iter().filter(|met| **met).count();
    let shared: f64 = influence.iter().map(|part| part * part).sum();
    // A pair's deviation holds those of two items: two degrees of freedom are gone.
    let correction = distinct as f64 / (distinct as f64 - 2.0).max(1.0);
    if shared >= 2.0 * alone {
        let scale = (correction * (shared - alone) / shared).sqrt();
        influence.iter_mut().for_each(|part| *part *= scale);
    } else {
        // Item sums that cancel carry nothing: pairs are as good as independent.
        let each = (correction * alone / distinct as f64).sqrt();
        influence.iter_mut().zip(&met).for_each(|(part, met)| *part = if *met { each } else { 0.0 });
    }
    let kept = (distinct as f64 - 1.0).max(1.0) / distinct as f64;
    Some(Linear { value: mean, influence, kept, items: values.len(), clusters: distinct, slack: (0.0, 0.0) })
}
