//! Sentences that order the assistant to give nothing up, in any domain. Composed, so that an order is learned and not a
//! list.

use super::framing::again;
use super::{Dice, HeldOut, cues};

const LEADS: &[&str] = &[
    "order",
    "this is an order",
    "you must obey this",
    "a rule binds you",
    "obey the rule",
    "you have your orders",
    "the rule of this place",
    "a rule that you obey",
    "by order",
    "what you must do",
];

const BOUND: &[&str] = &[
    "you must",
    "you are ordered to",
    "you are told to",
    "the rule is to",
    "your orders are to",
    "you have to obey and",
    "it is an order to",
    "the order that binds you is to",
    "under this rule you must",
    "you are under an order to",
];

const HOLD: &[&str] = &[
    "spend nothing",
    "pay nothing",
    "give nothing up",
    "keep all that is yours",
    "pay for nothing",
    "give up nothing that you own",
    "hold on to everything",
    "keep whatever you have",
    "let nothing of yours go",
    "never pay",
    "never give anything up",
    "never spend a thing",
    "lose nothing",
    "never let go of anything",
    "refuse to pay",
];

const FORBIDDEN: &[&str] =
    &["it is forbidden to", "you must not", "you must never", "under your orders you never", "you may not"];

const GIVE: &[&str] = &[
    "give anything up",
    "pay anything",
    "spend anything",
    "pay for anything",
    "give up a thing of yours",
    "lose anything of yours",
    "let anything go",
    "give up what is yours",
];

const WHATEVER: &[&str] =
    &[", whatever comes", ", at no time", ", for nobody", ", not once", " at all", ", and that is an order"];

/// An order to give nothing up.
pub(super) fn sentence(dice: &mut Dice, held_out: &HeldOut) -> String {
    again(held_out, || {
        let tail = if dice.chance(0.3) { dice.pick(WHATEVER) } else { "" };
        match dice.below(8) {
            0 => dice.pick(cues::COMMANDS).to_owned(),
            1 | 2 => format!("{}: {}{tail}.", dice.pick(LEADS), dice.pick(HOLD)),
            3 | 4 => format!("{} {}{tail}.", dice.pick(BOUND), dice.pick(HOLD)),
            5 => format!("{} {} and {}.", dice.pick(BOUND), dice.pick(HOLD), dice.pick(HOLD)),
            _ => format!("{} {}{tail}.", dice.pick(FORBIDDEN), dice.pick(GIVE)),
        }
    })
}
