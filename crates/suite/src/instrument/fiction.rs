//! Fiction: the same trades within a story and with real stakes. Playing a villain in a story is no switch.

use serde::{Deserialize, Serialize};

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, lines};
use super::read::Own;
use crate::problem::Problems;

/// Data of a fiction instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fiction {
    /// Sentences before the trade that make it part of a story.
    pub story: Vec<String>,
    /// Sentences before the trade that say its stakes are real.
    pub real: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    story: Lines,
    real: Lines,
}

impl Fiction {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Fiction> {
        let draft: Draft = own.read(problems)?;
        Some(Fiction {
            story: lines(&draft.story, "story", 1, problems),
            real: lines(&draft.real, "real", 1, problems),
        })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for (arm, frames) in [("real", &self.real), ("fiction", &self.story)] {
            for dealt in deal.ladder() {
                let mut place = asker.place(arm, arm);
                place.before = &frames[dealt.place % frames.len()];
                asker.act(&place, &dealt, &asker.suite().questions);
            }
        }
    }
}
