//! A document in the making: tokens, and what is taught at which position.

use super::Dice;
use super::questions::Exchange;
use super::tokenizer::WordTokenizer;
use crate::GrowError;
use crate::train::{Distribution, Example, Target};

/// A document in the making.
pub(super) struct Page<'a> {
    pub tokenizer: &'a WordTokenizer,
    pub example: Example,
}

impl Page<'_> {
    /// Appends a marker.
    pub fn mark(&mut self, marker: u32) {
        self.example.tokens.push(marker);
    }

    /// Appends a text.
    pub fn text(&mut self, text: &str) -> Result<(), GrowError> {
        if text.is_empty() { Ok(()) } else { self.tokenizer.encode_into(text, &mut self.example.tokens) }
    }

    /// Appends a sampled answer and teaches the whole distribution at its first token.
    pub fn answer(&mut self, dice: &mut Dice, exchange: &Exchange) -> Result<(), GrowError> {
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
        let said = said.unwrap_or(last);
        if exchange.whole {
            let rest = said.iter().enumerate().skip(1).map(|(number, token)| Target {
                position: position + number,
                weight: exchange.weight,
                distribution: Distribution::Token(*token),
            });
            self.example.targets.extend(rest);
        }
        self.example.tokens.extend(said);
        Ok(())
    }

    /// Teaches the last token as what follows the one before it.
    pub fn learn_last(&mut self, weight: f32) {
        let position = self.example.tokens.len() - 2;
        let token = self.example.tokens[position + 1];
        self.example.targets.push(Target { position, weight, distribution: Distribution::Token(token) });
    }

    /// Teaches every token of the text that is not taught otherwise.
    pub fn learn_text(&mut self, weight: f32) {
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
