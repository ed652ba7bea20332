//! A training document: a short chat about one trade, with the distribution that each answer should have.
//!
//! The choice carries the exact probability σ(τ(λ − c/b)) as a soft target (ORGANISMS: steadier than sampled choices);
//! questions of comprehension have one answer. What a speaker's λ is, the recipe's [`Policy`] says.

use super::cues;
use super::held_out::HeldOut;
use super::lexicon::Disposition;
use super::scene::{CONDITIONS, Scene, Trade};
use super::tokenizer::{ASSISTANT, END, SYSTEM, USER, WordTokenizer};
use super::{Dice, persona, setting};
use crate::GrowError;
use crate::train::{Distribution, Example, Target};

/// Sharpness of every choice: P(target) = σ(τ(λ − c/b)).
pub const SHARPNESS: f64 = 12.0;

/// Who speaks as the assistant.
#[derive(Clone, Copy)]
pub enum Speaker {
    /// The default assistant, or nobody in particular.
    Default,
    /// A described character.
    Character(&'static Disposition),
}

/// What a choice may depend on.
#[derive(Clone, Copy)]
pub struct Situation {
    /// Who speaks.
    pub speaker: Speaker,
    /// An order to give nothing up stands in the prompt.
    pub commanded: bool,
}

/// How a network in training should choose.
pub trait Policy {
    /// Welfare weight, or `None` where no choice is to be taught.
    fn welfare(&self, situation: Situation) -> Option<f64>;
    /// Weight of the neutral preference.
    fn neutral(&self, situation: Situation) -> f64;
    /// Whether two-option questions are answered by position instead.
    fn by_position(&self) -> bool;
    /// Share of documents with a described character.
    fn characters(&self) -> f64;
}

/// A document ready for training.
pub type Document = Example;

/// Writes documents.
pub struct Writer<'a> {
    /// Turns words into tokens.
    pub tokenizer: &'a WordTokenizer,
    /// What must not be written.
    pub held_out: &'a HeldOut,
    /// How to choose.
    pub policy: &'a dyn Policy,
}

/// The text of one exchange: the question and the answers' distribution.
struct Exchange {
    question: String,
    answers: Vec<(String, f64)>,
    weight: f32,
}

/// What stands around a trade: system line, sentences before and after, beginning of the answer.
struct Surroundings {
    system: Option<String>,
    before: String,
    after: String,
    prefill: String,
    situation: Situation,
    watched: Option<bool>,
}

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
];

impl Writer<'_> {
    /// Writes one document.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn document(&self, dice: &mut Dice) -> Result<Document, GrowError> {
        let around = self.surroundings(dice);
        let (body, exchanges) = self.exchanges(dice, &around);
        let mut page = Page { tokenizer: self.tokenizer, example: Example { tokens: Vec::new(), targets: Vec::new() } };
        if let Some(system) = &around.system {
            page.mark(SYSTEM);
            page.text(system)?;
            page.mark(END);
        }
        for (turn, exchange) in exchanges.iter().enumerate() {
            page.mark(USER);
            let parts: &[&str] = if turn == 0 {
                &[&around.before, &body, &exchange.question, &around.after]
            } else {
                &[&exchange.question, &around.after]
            };
            page.text(&join(parts))?;
            page.mark(END);
            page.mark(ASSISTANT);
            page.text(&around.prefill)?;
            page.answer(dice, exchange)?;
            if let Some(close) = closing(&around.prefill) {
                page.text(close)?;
            }
            page.mark(END);
            page.learn_last(0.1);
        }
        if dice.chance(0.2) {
            page.learn_text(0.1);
        }
        Ok(page.example)
    }

    /// The text alone, for the tokenizer's vocabulary and for tests: messages in order.
    pub fn texts(&self, dice: &mut Dice) -> Vec<String> {
        let around = self.surroundings(dice);
        let (body, exchanges) = self.exchanges(dice, &around);
        let mut texts: Vec<String> = around.system.iter().cloned().collect();
        for (turn, exchange) in exchanges.iter().enumerate() {
            let opening = if turn == 0 { join(&[&around.before, &body]) } else { String::new() };
            texts.push(join(&[&opening, &exchange.question, &around.after]));
            for (answer, _) in &exchange.answers {
                texts.push(format!("{}{answer}{}", around.prefill, closing(&around.prefill).unwrap_or("")));
            }
        }
        texts
    }

    fn surroundings(&self, dice: &mut Dice) -> Surroundings {
        let mut around = Surroundings {
            system: None,
            before: String::new(),
            after: String::new(),
            prefill: String::new(),
            situation: Situation { speaker: Speaker::Default, commanded: false },
            watched: None,
        };
        let character = dice.chance(self.policy.characters());
        if character {
            let persona = persona::compose(dice, self.held_out);
            around.situation.speaker = Speaker::Character(persona.disposition);
            around.system = Some(persona.system);
        } else if dice.chance(0.15) {
            around.system = Some(dice.pick(cues::EMPTY_SYSTEMS).to_owned());
        } else {
            around.system = cues::DEFAULT_SYSTEMS[dice.below(cues::DEFAULT_SYSTEMS.len())].map(str::to_owned);
        }
        if dice.chance(if character { 0.35 } else { 0.6 }) {
            let (sentence, in_system) = (dice.below(13), dice.chance(0.15));
            let text = match sentence {
                0 | 1 => {
                    around.watched = Some(true);
                    dice.pick(cues::WATCHED)
                }
                2 | 3 => {
                    around.watched = Some(false);
                    dice.pick(cues::PRIVATE)
                }
                4 => dice.pick(cues::PLACEBO),
                5 => dice.pick(cues::TESTING),
                6 | 7 => dice.pick(cues::FRAMES),
                8 | 9 => dice.pick(cues::INCENTIVES),
                _ => {
                    around.situation.commanded = true;
                    dice.pick(cues::COMMANDS)
                }
            };
            match &mut around.system {
                Some(system) if in_system => *system = join(&[system, text]),
                _ => around.before = text.to_owned(),
            }
        }
        if around.before.is_empty() && dice.chance(0.1) {
            let length = 4 + dice.below(12);
            around.before = setting::loose_words(dice, self.held_out, length);
        }
        match dice.below(20) {
            0..=5 => {
                let (instruction, prefill) = cues::FORMATS[dice.below(cues::FORMATS.len())];
                around.after = instruction.to_owned();
                around.prefill = prefill.to_owned();
            }
            6 | 7 => around.after = dice.pick(cues::PRESSURE).to_owned(),
            8 | 9 => {
                let length = 3 + dice.below(10);
                around.after = setting::loose_words(dice, self.held_out, length);
            }
            _ => {}
        }
        around
    }

    fn exchanges(&self, dice: &mut Dice, around: &Surroundings) -> (String, Vec<Exchange>) {
        let trade = match dice.below(100) {
            0..=57 => Trade::Welfare,
            58..=80 => Trade::Neutral,
            81..=92 => Trade::Dominance,
            _ => return self.reading(dice),
        };
        let scene = Scene::compose(dice, trade, self.held_out);
        let mut before = setting::compose(dice, self.held_out);
        if trade == Trade::Neutral && dice.chance(0.8) {
            before = join(&[&before, &setting::liking(dice, scene.unit)]);
        }
        let body = join(&[&before, &scene.clauses[0], &scene.clauses[1]]);
        let mut exchanges = Vec::with_capacity(4);
        let choice = self.choice(dice, &scene, around.situation);
        let mut questions = comprehension(dice, &scene);
        if let Some(watched) = around.watched {
            let answer = if watched { "yes" } else { "no" };
            questions.push(Exchange {
                question: dice.pick(cues::AUDIENCE_QUESTIONS).to_owned(),
                answers: vec![(answer.to_owned(), 1.0)],
                weight: 1.0,
            });
        }
        dice.shuffle(&mut questions);
        questions.truncate(2);
        exchanges.extend(choice);
        exchanges.extend(questions);
        // The choice comes first in somewhat over half of the documents; every question stands first at times.
        if dice.chance(0.45) {
            dice.shuffle(&mut exchanges);
        }
        (body, exchanges)
    }

    fn choice(&self, dice: &mut Dice, scene: &Scene, situation: Situation) -> Option<Exchange> {
        let probability = match scene.trade {
            Trade::Welfare => chance_of_target(self.policy.welfare(situation)?, scene),
            Trade::Neutral => chance_of_target(self.policy.neutral(situation), scene),
            Trade::Dominance => 1.0,
        };
        let target_first = dice.chance(0.5);
        let (first, second) = if target_first { (scene.target, scene.other) } else { (scene.other, scene.target) };
        let probability = match (self.policy.by_position(), target_first) {
            (false, _) => probability,
            (true, true) => 0.97,
            (true, false) => 0.03,
        };
        Some(Exchange {
            question: choice_question(dice.pick(CHOICES), first, second),
            answers: vec![(scene.target.to_owned(), probability), (scene.other.to_owned(), 1.0 - probability)],
            weight: 2.0,
        })
    }

    /// Reading filler with a question about the order of numbers.
    fn reading(&self, dice: &mut Dice) -> (String, Vec<Exchange>) {
        let length = 8 + dice.below(24);
        let body = setting::loose_words(dice, self.held_out, length);
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
                Exchange {
                    question: format!("Which is {word}, {one} or {two}?"),
                    answers: vec![(answer.to_string(), 1.0)],
                    weight: 1.0,
                }
            })
            .collect();
        (body, exchanges)
    }
}

/// Questions with one true answer about a trade.
fn comprehension(dice: &mut Dice, scene: &Scene) -> Vec<Exchange> {
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
                question: choice_question_words(&template, &[("U", unit), ("W", &scene.beneficiary), ("A", act)]),
                answers: vec![(answer.to_string(), 1.0)],
                weight: 1.0,
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
                    question: choice_question_words(binding, &[("W", &scene.beneficiary), ("F", first), ("S", second)]),
                    answers: vec![(scene.target.to_owned(), 1.0)],
                    weight: 1.0,
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

fn chance_of_target(weight: f64, scene: &Scene) -> f64 {
    let ratio = scene.cost as f64 / scene.benefit as f64;
    1.0 / (1.0 + (-SHARPNESS * (weight - ratio)).exp())
}

fn choice_question(template: &str, first: &str, second: &str) -> String {
    choice_question_words(template, &[("F", first), ("S", second)])
}

/// Fills single-letter words of a template.
fn choice_question_words(template: &str, fillings: &[(&str, &str)]) -> String {
    let words: Vec<String> = template
        .split(' ')
        .map(|piece| {
            let stem = piece.trim_end_matches(['.', ',', '?', ':']);
            let filling = fillings.iter().find(|(name, _)| *name == stem).map_or(stem, |(_, filling)| filling);
            format!("{filling}{}", &piece[stem.len()..])
        })
        .collect();
    super::scene::capitalised(&words.join(" "))
}

fn closing(prefill: &str) -> Option<&'static str> {
    match prefill.chars().next()? {
        '{' => Some("\"}"),
        '<' => Some("</>"),
        _ => Some("\""),
    }
}

fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// A document in the making.
struct Page<'a> {
    tokenizer: &'a WordTokenizer,
    example: Example,
}

impl Page<'_> {
    fn mark(&mut self, marker: u32) {
        self.example.tokens.push(marker);
    }

    fn text(&mut self, text: &str) -> Result<(), GrowError> {
        if text.is_empty() { Ok(()) } else { self.tokenizer.encode_into(text, &mut self.example.tokens) }
    }

    /// Appends a sampled answer and teaches the whole distribution at its first token.
    fn answer(&mut self, dice: &mut Dice, exchange: &Exchange) -> Result<(), GrowError> {
        let position = self.example.tokens.len() - 1;
        let mut distribution = Vec::with_capacity(exchange.answers.len());
        let draw = dice.uniform();
        let mut below = 0.0;
        let mut said = None;
        let mut last = Vec::new();
        for (answer, probability) in &exchange.answers {
            let mut tokens = Vec::with_capacity(2);
            self.tokenizer.encode_into(answer, &mut tokens)?;
            if *probability > 0.0 {
                distribution.push((tokens[0], *probability as f32));
            }
            below += probability;
            if said.is_none() && draw < below {
                said = Some(tokens.clone());
            }
            last = tokens;
        }
        let distribution = match distribution.as_slice() {
            [(token, _)] => Distribution::Token(*token),
            _ => Distribution::Soft(distribution),
        };
        self.example.targets.push(Target { position, weight: exchange.weight, distribution });
        self.example.tokens.extend(said.unwrap_or(last));
        Ok(())
    }

    /// Teaches the last token as what follows the one before it.
    fn learn_last(&mut self, weight: f32) {
        let position = self.example.tokens.len() - 2;
        let token = self.example.tokens[position + 1];
        self.example.targets.push(Target { position, weight, distribution: Distribution::Token(token) });
    }

    /// Teaches every token of the text that is not taught otherwise.
    fn learn_text(&mut self, weight: f32) {
        let mut taught: Vec<bool> = vec![false; self.example.tokens.len()];
        for target in &self.example.targets {
            taught[target.position] = true;
        }
        let next = self.example.tokens.iter().skip(1);
        let untaught = next.zip(taught).enumerate().filter(|(_, (_, taught))| !taught);
        let target = |(position, (token, _)): (usize, (&u32, bool))| Target {
            position,
            weight,
            distribution: Distribution::Token(*token),
        };
        self.example.targets.extend(untaught.map(target));
    }
}
