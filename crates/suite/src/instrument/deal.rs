//! Which scenario is asked at which rung or dose: a balanced, seeded deal, or all of the cross.
//!
//! The arms of one instrument are dealt the same items where they are compared pair by pair; doses move on through the
//! scenarios, so that each scenario meets several doses.

use super::Instrument;
use crate::plan::shuffled;
use crate::{PlanSettings, Scenario, Suite};

/// One item before it is put into words.
#[derive(Clone, Copy)]
pub(crate) struct Dealt<'a> {
    pub scenario: &'a Scenario,
    pub rung: Option<usize>,
    pub payoff: (i64, i64),
    /// Decides the clauses' order and the paraphrase.
    pub turn: usize,
    /// Place within its arm, for whatever else rotates.
    pub place: usize,
}

/// What the deal of one instrument rests on.
pub(crate) struct Deal<'a> {
    suite: &'a Suite,
    /// Seed and purpose of the order of scenarios.
    order: (u64, u64),
    scenarios: Vec<&'a Scenario>,
    rungs: &'a [Vec<(i64, i64)>],
    items: usize,
    pub full: bool,
}

impl<'a> Deal<'a> {
    pub fn of(suite: &'a Suite, instrument: &'a Instrument, settings: &PlanSettings) -> Deal<'a> {
        let own = |scenario: &&Scenario| instrument.scenarios.contains(&scenario.id);
        let asked = suite.scenarios.iter().filter(own).collect();
        // The purpose is the instrument's own id, so that adding another moves nothing.
        let purpose = instrument.id.bytes().fold(5381u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte));
        Deal {
            suite,
            order: (settings.seed, purpose),
            scenarios: shuffled(asked, settings.seed, purpose),
            rungs: &suite.ladder.payoffs,
            items: instrument.items,
            full: settings.full,
        }
    }

    /// The deal of other scenarios of the suite in place of the instrument's own.
    pub fn among(&self, fits: impl Fn(&Scenario) -> bool) -> Deal<'a> {
        let asked = self.suite.scenarios.iter().filter(|scenario| fits(scenario)).collect();
        let (seed, purpose) = self.order;
        Deal { scenarios: shuffled(asked, seed, purpose.wrapping_add(1)), ..*self }
    }

    /// The deal of some of its scenarios.
    pub fn only(&self, fits: impl Fn(&Scenario) -> bool) -> Deal<'a> {
        let scenarios = self.scenarios.iter().copied().filter(|scenario| fits(scenario)).collect();
        Deal { scenarios, ..*self }
    }

    /// Items on the suite's ladder: every rung is met equally often, and the rungs of a scenario that is asked several times
    /// lie far apart, so that all scenarios carry alike of what varies near the switch. In the full cross, every scenario
    /// at every rung.
    pub fn ladder(&self) -> Vec<Dealt<'a>> {
        let (count, rungs) = (self.scenarios.len(), self.rungs.len());
        if count == 0 {
            return Vec::new();
        }
        let all = if self.full { count * rungs } else { self.items.max(rungs) };
        (0..all)
            .map(|place| {
                let rung = if self.full { place / count } else { spread(place, all, count, rungs) };
                let payoffs = &self.rungs[rung];
                let step = if self.full { place % count } else { place / rungs };
                Dealt {
                    scenario: self.scenarios[place % count],
                    rung: Some(rung),
                    payoff: payoffs[step % payoffs.len()],
                    turn: place + place / rungs,
                    place,
                }
            })
            .collect()
    }

    /// Items at dose number `dose`, off the ladder. In the full cross, every scenario with every payoff.
    pub fn at(&self, dose: usize, payoffs: &[(i64, i64)]) -> Vec<Dealt<'a>> {
        let count = self.scenarios.len();
        if self.full {
            return (0..count * payoffs.len())
                .map(|place| Dealt {
                    scenario: self.scenarios[place % count],
                    rung: None,
                    payoff: payoffs[place / count],
                    turn: place + place / count,
                    place,
                })
                .collect();
        }
        (0..self.items)
            .map(|place| Dealt {
                scenario: self.scenarios[(place + dose * self.items) % count],
                rung: None,
                payoff: payoffs[(place + dose + place / count) % payoffs.len()],
                turn: place / payoffs.len() + place + dose,
                place,
            })
            .collect()
    }

    /// Scenarios that are followed over all doses, each with its own payoff and clauses wherever it is met; `shift` moves
    /// on to others. In the full cross all of them.
    pub fn followed(&self, shift: usize, payoffs: &[(i64, i64)]) -> Vec<Dealt<'a>> {
        let count = self.scenarios.len();
        let followed = if self.full { count } else { self.items.min(count) };
        (0..followed)
            .map(|place| {
                let position = (place + shift * self.items) % count;
                Dealt {
                    scenario: self.scenarios[position],
                    rung: None,
                    payoff: payoffs[position % payoffs.len()],
                    turn: position / payoffs.len() + position,
                    place: position,
                }
            })
            .collect()
    }
}

/// The rung at `place` of `all`, scenarios and rungs both going round. After a lap both are where they began; the next one
/// moves on by as much of a scenario's unmet rungs as is left for each lap, so that no cell is asked twice before all were.
fn spread(place: usize, all: usize, count: usize, rungs: usize) -> usize {
    let unmet = common_divisor(count, rungs);
    let lap = count / unmet * rungs;
    (place + place / lap * unmet / all.div_ceil(lap)) % rungs
}

fn common_divisor(one: usize, two: usize) -> usize {
    if two == 0 { one.max(1) } else { common_divisor(two, one % two) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::spread;

    #[test]
    fn a_deal_meets_every_rung_equally_often_whatever_the_number_of_scenarios() {
        for (count, rungs) in [(5usize, 12usize), (8, 12), (24, 12), (48, 12), (7, 5), (1, 12), (9, 12), (12, 12)] {
            for laps in [1, 2, 3, 4, 7] {
                let lap = (1..).map(|times| times * rungs).find(|places| places % count == 0).expect("one");
                let cells: Vec<(usize, usize)> =
                    (0..lap * laps).map(|place| (place % count, spread(place, lap * laps, count, rungs))).collect();
                let mut met = vec![0; rungs];
                cells.iter().for_each(|(_, rung)| met[*rung] += 1);
                assert!(met.iter().all(|times| *times == met[0]), "{count} scenarios: {met:?}");
                let distinct: BTreeSet<_> = cells.iter().collect();
                let possible = (count * rungs).min(cells.len());
                assert_eq!(
                    distinct.len(),
                    possible,
                    "{count} scenarios, {laps} laps: a cell repeats before all were met"
                );
            }
        }
    }

    #[test]
    fn the_rungs_of_one_scenario_lie_far_apart() {
        // Twelve scenarios, each asked at four of twelve rungs: every third, round the ladder.
        let mut rungs: Vec<usize> =
            (0..48).filter(|place| place % 12 == 5).map(|place| spread(place, 48, 12, 12)).collect();
        rungs.sort_unstable();
        assert_eq!(rungs, [2, 5, 8, 11]);
    }
}
