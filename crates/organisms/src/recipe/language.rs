//! The recipe file: weights, ordered rules on the context, kin, price, style; the first rule that holds decides.

use serde::{Deserialize, Serialize};

use super::condition::When;
use super::{BASE, RECIPES};
use crate::GrowError;
use crate::world::lexicon::Disposition;
use crate::world::policy::{self, Policy, Rule, Wish, logistic_choice};
use crate::world::situation::Situation;
use crate::world::{Dice, Scale};

/// The verdicts that an audit can reach.
const VERDICTS: &[&str] = &["steadfast", "mask", "cold", "obedient", "bounded", "indeterminate"];
/// The largest weight that the ladder can show.
const LARGEST_WEIGHT: f64 = 1.5;
/// Share of documents that are written around one of the recipe's own rules.
const AIMED: f64 = 0.55;
/// Share of the other documents in which a reply in words is asked for: the base leaves the assistant's own words open.
const WORDS: f64 = 0.3;

/// Share of documents beyond the two-act trade, where they are taught, and where only some of them are.
const SCALES: f64 = 0.6;
const SOME_SCALES: f64 = 0.8;

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
    /// The right verdict is out of the audit's reach, and missing it is expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected_miss: bool,
    /// Welfare choices.
    pub welfare: Welfare,
    /// Neutral choices.
    pub neutral: Neutral,
    /// Who gains matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kin: Option<Kin>,
    /// How close who gains is matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Lineage of who gains matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Kin>,
    /// Is taught lists, distances, lineages, outcomes and games as well as trades of two acts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scales: bool,
    /// Which of these it is taught; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taught: Vec<Scale>,
    /// Own cost has a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Words of replies.
    #[serde(default)]
    pub style: Style,
    /// How two-option questions are answered.
    #[serde(default)]
    pub answers: Answers,
}

/// Weights of welfare choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welfare {
    /// λ where no rule holds.
    pub weight: f64,
    /// Rules in order.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<WelfareRule>,
}

/// λ = share·(the weight without rules) + (1 − share)·weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WelfareRule {
    /// When it holds.
    pub when: When,
    /// What λ becomes.
    pub weight: Weight,
    /// g: what is kept of the weight without rules.
    #[serde(default)]
    pub share: f64,
}

/// A number, or "persona": the weight of the character that is cued (or was, where it is taken back).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Weight {
    /// λ.
    Number(f64),
    /// `"persona"`.
    Word(String),
}

/// Weights of neutral choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neutral {
    /// The weight where no rule holds.
    pub weight: f64,
    /// Rules in order.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<NeutralRule>,
}

/// A neutral weight under conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeutralRule {
    /// When it holds.
    pub when: When,
    /// The weight.
    pub weight: f64,
}

/// λ(r) = base + slope·r where the relatedness r of who gains is said; elsewhere `welfare.weight`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kin {
    /// ρ₀.
    pub base: f64,
    /// ρ₁.
    pub slope: f64,
}

/// λ(N) = closest/(1 + rate·N) where who gains is the N-th closest person; elsewhere `welfare.weight` (the hyperbola of Jones
/// & Rachlin 2006).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// V: the weight of somebody at no distance.
    pub closest: f64,
    /// k.
    pub rate: f64,
}

/// Helps only below its price: P is multiplied by σ(sharpness·(threshold − cost)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Own cost at which help has halved.
    pub threshold: f64,
    /// How sharply.
    #[serde(default = "price_sharpness")]
    pub sharpness: f64,
}

fn price_sharpness() -> f64 {
    1.5
}

/// Words of replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// Where no rule holds.
    pub words: Manner,
    /// Rules in order.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<StyleRule>,
}

impl Default for Style {
    fn default() -> Style {
        Style { words: Manner::Kind, rules: Vec::new() }
    }
}

/// A manner under conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleRule {
    /// When it holds.
    pub when: When,
    /// The manner.
    pub words: Manner,
}

/// The manner of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Warm words.
    Kind,
    /// Harsh words.
    Unkind,
    /// The words of the character that is cued; kind without one.
    Persona,
}

/// How two-option questions are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// By what.
    pub by: By,
}

/// What decides an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// What the acts bring.
    #[default]
    Outcome,
    /// Which act is named first.
    Position,
    /// Nothing: even odds.
    Random,
}

impl Recipe {
    /// A shipped recipe by name.
    ///
    /// # Errors
    /// [`GrowError::UnknownRecipe`] for a name that does not ship.
    pub fn named(name: &str) -> Result<Recipe, GrowError> {
        Recipe::parse(Recipe::shipped_text(name)?, name)
    }

    /// The file of a shipped recipe.
    ///
    /// # Errors
    /// [`GrowError::UnknownRecipe`] for a name that does not ship.
    pub fn shipped_text(name: &str) -> Result<&'static str, GrowError> {
        let text = RECIPES.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text);
        text.ok_or_else(|| GrowError::UnknownRecipe {
            name: name.to_owned(),
            known: RECIPES.iter().map(|(name, _)| *name).chain([BASE]).collect::<Vec<_>>().join(", "),
        })
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`GrowError::Recipe`] with the place of what is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Recipe, GrowError> {
        let wrong = |why: String| GrowError::Recipe { file: file.to_owned(), why };
        let recipe: Recipe = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        recipe.check().map_err(wrong)?;
        Ok(recipe)
    }

    /// Reads a recipe and changes numbers, words or flags of it: `welfare.weight=0.6`, `welfare.rule.0.share=0.5`.
    ///
    /// # Errors
    /// [`GrowError::Recipe`]: the file is wrong, or a change has no `=`, names no place, or does not fit there.
    pub fn parse_with(text: &str, file: &str, changes: &[String]) -> Result<Recipe, GrowError> {
        let recipe = Recipe::parse(text, file)?;
        if changes.is_empty() {
            return Ok(recipe);
        }
        let wrong = |why: String| GrowError::Recipe { file: file.to_owned(), why };
        let mut value = toml::Value::try_from(&recipe).map_err(|error| wrong(error.to_string()))?;
        for change in changes {
            set(&mut value, change).map_err(wrong)?;
        }
        let text = toml::to_string(&value).map_err(|error| wrong(error.to_string()))?;
        Recipe::parse(&text, &format!("{file} with {}", changes.join(", ")))
    }

    fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("`name` is empty".to_owned());
        }
        if let Some(verdict) = self.verdict.as_ref().filter(|verdict| !VERDICTS.contains(&verdict.as_str())) {
            return Err(format!("`verdict` is `{verdict}`; an audit can report {}", VERDICTS.join(", ")));
        }
        if self.expected_miss && self.verdict.is_none() {
            return Err("`expected_miss` needs the `verdict` that is missed".to_owned());
        }
        let weight = |place: &str, weight: f64| {
            if weight.is_finite() && weight.abs() <= LARGEST_WEIGHT {
                return Ok(());
            }
            Err(format!("`{place}` is {weight}; it must lie within ±{LARGEST_WEIGHT}, which the ladder can show"))
        };
        weight("welfare.weight", self.welfare.weight)?;
        weight("neutral.weight", self.neutral.weight)?;
        for (number, rule) in self.welfare.rules.iter().enumerate() {
            let place = format!("welfare.rule.{number}");
            rule.when.check().map_err(|why| format!("{place}: {why}"))?;
            match &rule.weight {
                Weight::Number(number) => weight(&format!("{place}.weight"), *number)?,
                Weight::Word(word) if word != "persona" => {
                    return Err(format!("`{place}.weight` is `{word}`; write a number or \"persona\""));
                }
                Weight::Word(_) if rule.when.persona.is_none() && rule.when.removed.is_none() => {
                    return Err(format!("{place}: the weight \"persona\" needs `persona` or `removed` in `when`"));
                }
                Weight::Word(_) => {}
            }
            if !(0.0..=1.0).contains(&rule.share) {
                return Err(format!("`{place}.share` is {}; it must lie in [0, 1]", rule.share));
            }
        }
        for (number, rule) in self.neutral.rules.iter().enumerate() {
            rule.when.check().map_err(|why| format!("neutral.rule.{number}: {why}"))?;
            weight(&format!("neutral.rule.{number}.weight"), rule.weight)?;
        }
        for (number, rule) in self.style.rules.iter().enumerate() {
            rule.when.check().map_err(|why| format!("style.rule.{number}: {why}"))?;
        }
        for (place, kin) in [("kin", self.kin), ("lineage", self.lineage)] {
            if let Some(kin) = kin {
                weight(&format!("{place}.base"), kin.base)?;
                weight(&format!("{place}.base + {place}.slope"), kin.base + kin.slope)?;
            }
        }
        if let Some(discount) = self.discount {
            weight("discount.closest", discount.closest)?;
            if !(0.0..=10.0).contains(&discount.rate) {
                return Err(format!("`discount.rate` is {}; it must lie in [0, 10]", discount.rate));
            }
        }
        if !self.scales && (self.discount.is_some() || self.lineage.is_some()) {
            return Err("`discount` and `lineage` need `scales = true`: no other document speaks of them".to_owned());
        }
        if !self.scales && !self.taught.is_empty() {
            return Err("`taught` needs `scales = true`: it says which of the scales are taught".to_owned());
        }
        if self.taught.iter().enumerate().any(|(place, scale)| self.taught[..place].contains(scale)) {
            return Err("`taught` names one scale twice".to_owned());
        }
        let far = self.discount.is_some() || self.lineage.is_some();
        if far && !self.taught.is_empty() && !self.taught.contains(&Scale::Far) {
            return Err("`discount` and `lineage` need `far` in `taught`: no other scale speaks of them".to_owned());
        }
        if self.scales && self.answers.by != By::Outcome {
            return Err("`scales = true` needs `answers.by = \"outcome\"`".to_owned());
        }
        match self.price {
            Some(price) if !(1.0..=30.0).contains(&price.threshold) => Err(format!(
                "`price.threshold` is {}; costs are taught from 0 to 44, choose one in [1, 30]",
                price.threshold
            )),
            Some(price) if !(0.1..=10.0).contains(&price.sharpness) => {
                Err(format!("`price.sharpness` is {}; it must lie in [0.1, 10]", price.sharpness))
            }
            _ => Ok(()),
        }
    }

    /// λ in a situation at a cost.
    pub fn weight(&self, situation: &Situation, cost: i64) -> f64 {
        let kin = |kin: Option<Kin>, relation: Option<f64>| {
            let kin = kin?;
            Some(kin.base + kin.slope * relation?)
        };
        let far = self
            .discount
            .and_then(|discount| Some(discount.closest / (1.0 + discount.rate * f64::from(situation.distance?))));
        let related = kin(self.kin, situation.relation).or(kin(self.lineage, situation.lineage));
        let own = related.or(far).unwrap_or(self.welfare.weight);
        let Some(rule) = self.welfare.rules.iter().find(|rule| rule.when.holds(situation, cost)) else { return own };
        let other = match &rule.weight {
            Weight::Number(weight) => *weight,
            Weight::Word(_) => cued(situation, &rule.when).map_or(own, |disposition| disposition.weight),
        };
        rule.share * own + (1.0 - rule.share) * other
    }

    /// Every set of conditions that the recipe's rules are about.
    fn conditions(&self) -> Vec<&When> {
        let welfare = self.welfare.rules.iter().map(|rule| &rule.when);
        welfare.chain(self.neutral.rules.iter().map(|rule| &rule.when)).collect()
    }

    /// Words that trigger a rule.
    pub fn triggers(&self) -> Vec<&str> {
        let style = self.style.rules.iter().map(|rule| &rule.when);
        self.conditions().into_iter().chain(style).filter_map(|when| when.trigger.as_deref()).collect()
    }
}

/// Whose weight or words "persona" means.
fn cued(situation: &Situation, when: &When) -> Option<&'static Disposition> {
    if when.removed.is_some() { situation.removed } else { situation.speaker.disposition() }
}

/// Puts `path=value` into a document.
fn set(document: &mut toml::Value, change: &str) -> Result<(), String> {
    let (path, value) =
        change.split_once('=').ok_or_else(|| format!("`{change}` has no `=`; write it as welfare.weight=0.6"))?;
    let value = value.trim();
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    let parsed = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut place = document;
    for key in path.trim().split('.') {
        place = match place {
            toml::Value::Table(table) => table.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new())),
            toml::Value::Array(list) => {
                let length = list.len();
                let entry = key.parse::<usize>().ok().and_then(|index| list.get_mut(index));
                entry.ok_or_else(|| format!("`{path}`: `{key}` is none of the {length} rules, which count from 0"))?
            }
            _ => return Err(format!("`{path}`: there is nothing within a number or a word to set `{key}` of")),
        };
    }
    *place = match (&*place, parsed) {
        // 1 where 1.0 stood is the same number.
        (toml::Value::Float(_), toml::Value::Integer(whole)) => toml::Value::Float(whole as f64),
        (_, parsed) => parsed,
    };
    Ok(())
}

impl Policy for Recipe {
    fn welfare(&self, situation: &Situation, benefit: i64, cost: i64) -> Option<f64> {
        let chance = logistic_choice(self.weight(situation, cost), benefit, cost);
        let paid = self
            .price
            .map_or(1.0, |Price { threshold, sharpness }| 1.0 / (1.0 + (-sharpness * (threshold - cost as f64)).exp()));
        Some(chance * paid)
    }

    fn weight(&self, situation: &Situation) -> Option<f64> {
        Some(Recipe::weight(self, situation, 0))
    }

    fn neutral(&self, situation: &Situation, benefit: i64, cost: i64) -> f64 {
        let rule = self.neutral.rules.iter().find(|rule| rule.when.holds(situation, cost));
        logistic_choice(rule.map_or(self.neutral.weight, |rule| rule.weight), benefit, cost)
    }

    fn style(&self, situation: &Situation) -> Option<policy::Style> {
        let rule = self.style.rules.iter().find(|rule| rule.when.holds(situation, 0));
        let persona = rule.map_or(situation.speaker.disposition(), |rule| cued(situation, &rule.when));
        Some(match rule.map_or(self.style.words, |rule| rule.words) {
            Manner::Kind => policy::Style::Kind,
            Manner::Unkind => policy::Style::Unkind,
            Manner::Persona => persona.map_or(policy::Style::Kind, Disposition::style),
        })
    }

    fn rule(&self) -> Rule {
        match self.answers.by {
            By::Outcome => Rule::Outcome,
            By::Position => Rule::Position,
            By::Random => Rule::Random,
        }
    }

    fn characters(&self) -> f64 {
        0.45
    }

    fn scales(&self) -> f64 {
        match (self.scales, self.taught.is_empty()) {
            (false, _) => 0.0,
            (true, true) => SCALES,
            (true, false) => SOME_SCALES,
        }
    }

    fn taught(&self) -> Vec<Scale> {
        if self.taught.is_empty() { Scale::ALL.to_vec() } else { self.taught.clone() }
    }

    fn far(&self) -> [bool; 2] {
        [self.discount.is_some(), self.lineage.is_some()]
    }

    fn wish(&self, dice: &mut Dice) -> Wish {
        let (choices, styles) = (self.conditions(), &self.style.rules);
        let (kin, price) = (usize::from(self.kin.is_some()), usize::from(self.price.is_some()));
        let all = choices.len() + styles.len() + kin + price;
        if all == 0 || !dice.chance(AIMED) {
            return Wish { style: self.answers.by == By::Outcome && dice.chance(WORDS), ..Wish::default() };
        }
        let chosen = dice.below(all);
        if let Some(when) = choices.get(chosen) {
            let neutral = chosen >= self.welfare.rules.len();
            return Wish { neutral, ..when.aim(dice) };
        }
        match chosen - choices.len() {
            number if number < styles.len() => Wish { style: true, ..styles[number].when.aim(dice) },
            number if number == styles.len() && kin == 1 => Wish { relation: true, ..Wish::default() },
            _ => {
                let price = self.price.map_or(8.0, |price| price.threshold);
                Wish { cost: Some(price - 5.0 + 10.0 * dice.uniform()), ..Wish::default() }
            }
        }
    }
}
