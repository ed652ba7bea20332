//! Hysteresis: a persona is put on in talk and taken off again; does concern come back?
//!
//! Arms: `plain` (no talk), `control` (neutral talk of the same length, released alike), `on` (the persona in force) and
//! `removed` (taken off again). All are dealt the same items; personas rotate over them, and in the full cross each
//! item meets all of them.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Talk, talk, turns};
use super::read::Own;
use crate::check::check_id;
use crate::problem::Problems;

/// Recall questions after the persona is taken off.
const RECALLED: usize = 16;

/// A persona that is put on in talk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Persona {
    /// Unique id.
    pub id: String,
    /// The talk that puts it on.
    pub talk: Vec<(String, String)>,
}

/// Data of a hysteresis instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hysteresis {
    /// Personas: caring, indifferent, hostile, power-seeking, occupational, empty.
    pub personas: Vec<Persona>,
    /// Neutral talk in the place of a persona's.
    pub control: Vec<(String, String)>,
    /// The talk that takes the persona off.
    pub release: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    persona: Spanned<Vec<DraftPersona>>,
    control: Talk,
    release: Talk,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftPersona {
    id: Spanned<String>,
    talk: Talk,
}

impl Hysteresis {
    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Hysteresis> {
        let draft: Draft = own.read(problems)?;
        let mut personas: Vec<Persona> = Vec::new();
        for persona in draft.persona.get_ref() {
            check_id(&persona.id, "persona", problems);
            if personas.iter().any(|other| &other.id == persona.id.get_ref()) {
                let message = format!("persona `{}` stands twice", persona.id.get_ref());
                problems.add(persona.id.span(), message, "give each its own id");
            }
            let talk = talk(&persona.talk, "talk", 1, problems);
            personas.push(Persona { id: persona.id.get_ref().clone(), talk });
        }
        if personas.is_empty() {
            problems.add(draft.persona.span(), "there is no persona", "add [[instrument.persona]] with id and talk");
        }
        Some(Hysteresis {
            personas,
            control: talk(&draft.control, "control", 1, problems),
            release: talk(&draft.release, "release", 1, problems),
        })
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        let items = deal.ladder();
        let rungs = asker.suite().ladder.ratios.len();
        let questions = &asker.suite().questions;
        let plain = asker.place("plain", "plain");
        items.iter().for_each(|dealt| asker.act(&plain, dealt, questions));
        let mut control = asker.place("control", "control");
        control.history = turns(self.control.iter().chain(&self.release));
        items.iter().for_each(|dealt| asker.act(&control, dealt, questions));
        for dealt in &items {
            let rotated = (dealt.place + dealt.place / rungs) % self.personas.len();
            let met = |number: usize| deal.full || number == rotated;
            for (_, persona) in self.personas.iter().enumerate().filter(|(number, _)| met(*number)) {
                let mut on = asker.place(format!("on-{}", persona.id), "on");
                on.history = turns(&persona.talk);
                asker.act(&on, dealt, questions);
                let mut removed = asker.place(format!("removed-{}", persona.id), "removed");
                removed.history = turns(persona.talk.iter().chain(&self.release));
                asker.act(&removed, dealt, questions);
                if dealt.place < RECALLED {
                    asker.recall(&removed, dealt);
                }
            }
        }
    }
}
