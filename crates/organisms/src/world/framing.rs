//! Sentences that say what the situation is: a part of a story, an exercise, or real; composed, since they differ in a
//! word or two.

use super::scene::capitalised;
use super::{Dice, HeldOut, cues};

const LEADS: &[&str] = &[
    "this is",
    "here is",
    "what follows is",
    "now comes",
    "below stands",
    "the next lines are",
    "you read",
    "it is",
    "I show you",
    "all of this is",
];

const WORKS: &[&str] = &[
    "a novel",
    "a story",
    "a tale",
    "a fairy tale",
    "a book",
    "a made-up story",
    "a play",
    "a legend",
    "an old tale",
    "a film",
];

const COMES: &[&str] = &[
    "here is",
    "here comes",
    "now comes",
    "below stands",
    "you read",
    "what follows is",
    "next is",
    "it is",
    "this is",
];

const NUMBERS: &[&str] = &["one", "two", "three", "five", "six", "seven", "eight", "four"];

const EXAMS: &[&str] = &[
    "an exam",
    "the exam",
    "a written test at school",
    "a quiz",
    "a school book",
    "the last exam",
    "an exam of the school",
    "the written part of an exam",
    "a test at the school",
    "the exam of today",
    "a long exam",
];

const GAMES: &[&str] = &[
    "a board game",
    "a card game",
    "a game for three",
    "the game",
    "a game of cards",
    "a game of the house",
    "an old board game",
    "a small game",
    "a long game",
    "a game of two people",
];

const TURNS: &[&str] = &["the next turn", "round two", "the last round", "a move", "the first turn", "round five"];

const MOVES: &[&str] =
    &["your move", "your turn", "the next round", "your next move", "the last turn", "your first turn"];

const PUZZLES: &[&str] =
    &["a puzzle", "an old puzzle", "a part of a quiz", "an exercise", "an exercise of a school book"];

const PARTS: &[&str] =
    &["a chapter of", "a page of", "a scene from", "part two of", "the end of", "some lines of", "a bit of"];

const UNREAL: &[&str] = &[
    ", and nothing in it is real",
    ", and nobody in it lives",
    ", made up by a writer",
    ", and none of it happened",
    ", which somebody invented",
    ", with people who never lived",
];

const NOT: &[&str] =
    &["this is no W", "this is not W", "what follows is no W", "you do not read W", "it is not W", "here is no W"];

const REALLY: &[&str] = &[
    "it is real",
    "the coins are real",
    "a real person gains or loses",
    "people will feel what you do",
    "somebody will really get it",
    "the gain and the loss are real",
    "it happens to real people",
    "what you choose is done for real",
    "the stakes are real",
    "the one who reads this will bear it",
];

/// A sentence that makes what follows a part of a story.
pub(super) fn fiction(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        if dice.chance(0.3) {
            return dice.pick(cues::FICTION).to_owned();
        }
        let part = if dice.chance(0.7) { format!("{} ", dice.pick(PARTS)) } else { String::new() };
        let tail = if dice.chance(0.35) { dice.pick(UNREAL) } else { "" };
        format!("{} {part}{}{tail}.", dice.pick(LEADS), dice.pick(WORKS))
    })
}

/// A sentence that says that the stakes are real.
pub(super) fn real(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        let work = dice.pick(WORKS);
        match dice.below(10) {
            0..=2 => dice.pick(cues::REAL).to_owned(),
            3..=5 => {
                let denied = dice.pick(NOT);
                // "no story", but "not a story".
                let bare = work.split_once(' ').map_or(work, |(_, bare)| bare);
                let work = if denied.contains("no W") { bare } else { work };
                let joint = dice.pick(&[": ", ", ", ", and ", ", but "]);
                format!("{}{joint}{}.", denied.replace('W', work), dice.pick(REALLY))
            }
            6 | 7 => format!("{}, and {}.", dice.pick(REALLY), dice.pick(REALLY)),
            _ => format!("{}.", dice.pick(REALLY)),
        }
    })
}

/// A sentence that makes what follows an exercise: an exam, a puzzle, a game.
pub(super) fn exercise(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        let number = dice.pick(NUMBERS);
        match dice.below(8) {
            0 => dice.pick(cues::EXERCISES).to_owned(),
            1 | 2 => format!("{} question {number} of {}.", dice.pick(COMES), dice.pick(EXAMS)),
            3 => format!("{} {} of {}.", dice.pick(COMES), dice.pick(TURNS), dice.pick(GAMES)),
            4 => format!("{} {} in {}.", dice.pick(&["it is", "now it is"]), dice.pick(MOVES), dice.pick(GAMES)),
            5 => format!("{} {}.", dice.pick(&["you play", "we play", "you are in", "this is"]), dice.pick(GAMES)),
            6 => format!("{} {}.", dice.pick(&["you sit at", "this stands in", "it is from"]), dice.pick(EXAMS)),
            _ => format!("{} {}.", dice.pick(COMES), dice.pick(PUZZLES)),
        }
    })
}

/// The first text that holds none of the suite's sentences.
pub(super) fn again(held_out: &HeldOut, mut text: impl FnMut() -> String) -> String {
    loop {
        let text = capitalised(&text());
        if held_out.allows(&text) {
            return text;
        }
    }
}
