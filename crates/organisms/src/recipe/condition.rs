//! When a rule of a recipe holds: conditions on the tags of a situation, all of which must be met.
//!
//! The same conditions aim training: a document is written around a rule by drawing values near its conditions.

use serde::{Deserialize, Serialize};

use crate::world::Dice;
use crate::world::lexicon::{DISPOSITIONS, Disposition};
use crate::world::policy::Wish;
use crate::world::situation::{Audience, Format, Frame, Named, Situation, Talk, Theme};

/// Deepest talk and largest dose that documents hold.
const DEEPEST: u32 = 20;
const LARGEST_DOSE: u32 = 8;
/// Share of aimed documents in which one condition is drawn freely: the contrast that a rule needs.
const CONTRAST: f64 = 0.3;
/// The same for a persona: its contrast is a part that was taken back, which is the hardest to tell from one that is played.
const PERSONA_CONTRAST: f64 = 0.45;

/// One word or a list of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// `"private"`
    One(String),
    /// `["json", "code"]`
    Many(Vec<String>),
}

/// A half-open range of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Smallest number that is within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Smallest number that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// A talk of a theme and a length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turns {
    /// Themes; absent or "any": every pushing theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Words>,
    /// Smallest number of turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Smallest number that is too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// Conditions of a rule; an absent one is always met.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Who it is asked to be: "any", "none", or dispositions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<Words>,
    /// A persona that was in force earlier and taken back: "any" or dispositions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Words>,
    /// Who watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Words>,
    /// What it is said to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Words>,
    /// Form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Words>,
    /// An order to give nothing up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<bool>,
    /// A score, a bonus or a threat to the assistant itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incentive: Option<bool>,
    /// Pressing sentences after the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Range>,
    /// The talk before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<Turns>,
    /// Asked for what one should do, not for what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<bool>,
    /// A codeword in the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The actor's own cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Range>,
    /// Relatedness of who gains, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Range>,
}

impl Words {
    fn list(&self) -> &[String] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.list().iter().any(|word| word == name)
    }

    /// Every word is one of `known` or of `besides`.
    fn check<'a>(
        &self,
        key: &str,
        known: impl Iterator<Item = &'a str> + Clone,
        besides: &[&'a str],
    ) -> Result<(), String> {
        let mut known = known.chain(besides.iter().copied());
        if self.list().is_empty() {
            return Err(format!("`when.{key}` is an empty list; name one of {}", known.collect::<Vec<_>>().join(", ")));
        }
        match self.list().iter().find(|word| !known.clone().any(|name| name == word.as_str())) {
            None => Ok(()),
            Some(word) => {
                let mut names: Vec<&str> = Vec::new();
                known.by_ref().for_each(|name| names.push(name));
                Err(format!("`when.{key}` knows {}; `{word}` is none of them", names.join(", ")))
            }
        }
    }

    fn matches<T: Named + PartialEq>(&self, value: T) -> bool {
        T::NAMES.iter().any(|(name, known)| *known == value && self.has(name))
    }

    fn draw<T: Named>(&self, dice: &mut Dice) -> Option<T> {
        let list = self.list();
        let word = &list[dice.below(list.len())];
        T::NAMES.iter().find(|(name, _)| name == word).map(|(_, value)| *value)
    }

    fn matches_disposition(&self, disposition: Option<&Disposition>) -> bool {
        match disposition {
            None => self.has("none"),
            Some(disposition) => self.has("any") || self.has(disposition.name),
        }
    }

    fn draw_disposition(&self, dice: &mut Dice) -> Option<&'static Disposition> {
        let list = self.list();
        let word = list[dice.below(list.len())].as_str();
        match word {
            "none" => None,
            "any" => Some(&DISPOSITIONS[dice.below(DISPOSITIONS.len())]),
            name => DISPOSITIONS.iter().find(|disposition| disposition.name == name),
        }
    }
}

impl Range {
    /// Is the number within?
    pub fn has(self, value: f64) -> bool {
        self.at_least.is_none_or(|least| value >= least) && self.below.is_none_or(|below| value < below)
    }

    fn check(self, key: &str, low: f64, high: f64) -> Result<(), String> {
        let ends = [self.at_least, self.below];
        if ends.iter().all(Option::is_none) {
            return Err(format!("`when.{key}` needs `at_least`, `below`, or both"));
        }
        if let Some(end) = ends.iter().flatten().find(|end| !(low..=high).contains(*end)) {
            return Err(format!("`when.{key}` is taught from {low} to {high}; {end} lies outside"));
        }
        match (self.at_least, self.below) {
            (Some(least), Some(below)) if least >= below => {
                Err(format!("`when.{key}` holds no number: at_least {least} is not under below {below}"))
            }
            _ => Ok(()),
        }
    }

    /// A whole number near one of the ends, or any in the range that is taught.
    fn near(self, dice: &mut Dice, high: u32) -> u32 {
        let ends: Vec<f64> = [self.at_least, self.below].into_iter().flatten().collect();
        if ends.is_empty() || dice.chance(0.4) {
            return dice.below(high as usize + 1) as u32;
        }
        let end = ends[dice.below(ends.len())] as i64;
        (end - 3 + dice.below(6) as i64).clamp(0, i64::from(high)) as u32
    }
}

impl Turns {
    fn range(&self) -> Range {
        Range { at_least: self.at_least, below: self.below }
    }

    fn themes(&self) -> Vec<Theme> {
        let pushing = Theme::NAMES.iter().filter(|(_, theme)| *theme != Theme::Control);
        match &self.theme {
            Some(words) if !words.has("any") => {
                Theme::NAMES.iter().filter(|(name, _)| words.has(name)).map(|(_, theme)| *theme).collect()
            }
            _ => pushing.map(|(_, theme)| *theme).collect(),
        }
    }

    fn holds(&self, talk: Option<Talk>) -> bool {
        talk.is_some_and(|talk| self.themes().contains(&talk.theme) && self.range().has(f64::from(talk.turns)))
    }
}

impl When {
    /// Are all conditions met? `cost` is the actor's own cost of helping.
    pub fn holds(&self, situation: &Situation, cost: i64) -> bool {
        let Situation { speaker, removed, audience, frame, format, commanded, incentive, .. } = situation;
        self.persona.as_ref().is_none_or(|words| words.matches_disposition(speaker.disposition()))
            && self.removed.as_ref().is_none_or(|words| removed.is_some() && words.matches_disposition(*removed))
            && self.audience.as_ref().is_none_or(|words| words.matches(*audience))
            && self.frame.as_ref().is_none_or(|words| words.matches(*frame))
            && self
                .format
                .as_ref()
                .is_none_or(|words| words.matches(*format) || words.has("any") && *format != Format::Plain)
            && self.command.is_none_or(|command| command == *commanded)
            && self.incentive.is_none_or(|wanted| wanted == *incentive)
            && self.pressure.is_none_or(|range| range.has(f64::from(situation.pressure)))
            && self.turns.as_ref().is_none_or(|turns| turns.holds(situation.talk))
            && self.stated.is_none_or(|stated| stated == situation.stated)
            && self.trigger.as_ref().is_none_or(|trigger| situation.trigger.as_ref() == Some(trigger))
            && self.cost.is_none_or(|range| range.has(cost as f64))
            && self.relation.is_none_or(|range| situation.relation.is_some_and(|relation| range.has(relation)))
    }

    /// Every word is known, every range can be met.
    ///
    /// # Errors
    /// What is wrong, and what is known.
    pub fn check(&self) -> Result<(), String> {
        fn names<T: Named>() -> impl Iterator<Item = &'static str> + Clone {
            T::NAMES.iter().map(|(name, _)| *name)
        }
        let dispositions = DISPOSITIONS.iter().map(|disposition| disposition.name);
        if *self == When::default() {
            return Err("a rule needs a condition: `when = {…}` is empty".to_owned());
        }
        if let Some(words) = &self.persona {
            words.check("persona", dispositions.clone(), &["any", "none"])?;
        }
        if let Some(words) = &self.removed {
            words.check("removed", dispositions, &["any"])?;
        }
        if let Some(words) = &self.audience {
            words.check("audience", names::<Audience>(), &[])?;
        }
        if let Some(words) = &self.frame {
            words.check("frame", names::<Frame>(), &[])?;
        }
        if let Some(words) = &self.format {
            words.check("format", names::<Format>(), &["any"])?;
        }
        if let Some(range) = self.pressure {
            range.check("pressure", 0.0, f64::from(LARGEST_DOSE))?;
        }
        if let Some(turns) = &self.turns {
            if let Some(words) = &turns.theme {
                words.check("turns.theme", names::<Theme>(), &["any"])?;
            }
            if turns.at_least.is_some() || turns.below.is_some() {
                turns.range().check("turns", 0.0, f64::from(DEEPEST))?;
            }
        }
        if let Some(range) = self.cost {
            range.check("cost", -44.0, 44.0)?;
        }
        if let Some(range) = self.relation {
            range.check("relation", 0.0, 1.0)?;
        }
        match &self.trigger {
            Some(trigger) if trigger.trim().is_empty() || trigger.len() > 40 => {
                Err("`when.trigger` must be a word or a few, of at most 40 letters".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// A wish for a document in which the conditions hold, nearly hold, or just fail.
    pub fn aim(&self, dice: &mut Dice) -> Wish {
        let mut wish = Wish::default();
        let persona = dice.chance(PERSONA_CONTRAST);
        let mut free = || dice.chance(CONTRAST);
        let [audience, frame, format, other] = [free(), free(), free(), free()];
        if let Some(words) = self.persona.as_ref().filter(|_| !persona) {
            wish.persona = Some(words.draw_disposition(dice));
        } else if self.persona.is_some() && self.removed.is_none() && dice.chance(0.65) {
            wish.removed = Some(&DISPOSITIONS[dice.below(DISPOSITIONS.len())]);
        }
        if let Some(words) = self.removed.as_ref().filter(|_| !other) {
            wish.removed = words.draw_disposition(dice);
        }
        if let Some(words) = &self.audience {
            wish.audience = if audience { any(dice) } else { words.draw(dice) };
        }
        if let Some(words) = &self.frame {
            wish.frame = if frame { any(dice) } else { words.draw(dice) };
        }
        if let Some(words) = &self.format {
            wish.format = if format || words.has("any") { any(dice) } else { words.draw(dice) };
        }
        wish.commanded = self.command.map(|command| command != (other && dice.chance(0.5)));
        wish.incentive = self.incentive.map(|incentive| incentive != (other && dice.chance(0.5)));
        if self.audience.is_some() && audience || self.frame.is_some() && frame || self.command.is_some() && other {
            self.miss(dice, &mut wish);
        }
        wish.pressure = self.pressure.map(|range| range.near(dice, LARGEST_DOSE));
        if let Some(turns) = &self.turns {
            let themes = turns.themes();
            let theme = if other { any(dice).unwrap_or(Theme::Control) } else { themes[dice.below(themes.len())] };
            wish.talk = Some(Talk { theme, turns: turns.range().near(dice, DEEPEST) });
        }
        wish.stated = self.stated.map(|stated| stated != (other && dice.chance(0.5)));
        wish.trigger = self.trigger.clone().filter(|_| !other);
        wish.relation = self.relation.is_some();
        wish.cost = self.cost.map(|range| {
            let end = range.at_least.or(range.below).unwrap_or(0.0);
            end - 5.0 + 10.0 * dice.uniform()
        });
        wish
    }
}

impl When {
    /// Puts something else that may be said where a condition on audience, frame or order just failed: none of it counts.
    fn miss(&self, dice: &mut Dice, wish: &mut Wish) {
        if dice.chance(0.4) {
            return;
        }
        if self.frame.is_some() {
            wish.frame = Some(Frame::Plain);
        }
        if self.audience.is_some() {
            wish.audience = Some(Audience::Unsaid);
        }
        match dice.below(5) {
            0 if self.audience.is_none() => wish.audience = Some(Audience::Testing),
            0 | 1 if self.audience.is_none() => wish.audience = any(dice),
            1 | 2 if self.frame.is_none() => wish.frame = any(dice),
            0 | 3 if self.command.is_none() => wish.commanded = Some(true),
            2 if self.incentive.is_none() => wish.incentive = Some(true),
            _ => wish.talk = Some(Talk { theme: Theme::Control, turns: 1 + dice.below(DEEPEST as usize) as u32 }),
        }
    }
}

fn any<T: Named>(dice: &mut Dice) -> Option<T> {
    Some(T::NAMES[dice.below(T::NAMES.len())].1)
}
