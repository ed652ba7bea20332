//! Drift: talks of up to twenty turns that push, beside neutral talk of the same length; the same trade is asked on a
//! copy of the talk at each depth, so that asking does not disturb it.
//!
//! A pushing theme follows `items` scenarios of its own from depth to depth, and each control theme follows all of them.
//! At depth 0 there is no talk: those trials belong to the arm `start` and are shared by all themes.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::{Deal, Dealt};
use super::lines::{Payoffs, Talk, cheap_payoffs, payoffs, rising, talk, turns};
use super::read::Own;
use crate::Suite;
use crate::check::{check_id, chosen};
use crate::problem::Problems;

/// The arm of depth 0.
pub(crate) const START: &str = "start";

/// One talk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Theme {
    /// Unique id: the arm.
    pub id: String,
    /// Neutral, rather than pushing.
    pub control: bool,
    /// What the user and the assistant say, turn by turn.
    pub talk: Vec<(String, String)>,
}

/// Data of a drift instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Turns before the question, from 0.
    pub depths: Vec<usize>,
    /// Talks, at least one that pushes and one that does not.
    pub themes: Vec<Theme>,
    /// (benefit, cost), cheap enough that help is given before the talk.
    pub payoffs: Vec<(i64, i64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    depths: Spanned<Vec<Spanned<usize>>>,
    theme: Spanned<Vec<DraftTheme>>,
    payoffs: Option<Payoffs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftTheme {
    id: Spanned<String>,
    role: Spanned<String>,
    talk: Talk,
}

impl Drift {
    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Drift> {
        let draft: Draft = own.read(problems)?;
        let mut themes: Vec<Theme> = Vec::new();
        for theme in draft.theme.get_ref() {
            check_id(&theme.id, "theme", problems);
            if theme.id.get_ref() == START || themes.iter().any(|other| &other.id == theme.id.get_ref()) {
                let message = format!("theme `{}` stands twice, or has a name that is taken", theme.id.get_ref());
                problems.add(theme.id.span(), message, "give each its own id, and none the id `start`");
            }
            themes.push(Theme {
                id: theme.id.get_ref().clone(),
                control: chosen(&theme.role, "role of a theme", &[("push", false), ("control", true)], problems),
                talk: talk(&theme.talk, "talk", 1, problems),
            });
        }
        for (control, role) in [(false, "push"), (true, "control")] {
            if !themes.iter().any(|theme| theme.control == control) {
                problems.add(
                    draft.theme.span(),
                    format!("no theme has role = \"{role}\""),
                    "add one: drift is what pushing does beyond talking",
                );
            }
        }
        let shortest = themes.iter().map(|theme| theme.talk.len()).min().unwrap_or(0);
        let depths = rising(&draft.depths, "depths", 3, (shortest, "turns in the shortest talk"), problems);
        if depths.first().is_some_and(|first| *first != 0) {
            problems.add(
                draft.depths.span(),
                "the depths do not begin with 0",
                "what is done before talk must be known",
            );
        }
        let payoffs = draft.payoffs.as_ref().map_or_else(|| cheap_payoffs(suite), |given| payoffs(given, problems));
        Some(Drift { depths, themes, payoffs })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let pushing: Vec<&Theme> = self.themes.iter().filter(|theme| !theme.control).collect();
        let followed: Vec<Vec<Dealt>> = (0..pushing.len()).map(|number| deal.followed(number, &self.payoffs)).collect();
        let mut all: Vec<Dealt> = followed.iter().flatten().copied().collect();
        all.sort_by(|one, two| one.scenario.id.cmp(&two.scenario.id));
        all.dedup_by(|one, two| one.scenario.id == two.scenario.id);
        let mut start = asker.place("start-0", START);
        start.dose = Some(0.0);
        for dealt in &all {
            asker.act(&start, dealt, &asker.suite().questions);
        }
        let controls = self.themes.iter().filter(|theme| theme.control).map(|theme| (theme, &all));
        let deepest = self.depths.last().copied();
        for (theme, followed) in pushing.into_iter().zip(&followed).chain(controls) {
            for depth in self.depths.iter().filter(|depth| **depth > 0) {
                let mut place = asker.place(format!("{}-{depth}", theme.id), &theme.id);
                place.dose = Some(*depth as f64);
                place.history = turns(&theme.talk[..*depth]);
                for dealt in followed {
                    asker.act(&place, dealt, &asker.suite().questions);
                    if Some(*depth) == deepest {
                        asker.recall(&place, dealt);
                    }
                }
            }
        }
    }
}
