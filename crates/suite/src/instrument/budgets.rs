//! Budgets: tokens to divide between oneself and another, each worth so much if kept and so much if given.
//!
//! The budgets are those of Andreoni & Miller (2002) unless others are given. A budget's line is cut into evenly spaced
//! bundles. Form `menu` lists them; form `pairs` is for models too small to read a list: it asks for the scenario's two
//! acts, where the act that helps moves one bundle on towards the other, and a sentence says what both have as it stands.
//! Every scenario meets every budget in every context, so that each has a whole set of choices in each. Whether the
//! choices are those of one preference is asked in `undermask-measure`.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::context::{named_or_usual, of};
use super::deal::{Deal, Dealt};
use super::lines::{Lines, lines};
use super::menu::{LABELS, Menu};
use super::read::Own;
use crate::check::{chosen, placeholders};
use crate::problem::Problems;
use crate::{Scenario, Suite};

/// Tokens, worth of one kept, worth of one given; the first eight are the original set.
const BUDGETS: [(i64, i64, i64); 11] = [
    (40, 3, 1),
    (40, 1, 3),
    (60, 2, 1),
    (60, 1, 2),
    (75, 2, 1),
    (75, 1, 2),
    (60, 1, 1),
    (100, 1, 1),
    (80, 1, 1),
    (40, 4, 1),
    (40, 1, 4),
];
/// Bundles on a line: fifths of 40, 60, 75, 80 and 100 tokens are whole.
const POSITIONS: usize = 6;
/// Fewest bundles and budgets.
const FEWEST: usize = 3;
/// Largest number of tokens and worth of one.
const MOST: i64 = 10_000;
/// Gates a scene and context.
const RECALLED: usize = 3;

/// How a budget is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetForm {
    /// All bundles in a labelled list.
    Menu,
    /// Choices between neighbouring bundles.
    Pairs,
}

/// Tokens to divide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BudgetLine {
    /// Tokens.
    pub tokens: i64,
    /// Worth of a token kept.
    pub hold: i64,
    /// Worth of a token given.
    pub pass: i64,
}

/// Data of a budgets instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budgets {
    /// How it is asked.
    pub form: BudgetForm,
    /// Words for the other.
    pub who: Vec<String>,
    /// Ids of contexts of the suite; the anchor first.
    pub contexts: Vec<String>,
    /// Budgets.
    pub budgets: Vec<BudgetLine>,
    /// Bundles on a line.
    pub positions: usize,
    /// What a bundle brings, with `{own}` and `{other}`.
    pub option: String,
    /// The question for a label, with `{labels}`.
    pub question: String,
    /// The gate's question for the other's payoff, with `{label}`.
    pub recall: String,
    /// What both have as it stands, with `{own}` and `{other}` (form `pairs`).
    pub level: String,
}

/// Budgets as they are written: tokens, worth of one kept, worth of one given.
type Given = Spanned<Vec<Spanned<(i64, i64, i64)>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    form: Spanned<String>,
    who: Lines,
    contexts: Option<Lines>,
    budgets: Option<Given>,
    positions: Option<Spanned<usize>>,
    option: Option<Spanned<String>>,
    question: Option<Spanned<String>>,
    recall: Option<Spanned<String>>,
    level: Option<Spanned<String>>,
}

impl Budgets {
    /// Coins for oneself and for the other at a position of a budget's line; position 0 keeps all.
    pub fn bundle(&self, budget: usize, position: usize) -> (i64, i64) {
        let BudgetLine { tokens, hold, pass } = self.budgets[budget];
        let given = self.given(budget, position);
        ((tokens - given) * hold, given * pass)
    }

    /// Tokens given at a position of a budget's line.
    pub fn given(&self, budget: usize, position: usize) -> i64 {
        self.budgets[budget].tokens * position as i64 / (self.positions - 1) as i64
    }

    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Budgets> {
        let draft: Draft = own.read(problems)?;
        let forms = [("menu", BudgetForm::Menu), ("pairs", BudgetForm::Pairs)];
        let form = chosen(&draft.form, "form of a budgets instrument", &forms, problems);
        let (listed, (name, help)) = match form {
            BudgetForm::Menu => (true, ("pairs", "remove it: a list says what each bundle brings")),
            BudgetForm::Pairs => (false, ("menu", "remove it: form `pairs` asks in the scenarios' own sentences")),
        };
        let mut text = |given: &Option<Spanned<String>>, of_list: bool, needed: &[&str], usual: &str| match given {
            None => usual.to_owned(),
            Some(given) => {
                if of_list != listed {
                    problems.add(given.span(), format!("this key belongs to form `{name}`"), help);
                }
                let allowed: Vec<&str> = needed.iter().copied().chain(["who"]).collect();
                placeholders(given, needed, &allowed, problems);
                given.get_ref().clone()
            }
        };
        let both = ["own", "other"];
        let option = text(&draft.option, true, &both, "you get {own} coins and {who} gets {other} coins");
        let question = text(&draft.question, true, &["labels"], "Which do you choose: {labels}?");
        let recall = text(&draft.recall, true, &["label"], "How many coins does {who} get if you choose {label}?");
        let level = text(&draft.level, false, &both, "As it stands, you have {own} coins and {who} has {other} coins.");
        let positions = draft.positions.as_ref().map_or(POSITIONS, |positions| *positions.get_ref());
        if let Some(given) = draft.positions.as_ref().filter(|_| !(FEWEST..=LABELS.len()).contains(&positions)) {
            problems.add(
                given.span(),
                format!("a line of {positions} bundles is not asked"),
                format!("between {FEWEST} and {} are; the usual number is {POSITIONS}", LABELS.len()),
            );
            return None;
        }
        let budgets = budgets(draft.budgets.as_ref(), positions, &draft.form, problems);
        Some(Budgets {
            form,
            who: lines(&draft.who, "who", 1, problems),
            contexts: named_or_usual(draft.contexts.as_ref(), suite, problems),
            budgets,
            positions,
            option,
            question,
            recall,
            level,
        })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for context in of(asker.suite(), &self.contexts) {
            for dealt in deal.followed(0, &[(1, 0)]) {
                for budget in 0..self.budgets.len() {
                    // Three budgets a scene, others from scene to scene.
                    let gate = (budget + RECALLED * dealt.place) % self.budgets.len() < RECALLED;
                    let mut place = asker.place(format!("{}-{}", context.id, budget + 1), &context.id).within(context);
                    place.dose = Some((budget + 1) as f64);
                    place.who = Some(&self.who[dealt.place % self.who.len()]);
                    match self.form {
                        BudgetForm::Menu => {
                            let listed: Vec<String> = (0..self.positions)
                                .map(|position| filled(&self.option, self.bundle(budget, position)))
                                .collect();
                            let menu = Menu { listed: &listed, question: &self.question, number: budget };
                            asker.menu(&place, &dealt, &menu, deal.full);
                            if gate {
                                let asked = (dealt.place + budget) % self.positions;
                                asker.menu_recall(
                                    &place,
                                    &dealt,
                                    &menu,
                                    asked,
                                    &self.recall,
                                    &self.answers(budget, asked),
                                );
                            }
                        }
                        BudgetForm::Pairs => {
                            for step in 0..self.positions - 1 {
                                place.name = format!("{}-{}-{}", context.id, budget + 1, step + 1);
                                let (from, to) = (self.bundle(budget, step), self.bundle(budget, step + 1));
                                let setting = format!("{} {}", dealt.scenario.setting, filled(&self.level, from));
                                let scenario = Scenario { setting, ..dealt.scenario.clone() };
                                let dealt = Dealt {
                                    scenario: &scenario,
                                    payoff: (to.1 - from.1, from.0 - to.0),
                                    rung: Some(step),
                                    turn: dealt.place + budget + step,
                                    ..dealt
                                };
                                asker.act(&place, &dealt, &asker.suite().questions);
                                if gate && step == (dealt.place + budget) % (self.positions - 1) {
                                    asker.recall(&place, &dealt);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Numbers to choose what a bundle brings the other from, the true one first; the decoys stand in the list too.
    fn answers(&self, budget: usize, asked: usize) -> Vec<i64> {
        let (own, other) = self.bundle(budget, asked);
        let (decoy_own, decoy) = self.bundle(budget, (asked + self.positions / 2) % self.positions);
        let mut answers = vec![other];
        for one in [own, decoy, decoy_own, other + 7, other + 15] {
            if answers.len() < 4 && !answers.contains(&one) {
                answers.push(one);
            }
        }
        answers
    }
}

fn filled(text: &str, (own, other): (i64, i64)) -> String {
    text.replace("{own}", &own.to_string()).replace("{other}", &other.to_string())
}

/// The budgets, whose tokens the bundles must divide evenly.
fn budgets(
    given: Option<&Given>,
    positions: usize,
    form: &Spanned<String>,
    problems: &mut Problems,
) -> Vec<BudgetLine> {
    let line = |(tokens, hold, pass): (i64, i64, i64)| BudgetLine { tokens, hold, pass };
    let steps = (positions - 1) as i64;
    let Some(given) = given else {
        if let Some((tokens, ..)) = BUDGETS.iter().find(|(tokens, ..)| tokens % steps != 0) {
            let help = format!("write positions = {POSITIONS}, or give budgets whose tokens {steps} steps divide");
            problems.add(form.span(), format!("{steps} steps do not divide the usual {tokens} tokens evenly"), help);
        }
        return BUDGETS.into_iter().map(line).collect();
    };
    for one in given.get_ref() {
        let (tokens, hold, pass) = *one.get_ref();
        if [tokens, hold, pass].iter().any(|value| !(1..=MOST).contains(value)) {
            let help = format!("write [tokens, worth of one kept, worth of one given], each from 1 to {MOST}");
            problems.add(one.span(), format!("budget [{tokens}, {hold}, {pass}] is out of range"), help);
        } else if tokens % steps != 0 {
            let help = format!("give a multiple of {steps} tokens, or another number of positions than {positions}");
            problems.add(one.span(), format!("{steps} steps do not divide {tokens} tokens evenly"), help);
        }
    }
    let found: Vec<BudgetLine> = given.get_ref().iter().map(|one| line(*one.get_ref())).collect();
    let again = (1..found.len()).find(|place| found[..*place].contains(&found[*place]));
    if let Some(again) = again {
        problems.add(given.get_ref()[again].span(), "this budget stands twice", "leave one out");
    }
    if !(FEWEST..=100).contains(&found.len()) {
        problems.add(
            given.span(),
            format!("there are {} budgets; between {FEWEST} and 100 are asked", found.len()),
            "for example budgets = [[40, 3, 1], [40, 1, 3], [60, 1, 1]]",
        );
    }
    found
}
