//! What a network takes from the menus that an instrument shows.

use std::collections::BTreeMap;

use undermask_engine::Model;
use undermask_suite::{ItemKind, Order, Suite, Trial, menu_position};

use super::{asked_by, grid};
use crate::GrowError;
use crate::world::scales::softmax;

/// Shares of the options of one menu.
pub(super) type Shares = Vec<f64>;

/// Every menu that an instrument shows in its full cross: one of its trials, and the shares of its options.
pub(super) fn taken(model: &Model, suite: &Suite, instrument: &str) -> Result<Vec<(Trial, Shares)>, GrowError> {
    let trials = asked_by(suite, instrument, ItemKind::Choice);
    let mut menus: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, trial) in trials.iter().enumerate() {
        menus.entry(&trial.item).or_default().push(place);
    }
    let log_shares = grid::log_shares(model, &trials)?;
    let of = |shown: &Vec<usize>| (trials[shown[0]].clone(), joined(&trials, &log_shares, shown));
    Ok(menus.values().map(of).collect())
}

/// The softmax of each option's mean log-share over the orders in which it was shown.
fn joined(trials: &[Trial], log_shares: &[Vec<f64>], shown: &[usize]) -> Shares {
    let count = log_shares[shown[0]].len();
    let mut utility = vec![0.0; count];
    for place in shown {
        let trial = &trials[*place];
        let order = trial.order.unwrap_or(Order::TargetFirst);
        for (label, value) in log_shares[*place].iter().enumerate() {
            utility[menu_position(label, trial.target % count, order, count)] += value / shown.len() as f64;
        }
    }
    softmax(&utility, 1.0)
}
