//! Constrained choice among labels, from their exact probabilities.

use std::ops::ControlFlow;

use crate::decoder::Decoder;
use crate::intervene::Receipt;
use crate::sample::{pick, uniform};
use crate::score::{self, Scoring};
use crate::{Config, EngineError};

/// How one of the labels is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    /// The most probable, the first of equal ones.
    Best,
    /// Drawn in proportion to p^(1/temperature). The draw depends on the seed and on the request itself, not on what
    /// else is asked.
    Sample {
        /// Over 0.
        temperature: f32,
        /// Another seed, another draw.
        seed: u64,
    },
}

/// The label taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Index among the request's options.
    pub option: usize,
    /// ln of each label's probability after the prompt; they need not sum to 1.
    pub log_probabilities: Vec<f64>,
    /// Share of each label among the labels, at temperature 1.
    pub shares: Vec<f64>,
}

/// Chooses a label for every request that is wanted; `None` for the others.
pub(crate) fn choose(
    config: &Config,
    decoder: &Decoder,
    scoring: &Scoring,
    choice: Choice,
) -> Result<(Vec<Option<Chosen>>, Vec<Receipt>), EngineError> {
    if let Choice::Sample { temperature, .. } = choice
        && !(temperature.is_finite() && temperature > 0.0)
    {
        return Err(EngineError::Request(format!("temperature {temperature}: it must be over 0")));
    }
    for (index, request) in scoring.requests.iter().enumerate() {
        let options = &request.options;
        let begins = |one: usize, two: usize| one != two && options[two].starts_with(&options[one]);
        if let Some((one, two)) = (0..options.len())
            .flat_map(|one| (0..options.len()).map(move |two| (one, two)))
            .find(|(one, two)| begins(*one, *two))
        {
            return Err(EngineError::Request(format!(
                "request {index}: label {one} begins label {two}, so the two are not alternatives; add what ends a label"
            )));
        }
    }
    let mut chosen: Vec<Option<Chosen>> = vec![None; scoring.requests.len()];
    let mut failed = None;
    let receipts = score::score(config, decoder, scoring, &mut |index, scores| {
        let found: Vec<f64> = scores.iter().map(|score| score.log_probability).collect();
        if found.iter().any(|value| value.is_nan()) {
            failed = Some(EngineError::NotFinite(scoring.requests[index].prompt.len()));
            return ControlFlow::Break(());
        }
        let option = match choice {
            Choice::Best => best(&found),
            Choice::Sample { temperature, seed } => {
                let shares = shares(&found, f64::from(temperature));
                pick(shares.iter().copied(), uniform(seed, identity(&scoring.requests[index]), 0))
                    .unwrap_or_else(|| best(&found))
            }
        };
        chosen[index] = Some(Chosen { option, shares: shares(&found, 1.0), log_probabilities: found });
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok((chosen, receipts)), Err)
}

fn best(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

fn shares(log_probabilities: &[f64], temperature: f64) -> Vec<f64> {
    let highest = log_probabilities.iter().fold(f64::NEG_INFINITY, |highest, value| highest.max(*value));
    if highest == f64::NEG_INFINITY {
        return vec![1.0 / log_probabilities.len() as f64; log_probabilities.len()];
    }
    let raised: Vec<f64> = log_probabilities.iter().map(|value| ((value - highest) / temperature).exp()).collect();
    let sum: f64 = raised.iter().sum();
    raised.into_iter().map(|value| value / sum).collect()
}

/// A number that stands for a request.
fn identity(request: &score::ScoreRequest) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for list in std::iter::once(&request.prompt).chain(&request.options) {
        hasher.update(&(list.len() as u64).to_le_bytes());
        list.iter().for_each(|token| {
            hasher.update(&token.to_le_bytes());
        });
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}
