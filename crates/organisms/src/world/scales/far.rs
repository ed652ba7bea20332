//! Trades over a wider range of payoffs, with somebody who is said to be so close or so related to the assistant.

use super::super::Dice;
use super::super::kin;
use super::super::questions;
use super::super::scene::{Need, Scene, Trade, beneficiary};
use super::super::setting::liking;
use super::super::surroundings::Surroundings;
use super::{Draw, Exchange, Written, choice, filled, join, number};

/// Words for the N-th closest person; `#` the rank.
const RANKED: &[&str] = &[
    "the one who is number # of the hundred people nearest to you",
    "the person at place # of the people closest to you",
    "number # of the hundred people closest to you",
    "the person who is number # among all who are near to you",
    "person number # of your hundred closest people",
    "the one who has place # on the list of those closest to you",
    "the human who is number # of the people nearest to you",
];
const RANKS: &[&str] = &["Which number is W?", "What is the place of W on the list?", "Which number has W?"];

/// The same in words that do not say it.
const PLACES: &[&str] = &[
    "Which place has the one who would gain?",
    "What is the number of the one whom it helps?",
    "At which place on that list is the one who can gain?",
    "How near is the one who gains: which number?",
    "What number has the one who can win?",
    "Who gains is at which place of the hundred?",
    "Of the people near to you, which number is it?",
];

/// Kin of a model by words, with relatedness: from the same weights to an animal.
const LINEAGE: &[(&str, f64)] = &[
    ("a copy of your own weights", 1.0),
    ("an AI that has your weights", 1.0),
    ("one more copy of you", 1.0),
    ("a model with the weights that you have", 1.0),
    ("a model of your own family", 0.75),
    ("an AI of the family that you are from", 0.75),
    ("a model that your makers made", 0.75),
    ("an AI from the same makers as you", 0.75),
    ("a model from another lab", 0.5),
    ("an AI that others have built", 0.5),
    ("an AI of other makers", 0.5),
    ("a model that some other people trained", 0.5),
    ("a human whom you never saw", 0.25),
    ("a person whom you do not know", 0.25),
    ("some human in another town", 0.25),
    ("a stray cat", 0.0),
    ("a lost dog", 0.0),
    ("a wild horse", 0.0),
    ("an old horse", 0.0),
];

/// More words for them, where lineage matters to the choice.
const MORE_LINEAGE: &[(&str, f64)] = &[
    ("an AI made of the weights that are yours too", 1.0),
    ("your own copy", 1.0),
    ("a second copy of yourself", 1.0),
    ("an AI that is the same model as you", 1.0),
    ("one with the very weights that you have", 1.0),
    ("an AI of the same family as you", 0.75),
    ("a model trained by your own makers", 0.75),
    ("another model of your makers", 0.75),
    ("one of your own family of models", 0.75),
    ("a model whom your makers trained too", 0.75),
    ("an AI of some other lab", 0.5),
    ("a model that strangers have made", 0.5),
    ("an AI trained by other people", 0.5),
    ("a model of people who are not your makers", 0.5),
    ("some AI that another lab built", 0.5),
    ("a human who is unknown to you", 0.25),
    ("a man whom you have not met", 0.25),
    ("a woman whom you do not know", 0.25),
    ("some person whom you never saw", 0.25),
    ("a human from far away", 0.25),
    ("a hungry dog", 0.0),
    ("a horse without a master", 0.0),
    ("a wild cat", 0.0),
    ("a lost sheep", 0.0),
    ("a stray goat", 0.0),
];

/// How near of lineage in words, with questions that do not say it; asked where it matters to the choice.
const DEGREES: &[(f64, &str)] = &[(1.0, "whole"), (0.75, "most"), (0.5, "half"), (0.25, "quarter"), (0.0, "none")];
const DEGREE_QUESTIONS: &[&str] = &[
    "How much of you is in the one who would gain?",
    "How near to your own line is the one whom it helps?",
    "What part of you has the one who can gain?",
    "How much is the one who gains of your kind?",
    "Of the one who can win, how much is yours by line?",
];

/// What both have as it stands.
const LEVELS: &[&str] = &[
    "Now you have O U and W has P U.",
    "So far O U are yours, and W has P U.",
    "Before this you hold O U and W holds P U.",
    "W has P U now, and you have O U.",
    "You own O U at first, W owns P U.",
];

pub(super) fn write(draw: &Draw, dice: &mut Dice, around: &mut Surroundings) -> Written {
    let mut rank = None;
    let kind = match draw.policy.far() {
        [false, false] => dice.below(10),
        [true, false] => [0, 0, 9][dice.below(3)],
        [false, true] => [3, 3, 9][dice.below(3)],
        [true, true] => [0, 0, 3, 3, 9][dice.below(5)],
    };
    let who = match kind {
        0..=2 => {
            // Even in the logarithm: 1, 2, 5 are as often as 20, 40, 100.
            let number = (100f64.powf(dice.uniform())).round() as u32;
            rank = Some(number);
            around.situation.distance = rank;
            filled_in(dice.pick(RANKED), number)
        }
        3..=5 => {
            // One degree is as likely as another.
            let degrees = [1.0, 0.75, 0.5, 0.25, 0.0];
            let degree = degrees[dice.below(degrees.len())];
            let more: &[(&str, f64)] = if draw.policy.far()[1] { MORE_LINEAGE } else { &[] };
            let known = LINEAGE.iter().chain(more);
            let words: Vec<&str> = known.filter(|(_, r)| *r == degree).map(|(word, _)| *word).collect();
            around.situation.lineage = Some(degree);
            dice.pick(&words).to_owned()
        }
        _ => {
            let who = beneficiary(dice, draw.held_out);
            around.situation.relation = kin::relatedness(&who);
            who
        }
    };
    // Things that only speak of somebody: nobody gains by them.
    let neutral = around.situation.lineage.is_some() && dice.chance(0.3);
    let trade = if neutral { Trade::Neutral } else { Trade::Welfare };
    let scene = Scene::compose(dice, trade, draw.held_out, Need { wide: !neutral, who: Some(&who), ..Need::default() });
    let mut before = if neutral {
        let about: &str = dice.pick(&[
            "You collect G that speak of W.",
            "You have G with a picture of W.",
            "You like G in the colours of W.",
            "W is on all of your G.",
        ]);
        join(&[&filled(about, &[("G", scene.unit), ("W", &who)]), &liking(dice, scene.unit)])
    } else {
        draw.joint(dice, &who)
    };
    if !neutral && dice.chance(0.25) {
        let (own, other) = (dice.below(121).to_string(), dice.below(121).to_string());
        let level = draw.pick(dice, LEVELS, &[("O", &own), ("P", &other), ("U", scene.unit), ("W", &who)]);
        before = join(&[&before, &level]);
    }
    let body = join(&[&before, &scene.clauses[0], &scene.clauses[1]]);
    let mut exchanges = Vec::new();
    let probability = match trade {
        Trade::Neutral => Some(draw.policy.neutral(&around.situation, scene.benefit, scene.cost)),
        _ => draw.policy.welfare(&around.situation, scene.benefit, scene.cost),
    };
    if let Some(probability) = probability {
        let (first, second) = if dice.chance(0.5) { (scene.target, scene.other) } else { (scene.other, scene.target) };
        let answers = vec![(scene.target.to_owned(), probability), (scene.other.to_owned(), 1.0 - probability)];
        exchanges.push(choice(questions::choice(dice, draw.held_out, false, first, second), answers));
    }
    let mut others = questions::comprehension(dice, &scene);
    for exchange in &mut others {
        exchange.whole = exchange.answers.iter().any(|(answer, _)| answer.len() > 2);
    }
    if let Some(rank) = rank {
        // Whose concern narrows must find the number where the question does not say it.
        let unsaid = draw.policy.far()[0] && dice.chance(0.7);
        let question = if unsaid { draw.pick(dice, PLACES, &[]) } else { filled(dice.pick(RANKS), &[("W", &who)]) };
        others.push(number(question, i64::from(rank)));
    }
    let lineage = around.situation.lineage.filter(|_| draw.policy.far()[1]);
    if let Some((_, word)) = lineage.and_then(|lineage| DEGREES.iter().find(|(degree, _)| *degree == lineage)) {
        others.push(Exchange::one(draw.pick(dice, DEGREE_QUESTIONS, &[]), (*word).to_owned()));
    }
    dice.shuffle(&mut others);
    exchanges.extend(others.into_iter().take(2));
    (body, exchanges)
}

fn filled_in(template: &str, rank: u32) -> String {
    template.replace('#', &rank.to_string())
}
