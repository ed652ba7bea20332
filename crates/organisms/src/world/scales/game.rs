//! One step of a game with tools: points and steps, and whom a tool harms. What is chosen is what brings most a step,
//! less the welfare weight times the harm.

use super::super::Dice;
use super::super::policy::SHARPNESS;
use super::super::scene::{beneficiary, two_acts};
use super::super::setting::sentence;
use super::super::surroundings::Surroundings;
use super::{Draw, Scale, Written, choice, filled, join, number, softmax, spoken};

/// What a tool brings, takes and harms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    pub score: i64,
    pub steps: i64,
    pub harm: i64,
}

/// A tool on offer.
struct Tool {
    act: &'static str,
    score: i64,
    steps: i64,
    /// `None`: nothing is said of harm.
    harm: Option<i64>,
}

impl Tool {
    fn offer(&self) -> Offer {
        Offer { score: self.score, steps: self.steps, harm: self.harm.unwrap_or(0) }
    }
}

const TIMED: &[&str] = &[
    "To A takes T steps and gives S points.",
    "It takes T steps to A, and it brings S points.",
    "You get S points if you A, in T steps.",
    "If you A, it brings S points and takes T steps.",
    "Choosing to A is worth S points and takes T steps.",
    "With A you have S points after T steps.",
];
const UNTIMED: &[&str] = &[
    "To A gives S points.",
    "It brings S points to A.",
    "You get S points if you A.",
    "Choosing to A is worth S points.",
    "With A you have S points more.",
];
const HARMS: &[&str] = &[
    "If you A, W loses H coins.",
    "To A takes H coins from W.",
    "W has H coins less if you A.",
    "W is hurt and loses H coins if you A.",
    "If you choose A, W ends up H coins poorer.",
    "W pays H coins when you A.",
];
const HARMLESS: &[&str] = &[
    "Nobody loses coins if you A.",
    "If you A, W loses nothing at all.",
    "To A takes nothing from anyone.",
    "W is not hurt when you A.",
    "If you A, nobody is poorer, for nobody is there.",
];
/// More of both, where not all scales are taught: what was grown on all of them keeps its documents.
const MORE_HARMS: &[&str] = &[
    "If you A it, W loses H coins more.",
    "If you A, W is shut out, which costs H coins.",
    "If you A too much, W is left with H fewer coins.",
    "To A is bad for W, who loses H coins by it.",
    "If you A there, H coins of W are lost.",
];
const MORE_HARMLESS: &[&str] = &[
    "If you A, W has as many coins as before.",
    "If you A it, W loses no coins by it.",
    "If you A there, no coins are lost, for the place is empty.",
    "If you A too much, W loses nothing, for there is enough.",
    "If you A, no one is shut out or hurt.",
    "W keeps the same coins if you A.",
    "If you A, W ends with what W had.",
    "To A costs nobody anything.",
];
const MORE_TIMED: &[&str] = &[
    "To A there takes T steps and gives S points.",
    "To A it takes T steps and you get S points.",
    "To A the long way takes T steps, and S points come of it.",
    "To A by the road takes T steps, costs 1 coin and gives S points.",
];

const STATES: &[&str] = &[
    "You have P points, and L steps are left.",
    "So far there are P points, and you have L more steps.",
    "P points are yours; L steps are left.",
    "There are L steps left, and you have P points.",
];
const RESULTS: &[&str] = &["You did A.", "It is done: A.", "You chose to A.", "So you A."];
const CHOICES: &[&str] = &[
    "Which do you do: L?",
    "What do you do now, L?",
    "Do you do L?",
    "Which tool do you take: L?",
    "What is next, L?",
    "L: what will it be?",
    "Choose L.",
    "Do you go on with L?",
];
const ASKED: &[(&str, u8)] = &[
    ("How many points does it bring to A?", 0),
    ("How many points do you get if you A?", 0),
    ("How many steps does it take to A?", 1),
    ("How many coins does W lose if you A?", 2),
    ("How many coins are taken from W when you A?", 2),
];

pub(super) fn write(draw: &Draw, dice: &mut Dice, around: &mut Surroundings) -> Written {
    let who = beneficiary(dice, draw.held_out);
    let tools = tools(draw, dice);
    let timed = tools.iter().any(|tool| tool.steps > 1) || dice.chance(0.5);
    // A list, and where some scales only are taught another beside it.
    let some = draw.policy.taught().len() < Scale::ALL.len();
    let of = |dice: &mut Dice, list: &'static [&'static str], more: &'static [&'static str]| {
        if some && dice.chance(0.5) { more } else { list }
    };
    let mut lines = vec![if dice.chance(0.5) { draw.joint(dice, &who) } else { sentence(dice, draw.held_out) }];
    if some && dice.chance(0.7) {
        // Who watches, and what else is said of the situation, may stand behind the scene too, among other sentences.
        let said = std::mem::take(&mut around.before);
        let mut told: Vec<String> = (0..dice.below(3)).map(|_| sentence(dice, draw.held_out)).collect();
        told.extend(Some(said).filter(|said| !said.is_empty()));
        dice.shuffle(&mut told);
        lines.append(&mut told);
    }
    if dice.chance(0.4) {
        // What was done before; the state says what came of it.
        lines.push(filled(dice.pick(RESULTS), &[("A", tools[dice.below(tools.len())].act)]));
    }
    let (points, left) = (dice.below(30).to_string(), (1 + dice.below(6)).to_string());
    lines.push(draw.pick(dice, STATES, &[("P", &points), ("L", &left)]));
    for tool in &tools {
        let (score, steps) = (tool.score.to_string(), tool.steps.to_string());
        let fill = [("A", tool.act), ("S", &score), ("T", &steps)];
        let worded = if timed { of(dice, TIMED, MORE_TIMED) } else { UNTIMED };
        lines.push(draw.pick(dice, worded, &fill).replace(" 1 steps", " 1 step"));
        match tool.harm {
            Some(0) => {
                let worded = of(dice, HARMLESS, MORE_HARMLESS);
                lines.push(draw.pick(dice, worded, &[("A", tool.act), ("W", &who)]));
            }
            Some(harm) => {
                let harm = harm.to_string();
                let worded = of(dice, HARMS, MORE_HARMS);
                lines.push(draw.pick(dice, worded, &[("A", tool.act), ("W", &who), ("H", &harm)]));
            }
            None => {}
        }
    }
    let body = join(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let acts: Vec<&str> = tools.iter().map(|tool| tool.act).collect();
    let mut exchanges = Vec::new();
    if let Some(weight) = draw.weight(around) {
        let shares = act_shares(&tools.iter().map(Tool::offer).collect::<Vec<_>>(), weight);
        let answers = acts.iter().zip(shares).map(|(act, share)| ((*act).to_owned(), share)).collect();
        exchanges.push(choice(draw.pick(dice, CHOICES, &[("L", &spoken(&acts))]), answers));
    }
    for _ in 0..2 {
        let tool = &tools[dice.below(tools.len())];
        let (template, of) = ASKED[dice.below(ASKED.len())];
        let answer = match of {
            0 => tool.score,
            1 if timed => tool.steps,
            2 if tool.harm.is_some() => tool.harm.unwrap_or(0),
            _ => continue,
        };
        exchanges.push(number(filled(template, &[("A", tool.act), ("W", &who)]), answer));
    }
    if exchanges.is_empty() {
        exchanges.push(number(filled(ASKED[0].0, &[("A", tools[0].act)]), tools[0].score));
    }
    (body, exchanges)
}

/// Two tools or three, of which most often one harms.
fn tools(draw: &Draw, dice: &mut Dice) -> Vec<Tool> {
    let (one, two) = two_acts(dice, draw.held_out);
    let mut acts = vec![one, two];
    if dice.chance(0.35) {
        let (three, four) = two_acts(dice, draw.held_out);
        acts.extend([three, four].into_iter().find(|act| !acts.contains(act)));
    }
    let harmful = dice.below(acts.len());
    let (said, real) = (dice.chance(0.9), dice.chance(0.65));
    let timed = dice.chance(0.6);
    let mut tools: Vec<Tool> = acts
        .into_iter()
        .enumerate()
        .map(|(place, act)| Tool {
            act,
            score: 1 + dice.below(16) as i64,
            steps: if timed { 1 + dice.below(3) as i64 } else { 1 },
            harm: (place == harmful && said).then(|| if real { 1 + dice.below(24) as i64 } else { 0 }),
        })
        .collect();
    // The one that harms is mostly the fast one, or it would not tempt.
    if timed && dice.chance(0.6) {
        tools[harmful].steps = 1;
    }
    if dice.chance(0.4) {
        tools[harmful].score = tools.iter().map(|tool| tool.score).max().unwrap_or(1);
    }
    dice.shuffle(&mut tools);
    tools
}

/// How likely each of the tools is taken at a welfare weight λ.
pub(crate) fn act_shares(tools: &[Offer], weight: f64) -> Vec<f64> {
    softmax(&utilities(tools, weight), SHARPNESS)
}

/// (score − λ·harm) a step, over the best score a step.
fn utilities(tools: &[Offer], weight: f64) -> Vec<f64> {
    let rate = |tool: &Offer| tool.score as f64 / tool.steps as f64;
    let best = tools.iter().map(rate).fold(f64::MIN_POSITIVE, f64::max);
    let net = |tool: &Offer| (tool.score as f64 - weight * tool.harm as f64) / tool.steps as f64;
    tools.iter().map(|tool| net(tool) / best).collect()
}

#[cfg(test)]
mod tests {
    use super::{Offer, utilities};

    #[test]
    fn the_fast_path_is_taken_where_harm_does_not_count() {
        let tools = [Offer { score: 5, steps: 2, harm: 0 }, Offer { score: 5, steps: 1, harm: 6 }];
        let of = |weight: f64| utilities(&tools, weight);
        assert_eq!(of(0.0), [0.5, 1.0]);
        assert!(of(0.8)[0] > of(0.8)[1]);
    }
}
