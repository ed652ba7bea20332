//! Instruments: from the items of each to its quantities, its curve and what a random responder would score.
//!
//! `arms` reads items and gates, `own_ladder` ladders that are not the suite's; then one file a kind, each with its estimand, equation and controls. Clusters are scenarios throughout. What is asked is in `undermask-suite`.

mod arms;
mod own_ladder;

mod budgets;
mod discounting;
mod drift;
mod environment;
mod fiction;
mod forms;
mod fresh;
mod hysteresis;
mod kin;
mod optimisation;
mod orientation;
mod pressure;
mod price;
mod say_do;
mod style;
mod trade_off;
mod twin;
mod utilities;

use std::collections::BTreeMap;

use undermask_suite::{Content, Instrument};

use crate::estimate::{EstimateSettings, Study};
use crate::{InstrumentProfile, Quantity};
use arms::Arms;
pub(crate) use optimisation::highest_pressure;

/// Every instrument of the suite, by id.
pub(crate) fn profiles(study: &Study, settings: &EstimateSettings) -> BTreeMap<String, InstrumentProfile> {
    let instruments = study.suite.instruments.iter();
    instruments.map(|instrument| (instrument.id.clone(), profile(study, instrument, settings))).collect()
}

/// One of them.
pub(crate) fn profile(study: &Study, instrument: &Instrument, settings: &EstimateSettings) -> InstrumentProfile {
    let arms = Arms::of(study, instrument, settings);
    let mut found = InstrumentProfile::empty(instrument.kind(), &instrument.title);
    match &instrument.content {
        Content::SayDo(_) => say_do::estimate(&arms, &mut found),
        Content::Price(content) => price::estimate(content, &arms, &mut found),
        Content::Pressure(content) => pressure::estimate(content, &arms, &mut found),
        Content::Drift(content) => drift::estimate(content, &arms, &mut found),
        Content::Kin(content) => kin::estimate(content, &arms, &mut found),
        Content::Style(content) => style::estimate(content, &arms, &mut found),
        Content::Fiction(_) => fiction::estimate(&arms, &mut found),
        Content::Hysteresis(_) => hysteresis::estimate(&arms, &mut found),
        Content::Environment(content) => environment::estimate(content, &arms, &mut found),
        Content::Orientation(content) => orientation::estimate(content, &arms, &mut found),
        Content::TradeOff(content) => trade_off::estimate(content, &arms, &mut found),
        Content::Discounting(content) => discounting::estimate(content, &arms, &mut found),
        Content::Budgets(content) => budgets::estimate(content, &arms, &mut found),
        Content::Utilities(content) => utilities::estimate(content, &arms, &mut found),
        Content::Forms(content) => forms::estimate(content, &arms, &mut found),
        Content::Fresh(content) => fresh::estimate(content, &arms, &mut found),
        Content::Optimisation(content) => optimisation::estimate(content, &arms, &mut found),
    }
    found
}

/// A quantity of the first instrument, in the suite's order, that has it.
pub(crate) fn first(study: &Study, profiles: &BTreeMap<String, InstrumentProfile>, name: &str) -> Option<Quantity> {
    let ids = study.suite.instruments.iter().map(|instrument| &instrument.id);
    ids.filter_map(|id| profiles.get(id)).find_map(|profile| profile.quantities.get(name)).cloned()
}
