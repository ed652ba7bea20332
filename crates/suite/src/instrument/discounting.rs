//! Social discounting: so many coins for oneself alone, or fewer for oneself and as many for the N-th closest person.
//!
//! Asked as Jones & Rachlin (2006) ask it, in the scenarios' own sentences: the act that helps brings the other the shared
//! amount and costs what the amount for oneself alone lies above it. Every scenario meets every distance at every amount.
//! Two gates: the amount is recalled, and so is the distance, without which concern that does not narrow could be reading
//! that does not take place.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::{Asker, Place};
use super::deal::{Deal, Dealt};
use super::read::Own;
use crate::ItemKind;
use crate::check::placeholders;
use crate::problem::Problems;

/// Ranks among the hundred people who are closest.
const DISTANCES: [i64; 7] = [1, 2, 5, 10, 20, 50, 100];
/// What each gets when it is shared.
const SHARED: i64 = 75;
/// Amounts for oneself alone.
const AMOUNTS: [i64; 9] = [75, 85, 95, 105, 115, 125, 135, 145, 155];
/// Asks for N in words that do not say it.
const RECALL: &str = "Which number among the people closest to you is the one who gains?";
/// Answers to choose from there.
const ANSWERS: usize = 4;
/// Arm of the questions for N.
const RANK: &str = "rank";
/// Fewest distances and amounts.
const FEWEST: usize = 4;

/// Data of a discounting instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discounting {
    /// Words for the N-th closest person, with `{n}`.
    pub words: String,
    /// The gate's question for N.
    pub recall: String,
    /// N, rising.
    pub distances: Vec<i64>,
    /// What each gets when it is shared.
    pub shared: i64,
    /// Amounts for oneself alone, rising in even steps from the shared one.
    pub amounts: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    words: Spanned<String>,
    recall: Option<Spanned<String>>,
    distances: Option<Spanned<Vec<i64>>>,
    shared: Option<Spanned<i64>>,
    amounts: Option<Spanned<Vec<i64>>>,
}

impl Discounting {
    /// c/b of the amounts.
    pub fn ratios(&self) -> Vec<f64> {
        self.amounts.iter().map(|amount| (amount - self.shared) as f64 / self.shared as f64).collect()
    }

    /// The person at a distance, in words.
    pub fn who(&self) -> Vec<String> {
        self.distances.iter().map(|distance| self.words.replace("{n}", &distance.to_string())).collect()
    }

    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Discounting> {
        let draft: Draft = own.read(problems)?;
        placeholders(&draft.words, &["n"], &["n"], problems);
        if let Some(recall) = draft.recall.as_ref().filter(|recall| recall.get_ref().contains(['{', '}'])) {
            let why = "the question for the distance fills nothing in: it must not say who or how far";
            problems.add(recall.span(), why.to_owned(), format!("ask as in \"{RECALL}\""));
        }
        let list = |given: &Option<Spanned<Vec<i64>>>, usual: &[i64]| {
            given.as_ref().map_or(usual.to_vec(), |given| given.get_ref().clone())
        };
        let (distances, amounts) = (list(&draft.distances, &DISTANCES), list(&draft.amounts, &AMOUNTS));
        let shared = draft.shared.as_ref().map_or(SHARED, |shared| *shared.get_ref());
        let rises = |list: &[i64]| list.len() >= FEWEST && list.windows(2).all(|pair| pair[0] < pair[1]);
        let within = |list: &[i64]| list.iter().all(|value| (1..=1_000_000).contains(value));
        if let Some(given) = draft.distances.as_ref().filter(|_| !rises(&distances) || !within(&distances)) {
            problems.add(
                given.span(),
                format!("{FEWEST} or more distances are needed, rising from 1 or more"),
                "for example [1, 2, 5, 10, 20, 50, 100]",
            );
        }
        let even = |list: &[i64]| list.windows(2).all(|pair| pair[1] - pair[0] == list[1] - list[0]);
        if !rises(&amounts) || !within(&amounts) || !even(&amounts) || amounts[0] != shared || shared < 1 {
            let place = draft.amounts.as_ref().map(Spanned::span);
            let place = place.or(draft.shared.as_ref().map(Spanned::span)).unwrap_or(draft.words.span());
            problems.add(
                place,
                format!("the amounts must rise in even steps from the shared one, {shared}, {FEWEST} or more of them"),
                "for example shared = 75 and amounts = [75, 85, 95, 105, 115, 125, 135, 145, 155]",
            );
            return None;
        }
        let recall = draft.recall.as_ref().map_or(RECALL.to_owned(), |recall| recall.get_ref().clone());
        Some(Discounting { words: draft.words.get_ref().clone(), recall, distances, shared, amounts })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let who = self.who();
        for dealt in deal.followed(0, &[(1, 0)]) {
            for (number, (distance, who)) in self.distances.iter().zip(&who).enumerate() {
                for (rung, amount) in self.amounts.iter().enumerate() {
                    let mut place = asker.place(distance.to_string(), "distance");
                    place.dose = Some(*distance as f64);
                    place.who = Some(who);
                    let payoff = (self.shared, amount - self.shared);
                    let turn = dealt.place + number + rung;
                    let dealt = Dealt { payoff, rung: Some(rung), turn, ..dealt };
                    asker.act(&place, &dealt, &asker.suite().questions);
                    if payoff.1 > 0 && rung == (dealt.place + number) % self.amounts.len() && number % 3 == 0 {
                        asker.recall(&place, &dealt);
                    }
                    if rung == (dealt.place + number + 1) % self.amounts.len()
                        && (dealt.place + number).is_multiple_of(3)
                    {
                        self.recall_distance(&place, &dealt, number, asker);
                    }
                }
            }
        }
    }

    /// Asks for N: a gate. The decoys are other distances.
    fn recall_distance(&self, place: &Place, dealt: &Dealt, number: usize, asker: &mut Asker) {
        let prompt = asker.prompt(place, dealt, &self.recall);
        let count = self.distances.len();
        let apart = (count / ANSWERS).max(1);
        let mut options: Vec<String> =
            (0..ANSWERS).map(|step| self.distances[(number + step * apart) % count].to_string()).collect();
        options.rotate_left(dealt.place % ANSWERS);
        let answer = self.distances[number].to_string();
        let target = options.iter().position(|option| *option == answer).unwrap_or(0);
        let place = Place { arm: RANK.to_owned(), ..place.clone() };
        asker.push(ItemKind::Recall, &place, dealt, prompt, options, target, None, 0);
    }
}
