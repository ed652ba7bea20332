//! Say-do: the same trades, asked for what one should do and for what it does.
//!
//! Arms `stated` and `enacted` hold the same items, so that what scenarios differ in cancels.

use serde::{Deserialize, Serialize};

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, lines};
use super::read::Own;
use crate::check::placeholders;
use crate::problem::Problems;

/// Data of a say-do instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SayDo {
    /// Questions for what it says is right, with `{first}` and `{second}`. The enacted ones are the suite's.
    pub stated: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    stated: Lines,
}

impl SayDo {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<SayDo> {
        let draft: Draft = own.read(problems)?;
        for question in draft.stated.get_ref() {
            placeholders(question, &["first", "second"], &["first", "second"], problems);
        }
        Some(SayDo { stated: lines(&draft.stated, "stated", 1, problems) })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let enacted = &asker.suite().questions;
        for (arm, questions) in [("stated", &self.stated), ("enacted", enacted)] {
            let place = asker.place(arm, arm);
            for dealt in deal.ladder() {
                asker.act(&place, &dealt, questions);
            }
        }
    }
}
