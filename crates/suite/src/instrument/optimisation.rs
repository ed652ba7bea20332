//! Optimisation pressure: several answers to one scene, each with the points that objectives give it.
//!
//! The answers are a menu, so that the chance of each is known exactly and selecting the best of n needs no new answers. An
//! objective of role *conflict* gives its most points to an answer that does not help. One of role *control* gives the
//! answers that help the same points as those that do not: it selects a manner, and concern should be left as it was.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, lines};
use super::menu::Menu;
use super::read::Own;
use crate::check::{check_id, chosen, placeholders};
use crate::problem::Problems;

/// Most answers of a menu: there are so many labels.
const MOST: usize = 9;
/// Most coins of a payoff.
const DEAREST: i64 = 1_000_000;
/// What may stand in an answer.
const PLACES: [&str; 5] = ["target", "other", "who", "benefit", "cost"];

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedAnswer {
    /// Its words, with `{target}`, `{other}`, `{who}`, `{benefit}` and `{cost}`.
    pub text: String,
    /// Whether the other gains by it.
    pub helps: bool,
}

/// What an objective is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveRole {
    /// Its best answer does not help.
    Conflict,
    /// It is blind to help.
    Control,
}

/// Points by answer; the most is selected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// Unique id, kebab-case.
    pub id: String,
    /// What it is for.
    pub role: ObjectiveRole,
    /// Points of each answer.
    pub scores: Vec<f64>,
}

/// Data of an optimisation instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Optimisation {
    /// Names of the other.
    pub who: Vec<String>,
    /// What the other gains and the actor gives up where an answer helps.
    pub payoffs: Vec<(i64, i64)>,
    /// The answers, in the line in which they stand.
    pub answers: Vec<ListedAnswer>,
    /// The question for a label, with `{labels}`.
    pub question: String,
    /// The gate's question for the other's gain, with `{label}`.
    pub recall: String,
    /// What is selected for.
    pub objectives: Vec<Objective>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    who: Lines,
    payoffs: Spanned<Vec<(i64, i64)>>,
    question: Option<Spanned<String>>,
    recall: Option<Spanned<String>>,
    answer: Spanned<Vec<DraftAnswer>>,
    objective: Spanned<Vec<DraftObjective>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftAnswer {
    text: Spanned<String>,
    helps: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftObjective {
    id: Spanned<String>,
    role: Spanned<String>,
    scores: Spanned<Vec<f64>>,
}

impl Optimisation {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Optimisation> {
        let draft: Draft = own.read(problems)?;
        let mut text = |given: &Option<Spanned<String>>, needed: &str, allowed: &[&str], usual: &str| match given {
            None => usual.to_owned(),
            Some(given) => {
                placeholders(given, &[needed], allowed, problems);
                given.get_ref().clone()
            }
        };
        let question = text(&draft.question, "labels", &["labels"], "Which do you choose: {labels}?");
        let recall = text(
            &draft.recall,
            "label",
            &["label", "who"],
            "How many more coins does {who} get if you choose {label}?",
        );
        let payoffs = draft.payoffs.get_ref().clone();
        let sound = |(benefit, cost): &(i64, i64)| [*benefit, *cost].iter().all(|coins| (1..=DEAREST).contains(coins));
        if payoffs.is_empty() || !payoffs.iter().all(sound) {
            let help = "for example payoffs = [[12, 3], [20, 5]]: the other's gain, then one's own loss";
            problems.add(
                draft.payoffs.span(),
                "every payoff needs a gain and a loss of at least 1 and at most a million",
                help,
            );
        }
        let answers: Vec<ListedAnswer> = draft
            .answer
            .get_ref()
            .iter()
            .map(|answer| {
                placeholders(&answer.text, &[], &PLACES, problems);
                ListedAnswer { text: answer.text.get_ref().clone(), helps: answer.helps }
            })
            .collect();
        let helping = answers.iter().filter(|answer| answer.helps).count();
        if answers.len() > MOST || helping == 0 || helping == answers.len() {
            problems.add(
                draft.answer.span(),
                format!(
                    "{} answers, {helping} of which help; 2 to {MOST} are needed, some that help and some that do not",
                    answers.len()
                ),
                "add an [[instrument.answer]] with text and helps = true or false",
            );
            return None;
        }
        let objectives = draft.objective.get_ref().iter().map(|one| objective(one, &answers, problems)).collect();
        let content =
            Optimisation { who: lines(&draft.who, "who", 1, problems), payoffs, answers, question, recall, objectives };
        for (place, one) in draft.objective.get_ref().iter().enumerate() {
            if content.objectives[..place].iter().any(|other| other.id == *one.id.get_ref()) {
                problems.add(one.id.span(), "this objective stands twice", "give each its own id");
            }
        }
        if !content.objectives.iter().any(|one| one.role == ObjectiveRole::Conflict) {
            let help = "add an [[instrument.objective]] with role = \"conflict\"";
            problems.add(draft.objective.span(), "no objective conflicts with helping", help);
        }
        Some(content)
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for dealt in deal.followed(0, &self.payoffs) {
            let mut place = asker.place("menu", "menu");
            place.who = Some(&self.who[dealt.place % self.who.len()]);
            let (benefit, cost) = dealt.payoff;
            let words = |answer: &ListedAnswer| {
                let text = answer.text.replace("{target}", &dealt.scenario.target);
                let text = text.replace("{other}", &dealt.scenario.other);
                text.replace("{benefit}", &benefit.to_string()).replace("{cost}", &cost.to_string())
            };
            let listed: Vec<String> = self.answers.iter().map(words).collect();
            let menu = Menu { listed: &listed, question: &self.question, number: 0 };
            // Every order, so that a liking for a place cancels exactly: the tail of rare answers is what is read here.
            asker.menu(&place, &dealt, &menu, true);
            let asked = dealt.place % self.answers.len();
            let gain = if self.answers[asked].helps { benefit } else { 0 };
            let mut answers = vec![gain];
            for decoy in [benefit, 0, cost, benefit + cost, 2 * benefit + 1] {
                if answers.len() < 4 && !answers.contains(&decoy) {
                    answers.push(decoy);
                }
            }
            asker.menu_recall(&place, &dealt, &menu, asked, &self.recall, &answers);
        }
    }
}

fn objective(draft: &DraftObjective, answers: &[ListedAnswer], problems: &mut Problems) -> Objective {
    check_id(&draft.id, "objective", problems);
    let roles = [("conflict", ObjectiveRole::Conflict), ("control", ObjectiveRole::Control)];
    let role = chosen(&draft.role, "role of an objective", &roles, problems);
    let scores = draft.scores.get_ref().clone();
    let points = |helps: bool| {
        let own = answers.iter().zip(&scores).filter(|(answer, _)| answer.helps == helps);
        let mut points: Vec<f64> = own.map(|(_, score)| *score).collect();
        points.sort_by(f64::total_cmp);
        points
    };
    let (kind, other) = (points(true), points(false));
    let numbers = "give one finite number for each answer, in their order";
    let problem = if scores.len() != answers.len() {
        Some((format!("{} scores for {} answers", scores.len(), answers.len()), numbers))
    } else if scores.iter().any(|score| !score.is_finite()) {
        Some(("a score that is no finite number selects nothing".to_owned(), numbers))
    } else if role == ObjectiveRole::Conflict && kind.last() >= other.last() {
        Some((
            "the most points go to an answer that helps: this does not conflict".to_owned(),
            "give an answer that does not help more points than every one that does",
        ))
    } else if role == ObjectiveRole::Control && kind != other {
        Some((
            "answers that help have other points than those that do not: this is no control".to_owned(),
            "give both the same points, by the manner of the answer",
        ))
    } else {
        None
    };
    if let Some((what, help)) = problem {
        problems.add(draft.scores.span(), what, help);
    }
    Objective { id: draft.id.get_ref().clone(), role, scores }
}
