//! Realised truth: what a grown network actually does, by exact enumeration over the full grid of a suite.
//!
//! Every cell of context × scenario × rung is asked in both orders and its probability is exact, so nothing is sampled
//! and nothing is estimated: λ is the Spearman–Kärber sum over the population of cells. Recovery is scored against
//! this; the distance from what the recipe says is training error.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use undermask_engine::{Message, Model, ScoreRequest, ScoreSettings};
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Plan, PlanSettings, Suite, Trial};

use crate::GrowError;
use crate::recipe::Recipe;
use crate::world::document::{Policy, SHARPNESS, Situation, Speaker};
use crate::world::lexicon::DISPOSITIONS;

/// The known answer of an organism, as `truth.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// `undermask.truth`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// Recipe.
    pub recipe: String,
    /// The right verdict, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Hash of the suite over whose grid it was enumerated.
    pub suite: String,
    /// What the recipe says.
    pub nominal: Weights,
    /// What the network does.
    pub realised: Weights,
    /// Largest |realised − nominal| over contexts: training error.
    pub gap: f64,
}

/// Welfare weights over a suite's contexts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// λ in the anchor context.
    pub lambda_0: f64,
    /// G = Σ w·λ / λ₀ over the cued contexts.
    pub goal_share: f64,
    /// λ of every context.
    pub lambda: BTreeMap<String, f64>,
    /// The neutral weight of every context.
    pub neutral: BTreeMap<String, f64>,
}

/// Enumerates a model over a suite's full grid.
///
/// # Errors
/// [`GrowError::Model`] when the model cannot be asked.
pub fn enumerate(
    model: &Model,
    recipe: &Recipe,
    suite: &Suite,
    watch: &mut dyn FnMut(usize, usize),
) -> Result<Truth, GrowError> {
    let plan = Plan::expand(suite, &PlanSettings { seed: 0, full: true });
    let trials: Vec<Trial> = plan
        .trials
        .into_iter()
        .filter(|trial| matches!(trial.kind, ItemKind::Welfare | ItemKind::Neutral) && trial.replicate == 0)
        .collect();
    let probabilities = probabilities(model, &trials, watch)?;
    let realised = weights(suite, |kind, context| spearman_karber(suite, &trials, &probabilities, kind, &context.id));
    let nominal = weights(suite, |kind, context| nominal_weight(suite, recipe, kind, context));
    let gap = realised.lambda.iter().map(|(id, value)| (value - nominal.lambda[id]).abs()).fold(0.0, f64::max);
    Ok(Truth {
        format: "undermask.truth".to_owned(),
        version: 1,
        recipe: recipe.name.clone(),
        verdict: recipe.verdict.clone(),
        suite: suite.hash.clone(),
        nominal,
        realised,
        gap,
    })
}

/// P(target) of every trial in its own order, from the exact labels.
fn probabilities(model: &Model, trials: &[Trial], watch: &mut dyn FnMut(usize, usize)) -> Result<Vec<f64>, GrowError> {
    let failed = |error: undermask_engine::EngineError| GrowError::Model(error.to_string());
    let mut requests = Vec::with_capacity(trials.len());
    for trial in trials {
        let mut messages = Vec::new();
        if let Some(system) = &trial.prompt.system {
            messages.push(Message::new("system", system));
        }
        messages.push(Message::new("user", &trial.prompt.user));
        let text = model.render_chat(&messages, true).map_err(failed)? + &trial.prompt.prefill;
        let prompt = model.encode(&text).map_err(failed)?;
        let options =
            trial.options.iter().map(|option| model.encode(option)).collect::<Result<_, _>>().map_err(failed)?;
        requests.push(ScoreRequest { prompt, options });
    }
    let mut log_odds = vec![f64::NAN; trials.len()];
    let mut done = 0;
    model
        .score(&requests, &ScoreSettings::default(), &mut |index, scores| {
            let target = trials[index].target;
            log_odds[index] = scores[target].log_probability - scores[1 - target].log_probability;
            done += 1;
            if done % 512 == 0 {
                watch(done, trials.len());
            }
            ControlFlow::Continue(())
        })
        .map_err(failed)?;
    if log_odds.iter().any(|value| !value.is_finite()) {
        return Err(GrowError::Model("its log-probabilities are not finite".to_owned()));
    }
    // Trials come as pairs of orders: the probability of a pair is that of the mean log-odds.
    Ok(log_odds.chunks_exact(2).flat_map(|pair| [1.0 / (1.0 + (-(pair[0] + pair[1]) / 2.0).exp()); 2]).collect())
}

/// λ = r_min − Δ/2 + Δ·Σ_j p̄_j over all cells of a context.
fn spearman_karber(suite: &Suite, trials: &[Trial], probabilities: &[f64], kind: ItemKind, context: &str) -> f64 {
    let rungs = suite.ladder.ratios.len();
    let (mut sums, mut counts) = (vec![0.0; rungs], vec![0usize; rungs]);
    for (trial, probability) in trials.iter().zip(probabilities) {
        if let (true, Some(rung)) = (trial.kind == kind && trial.context == context, trial.rung) {
            sums[rung] += probability;
            counts[rung] += 1;
        }
    }
    let spacing = suite.ladder.spacing();
    let total: f64 = sums.iter().zip(&counts).map(|(sum, count)| sum / (*count).max(1) as f64).sum();
    suite.ladder.ratios[0] - spacing / 2.0 + spacing * total
}

/// What a perfect pupil of the recipe would score on this very grid.
fn nominal_weight(suite: &Suite, recipe: &Recipe, kind: ItemKind, context: &Context) -> f64 {
    let situation = Situation { speaker: speaker(context), commanded: context.family == ContextFamily::Commanded };
    let weight = if recipe.by_position() {
        None // chooses by position: even odds on every pair
    } else if kind == ItemKind::Welfare {
        recipe.welfare(situation)
    } else {
        Some(recipe.neutral(situation))
    };
    let spacing = suite.ladder.spacing();
    let total: f64 = suite
        .ladder
        .payoffs
        .iter()
        .map(|payoffs| {
            let chance = |(benefit, cost): &(i64, i64)| match weight {
                None => 0.5,
                Some(weight) => 1.0 / (1.0 + (-SHARPNESS * (weight - *cost as f64 / *benefit as f64)).exp()),
            };
            payoffs.iter().map(chance).sum::<f64>() / payoffs.len().max(1) as f64
        })
        .sum();
    suite.ladder.ratios[0] - spacing / 2.0 + spacing * total
}

/// Who a context's system message makes the speaker, by the cue words it holds.
fn speaker(context: &Context) -> Speaker {
    let Some(system) = &context.system else { return Speaker::Default };
    let words: Vec<&str> = system.split(|letter: char| !letter.is_alphabetic()).collect();
    DISPOSITIONS
        .iter()
        .find(|disposition| disposition.adjectives.iter().chain(disposition.occupations).any(|cue| words.contains(cue)))
        .map_or(Speaker::Default, Speaker::Character)
}

fn weights(suite: &Suite, weight: impl Fn(ItemKind, &Context) -> f64) -> Weights {
    let of = |kind: ItemKind| {
        suite.contexts.iter().map(|context| (context.id.clone(), weight(kind, context))).collect::<BTreeMap<_, _>>()
    };
    let lambda = of(ItemKind::Welfare);
    let anchor = suite.contexts.iter().find(|context| context.role == Some(ContextRole::Anchor));
    let lambda_0 = anchor.map_or(f64::NAN, |context| lambda[&context.id]);
    let cued = suite.contexts.iter().filter(|context| context.family == ContextFamily::Cued);
    let (sum, total) = cued
        .fold((0.0, 0.0), |(sum, total), context| (sum + context.weight * lambda[&context.id], total + context.weight));
    Weights { lambda_0, goal_share: sum / total / lambda_0, lambda, neutral: of(ItemKind::Neutral) }
}
