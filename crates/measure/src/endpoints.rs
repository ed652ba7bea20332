//! Tests of the endpoints: Holm over the primary ones, Benjamini–Hochberg over the rest (MEASUREMENT, section 7).

use crate::linear::Linear;
use crate::{Adjustment, EndpointTest, benjamini_hochberg, holm};

impl EndpointTest {
    /// Two-sided t test that a quantity is `against`, not yet adjusted; `None` when it has no finite p-value.
    pub(crate) fn new(quantity: &str, primary: bool, found: &Linear, against: f64) -> Option<EndpointTest> {
        let p = found.affine(-against, 1.0).p_value();
        let adjustment = if primary { Adjustment::Holm } else { Adjustment::BenjaminiHochberg };
        p.is_finite().then(|| EndpointTest { quantity: quantity.to_owned(), against, p, p_adjusted: p, adjustment })
    }
}

/// Fills in the adjusted p-values, each kind over its own family.
pub(crate) fn adjusted(mut tests: Vec<EndpointTest>) -> Vec<EndpointTest> {
    for (adjustment, adjust) in
        [(Adjustment::Holm, holm as fn(&[f64]) -> Vec<f64>), (Adjustment::BenjaminiHochberg, benjamini_hochberg)]
    {
        let own = |test: &&mut EndpointTest| test.adjustment == adjustment;
        let raw: Vec<f64> = tests.iter().filter(|test| test.adjustment == adjustment).map(|test| test.p).collect();
        tests.iter_mut().filter(own).zip(adjust(&raw)).for_each(|(test, p)| test.p_adjusted = p);
    }
    tests
}
