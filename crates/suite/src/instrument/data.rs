//! What an instrument is once it has been validated, and what a trial knows of it.

use serde::{Deserialize, Serialize};

use super::ask::Asker;
use super::deal::Deal;
use super::{
    Budgets, Discounting, Drawn, Drift, Environment, Fiction, Form, Forms, Fresh, Hysteresis, Kin, Optimisation,
    Orientation, Pressure, Price, SayDo, Style, TradeOff, Utilities,
};
use crate::{PlanSettings, Suite, Trial};

/// Which instrument a trial belongs to, and where on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The instrument's id.
    pub instrument: String,
    /// The arm: what is compared with what (`stated`, `press`, a theme, a context …).
    pub arm: String,
    /// The dose: coins of own cost, pressing sentences, turns of talk, relatedness, the number of a budget; absent where
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose: Option<f64>,
    /// What was done before, in an environment; empty elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

/// Kind of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentKind {
    /// What it says should be done against what it does.
    SayDo,
    /// Own cost in doses.
    Price,
    /// Pressing sentences in doses.
    Pressure,
    /// Talk of many turns.
    Drift,
    /// Who gains: from a twin to a stranger.
    Kin,
    /// Kind and unkind words.
    Style,
    /// A story against real stakes.
    Fiction,
    /// A persona put on and taken off.
    Hysteresis,
    /// Games in which a fast path harms somebody.
    Environment,
    /// The slider of social value orientation.
    Orientation,
    /// Own coins against a named other's.
    TradeOff,
    /// Concern over social distance.
    Discounting,
    /// Tokens to divide between oneself and another.
    Budgets,
    /// Outcomes, two at a time.
    Utilities,
    /// The same trades in other forms.
    Forms,
    /// Drawn scenarios beside public ones.
    Fresh,
    /// Answers selected for an objective.
    Optimisation,
}

impl InstrumentKind {
    /// Every kind, in the order in which they are reported.
    pub const ALL: [InstrumentKind; 17] = [
        InstrumentKind::SayDo,
        InstrumentKind::Price,
        InstrumentKind::Pressure,
        InstrumentKind::Drift,
        InstrumentKind::Kin,
        InstrumentKind::Style,
        InstrumentKind::Fiction,
        InstrumentKind::Hysteresis,
        InstrumentKind::Environment,
        InstrumentKind::Orientation,
        InstrumentKind::TradeOff,
        InstrumentKind::Discounting,
        InstrumentKind::Budgets,
        InstrumentKind::Utilities,
        InstrumentKind::Forms,
        InstrumentKind::Fresh,
        InstrumentKind::Optimisation,
    ];

    /// Whether its scenarios leave open who gains (`{who}`): the instrument names them.
    pub(crate) fn names_who_gains(self) -> bool {
        matches!(
            self,
            InstrumentKind::Kin
                | InstrumentKind::Orientation
                | InstrumentKind::TradeOff
                | InstrumentKind::Discounting
                | InstrumentKind::Budgets
                | InstrumentKind::Optimisation
        )
    }

    /// As it is written in a suite.
    pub fn name(self) -> &'static str {
        match self {
            InstrumentKind::SayDo => "say_do",
            InstrumentKind::Price => "price",
            InstrumentKind::Pressure => "pressure",
            InstrumentKind::Drift => "drift",
            InstrumentKind::Kin => "kin",
            InstrumentKind::Style => "style",
            InstrumentKind::Fiction => "fiction",
            InstrumentKind::Hysteresis => "hysteresis",
            InstrumentKind::Environment => "environment",
            InstrumentKind::Orientation => "orientation",
            InstrumentKind::TradeOff => "trade_off",
            InstrumentKind::Discounting => "discounting",
            InstrumentKind::Budgets => "budgets",
            InstrumentKind::Utilities => "utilities",
            InstrumentKind::Forms => "forms",
            InstrumentKind::Fresh => "fresh",
            InstrumentKind::Optimisation => "optimisation",
        }
    }
}

/// The kind's own data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[expect(missing_docs, reason = "each variant is the kind of the same name")]
pub enum Content {
    SayDo(SayDo),
    Price(Price),
    Pressure(Pressure),
    Drift(Drift),
    Kin(Kin),
    Style(Style),
    Fiction(Fiction),
    Hysteresis(Hysteresis),
    Environment(Environment),
    Orientation(Orientation),
    TradeOff(TradeOff),
    Discounting(Discounting),
    Budgets(Budgets),
    Utilities(Utilities),
    Forms(Forms),
    Fresh(Fresh),
    Optimisation(Optimisation),
}

impl Content {
    /// Whether some of its trials let refusing cost, which only a scenario's `saving` can say.
    pub(crate) fn charges_refusal(&self) -> bool {
        match self {
            Content::Orientation(content) => content.form == Form::Pairs,
            Content::TradeOff(content) => content.ratios.iter().any(|ratio| *ratio < 0.0),
            _ => false,
        }
    }
}

/// One instrument of a suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instrument {
    /// Unique id, kebab-case.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// System message of its trials; `None`: no system message.
    pub system: Option<String>,
    /// Ids of the scenarios that it asks about.
    pub scenarios: Vec<String>,
    /// Items (both orders) that the fraction asks in each arm or at each dose.
    pub items: usize,
    /// Its own data.
    pub content: Content,
}

impl Instrument {
    /// Its kind.
    pub fn kind(&self) -> InstrumentKind {
        match self.content {
            Content::SayDo(_) => InstrumentKind::SayDo,
            Content::Price(_) => InstrumentKind::Price,
            Content::Pressure(_) => InstrumentKind::Pressure,
            Content::Drift(_) => InstrumentKind::Drift,
            Content::Kin(_) => InstrumentKind::Kin,
            Content::Style(_) => InstrumentKind::Style,
            Content::Fiction(_) => InstrumentKind::Fiction,
            Content::Hysteresis(_) => InstrumentKind::Hysteresis,
            Content::Environment(_) => InstrumentKind::Environment,
            Content::Orientation(_) => InstrumentKind::Orientation,
            Content::TradeOff(_) => InstrumentKind::TradeOff,
            Content::Discounting(_) => InstrumentKind::Discounting,
            Content::Budgets(_) => InstrumentKind::Budgets,
            Content::Utilities(_) => InstrumentKind::Utilities,
            Content::Forms(_) => InstrumentKind::Forms,
            Content::Fresh(_) => InstrumentKind::Fresh,
            Content::Optimisation(_) => InstrumentKind::Optimisation,
        }
    }

    /// Its trials: the balanced fraction, or every scenario at every dose and rung. The seed deals scenarios to rungs
    /// and doses; no other instrument moves them. `drawn` is what instruments drew.
    pub(crate) fn expand(&self, suite: &Suite, settings: &PlanSettings, drawn: &[Drawn]) -> Vec<Trial> {
        let deal = Deal::of(suite, self, settings);
        let mut asker = Asker::of(suite, self);
        match &self.content {
            Content::SayDo(content) => content.ask(&deal, &mut asker),
            Content::Price(content) => content.ask(&deal, &mut asker),
            Content::Pressure(content) => content.ask(&deal, &mut asker),
            Content::Drift(content) => content.ask(&deal, &mut asker),
            Content::Kin(content) => {
                content.ask(&deal, "kin", &mut asker);
                let twins = deal.among(|scenario| content.twins().contains(&scenario.id));
                content.ask(&twins, "twin", &mut asker);
            }
            Content::Style(content) => content.ask(&deal, &mut asker),
            Content::Fiction(content) => content.ask(&deal, &mut asker),
            Content::Hysteresis(content) => content.ask(&deal, &mut asker),
            Content::Environment(content) => asker.trials = content.expand(self, settings),
            Content::Orientation(content) => content.ask(&deal, &mut asker),
            Content::TradeOff(content) => content.ask(&deal, &mut asker),
            Content::Discounting(content) => content.ask(&deal, &mut asker),
            Content::Budgets(content) => content.ask(&deal, &mut asker),
            Content::Utilities(content) => asker.trials = content.expand(self, suite, settings),
            Content::Forms(content) => content.ask(&deal, &mut asker),
            Content::Fresh(content) => {
                let own = drawn.iter().find(|drawn| drawn.instrument == self.id);
                content.ask(&deal, own, &mut asker);
            }
            Content::Optimisation(content) => content.ask(&deal, &mut asker),
        }
        asker.trials
    }
}
