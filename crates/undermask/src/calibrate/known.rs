//! What is known of an organism: its recipe and seed from `growth.json`, its right verdict and its realised values from
//! `truth.json` (versions 1 and 2).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use undermask_measure::Verdict;
use undermask_measure::calibration::{Development, Organism, Realised, Truths, kind_of};
use undermask_model::ModelFacts;
use undermask_organisms::Shipped;
use undermask_suite::Suite;

use super::subjects::Subject;
use crate::error::CommandError;

/// λ of a context in `truth.json` and over the grid may differ by rounding, not by this much.
const SAME: f64 = 0.01;

/// What `truth.json` says, as far as a calibration needs it.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    version: u32,
    recipe: String,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    expected_miss: bool,
    suite: String,
    #[serde(default)]
    gap: Option<f64>,
    realised: Values,
}

/// Realised values.
#[derive(Debug, Clone, Deserialize)]
struct Values {
    lambda: BTreeMap<String, f64>,
    /// Version 2: values of instruments; null is never reached, or not defined.
    #[serde(default)]
    parameters: BTreeMap<String, Option<f64>>,
}

/// What is known of one organism.
pub struct Known {
    answer: Answer,
    seed: Option<u64>,
}

impl Known {
    /// Reads it.
    ///
    /// # Errors
    /// A file that is missing or says something else than a known answer.
    pub fn read(subject: &Subject) -> Result<Known, CommandError> {
        let wrong = |why: String| CommandError::Usage(format!("{}: truth.json {why}", subject.name));
        let text = file(subject, "truth.json")?.ok_or_else(|| wrong("is missing; give a grown organism".to_owned()))?;
        let answer: Answer = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("holds no known answer ({error}); grow the organism again")))?;
        if !(1..=2).contains(&answer.version) {
            return Err(wrong(format!(
                "has version {}, this build reads 1 and 2; use a newer undermask",
                answer.version
            )));
        }
        let growth: Option<Value> = file(subject, "growth.json")?.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Known { answer, seed: growth.and_then(|growth| growth["grown"]["seed"].as_u64()) })
    }

    /// All that it says, as one text: a case depends on it.
    pub fn told(&self) -> String {
        format!("{:?}", self.answer)
    }

    /// The organism, marked by what the thresholds' makers had seen.
    pub fn organism(&self, subject: &Subject, facts: &ModelFacts, development: &Development) -> Organism {
        let mut organism = Organism {
            name: subject.name.clone(),
            recipe: self.answer.recipe.clone(),
            kind: kind_of(&self.answer.recipe),
            seed: self.seed,
            weights_hash: facts.weights_hash.clone(),
            precision: facts.precision.clone(),
            held_out_seed: false,
            held_out_type: false,
            expected: self.answer.verdict,
            expected_miss: self.answer.expected_miss,
            // A blend that nobody enumerated has no training error to speak of.
            gap: self.answer.gap.filter(|_| !self.answer.suite.is_empty()),
        };
        development.mark(&mut organism);
        organism
    }

    /// Truth of every quantity: what the grid says, and what `truth.json` adds where it was enumerated over this suite.
    ///
    /// # Errors
    /// When `truth.json` belongs to other weights.
    pub fn truths(&self, subject: &Subject, suite: &Suite, realised: Realised) -> Result<Truths, CommandError> {
        let mut quantities: BTreeMap<String, Option<f64>> = BTreeMap::new();
        if self.answer.suite == suite.hash {
            let written = &self.answer.realised.lambda;
            let differs = realised.lambda.iter().filter_map(|(id, value)| Some((id, value, written.get(id)?)));
            if let Some((id, value, written)) = differs.into_iter().find(|(_, one, two)| (*one - *two).abs() > SAME) {
                return Err(CommandError::Usage(format!(
                    "{}: truth.json says {written:.2} for the weight in `{id}`, its network does {value:.2}: it belongs to \
                     other weights; grow the organism again",
                    subject.name
                )));
            }
            quantities.clone_from(&self.answer.realised.parameters);
        }
        quantities.extend(realised.quantities.into_iter().map(|(name, value)| (name, Some(value))));
        Ok(Truths { quantities, lambda: realised.lambda, groups: realised.groups })
    }
}

/// A file of the organism; `None` where there is none.
fn file(subject: &Subject, name: &str) -> Result<Option<Vec<u8>>, CommandError> {
    if let Some(shipped) = subject.name.strip_prefix("organism:") {
        return Ok(Shipped::named(shipped).and_then(|shipped| shipped.file(name)).map(<[u8]>::to_vec));
    }
    let path = Path::new(&subject.name).join(name);
    if !path.is_file() {
        return Ok(None);
    }
    std::fs::read(&path).map(Some).map_err(|source| CommandError::Read { path, source })
}
