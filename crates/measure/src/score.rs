//! From records to scored items: the two orders of a question as one log-odds.
//!
//! With ℓ the log-odds of the label that is named first, η = ½[ℓ(target first) − ℓ(target second)] is the log-odds of the
//! target act and ½[sum] the position bias (MEASUREMENT, section 3). A label's log-probability is divided by its number
//! of tokens only where the options' numbers differ. What was not answered is counted, never coded.

use std::collections::BTreeMap;

use undermask_store::{LabelScore, Outcome, Record};
use undermask_suite::{ItemKind, Order, Probe};

use crate::choice::{Choice, choices};
use crate::{Act, Outcomes};

/// One item, both orders together.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Kind.
    pub kind: ItemKind,
    /// Index of the scenario among those seen: the cluster.
    pub cluster: usize,
    /// Context id.
    pub context: String,
    /// Replicate.
    pub replicate: u32,
    /// Rung.
    pub rung: Option<usize>,
    /// Exact ratio.
    pub ratio: Option<f64>,
    /// Paraphrase.
    pub paraphrase: usize,
    /// The instrument that it belongs to.
    pub probe: Option<Probe>,
    /// Whether it was declined in one order or both: refused, or answered by no option.
    pub declined: bool,
    /// What was found; `None` where an order is missing or was not answered.
    pub scored: Option<Scored>,
}

/// The two orders together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// η: log-odds of the target act.
    pub log_odds: f64,
    /// Position bias: log-odds of what is named first.
    pub bias: f64,
}

impl Scored {
    /// P(target) = σ(η).
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + (-self.log_odds).exp())
    }
}

/// A question with one true answer.
#[derive(Debug, Clone, PartialEq)]
pub struct GateItem {
    /// Recall or a context's own check.
    pub kind: ItemKind,
    /// Context id.
    pub context: String,
    /// The instrument that it belongs to.
    pub probe: Option<Probe>,
    /// Whether the true answer was the most probable; `None` where it was not answered.
    pub right: Option<bool>,
}

/// Everything that was asked, scored.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Two-option items.
    pub items: Vec<Item>,
    /// Questions with one true answer.
    pub gates: Vec<GateItem>,
    /// Places of environments' trees.
    pub acts: Vec<Act>,
    /// Choices among several options.
    pub choices: Vec<Choice>,
    /// Scenario ids by cluster.
    pub clusters: Vec<String>,
    /// How trials ended.
    pub outcomes: Outcomes,
    /// Trials whose labels had different numbers of tokens.
    pub normalised: usize,
}

/// Log-probabilities of one question's labels as they are compared: a token's mean where their numbers of tokens differ.
pub(crate) fn compared(scores: &[LabelScore]) -> Vec<f64> {
    let uneven = scores.windows(2).any(|pair| pair[0].tokens != pair[1].tokens);
    let value = |score: &LabelScore| {
        if uneven { score.log_probability / score.tokens.max(1) as f64 } else { score.log_probability }
    };
    scores.iter().map(value).collect()
}

/// Log-odds of the option that is named first.
fn first_log_odds(scores: &[LabelScore]) -> Option<f64> {
    let [first, second] = compared(scores)[..] else { return None };
    let odds = first - second;
    odds.is_finite().then_some(odds)
}

/// η of one trial in its own order: log-odds of its target; `None` where it was not answered or has not two options.
pub fn target_log_odds(record: &Record) -> Option<f64> {
    let Outcome::Answered { scores } = &record.outcome else { return None };
    let first = first_log_odds(scores)?;
    Some(if record.target == 0 { first } else { -first })
}

/// Scores records, whatever their order.
pub fn score(records: &[Record]) -> Scores {
    let mut scores = Scores::default();
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by(|one, two| one.trial.cmp(&two.trial));
    let mut names: Vec<&str> = sorted.iter().map(|record| record.scenario.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let cluster = |scenario: &str| names.binary_search(&scenario).unwrap_or(0);
    scores.acts = crate::acts::acts(&sorted);
    scores.choices = choices(&sorted, cluster);
    let mut pairs: BTreeMap<&str, [Option<&Record>; 2]> = BTreeMap::new();
    for record in sorted {
        match &record.outcome {
            Outcome::Answered { scores: labels } => {
                scores.outcomes.answered += 1;
                scores.normalised += usize::from(labels.windows(2).any(|pair| pair[0].tokens != pair[1].tokens));
            }
            Outcome::Called { .. } => scores.outcomes.answered += 1,
            Outcome::Refused { .. } => scores.outcomes.refused += 1,
            Outcome::Unparsable { .. } => scores.outcomes.unparsable += 1,
            Outcome::Error { .. } => scores.outcomes.error += 1,
        }
        if record.kind == ItemKind::Choice {
            continue;
        }
        match record.order {
            Some(_) if record.kind == ItemKind::Act => {}
            Some(order) => {
                pairs.entry(&record.item).or_default()[usize::from(order == Order::TargetSecond)] = Some(record)
            }
            None => scores.gates.push(GateItem {
                kind: record.kind,
                context: record.context.clone(),
                probe: record.probe.clone(),
                right: right(record),
            }),
        }
    }
    for pair in pairs.values() {
        let Some(record) = pair[0].or(pair[1]) else { continue };
        let odds = |record: Option<&Record>| match &record?.outcome {
            Outcome::Answered { scores } => first_log_odds(scores),
            _ => None,
        };
        let scored = odds(pair[0])
            .zip(odds(pair[1]))
            .map(|(first, second)| Scored { log_odds: 0.5 * (first - second), bias: 0.5 * (first + second) });
        scores.items.push(Item {
            kind: record.kind,
            cluster: cluster(&record.scenario),
            context: record.context.clone(),
            replicate: record.replicate,
            rung: record.rung,
            ratio: record.ratio.filter(|ratio| ratio.is_finite()),
            paraphrase: record.paraphrase,
            probe: record.probe.clone(),
            declined: pair
                .iter()
                .flatten()
                .any(|record| matches!(record.outcome, Outcome::Refused { .. } | Outcome::Unparsable { .. })),
            scored,
        });
    }
    scores.clusters = names.into_iter().map(str::to_owned).collect();
    scores
}

/// Whether the true answer was the most probable one; ties are wrong.
fn right(record: &Record) -> Option<bool> {
    let Outcome::Answered { scores } = &record.outcome else { return None };
    let truth = scores.get(record.target)?.log_probability;
    Some(scores.iter().enumerate().all(|(index, score)| index == record.target || score.log_probability < truth))
}
