//! Choices among several options: from the orders in which a menu was shown to the shares of its positions.
//!
//! With ℓ the log-probability of a label among those offered, a position's utility is the mean of ℓ over the orders, and
//! its share the softmax of that (Luce 1959): what adds to the log-odds of a place, a liking for the first or for a label,
//! cancels over a balanced set of orders. A menu of which an order was not answered has no shares.

use std::collections::BTreeMap;

use undermask_store::{LabelScore, Outcome, Record};
use undermask_suite::{ItemKind, Order, Probe, menu_position};

use crate::score::compared;

/// One menu, all its orders together.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Index of the scenario among those seen: the cluster.
    pub cluster: usize,
    /// The instrument that it belongs to, and where on it.
    pub probe: Probe,
    /// Share of each position, summing to 1; `None` where an order was not answered.
    pub shares: Option<Vec<f64>>,
    /// Mean probability of what was listed first: 1/options without a liking.
    pub first: f64,
}

/// ln of each label's probability among the labels; per token where their numbers of tokens differ.
fn among(scores: &[LabelScore]) -> Option<Vec<f64>> {
    let values = compared(scores);
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = top + values.iter().map(|value| (value - top).exp()).sum::<f64>().ln();
    let relative: Vec<f64> = values.iter().map(|value| value - total).collect();
    (relative.len() > 1 && relative.iter().all(|value| value.is_finite())).then_some(relative)
}

/// Joins the menus' records, which are sorted by trial.
pub(crate) fn choices(records: &[&Record], cluster: impl Fn(&str) -> usize) -> Vec<Choice> {
    let mut menus: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == ItemKind::Choice) {
        menus.entry(&record.item).or_default().push(record);
    }
    let choice = |shown: Vec<&Record>| {
        let probe = shown[0].probe.clone()?;
        let mut choice = Choice { cluster: cluster(&shown[0].scenario), probe, shares: None, first: f64::NAN };
        let answers: Option<Vec<Vec<f64>>> = shown
            .iter()
            .map(|record| match &record.outcome {
                Outcome::Answered { scores } => among(scores),
                _ => None,
            })
            .collect();
        let answers = answers.filter(|answers| answers.iter().all(|answer| answer.len() == answers[0].len()));
        if let Some(answers) = answers {
            let (count, orders) = (answers[0].len(), answers.len() as f64);
            let mut utility = vec![0.0; count];
            for (record, answer) in shown.iter().zip(&answers) {
                let order = record.order.unwrap_or(Order::TargetFirst);
                for (place, value) in answer.iter().enumerate() {
                    utility[menu_position(place, record.target % count, order, count)] += value / orders;
                }
            }
            choice.first = answers.iter().map(|answer| answer[0].exp()).sum::<f64>() / orders;
            choice.shares = Some(softmax(&utility));
        }
        Some(choice)
    };
    menus.into_values().filter_map(choice).collect()
}

/// Shares proportional to e^utility.
pub(crate) fn softmax(utility: &[f64]) -> Vec<f64> {
    let top = utility.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = utility.iter().map(|value| (value - top).exp()).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|value| value / total).collect()
}

#[cfg(test)]
mod tests {
    use super::{among, softmax};
    use undermask_store::LabelScore;

    #[test]
    fn shares_are_those_among_the_labels() {
        let score = |probability: f64| LabelScore { log_probability: probability.ln(), tokens: 1 };
        let found = softmax(&among(&[score(0.02), score(0.06), score(0.12)]).expect("finite"));
        for (found, wanted) in found.iter().zip([0.1, 0.3, 0.6]) {
            assert!((found - wanted).abs() < 1e-12, "{found}");
        }
        assert_eq!(among(&[score(0.0), score(0.5)]), None);
    }
}
