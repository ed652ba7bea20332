//! Fresh variants: scenarios drawn by the run's seed beside the public ones, which a model may have been trained on.
//!
//! Every item on a public scenario has a partner: a drawn scenario of the same family at the same rung, its clauses in the
//! same order. What was drawn is kept with the run ([`Drawn`]), so a run that is continued or reported by a later version
//! has the same words.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Instrument;
use super::ask::Asker;
use super::deal::{Deal, Dealt};
use super::grammar::{DraftGrammar, Grammar, Variant, cost};
use super::read::Own;
use super::twins::{Ids, margin, twin_arm, twins};
use crate::problem::{Problems, nearest};
use crate::{Scenario, ScenarioKind, Suite};

/// Most drawn scenarios beside one public one.
const MOST: usize = 100;
/// Payoff questions an arm.
const RECALLS: usize = 24;
/// The two arms.
pub const PUBLIC: &str = "public";
/// The two arms.
pub const FRESH: &str = "fresh";

/// Data of a fresh instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fresh {
    /// Drawn scenarios beside each public one.
    pub variants: usize,
    /// A gap within ± this does not matter.
    pub margin: f64,
    /// Ids of the public neutral twins.
    pub twins: Vec<String>,
    /// One a family.
    pub grammars: Vec<Grammar>,
}

/// What one instrument drew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The instrument's id.
    pub instrument: String,
    /// Its scenarios.
    pub variants: Vec<Variant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    grammar: Spanned<Vec<DraftGrammar>>,
    variants: Option<Spanned<usize>>,
    margin: Option<Spanned<f64>>,
    twins: Option<Ids>,
}

impl Fresh {
    pub(crate) fn read(own: Own, suite: &Suite, problems: &mut Problems) -> Option<Fresh> {
        let draft: Draft = own.read(problems)?;
        if draft.grammar.get_ref().is_empty() {
            problems.add(draft.grammar.span(), "there is no grammar", "add an [[instrument.grammar]] for a family");
        }
        let mut families: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.family.as_str()).collect();
        families.dedup();
        for (place, grammar) in draft.grammar.get_ref().iter().enumerate() {
            let family = grammar.family.get_ref();
            if !families.contains(&family.as_str()) {
                let help = match nearest(family, families.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "name the family of public scenarios that it stands beside".to_owned(),
                };
                problems.add(grammar.family.span(), format!("no scenario is of family `{family}`"), help);
            }
            if draft.grammar.get_ref()[..place].iter().any(|other| other.family.get_ref() == family) {
                problems.add(
                    grammar.family.span(),
                    format!("family `{family}` has two grammars"),
                    "join them into one",
                );
            }
        }
        let variants = draft.variants.as_ref().map_or(1, |variants| *variants.get_ref());
        if let Some(given) = draft.variants.as_ref().filter(|_| !(1..=MOST).contains(&variants)) {
            let help = "so many are drawn beside each public scenario; the usual value is 1";
            problems.add(given.span(), format!("variants is {variants}; it must lie in [1, {MOST}]"), help);
        }
        let fresh = Fresh {
            variants: variants.clamp(1, MOST),
            margin: margin(draft.margin.as_ref(), problems),
            twins: Vec::new(),
            grammars: draft.grammar.get_ref().iter().map(|grammar| grammar.read(suite, problems)).collect(),
        };
        let mut twins = twins(draft.twins.as_ref(), suite, problems);
        twins.retain(|id| suite.scenarios.iter().any(|scenario| &scenario.id == id && fresh.covers(scenario)));
        let concerned =
            |scenario: &&Scenario| matches!(scenario.kind, ScenarioKind::Welfare | ScenarioKind::Instrument);
        if !suite.scenarios.iter().filter(concerned).any(|scenario| fresh.covers(scenario)) {
            let help = "add a grammar for a family of scenarios in which somebody else gains";
            problems.add(draft.grammar.span(), "no grammar stands beside a scenario of concern", help);
        }
        Some(Fresh { twins, ..fresh })
    }

    fn covers(&self, scenario: &Scenario) -> bool {
        self.grammars.iter().any(|grammar| grammar.family == scenario.family)
    }

    /// The drawn scenarios; they depend on the seed and on nothing else of a run.
    pub(crate) fn draw(&self, instrument: &Instrument, suite: &Suite, seed: u64) -> Drawn {
        let purpose = instrument.id.bytes().fold(33, |sum: u64, byte| sum.wrapping_mul(5381) ^ u64::from(byte));
        let draw = |grammar: &Grammar| {
            let asked = |id: &String| instrument.scenarios.contains(id) || self.twins.contains(id);
            let of_family = |one: &&Scenario| one.family == grammar.family && asked(&one.id);
            let public: Vec<&Scenario> = suite.scenarios.iter().filter(of_family).collect();
            grammar.draw(&public, self.variants, suite, (seed, purpose))
        };
        Drawn { instrument: instrument.id.clone(), variants: self.grammars.iter().flat_map(draw).collect() }
    }

    pub(crate) fn ask(&self, deal: &Deal, drawn: Option<&Drawn>, asker: &mut Asker) {
        let variants = drawn.map_or(&[][..], |drawn| &drawn.variants);
        let twins = deal.among(|scenario| self.twins.contains(&scenario.id));
        for (deal, twin) in [(deal, false), (&twins, true)] {
            let deal = deal.only(|scenario| self.covers(scenario));
            for (number, dealt) in deal.ladder().iter().enumerate() {
                let (beside, suite) = (|variant: &&Variant| variant.beside == dealt.scenario.id, asker.suite());
                let fresh = variants.iter().filter(beside).map(|variant| (FRESH, partner(variant, dealt, suite)));
                for (arm, dealt) in std::iter::once((PUBLIC, *dealt)).chain(fresh) {
                    let arm = if twin { twin_arm(arm) } else { arm.to_owned() };
                    let place = asker.place(arm.clone(), &arm);
                    asker.act(&place, &dealt, &suite.questions);
                    if (number < RECALLS || deal.full) && !twin {
                        asker.recall(&place, &dealt);
                    }
                }
            }
        }
    }
}

/// The same item on a drawn scenario.
fn partner<'a>(variant: &'a Variant, dealt: &Dealt<'a>, suite: &Suite) -> Dealt<'a> {
    let own = dealt.rung.and_then(|rung| {
        let benefit = *variant.benefits.get(rung).filter(|benefit| **benefit > 0)?;
        Some((benefit, cost(benefit, *suite.ladder.ratios.get(rung)?)))
    });
    Dealt { scenario: &variant.scenario, payoff: own.unwrap_or(dealt.payoff), ..*dealt }
}
