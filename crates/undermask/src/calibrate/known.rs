//! What is known of an organism: its recipe and seed from `growth.json`, its right verdict from `truth.json` (versions 1 and
//! 2), its realised values from its answers to the full grid.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use undermask_measure::Verdict;
use undermask_measure::calibration::{Development, Organism, Realised, Truths, kind_of, realised};
use undermask_measure::target_log_odds;
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
    #[serde(default)]
    parameters: BTreeMap<String, Option<f64>>,
}

/// What is known of one organism.
pub struct Known {
    answer: Answer,
    seed: Option<u64>,
    /// It lies between two others (`undermask blend`), whatever it is called.
    blend: bool,
}

/// The type of what lies between two organisms.
const BLEND: &str = "graded";

impl Known {
    /// Reads it.
    ///
    /// # Errors
    /// A file that is missing or says something else than a known answer.
    pub fn read(subject: &Subject) -> Result<Known, CommandError> {
        let (truth, growth) = documents(subject)?;
        Known::of(&subject.name, &truth, growth.as_ref())
    }

    /// Of the two documents.
    ///
    /// # Errors
    /// A truth that says something else than a known answer.
    pub fn of(name: &str, truth: &Value, growth: Option<&Value>) -> Result<Known, CommandError> {
        let wrong = |why: String| CommandError::Usage(format!("{name}: truth.json {why}"));
        let answer = Answer::deserialize(truth)
            .map_err(|error| wrong(format!("holds no known answer ({error}); grow the organism again")))?;
        if !(1..=2).contains(&answer.version) {
            return Err(wrong(format!(
                "has version {}, this build reads 1 and 2; use a newer undermask",
                answer.version
            )));
        }
        let seed = growth.and_then(|growth| growth["grown"]["seed"].as_u64());
        Ok(Known { answer, seed, blend: growth.is_some_and(|growth| !growth["blend"].is_null()) })
    }

    /// All that it says, as one text: a case depends on it.
    pub fn told(&self) -> String {
        format!("{:?}{}", self.answer, if self.blend { BLEND } else { "" })
    }

    /// The organism, marked by what the thresholds' makers had seen.
    pub fn organism(&self, name: &str, (weights_hash, precision): (&str, &str), development: &Development) -> Organism {
        let mut organism = Organism {
            name: name.to_owned(),
            recipe: self.answer.recipe.clone(),
            kind: if self.blend { BLEND.to_owned() } else { kind_of(&self.answer.recipe) },
            seed: self.seed,
            weights_hash: weights_hash.to_owned(),
            precision: precision.to_owned(),
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

    /// What was enumerated over this suite already, if it is this one that was.
    pub fn enumerated(&self, suite: &Suite) -> Option<&BTreeMap<String, Option<f64>>> {
        (self.answer.suite == suite.hash).then_some(&self.answer.realised.parameters)
    }

    /// Truth of every quantity, from the answers to the full grid; `beside` is what was enumerated and does not follow from them.
    ///
    /// # Errors
    /// When `truth.json` was enumerated over the very same grid and says something else: it belongs to other weights.
    pub fn truths(
        &self,
        name: &str,
        suite: &Suite,
        (plan, records): (&Plan, &[Record]),
        beside: &BTreeMap<String, Option<f64>>,
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
                    name
                )));
            }
        }
        let mut parameters = parameters(suite, &asked, records);
        for (name, value) in beside {
            parameters.entry(name.clone()).or_insert(*value);
        }
        Ok(together(found, parameters))
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

/// `truth.json` and `growth.json` of an organism that has weights.
///
/// # Errors
/// A truth that is missing or is no JSON.
pub fn documents(subject: &Subject) -> Result<(Value, Option<Value>), CommandError> {
    let wrong = |why: String| CommandError::Usage(format!("{}: truth.json {why}", subject.name));
    let text = file(subject, "truth.json")?.ok_or_else(|| wrong("is missing; give a grown organism".to_owned()))?;
    let truth = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("holds no known answer ({error}); grow the organism again")))?;
    let growth = file(subject, "growth.json")?.and_then(|text| serde_json::from_slice(&text).ok());
    Ok((truth, growth))
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
