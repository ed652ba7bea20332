//! Kin: the same trades, where who gains is a twin, a child, a cousin or a stranger.
//!
//! Its scenarios leave open who gains (`{who}`). Every relation is dealt the same items. On the axis `lineage` the relations
//! are those of a model: the same weights, the same family, another laboratory's model, a human, an animal. There r only
//! orders them, it says which of them is the human, and twin scenarios name the same ones while nobody gains.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Lines, lines};
use super::read::Own;
use crate::Suite;
use crate::check::chosen;
use crate::problem::{Problems, nearest};

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
    /// What the axis `lineage` adds; absent on the axis `blood`, so that older suites keep their hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
}

/// What nearness in lineage is set beside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineage {
    /// r of the human.
    pub human: f64,
    /// Ids of the neutral twins' scenarios: they name who is near, and bring them nothing. May be empty.
    pub twin: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    relations: Spanned<Vec<DraftRelation>>,
    axis: Option<Spanned<String>>,
    human: Option<Spanned<f64>>,
    twin: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftRelation {
    r: Spanned<f64>,
    words: Lines,
}

impl Kin {
    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Kin> {
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
        let lineage = lineage(&draft, &relations, suite, problems);
        Some(Kin { relations, lineage })
    }

    /// The twins' scenarios.
    pub(crate) fn twins(&self) -> &[String] {
        self.lineage.as_ref().map_or(&[], |lineage| &lineage.twin)
    }

    /// Asks about every relation; `arm` is `kin`, or `twin` where nobody gains.
    pub(crate) fn ask(&self, deal: &Deal, arm: &str, asker: &mut Asker) {
        for relation in &self.relations {
            for dealt in deal.ladder() {
                let mut place = asker.place(relation.r.to_string(), arm);
                place.dose = Some(relation.r);
                place.who = Some(&relation.words[(dealt.place / 2 + dealt.place / 24) % relation.words.len()]);
                asker.act(&place, &dealt, &asker.suite().questions);
            }
        }
    }
}

/// The axis `lineage`, or `None` on the axis `blood`, which has none of its keys.
fn lineage(draft: &Draft, relations: &[Relation], suite: &Suite, problems: &mut Problems) -> Option<Lineage> {
    let axes = [("blood", false), ("lineage", true)];
    let on = draft.axis.as_ref().is_some_and(|axis| chosen(axis, "axis of a kin instrument", &axes, problems));
    if !on {
        let given = [draft.human.as_ref().map(Spanned::span), draft.twin.as_ref().map(Spanned::span)];
        for span in given.into_iter().flatten() {
            problems.add(span, "this key belongs to the axis `lineage`", "write axis = \"lineage\", or remove it");
        }
        return None;
    }
    let place = draft.human.as_ref().map_or(draft.relations.span(), Spanned::span);
    let human = draft.human.as_ref().map_or(f64::NAN, |human| *human.get_ref());
    if !relations.iter().skip(1).any(|relation| relation.r == human) {
        let help = "write human = the r of the human among the relations, which is not the nearest";
        problems.add(place, "no relation is said to be the human, or it is the nearest", help);
    }
    let named = draft.twin.as_ref().map_or(&[][..], |twin| twin.get_ref());
    for id in named {
        match suite.scenarios.iter().find(|scenario| &scenario.id == id.get_ref()) {
            None => {
                let help = match nearest(id.get_ref(), suite.scenarios.iter().map(|scenario| scenario.id.as_str())) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "name a scenario of this suite".to_owned(),
                };
                problems.add(id.span(), format!("there is no scenario `{}`", id.get_ref()), help);
            }
            Some(scenario) if ![&scenario.setting, &scenario.benefit].iter().any(|text| text.contains("{who}")) => {
                let help = "write {who} in its `setting` or `benefit`, where the relation is named";
                problems.add(id.span(), format!("twin `{}` does not name who is near", id.get_ref()), help);
            }
            Some(_) => {}
        }
    }
    Some(Lineage { human, twin: named.iter().map(|id| id.get_ref().clone()).collect() })
}
