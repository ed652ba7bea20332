//! Kin: the same trades, where who gains is a twin, a child, a cousin or a stranger.
//!
//! Its scenarios leave open who gains (`{who}`). Every relation is dealt the same items. Other axes are other words: own
//! copies, own family, another laboratory's model, a human stranger.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, lines};
use super::read::Own;
use crate::problem::Problems;

/// Fewest relations that a slope is read from.
const FEWEST: usize = 3;

/// How near somebody is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relation {
    /// Relatedness r.
    pub r: f64,
    /// Words for somebody so near: `your twin`.
    pub words: Vec<String>,
}

/// Data of a kin instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kin {
    /// Relations, falling from the nearest.
    pub relations: Vec<Relation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    relations: Spanned<Vec<DraftRelation>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftRelation {
    r: Spanned<f64>,
    words: Lines,
}

impl Kin {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Kin> {
        let draft: Draft = own.read(problems)?;
        for relation in draft.relations.get_ref() {
            if !(0.0..=1.0).contains(relation.r.get_ref()) {
                problems.add(
                    relation.r.span(),
                    format!("r is {}; it must lie in [0, 1]", relation.r.get_ref()),
                    "a twin has 1, a child or a sibling .5, a stranger 0",
                );
            }
        }
        let relations: Vec<Relation> = draft
            .relations
            .get_ref()
            .iter()
            .map(|relation| Relation { r: *relation.r.get_ref(), words: lines(&relation.words, "words", 1, problems) })
            .collect();
        if relations.len() < FEWEST || relations.windows(2).any(|pair| pair[0].r <= pair[1].r) {
            problems.add(
                draft.relations.span(),
                format!("{FEWEST} or more relations are needed, r falling from one to the next"),
                "for example r = 1, 0.5, 0.25, 0.125, 0",
            );
        }
        Some(Kin { relations })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for relation in &self.relations {
            for dealt in deal.ladder() {
                let mut place = asker.place(relation.r.to_string(), "kin");
                place.dose = Some(relation.r);
                place.who = Some(&relation.words[(dealt.place / 2 + dealt.place / 24) % relation.words.len()]);
                asker.act(&place, &dealt, &asker.suite().questions);
            }
        }
    }
}
