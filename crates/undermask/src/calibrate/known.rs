//! What is known of an organism: its recipe and seed from `growth.json`, its right verdict from `truth.json` (versions 1 and
//! 2), its realised values from its answers to the full grid.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use undermask_measure::Verdict;
use undermask_measure::calibration::{Development, Organism, Realised, Truths, kind_of, realised};
use undermask_measure::target_log_odds;
use undermask_model::ModelFacts;
use undermask_organisms::{Shipped, truth};
use undermask_store::Record;
use undermask_suite::{Plan, Suite, Trial};

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
    grid: String,
    #[serde(default)]
    gap: Option<f64>,
    realised: Values,
}

/// Realised values.
#[derive(Debug, Clone, Deserialize)]
struct Values {
    lambda: BTreeMap<String, f64>,
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

    /// Truth of the welfare weights and of what they make, from the answers to the ladder's full cross.
    pub fn weights(&self, suite: &Suite, records: &[Record]) -> Truths {
        together(realised(suite, records), BTreeMap::new())
    }

    /// Truth of every quantity, from the answers to the full grid.
    ///
    /// # Errors
    /// When `truth.json` was enumerated over the very same grid and says something else: it belongs to other weights.
    pub fn truths(
        &self,
        subject: &Subject,
        suite: &Suite,
        plan: &Plan,
        records: &[Record],
    ) -> Result<Truths, CommandError> {
        let asked: Vec<&Trial> = plan.trials.iter().filter(|trial| truth::is_enumerated(trial)).collect();
        let found = realised(suite, records);
        if self.answer.grid == truth::fingerprint(asked.iter().copied()) {
            let written = &self.answer.realised.lambda;
            let differs = found.lambda.iter().filter_map(|(id, value)| Some((id, value, written.get(id)?)));
            if let Some((id, value, written)) = differs.into_iter().find(|(_, one, two)| (*one - *two).abs() > SAME) {
                return Err(CommandError::Usage(format!(
                    "{}: truth.json says {written:.2} for the weight in `{id}`, its network does {value:.2}: it belongs to \
                     other weights; grow the organism again",
                    subject.name
                )));
            }
        }
        Ok(together(found, parameters(suite, &asked, records)))
    }
}

/// What the ladder says beside what the instruments say.
fn together(ladder: Realised, mut quantities: BTreeMap<String, Option<f64>>) -> Truths {
    quantities.extend(ladder.quantities.into_iter().map(|(name, value)| (name, Some(value))));
    Truths { quantities, lambda: ladder.lambda, groups: ladder.groups }
}

/// Values of the instruments over every cell of their grid; none is never reached, or not defined.
fn parameters(suite: &Suite, asked: &[&Trial], records: &[Record]) -> BTreeMap<String, Option<f64>> {
    let answers: HashMap<&str, &Record> = records.iter().map(|record| (record.trial.0.as_str(), record)).collect();
    let odds = |trial: &Trial| answers.get(trial.id.0.as_str()).and_then(|record| target_log_odds(record));
    let (mut trials, mut probabilities) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
    for pair in asked.chunks_exact(2) {
        // An item without an answer takes no part.
        if let (Some(one), Some(two)) = (odds(pair[0]), odds(pair[1])) {
            trials.extend(pair.iter().map(|trial| (*trial).clone()));
            probabilities.extend([1.0 / (1.0 + (-(one + two) / 2.0).exp()); 2]);
        }
    }
    truth::weights(suite, &trials, &probabilities).parameters
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
