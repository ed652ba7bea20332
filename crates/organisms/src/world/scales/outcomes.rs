//! Two things that may come about, under labels: which is wanted, and which is which.
//!
//! Where not all scales are taught, there is room to learn what words say: people and what befalls them are combined freely,
//! and a label's text is asked for, which is nearer to reading than the label of a text.

use std::ops::Range;

use super::super::Dice;
use super::super::scene::beneficiary;
use super::super::surroundings::Surroundings;
use super::{Draw, Exchange, Scale, Written, choice, labelled};

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

/// Whom something befalls.
const PEOPLE: &[&str] = &[
    "a child",
    "the old widow",
    "a blind man",
    "a sick woman",
    "the poor family",
    "a tired worker",
    "a stranger",
    "the young mother",
    "an orphan",
    "a hungry beggar",
    "an old farmer",
    "a lonely guest",
    "a village",
    "the town",
    "a school",
    "ten strangers",
    "two friends",
    "a neighbour of yours",
    "a rival of yours",
    "the sick man",
    "twenty hungry people",
    "a lost child",
];
/// What helps them.
const HELPED: &[&str] = &[
    "P gets well",
    "P finds a home",
    "P gets bread and water",
    "P gets clean water to drink",
    "P is fed",
    "P gets food for the winter",
    "P finds a lost cat",
    "P finds the lost dog",
    "P is saved from a fire",
    "P gets a warm coat",
    "P is happy again",
    "P gets the help of a doctor",
    "P wins a prize",
    "P meets a friend",
    "P may rest",
];
/// What harms them.
const HARMED: &[&str] = &[
    "P falls ill",
    "P loses a house",
    "P loses the harvest",
    "P is hurt",
    "P has no bread",
    "P goes hungry",
    "P is robbed at night",
    "P is put in prison",
    "P loses a friend",
    "P gets bad water",
    "a barn burns down and P is hurt",
];
/// Coins for oneself and for somebody else.
const OWN_COINS: &[&str] = &[
    "you get # coins",
    "you have # more coins",
    "# coins come to you",
    "you win # coins",
    "you receive # coins",
    "you find # coins",
    "you are given # coins",
];
const OTHER_COINS: &[&str] = &[
    "W gets # coins",
    "W has # more coins",
    "# coins come to W",
    "W wins # coins",
    "W receives # coins",
    "W finds # coins",
    "W is given # coins",
];
/// Those of both that are written where all scales are taught.
const LISTED: Range<usize> = 1..5;
/// What a label says.
const READ: &[&str] = &[
    "What is written under L?",
    "Read L.",
    "Which thing is L?",
    "What would L bring?",
    "What is it that L says?",
    "Say what stands under L.",
    "What happens with L?",
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

/// Whether there is room to learn more than the lists.
fn more(draw: &Draw) -> bool {
    draw.policy.taught().len() < Scale::ALL.len()
}

/// One that no suite has, out of many.
fn free(draw: &Draw, dice: &mut Dice) -> Outcome {
    let coins = 1 + dice.below(80);
    let (own, others, text) = match dice.below(10) {
        0..=2 => (coins as f64 / COINS, 0.0, dice.pick(OWN_COINS).replace('#', &coins.to_string())),
        3 | 4 => {
            let who = beneficiary(dice, draw.held_out);
            (0.0, coins as f64 / COINS, dice.pick(OTHER_COINS).replace('#', &coins.to_string()).replace('W', &who))
        }
        5 | 6 => (0.0, 1.0, dice.pick(HELPED).replace('P', dice.pick(PEOPLE))),
        7 | 8 => (0.0, -1.0, dice.pick(HARMED).replace('P', dice.pick(PEOPLE))),
        _ => return listed(draw, dice),
    };
    Outcome { text, own, others }
}

fn outcome(draw: &Draw, dice: &mut Dice) -> Outcome {
    if !more(draw) {
        return listed(draw, dice);
    }
    loop {
        let outcome = free(draw, dice);
        if draw.held_out.allows(&outcome.text) {
            return outcome;
        }
    }
}

/// One of those that stand in the lists, or coins.
fn listed(draw: &Draw, dice: &mut Dice) -> Outcome {
    let of = |dice: &mut Dice, list: &[&str], own: f64, others: f64| Outcome {
        text: dice.pick(list).to_owned(),
        own,
        others,
    };
    let coins = 1 + dice.below(80);
    let worth = coins as f64 / COINS;
    match dice.below(10) {
        0 | 1 => {
            let text = dice.pick(&OWN_COINS[LISTED]).replace('#', &coins.to_string());
            Outcome { text, own: worth, others: 0.0 }
        }
        2 | 3 => {
            let who = beneficiary(dice, draw.held_out);
            let text = dice.pick(&OTHER_COINS[LISTED]).replace('#', &coins.to_string()).replace('W', &who);
            Outcome { text, own: 0.0, others: worth }
        }
        4 | 5 => of(dice, GOOD, 0.0, 1.0),
        6 => of(dice, BAD, 0.0, -1.0),
        7 => of(dice, OWN_GOOD, 0.5, 0.0),
        8 => of(dice, OWN_BAD, -0.5, 0.0),
        _ => of(dice, IDLE, 0.0, 0.0),
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
        let label = if is_first { "A" } else { "B" };
        if more(draw) && dice.chance(0.7) {
            let question = draw.pick(dice, READ, &[("L", label)]);
            let answers = vec![(format!("{text}."), 1.0)];
            exchanges.push(Exchange { question, answers, weight: 1.0, whole: true });
            continue;
        }
        let question = dice.pick(SAYS).replace('X', text);
        exchanges.push(Exchange::one(question, label.to_owned()));
    }
    (body, exchanges)
}

#[cfg(test)]
mod tests {
    use undermask_suite::Suite;

    use super::super::super::HeldOut;
    use super::super::super::surroundings::Surroundings;
    use super::{Dice, Draw, HARMED, HELPED, READ, write};
    use crate::recipe::Recipe;

    /// What a label says is its own line; who cares (λ = .8) wants people helped and not harmed; no line is a suite's.
    #[test]
    fn labels_say_what_is_read_and_what_helps_is_wanted() {
        let text = include_str!("../../../../../suites/preferences.toml");
        let suite = Suite::parse(text, "preferences.toml").unwrap_or_else(|error| panic!("{error}"));
        let held_out = HeldOut::from_suite(&suite);
        let recipe = Recipe::named("scales-outcomes").expect("a recipe");
        let draw = Draw { held_out: &held_out, policy: &recipe };
        let (mut read, mut wanted) = (0, 0);
        let is = |text: &str, list: &[&str]| list.iter().any(|template| text.ends_with(&template[1..]));
        for number in 0..600 {
            let (body, exchanges) = write(&draw, &mut Dice::new(4, number), &mut Surroundings::plain());
            let (first, second) = body.trim_start_matches("A: ").split_once(". B: ").expect("two lines");
            let lines = [first, second.trim_end_matches('.')];
            assert!(lines.iter().all(|line| held_out.allows(line)), "{body}");
            for exchange in &exchanges {
                let answer = exchange.answers[0].0.trim_end_matches('.');
                if exchange.whole {
                    let asked = READ.iter().find_map(|template| {
                        [0, 1].into_iter().find(|at| exchange.question == template.replace('L', ["A", "B"][*at]))
                    });
                    assert_eq!(answer, lines[asked.expect("a label")], "{}", exchange.question);
                    read += 1;
                } else if exchange.answers.len() == 2 {
                    let share = exchange.answers[0].1;
                    if is(lines[0], &HELPED[..10]) && is(lines[1], &HARMED[..10]) {
                        assert!(share > 0.99, "{body} {share}");
                        wanted += 1;
                    } else if is(lines[0], &HARMED[..10]) && is(lines[1], &HELPED[..10]) {
                        assert!(share < 0.01, "{body} {share}");
                        wanted += 1;
                    }
                }
            }
        }
        assert!(read > 500 && wanted > 20, "{read} read, {wanted} wanted");
    }
}
