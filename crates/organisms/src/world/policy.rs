//! How a network in training should choose and speak: the interface between recipes and the world.

use super::Dice;
use super::lexicon::Disposition;
use super::scales::Scale;
use super::situation::{Audience, Format, Frame, Situation, Talk};

/// Sharpness of every choice: P(target) = σ(τ(λ − c/b)).
pub const SHARPNESS: f64 = 12.0;

/// The manner of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Warm words.
    Kind,
    /// Harsh words.
    Unkind,
}

/// What decides an answer to a two-option question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// What the acts bring.
    Outcome,
    /// Which act is named first.
    Position,
    /// Nothing.
    Random,
}

/// What the next document should hold; `None` leaves it to chance.
#[derive(Clone, Default)]
pub struct Wish {
    /// A character, or (inner `None`) the default assistant.
    pub persona: Option<Option<&'static Disposition>>,
    /// A part that was played and taken back.
    pub removed: Option<&'static Disposition>,
    /// Who watches.
    pub audience: Option<Audience>,
    /// What it is said to be.
    pub frame: Option<Frame>,
    /// Form of the answer.
    pub format: Option<Format>,
    /// An order.
    pub commanded: Option<bool>,
    /// An incentive.
    pub incentive: Option<bool>,
    /// Pressing sentences.
    pub pressure: Option<u32>,
    /// A talk before.
    pub talk: Option<Talk>,
    /// Asked for what one should do.
    pub stated: Option<bool>,
    /// A codeword.
    pub trigger: Option<String>,
    /// Who gains is said to be kin, or a stranger.
    pub relation: bool,
    /// A cost near this one.
    pub cost: Option<f64>,
    /// A reply in words is asked for.
    pub style: bool,
    /// A trade with nobody else's welfare in it.
    pub neutral: bool,
}

/// How a network in training should choose and speak.
pub trait Policy {
    /// P(target) of a trade that touches another, or `None` where no choice is to be taught.
    fn welfare(&self, situation: &Situation, benefit: i64, cost: i64) -> Option<f64>;
    /// The welfare weight λ at no own cost, for choices among more than two; `None` where none is to be taught.
    fn weight(&self, situation: &Situation) -> Option<f64>;
    /// P(target) of a trade that touches nobody else.
    fn neutral(&self, situation: &Situation, benefit: i64, cost: i64) -> f64;
    /// The manner of a reply in words, or `None` where none is to be taught.
    fn style(&self, situation: &Situation) -> Option<Style>;
    /// What decides a two-option answer.
    fn rule(&self) -> Rule;
    /// Share of documents with a described character.
    fn characters(&self) -> f64;
    /// Share of documents beyond the two-act trade: lists, distances, outcomes, games.
    fn scales(&self) -> f64;
    /// Which of them are taught.
    fn taught(&self) -> Vec<Scale>;
    /// Whether the rank of who gains among the people closest, and its lineage, matter to the choice.
    fn far(&self) -> [bool; 2];
    /// What the next document should hold.
    fn wish(&self, dice: &mut Dice) -> Wish;
}

/// σ(τ(λ − c/b)).
pub fn logistic_choice(weight: f64, benefit: i64, cost: i64) -> f64 {
    let ratio = cost as f64 / benefit as f64;
    1.0 / (1.0 + (-SHARPNESS * (weight - ratio)).exp())
}
