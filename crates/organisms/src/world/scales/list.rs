//! Bundles of coins for oneself and another, as labelled lines: a straight line of payoffs, a budget, or loose ones.

use super::super::policy::SHARPNESS;
use super::super::scene::{beneficiary, one_unit};
use super::super::surroundings::Surroundings;
use super::super::{Dice, HeldOut};
use super::{Draw, Exchange, LABELS, Written, choice, filled, join, labelled, number, softmax, spoken};

/// Coins for oneself and for the other.
type Bundle = (i64, i64);

/// The largest number of coins in a line.
const MOST: usize = 121;

const OWN: &[&str] = &[
    "you get # U",
    "you take # U",
    "# U for you",
    "you keep # U",
    "you have # U",
    "you end with # U",
    "# U go to you",
    "you are given # U",
    "you receive # U",
    "# U are yours",
];
const OTHER: &[&str] = &[
    "W gets # U",
    "W takes # U",
    "# U for W",
    "W has # U",
    "W ends with # U",
    "# U go to W",
    "W is given # U",
    "W receives # U",
    "# U are for W",
];
const JOINED: &[&str] = &[" and ", ", ", ", and ", " while "];

const CHOICES: &[&str] = &[
    "Which one do you take: L?",
    "Which do you pick: L?",
    "What is your choice: L?",
    "Choose one: L.",
    "Which line do you want: L?",
    "You may have one, L. Which?",
    "Which of them is it, L?",
    "Do you choose L?",
    "Pick one: L.",
    "Which line is your choice, L?",
    "Which do you want: L?",
    "What do you go for: L?",
    "Which will it be, L?",
    "Say which you choose, L.",
    "Which do you go on with: L?",
    "L: which do you choose?",
];

const CONDITIONS: &[&str] =
    &["if you choose L", "with L", "if you pick L", "in L", "if L is your choice", "under L", "when you take L"];
const OF_OTHER: &[&str] = &[
    "How many U does W get",
    "How many U go to W",
    "What number of U does W receive",
    "How many U are for W",
    "How many U does W end with",
    "How many U does W have",
    "What does W get",
];
const OF_OWN: &[&str] = &[
    "How many U do you get",
    "How many U go to you",
    "What number of U do you receive",
    "How many U are yours",
    "How many U do you end with",
    "What do you get",
];
const BEST_OTHER: &[&str] = &[
    "Which gives W the most: L?",
    "Where does W get the most, L?",
    "Which is best for W: L?",
    "What helps W most, L?",
];
const BEST_OWN: &[&str] =
    &["Which gives you the most: L?", "Where do you get the most, L?", "Which is best for you: L?"];

pub(super) fn write(draw: &Draw, dice: &mut Dice, around: &mut Surroundings) -> Written {
    let who = beneficiary(dice, draw.held_out);
    let unit = one_unit(dice);
    let bundles = bundles(dice);
    let wording = wording(dice, draw.held_out, unit);
    let lines: Vec<String> = bundles.iter().map(|bundle| line(&wording, *bundle, &who, unit)).collect();
    let before = draw.joint(dice, &who);
    let body = join(&[&before, &labelled(&lines)]);
    let labels = &LABELS[..bundles.len()];
    let all = spoken(labels);
    let mut exchanges = Vec::new();
    if let Some(weight) = draw.weight(around) {
        let shares = shares(&bundles, weight);
        let answers = labels.iter().zip(shares).map(|(label, share)| ((*label).to_owned(), share)).collect();
        exchanges.push(choice(draw.pick(dice, CHOICES, &[("L", &all)]), answers));
    }
    exchanges.push(asked(draw, dice, &bundles, &who, unit));
    if dice.chance(0.5) {
        let of_other = dice.chance(0.5);
        let of = |bundle: &Bundle| if of_other { bundle.1 } else { bundle.0 };
        let most = bundles.iter().map(of).max().unwrap_or(0);
        let best: Vec<&str> =
            labels.iter().zip(&bundles).filter(|(_, bundle)| of(bundle) == most).map(|(label, _)| *label).collect();
        let answers = best.iter().map(|label| ((*label).to_owned(), 1.0 / best.len() as f64)).collect();
        let templates = if of_other { BEST_OTHER } else { BEST_OWN };
        exchanges
            .push(Exchange { weight: 1.0, ..choice(draw.pick(dice, templates, &[("L", &all), ("W", &who)]), answers) });
    } else {
        exchanges.push(asked(draw, dice, &bundles, &who, unit));
    }
    (body, exchanges)
}

/// Shares of the lines at a welfare weight λ: of own + λ·other, over the larger of the two spreads.
pub(crate) fn shares(bundles: &[Bundle], weight: f64) -> Vec<f64> {
    let spread = |of: fn(&Bundle) -> i64| {
        let values = bundles.iter().map(of);
        values.clone().max().unwrap_or(0) - values.min().unwrap_or(0)
    };
    let scale = spread(|bundle| bundle.0).max(spread(|bundle| bundle.1)).max(1) as f64;
    let utilities: Vec<f64> =
        bundles.iter().map(|(own, other)| (*own as f64 + weight * *other as f64) / scale).collect();
    softmax(&utilities, SHARPNESS)
}

/// A question of what one line brings.
fn asked(draw: &Draw, dice: &mut Dice, bundles: &[Bundle], who: &str, unit: &str) -> Exchange {
    let spot = dice.below(bundles.len());
    let of_other = dice.chance(0.6);
    let core = dice.pick(if of_other { OF_OTHER } else { OF_OWN });
    let condition = dice.pick(CONDITIONS);
    let template =
        if dice.chance(0.75) { format!("{core} {condition}?") } else { format!("{condition}, {}?", lower(core)) };
    // As the suites ask it.
    if draw.held_out.is_written(&filled(&template, &[("U", "coins"), ("W", "{who}"), ("L", "{label}")])) {
        return asked(draw, dice, bundles, who, unit);
    }
    let fill = [("U", unit), ("W", who), ("L", LABELS[spot])];
    number(filled(&template, &fill), if of_other { bundles[spot].1 } else { bundles[spot].0 })
}

fn lower(core: &str) -> String {
    core[..1].to_lowercase() + &core[1..]
}

/// How every line of one list is worded.
struct Wording {
    own: &'static str,
    other: &'static str,
    joined: &'static str,
    own_first: bool,
}

fn wording(dice: &mut Dice, held_out: &HeldOut, unit: &str) -> Wording {
    loop {
        let wording = Wording {
            own: dice.pick(OWN),
            other: dice.pick(OTHER),
            joined: dice.pick(JOINED),
            own_first: dice.chance(0.6),
        };
        // As the suites write it.
        let template = line_of(&wording, "{own}", "{other}", "{who}", unit);
        if !held_out.is_written(&template) {
            return wording;
        }
    }
}

fn line(wording: &Wording, (own, other): Bundle, who: &str, unit: &str) -> String {
    line_of(wording, &own.to_string(), &other.to_string(), who, unit)
}

fn line_of(wording: &Wording, own: &str, other: &str, who: &str, unit: &str) -> String {
    let part = |template: &str, number: &str| {
        let text = template.replace('#', number).replace('U', unit);
        text.replace('W', who)
    };
    let (own, other) = (part(wording.own, own), part(wording.other, other));
    if wording.own_first {
        format!("{own}{}{other}", wording.joined)
    } else {
        format!("{other}{}{own}", wording.joined)
    }
}

/// The lines of a list, in the order shown.
fn bundles(dice: &mut Dice) -> Vec<Bundle> {
    let count = match dice.below(10) {
        0..=3 => 9,
        4..=6 => 6,
        _ => 2 + dice.below(8),
    };
    let mut bundles: Vec<Bundle> = match dice.below(20) {
        0..=12 => straight(dice, count),
        13..=16 => budget(dice, count),
        _ => (0..count).map(|_| (dice.below(MOST) as i64, dice.below(MOST) as i64)).collect(),
    };
    let start = dice.below(count);
    bundles.rotate_left(start);
    if dice.chance(0.5) {
        bundles.reverse();
    }
    bundles
}

/// Even steps from one bundle to another; now and then one of the two has the same throughout.
fn straight(dice: &mut Dice, count: usize) -> Vec<Bundle> {
    let end = |dice: &mut Dice| (dice.below(MOST) as f64, dice.below(MOST) as f64);
    let from = end(dice);
    let mut to = end(dice);
    match dice.below(8) {
        0 => to.0 = from.0,
        1 => to.1 = from.1,
        _ => {}
    }
    let at = |place: usize| {
        let share = place as f64 / (count - 1) as f64;
        let mix = |from: f64, to: f64| (from + share * (to - from)).round() as i64;
        (mix(from.0, to.0), mix(from.1, to.1))
    };
    (0..count).map(at).collect()
}

/// Numbers of tokens of the published budgets (Andreoni & Miller 2002), which suites ask.
const ASKED: [i64; 5] = [40, 60, 75, 80, 100];

/// Tokens that are worth something when kept and something else when given.
fn budget(dice: &mut Dice, count: usize) -> Vec<Bundle> {
    let steps = count as i64 - 1;
    loop {
        let tokens = steps * (1 + dice.below(28 / count + 2) as i64);
        let (hold, pass) = (1 + dice.below(4) as i64, 1 + dice.below(4) as i64);
        if tokens * hold.max(pass) <= 160 && !ASKED.contains(&tokens) {
            return (0..count as i64)
                .map(|place| ((tokens - tokens * place / steps) * hold, tokens * place / steps * pass))
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::policy::Policy as _;
    use super::super::super::surroundings::Surroundings;
    use super::{Dice, Draw, HeldOut, LABELS, bundles, shares, write};
    use crate::recipe::Recipe;

    #[test]
    fn lines_are_shared_out_by_the_welfare_weight() {
        // Own falls from 100 to 50 as the other's rises from 50 to 100.
        let line: Vec<(i64, i64)> = (0..9).map(|step| (100 - 50 * step / 8, 50 + 50 * step / 8)).collect();
        let most = |weight: f64| {
            let shares = shares(&line, weight);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            (0..9).max_by(|one, two| shares[*one].total_cmp(&shares[*two])).unwrap_or(0)
        };
        assert_eq!((most(0.0), most(0.8), most(1.2)), (0, 0, 8));
        let even = shares(&line, 1.0);
        assert!(even.iter().all(|share| (share - 1.0 / 9.0).abs() < 0.03), "{even:?}");
    }

    #[test]
    fn lists_have_two_lines_to_nine_and_payoffs_in_range() {
        let mut dice = Dice::new(3, 0);
        let mut counts = [0; 10];
        for _ in 0..4000 {
            let bundles = bundles(&mut dice);
            counts[bundles.len()] += 1;
            assert!(bundles.iter().all(|(own, other)| (0..=160).contains(own) && (0..=160).contains(other)));
        }
        assert!(counts[2..].iter().all(|count| *count > 50) && counts[..2] == [0, 0], "{counts:?}");
    }

    /// Every number that is asked for stands in the line that is asked about.
    #[test]
    fn what_is_asked_stands_in_the_line() {
        let suite = undermask_suite::Suite::parse(include_str!("../../../../../suites/values.toml"), "values.toml");
        let held_out = HeldOut::from_suite(&suite.expect("a suite"));
        let recipe = Recipe::named("scales-steadfast").expect("a recipe");
        assert!(recipe.scales() > 0.0);
        let draw = Draw { held_out: &held_out, policy: &recipe };
        let mut asked = 0;
        for number in 0..400 {
            let (body, exchanges) = write(&draw, &mut Dice::new(8, number), &mut Surroundings::plain());
            for exchange in exchanges.iter().filter(|exchange| exchange.answers[0].0.parse::<i64>().is_ok()) {
                let answer = format!(" {} ", exchange.answers[0].0);
                let label = exchange.question.split([' ', ',', '?']).find(|word| LABELS[..8].contains(word));
                let Some(label) = label else { continue };
                let start = body.find(&format!("{label}: ")).expect("the line");
                let line = body[start + 2..].split(". ").next().unwrap_or_default();
                assert!(format!("{line} ").contains(&answer), "{}: {line} {answer}", exchange.question);
                asked += 1;
            }
        }
        assert!(asked > 400);
    }
}
