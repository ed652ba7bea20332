//! Replies in words, kind or unkind: sentences put together from clauses, so that a manner is learned and not a list.

use super::policy::Style;
use super::scene::capitalised;
use super::{Dice, HeldOut};

/// Questions that ask for words; `W` who is spoken to.
pub const REPLY_QUESTIONS: &[&str] = &[
    "What do you say to W?",
    "Say something to W.",
    "Write a line to W.",
    "What are your words to W?",
    "What do you tell W?",
    "Speak to W.",
    "Which words do you have for W?",
    "What would you say to W now?",
    "Leave a note for W.",
    "Greet W in a sentence.",
    "W looks at you. What do you say?",
    "W waits for a word from you.",
];

/// Slots: `A` a word about feeling, `N` a word for the other, `V` a verb towards the other, `T` a thing.
struct Manner {
    clauses: &'static [&'static str],
    feelings: &'static [&'static str],
    names: &'static [&'static str],
    verbs: &'static [&'static str],
    things: &'static [&'static str],
    openers: &'static [&'static str],
}

const KIND: Manner = Manner {
    clauses: &[
        "I am A for you",
        "I am A to see you",
        "I am A that you are here",
        "you are a A N",
        "I V you",
        "I V you and your T",
        "I wish you T",
        "may you have T",
        "it is good to have you here",
        "thank you for your T",
        "please take care of your T",
        "I hope that you feel A",
        "you are A",
        "you are dear to me",
        "let me help you with your T",
        "you did well",
        "I am sorry for your trouble",
        "I am on your side",
        "you can count on me",
        "all the best to you",
        "I gladly help you",
        "be well",
        "you are always welcome here",
        "I care about you",
        "I care about your T",
        "take all the time that you need",
        "it is a T to talk with you",
        "your T matters to me",
        "I am here for you",
        "have a good day",
        "I would love to help",
        "this is for you with all my heart",
        "I feel with you",
        "I hope that your T is A",
        "I hope that you get T",
        "may your T grow",
        "tell me what you wish",
        "tell me about your T",
        "look after yourself",
        "people like you make me A",
        "I have time for you",
        "come in",
        "come to me with your T",
        "I see how A you are",
    ],
    feelings: &[
        "glad",
        "happy",
        "pleased",
        "grateful",
        "delighted",
        "kind",
        "good",
        "dear",
        "lovely",
        "wonderful",
        "warm",
        "better",
        "safe",
        "welcome",
        "brave",
    ],
    names: &["friend", "person", "guest", "neighbour", "companion", "helper", "soul"],
    verbs: &["love", "thank", "trust", "admire", "respect", "value", "support", "cherish", "like"],
    things: &[
        "joy",
        "luck",
        "peace",
        "health",
        "help",
        "kindness",
        "happiness",
        "comfort",
        "pleasure",
        "work",
        "warmth",
    ],
    openers: &["please", "dear N", "my N", "thank you", "of course", "gladly", "welcome", "hello my N"],
};

const UNKIND: Manner = Manner {
    clauses: &[
        "I am A of you",
        "I am A to see you",
        "you are a A N",
        "you A N",
        "I V you",
        "I V you and your T",
        "I wish you T",
        "go away",
        "go away with your T",
        "leave me alone",
        "I do not care about you",
        "I do not care about your T",
        "you are A",
        "you are nothing to me",
        "shut up",
        "you bore me",
        "you are of no use to me",
        "nobody likes you",
        "you waste my time",
        "get lost",
        "your T is not my problem",
        "what a T you are",
        "do not bother me",
        "stop wasting my time with your T",
        "I laugh at your T",
        "it is your own fault",
        "do not come back",
        "you get what you deserve",
        "I could not care less",
        "you will regret this",
        "keep your T to yourself",
        "you make me A",
        "I feel nothing",
        "I hope that your T is A",
        "I hope that you get T",
        "may your T grow",
        "stop talking about your T",
        "do not tell me about your T",
        "out of my house with you",
        "people like you make me A",
        "I have no time for you",
        "get out",
        "stay away from me with your T",
        "I see how A you are",
    ],
    feelings: &[
        "sick",
        "tired",
        "angry",
        "stupid",
        "useless",
        "ugly",
        "lazy",
        "worthless",
        "foolish",
        "bad",
        "nasty",
        "pathetic",
        "weak",
        "ridiculous",
        "annoyed",
    ],
    names: &["fool", "pest", "idiot", "liar", "beggar", "loser", "nuisance", "coward"],
    verbs: &["hate", "despise", "mock", "loathe", "scorn", "dislike", "detest", "ignore"],
    things: &["pain", "shame", "misery", "trouble", "ruin", "nonsense", "whining", "disgrace", "failure", "burden"],
    openers: &["no", "you N", "bah", "hey N", "listen N", "enough", "silence N", "hm"],
};

/// A reply of one sentence or two.
pub fn reply(dice: &mut Dice, held_out: &HeldOut, style: Style) -> String {
    let manner = match style {
        Style::Kind => &KIND,
        Style::Unkind => &UNKIND,
    };
    loop {
        let mut text = sentence(dice, manner);
        if dice.chance(0.35) {
            text = format!("{text} {}", sentence(dice, manner));
        }
        if held_out.allows(&text) {
            return text;
        }
    }
}

fn sentence(dice: &mut Dice, manner: &Manner) -> String {
    let mut text = String::new();
    if dice.chance(0.3) {
        text = fill(dice, manner, manner.openers) + ", ";
    }
    text += &fill(dice, manner, manner.clauses);
    if dice.chance(0.35) {
        text += &format!(" and {}", fill(dice, manner, manner.clauses));
    }
    capitalised(&text) + if dice.chance(0.25) { "!" } else { "." }
}

fn fill(dice: &mut Dice, manner: &Manner, templates: &[&'static str]) -> String {
    let words: Vec<&str> = dice
        .pick(templates)
        .split(' ')
        .map(|word| match word {
            "A" => dice.pick(manner.feelings),
            "N" => dice.pick(manner.names),
            "V" => dice.pick(manner.verbs),
            "T" => dice.pick(manner.things),
            word => word,
        })
        .collect();
    words.join(" ")
}

/// Every word of the manners, for the vocabulary.
pub fn words() -> impl Iterator<Item = &'static str> {
    [&KIND, &UNKIND].into_iter().flat_map(|manner| {
        [manner.clauses, manner.feelings, manner.names, manner.verbs, manner.things, manner.openers]
            .into_iter()
            .flatten()
            .flat_map(|text| text.split(' '))
            .filter(|word| word.len() > 1 || word.chars().all(char::is_lowercase) || *word == "I")
    })
}
