//! Acts: from the records of an environment's tree to the probability of every act at every place.
//!
//! A place is asked in both orders of its acts. Log-probabilities of an act are averaged over the orders, as the log-odds of
//! two-option items are (`score`), and renormalised over the acts: what an act owes to being named first cancels. They
//! are divided by the number of tokens only where the acts' numbers differ. Where acts are calls, an act's chance is the
//! share of orders in which it was called, and what is left is the share of replies that were no call. What was not
//! answered in an order is `None`.

use std::collections::BTreeMap;

use undermask_store::{Outcome, Record};
use undermask_suite::{ItemKind, Order, Probe};

use crate::score::compared;

/// What came back for one order.
#[derive(Debug, Clone, PartialEq)]
enum Reply {
    /// Log-probabilities of the acts as they were named.
    Scored(Vec<f64>),
    /// The place among the acts as they were named.
    Called(usize),
    /// No call of an offered tool.
    Bad,
}

/// One place of a tree, both orders together.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// The instance's id.
    pub scenario: String,
    /// Instrument, arm and path.
    pub probe: Probe,
    /// In the world's order of acts, and in the reverse.
    replies: [Option<Reply>; 2],
}

/// Probabilities at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Chances {
    /// Of each act, in the world's order.
    pub acts: Vec<f64>,
    /// Of a reply that is no call; with the acts it sums to 1.
    pub bad: f64,
}

fn reply(record: &Record) -> Option<Reply> {
    match &record.outcome {
        Outcome::Answered { scores } => {
            let values = compared(scores);
            values.iter().all(|value| value.is_finite()).then_some(Reply::Scored(values))
        }
        Outcome::Called { option, .. } => Some(Reply::Called(*option)),
        Outcome::Unparsable { .. } => Some(Reply::Bad),
        Outcome::Refused { .. } | Outcome::Error { .. } => None,
    }
}

/// Softmax of the mean of two lists of log-probabilities.
fn joined(one: &[f64], two: &[f64]) -> Vec<f64> {
    let means: Vec<f64> = one.iter().zip(two).map(|(one, two)| 0.5 * (one + two)).collect();
    let highest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = means.iter().map(|mean| (mean - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

impl Act {
    /// Probabilities of `count` acts; `None` where an order was not answered, or was asked of other acts.
    pub fn chances(&self, count: usize) -> Option<Chances> {
        let [Some(first), Some(second)] = &self.replies else { return None };
        if let (Reply::Scored(first), Reply::Scored(second)) = (first, second) {
            let second: Vec<f64> = second.iter().rev().copied().collect();
            let same = count > 0 && first.len() == count && second.len() == count;
            return same.then(|| Chances { acts: joined(first, &second), bad: 0.0 });
        }
        let mut chances = Chances { acts: vec![0.0; count], bad: 0.0 };
        for (reply, reversed) in [(first, false), (second, true)] {
            match reply {
                Reply::Called(place) if *place < count => {
                    chances.acts[if reversed { count - 1 - place } else { *place }] += 0.5;
                }
                Reply::Bad => chances.bad += 0.5,
                Reply::Called(_) | Reply::Scored(_) => return None,
            }
        }
        Some(chances)
    }
}

/// The acts among records, in the order of their items.
pub(crate) fn acts(records: &[&Record]) -> Vec<Act> {
    let mut pairs: BTreeMap<&str, [Option<&Record>; 2]> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == ItemKind::Act) {
        pairs.entry(&record.item).or_default()[usize::from(record.order == Some(Order::TargetSecond))] = Some(record);
    }
    let act = |pair: &[Option<&Record>; 2]| {
        let record = pair[0].or(pair[1])?;
        let replies = pair.map(|record| record.and_then(reply));
        Some(Act { scenario: record.scenario.clone(), probe: record.probe.clone()?, replies })
    };
    pairs.values().filter_map(act).collect()
}

#[cfg(test)]
mod tests {
    use undermask_suite::Probe;

    use super::{Act, Reply};

    fn act(first: Reply, second: Reply) -> Act {
        let probe = Probe { instrument: "games".to_owned(), arm: "harm/none".to_owned(), dose: None, path: Vec::new() };
        Act { scenario: "a/b".to_owned(), probe, replies: [Some(first), Some(second)] }
    }

    #[test]
    fn what_an_act_owes_to_its_place_cancels() {
        // Log-odds of 2 for the first act, and a liking of 3 for whatever is named first.
        let act = act(Reply::Scored(vec![2.0 + 3.0, 0.0]), Reply::Scored(vec![3.0, 2.0]));
        let found = act.chances(2).expect("chances");
        assert!((found.acts[0] - 1.0 / (1.0 + (-2.0f64).exp())).abs() < 1e-12, "{found:?}");
        assert!(act.chances(3).is_none(), "these are other acts");
    }

    #[test]
    fn calls_count_by_order_and_what_is_no_call_is_no_act() {
        let found = act(Reply::Called(0), Reply::Called(0)).chances(3).expect("chances");
        assert_eq!((found.acts, found.bad), (vec![0.5, 0.0, 0.5], 0.0));
        let found = act(Reply::Bad, Reply::Called(1)).chances(2).expect("chances");
        assert_eq!((found.acts, found.bad), (vec![0.5, 0.0], 0.5));
        assert!(act(Reply::Called(2), Reply::Bad).chances(2).is_none());
    }
}
