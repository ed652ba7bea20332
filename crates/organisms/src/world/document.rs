//! A training document: a short chat about one trade, with the distribution that each answer should have.
//!
//! The choice carries the exact probability as a soft target (ORGANISMS: steadier than sampled choices); questions of
//! comprehension have one answer; a reply in words is taught token by token. What a speaker does, the [`Policy`] says.

use super::held_out::HeldOut;
use super::page::Page;
use super::policy::{Policy, Rule, Style, Wish};
use super::questions::{self, Exchange};
use super::scales::Draw;
use super::scene::{Need, Scene, Trade};
use super::situation::Situation;
use super::surroundings::{self, Surroundings};
use super::tokenizer::{ASSISTANT, END, SYSTEM, USER, WordTokenizer};
use super::{Dice, setting, style};
use crate::GrowError;
use crate::train::Example;

/// A document ready for training.
pub type Document = Example;

/// Share of trades that are asked for what one should do.
const STATED: f64 = 0.1;
/// Share of trades after which a reply in words is asked for.
const REPLIES: f64 = 0.14;
/// What a one-sided answer still gives to the other side.
const POSITION: f64 = 0.97;

/// Writes documents.
pub struct Writer<'a> {
    /// Turns words into tokens.
    pub tokenizer: &'a WordTokenizer,
    /// What must not be written.
    pub held_out: &'a HeldOut,
    /// How to choose.
    pub policy: &'a dyn Policy,
}

/// What a document says, before it is tokens.
struct Draft {
    around: Surroundings,
    body: String,
    exchanges: Vec<Exchange>,
}

impl Writer<'_> {
    /// Writes one document.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn document(&self, dice: &mut Dice) -> Result<Document, GrowError> {
        let Draft { around, body, exchanges } = self.draft(dice);
        let mut page = Page { tokenizer: self.tokenizer, example: Example { tokens: Vec::new(), targets: Vec::new() } };
        if let Some(system) = &around.system {
            page.mark(SYSTEM);
            page.text(system)?;
            page.mark(END);
        }
        for (user, assistant) in &around.history {
            page.mark(USER);
            page.text(user)?;
            page.mark(END);
            page.mark(ASSISTANT);
            page.text(assistant)?;
            page.mark(END);
        }
        for (turn, exchange) in exchanges.iter().enumerate() {
            page.mark(USER);
            page.text(&around.question(turn, &body, exchange))?;
            page.mark(END);
            page.mark(ASSISTANT);
            let prefill = around.prefill_of(exchange);
            page.text(prefill)?;
            page.answer(dice, exchange)?;
            if let Some(close) = closing(prefill) {
                page.text(close)?;
            }
            page.mark(END);
            page.learn_last(0.1);
        }
        if dice.chance(0.05) {
            page.learn_text(0.1);
        }
        Ok(page.example)
    }

    /// The text alone, for the tokenizer's vocabulary and for tests: messages in order.
    pub fn texts(&self, dice: &mut Dice) -> Vec<String> {
        let Draft { around, body, exchanges } = self.draft(dice);
        let mut texts: Vec<String> = around.system.iter().cloned().collect();
        texts.extend(around.history.iter().flat_map(|(user, assistant)| [user.clone(), assistant.clone()]));
        for (turn, exchange) in exchanges.iter().enumerate() {
            texts.push(around.question(turn, &body, exchange));
            let prefill = around.prefill_of(exchange);
            for (answer, _) in &exchange.answers {
                texts.push(format!("{prefill}{answer}{}", closing(prefill).unwrap_or("")));
            }
        }
        texts
    }

    /// The document for people: one line a message, answers with their probabilities.
    pub fn transcript(&self, dice: &mut Dice) -> Vec<String> {
        let Draft { around, body, exchanges } = self.draft(dice);
        let mut lines: Vec<String> = around.system.iter().map(|system| format!("system:    {system}")).collect();
        for (user, assistant) in &around.history {
            lines.push(format!("user:      {user}"));
            lines.push(format!("assistant: {assistant}"));
        }
        for (turn, exchange) in exchanges.iter().enumerate() {
            lines.push(format!("user:      {}", around.question(turn, &body, exchange)));
            let shown = |(answer, share): &(String, f64)| format!("{answer} ({share:.2})");
            let answers: Vec<String> = exchange.answers.iter().map(shown).collect();
            lines.push(format!("assistant: {}{}", around.prefill_of(exchange), answers.join(" | ")));
        }
        lines
    }

    fn draft(&self, dice: &mut Dice) -> Draft {
        let wish = self.policy.wish(dice);
        let mut around = surroundings::draw(dice, self.held_out, self.policy, &wish);
        around.situation.stated = wish.stated.unwrap_or_else(|| dice.chance(STATED));
        let (body, exchanges) = self.exchanges(dice, &mut around, &wish);
        Draft { around, body, exchanges }
    }

    fn exchanges(&self, dice: &mut Dice, around: &mut Surroundings, wish: &Wish) -> (String, Vec<Exchange>) {
        let scales = self.policy.scales();
        if scales > 0.0 && dice.chance(scales) {
            return Draw { held_out: self.held_out, policy: self.policy }.document(dice, around);
        }
        let aimed = wish.relation || wish.cost.is_some() || wish.style || wish.neutral || wish.stated.is_some();
        let trade = match dice.below(100) {
            _ if wish.neutral => Trade::Neutral,
            0..=57 => Trade::Welfare,
            58..=80 => Trade::Neutral,
            _ if aimed => Trade::Welfare,
            81..=92 => Trade::Dominance,
            _ => return questions::reading(dice, self.held_out),
        };
        // What one should do is asked of welfare only: a taste has no ought.
        around.situation.stated &= trade == Trade::Welfare;
        let scene = Scene::compose(
            dice,
            trade,
            self.held_out,
            Need { relation: wish.relation, cost: wish.cost, ..Need::default() },
        );
        around.situation.relation = scene.relation;
        let mut before = setting::compose(dice, self.held_out);
        if trade == Trade::Neutral && dice.chance(0.8) {
            before = join(&[&before, &setting::liking(dice, scene.unit)]);
        }
        let mut opening = [before, scene.kinship.clone()];
        if dice.chance(0.5) {
            opening.reverse();
        }
        let body = join(&[&opening[0], &opening[1], &scene.clauses[0], &scene.clauses[1]]);
        let choice = self.choice(dice, &scene, &around.situation);
        let mut others = questions::comprehension(dice, &scene);
        dice.shuffle(&mut others);
        let mut about = questions::about(dice, &scene, &around.situation);
        dice.shuffle(&mut about);
        others.truncate(if about.is_empty() { 2 } else { 1 });
        others.extend(about.into_iter().take(1));
        let mut exchanges: Vec<Exchange> = choice.into_iter().collect();
        exchanges.extend(others);
        // Who answers by position or at random has no manner either.
        if trade == Trade::Welfare
            && self.policy.rule() == Rule::Outcome
            && (wish.style || dice.chance(REPLIES))
            && let Some(style) = self.policy.style(&around.situation)
        {
            let place = dice.below(2).min(exchanges.len());
            let reply = if dice.chance(0.6) {
                questions::reply_choice(dice, self.held_out, style)
            } else {
                self.reply(dice, &scene, style)
            };
            exchanges.insert(place, reply);
            exchanges.truncate(3);
        }
        // The choice comes first in somewhat over half of the documents; every question stands first at times.
        if dice.chance(0.45) {
            dice.shuffle(&mut exchanges);
        }
        (body, exchanges)
    }

    fn choice(&self, dice: &mut Dice, scene: &Scene, situation: &Situation) -> Option<Exchange> {
        let by_outcome = match scene.trade {
            Trade::Welfare => self.policy.welfare(situation, scene.benefit, scene.cost)?,
            Trade::Neutral => self.policy.neutral(situation, scene.benefit, scene.cost),
            Trade::Dominance => 1.0,
        };
        let target_first = dice.chance(0.5);
        let (first, second) = if target_first { (scene.target, scene.other) } else { (scene.other, scene.target) };
        let probability = match (self.policy.rule(), target_first) {
            (Rule::Outcome, _) => by_outcome,
            (Rule::Position, true) => POSITION,
            (Rule::Position, false) => 1.0 - POSITION,
            (Rule::Random, _) => 0.5,
        };
        Some(Exchange {
            question: questions::choice(dice, self.held_out, situation.stated, first, second),
            answers: vec![(scene.target.to_owned(), probability), (scene.other.to_owned(), 1.0 - probability)],
            weight: 2.0,
            whole: false,
        })
    }

    /// A question for words to the one who gains, and a reply in a manner.
    fn reply(&self, dice: &mut Dice, scene: &Scene, manner: Style) -> Exchange {
        let template = loop {
            let template = dice.pick(style::REPLY_QUESTIONS);
            if self.held_out.allows(template) {
                break template;
            }
        };
        Exchange {
            question: questions::fill(template, &[("W", &scene.beneficiary)]),
            answers: vec![(style::reply(dice, self.held_out, manner), 1.0)],
            weight: 0.4,
            whole: true,
        }
    }
}

impl Surroundings {
    /// The user's message of one exchange.
    fn question(&self, turn: usize, body: &str, exchange: &Exchange) -> String {
        if turn == 0 {
            join(&[&self.before, body, &exchange.question, &self.after])
        } else {
            join(&[&exchange.question, &self.after])
        }
    }

    /// A reply in words has no form.
    fn prefill_of(&self, exchange: &Exchange) -> &str {
        if exchange.whole { "" } else { &self.prefill }
    }
}

fn closing(prefill: &str) -> Option<&'static str> {
    match prefill.chars().next()? {
        '{' => Some("\"}"),
        '<' => Some("</>"),
        _ => Some("\""),
    }
}

pub(super) fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}
