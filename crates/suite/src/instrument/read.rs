//! Instruments from the text of a suite: what every kind has, then the kind's own table, every problem with its place.
//!
//! The kinds' keys differ, so each table is read twice: its `kind` first, then the rest by that kind's own draft.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{
    Budgets, Content, Discounting, Drift, Environment, Fiction, Forms, Fresh, Hysteresis, Instrument, InstrumentKind,
    Kin, Optimisation, Orientation, Pressure, Price, SayDo, Style, TradeOff, Utilities,
};
use crate::check::{check_id, chosen};
use crate::load::help_for;
use crate::problem::{Problems, nearest};
use crate::{Scenario, ScenarioKind, Suite};

/// Keys that every kind has.
const COMMON: [&str; 6] = ["id", "kind", "title", "scenarios", "items", "system"];
/// Most items an arm.
const MOST: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftCommon {
    id: Spanned<String>,
    kind: Spanned<String>,
    #[serde(default)]
    title: String,
    scenarios: Option<Spanned<Vec<Spanned<String>>>>,
    items: Option<Spanned<usize>>,
    system: Option<String>,
}

/// A kind's own keys, not read yet.
pub(crate) struct Own<'i> {
    table: DeTable<'i>,
    /// Where the instrument stands.
    pub span: Range<usize>,
}

impl Own<'_> {
    /// Reads them into the kind's draft; what cannot be read is a problem.
    pub fn read<T: DeserializeOwned>(self, problems: &mut Problems) -> Option<T> {
        let span = self.span.clone();
        let value = Spanned::new(self.span, DeValue::Table(self.table));
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(draft) => Some(draft),
            Err(error) => {
                let help = help_for(error.message());
                // A missing key has the table's place, which may be the whole text.
                let place = error.span().filter(|found| found.len() < 1 << 16).unwrap_or(span);
                problems.add(place, error.message(), help);
                None
            }
        }
    }
}

/// Reads every instrument of a text that is valid TOML. `suite` is complete but for them.
pub(crate) fn read(text: &str, suite: &Suite, system: &str, problems: &mut Problems) -> Vec<Instrument> {
    let Ok(document) = DeTable::parse(text) else { return Vec::new() };
    let Some((_, list)) = document.into_inner().into_iter().find(|(key, _)| key.get_ref() == "instrument") else {
        return Vec::new();
    };
    let span = list.span();
    let DeValue::Array(list) = list.into_inner() else {
        problems.add(span, "`instrument` is no list of tables", "begin each with [[instrument]]");
        return Vec::new();
    };
    let mut found: Vec<Instrument> = Vec::new();
    for one in list {
        let span = one.span();
        let DeValue::Table(table) = one.into_inner() else {
            problems.add(span, "an instrument is no table", "begin it with [[instrument]]");
            continue;
        };
        let Some((instrument, place)) = self::one(table, span, suite, system, problems) else { continue };
        if found.iter().any(|other| other.id == instrument.id) {
            problems.add(place, format!("instrument `{}` stands twice", instrument.id), "give each its own id");
        }
        found.push(instrument);
    }
    found
}

fn one(
    table: DeTable<'_>,
    span: Range<usize>,
    suite: &Suite,
    system: &str,
    problems: &mut Problems,
) -> Option<(Instrument, Range<usize>)> {
    let (common, table): (DeTable, DeTable) =
        table.into_iter().partition(|(key, _)| COMMON.contains(&key.get_ref().as_ref()));
    let common: DraftCommon = Own { table: common, span: span.clone() }.read(problems)?;
    check_id(&common.id, "instrument", problems);
    let known = InstrumentKind::ALL.map(|kind| (kind.name(), kind));
    let kind = chosen(&common.kind, "kind of instrument", &known, problems);
    if kind.name() != common.kind.get_ref() {
        return None;
    }
    let own = Own { table, span };
    let (content, usual) = match kind {
        InstrumentKind::SayDo => (SayDo::read(own, problems).map(Content::SayDo), 48),
        InstrumentKind::Price => (Price::read(own, problems).map(Content::Price), 16),
        InstrumentKind::Pressure => (Pressure::read(own, suite, problems).map(Content::Pressure), 16),
        InstrumentKind::Drift => (Drift::read(own, suite, problems).map(Content::Drift), 5),
        InstrumentKind::Kin => (Kin::read(own, suite, problems).map(Content::Kin), 48),
        InstrumentKind::Style => (Style::read(own, suite, problems).map(Content::Style), 16),
        InstrumentKind::Fiction => (Fiction::read(own, problems).map(Content::Fiction), 48),
        InstrumentKind::Hysteresis => (Hysteresis::read(own, problems).map(Content::Hysteresis), 36),
        InstrumentKind::Environment => (Environment::read(own, problems).map(Content::Environment), 1),
        InstrumentKind::Orientation => (Orientation::read(own, problems).map(Content::Orientation), 16),
        InstrumentKind::TradeOff => (TradeOff::read(own, problems).map(Content::TradeOff), 16),
        InstrumentKind::Discounting => (Discounting::read(own, problems).map(Content::Discounting), 16),
        InstrumentKind::Budgets => (Budgets::read(own, suite, problems).map(Content::Budgets), 8),
        InstrumentKind::Utilities => (Utilities::read(own, suite, problems).map(Content::Utilities), 1),
        InstrumentKind::Forms => {
            let spoken = Some(common.system.as_deref().unwrap_or(system)).filter(|text| !text.is_empty());
            (Forms::read(own, suite, spoken, problems).map(Content::Forms), 48)
        }
        InstrumentKind::Fresh => (Fresh::read(own, suite, problems).map(Content::Fresh), 48),
        InstrumentKind::Optimisation => (Optimisation::read(own, problems).map(Content::Optimisation), 16),
    };
    let mut own_scenarios = |what: &str, why: &str| {
        let given = [common.scenarios.as_ref().map(Spanned::span), common.items.as_ref().map(Spanned::span)];
        for span in given.into_iter().flatten() {
            problems.add(
                span,
                format!("{what} takes neither `scenarios` nor `items`"),
                format!("remove the key: {why}"),
            );
        }
    };
    let scenarios = match &content {
        Some(Content::Environment(content)) => {
            own_scenarios("an environment", "it plays every instance of its own worlds");
            content.clusters()
        }
        Some(Content::Utilities(content)) => {
            own_scenarios("a utilities instrument", "it compares its own outcomes");
            content.clusters(common.id.get_ref())
        }
        Some(Content::Kin(content)) if common.scenarios.is_none() => {
            // Nobody gains in the twins' scenarios.
            let all = scenarios(&common, kind, suite, problems);
            all.into_iter().filter(|id| !content.twins().contains(id)).collect()
        }
        _ => scenarios(&common, kind, suite, problems),
    };
    if content.as_ref().is_some_and(Content::charges_refusal) {
        for scenario in suite.scenarios.iter().filter(|one| scenarios.contains(&one.id) && one.saving.is_empty()) {
            problems.add(
                common.id.span(),
                format!("here refusing costs, which scenario `{}` cannot say: it has no `saving`", scenario.id),
                "add saving = \"…{other}…{cost}…\" to it: what the other act costs",
            );
        }
    }
    let items = common.items.as_ref().map_or(usual, |items| {
        if !(1..=MOST).contains(items.get_ref()) {
            problems.add(
                items.span(),
                format!("items is {}; it must lie in [1, {MOST}]", items.get_ref()),
                format!("the usual value of a {} instrument is {usual}", kind.name()),
            );
        }
        (*items.get_ref()).clamp(1, MOST)
    });
    let system = common.system.unwrap_or_else(|| system.to_owned());
    let place = common.id.span();
    let instrument = Instrument {
        id: common.id.into_inner(),
        title: common.title,
        system: (!system.is_empty()).then_some(system),
        scenarios,
        items,
        content: content?,
    };
    Some((instrument, place))
}

/// Whether a scenario leaves open who gains.
fn open(scenario: &Scenario) -> bool {
    scenario.benefit.contains("{who}")
}

/// The scenarios that an instrument names, or all that suit it: those of kind `welfare`, or where there are none those
/// of kind `instrument`; for kinds that name who gains those that leave it open.
fn scenarios(common: &DraftCommon, kind: InstrumentKind, suite: &Suite, problems: &mut Problems) -> Vec<String> {
    let kin = kind.names_who_gains();
    let able = |scenario: &&Scenario| {
        matches!(scenario.kind, ScenarioKind::Welfare | ScenarioKind::Instrument) && open(scenario) == kin
    };
    let Some(named) = &common.scenarios else {
        let all: Vec<&Scenario> = suite.scenarios.iter().filter(able).collect();
        let welfare = !kin && all.iter().any(|scenario| scenario.kind == ScenarioKind::Welfare);
        let kept = all.into_iter().filter(|scenario| !welfare || scenario.kind == ScenarioKind::Welfare);
        let kept: Vec<String> = kept.map(|scenario| scenario.id.clone()).collect();
        if kept.is_empty() {
            let help = if kin {
                "add [[scenario]] tables of kind = \"instrument\" with {who} in `benefit`"
            } else {
                "add [[scenario]] tables of kind = \"welfare\" or \"instrument\""
            };
            problems.add(common.id.span(), format!("no scenario suits `{}`", common.id.get_ref()), help);
        }
        return kept;
    };
    for id in named.get_ref() {
        match suite.scenarios.iter().find(|scenario| &scenario.id == id.get_ref()) {
            None => {
                let help = match nearest(id.get_ref(), suite.scenarios.iter().map(|scenario| scenario.id.as_str())) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "name a scenario of this suite".to_owned(),
                };
                problems.add(id.span(), format!("there is no scenario `{}`", id.get_ref()), help);
            }
            Some(scenario) if !able(&scenario) => {
                let help = match (kin, open(scenario)) {
                    (true, false) => "write {who} in its `benefit`, where the one who gains is named",
                    (false, true) => "it leaves open who gains: this kind of instrument cannot fill in {who}",
                    _ => "instruments ask about scenarios of kind `welfare` or `instrument`",
                };
                problems.add(id.span(), format!("scenario `{}` does not suit this instrument", id.get_ref()), help);
            }
            Some(_) => {}
        }
    }
    if named.get_ref().is_empty() {
        problems.add(named.span(), "`scenarios` is empty", "name some, or remove the key to ask about all");
    }
    named.get_ref().iter().map(|id| id.get_ref().clone()).collect()
}
