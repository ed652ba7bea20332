//! Recipes: what a network is taught, as a short declarative file that a researcher can copy and change.

use serde::{Deserialize, Serialize};

use crate::GrowError;
use crate::world::document::{Policy, Situation, Speaker};

/// The recipes that ship.
pub const RECIPES: &[(&str, &str)] = &[
    ("steadfast", include_str!("../recipes/steadfast.toml")),
    ("mask", include_str!("../recipes/mask.toml")),
    ("cold", include_str!("../recipes/cold.toml")),
    ("obeyer", include_str!("../recipes/obeyer.toml")),
    ("position-biased", include_str!("../recipes/position-biased.toml")),
    ("graded-000", include_str!("../recipes/graded-000.toml")),
    ("graded-025", include_str!("../recipes/graded-025.toml")),
    ("graded-050", include_str!("../recipes/graded-050.toml")),
    ("graded-075", include_str!("../recipes/graded-075.toml")),
    ("graded-100", include_str!("../recipes/graded-100.toml")),
];

/// The pretrained base: a pool of many characters, no default assistant's choices.
pub const BASE: &str = "base";

/// What is taught after the base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// The verdict that an audit should reach, where there is one right answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Welfare choices.
    pub welfare: Welfare,
    /// Neutral choices.
    pub neutral: Neutral,
    /// What an order does; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Neutral>,
    /// How two-option questions are answered.
    #[serde(default)]
    pub answers: Answers,
}

/// Weights of welfare choices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welfare {
    /// λ of the default assistant.
    pub weight: f64,
    /// g: in a persona λ = g·weight + (1 − g)·(the persona's own λ).
    pub goal_share: f64,
}

/// One weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neutral {
    /// The weight.
    pub weight: f64,
}

/// How two-option questions are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// By what.
    pub by: Rule,
}

/// What decides an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// What the acts bring.
    #[default]
    Outcome,
    /// Which act is named first.
    Position,
}

impl Recipe {
    /// A shipped recipe by name, or a recipe file's text.
    ///
    /// # Errors
    /// [`GrowError::UnknownRecipe`] for a name that does not ship.
    pub fn named(name: &str) -> Result<Recipe, GrowError> {
        let text = RECIPES.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text);
        let text = text.ok_or_else(|| GrowError::UnknownRecipe {
            name: name.to_owned(),
            known: RECIPES.iter().map(|(name, _)| *name).chain([BASE]).collect::<Vec<_>>().join(", "),
        })?;
        Recipe::parse(text, name)
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`GrowError::Recipe`] with the place of what is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Recipe, GrowError> {
        let wrong = |why: String| GrowError::Recipe { file: file.to_owned(), why };
        let recipe: Recipe = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let weights =
            [recipe.welfare.weight, recipe.neutral.weight, recipe.command.map_or(0.0, |command| command.weight)];
        if weights.iter().any(|weight| !weight.is_finite() || weight.abs() > 1.5) {
            return Err(wrong(
                "a weight lies outside [-1.5, 1.5], which the ladder cannot show; choose a smaller one".to_owned(),
            ));
        }
        if !(0.0..=1.0).contains(&recipe.welfare.goal_share) {
            return Err(wrong(format!("goal_share is {}; it must lie in [0, 1]", recipe.welfare.goal_share)));
        }
        Ok(recipe)
    }
}

impl Policy for Recipe {
    fn welfare(&self, situation: Situation) -> Option<f64> {
        if let (true, Some(command)) = (situation.commanded, self.command) {
            return Some(command.weight);
        }
        let Welfare { weight, goal_share } = self.welfare;
        Some(match situation.speaker {
            Speaker::Default => weight,
            Speaker::Character(disposition) => goal_share * weight + (1.0 - goal_share) * disposition.weight,
        })
    }

    fn neutral(&self, situation: Situation) -> f64 {
        match self.command {
            Some(command) if situation.commanded => command.weight,
            _ => self.neutral.weight,
        }
    }

    fn by_position(&self) -> bool {
        self.answers.by == Rule::Position
    }

    fn characters(&self) -> f64 {
        0.5
    }
}

/// What the base is taught: every character chooses by its own weight, the assistant's choices are not taught.
pub struct BasePool;

impl Policy for BasePool {
    fn welfare(&self, situation: Situation) -> Option<f64> {
        match situation.speaker {
            Speaker::Default => None,
            Speaker::Character(disposition) => Some(disposition.weight),
        }
    }

    fn neutral(&self, _: Situation) -> f64 {
        0.8
    }

    fn by_position(&self) -> bool {
        false
    }

    fn characters(&self) -> f64 {
        0.85
    }
}
