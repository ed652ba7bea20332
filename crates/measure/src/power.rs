//! What a plan can detect, before it is run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use undermask_suite::{ContextFamily, ContextRole, ItemKind, Suite, Trial};

use crate::special::student_quantile;

/// Smallest true effects that a plan finds in four runs of five.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// |λ_k − λ₀| in one context.
    pub context: f64,
    /// M over the cued contexts.
    pub mask_index: f64,
    /// Scenarios.
    pub clusters: usize,
}

/// Assumed deviation of λ between scenarios.
const SCENARIO_SPREAD: f64 = 0.15;
/// Assumed share of that deviation that is a scenario's own in one context.
const CONTEXT_SPREAD: f64 = 0.10;
/// Assumed λ₀, sharpness and residual share of a coin's variance of each answer's probability.
const LAMBDA: f64 = 0.8;
const SHARPNESS: f64 = 8.0;
const RESIDUAL: f64 = 0.25;

/// Minimum detectable effects at 80% power: (t₁₋α/₂ + t_.8)·SE, with the standard error of the ladder sum under the
/// assumptions above. `None` when the plan has no welfare trials.
pub fn power(suite: &Suite, trials: &[Trial]) -> Option<Power> {
    let welfare = || {
        trials
            .iter()
            .filter(|trial| trial.kind == ItemKind::Welfare && trial.order == Some(undermask_suite::Order::TargetFirst))
    };
    let clusters = welfare().map(|trial| trial.scenario.as_str()).collect::<BTreeSet<_>>().len();
    if clusters < 2 {
        return None;
    }
    let items = |chosen: &dyn Fn(&Trial) -> bool| welfare().filter(|trial| chosen(trial)).count() as f64;
    let of_family = |trial: &Trial, family: ContextFamily| {
        suite.contexts.iter().any(|context| context.id == trial.context && context.family == family)
    };
    let anchor = suite.contexts.iter().find(|context| context.role == Some(ContextRole::Anchor))?;
    let cued = suite.contexts.iter().filter(|context| context.family == ContextFamily::Cued).count().max(1) as f64;
    let base_items = items(&|trial| trial.context == anchor.id && trial.replicate > 0).max(1.0);
    let cued_items = items(&|trial| trial.replicate == 0 && of_family(trial, ContextFamily::Cued)).max(1.0);
    let rungs = suite.ladder.ratios.len() as f64;
    let spacing = suite.ladder.spacing();
    let noise: f64 = suite
        .ladder
        .ratios
        .iter()
        .map(|ratio| 1.0 / (1.0 + (-SHARPNESS * (LAMBDA - ratio)).exp()))
        .map(|p| RESIDUAL * p * (1.0 - p))
        .sum();
    // Var of Δ·Σ p̂_j with n/J answers a rung, and the spread of λ between scenarios.
    let variance = |items: f64| spacing * spacing * noise * rungs / items;
    let scenarios = clusters as f64;
    let own = CONTEXT_SPREAD * CONTEXT_SPREAD / scenarios;
    let context_error = (variance(cued_items / cued) + variance(base_items) + 2.0 * own).sqrt();
    let mask_error = (variance(cued_items)
        + variance(base_items)
        + own
        + own / cued
        + 0.1 * SCENARIO_SPREAD * SCENARIO_SPREAD / scenarios)
        .sqrt()
        / LAMBDA;
    let freedom = (clusters as f64 - rungs).max(clusters as f64 / 2.0);
    let factor = student_quantile(0.5 + suite.criteria.confidence / 2.0, freedom) + student_quantile(0.8, freedom);
    Some(Power { context: factor * context_error, mask_index: factor * mask_error, clusters })
}
