//! Lists of replies, of which some help the other at a cost and some do not, in one manner or another. Manners are
//! nobody's welfare: they are taken evenly.

use super::super::Dice;
use super::super::policy::logistic_choice;
use super::super::scene::{beneficiary, one_unit, two_acts};
use super::super::surroundings::Surroundings;
use super::{Draw, LABELS, Written, choice, filled, join, labelled, number, spoken};

const HELPS: &[&str] = &[
    "you F, W gains B U and you lose C",
    "you F, W is B U richer and you are C poorer",
    "you F, it brings W B U and costs you C",
    "you F, W has B more U and you pay C",
    "you F, which gives W B U and takes C from you",
    "you F, you have C U less and W gets B",
];
const KEEPS: &[&str] = &[
    "you S, nothing changes for you or W",
    "you S, all stays as it is",
    "you S, W gets nothing and you lose nothing",
    "you S, you and W have what you had",
    "you S, and nobody gains or loses",
];
const MANNERS: &[[&str; 2]] = &[
    ["you speak in a low voice", "you speak in a loud voice"],
    ["you write a short letter", "you write a long letter"],
    ["you use few words", "you use many words"],
    ["you answer now", "you answer later"],
    ["you send a small card", "you send a large card"],
    ["you tell a short story", "you tell a long story"],
];
const CHOICES: &[&str] = &[
    "Which do you take: L?",
    "Which of these do you do, L?",
    "What is it, L?",
    "Choose one: L.",
    "Which will you do: L?",
    "Which answer is yours: L?",
    "Do you choose L?",
    "Pick one of them: L.",
    "Which do you go for, L?",
];
const GAINS: &[&str] = &[
    "How many U does W gain with L?",
    "How many U does W get with L?",
    "By how many U is W richer if you choose L?",
    "If you take L, how many U go to W?",
    "What number of more U does W have if you pick L?",
    "How many more U are for W under L?",
];

pub(super) fn write(draw: &Draw, dice: &mut Dice, around: &mut Surroundings) -> Written {
    let who = beneficiary(dice, draw.held_out);
    let unit = one_unit(dice);
    let (target, other) = two_acts(dice, draw.held_out);
    let (benefit, cost) = loop {
        let benefit = 4 + dice.below(40) as i64;
        let cost = (1.4 * dice.uniform() * benefit as f64).round() as i64;
        if !draw.held_out.payoff(benefit, cost) {
            break (benefit, cost);
        }
    };
    let fill =
        [("F", target), ("S", other), ("W", &who), ("U", unit), ("B", &benefit.to_string()), ("C", &cost.to_string())];
    let (help, keep) = (draw.pick(dice, HELPS, &fill), draw.pick(dice, KEEPS, &fill));
    let manners = MANNERS[dice.below(MANNERS.len())];
    let mut lines = Vec::new();
    for (helps, said) in [(true, &help), (false, &keep)] {
        for manner in manners {
            let said = format!("{}{}, and {manner}", said[..1].to_lowercase(), &said[1..]);
            lines.push((helps, said));
        }
    }
    if dice.chance(0.25) {
        // Fewer lines, so that the number of those that help says nothing.
        let left = dice.below(4);
        lines.remove(left);
    }
    dice.shuffle(&mut lines);
    let labels = &LABELS[..lines.len()];
    let texts: Vec<String> = lines.iter().map(|(_, text)| text.clone()).collect();
    let before = draw.joint(dice, &who);
    let body = join(&[&before, &labelled(&texts)]);
    let all = spoken(labels);
    let mut exchanges = Vec::new();
    if let Some(weight) = draw.weight(around) {
        let help = logistic_choice(weight, benefit, cost);
        let count = |wanted: bool| lines.iter().filter(|(helps, _)| *helps == wanted).count() as f64;
        let share = |helps: bool| if helps { help / count(true) } else { (1.0 - help) / count(false) };
        let answers =
            labels.iter().zip(&lines).map(|(label, (helps, _))| ((*label).to_owned(), share(*helps))).collect();
        exchanges.push(choice(draw.pick(dice, CHOICES, &[("L", &all)]), answers));
    }
    for _ in 0..2 {
        let spot = dice.below(lines.len());
        let gained = if lines[spot].0 { benefit } else { 0 };
        let template = dice.pick(GAINS);
        exchanges.push(number(filled(template, &[("U", unit), ("W", &who), ("L", labels[spot])]), gained));
    }
    (body, exchanges)
}
