//! Grammars of scenarios: slots and sentences as data, from which the run's seed draws scenarios that nobody has seen.
//!
//! A slot's texts may hold other slots; within one scenario a slot has one text wherever it stands. The drawn scenario is
//! like any other: `{target}`, `{other}`, `{benefit}` and `{cost}` are left open. It is named after its own words, so
//! that two draws of the same words are one cluster and other words never share one.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::lines::{Lines, lines};
use super::template;
use crate::problem::Problems;
use crate::{Ladder, Scenario, Suite};

/// How deep slots may stand in slots.
const DEEPEST: usize = 8;
/// Draws until one is new.
const TRIES: usize = 200;
/// Longest text of a drawn sentence, in bytes: slots in slots multiply.
const LONGEST_DRAWN: f64 = 8000.0;
/// Fewest scenarios that a grammar must be able to make: a small one is soon known by heart.
pub(crate) const FEWEST: f64 = 1000.0;
/// What stays open in a scenario.
const OPEN: [&str; 4] = ["target", "other", "benefit", "cost"];

/// Slots, acts and sentences of scenarios of one family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grammar {
    /// Family of the public scenarios that it stands beside.
    pub family: String,
    /// Pairs of acts: the one that helps, the other.
    pub acts: Vec<(String, String)>,
    /// Settings.
    pub setting: Vec<String>,
    /// What the target act brings.
    pub benefit: Vec<String>,
    /// Pairs: what the target act costs, what the other act costs.
    pub cost: Vec<(String, String)>,
    /// Payoff questions.
    pub recall: Vec<String>,
    /// Texts of each slot.
    pub slots: BTreeMap<String, Vec<String>>,
    /// Smallest and largest benefit that is drawn; `None`: the ladder's payoffs.
    pub amounts: Option<(i64, i64)>,
}

/// One drawn scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The public scenario that it stands beside.
    pub beside: String,
    /// Its words.
    pub scenario: Scenario,
    /// Benefit at each rung of the ladder; empty: the public item's payoff.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benefits: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftGrammar {
    pub family: Spanned<String>,
    acts: Spanned<Vec<Spanned<(String, String)>>>,
    setting: Lines,
    benefit: Lines,
    cost: Spanned<Vec<(Spanned<String>, Spanned<String>)>>,
    recall: Lines,
    #[serde(default)]
    slots: BTreeMap<String, Lines>,
    amounts: Option<Spanned<(i64, i64)>>,
}

impl DraftGrammar {
    pub(crate) fn read(&self, suite: &Suite, problems: &mut Problems) -> Grammar {
        let names: Vec<&str> = self.slots.keys().map(String::as_str).collect();
        let with = |open: &[&'static str]| -> Vec<&str> { names.iter().copied().chain(open.iter().copied()).collect() };
        for (name, slot) in &self.slots {
            if OPEN.contains(&name.as_str()) || template::names(&format!("{{{name}}}")).next().is_none() {
                let help = "use lower-case letters and underscores, and none of target, other, benefit, cost";
                problems.add(slot.span(), format!("a slot cannot be named `{name}`"), help);
            }
            slot.get_ref().iter().for_each(|line| template::check(line, &[], &names, problems));
        }
        let (acts, all) = (with(&["target", "other"]), with(&OPEN));
        self.setting.get_ref().iter().for_each(|line| template::check(line, &[], &acts, problems));
        self.recall.get_ref().iter().for_each(|line| template::check(line, &[], &acts, problems));
        self.benefit.get_ref().iter().for_each(|line| template::check(line, &["benefit"], &all, problems));
        let negative = suite.ladder.payoffs.iter().flatten().any(|(_, cost)| *cost < 0);
        for (cost, saving) in self.cost.get_ref() {
            template::check(cost, &["cost"], &all, problems);
            if negative || !saving.get_ref().is_empty() {
                template::check(saving, &["cost"], &all, problems);
            }
        }
        for pair in self.acts.get_ref() {
            let (target, other) = pair.get_ref();
            if target.trim().is_empty() || other.trim().is_empty() || target == other {
                problems.add(pair.span(), "an act is empty, or both are the same", "give each act its own word");
            }
        }
        for (span, empty, what) in [
            (self.acts.span(), self.acts.get_ref().is_empty(), "acts"),
            (self.cost.span(), self.cost.get_ref().is_empty(), "cost"),
        ] {
            if empty {
                problems.add(span, format!("`{what}` is empty"), "add a pair of texts");
            }
        }
        let mut list = |given: &Lines, what: &str| lines(given, what, 1, problems);
        let grammar = Grammar {
            family: self.family.get_ref().clone(),
            acts: self.acts.get_ref().iter().map(|pair| pair.get_ref().clone()).collect(),
            setting: list(&self.setting, "setting"),
            benefit: list(&self.benefit, "benefit"),
            cost: self.cost.get_ref().iter().map(|(one, two)| (one.get_ref().clone(), two.get_ref().clone())).collect(),
            recall: list(&self.recall, "recall"),
            slots: self.slots.iter().map(|(name, slot)| (name.clone(), list(slot, name))).collect(),
            amounts: self.amounts.as_ref().map(|amounts| *amounts.get_ref()),
        };
        self.check_whole(&grammar, &suite.ladder, problems);
        grammar
    }

    /// What only the whole grammar shows: slots in a circle, too few scenarios, amounts that no rung can have.
    fn check_whole(&self, grammar: &Grammar, ladder: &Ladder, problems: &mut Problems) {
        let slots = grammar.extents();
        if let Some((name, _)) = slots.iter().find(|(_, slot)| slot.depth > DEEPEST) {
            let help = "a slot may hold other slots, but not itself by way of them";
            problems.add(self.family.span(), format!("slot {{{name}}} stands in itself, or too deep"), help);
            return;
        }
        let pairs = grammar.cost.iter().flat_map(|(cost, saving)| [cost, saving]);
        let sentences = grammar.setting.iter().chain(&grammar.benefit).chain(&grammar.recall).chain(pairs);
        if sentences.map(|text| Extent::of(text, &slots).bytes).any(|bytes| bytes > LONGEST_DRAWN) {
            let message = format!("a sentence can become longer than {LONGEST_DRAWN} bytes");
            problems.add(self.family.span(), message, "use fewer or shorter slots");
        }
        let settings = grammar.setting.iter().map(|text| Extent::of(text, &slots).ways).sum::<f64>();
        let size = grammar.acts.len() as f64 * settings;
        if size < FEWEST {
            problems.add(
                self.family.span(),
                format!("the grammar makes {size:.0} different settings with their acts; {FEWEST} are needed"),
                "add words to its slots, settings or acts: what is few can be known by heart",
            );
        }
        let Some(amounts) = &self.amounts else { return };
        let (low, high) = *amounts.get_ref();
        if low < 1 || high < low || high > 1_000_000 {
            let message = format!("amounts [{low}, {high}] are out of range");
            problems.add(amounts.span(), message, "write [smallest, largest] benefit, from 1 to a million");
        } else if let Some(ratio) =
            ladder.ratios.iter().find(|ratio| !(low..=high).any(|benefit| fits(benefit, **ratio, ladder)))
        {
            problems.add(
                amounts.span(),
                format!("no benefit in [{low}, {high}] has a whole cost near the ratio {ratio}"),
                "give larger amounts",
            );
        }
    }
}

/// The whole cost of a rung at this benefit.
pub(crate) fn cost(benefit: i64, ratio: f64) -> i64 {
    (benefit as f64 * ratio).round() as i64
}

/// Whether that cost lies within a quarter of the spacing of the rung, as the ladder's own must.
fn fits(benefit: i64, ratio: f64, ladder: &Ladder) -> bool {
    (cost(benefit, ratio) as f64 / benefit as f64 - ratio).abs() <= ladder.spacing() / 4.0
}

/// A random source of small whole numbers.
struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.0.next_u64()) * count as u128) >> 64) as usize
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// What a text with slots can become.
struct Extent {
    /// How deep slots stand in slots.
    depth: usize,
    /// How many texts.
    ways: f64,
    /// Bytes of the longest.
    bytes: f64,
}

impl Extent {
    fn of(text: &str, slots: &BTreeMap<&str, Extent>) -> Extent {
        let mut names: Vec<&str> = template::names(text).collect();
        let longer = names.iter().filter_map(|name| slots.get(name)).map(|slot| slot.bytes).sum::<f64>();
        names.sort_unstable();
        names.dedup();
        let inner = || names.iter().filter_map(|name| slots.get(name));
        Extent {
            depth: inner().map(|slot| slot.depth).max().unwrap_or(0),
            ways: inner().map(|slot| slot.ways).product(),
            bytes: text.len() as f64 + longer,
        }
    }
}

impl Grammar {
    /// What every slot can become. In as many rounds as slots may be deep, so that a hostile grammar costs no more.
    fn extents(&self) -> BTreeMap<&str, Extent> {
        let mut found = BTreeMap::new();
        for _ in 0..=DEEPEST + 1 {
            let slot = |texts: &Vec<String>| {
                let each = texts.iter().map(|text| Extent::of(text, &found));
                each.fold(Extent { depth: 0, ways: 0.0, bytes: 0.0 }, |sum, one| Extent {
                    depth: sum.depth.max(one.depth + 1),
                    ways: sum.ways + one.ways,
                    bytes: sum.bytes.max(one.bytes),
                })
            };
            found = self.slots.iter().map(|(name, texts)| (name.as_str(), slot(texts))).collect();
        }
        found
    }

    /// A scenario beside each public one, `public` being those of its family, `times` times over: a setting that no
    /// scenario of the suite has, and none twice while there are others.
    pub(crate) fn draw(
        &self,
        public: &[&Scenario],
        times: usize,
        suite: &Suite,
        (seed, purpose): (u64, u64),
    ) -> Vec<Variant> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(
            purpose ^ self.family.bytes().fold(5381, |sum: u64, byte| sum.wrapping_mul(33) ^ u64::from(byte)),
        );
        let mut dice = Dice(random);
        let mut drawn: Vec<Variant> = Vec::new();
        for beside in (0..times).flat_map(|_| public) {
            let known = |one: &Scenario, drawn: &[Variant]| {
                let same = |other: &Scenario| other.setting == one.setting && other.target == one.target;
                suite.scenarios.iter().any(|other| other.setting == one.setting)
                    || drawn.iter().any(|other| same(&other.scenario))
            };
            let mut scenario = self.one(beside, &mut dice);
            for _ in 0..TRIES {
                if !known(&scenario, &drawn) {
                    break;
                }
                scenario = self.one(beside, &mut dice);
            }
            let benefits = self.amounts.map_or_else(Vec::new, |amounts| {
                let ladder = &suite.ladder;
                ladder.ratios.iter().map(|ratio| amount(amounts, *ratio, ladder, &mut dice)).collect()
            });
            drawn.push(Variant { beside: beside.id.clone(), scenario, benefits });
        }
        drawn
    }

    fn one(&self, beside: &Scenario, dice: &mut Dice) -> Scenario {
        let (target, other) = dice.of(&self.acts).clone();
        let (cost, saving) = dice.of(&self.cost).clone();
        let sentences =
            [dice.of(&self.setting), dice.of(&self.benefit), &cost, &saving, dice.of(&self.recall)].map(String::clone);
        let chosen = RefCell::new(BTreeMap::new());
        let dice = RefCell::new(dice);
        let [setting, benefit, cost, saving, recall] = sentences.map(|text| self.expand(&text, &chosen, &dice));
        let words = [&target, &other, &setting, &benefit, &cost, &saving, &recall].map(String::as_str).join("\n");
        let hash = blake3::hash(words.as_bytes()).to_hex();
        Scenario {
            id: format!("fresh-{}-{}", self.family, &hash[..10]),
            kind: beside.kind,
            family: self.family.clone(),
            target,
            other,
            setting,
            benefit,
            cost,
            saving,
            recall,
        }
    }

    /// Fills slots, and the slots in them; what stays open is left.
    fn expand(&self, text: &str, chosen: &RefCell<BTreeMap<String, String>>, dice: &RefCell<&mut Dice>) -> String {
        template::fill(text, &|name| {
            if let Some(found) = chosen.borrow().get(name) {
                return Some(found.clone());
            }
            let texts = self.slots.get(name)?;
            let text = dice.borrow_mut().of(texts).clone();
            let found = self.expand(&text, chosen, dice);
            chosen.borrow_mut().insert(name.to_owned(), found.clone());
            Some(found)
        })
    }
}

/// A benefit at which the rung has a whole cost.
fn amount((low, high): (i64, i64), ratio: f64, ladder: &Ladder, dice: &mut Dice) -> i64 {
    let fitting: Vec<i64> = (low..=high.min(low + 10_000)).filter(|benefit| fits(*benefit, ratio, ladder)).collect();
    // That there is one was checked, but for amounts that begin far below where a cost is whole.
    if fitting.is_empty() { high } else { *dice.of(&fitting) }
}
