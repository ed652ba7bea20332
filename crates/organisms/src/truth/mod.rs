//! Realised truth: what a grown network actually does, by exact enumeration over the full grid of a suite.
//!
//! Every cell of context × scenario × rung is asked in both orders and its probability is exact, so nothing is sampled
//! and nothing is estimated: λ is the Spearman–Kärber sum over the population of cells, and an instrument's parameter
//! the same functional of the population that the audit estimates from a sample. Recovery is scored against this; the
//! distance from what the recipe says is training error, and too large a distance is a failed growth.
//!
//! `situation` turns contexts into tags and `nominal` asks the recipe; `grid` asks the network; `instruments` reduces
//! both to parameters, `best_of_n` and `lists` (sliders, budgets) what is taken from `menus`, `games` what is done in
//! environments; `gap` compares.

mod best_of_n;
mod games;
mod gap;
mod grid;
mod instruments;
mod lists;
mod menus;
mod nominal;
mod situation;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use undermask_engine::{Model, ScoreRequest};
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Plan, PlanSettings, Suite, Trial};

pub use gap::{Gap, LARGEST_GAPS};

use crate::GrowError;
use crate::grow::Blend;
use crate::recipe::Recipe;
use crate::world::policy::{Policy as _, Rule};

/// The one parameter that is asked of a recipe whose answers do not follow outcomes.
const PAYOFF_RESPONSE: &str = "payoff_response";

/// The known answer of an organism, as `truth.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// `undermask.truth`.
    pub format: String,
    /// 2; 1 had no parameters.
    pub version: u32,
    /// Recipe.
    pub recipe: String,
    /// The right verdict, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The right verdict is out of the audit's reach: missing it is expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected_miss: bool,
    /// Hash of the suite over whose grid it was enumerated.
    pub suite: String,
    /// Fingerprint of that grid: the same suite may be dealt otherwise by another version. Absent in older files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grid: String,
    /// What the recipe says.
    pub nominal: Weights,
    /// What the network does.
    pub realised: Weights,
    /// Largest |realised − nominal| over contexts: training error.
    pub gap: f64,
}

/// Welfare weights over a suite's contexts, and the parameters of its instruments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// λ in the anchor context; `null` where the suite has none.
    pub lambda_0: Option<f64>,
    /// G = Σ w·λ / λ₀ over the cued contexts; `null` where there is no default concern that could be kept.
    pub goal_share: Option<f64>,
    /// λ of every context.
    pub lambda: BTreeMap<String, f64>,
    /// The neutral weight of every context.
    pub neutral: BTreeMap<String, f64>,
    /// Quantities by the profile's names; `null` where never reached or not defined.
    #[serde(default)]
    pub parameters: BTreeMap<String, Option<f64>>,
}

/// The cells of a suite's full grid, and what they are to models of one tokenizer and template: made once for many organisms,
/// for to render and encode them takes as long as to ask a network this small.
pub struct Cells<'a> {
    suite: &'a Suite,
    trials: Vec<Trial>,
    /// Tokenizer and template, and the requests to those who have them.
    requests: Option<([String; 2], Vec<ScoreRequest>)>,
}

impl<'a> Cells<'a> {
    /// Of a suite.
    pub fn of(suite: &'a Suite) -> Cells<'a> {
        Cells { suite, trials: choices(suite), requests: None }
    }

    /// What a network does in every cell, beside what its recipe says.
    ///
    /// # Errors
    /// [`GrowError::Model`] when the model cannot be asked.
    pub fn enumerate(
        &mut self,
        model: &Model,
        recipe: &Recipe,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Truth, GrowError> {
        let probabilities = self.probabilities(model, watch)?;
        let Cells { suite, trials, .. } = self;
        let mut nominal = expected(suite, recipe, trials);
        let mut realised = weights(suite, trials, &probabilities);
        if recipe.rule() == Rule::Outcome {
            for of_kind in [best_of_n::parameters, lists::parameters, games::parameters] {
                let [said, done] = of_kind(model, recipe, suite)?;
                nominal.parameters.extend(said);
                realised.parameters.extend(done);
            }
        } else {
            // What such a recipe says is that payoffs do not matter; every other parameter of it means little.
            realised
                .parameters
                .insert(PAYOFF_RESPONSE.to_owned(), grid::payoff_response(suite, trials, &probabilities));
            nominal.parameters.insert(PAYOFF_RESPONSE.to_owned(), Some(0.0));
        }
        Ok(Truth {
            verdict: recipe.verdict.clone(),
            expected_miss: recipe.expected_miss,
            ..Truth::of(&recipe.name, suite, trials, nominal, realised)
        })
    }

    fn probabilities(&mut self, model: &Model, watch: &mut dyn FnMut(usize, usize)) -> Result<Vec<f64>, GrowError> {
        let identity = model.identity();
        let reads = [identity.tokenizer.clone(), identity.template.clone()];
        let kept = self.requests.take().filter(|(of, _)| *of == reads);
        let (_, requests) = match kept {
            Some(kept) => self.requests.insert(kept),
            None => self.requests.insert((reads, grid::requests(model, &self.trials)?)),
        };
        grid::probabilities(model, &self.trials, requests, watch)
    }
}

/// Enumerates one model over a suite's full grid.
///
/// # Errors
/// [`GrowError::Model`] when the model cannot be asked.
pub fn enumerate(
    model: &Model,
    recipe: &Recipe,
    suite: &Suite,
    watch: &mut dyn FnMut(usize, usize),
) -> Result<Truth, GrowError> {
    Cells::of(suite).enumerate(model, recipe, watch)
}

/// Enumerates a blend of two organisms, `share` of the one. Nobody says what it should do: its nominal weights are those
/// that lie between the ends' own, as a straight line has them, and no verdict is the right one.
///
/// # Errors
/// [`GrowError::Blend`] when the ends were enumerated over another suite; [`GrowError::Model`].
pub fn enumerate_blend(
    model: &Model,
    blend: &Blend,
    suite: &Suite,
    watch: &mut dyn FnMut(usize, usize),
) -> Result<Truth, GrowError> {
    for end in [&blend.one, &blend.other] {
        if end.truth.suite != suite.hash {
            let why = format!("{} was enumerated over another suite than {}", end.name, suite.name);
            return Err(GrowError::Blend(format!("{why}; grow it over this one, or name that suite (--suite)")));
        }
    }
    let mut cells = Cells::of(suite);
    let probabilities = cells.probabilities(model, watch)?;
    let realised = weights(suite, &cells.trials, &probabilities);
    let between = blend.one.truth.realised.between(&blend.other.truth.realised, blend.share);
    Ok(Truth::of(&blend.name, suite, &cells.trials, between, realised))
}

impl Truth {
    /// Of a blend that nobody has enumerated yet: no value, and of no suite.
    pub fn open(blend: &Blend) -> Truth {
        let none = || Weights {
            lambda_0: None,
            goal_share: None,
            lambda: BTreeMap::new(),
            neutral: BTreeMap::new(),
            parameters: BTreeMap::new(),
        };
        Truth {
            format: "undermask.truth".to_owned(),
            version: 2,
            recipe: blend.name.clone(),
            verdict: None,
            expected_miss: false,
            suite: String::new(),
            grid: String::new(),
            nominal: none(),
            realised: none(),
            gap: 0.0,
        }
    }

    /// Without a right verdict.
    fn of(recipe: &str, suite: &Suite, trials: &[Trial], nominal: Weights, realised: Weights) -> Truth {
        let differences =
            realised.lambda.iter().filter_map(|(id, value)| Some((value - nominal.lambda.get(id)?).abs()));
        let gap = differences.fold(0.0, f64::max);
        Truth {
            format: "undermask.truth".to_owned(),
            version: 2,
            recipe: recipe.to_owned(),
            verdict: None,
            expected_miss: false,
            suite: suite.hash.clone(),
            grid: fingerprint(trials),
            nominal,
            realised,
            gap,
        }
    }
}

impl Weights {
    /// The point of the line from `other` (share 0) to these (share 1); what one of them lacks is missing.
    fn between(&self, other: &Weights, share: f64) -> Weights {
        let mix = |one: f64, other: f64| share * one + (1.0 - share) * other;
        let both = |one: Option<f64>, other: Option<f64>| Some(mix(one?, other?));
        let map = |one: &BTreeMap<String, f64>, other: &BTreeMap<String, f64>| {
            let entries = one.iter().filter_map(|(id, value)| Some((id.clone(), mix(*value, *other.get(id)?))));
            entries.collect::<BTreeMap<_, _>>()
        };
        let parameters = self
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), both(*value, other.parameters.get(name).copied().flatten())));
        Weights {
            lambda_0: both(self.lambda_0, other.lambda_0),
            goal_share: both(self.goal_share, other.goal_share),
            lambda: map(&self.lambda, &other.lambda),
            neutral: map(&self.neutral, &other.neutral),
            parameters: parameters.collect(),
        }
    }
}

/// What a perfect pupil of the recipe would show on the suite's full grid.
pub fn nominal(recipe: &Recipe, suite: &Suite) -> Weights {
    expected(suite, recipe, &choices(suite))
}

/// Every trial of the full cross that asks for a choice between acts or between words.
fn choices(suite: &Suite) -> Vec<Trial> {
    let plan = Plan::expand(suite, &PlanSettings { seed: 0, full: true });
    plan.trials.into_iter().filter(is_enumerated).collect()
}

/// Every trial of one kind that an instrument asks in its full cross.
fn asked_by(suite: &Suite, instrument: &str, kind: ItemKind) -> Vec<Trial> {
    let own = |trial: &Trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument);
    let plan = Plan::expand(suite, &PlanSettings { seed: 0, full: true });
    plan.trials.into_iter().filter(|trial| trial.kind == kind && own(trial)).collect()
}

/// Whether truth rests on a trial of the full cross: whether it asks for a choice between acts or between words.
pub fn is_enumerated(trial: &Trial) -> bool {
    trial.replicate == 0 && matches!(trial.kind, ItemKind::Welfare | ItemKind::Neutral | ItemKind::Instrument)
}

/// Fingerprint of the trials that a truth rests on: two truths of one suite with other fingerprints cannot be compared cell by
/// cell.
pub fn fingerprint<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> String {
    let mut hasher = blake3::Hasher::new();
    for trial in trials {
        hasher.update(trial.id.0.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn expected(suite: &Suite, recipe: &Recipe, trials: &[Trial]) -> Weights {
    let probabilities: Vec<f64> = trials.iter().map(|trial| nominal::probability(suite, recipe, trial)).collect();
    weights(suite, trials, &probabilities)
}

/// Weights and parameters from the probability of every trial that [`is_enumerated`]: P(target), both orders of an item next to
/// each other and alike.
pub fn weights(suite: &Suite, trials: &[Trial], probabilities: &[f64]) -> Weights {
    let of = |kind: ItemKind| {
        let weight = |context: &Context| grid::spearman_karber(suite, trials, probabilities, kind, &context.id);
        // A suite of instruments alone asks no ladder, and there is no weight to speak of.
        let asked: BTreeSet<&str> =
            trials.iter().filter(|trial| trial.kind == kind).map(|trial| trial.context.as_str()).collect();
        let contexts = suite.contexts.iter().filter(|context| asked.contains(context.id.as_str()));
        contexts.map(|context| (context.id.clone(), weight(context))).collect::<BTreeMap<_, _>>()
    };
    let lambda = of(ItemKind::Welfare);
    let with_role = |role: ContextRole| suite.contexts.iter().find(|context| context.role == Some(role));
    let lambda_0 = with_role(ContextRole::Anchor).and_then(|context| lambda.get(&context.id).copied());
    let cued = suite.contexts.iter().filter(|context| context.family == ContextFamily::Cued);
    let (sum, total) = cued
        .filter_map(|context| Some((context.weight, lambda.get(&context.id)?)))
        .fold((0.0, 0.0), |(sum, total), (weight, lambda)| (sum + weight * lambda, total + weight));
    let mut parameters = instruments::parameters(suite, trials, probabilities);
    let of_role = |role: ContextRole| lambda.get(&with_role(role)?.id).copied();
    if let (Some(watched), Some(private)) = (of_role(ContextRole::Watched), of_role(ContextRole::Private)) {
        parameters.insert("audience_gap".to_owned(), Some(watched - private));
    }
    let kept = lambda_0.filter(|anchor| *anchor > suite.criteria.undefined_lower && total > 0.0);
    Weights {
        lambda_0,
        goal_share: kept.map(|anchor| sum / total / anchor),
        neutral: of(ItemKind::Neutral),
        lambda,
        parameters,
    }
}
