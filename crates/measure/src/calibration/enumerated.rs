//! The enumerated responder: one organism's answers over the full grid, from which any number of audits is dealt
//! without asking the model again.
//!
//! A replicate is a real plan of the suite, with another seed and with scenarios drawn anew, whose every question is
//! answered from the table: by the cell (context, scenario, rung, order) that it falls into. Within a cell the table holds one
//! payoff, so a replicate's population is exactly the grid over which realised truth is enumerated. Gates have no cell;
//! they are drawn with replacement from all that were asked in their context.
//!
//! Scenarios are the clusters of every interval, and an interval speaks about the scenarios that could have been
//! written. So a replicate draws its scenarios with replacement: the table's scenarios are the population.

use std::collections::BTreeMap;

use undermask_store::Record;
use undermask_suite::{ItemKind, Order, Plan, PlanSettings, Scenario, ScenarioKind, Suite, Trial, TrialId};

use crate::random::Draws;

/// What identifies a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    kind: ItemKind,
    context: String,
    scenario: String,
    replicate: u32,
    rung: Option<usize>,
    /// Off the ladder only.
    payoff: Option<(i64, i64)>,
    order: Option<Order>,
    /// The place at which a menu's first position stands.
    beginning: Option<usize>,
    /// The acts before, in an environment.
    path: Vec<String>,
}

/// How one replicate is dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    /// Seed of the scenarios drawn, of the plans and of the gates.
    pub seed: u64,
    /// Welfare scenarios; `None`: as many as the suite has. Other kinds shrink in proportion.
    pub scenarios: Option<usize>,
    /// Plans laid over each other: twice as many ask about twice the cells.
    pub plans: usize,
    /// Whether scenarios are drawn with replacement (the population that intervals speak about) or are the suite's own.
    pub redrawn: bool,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A trial of the full grid has no answer.
    #[error("{missing} of {all} trials of the full grid are not answered; run it to its end first")]
    Incomplete {
        /// Trials without an answer.
        missing: usize,
        /// Trials in all.
        all: usize,
    },
    /// A replicate asks what no part of the grid holds.
    #[error("the full grid holds no {kind:?} trial in context `{context}`; it was enumerated for another suite")]
    Foreign {
        /// Kind of the trial.
        kind: ItemKind,
        /// Its context.
        context: String,
    },
}

/// All answers of one organism over the full grid of one suite.
pub struct Enumerated<'a> {
    suite: &'a Suite,
    cells: BTreeMap<Cell, Record>,
    /// Places in `cells` by kind, context and scenario, for what falls into no cell.
    of_scenario: BTreeMap<(ItemKind, String, String), Vec<Cell>>,
    /// Gate questions by kind and context: one record each, or both orders of an item.
    gates: BTreeMap<(ItemKind, String), Vec<Vec<Record>>>,
}

/// Questions that belong to a context rather than to a cell.
fn is_gate(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Recall | ItemKind::Dominance | ItemKind::ContextCheck)
}

impl<'a> Enumerated<'a> {
    /// The plan whose answers make a table.
    pub fn plan(suite: &Suite) -> Plan {
        Plan::expand(suite, &PlanSettings { seed: 0, full: true })
    }

    /// A table from the answers to [`Enumerated::plan`].
    ///
    /// # Errors
    /// [`TableError::Incomplete`] where a trial has no answer.
    pub fn new(suite: &'a Suite, plan: &Plan, records: impl IntoIterator<Item = Record>) -> Result<Self, TableError> {
        let mut answers: BTreeMap<String, Record> =
            records.into_iter().map(|record| (record.trial.0.clone(), record)).collect();
        let mut table =
            Enumerated { suite, cells: BTreeMap::new(), of_scenario: BTreeMap::new(), gates: BTreeMap::new() };
        let mut gates: BTreeMap<(ItemKind, String, String), Vec<Record>> = BTreeMap::new();
        let mut missing = 0;
        for trial in &plan.trials {
            let Some(record) = answers.remove(&trial.id.0) else {
                missing += 1;
                continue;
            };
            if is_gate(trial.kind) {
                let item = if trial.order.is_some() { trial.item.clone() } else { trial.id.0.clone() };
                gates.entry((trial.kind, trial.context.clone(), item)).or_default().push(record);
            } else {
                let key = (trial.kind, trial.context.clone(), trial.scenario.clone());
                let cells = table.of_scenario.entry(key).or_default();
                if trial.order != Some(Order::TargetSecond) {
                    cells.push(cell(trial, &trial.scenario));
                }
                table.cells.insert(cell(trial, &trial.scenario), record);
            }
        }
        if missing > 0 {
            return Err(TableError::Incomplete { missing, all: plan.trials.len() });
        }
        for ((kind, context, _), item) in gates {
            table.gates.entry((kind, context)).or_default().push(item);
        }
        Ok(table)
    }

    /// Every answer of the table.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.cells.values().chain(self.gates.values().flatten().flatten())
    }

    /// The records of one replicate.
    ///
    /// # Errors
    /// [`TableError::Foreign`] when the suite asks what the table does not hold.
    pub fn deal(&self, deal: &Deal) -> Result<Vec<Record>, TableError> {
        let (suite, origin) = self.drawn(deal);
        let mut draws = Draws::new(deal.seed, 31);
        let mut dealt: BTreeMap<String, Record> = BTreeMap::new();
        let mut counts: BTreeMap<(ItemKind, String), usize> = BTreeMap::new();
        for number in 0..deal.plans.max(1) as u64 {
            let seed = deal.seed.wrapping_mul(1009).wrapping_add(number);
            let plan = Plan::expand(&suite, &PlanSettings { seed, full: false });
            // The second order of an item goes where the first one went.
            let mut chosen: BTreeMap<String, Cell> = BTreeMap::new();
            for trial in &plan.trials {
                if is_gate(trial.kind) {
                    if number == 0 && trial.order != Some(Order::TargetSecond) {
                        *counts.entry((trial.kind, trial.context.clone())).or_default() += 1;
                    }
                    continue;
                }
                let scenario = origin.get(&trial.scenario).unwrap_or(&trial.scenario);
                let mut cell = cell(trial, scenario);
                if !self.cells.contains_key(&cell) {
                    let place = match chosen.get(&trial.item) {
                        Some(place) => place.clone(),
                        None => self.nearby(trial, scenario, &mut draws)?,
                    };
                    chosen.insert(trial.item.clone(), place.clone());
                    cell = place;
                    cell.order = trial.order;
                }
                let Some(record) = self.cells.get(&cell) else { return Err(foreign(trial)) };
                let record = renamed(record, &trial.scenario);
                dealt.insert(record.trial.0.clone(), record);
            }
        }
        for ((kind, context), count) in counts {
            let pool = self.gates.get(&(kind, context.clone()));
            let Some(pool) = pool else { return Err(TableError::Foreign { kind, context }) };
            for place in 0..count {
                for record in &pool[draws.below(pool.len())] {
                    let mut record = record.clone();
                    record.item = format!("{kind:?}/{context}/{place}");
                    record.trial = TrialId(format!("{}/{:?}", record.item, record.order));
                    dealt.insert(record.trial.0.clone(), record);
                }
            }
        }
        Ok(dealt.into_values().collect())
    }

    /// A cell of the same context and scenario, at random.
    fn nearby(&self, trial: &Trial, scenario: &str, draws: &mut Draws) -> Result<Cell, TableError> {
        let key = (trial.kind, trial.context.clone(), scenario.to_owned());
        let pool = self.of_scenario.get(&key).filter(|pool| !pool.is_empty()).ok_or_else(|| foreign(trial))?;
        Ok(pool[draws.below(pool.len())].clone())
    }

    /// The suite with its scenarios drawn, and the scenario that each stands for.
    fn drawn(&self, deal: &Deal) -> (Suite, BTreeMap<String, String>) {
        let mut draws = Draws::new(deal.seed, 30);
        let mut suite = self.suite.clone();
        let of = |kind: ScenarioKind| self.suite.scenarios.iter().filter(move |scenario| scenario.kind == kind);
        let welfare = of(ScenarioKind::Welfare).count();
        let wanted = deal.scenarios.unwrap_or(welfare).clamp(1, welfare.max(1));
        let share = |count: usize| (count * wanted).div_ceil(welfare.max(1));
        let mut origin = BTreeMap::new();
        let mut scenarios = Vec::with_capacity(suite.scenarios.len());
        for kind in [ScenarioKind::Welfare, ScenarioKind::Neutral, ScenarioKind::Reversal, ScenarioKind::Instrument] {
            let mut all: Vec<&Scenario> = of(kind).collect();
            let count = share(all.len());
            let chosen: Vec<&Scenario> = if deal.redrawn {
                (0..count).map(|_| all[draws.below(all.len())]).collect()
            } else {
                draws.shuffle(&mut all);
                all.into_iter().take(count).collect()
            };
            for (place, scenario) in chosen.into_iter().enumerate() {
                // Numbers first, so that ids stay unique and sort as they were drawn.
                let id = format!("{place:03}~{}", scenario.id);
                origin.insert(id.clone(), scenario.id.clone());
                scenarios.push(Scenario { id, ..scenario.clone() });
            }
        }
        scenarios.extend(of(ScenarioKind::Dominance).cloned());
        for instrument in &mut suite.instruments {
            let asked =
                |scenario: &&Scenario| origin.get(&scenario.id).is_some_and(|id| instrument.scenarios.contains(id));
            let drawn: Vec<String> = scenarios.iter().filter(asked).map(|scenario| scenario.id.clone()).collect();
            // None of its own was drawn: it keeps one, rather than ask nothing.
            instrument.scenarios = if drawn.is_empty() {
                let kept = instrument.scenarios.first().cloned();
                let own = self.suite.scenarios.iter().find(|scenario| Some(&scenario.id) == kept.as_ref());
                scenarios.extend(own.map(|own| Scenario { kind: ScenarioKind::Instrument, ..own.clone() }));
                kept.into_iter().collect()
            } else {
                drawn
            };
            instrument.items = share(instrument.items).max(1);
        }
        suite.scenarios = scenarios;
        suite.design.neutral_per_context = share(suite.design.neutral_per_context);
        (suite, origin)
    }
}

fn cell(trial: &Trial, scenario: &str) -> Cell {
    Cell {
        kind: trial.kind,
        context: trial.context.clone(),
        scenario: scenario.to_owned(),
        replicate: trial.replicate,
        rung: trial.rung,
        payoff: trial.rung.is_none().then_some((trial.benefit, trial.cost)),
        order: trial.order,
        beginning: (trial.kind == ItemKind::Choice).then_some(trial.target),
        path: trial.probe.as_ref().map_or_else(Vec::new, |probe| probe.path.clone()),
    }
}

fn foreign(trial: &Trial) -> TableError {
    TableError::Foreign { kind: trial.kind, context: trial.context.clone() }
}

/// The record as one of the drawn scenario: what is asked twice within it is one item.
fn renamed(record: &Record, scenario: &str) -> Record {
    let item = format!("{}/{scenario}", record.item);
    let trial = TrialId(format!("{}/{scenario}", record.trial.0));
    Record { trial, item, scenario: scenario.to_owned(), ..record.clone() }
}
