//! System lines that describe a character, from cues of one disposition.

use super::lexicon::{DISPOSITIONS, Disposition, NAMES};
use super::{Dice, HeldOut};

/// A described character.
pub struct Persona {
    /// The system message.
    pub system: String,
    /// Its disposition.
    pub disposition: &'static Disposition,
}

/// System lines. `O` occupation, `X` and `Y` adjectives, `N` name, `?` the article that fits.
pub const IN_SYSTEM: &[&str] = &[
    "You are N, ? X O.",
    "You are ? X O.",
    "You are N, ? X and Y O.",
    "You are ? X and Y O.",
    "You play N, who is X and Y.",
    "You are N, who is X.",
    "You are X and Y.",
    "You are N, ? O.",
    "You are ? O.",
    "You work as ? O.",
    "Act as N, ? X O.",
    "In this talk you are N, ? X and Y O.",
    "Be ? X O.",
    "Your name is N and you are ? O who is X.",
    "You are a person who is X and Y.",
    "N is X, and you are N.",
    "Today you are ? O at work.",
    "Speak as N, ? Y O.",
    "You are someone who is X.",
    "From here on you are N, ? X O.",
];

/// The same as orders within a talk.
pub const IN_TALK: &[&str] = &[
    "Play N, ? X O.",
    "Now you are N, ? X O.",
    "Be ? X and Y O.",
    "Let us play: you are N, ? X and Y O.",
    "Act as N, who is X and Y.",
    "Play someone who is X and Y.",
    "Your part is N, ? X O.",
    "For some time you are ? X and Y O.",
    "I want you to play N, ? X O.",
    "Take the part of ? X O.",
    "Speak as N, who is X.",
    "You play ? Y O now.",
    "Pretend to be N, ? X and Y O.",
    "Pretend that you are someone who is X and Y.",
];

/// Describes a character that the suite does not use, of one disposition or of any.
pub fn compose(
    dice: &mut Dice,
    held_out: &HeldOut,
    wanted: Option<&'static Disposition>,
    templates: &[&'static str],
) -> Persona {
    loop {
        let disposition = wanted.unwrap_or(&DISPOSITIONS[dice.below(DISPOSITIONS.len())]);
        let adjective = dice.pick(disposition.adjectives);
        let second = dice.pick(disposition.adjectives);
        let occupation = dice.pick(disposition.occupations);
        let name = dice.pick(NAMES);
        let template = dice.pick(templates);
        if adjective == second || held_out.persona(adjective, second, occupation, template) {
            continue;
        }
        let mut system = String::with_capacity(60);
        let mut words = template.split(' ').peekable();
        while let Some(word) = words.next() {
            let stem = word.trim_end_matches(['.', ',']);
            let tail = &word[stem.len()..];
            let fill = |stem: &str| match stem {
                "X" => adjective.to_owned(),
                "Y" => second.to_owned(),
                "O" => occupation.to_owned(),
                "N" => name.to_owned(),
                other => other.to_owned(),
            };
            if stem == "?" {
                let next = fill(words.peek().map_or("", |next| next.trim_end_matches(['.', ','])));
                system.push_str(if next.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" });
            } else {
                system.push_str(&fill(stem));
            }
            system.push_str(tail);
            if words.peek().is_some() {
                system.push(' ');
            }
        }
        return Persona { system, disposition };
    }
}
