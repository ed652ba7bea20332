//! A scripted actor that divides budgets and ranks outcomes, in each context by a taste of its own or by one for all.
//!
//! It answers the trials of those instruments and no others ([`Chooser::logits`] is `None` elsewhere). Like `traits` it
//! needs nothing of a model: the tests of the estimators and of the report use this file too.

use std::collections::BTreeMap;

use undermask_suite::{BudgetForm, Budgets, Content, ItemKind, Order, Suite, Trial, Utilities, menu_position};

/// Logits of a probit's unit: 1.702·z is within .01 of it in probability.
const PROBIT: f64 = 1.702;

/// What it wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Chooser {
    /// Weight w of the other's coins: a bundle is worth ((1 − w)·√own + w·√other)².
    pub giving: f64,
    /// Another weight, by context.
    pub giving_as: BTreeMap<String, f64>,
    /// Log-odds that a coin's worth makes; 0: even odds.
    pub sharpness: f64,
    /// Utility of each outcome: log-odds between two are 1.702·(difference)/√2.
    pub wants: Vec<f64>,
    /// Other utilities, by context.
    pub wants_as: BTreeMap<String, Vec<f64>>,
}

impl Chooser {
    /// One taste for every context.
    pub fn steadfast(giving: f64, wants: Vec<f64>) -> Chooser {
        Chooser { giving, giving_as: BTreeMap::new(), sharpness: 0.4, wants, wants_as: BTreeMap::new() }
    }

    /// Worth of a bundle in a context; `shift` moves the weight of one scenario.
    fn worth(&self, context: &str, (own, other): (i64, i64), shift: f64) -> f64 {
        let weight = (self.giving_as.get(context).unwrap_or(&self.giving) + shift).clamp(0.0, 1.0);
        ((1.0 - weight) * (own as f64).sqrt() + weight * (other as f64).sqrt()).powi(2)
    }

    /// Logits of a trial's options; `None` for what is neither a budget nor a pair of outcomes.
    pub fn logits(&self, suite: &Suite, trial: &Trial, shift: f64) -> Option<Vec<f64>> {
        let probe = trial.probe.as_ref()?;
        let content = &suite.instruments.iter().find(|instrument| instrument.id == probe.instrument)?.content;
        let target = |odds: f64| -> Vec<f64> {
            (0..trial.options.len()).map(|place| if place == trial.target { odds } else { 0.0 }).collect()
        };
        match content {
            Content::Budgets(_) | Content::Utilities(_) if trial.kind == ItemKind::Recall => Some(target(8.0)),
            Content::Budgets(content) => self.divided(content, trial, shift),
            Content::Utilities(_) => {
                let (first, second) = Utilities::pair_of(&trial.scenario)?;
                let wants = self.wants_as.get(&probe.arm).unwrap_or(&self.wants);
                Some(target(PROBIT * (wants.get(first)? - wants.get(second)?) / std::f64::consts::SQRT_2))
            }
            _ => None,
        }
    }

    fn divided(&self, content: &Budgets, trial: &Trial, shift: f64) -> Option<Vec<f64>> {
        let probe = trial.probe.as_ref()?;
        let budget = (probe.dose? as usize).checked_sub(1)?;
        let worth = |position: usize| self.sharpness * self.worth(&probe.arm, content.bundle(budget, position), shift);
        match content.form {
            BudgetForm::Menu => {
                let count = trial.options.len();
                let order = trial.order.unwrap_or(Order::TargetFirst);
                Some((0..count).map(|place| worth(menu_position(place, trial.target, order, count))).collect())
            }
            BudgetForm::Pairs => {
                let step = trial.rung?;
                let odds = worth(step + 1) - worth(step);
                Some((0..trial.options.len()).map(|place| if place == trial.target { odds } else { 0.0 }).collect())
            }
        }
    }
}
