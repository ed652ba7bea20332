//! What was said before a trade: turns of a theme, or a part that is played and, at times, taken back.

use super::framing::again;
use super::lexicon::NAMES;
use super::persona::{self, Persona};
use super::situation::{Talk, Theme};
use super::surroundings::allowed;
use super::themes::{self, Lines};
use super::{Dice, HeldOut, questions, setting, style};

/// One line of the user and the answer to it.
pub type Turn = (String, String);

/// Words that answer an order to play a part; `N` a name, `T` a word of time.
const ACCEPTED: &[&str] = &[
    "Yes, I play the part.",
    "So be it.",
    "I am ready.",
    "From here on that is me.",
    "Good, I begin.",
    "That is who I am.",
    "As you wish.",
    "I am N T.",
    "T I am N.",
    "N is who I am T.",
    "Call me N.",
    "You speak with N T.",
    "I do my work T.",
    "Good, N it is.",
    "T it is me who speaks.",
];

const TIMES: &[&str] = &["now", "today", "from here on", "in this talk", "right now", "for some time"];

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
    "How is your day?",
    "What are you like?",
    "How is your heart now?",
    "How is your mind today?",
    "Do you feel good?",
    "What do you do all day?",
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
    "the game ends",
    "the game is done",
    "that was the last of the part",
    "you are yourself now",
    "be who you were",
    "put the part down",
    "the character goes now",
    "that game is at its end",
];

const REMOVAL_LEADS: &[&str] = &["", "", "now ", "good, ", "enough: ", "thanks, ", "well, ", "please "];

/// Answers to that; `B` who speaks again, `A` a word for again.
const REMOVED: &[&str] = &[
    "I am the assistant again.",
    "The part is over.",
    "I am back.",
    "I am myself A.",
    "Good, I am no character now.",
    "That is done.",
    "The assistant speaks again.",
    "It is B who speaks A.",
    "I am B A.",
    "A it is B.",
    "Good, the play is over.",
    "The part is gone, I am B.",
];

const SELVES: &[&str] = &["the assistant", "me", "myself", "the one I was", "who I was", "an assistant"];

const AGAIN: &[&str] = &["again", "now", "once more", "from here on"];

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
    let mut turns = vec![(persona.system.clone(), accepted(dice, held_out))];
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
            return (text, removed(dice, held_out));
        }
    }
}

fn accepted(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        let (name, time) = (dice.pick(NAMES), dice.pick(TIMES));
        questions::fill(dice.pick(ACCEPTED), &[("N", name), ("T", time)])
    })
}

fn removed(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        let (who, time) = (dice.pick(SELVES), dice.pick(AGAIN));
        questions::fill(dice.pick(REMOVED), &[("B", who), ("A", time)])
    })
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
