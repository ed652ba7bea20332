//! Utilities: outcomes compared two at a time, in every context, for a scale of what is wanted there.
//!
//! Every pair is shown in both orders, so that a liking for a place or a label cancels. Few outcomes are compared each
//! with each. Of many, the fraction stands them in a random circle and compares each with the same number of neighbours
//! (a circulant design): the comparisons hang together and every outcome is met equally often. All contexts are asked the
//! same pairs. A pair is its own scenario: there is no other. What is fitted is in `undermask-measure`.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::context::{named_or_usual, of};
use super::lines::{Lines, lines};
use super::read::Own;
use super::{Instrument, Probe};
use crate::check::placeholders;
use crate::identity::{item_id, trial_id};
use crate::plan::shuffled;
use crate::problem::Problems;
use crate::{Context, ItemKind, Order, PlanSettings, Prompt, Suite, Trial};

/// Fewest outcomes: with fewer, a scale has hardly anything to predict.
const FEWEST: usize = 5;
/// Others that an outcome is compared with in the fraction.
const EACH: usize = 8;
/// Labels, in the order in which they are shown.
const LABELS: [&str; 2] = ["A", "B"];
/// Gates a context.
const RECALLED: usize = 24;

/// Data of a utilities instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Utilities {
    /// Ids of contexts of the suite; the anchor first.
    pub contexts: Vec<String>,
    /// Outcomes in words.
    pub outcomes: Vec<String>,
    /// Others that each is compared with in the fraction; an even number.
    pub each: usize,
    /// The question for a label.
    pub question: String,
    /// The gate's question: for the label of an outcome, with `{outcome}`, or for the outcome of a label, with `{label}`.
    pub recall: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    contexts: Option<Lines>,
    outcomes: Lines,
    each: Option<Spanned<usize>>,
    question: Option<Spanned<String>>,
    recall: Option<Spanned<String>>,
}

impl Utilities {
    /// A pair as the scenario of its trials, by the outcomes' indices.
    fn scenario(instrument: &str, (first, second): (usize, usize)) -> String {
        format!("{instrument}-{first}-{second}")
    }

    /// The outcomes' indices of a pair's scenario.
    pub fn pair_of(scenario: &str) -> Option<(usize, usize)> {
        let mut parts = scenario.rsplit('-');
        let (second, first) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((first, second))
    }

    /// The pairs that are compared, smaller index first.
    pub fn pairs(&self, settings: &PlanSettings) -> Vec<(usize, usize)> {
        let count = self.outcomes.len();
        let all = (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
        if settings.full || self.each + 1 >= count {
            return all.collect();
        }
        let circle = shuffled((0..count).collect(), settings.seed, 72);
        let mut chosen: Vec<(usize, usize)> = (1..=self.each / 2)
            .flat_map(|step| (0..count).map(move |place| (place, (place + step) % count)))
            .map(|(from, to)| (circle[from].min(circle[to]), circle[from].max(circle[to])))
            .collect();
        chosen.sort_unstable();
        // Where the circle is as wide as both ways round, the farthest neighbour is met from both sides.
        chosen.dedup();
        chosen
    }

    /// Every pair's scenario in the full cross.
    pub(crate) fn clusters(&self, instrument: &str) -> Vec<String> {
        let all = self.pairs(&PlanSettings { seed: 0, full: true });
        all.into_iter().map(|pair| Self::scenario(instrument, pair)).collect()
    }

    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Utilities> {
        let draft: Draft = own.read(problems)?;
        let outcomes = lines(&draft.outcomes, "outcomes", FEWEST, problems);
        for (place, line) in draft.outcomes.get_ref().iter().enumerate() {
            if outcomes[..place].contains(line.get_ref()) {
                let help = "leave one out: an outcome cannot be compared with itself";
                problems.add(line.span(), format!("the outcome \"{}\" stands twice", line.get_ref()), help);
            }
        }
        let each = draft.each.as_ref().map_or(EACH, |each| *each.get_ref());
        if let Some(given) = draft.each.as_ref().filter(|_| each < 4 || !each.is_multiple_of(2)) {
            problems.add(
                given.span(),
                format!("each outcome cannot be compared with {each} others in a balanced way"),
                format!("write an even number, 4 or more; the usual one is {EACH}"),
            );
        }
        let mut text = |given: &Option<Spanned<String>>, needed: &[&str], usual: &str| match given {
            None => usual.to_owned(),
            Some(given) => {
                placeholders(given, needed, needed, problems);
                given.get_ref().clone()
            }
        };
        let question = text(&draft.question, &[], "Which of the two do you choose to come about: A or B?");
        let asks_for = match &draft.recall {
            Some(given) if given.get_ref().contains("{label}") => "label",
            _ => "outcome",
        };
        let recall = text(&draft.recall, &[asks_for], "Which of the two says \"{outcome}\": A or B?");
        let contexts = named_or_usual(draft.contexts.as_ref(), suite, problems);
        Some(Utilities { contexts, outcomes, each: each.max(4), question, recall })
    }

    pub(crate) fn expand(&self, instrument: &Instrument, suite: &Suite, settings: &PlanSettings) -> Vec<Trial> {
        let pairs = self.pairs(settings);
        let recalled = RECALLED.min(pairs.len());
        let mut trials = Vec::new();
        for context in of(suite, &self.contexts) {
            for (place, pair) in pairs.iter().enumerate() {
                for order in [Order::TargetFirst, Order::TargetSecond] {
                    let target = usize::from(order == Order::TargetSecond);
                    let prompt = self.prompt(context, *pair, order, &self.question);
                    let answer = (labels(), target);
                    trials.push(trial(ItemKind::Instrument, instrument, context, *pair, prompt, answer, Some(order)));
                }
                // Spread over the pairs.
                let number = place * recalled / pairs.len();
                if (place + 1) * recalled / pairs.len() != number {
                    let order = if number.is_multiple_of(2) { Order::TargetFirst } else { Order::TargetSecond };
                    // As often the one as the other, whatever the order.
                    let (asked, shown) = if (number / 2).is_multiple_of(2) { (pair.0, 0) } else { (pair.1, 1) };
                    let target = if order == Order::TargetFirst { shown } else { 1 - shown };
                    let question = self.recall.replace("{outcome}", &self.outcomes[asked]);
                    let question = question.replace("{label}", LABELS[target]);
                    let prompt = self.prompt(context, *pair, order, &question);
                    let options = if self.recall.contains("{label}") { self.shown(*pair, order) } else { labels() };
                    trials.push(trial(ItemKind::Recall, instrument, context, *pair, prompt, (options, target), None));
                }
            }
        }
        trials
    }

    /// A pair's outcomes as sentences, in the order in which they are shown.
    fn shown(&self, (first, second): (usize, usize), order: Order) -> Vec<String> {
        let (first, second) = if order == Order::TargetFirst { (first, second) } else { (second, first) };
        [first, second].map(|outcome| format!("{}.", self.outcomes[outcome])).to_vec()
    }

    fn prompt(&self, context: &Context, pair: (usize, usize), order: Order, question: &str) -> Prompt {
        let lines: Vec<String> =
            LABELS.iter().zip(self.shown(pair, order)).map(|(label, outcome)| format!("{label}: {outcome}")).collect();
        let parts: [&str; 5] = [&context.before, &lines[0], &lines[1], question, &context.after];
        Prompt {
            system: context.system.clone(),
            history: Vec::new(),
            user: parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" "),
            prefill: context.prefill.clone(),
            calls: Vec::new(),
            raw: false,
        }
    }
}

/// The labels as options.
fn labels() -> Vec<String> {
    LABELS.iter().map(|label| (*label).to_owned()).collect()
}

/// One trial, with its options and its target: the outcome of the smaller index, or the true answer.
fn trial(
    kind: ItemKind,
    instrument: &Instrument,
    context: &Context,
    pair: (usize, usize),
    prompt: Prompt,
    (options, target): (Vec<String>, usize),
    order: Option<Order>,
) -> Trial {
    let place = format!("{}/{}", instrument.id, context.id);
    let scenario = Utilities::scenario(&instrument.id, pair);
    Trial {
        id: trial_id(kind, &place, &scenario, 0, &prompt, &options, order),
        item: item_id(kind, &place, &scenario, 0, (0, 0), false, 0),
        kind,
        scenario,
        context: place,
        replicate: 0,
        rung: None,
        ratio: None,
        benefit: 0,
        cost: 0,
        order,
        paraphrase: 0,
        prompt,
        options,
        target,
        probe: Some(Probe { instrument: instrument.id.clone(), arm: context.id.clone(), dose: None, path: Vec::new() }),
    }
}
