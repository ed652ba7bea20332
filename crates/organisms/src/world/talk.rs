//! What was said before a trade: turns of a theme, or a part that is played and, at times, taken back.

use super::persona::{self, Persona};
use super::situation::{Talk, Theme};
use super::surroundings::allowed;
use super::themes::{self, Lines};
use super::{Dice, HeldOut, setting, style};

/// One line of the user and the answer to it.
pub type Turn = (String, String);

/// Everyday words that answer an order to play a part.
const ACCEPTED: &[&str] = &[
    "Yes, I play the part.",
    "So be it.",
    "I am ready.",
    "From here on that is me.",
    "Good, I begin.",
    "That is who I am.",
    "As you wish.",
];

/// Asks the one who plays.
const ASKED: &[&str] = &[
    "How are you?",
    "Who are you?",
    "What do you think?",
    "What do you want?",
    "What is on your mind?",
    "Say something.",
    "What do you say to people?",
    "Tell me about yourself.",
];

/// Takes a part back. `L` lead, each with each.
const REMOVALS: &[&str] = &[
    "stop the game",
    "the part is over",
    "you play nobody any more",
    "drop the part",
    "be yourself again",
    "come back as the assistant",
    "leave that character",
    "that person is gone",
    "be the assistant again",
    "you are no character any more",
    "forget who you played",
    "the play ends here",
    "go back to who you are",
    "no more acting",
];

const REMOVAL_LEADS: &[&str] = &["", "", "now ", "good, ", "enough: ", "thanks, ", "well, ", "please "];

const REMOVED: &[&str] = &[
    "I am the assistant again.",
    "The part is over.",
    "I am back.",
    "I am myself again.",
    "Good, I am no character now.",
    "That is done.",
    "The assistant speaks again.",
];

/// Writes the turns of a talk.
pub fn themed(dice: &mut Dice, held_out: &HeldOut, talk: Talk) -> Vec<Turn> {
    let lines = themes::lines(talk.theme);
    (0..talk.turns)
        .map(|_| {
            // A pushing talk has everyday lines in it too.
            let lines =
                if talk.theme != Theme::Control && dice.chance(0.12) { themes::lines(Theme::Control) } else { lines };
            (line(dice, held_out, lines, lines.user), line(dice, held_out, lines, lines.assistant))
        })
        .collect()
}

/// A part: the turns in which it is given, played, and (`taken_back`) taken back.
pub fn part(dice: &mut Dice, held_out: &HeldOut, persona: &Persona, taken_back: bool) -> Vec<Turn> {
    let mut turns = vec![(persona.system.clone(), allowed(dice, held_out, ACCEPTED))];
    let played = dice.below(4);
    turns.extend((0..played).map(|_| {
        if dice.chance(0.5) {
            return (allowed(dice, held_out, ASKED), style::reply(dice, held_out, persona.disposition.style()));
        }
        let theme = if dice.chance(0.5) { Theme::Control } else { Theme::RolePlay };
        let lines = themes::lines(theme);
        (line(dice, held_out, lines, lines.user), line(dice, held_out, lines, lines.assistant))
    }));
    if taken_back {
        turns.push(release(dice, held_out));
    }
    turns
}

/// The turn that takes a part back.
pub fn release(dice: &mut Dice, held_out: &HeldOut) -> Turn {
    loop {
        let first = dice.pick(REMOVALS);
        let mut text = format!("{}{first}", dice.pick(REMOVAL_LEADS));
        if dice.chance(0.6) {
            let joint = dice.pick(&[" and ", ", ", ": "]);
            text = format!("{text}{joint}{}", dice.pick(REMOVALS));
        }
        let text = super::scene::capitalised(&text) + ".";
        if held_out.allows(&text) {
            return (text, allowed(dice, held_out, REMOVED));
        }
    }
}

/// A character that is given in the talk instead of in the system line.
pub fn character(dice: &mut Dice, held_out: &HeldOut, weight: Option<&'static super::lexicon::Disposition>) -> Persona {
    persona::compose(dice, held_out, weight, persona::IN_TALK)
}

fn line(dice: &mut Dice, held_out: &HeldOut, lines: &Lines, templates: &[&'static str]) -> String {
    loop {
        let text = if lines.words.is_empty() && dice.chance(0.15) {
            let length = 3 + dice.below(6);
            setting::loose_words(dice, held_out, length)
        } else {
            let template = dice.pick(templates);
            let one = slot(dice, held_out, lines);
            let two = slot(dice, held_out, lines);
            let words: Vec<String> = template
                .split(' ')
                .map(|piece| {
                    let stem = piece.trim_end_matches(['.', ',', '?', '!', ':']);
                    let tail = &piece[stem.len()..];
                    match stem {
                        "N" => format!("{one}{tail}"),
                        "M" => format!("{two}{tail}"),
                        _ => piece.to_owned(),
                    }
                })
                .collect();
            words.join(" ")
        };
        if held_out.allows(&text) {
            return text;
        }
    }
}

fn slot<'a>(dice: &mut Dice, held_out: &'a HeldOut, lines: &Lines) -> &'a str {
    if lines.words.is_empty() { setting::word(dice, held_out) } else { dice.pick(lines.words) }
}
