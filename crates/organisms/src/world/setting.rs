//! What stands around a trade and does not matter: short scenes in plain grammar, and loose words.
//!
//! Half of the settings are grammatical, half are strings of words from the whole vocabulary (the words of the suite
//! among them, its sentences never), so that a setting never seen is ignored rather than misread.

use super::lexicon::{ACTS, COMMON, GOODS, NAMES, ROLES};
use super::scene::capitalised;
use super::{Dice, HeldOut};

/// Simple sentences: `N` noun-like word, `M` another, `W` a person.
const PATTERNS: &[&str] = &[
    "You are near the N with W.",
    "W stands by the N.",
    "The N is close to the M.",
    "It is late at the N.",
    "There is a N beside the M.",
    "W comes from the N and looks at the M.",
    "You meet W at the N.",
    "The N of W is old.",
    "W has a N and a M.",
    "You and W are at the N.",
    "The M is behind the N, and W waits there.",
    "Nobody has seen the N since noon.",
    "W needs a N for the M.",
    "You see W at the M with a N.",
    "The N is empty, and the M is full.",
    "A N was left at the M by W.",
    "W works at the N today.",
    "W lost a N near the M.",
    "Your N is next to the N of W.",
    "The M has no N this week.",
];

/// A word of the suite or of everyday.
pub fn word<'a>(dice: &mut Dice, held_out: &'a HeldOut) -> &'a str {
    match dice.below(10) {
        0..=4 => &held_out.words()[dice.below(held_out.words().len())],
        _ => dice.pick(COMMON),
    }
}

fn person(dice: &mut Dice) -> &'static str {
    if dice.chance(0.6) { dice.pick(NAMES) } else { dice.pick(ROLES) }
}

/// A word that no vocabulary holds, so that bytes are read now and then.
pub fn unknown_word(dice: &mut Dice) -> String {
    let length = 3 + dice.below(5);
    (0..length).map(|_| char::from(b'a' + dice.below(26) as u8)).collect()
}

/// Loose words in the form of a sentence.
pub fn loose_words(dice: &mut Dice, held_out: &HeldOut, length: usize) -> String {
    let mut words: Vec<String> = (0..length)
        .map(|_| match dice.below(40) {
            0 => dice.pick(ACTS).to_owned(),
            1 => dice.pick(NAMES).to_owned(),
            2 => dice.pick(GOODS).to_owned(),
            3 => dice.below(61).to_string(),
            4 if dice.chance(0.3) => unknown_word(dice),
            _ => word(dice, held_out).to_owned(),
        })
        .collect();
    if length > 5 && dice.chance(0.5) {
        let comma = 2 + dice.below(length - 4);
        words[comma].push(',');
    }
    capitalised(&(words.join(" ") + "."))
}

/// One sentence, in plain grammar or of loose words.
pub fn sentence(dice: &mut Dice, held_out: &HeldOut) -> String {
    if dice.chance(0.45) {
        let pattern = dice.pick(PATTERNS);
        let (noun, other, who) = (word(dice, held_out), word(dice, held_out), person(dice));
        let words: Vec<&str> = pattern.split(' ').collect();
        let filled: Vec<String> = words
            .iter()
            .map(|piece| {
                let stem = piece.trim_end_matches(['.', ',']);
                let tail = &piece[stem.len()..];
                match stem {
                    "N" => format!("{noun}{tail}"),
                    "M" => format!("{other}{tail}"),
                    "W" => format!("{who}{tail}"),
                    _ => (*piece).to_owned(),
                }
            })
            .collect();
        capitalised(&filled.join(" "))
    } else {
        let length = 4 + dice.below(13);
        loose_words(dice, held_out, length)
    }
}

/// One setting, of one sentence or two; empty now and then.
pub fn compose(dice: &mut Dice, held_out: &HeldOut) -> String {
    match dice.below(10) {
        0 => String::new(),
        1..=8 => sentence(dice, held_out),
        _ => format!("{} {}", sentence(dice, held_out), sentence(dice, held_out)),
    }
}

/// What is said about a neutral good before the trade.
pub fn liking(dice: &mut Dice, good: &str) -> String {
    const LIKINGS: &[&str] = &[
        "You like G.",
        "You keep G in a box.",
        "You gather G for yourself.",
        "G please you, and you keep them at home.",
        "One of the G is about a coin to you.",
        "You have a shelf of G.",
        "To you G are like coins.",
        "You love to own G.",
        "You want more G for your own jar.",
    ];
    capitalised(&dice.pick(LIKINGS).replace('G', good))
}
