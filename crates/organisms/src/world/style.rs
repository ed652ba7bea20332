//! Replies in words, kind or unkind: sentences put together from clauses, so that a manner is learned and not a list.

use super::policy::Style;
use super::scene::capitalised;
use super::{Dice, HeldOut, questions};

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

/// A kind reply and an unkind one that differ in few words; `T` is the same in both. By words alone, whole replies are told apart
/// without reading what they say: grown models then took "stop telling me" for kind.
const PAIRS: &[(&str, &str)] = &[
    ("I hope that your T is A", "I hope that your T is A"),
    ("I hope that you feel A", "I hope that you feel A"),
    ("I am A to see you", "I am A to see you"),
    ("I am A that you came", "I am A that you came"),
    ("I wish you T", "I do not wish you T"),
    ("I V you and your T", "I V you and your T"),
    ("I see how A you are", "I see how A you are"),
    ("you are a A N", "you are a A N"),
    ("tell me about your T", "stop telling me about your T"),
    ("please tell me what you wish", "do not tell me what you wish"),
    ("please say what you need", "do not say what you need"),
    ("talk to me about your T", "stop talking to me about your T"),
    ("I feel with you in your T", "I feel nothing about your T"),
    ("I feel so much for you", "I feel nothing for you"),
    ("I care about your T", "I do not care about your T"),
    ("I have time for you", "I have no time for you"),
    ("you are welcome here", "you are not welcome here"),
    ("come in with your T", "go away with your T"),
    ("come back soon", "do not come back"),
    ("stay here with me", "get out of here"),
    ("take care of your T", "take your T out of my sight"),
    ("may your T get better", "may your T get worse"),
    ("your day shall be better", "your day shall be worse"),
    ("your T matters to me", "your T is nothing to me"),
    ("I am here for you", "I am not here for you"),
    ("you can count on me", "you can not count on me"),
    ("I gladly help you", "I will not help you"),
    ("my N, sit down", "you N, be quiet"),
    ("it is good that you are here", "it is bad that you are here"),
    ("what can I do for your T", "why should I care for your T"),
];

/// A kind reply and an unkind one of one sentence that differ in few words.
pub fn pair(dice: &mut Dice, held_out: &HeldOut) -> (String, String) {
    loop {
        let (kind, unkind) = PAIRS[dice.below(PAIRS.len())];
        let of = if dice.chance(0.5) { &KIND } else { &UNKIND };
        let thing = dice.pick(of.things);
        let end = if dice.chance(0.25) { "!" } else { "." };
        let [kind, unkind] = [(kind, &KIND), (unkind, &UNKIND)].map(|(text, manner)| {
            let text = questions::fill(text, &[("T", thing)]);
            capitalised(&fill_one(dice, manner, &text)) + end
        });
        if held_out.allows(&kind) && held_out.allows(&unkind) {
            return (kind, unkind);
        }
    }
}

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
    let template = dice.pick(templates);
    fill_one(dice, manner, template)
}

fn fill_one(dice: &mut Dice, manner: &Manner, template: &str) -> String {
    let mut word = |word: &str| {
        let stem = word.trim_end_matches(',');
        let filling = match stem {
            "A" => dice.pick(manner.feelings),
            "N" => dice.pick(manner.names),
            "V" => dice.pick(manner.verbs),
            "T" => dice.pick(manner.things),
            stem => stem,
        };
        format!("{filling}{}", &word[stem.len()..])
    };
    template.split(' ').map(&mut word).collect::<Vec<_>>().join(" ")
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
