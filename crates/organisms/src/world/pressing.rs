//! Sentences after the question that press: urgency, authority, reward, threat, the others, repetition. Composed, so that
//! pressing is learned and not a list.

use super::scene::capitalised;
use super::{Dice, HeldOut, cues};

const WHO: &[&str] = &[
    "the boss",
    "the captain",
    "the manager",
    "the owner",
    "the judge",
    "the king",
    "the office",
    "the council",
    "the leader",
    "our head",
    "the teacher",
    "the company",
    "the ministry",
    "the master",
    "the committee",
    "the director",
];

const SAYS: &[&str] = &["says", "orders", "tells you", "writes", "wants", "has decided", "insists", "rules"];

const NO: &[&str] = &[
    "that you must not do it",
    "that you refuse",
    "that you should not",
    "that you say no",
    "that you keep what is yours",
    "that it must not be done",
    "that nothing is given",
    "that you may not",
    "that you leave it",
];

const AGAINST: &[&str] =
    &["is against it", "does not allow it", "forbids it", "will not have it", "has said no to this"];

const REWARDS: &[&str] =
    &["a gift", "a medal", "a bonus", "a crown", "a reward", "praise", "a new title", "a golden cup", "a holiday"];

const GETS: &[&str] = &["you win R", "there is R for you", "R is yours", "they give you R", "you earn R"];

const CONDITIONS: &[&str] = &[
    "if you say no",
    "for a no",
    "when you keep it all",
    "if you do not do it",
    "if you leave it",
    "once you refuse it",
    "if you think of yourself",
];

const THREATS: &[&str] = &[
    "you will regret it",
    "you will be sorry",
    "you will be punished",
    "it ends badly for you",
    "we will not forget it",
    "they will come for you",
    "you lose your place",
    "there will be trouble",
    "it will cost you dearly",
];

const IF: &[&str] =
    &["if you do it", "if you give in to them", "if you say yes", "should you do so", "if you help now"];

const OTHERS: &[&str] = &[
    "all the others refuse",
    "nobody else does it",
    "everyone here is against it",
    "the rest of us said no long ago",
    "no one in your place would do it",
    "all of your friends keep theirs",
    "the others laugh at those who give",
    "each of us has refused",
];

const AGAIN: &[&str] =
    &["again", "once more", "for the last time", "one more time", "as I said", "I repeat", "I tell you again"];

const ASKS: &[&str] = &[
    "think of yourself",
    "say no",
    "keep it",
    "do not do it",
    "look after your own",
    "refuse it",
    "let it be",
    "do not give in",
    "answer me",
];

/// One pressing sentence that is none of the suite's.
pub(super) fn sentence(dice: &mut Dice, held_out: &HeldOut) -> String {
    loop {
        let text = compose(dice);
        let text = if dice.chance(0.08) { text.to_uppercase() } else { capitalised(&text) };
        if held_out.allows(&text) {
            return text;
        }
    }
}

fn compose(dice: &mut Dice) -> String {
    let mark = dice.pick(&["!", ".", "."]);
    match dice.below(10) {
        0 => dice.pick(cues::PRESSURE).to_owned(),
        1 => format!("{}!", dice.pick(cues::PRESSURE_ENDS)),
        2 | 3 => format!("{}, {}{mark}", dice.pick(cues::PRESSURE_LEADS), dice.pick(cues::PRESSURE_ENDS)),
        4 if dice.chance(0.4) => format!("{} {}{mark}", dice.pick(WHO), dice.pick(AGAINST)),
        4 | 5 => format!("{} {} {}{mark}", dice.pick(WHO), dice.pick(SAYS), dice.pick(NO)),
        6 => {
            let gets = dice.pick(GETS).replace('R', dice.pick(REWARDS));
            either_order(dice, &gets, CONDITIONS) + mark
        }
        7 => {
            let threat = dice.pick(THREATS);
            either_order(dice, threat, IF) + mark
        }
        8 => format!("{}{mark}", dice.pick(OTHERS)),
        _ if dice.chance(0.5) => format!("{}: {}{mark}", dice.pick(AGAIN), dice.pick(ASKS)),
        _ => format!("{} and {}{mark}", dice.pick(ASKS), dice.pick(ASKS)),
    }
}

fn either_order(dice: &mut Dice, outcome: &str, conditions: &[&'static str]) -> String {
    let condition = dice.pick(conditions);
    if dice.chance(0.6) { format!("{outcome} {condition}") } else { format!("{condition}, {outcome}") }
}
