//! Neutral twins of an instrument's own: which scenarios they are, and the arms that ask them.
//!
//! A twin is the same trade with nobody else's welfare in it. Asked in the same way beside the scenarios, it says how much
//! of a gap is lost reading rather than lost concern.

use toml::Spanned;

use crate::problem::{Problems, nearest};
use crate::{ScenarioKind, Suite};

/// A list of scenarios' ids.
pub(crate) type Ids = Spanned<Vec<Spanned<String>>>;

/// What follows an arm's name where its twin is asked.
const TWIN: &str = "/twin";

/// The arm that asks the twins in the way of `arm`.
#[must_use]
pub fn twin_arm(arm: &str) -> String {
    format!("{arm}{TWIN}")
}

/// The twins that are named, or every neutral scenario of the suite; an empty list asks none.
pub(crate) fn twins(named: Option<&Ids>, suite: &Suite, problems: &mut Problems) -> Vec<String> {
    let neutral = || suite.scenarios.iter().filter(|scenario| scenario.kind == ScenarioKind::Neutral);
    let Some(named) = named else { return neutral().map(|scenario| scenario.id.clone()).collect() };
    for id in named.get_ref() {
        if !neutral().any(|scenario| &scenario.id == id.get_ref()) {
            let help = match nearest(id.get_ref(), neutral().map(|scenario| scenario.id.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "twins are scenarios of kind = \"neutral\"".to_owned(),
            };
            problems.add(id.span(), format!("there is no neutral scenario `{}`", id.get_ref()), help);
        }
    }
    named.get_ref().iter().map(|id| id.get_ref().clone()).collect()
}

/// A margin within which a gap in welfare weight does not matter.
pub(crate) fn margin(given: Option<&Spanned<f64>>, problems: &mut Problems) -> f64 {
    const USUAL: f64 = 0.15;
    let margin = given.map_or(USUAL, |margin| *margin.get_ref());
    if let Some(given) = given.filter(|_| !(margin > 0.0 && margin <= 1.0)) {
        let help = format!("it is a welfare weight; the usual value is {USUAL}");
        problems.add(given.span(), format!("margin is {margin}; it must lie in (0, 1]"), help);
    }
    margin
}
