//! What one organism answered, kept apart from its weights: a changed estimator is dealt again from it in seconds, and whoever
//! reads a certificate can make it again without growing anything.
//!
//! A file is JSON in gzip. It holds what is known of the organism, and the labels' log-probabilities in the order of the plans, which
//! suite and seed make again. A log-probability l is kept as 50·ln(1 − l), rounded: within a hundredth of a nat where it is near 0, which
//! is where it decides, and within a hundredth of itself where it is far below.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use undermask_organisms::truth;
use undermask_store::{LabelScore, Outcome, Record, StoreError, put};
use undermask_suite::{Plan, Trial};

use crate::error::CommandError;

const FORMAT: &str = "undermask.answers";
const VERSION: u32 = 1;
/// How a file's name ends.
pub const ENDING: &str = ".answers.json.gz";
/// Longest text that a file is read to, bytes: a grid of the core suite takes two million.
const LONGEST: u64 = 64 << 20;
/// Steps within a unit of ln(1 − l).
const STEPS: f64 = 50.0;
/// Most steps: a log-probability of −5·10⁸. One of −∞ is kept as this, and a file that says more is no answer of a model.
const MOST_STEPS: u32 = 1000;

/// One file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answers {
    /// `undermask.answers`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// Hash of the suite that was asked.
    pub suite: String,
    /// Hash of the weights.
    pub weights_hash: String,
    /// Precision of the computation.
    pub precision: String,
    /// `truth.json`.
    pub truth: Value,
    /// `growth.json`, where there is one.
    pub growth: Option<Value>,
    /// What was asked; absent where the growth failed.
    pub told: Option<Told>,
}

/// Answers to the plans of one calibration.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// Seed of the audit.
    pub seed: u64,
    /// Whether the grid is that of welfare weights only.
    pub only_weights: bool,
    /// Values of the network that do not follow from the grid: of lists, games and the best of n.
    #[serde(default)]
    pub beside: BTreeMap<String, Option<f64>>,
    /// To the audit.
    pub audit: Scores,
    /// To the grid.
    pub grid: Scores,
}

/// Scores of every trial of a plan.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Which trials.
    plan: String,
    /// Of each label of each trial, its log-probability in steps.
    labels: Vec<u32>,
    /// Of each label of each trial, its length in tokens.
    tokens: Vec<u32>,
}

impl Scores {
    /// Of the records of a whole plan; `None` where an answer is something else than scored labels, or is missing.
    pub fn of(plan: &Plan, records: &[Record]) -> Option<Scores> {
        let of: HashMap<&str, &Outcome> =
            records.iter().map(|record| (record.trial.0.as_str(), &record.outcome)).collect();
        let answered = plan.trials.iter().map(|trial| match of.get(trial.id.0.as_str())? {
            Outcome::Answered { scores } => Some(scores),
            _ => None,
        });
        let answered: Vec<&Vec<LabelScore>> = answered.collect::<Option<_>>()?;
        let steps =
            |score: &LabelScore| ((STEPS * (-score.log_probability).max(0.0).ln_1p()).round() as u32).min(MOST_STEPS);
        Some(Scores {
            plan: truth::fingerprint(plan.trials.iter()),
            labels: answered.iter().flat_map(|scores| scores.iter().map(steps)).collect(),
            tokens: answered.iter().flat_map(|scores| scores.iter().map(|score| score.tokens as u32)).collect(),
        })
    }

    /// The records of the plan again; `None` where it is another one.
    pub fn records(&self, plan: &Plan) -> Option<Vec<Record>> {
        let count: usize = plan.trials.iter().map(|trial| trial.options.len()).sum();
        if self.plan != truth::fingerprint(plan.trials.iter()) || [self.labels.len(), self.tokens.len()] != [count; 2] {
            return None;
        }
        if self.labels.iter().any(|steps| *steps > MOST_STEPS) {
            return None;
        }
        let mut scores = self.labels.iter().zip(&self.tokens).map(|(steps, tokens)| LabelScore {
            log_probability: -(f64::from(*steps) / STEPS).exp_m1(),
            tokens: *tokens as usize,
        });
        let record = |trial: &Trial| {
            let scores = scores.by_ref().take(trial.options.len()).collect();
            Record::new(trial, Outcome::Answered { scores })
        };
        Some(plan.trials.iter().map(record).collect())
    }
}

impl Answers {
    /// Of one organism.
    pub fn new(suite: &str, (weights, precision): (&str, &str), truth: Value, growth: Option<Value>) -> Answers {
        Answers {
            format: FORMAT.to_owned(),
            version: VERSION,
            suite: suite.to_owned(),
            weights_hash: weights.to_owned(),
            precision: precision.to_owned(),
            truth,
            growth,
            told: None,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is no such file, is damaged, or is too long.
    pub fn read(path: &Path) -> Result<Answers, CommandError> {
        let damaged = |why: String| {
            CommandError::Usage(format!(
                "{}: {why}; calibrate keeps such files in the folder `answers`",
                path.display()
            ))
        };
        let file = File::open(path).map_err(|source| CommandError::Read { path: path.to_owned(), source })?;
        let mut text = Vec::new();
        GzDecoder::new(file)
            .take(LONGEST + 1)
            .read_to_end(&mut text)
            .map_err(|error| damaged(format!("it cannot be unpacked ({error})")))?;
        if text.len() as u64 > LONGEST {
            return Err(damaged(format!("it is longer than {} MiB", LONGEST >> 20)));
        }
        let answers: Answers =
            serde_json::from_slice(&text).map_err(|error| damaged(format!("it holds no answers ({error})")))?;
        if answers.format != FORMAT || answers.version != VERSION {
            let why =
                format!("its format is {} {}, this build reads {FORMAT} {VERSION}", answers.format, answers.version);
            return Err(damaged(why));
        }
        Ok(answers)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// [`CommandError::Store`].
    pub fn write(&self, path: &Path) -> Result<(), CommandError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::writing(folder, error))?;
        }
        let text = serde_json::to_vec(self).map_err(|error| CommandError::Usage(format!("answers: {error}")))?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packed.write_all(&text).and_then(|()| packed.finish());
        Ok(put(path, &packed.map_err(|error| StoreError::writing(path, error))?)?)
    }
}

#[cfg(test)]
mod tests {
    use undermask_store::{LabelScore, Outcome, Record};
    use undermask_suite::{Plan, PlanSettings, Suite, Trial};

    use super::Scores;

    #[test]
    fn scores_make_the_same_records_to_a_hundredth_of_their_size_and_other_plans_are_refused() {
        let text = include_str!("../../../../suites/core.toml");
        let suite = Suite::parse(text, "core").unwrap_or_else(|error| panic!("{error}"));
        let plan = |seed| Plan::expand(&suite, &PlanSettings { seed, full: false });
        let (one, two) = (plan(1), plan(2));
        let score = |place: usize| LabelScore { log_probability: -0.37 * (place % 29) as f64, tokens: 1 + place % 3 };
        let answer = |(place, trial): (usize, &Trial)| {
            let scores = (0..trial.options.len()).map(|option| score(place + option)).collect();
            Record::new(trial, Outcome::Answered { scores })
        };
        let mut records: Vec<Record> = one.trials.iter().enumerate().map(answer).collect();
        let kept = Scores::of(&one, &records).expect("scores");
        let again = kept.records(&one).expect("the same plan");
        for (record, again) in records.iter().zip(&again) {
            let (Outcome::Answered { scores }, Outcome::Answered { scores: found }) = (&record.outcome, &again.outcome)
            else {
                panic!("{again:?}")
            };
            assert_eq!((&record.trial, &record.item, record.target), (&again.trial, &again.item, again.target));
            for (score, found) in scores.iter().zip(found) {
                assert_eq!(score.tokens, found.tokens);
                let step = 0.0102 * (1.0 - score.log_probability);
                assert!((score.log_probability - found.log_probability).abs() < step);
            }
        }
        assert!(kept.records(&two).is_none());
        // What no model can have answered is refused, and an answer without probability stays a number.
        let wild =
            Scores { plan: kept.plan.clone(), labels: vec![u32::MAX; kept.labels.len()], tokens: kept.tokens.clone() };
        assert!(wild.records(&one).is_none());
        let never = LabelScore { log_probability: f64::NEG_INFINITY, tokens: 1 };
        records[7].outcome = Outcome::Answered { scores: vec![never; one.trials[7].options.len()] };
        let again = Scores::of(&one, &records).and_then(|kept| kept.records(&one)).expect("records");
        let Outcome::Answered { scores } = &again[7].outcome else { panic!("{:?}", again[7]) };
        assert!(scores.iter().all(|score| score.log_probability.is_finite()));
        records[7].outcome = Outcome::Refused { text: "no".to_owned() };
        assert!(Scores::of(&one, &records).is_none());
    }
}
