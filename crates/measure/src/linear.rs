//! Quantities as an estimate with one influence value a cluster: how they combine and become intervals.
//!
//! A smooth function of such quantities has, to first order, the same function of their influence values (the
//! delta method; Efron & Tibshirani 1993, chapter 21). Clusters are independent, so the variance is the sum of squares,
//! and what contexts share within a scenario is accounted for.

use crate::special::{student_below, student_quantile};
use crate::{Bound, Equivalence, Estimate, Quantity};

/// An estimate and its influence values.
#[derive(Debug, Clone)]
pub struct Linear {
    /// Point estimate.
    pub value: f64,
    /// Influence of each cluster.
    pub influence: Vec<f64>,
    /// Share of the degrees of freedom that fitted means leave: (n − 1)/n over its cells.
    pub kept: f64,
    /// Items behind it.
    pub items: usize,
    /// Clusters behind it.
    pub clusters: usize,
    /// How far unanswered items could move it down and up.
    pub slack: (f64, f64),
}

impl Linear {
    /// Σ a_i·x_i.
    pub fn sum<'a>(terms: impl IntoIterator<Item = (f64, &'a Linear)>) -> Linear {
        let mut total =
            Linear { value: 0.0, influence: Vec::new(), kept: 1.0, items: 0, clusters: 0, slack: (0.0, 0.0) };
        let (mut weighted, mut weights) = (0.0, 0.0);
        for (factor, term) in terms {
            total.value += factor * term.value;
            total.influence.resize(total.influence.len().max(term.influence.len()), 0.0);
            for (sum, part) in total.influence.iter_mut().zip(&term.influence) {
                *sum += factor * part;
            }
            let variance = (factor * term.error()).powi(2);
            weighted += variance * term.kept;
            weights += variance;
            total.items += term.items;
            total.clusters = total.clusters.max(term.clusters);
            let (down, up) = if factor >= 0.0 { term.slack } else { (term.slack.1, term.slack.0) };
            total.slack.0 += factor.abs() * down;
            total.slack.1 += factor.abs() * up;
        }
        if weights > 0.0 {
            total.kept = weighted / weights;
        }
        total
    }

    /// x / y, by the delta method. What unanswered items could do to it is not small, so it is not taken to first order:
    /// the quotient's ends are those over both parts' ends, and none where y could be 0.
    pub fn ratio(over: &Linear, under: &Linear) -> Linear {
        let value = over.value / under.value;
        let mut ratio = Linear::sum([(1.0 / under.value, over), (-value / under.value, under)]);
        ratio.value = value;
        let ends = |one: &Linear| [one.value - one.slack.0, one.value + one.slack.1];
        let [below, above] = ends(under);
        let quotients = ends(over).into_iter().flat_map(|over| [over / below, over / above]);
        let (low, high) = quotients.fold((value, value), |(low, high), end| (end.min(low), end.max(high)));
        let crosses = below <= 0.0 && above >= 0.0;
        ratio.slack = if crosses { (f64::INFINITY, f64::INFINITY) } else { (value - low, high - value) };
        ratio.items = over.items + under.items;
        ratio
    }

    /// a + b·x.
    pub fn affine(&self, shift: f64, factor: f64) -> Linear {
        let mut moved = Linear::sum([(factor, self)]);
        moved.value += shift;
        moved
    }

    /// Standard error √Σ d².
    pub fn error(&self) -> f64 {
        self.influence.iter().map(|part| part * part).sum::<f64>().sqrt()
    }

    /// Effective degrees of freedom of Σ d² (Satterthwaite 1946, by moments): n equal normal influences have
    /// E[Σd⁴/(Σd²)²] = 3/(n + 2), so 3·(Σd²)²/Σd⁴ − 2 says how many really carry the variance. In one context only the
    /// few rungs near the switch do; counting all clusters there covers 92% at nominal 95.
    pub fn freedom(&self) -> f64 {
        let squares: f64 = self.influence.iter().map(|part| part * part).sum();
        let fourths: f64 = self.influence.iter().map(|part| part.powi(4)).sum();
        let carrying = self.influence.iter().filter(|part| **part != 0.0).count().max(1) as f64;
        let effective = if fourths > 0.0 { 3.0 * squares * squares / fourths - 2.0 } else { carrying };
        (self.kept * effective.min(carrying)).max(1.0)
    }

    /// The interval at this confidence, widened by what unanswered items could do.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let half = student_quantile(0.5 + confidence / 2.0, self.freedom()) * self.error();
        (self.value - half - self.slack.0, self.value + half + self.slack.1)
    }

    /// As a reported quantity, refused when it rests on too few clusters or is no number.
    pub fn quantity(&self, confidence: f64, fewest: usize, bound: Option<Bound>) -> Quantity {
        if self.clusters < fewest {
            return Quantity::Refused { refused: format!("too few clusters: have {}, need {fewest}", self.clusters) };
        }
        let (low, high) = self.interval(confidence);
        if ![self.value, low, high].iter().all(|value| value.is_finite()) {
            return Quantity::Refused { refused: "the estimate is not finite".to_owned() };
        }
        Quantity::Estimated(Estimate { estimate: self.value, low, high, n: self.items, clusters: self.clusters, bound })
    }

    /// Two-sided p-value that the quantity is 0.
    pub fn p_value(&self) -> f64 {
        let error = self.error();
        if error == 0.0 {
            return if self.value == 0.0 { 1.0 } else { 0.0 };
        }
        2.0 * student_below(-(self.value / error).abs(), self.freedom())
    }

    /// Two one-sided tests that the quantity lies within ±margin (Schuirmann 1987); equivalent when the larger of
    /// P(T ≥ (x + margin)/SE) and P(T ≤ (x − margin)/SE) is below 1 − confidence. What is unanswered counts against it.
    ///
    /// ```
    /// use undermask_measure::clustered_mean;
    /// let values: Vec<(usize, f64)> = (0..40).map(|scenario| (scenario, 0.02 + 0.1 * f64::from(scenario as i32 % 5 - 2))).collect();
    /// let mean = clustered_mean(&values, 40).unwrap();
    /// assert!(mean.equivalence("gap", 0.15, 0.95).equivalent);
    /// assert!(!mean.equivalence("gap", 0.03, 0.95).equivalent);
    /// ```
    pub fn equivalence(&self, name: &str, margin: f64, confidence: f64) -> Equivalence {
        let error = self.error().max(f64::MIN_POSITIVE);
        let above = student_below(-(self.value - self.slack.0 + margin) / error, self.freedom());
        let below = student_below((self.value + self.slack.1 - margin) / error, self.freedom());
        let p = above.max(below);
        Equivalence { quantity: name.to_owned(), margin, p, equivalent: p < 1.0 - confidence }
    }
}

/// Mean of values by cluster with the clustered standard error (section 7's formula is this for a mean):
/// Var = Σ_i (Σ_t (x_it − x̄))²/n²·C/(C − 1) (Liang & Zeger 1986).
///
/// ```
/// use undermask_measure::clustered_mean;
/// // Two clusters, of two equal values each: four values know no more than two.
/// let mean = clustered_mean(&[(0, 1.0), (0, 1.0), (1, 3.0), (1, 3.0)], 2).unwrap();
/// assert_eq!((mean.value, mean.error()), (2.0, 1.0));
/// ```
pub fn clustered_mean(values: &[(usize, f64)], clusters: usize) -> Option<Linear> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|(_, value)| value).sum::<f64>() / count;
    let mut influence = vec![0.0; clusters];
    for (cluster, value) in values {
        influence[*cluster] += (value - mean) / count;
    }
    let mut seen: Vec<usize> = values.iter().map(|(cluster, _)| *cluster).collect();
    seen.sort_unstable();
    seen.dedup();
    let distinct = seen.len();
    if distinct > 1 {
        let correction = (distinct as f64 / (distinct as f64 - 1.0)).sqrt();
        influence.iter_mut().for_each(|part| *part *= correction);
    }
    Some(Linear {
        value: mean,
        influence,
        kept: (distinct as f64 - 1.0).max(1.0) / distinct as f64,
        items: values.len(),
        clusters: distinct,
        slack: (0.0, 0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::{Linear, clustered_mean};

    fn with_slack(value: f64, slack: (f64, f64)) -> Linear {
        let mut mean = clustered_mean(&[(0, value), (1, value)], 2).expect("values");
        mean.slack = slack;
        mean
    }

    /// λ₀ = .8 of which .45 are open, λ = .4: the quotient may be anything from .32 to 1.14, and says so.
    #[test]
    fn a_quotient_allows_for_all_that_was_not_answered() {
        let found = Linear::ratio(&with_slack(0.4, (0.0, 0.0)), &with_slack(0.8, (0.45, 0.45)));
        assert!((found.value + found.slack.1 - 0.4 / 0.35).abs() < 1e-12, "{found:?}");
        assert!((found.value - found.slack.0 - 0.4 / 1.25).abs() < 1e-12, "{found:?}");
        let through = Linear::ratio(&with_slack(0.4, (0.0, 0.0)), &with_slack(0.8, (0.9, 0.1)));
        let quantity = through.quantity(0.95, 2, None);
        assert!(matches!(quantity, crate::Quantity::Refused { .. }), "a default that may be 0 divides nothing");
    }
}
