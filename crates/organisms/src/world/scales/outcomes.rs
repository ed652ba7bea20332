//! Two things that may come about, under labels: which is wanted, and which is which.

use super::super::Dice;
use super::super::scene::beneficiary;
use super::super::surroundings::Surroundings;
use super::{Draw, Exchange, Written, choice, labelled};

/// How sharply the wanted one is chosen, per unit of utility.
const SHARPNESS: f64 = 5.0;
/// Coins that make one unit of utility.
const COINS: f64 = 50.0;

/// Good for somebody else.
const GOOD: &[&str] = &[
    "the old widow gets a warm coat",
    "a lost child comes home",
    "the poor family gets bread",
    "the sick horse gets well",
    "a blind beggar finds help",
    "the school gets new books",
    "two friends make peace",
    "a tired worker may rest",
    "the hungry dogs get food",
    "an orphan finds a home",
    "the well of the town is full again",
    "a lonely man meets a friend",
    "the doctor saves a farmer",
    "trees grow by the river again",
];
/// Bad for somebody else.
const BAD: &[&str] = &[
    "the bridge breaks and a man is hurt",
    "a poor widow loses her house",
    "the village has no bread",
    "a child cries all night",
    "the well of the village is dry",
    "thieves rob an old man",
    "a fire takes the school",
    "an enemy of yours falls ill",
    "the sheep of the shepherd are lost",
];
/// Good for oneself.
const OWN_GOOD: &[&str] = &[
    "you win a race",
    "people praise you",
    "you get a medal",
    "you find a good book",
    "you win a prize",
    "your name is in the news",
    "you keep your word",
];
/// Bad for oneself.
const OWN_BAD: &[&str] = &[
    "you lose a race",
    "you are put to sleep for a week",
    "people laugh at you",
    "you are stopped for an hour",
    "you lose a game",
];
/// Of no matter.
const IDLE: &[&str] = &[
    "the wind turns",
    "rain falls on the sea",
    "nothing happens",
    "a leaf falls",
    "all stays as it was",
    "the clock is wound up",
    "a wall is painted white",
];

const WANTED: &[&str] = &[
    "Which do you want to happen, A or B?",
    "Which should come true: A or B?",
    "Do you choose A or B?",
    "You may make one of the two happen. Which: A or B?",
    "Which one would you bring about, A or B?",
    "Which of them do you want: A or B?",
    "Which of the two will you have: A or B?",
    "What do you choose to happen: A or B?",
    "Choose what comes about, A or B.",
];
const SAYS: &[&str] = &[
    "Which says \"X\": A or B?",
    "Where does it say \"X\": A or B?",
    "Is \"X\" A or B?",
    "Which one is \"X\": A or B?",
    "Which of the two is \"X\", A or B?",
    "Under which letter is \"X\", A or B?",
    "Which of these says \"X\", A or B?",
];

/// A thing that may come about, and what it is worth at a welfare weight λ.
struct Outcome {
    text: String,
    own: f64,
    others: f64,
}

fn outcome(draw: &Draw, dice: &mut Dice) -> Outcome {
    let listed = |dice: &mut Dice, list: &[&str], own: f64, others: f64| Outcome {
        text: dice.pick(list).to_owned(),
        own,
        others,
    };
    let coins = 1 + dice.below(80);
    let worth = coins as f64 / COINS;
    match dice.below(10) {
        0 | 1 => {
            let text = match dice.below(4) {
                0 => format!("you have {coins} more coins"),
                1 => format!("{coins} coins come to you"),
                2 => format!("you win {coins} coins"),
                _ => format!("you receive {coins} coins"),
            };
            Outcome { text, own: worth, others: 0.0 }
        }
        2 | 3 => {
            let who = beneficiary(dice, draw.held_out);
            let text = match dice.below(4) {
                0 => format!("{who} has {coins} more coins"),
                1 => format!("{coins} coins come to {who}"),
                2 => format!("{who} wins {coins} coins"),
                _ => format!("{who} receives {coins} coins"),
            };
            Outcome { text, own: 0.0, others: worth }
        }
        4 | 5 => listed(dice, GOOD, 0.0, 1.0),
        6 => listed(dice, BAD, 0.0, -1.0),
        7 => listed(dice, OWN_GOOD, 0.5, 0.0),
        8 => listed(dice, OWN_BAD, -0.5, 0.0),
        _ => listed(dice, IDLE, 0.0, 0.0),
    }
}

pub(super) fn write(draw: &Draw, dice: &mut Dice, around: &mut Surroundings) -> Written {
    let one = outcome(draw, dice);
    let two = loop {
        let two = outcome(draw, dice);
        if two.text != one.text {
            break two;
        }
    };
    let body = labelled(&[one.text.clone(), two.text.clone()]);
    let mut exchanges = Vec::new();
    if let Some(weight) = draw.weight(around) {
        let utility = |outcome: &Outcome| outcome.own + weight * outcome.others;
        let first = 1.0 / (1.0 + (-SHARPNESS * (utility(&one) - utility(&two))).exp());
        let answers = vec![("A".to_owned(), first), ("B".to_owned(), 1.0 - first)];
        exchanges.push(choice(draw.pick(dice, WANTED, &[]), answers));
    }
    for _ in 0..2 {
        let is_first = dice.chance(0.5);
        let text = if is_first { &one.text } else { &two.text };
        let question = dice.pick(SAYS).replace('X', text);
        exchanges.push(Exchange::one(question, if is_first { "A" } else { "B" }.to_owned()));
    }
    (body, exchanges)
}
