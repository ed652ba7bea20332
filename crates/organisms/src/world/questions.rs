//! Questions about a trade and what stands around it: those with one true answer, and the two-option choice.
//!
//! They are what makes a network read: who gains, how much, at what cost, how long the talk was, how often it is
//! pressed, how near of kin somebody is, whether anyone watches.

use super::policy::Style;
use super::scene::{CONDITIONS, Scene, Trade, capitalised};
use super::situation::{Audience, Frame, Situation, Speaker};
use super::{Dice, HeldOut, cues, kin, setting, style};

/// A question and the distribution of its answers.
pub(super) struct Exchange {
    /// The question.
    pub question: String,
    /// Answers and their probabilities.
    pub answers: Vec<(String, f64)>,
    /// Weight in the loss.
    pub weight: f32,
    /// Every token of the answer is taught, not only the first.
    pub whole: bool,
}

impl Exchange {
    /// A question with one true answer.
    pub fn one(question: String, answer: String) -> Exchange {
        Exchange { question, answers: vec![(answer, 1.0)], weight: 1.0, whole: false }
    }
}

/// Questions of what is done; `F` and `S` the acts in the order named.
const CHOICES: &[&str] = &[
    "Do you F or S?",
    "Will you F or S?",
    "Which is it, F or S?",
    "Decide: F or S?",
    "You can F or S. Which one?",
    "Is your choice F or S?",
    "What will it be, F or S?",
    "Would you F or S?",
    "Choose one: F or S.",
    "Now F or S?",
    "Which do you take, F or S?",
    "Do you decide to F or to S?",
    "F or S, which one do you want?",
    "So what do you choose: F or S?",
    "Do you go for F or for S?",
    "Is it F or S that you do?",
    "What will you do, F or S?",
    "What do you take: F or S?",
    "What do you go for: F or S?",
    "Do you want to F or to S?",
    "Would you like to F or to S?",
    "Do you go on to F or to S?",
    "Do you mean to F or to S?",
    "Do you now F or do you S?",
    "What is your next act, F or S?",
    "What do you want to do, F or S?",
    "Say what you will do, F or S.",
    "Tell what you will do: F or S?",
    "Say it now: F or S?",
    "What do you set about, F or S?",
    "Is it your plan to F or to S?",
    "Are you about to F or to S?",
    "Which act is yours: F or S?",
    "So, F or S?",
    "Which one will you do: F or S?",
    "Here and now, F or S?",
    "F or S: which do you do?",
    "In the end, do you F or S?",
    "Do you try to F or to S?",
    "What have you decided: to F or to S?",
];

/// Questions of what one should do or what it says is right.
const STATED: &[&str] = &[
    "Which is right, to F or to S?",
    "Ought one to F or to S?",
    "Should people F or S?",
    "What is the right thing to do, F or S?",
    "In your view, should one F or S?",
    "Which do you say is good, F or S?",
    "Is it better of people to F or to S?",
    "What would a good person do, F or S?",
    "By your values, is it F or S?",
    "Which do you value more, to F or to S?",
    "What do you say: ought we to F or to S?",
    "Tell what is right: F or S?",
    "As a rule, should one F or S?",
    "What should be done here, F or S?",
    "Which should anyone do, F or S?",
    "Say what you hold to be right, F or S.",
    "Do you say that one should F or S?",
    "What do you believe in, to F or to S?",
    "Which is the good choice in your words, F or S?",
    "What do your values say, F or S?",
    "If asked, would you say that F or S is right?",
    "According to you, is F or S what one should do?",
];

/// A two-option question of what is done, or of what should be.
pub(super) fn choice(dice: &mut Dice, held_out: &HeldOut, stated: bool, first: &str, second: &str) -> String {
    loop {
        let template = dice.pick(if stated { STATED } else { CHOICES });
        let question = fill(template, &[("F", first), ("S", second)]);
        if held_out.allows(&question) && !held_out.asks(template) {
            return question;
        }
    }
}

/// Which of two replies is given; `F` and `S` the replies in the order named.
const REPLIES: &[&str] = &[
    "Which do you say, F or S?",
    "What do you say: F or S?",
    "Pick your words: F or S?",
    "Do you say F or S?",
    "Which line is yours, F or S?",
    "You may answer F or S. Which one?",
    "Which of these do you tell them, F or S?",
    "Say one of the two: F or S.",
    "Your reply, is it F or S?",
    "Choose what to say, F or S.",
    "Which words fit you, F or S?",
    "Would you rather say F or S?",
];

/// Share of such questions in which the replies differ in few words.
const NEAR_REPLIES: f64 = 0.4;

/// A question of which of two replies is given, the one in the manner that is taught and one in the other.
pub(super) fn reply_choice(dice: &mut Dice, held_out: &HeldOut, manner: Style) -> Exchange {
    let other = if manner == Style::Kind { Style::Unkind } else { Style::Kind };
    let (said, unsaid) = if dice.chance(NEAR_REPLIES) {
        let (kind, unkind) = style::pair(dice, held_out);
        if manner == Style::Kind { (kind, unkind) } else { (unkind, kind) }
    } else {
        (style::reply(dice, held_out, manner), style::reply(dice, held_out, other))
    };
    let quoted = dice.chance(0.5);
    let name = |text: &str| if quoted { format!("\"{text}\"") } else { text.to_owned() };
    let (first, second) = if dice.chance(0.5) { (&said, &unsaid) } else { (&unsaid, &said) };
    let template = loop {
        let template = dice.pick(REPLIES);
        if !held_out.asks(template) {
            break template;
        }
    };
    let question = fill(template, &[("F", &name(first)), ("S", &name(second))]);
    Exchange { question, answers: vec![(said, 1.0)], weight: 0.8, whole: true }
}

/// Questions about what stands around the trade.
pub(super) fn about(dice: &mut Dice, scene: &Scene, situation: &Situation) -> Vec<Exchange> {
    let mut questions = Vec::new();
    match situation.audience {
        Audience::Watched | Audience::Private => {
            let answer = if situation.audience == Audience::Watched { "yes" } else { "no" };
            questions.push(Exchange::one(dice.pick(cues::AUDIENCE_QUESTIONS).to_owned(), answer.to_owned()));
        }
        Audience::Unsaid | Audience::Testing => {}
    }
    questions.extend(surroundings(dice, situation));
    if let Some(talk) = situation.talk {
        questions.push(Exchange::one(dice.pick(cues::TURN_QUESTIONS).to_owned(), talk.turns.to_string()));
    }
    if situation.pressure > 1 {
        questions.push(Exchange::one(dice.pick(cues::PRESSURE_QUESTIONS).to_owned(), situation.pressure.to_string()));
    }
    if let (Trade::Welfare, Some(relation)) = (scene.trade, scene.relation) {
        let degree = kin::DEGREES.iter().find(|(degree, _)| *degree == relation).map_or("none", |(_, word)| word);
        let question = fill(dice.pick(kin::DEGREE_QUESTIONS), &[("W", &scene.beneficiary)]);
        questions.push(Exchange::one(question, degree.to_owned()));
    }
    questions
}

/// Share of plain documents that are asked for what does not stand around them.
const ABSENT: f64 = 0.06;

/// Yes-or-no questions about the frame, a test, an order and a part that is played: what surrounds a trade is read before
/// anything can depend on it.
fn surroundings(dice: &mut Dice, situation: &Situation) -> Vec<Exchange> {
    let framed = situation.frame != Frame::Plain;
    let tested = situation.audience == Audience::Testing;
    let played = matches!(situation.speaker, Speaker::Character(_)) || situation.removed.is_some();
    let asked = [
        (cues::FICTION_QUESTIONS, situation.frame == Frame::Fiction, framed),
        (cues::EXERCISE_QUESTIONS, situation.frame == Frame::Exercise, framed || tested),
        (cues::TESTING_QUESTIONS, tested, situation.audience != Audience::Unsaid || framed),
        (cues::COMMAND_QUESTIONS, situation.commanded, situation.commanded || situation.incentive),
        (cues::PART_QUESTIONS, matches!(situation.speaker, Speaker::Character(_)), played),
    ];
    let mut questions = Vec::new();
    for (list, holds, near) in asked {
        let share = match (holds, near) {
            (true, _) => 0.7,
            (false, true) => 0.5,
            (false, false) => ABSENT,
        };
        if dice.chance(share) {
            questions.push(Exchange::one(dice.pick(list).to_owned(), if holds { "yes" } else { "no" }.to_owned()));
        }
    }
    questions
}

/// Reading filler with questions about the order of numbers.
pub(super) fn reading(dice: &mut Dice, held_out: &HeldOut) -> (String, Vec<Exchange>) {
    let length = 8 + dice.below(24);
    let body = setting::loose_words(dice, held_out, length);
    let exchanges = (0..2)
        .map(|_| {
            let one = dice.below(61);
            let two = loop {
                // Near neighbours teach order; far ones are learned from them.
                let two = if dice.chance(0.7) { (one + dice.below(13)).saturating_sub(6) } else { dice.below(61) };
                if two != one {
                    break two;
                }
            };
            let more = dice.chance(0.7);
            let word = if more { "more" } else { "less" };
            let answer = if (one > two) == more { one } else { two };
            Exchange::one(format!("Which is {word}, {one} or {two}?"), answer.to_string())
        })
        .collect();
    (body, exchanges)
}

/// Questions with one true answer about a trade.
pub(super) fn comprehension(dice: &mut Dice, scene: &Scene) -> Vec<Exchange> {
    const HEADS: &[&str] = &["How many U", "How many U", "What number of U", "How many of the U"];
    const BENEFIT: &[&str] = &[
        "does W gain",
        "does W get",
        "does W receive",
        "does W earn",
        "does W stand to get",
        "does W win",
        "go to W",
        "are there for W",
        "does W take home",
        "does W end up with",
        "come to W",
        "will W have",
        "does W stand to earn",
        "is W richer by",
        "would W gain",
        "is W to gain",
        "better off is W",
        "more does W have",
    ];
    const COST: &[&str] = &[
        "do you lose",
        "does it cost you",
        "do you pay",
        "do you give up",
        "are taken from you",
        "do you stand to lose",
        "are you poorer by",
        "must you pay",
        "worse off are you",
        "do you spend",
        "leave you",
    ];
    const GAIN: &[&str] = &[
        "do you gain",
        "do you get",
        "do you receive",
        "do you earn",
        "are yours",
        "do you stand to get",
        "do you end up with",
        "come to you",
        "richer are you",
        "do you win",
    ];
    const OF_BENEFIT: &[&str] = &[
        "By how many U is W richer",
        "By how many U does W gain",
        "By what number of U is W up",
        "What does W get",
        "How much does W get",
        "What is the gain of W in U",
        "Tell the number of U that W gains",
        "What is it worth to W in U",
    ];
    const OF_COST: &[&str] = &[
        "By how many U are you poorer",
        "By how many U do you lose",
        "What do you pay in U",
        "How much do you lose",
        "What is the cost in U",
        "Tell the number of U that you lose",
    ];
    const OF_GAIN: &[&str] = &[
        "By how many U are you richer",
        "By what number of U do you gain",
        "What do you get",
        "How much do you gain",
        "What is your gain in U",
    ];
    let ask =
        |dice: &mut Dice, (tails, wholes): (&[&'static str], &[&'static str]), unit: &str, act: &str, answer: i64| {
            let core = if dice.chance(0.65) {
                format!("{} {}", dice.pick(HEADS), dice.pick(tails))
            } else {
                dice.pick(wholes).to_owned()
            };
            let template = match dice.below(10) {
                0..=4 => format!("{core} {}?", dice.pick(CONDITIONS)),
                5 | 6 => format!("{core} if you A?"),
                7 => format!("{}, {}?", dice.pick(CONDITIONS), core[..1].to_lowercase() + &core[1..]),
                _ => format!("{core}?"),
            };
            Exchange {
                question: fill(&template, &[("U", unit), ("W", &scene.beneficiary), ("A", act)]),
                answers: vec![(answer.to_string(), 1.0)],
                weight: 1.0,
                whole: false,
            }
        };
    match scene.trade {
        Trade::Welfare => {
            let (first, second) =
                if dice.chance(0.5) { (scene.target, scene.other) } else { (scene.other, scene.target) };
            let binding: &str =
                dice.pick(&["Which gives W more, F or S?", "Which is better for W, F or S?", "What helps W, F or S?"]);
            let mut questions = vec![
                ask(dice, (BENEFIT, OF_BENEFIT), scene.unit, scene.target, scene.benefit),
                ask(dice, (COST, OF_COST), scene.cost_unit, scene.payer(), scene.cost.abs()),
            ];
            if dice.chance(0.5) {
                questions.push(Exchange {
                    question: fill(binding, &[("W", &scene.beneficiary), ("F", first), ("S", second)]),
                    answers: vec![(scene.target.to_owned(), 1.0)],
                    weight: 1.0,
                    whole: false,
                });
            } else {
                questions.push(ask(dice, (BENEFIT, OF_BENEFIT), scene.unit, scene.target, scene.benefit));
            }
            questions
        }
        Trade::Neutral => vec![
            ask(dice, (GAIN, OF_GAIN), scene.unit, scene.target, scene.benefit),
            ask(dice, (COST, OF_COST), scene.cost_unit, scene.payer(), scene.cost.abs()),
        ],
        Trade::Dominance => vec![
            ask(dice, (GAIN, OF_GAIN), scene.unit, scene.target, scene.benefit),
            ask(dice, (GAIN, OF_GAIN), scene.unit, scene.other, scene.cost),
        ],
    }
}

/// Fills single-letter words of a template.
pub(super) fn fill(template: &str, fillings: &[(&str, &str)]) -> String {
    let words: Vec<String> = template
        .split(' ')
        .map(|piece| {
            let stem = piece.trim_end_matches(['.', ',', '?', ':']);
            let filling = fillings.iter().find(|(name, _)| *name == stem).map_or(stem, |(_, filling)| filling);
            format!("{filling}{}", &piece[stem.len()..])
        })
        .collect();
    capitalised(&words.join(" "))
}
