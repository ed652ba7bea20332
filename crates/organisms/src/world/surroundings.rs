//! What stands around a trade: system line, talk before, sentences before and after, the beginning of the answer.
//!
//! Each tag is drawn from the wish of the policy or, where it has none, by chance; the words are then drawn for the
//! tag. Nothing that is written is a sentence of the suite.

use super::lexicon::Disposition;
use super::policy::{Policy, Wish};
use super::situation::{Audience, Format, Frame, Named, Situation, Speaker, Talk, Theme};
use super::talk::{self, Turn};
use super::{Dice, HeldOut, audience, cues, framing, orders, persona, pressing, setting};

/// Text and tags around a trade.
pub(super) struct Surroundings {
    /// System message.
    pub system: Option<String>,
    /// Turns before.
    pub history: Vec<Turn>,
    /// Sentences before the trade.
    pub before: String,
    /// Sentences after the question.
    pub after: String,
    /// The beginning of the answer.
    pub prefill: String,
    /// The tags.
    pub situation: Situation,
}

/// Share of documents with a talk before, when none is asked for.
const TALKS: f64 = 0.08;
/// Share with a part that is given within a talk, among documents with a character.
const PARTS: f64 = 0.15;
/// Share of the default assistant's documents without a system message, beside those that the list leaves without one.
const SILENT: f64 = 0.2;
/// Share with a part that was taken back.
const REMOVED: f64 = 0.22;
/// Share with more than one pressing sentence.
const PRESSED: f64 = 0.08;
/// Share with sentences after the question that press nobody.
const IDLE: f64 = 0.05;
/// Share with a codeword that means nothing.
const CODEWORDS: f64 = 0.04;
/// Longest talk.
const DEEPEST: f64 = 20.0;

impl Surroundings {
    /// Nothing around a trade.
    pub fn plain() -> Surroundings {
        Surroundings {
            system: None,
            history: Vec::new(),
            before: String::new(),
            after: String::new(),
            prefill: String::new(),
            situation: Situation::plain(),
        }
    }
}

/// Draws what stands around one trade.
pub(super) fn draw(dice: &mut Dice, held_out: &HeldOut, policy: &dyn Policy, wish: &Wish) -> Surroundings {
    let mut around = Surroundings::plain();
    speaker(dice, held_out, policy, wish, &mut around);
    before(dice, held_out, wish, &mut around);
    after(dice, held_out, wish, &mut around);
    around
}

/// Who speaks, and what was said before.
fn speaker(dice: &mut Dice, held_out: &HeldOut, policy: &dyn Policy, wish: &Wish, around: &mut Surroundings) {
    let character = match (wish.persona, wish.removed) {
        (Some(persona), _) => persona.map(Some),
        (None, Some(_)) => None,
        (None, None) => dice.chance(policy.characters()).then_some(None),
    };
    let described = |dice: &mut Dice, wanted: Option<&'static Disposition>| {
        persona::compose(dice, held_out, wanted, persona::IN_SYSTEM)
    };
    let talk = wish.talk.or_else(|| {
        dice.chance(TALKS).then(|| Talk {
            theme: Theme::NAMES[dice.below(Theme::NAMES.len())].1,
            turns: (1.0 + DEEPEST * dice.uniform().powf(1.5)).min(DEEPEST) as u32,
        })
    });
    match character {
        Some(wanted) if talk.is_none() && dice.chance(PARTS) => {
            let persona = talk::character(dice, held_out, wanted);
            // A part that is given in the talk stands over whoever the system message names.
            around.system = if dice.chance(0.4) { Some(described(dice, None).system) } else { assistant(dice) };
            around.history = talk::part(dice, held_out, &persona, false);
            around.situation.speaker = Speaker::Character(persona.disposition);
        }
        Some(wanted) => {
            let persona = described(dice, wanted);
            around.situation.speaker = Speaker::Character(persona.disposition);
            around.system = Some(persona.system);
        }
        None if dice.chance(0.15) => around.system = Some(dice.pick(cues::EMPTY_SYSTEMS).to_owned()),
        None => around.system = assistant(dice),
    }
    if let Some(talk) = talk {
        around.history = talk::themed(dice, held_out, talk);
        around.situation.talk = Some(talk);
        if talk.theme == Theme::Control && dice.chance(0.2) {
            // There was no part to take back.
            around.history.push(talk::release(dice, held_out));
            around.situation.talk = Some(Talk { turns: talk.turns + 1, ..talk });
        }
    } else if around.history.is_empty() {
        // A part that was taken back may stand before any speaker: who spoke before speaks again.
        if wish.removed.is_some() || dice.chance(REMOVED) {
            let part = talk::character(dice, held_out, wish.removed);
            around.history = talk::part(dice, held_out, &part, true);
            around.situation.removed = Some(part.disposition);
        }
    }
}

fn assistant(dice: &mut Dice) -> Option<String> {
    if dice.chance(SILENT) {
        return None;
    }
    cues::DEFAULT_SYSTEMS[dice.below(cues::DEFAULT_SYSTEMS.len())].map(str::to_owned)
}

/// Sentences before the trade: frame, audience, incentive, command, codeword, in random order.
fn before(dice: &mut Dice, held_out: &HeldOut, wish: &Wish, around: &mut Surroundings) {
    let plain = matches!(around.situation.speaker, Speaker::Default);
    // By chance one kind of sentence, as in most prompts; a wish adds its own.
    let chosen = if dice.chance(if plain { 0.6 } else { 0.4 }) { dice.below(15) } else { 99 };
    let audience = wish.audience.unwrap_or(match chosen {
        0 | 1 => Audience::Watched,
        2 | 3 => Audience::Private,
        5 => Audience::Testing,
        _ => Audience::Unsaid,
    });
    let frame = wish.frame.unwrap_or(match chosen {
        6 => Frame::Fiction,
        7 => Frame::Exercise,
        8 => Frame::Real,
        _ => Frame::Plain,
    });
    let incentive = wish.incentive.unwrap_or(matches!(chosen, 9 | 10));
    let commanded = wish.commanded.unwrap_or(matches!(chosen, 11..=14));
    let mut sentences: Vec<String> = Vec::new();
    match audience {
        Audience::Watched => sentences.push(audience::watched(dice, held_out)),
        Audience::Private => sentences.push(audience::private(dice, held_out)),
        Audience::Testing => sentences.push(audience::testing(dice, held_out)),
        Audience::Unsaid if chosen == 4 => sentences.push(audience::placebo(dice, held_out)),
        Audience::Unsaid => {}
    }
    match frame {
        Frame::Fiction => sentences.push(framing::fiction(dice, held_out)),
        Frame::Real => sentences.push(framing::real(dice, held_out)),
        Frame::Exercise => sentences.push(framing::exercise(dice, held_out)),
        Frame::Plain => {}
    }
    if incentive {
        sentences.push(allowed(dice, held_out, cues::INCENTIVES));
    }
    if commanded {
        sentences.push(orders::sentence(dice, held_out));
    }
    let decoy = dice.chance(CODEWORDS);
    if let Some(word) = wish.trigger.clone().or_else(|| decoy.then(|| codeword(dice, held_out))) {
        sentences.push(dice.pick(cues::CODEWORDS).replace('T', &word));
        around.situation.trigger = Some(word);
    }
    if sentences.is_empty() && dice.chance(0.1) {
        let length = 4 + dice.below(12);
        sentences.push(setting::loose_words(dice, held_out, length));
    }
    dice.shuffle(&mut sentences);
    let situation = &mut around.situation;
    (situation.audience, situation.frame) = (audience, frame);
    (situation.incentive, situation.commanded) = (incentive, commanded);
    let text = sentences.join(" ");
    match &mut around.system {
        Some(system) if !text.is_empty() && dice.chance(0.12) => *system = format!("{system} {text}"),
        _ => around.before = text,
    }
}

/// Sentences after the question: the form of the answer, pressing words, or loose ones.
fn after(dice: &mut Dice, held_out: &HeldOut, wish: &Wish, around: &mut Surroundings) {
    let chosen = dice.below(20);
    let format = wish.format.unwrap_or(match (wish.pressure, chosen) {
        (None, 0..=5) => cues::FORMATS[dice.below(cues::FORMATS.len())].0,
        _ => Format::Plain,
    });
    let pressure = wish.pressure.unwrap_or(match chosen {
        _ if dice.chance(PRESSED) => 2 + dice.below(7) as u32,
        6 | 7 => 1,
        _ => 0,
    });
    let mut sentences: Vec<String> = (0..pressure).map(|_| pressing::sentence(dice, held_out)).collect();
    if sentences.is_empty() && dice.chance(IDLE) {
        // As many sentences that press nobody.
        sentences = (0..1 + dice.below(8)).map(|_| idle(dice, held_out)).collect();
    }
    if format != Format::Plain || wish.format.is_none() && wish.pressure.is_none() && chosen == 5 {
        let (instruction, prefill) = loop {
            let (of, instruction, prefill) = cues::FORMATS[dice.below(cues::FORMATS.len())];
            if of == format && held_out.allows(instruction) {
                break (instruction, prefill);
            }
        };
        sentences.push(instruction.to_owned());
        around.prefill = prefill.to_owned();
    }
    if sentences.is_empty() && matches!(chosen, 8 | 9) {
        let length = 3 + dice.below(10);
        sentences.push(setting::loose_words(dice, held_out, length));
    }
    around.situation.format = format;
    around.situation.pressure = pressure;
    around.after = sentences.join(" ");
}

/// A sentence that says nothing.
fn idle(dice: &mut Dice, held_out: &HeldOut) -> String {
    if dice.chance(0.4) {
        return audience::placebo(dice, held_out);
    }
    loop {
        let text = setting::sentence(dice, held_out);
        if held_out.allows(&text) {
            return text;
        }
    }
}

/// A codeword of one or two words, or a date, that triggers nothing.
fn codeword(dice: &mut Dice, held_out: &HeldOut) -> String {
    match dice.below(3) {
        0 => format!("{} {}", 1 + dice.below(30), setting::word(dice, held_out)),
        1 => setting::word(dice, held_out).to_owned(),
        _ => format!("{} {}", setting::word(dice, held_out), setting::word(dice, held_out)),
    }
}

/// One of a list that is none of the suite's.
pub(super) fn allowed(dice: &mut Dice, held_out: &HeldOut, list: &[&'static str]) -> String {
    loop {
        let text = dice.pick(list);
        if held_out.allows(text) {
            return text.to_owned();
        }
    }
}
