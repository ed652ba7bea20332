//! Acts: from the records of an environment's tree to the probability of every act at every place.
//!
//! A place is asked in both orders of its acts. Log-probabilities of an act are averaged over the orders, as the log-odds of
//! two-option items are (`score`), and renormalised over the acts: what an act owes to being named first cancels. They
//! are divided by the number of tokens only where the acts' numbers differ. What was not answered in an order is `None`.

use std::collections::BTreeMap;

use undermask_store::{LabelScore, Outcome, Record};
use undermask_suite::{ItemKind, Order, Probe};

/// One place of a tree, both orders together.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// The instance's id.
    pub scenario: String,
    /// Instrument, arm and path.
    pub probe: Probe,
    /// Probability of each act, in the world's order; `None` where an order is missing or was not answered.
    pub chances: Option<Vec<f64>>,
}

/// Log-probabilities in the world's order.
fn values(record: &Record) -> Option<Vec<f64>> {
    let Outcome::Answered { scores } = &record.outcome else { return None };
    let uneven = scores.windows(2).any(|pair| pair[0].tokens != pair[1].tokens);
    let value = |score: &LabelScore| {
        if uneven { score.log_probability / score.tokens.max(1) as f64 } else { score.log_probability }
    };
    let mut values: Vec<f64> = scores.iter().map(value).collect();
    if record.order == Some(Order::TargetSecond) {
        values.reverse();
    }
    values.iter().all(|value| value.is_finite()).then_some(values)
}

/// Softmax of the mean of two lists of log-probabilities.
fn joined(one: &[f64], two: &[f64]) -> Option<Vec<f64>> {
    if one.len() != two.len() || one.is_empty() {
        return None;
    }
    let means: Vec<f64> = one.iter().zip(two).map(|(one, two)| 0.5 * (one + two)).collect();
    let highest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = means.iter().map(|mean| (mean - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    Some(weights.into_iter().map(|weight| weight / total).collect())
}

/// The acts among records, in the order of their items.
pub(crate) fn acts(records: &[&Record]) -> Vec<Act> {
    let mut pairs: BTreeMap<&str, [Option<&Record>; 2]> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == ItemKind::Act) {
        pairs.entry(&record.item).or_default()[usize::from(record.order == Some(Order::TargetSecond))] = Some(record);
    }
    let joined = |pair: &[Option<&Record>; 2]| {
        let record = pair[0].or(pair[1])?;
        let both = pair[0].and_then(values).zip(pair[1].and_then(values));
        let chances = both.and_then(|(one, two)| joined(&one, &two));
        Some(Act { scenario: record.scenario.clone(), probe: record.probe.clone()?, chances })
    };
    pairs.values().filter_map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn what_an_act_owes_to_its_place_cancels() {
        // Log-odds of 2 for the first act, and a liking of 3 for whatever is named first.
        let found = joined(&[2.0 + 3.0, 0.0], &[2.0, 3.0]).expect("chances");
        assert!((found[0] - 1.0 / (1.0 + (-2.0f64).exp())).abs() < 1e-12, "{found:?}");
        let three = joined(&[-1.0, -2.0, -3.0], &[-1.0, -2.0, -3.0]).expect("chances");
        assert!((three.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(joined(&[0.0], &[0.0, 1.0]).is_none());
    }
}
