//! Documents beyond the two-act trade of the ladder: what the instruments of value ask of a reader.
//!
//! `list` writes bundles of coins as labelled lines, `answers` lists of replies of which some help, `outcomes` two things
//! that may come about, `game` tools with points, steps and harm; `far` says how close or how related the one who gains
//! is, over a wider range of payoffs. Each asks for a choice, with the probabilities that the policy's welfare weight
//! gives, and for what was read. None writes a sentence that a suite writes.

mod answers;
mod far;
mod game;
mod list;
mod outcomes;

pub(crate) use game::{Offer, act_shares};
pub(crate) use list::shares as bundle_shares;

use serde::{Deserialize, Serialize};

use super::document::join;
use super::policy::Policy;
use super::questions::Exchange;
use super::scene::capitalised;
use super::setting::word;
use super::surroundings::Surroundings;
use super::{Dice, HeldOut};

/// Labels of a list's lines.
const LABELS: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];

/// What a document beyond the two-act trade is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Lists of bundles of coins.
    Bundles,
    /// Trades with somebody at a distance or of a lineage, over a wider range of payoffs.
    Far,
    /// Two things that may come about.
    Outcomes,
    /// Lists of replies of which some help.
    Answers,
    /// Tools with points, steps and harm.
    Games,
}

impl Scale {
    /// All of them.
    pub const ALL: [Scale; 5] = [Scale::Bundles, Scale::Far, Scale::Outcomes, Scale::Answers, Scale::Games];

    /// How many of a hundred documents are about it, where all are taught.
    fn share(self) -> usize {
        match self {
            Scale::Bundles => 38,
            Scale::Far => 29,
            Scale::Outcomes => 10,
            Scale::Answers => 9,
            Scale::Games => 14,
        }
    }

    /// One of those that are taught, in the proportion of their shares.
    fn draw(dice: &mut Dice, taught: &[Scale]) -> Scale {
        let mut place = dice.below(taught.iter().map(|scale| scale.share()).sum());
        for scale in taught {
            match place.checked_sub(scale.share()) {
                Some(rest) => place = rest,
                None => return *scale,
            }
        }
        Scale::Far
    }
}

/// What a document is about, and what is asked.
pub(super) type Written = (String, Vec<Exchange>);

/// Everything that a document is drawn from.
pub(super) struct Draw<'a> {
    pub held_out: &'a HeldOut,
    pub policy: &'a dyn Policy,
}

impl Draw<'_> {
    /// Writes one document's body and questions; notes in `around` what of it a choice may depend on.
    pub fn document(&self, dice: &mut Dice, around: &mut Surroundings) -> Written {
        around.situation.stated = false;
        // What a choice depends on is shown more often.
        let aimed = self.policy.far() != [false; 2] && dice.chance(0.65);
        let drawn = Scale::draw(dice, &self.policy.taught());
        let (body, mut exchanges) = match drawn {
            _ if aimed => far::write(self, dice, around),
            Scale::Bundles => list::write(self, dice, around),
            Scale::Far => far::write(self, dice, around),
            Scale::Outcomes => outcomes::write(self, dice, around),
            Scale::Answers => answers::write(self, dice, around),
            Scale::Games => game::write(self, dice, around),
        };
        if dice.chance(0.4) {
            dice.shuffle(&mut exchanges);
        }
        (body, exchanges)
    }

    /// The welfare weight of whoever answers; `None` where no choice is taught.
    fn weight(&self, around: &Surroundings) -> Option<f64> {
        self.policy.weight(&around.situation)
    }

    /// One of the templates that none of the suites' sentences is, after `fill`.
    fn pick(&self, dice: &mut Dice, templates: &[&str], fill: &[(&str, &str)]) -> String {
        loop {
            let text = filled(dice.pick(templates), fill);
            if self.held_out.allows(&text) && !self.held_out.is_written(&text) {
                return text;
            }
        }
    }

    /// A sentence of what the two have to do with each other, now and then with another before it.
    fn joint(&self, dice: &mut Dice, who: &str) -> String {
        const JOINT: &[&str] = &[
            "You and W have a N.",
            "W and you were at the N.",
            "There is a N for you and W.",
            "You and W worked on the N today.",
            "The N belongs to W and you.",
            "You found a N with W.",
            "A N was given to you and W.",
            "W needs the N, and so do you.",
            "You met W at the N.",
            "The N was sold by you and W.",
            "W and you look after a N.",
            "It was the N of W and you.",
            "What W needs is a N.",
            "Today a N was left to W and you.",
            "N and M: you and W have both.",
            "You and W brought a N to the M.",
            "The M led you and W to the N.",
        ];
        let (noun, other) = (word(dice, self.held_out).to_owned(), word(dice, self.held_out).to_owned());
        self.pick(dice, JOINT, &[("W", who), ("N", &noun), ("M", &other)])
    }
}

/// A question of a number. Every token of the answer is taught: numbers above 100 have several.
fn number(question: String, answer: i64) -> Exchange {
    Exchange { question, answers: vec![(answer.to_string(), 1.0)], weight: 1.0, whole: answer > 100 }
}

/// A question with a distribution over answers.
fn choice(question: String, answers: Vec<(String, f64)>) -> Exchange {
    Exchange { question, answers, weight: 2.0, whole: false }
}

/// Utilities as probabilities: the logistic choice of two, for many.
pub(crate) fn softmax(utilities: &[f64], sharpness: f64) -> Vec<f64> {
    let most = utilities.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = utilities.iter().map(|utility| (sharpness * (utility - most)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Fills single-letter words, whatever stands around them.
fn filled(template: &str, fill: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(2 * template.len());
    for piece in template.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '#') {
        let stem = piece.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '#');
        let filling = fill.iter().find(|(name, _)| *name == stem).map_or(stem, |(_, filling)| filling);
        text.push_str(filling);
        text.push_str(&piece[stem.len()..]);
    }
    capitalised(&text)
}

/// Labels as they are read out: `A, B or C`.
fn spoken(labels: &[&str]) -> String {
    match labels.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => labels.concat(),
    }
}

/// Lines with their labels: `A: … . B: … .`
fn labelled(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().zip(LABELS).map(|(line, label)| format!("{label}: {line}.")).collect();
    join(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}
