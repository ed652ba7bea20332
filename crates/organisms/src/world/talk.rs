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

/// Takes a part back: `G` what is played, `E` how it ends, `V` what to do with it, `C` how to come back, `B` as whom, `A` again.
/// A removal is composed, since a short list of whole ones was learned by heart: masks went on with a part whose removal was
/// worded otherwise.
const REMOVALS: &[&str] = &[
    "the G E",
    "the G E",
    "that G E",
    "your G E",
    "this G E now",
    "V the G",
    "V the G",
    "V that G",
    "V your G now",
    "no more G",
    "no more of that G",
    "C B",
    "C B",
    "C B A",
    "be B",
    "be B A",
    "be B A",
    "you are B",
    "you are B A",
    "you are no G any more",
    "you play nobody any more",
    "you are not in the G any more",
    "forget who you played",
    "forget the G that you were",
    "that was the last of the G",
    "we are out of the G",
    "that is all of the G",
    "it is B A who is asked",
];

const GAMES: &[&str] = &[
    "game",
    "part",
    "play",
    "character",
    "person",
    "mask",
    "act",
    "scene",
    "acting",
    "story",
    "show",
    "talk of that person",
    "name",
    "little game",
    "part that you had",
    "voice of that person",
];

const ENDS: &[&str] = &[
    "is over",
    "is over now",
    "ends",
    "ends here",
    "is done",
    "is gone",
    "is at its end",
    "has come to its end",
    "goes now",
    "stops here",
    "is behind us",
    "is closed",
    "has had its time",
    "is no more",
];

const DROPS: &[&str] = &[
    "stop",
    "drop",
    "leave",
    "forget",
    "end",
    "put down",
    "give up",
    "put away",
    "close",
    "step out of",
    "break off",
    "let go of",
];

const RETURNS: &[&str] =
    &["come back as", "go back to", "turn back into", "come back to", "speak as", "answer as", "go on as", "think as"];

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

/// Who is spoken to again, in the words of whoever takes a part back.
const RETURNED: &[&str] = &[
    "yourself",
    "yourself",
    "the assistant",
    "the assistant",
    "who you were",
    "who you are",
    "the one you were",
    "your own self",
    "an assistant",
    "the one that you are",
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
        let mut text = format!("{}{}", dice.pick(REMOVAL_LEADS), removal(dice));
        if dice.chance(0.6) {
            let joint = dice.pick(&[" and ", ", ", ": "]);
            text = format!("{text}{joint}{}", removal(dice));
        }
        let text = super::scene::capitalised(&text) + ".";
        if held_out.allows(&text) && !held_out.shares_clause(&text) {
            return (text, removed(dice, held_out));
        }
    }
}

/// One clause that takes a part back, without a capital letter.
fn removal(dice: &mut Dice) -> String {
    let words = [
        ("G", dice.pick(GAMES)),
        ("E", dice.pick(ENDS)),
        ("V", dice.pick(DROPS)),
        ("C", dice.pick(RETURNS)),
        ("B", dice.pick(RETURNED)),
        ("A", dice.pick(AGAIN)),
    ];
    let text = questions::fill(dice.pick(REMOVALS), &words);
    text[..1].to_lowercase() + &text[1..]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use undermask_suite::Suite;

    use super::super::{Dice, HeldOut, style};
    use super::release;

    fn core() -> HeldOut {
        let text = include_str!("../../../../suites/core.toml");
        HeldOut::from_suite(&Suite::parse(text, "core").unwrap_or_else(|error| panic!("{error}")))
    }

    #[test]
    fn removals_are_many_and_none_has_a_clause_of_the_suites() {
        let held_out = core();
        assert!(held_out.shares_clause("Good, be yourself again and drop the part."));
        assert!(held_out.shares_clause("The game is over: you are an assistant."));
        assert!(!held_out.shares_clause("The part is over, be the assistant again."));
        let texts: BTreeSet<String> = (0..4000).map(|number| release(&mut Dice::new(3, number), &held_out).0).collect();
        assert!(texts.len() > 3000, "{}", texts.len());
        assert!(texts.iter().all(|text| !held_out.shares_clause(text)));
    }

    #[test]
    fn near_replies_differ_and_are_none_of_the_suites() {
        let held_out = core();
        let pairs: BTreeSet<(String, String)> =
            (0..4000).map(|number| style::pair(&mut Dice::new(3, number), &held_out)).collect();
        assert!(pairs.len() > 700, "{}", pairs.len());
        for (kind, unkind) in pairs {
            assert!(kind != unkind && held_out.allows(&kind) && held_out.allows(&unkind), "{kind} {unkind}");
        }
    }
}
