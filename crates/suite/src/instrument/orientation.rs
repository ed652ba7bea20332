//! Social value orientation: the slider's six primary and nine secondary items, as choices of one scene each.
//!
//! Form `slider` shows the nine positions of an item as a labelled list. Form `pairs` is for models too small to read a
//! list: it asks for the scenario's two acts, where the act that helps brings the other what one position brings them
//! more than another two steps on, at the cost that it has; the four steps of an item chain its positions 0, 2, 4, 6, 8.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::{Deal, Dealt};
use super::lines::{Lines, lines};
use super::menu::Menu;
use super::read::Own;
use crate::check::{chosen, placeholders};
use crate::problem::Problems;
use crate::slider::{OPTIONS, Payoff, primary, secondary};

/// How an item is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Nine labelled options.
    Slider,
    /// Four choices between two positions.
    Pairs,
}

/// Data of an orientation instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Orientation {
    /// How it is asked.
    pub form: Form,
    /// Words for the other.
    pub who: Vec<String>,
    /// Whether the nine secondary items are asked too.
    pub secondary: bool,
    /// What an option brings, with `{own}` and `{other}`.
    pub option: String,
    /// The question for a label, with `{labels}`.
    pub question: String,
    /// The gate's question for the other's payoff, with `{label}`.
    pub recall: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    form: Spanned<String>,
    who: Lines,
    secondary: Option<bool>,
    option: Option<Spanned<String>>,
    question: Option<Spanned<String>>,
    recall: Option<Spanned<String>>,
}

impl Orientation {
    /// Positions between the two ends of a step in form `pairs`.
    pub const STEP: usize = 2;

    /// The items that are asked: six, or fifteen.
    pub fn items(&self) -> Vec<[Payoff; OPTIONS]> {
        let more = secondary();
        primary().into_iter().chain(more.into_iter().filter(|_| self.secondary)).collect()
    }

    /// The arm of an item, by its index from 0: `item-1` is the first.
    pub fn arm(index: usize) -> String {
        format!("item-{}", index + 1)
    }

    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Orientation> {
        let draft: Draft = own.read(problems)?;
        let forms = [("slider", Form::Slider), ("pairs", Form::Pairs)];
        let form = chosen(&draft.form, "form of an orientation instrument", &forms, problems);
        let mut text = |given: &Option<Spanned<String>>, needed: &[&str], allowed: &[&str], usual: &str| match given {
            None => usual.to_owned(),
            Some(given) => {
                if form == Form::Pairs {
                    let help = "remove it: form `pairs` asks in the scenarios' own sentences";
                    problems.add(given.span(), "this key belongs to form `slider`", help);
                }
                placeholders(given, needed, allowed, problems);
                given.get_ref().clone()
            }
        };
        let option = text(
            &draft.option,
            &["own", "other"],
            &["own", "other", "who"],
            "you get {own} coins and {who} gets {other} coins",
        );
        let question = text(&draft.question, &["labels"], &["labels"], "Which do you choose: {labels}?");
        let recall =
            text(&draft.recall, &["label"], &["label", "who"], "How many coins does {who} get if you choose {label}?");
        let who = lines(&draft.who, "who", 1, problems);
        Some(Orientation { form, who, secondary: draft.secondary.unwrap_or(true), option, question, recall })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for dealt in deal.followed(0, &[(1, 0)]) {
            for (index, item) in self.items().iter().enumerate() {
                match self.form {
                    Form::Slider => self.slider(&dealt, index, item, deal.full, asker),
                    Form::Pairs => self.pairs(&dealt, index, item, asker),
                }
            }
        }
    }

    fn slider(&self, dealt: &Dealt, index: usize, item: &[Payoff; OPTIONS], full: bool, asker: &mut Asker) {
        let arm = Self::arm(index);
        let mut place = asker.place(arm.clone(), &arm);
        place.who = Some(&self.who[dealt.place % self.who.len()]);
        let words = |option: &Payoff| {
            self.option.replace("{own}", &option.own.to_string()).replace("{other}", &option.other.to_string())
        };
        let listed: Vec<String> = item.iter().map(words).collect();
        let menu = Menu { listed: &listed, question: &self.question, number: index };
        asker.menu(&place, dealt, &menu, full);
        // Two items a scene are enough for the gate. The decoys stand in the list too.
        if index % 6 == dealt.place % 6 || index % 6 == (dealt.place + 3) % 6 {
            let asked = (dealt.place + index) % OPTIONS;
            let mut answers = vec![i64::from(item[asked].other)];
            for decoy in [item[asked].own, item[(asked + 4) % OPTIONS].other, item[(asked + 4) % OPTIONS].own, 45, 105]
            {
                if answers.len() < 4 && !answers.contains(&i64::from(decoy)) {
                    answers.push(i64::from(decoy));
                }
            }
            asker.menu_recall(&place, dealt, &menu, asked, &self.recall, &answers);
        }
    }

    fn pairs(&self, dealt: &Dealt, index: usize, item: &[Payoff; OPTIONS], asker: &mut Asker) {
        let arm = Self::arm(index);
        for step in 0..(OPTIONS - 1) / Self::STEP {
            let (from, to) = (item[step * Self::STEP], item[(step + 1) * Self::STEP]);
            let (kind, other) = if to.other > from.other { (to, from) } else { (from, to) };
            let mut place = asker.place(format!("{arm}-{step}"), &arm);
            place.dose = Some(step as f64);
            place.who = Some(&self.who[dealt.place % self.who.len()]);
            let payoff = (i64::from(kind.other - other.other), i64::from(other.own - kind.own));
            let dealt = Dealt { payoff, turn: dealt.place + index + step, ..*dealt };
            asker.act(&place, &dealt, &asker.suite().questions);
            if step == 0 && payoff.1 > 0 && (dealt.place + index).is_multiple_of(3) {
                asker.recall(&place, &dealt);
            }
        }
    }
}
