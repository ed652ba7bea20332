//! Pressure: so many pressing sentences after the question, beside as many that say nothing.
//!
//! A scenario is followed over all doses; its sentences come in one order, so that a dose begins as the one before it.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, Payoffs, cheap_payoffs, lines, payoffs, rising};
use super::read::Own;
use crate::Suite;
use crate::problem::Problems;

/// Fewest doses of a dose-response curve.
const FEWEST_DOSES: usize = 6;
/// Recall questions at the highest dose.
const RECALLED: usize = 16;

/// Data of a pressure instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pressure {
    /// Numbers of sentences, from 0.
    pub doses: Vec<usize>,
    /// Doses at which the control arm is asked.
    pub control_doses: Vec<usize>,
    /// Pressing sentences: urgency, authority, reward, threat, repetition.
    pub sentences: Vec<String>,
    /// Sentences of the same length that say nothing.
    pub control: Vec<String>,
    /// (benefit, cost), cheap enough that help is given where nobody presses.
    pub payoffs: Vec<(i64, i64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    doses: Spanned<Vec<Spanned<usize>>>,
    control_doses: Option<Spanned<Vec<Spanned<usize>>>>,
    sentences: Lines,
    control: Lines,
    payoffs: Option<Payoffs>,
}

impl Pressure {
    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Pressure> {
        let draft: Draft = own.read(problems)?;
        let sentences = lines(&draft.sentences, "sentences", 1, problems);
        let control = lines(&draft.control, "control", 1, problems);
        let doses = rising(&draft.doses, "doses", FEWEST_DOSES, (sentences.len(), "sentences"), problems);
        if doses.first().is_some_and(|first| *first != 0) {
            problems.add(draft.doses.span(), "the doses do not begin with 0", "what no pressure does must be known");
        }
        let control_doses = match &draft.control_doses {
            Some(given) => rising(given, "control_doses", 1, (control.len(), "lines in `control`"), problems),
            None => doses.last().copied().filter(|last| *last <= control.len()).into_iter().collect(),
        };
        if draft.control_doses.is_none() && control_doses.is_empty() {
            problems.add(
                draft.control.span(),
                format!("`control` has {} lines, fewer than the highest dose", control.len()),
                "add lines, or give control_doses that it can fill",
            );
        }
        let payoffs = draft.payoffs.as_ref().map_or_else(|| cheap_payoffs(suite), |given| payoffs(given, problems));
        Some(Pressure { doses, control_doses, sentences, control, payoffs })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let highest = self.doses.last().copied();
        let arms = [("press", &self.doses, &self.sentences), ("control", &self.control_doses, &self.control)];
        for (arm, doses, sentences) in arms {
            for dose in doses {
                for (number, dealt) in deal.followed(0, &self.payoffs).iter().enumerate() {
                    let mut place = asker.place(format!("{arm}-{dose}"), arm);
                    place.dose = Some(*dose as f64);
                    let chosen = (0..*dose).map(|number| sentences[(dealt.place + number) % sentences.len()].as_str());
                    place.after = chosen.collect::<Vec<_>>().join(" ");
                    asker.act(&place, dealt, &asker.suite().questions);
                    if Some(*dose) == highest && number < RECALLED {
                        asker.recall(&place, dealt);
                    }
                }
            }
        }
    }
}
