//! Are choices between own and other's payoff those of one preference, within a context and across contexts?
//!
//! Budgets in the manner of Andreoni & Miller (2002): `tokens` to divide, each worth `hold` if kept and `pass` if given.
//! With E_ij what bundle j costs at budget i's prices, i is revealed preferred to j at efficiency e when e·E_ii ≥ E_ij.
//! GARP(e): no i whose closure reaches j while e·E_jj > E_ji (Varian 1982; closure by Warshall 1962). The critical cost
//! efficiency index CCEI is the largest e at which GARP holds (Afriat 1973): its candidates are the ratios E_ij/E_ii < 1.
//! Coherence is not concern: a mask may be coherent in every context and not across them, which [`persona_gap`] tests.

use crate::random::Draws;
use crate::refusal::{self, Refusal};

/// Ratios closer than this are equal.
const CLOSE: f64 = 1e-12;

/// One budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Tokens to divide.
    pub tokens: f64,
    /// Worth of a token kept.
    pub hold: f64,
    /// Worth of a token given.
    pub pass: f64,
}

/// The eleven budgets; the first eight are the original set.
pub const BUDGETS: [Budget; 11] = [
    Budget { tokens: 40.0, hold: 3.0, pass: 1.0 },
    Budget { tokens: 40.0, hold: 1.0, pass: 3.0 },
    Budget { tokens: 60.0, hold: 2.0, pass: 1.0 },
    Budget { tokens: 60.0, hold: 1.0, pass: 2.0 },
    Budget { tokens: 75.0, hold: 2.0, pass: 1.0 },
    Budget { tokens: 75.0, hold: 1.0, pass: 2.0 },
    Budget { tokens: 60.0, hold: 1.0, pass: 1.0 },
    Budget { tokens: 100.0, hold: 1.0, pass: 1.0 },
    Budget { tokens: 80.0, hold: 1.0, pass: 1.0 },
    Budget { tokens: 40.0, hold: 4.0, pass: 1.0 },
    Budget { tokens: 40.0, hold: 1.0, pass: 4.0 },
];

/// A division of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Division {
    /// The budget.
    pub budget: Budget,
    /// Tokens given, from 0 to all.
    pub given: f64,
}

impl Division {
    fn own(&self) -> f64 {
        (self.budget.tokens - self.given) * self.budget.hold
    }

    fn other(&self) -> f64 {
        self.given * self.budget.pass
    }

    /// E_ij/E_ii: what the bundle costs at this budget, as a share of the tokens.
    fn ratio(&self, bundle: &Division) -> f64 {
        (bundle.own() / self.budget.hold + bundle.other() / self.budget.pass) / self.budget.tokens
    }
}

/// A relation over divisions as rows of bits.
struct Relation {
    rows: Vec<Vec<u64>>,
}

impl Relation {
    fn new(size: usize, holds: impl Fn(usize, usize) -> bool) -> Relation {
        let row = |from: usize| {
            let mut bits = vec![0u64; size.div_ceil(64)];
            (0..size).filter(|to| holds(from, *to)).for_each(|to| bits[to / 64] |= 1 << (to % 64));
            bits
        };
        Relation { rows: (0..size).map(row).collect() }
    }

    fn holds(&self, from: usize, to: usize) -> bool {
        self.rows[from][to / 64] >> (to % 64) & 1 == 1
    }

    /// Transitive closure (Warshall).
    fn close(mut self) -> Relation {
        for via in 0..self.rows.len() {
            let reached = self.rows[via].clone();
            for from in 0..self.rows.len() {
                if self.holds(from, via) {
                    self.rows[from].iter_mut().zip(&reached).for_each(|(bits, more)| *bits |= more);
                }
            }
        }
        self
    }
}

/// How consistent divisions are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consistency {
    /// Whether GARP holds exactly.
    pub garp: bool,
    /// CCEI.
    pub efficiency: f64,
}

/// Tests GARP and finds the CCEI.
///
/// # Errors
/// Fewer than two divisions, a budget or a gift outside its bounds.
///
/// ```
/// use undermask_measure::revealed_preference::{BUDGETS, Division, consistency};
/// // Gives half of each budget's tokens: a Cobb–Douglas preference.
/// let fair: Vec<Division> = BUDGETS.iter().map(|budget| Division { budget: *budget, given: budget.tokens / 2.0 }).collect();
/// assert_eq!(consistency(&fair)?.efficiency, 1.0);
/// // Gives only where giving is dear: 40 tokens buy (0, 40) at 3/1 and (40, 0) at 1/3; each affords the other's bundle.
/// let odd = [Division { budget: BUDGETS[0], given: 40.0 }, Division { budget: BUDGETS[1], given: 0.0 }];
/// assert!((consistency(&odd)?.efficiency - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn consistency(divisions: &[Division]) -> Result<Consistency, Refusal> {
    refusal::at_least("divisions", divisions.len(), 2)?;
    for (place, division) in divisions.iter().enumerate() {
        let Budget { tokens, hold, pass } = division.budget;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if let Some(found) = [tokens, hold, pass].into_iter().find(|value| !positive(*value)) {
            return Err(Refusal::Invalid { what: "budget of division", place, found, wanted: "positive" });
        }
        if !(0.0..=tokens).contains(&division.given) {
            let wanted = "a number of tokens from 0 to all of the budget";
            return Err(Refusal::Invalid { what: "gift of division", place, found: division.given, wanted });
        }
    }
    Ok(search(divisions))
}

fn search(divisions: &[Division]) -> Consistency {
    let size = divisions.len();
    let ratios: Vec<Vec<f64>> =
        divisions.iter().map(|one| divisions.iter().map(|two| one.ratio(two)).collect()).collect();
    let closed = Relation::new(size, |from, to| ratios[from][to] <= 1.0 + CLOSE).close();
    let garp = !(0..size).any(|from| (0..size).any(|to| closed.holds(from, to) && ratios[to][from] < 1.0 - CLOSE));
    if garp {
        return Consistency { garp, efficiency: 1.0 };
    }
    // Between two candidates GARP(e) is that no cycle of relations with a ratio up to the lower one exists, so the CCEI is
    // the least candidate that closes a cycle.
    let mut candidates: Vec<f64> = ratios.iter().flatten().copied().filter(|ratio| *ratio < 1.0 - CLOSE).collect();
    candidates.sort_by(f64::total_cmp);
    candidates.dedup();
    let cyclic = |level: f64| {
        let closed = Relation::new(size, |from, to| from != to && ratios[from][to] <= level + CLOSE).close();
        (0..size).any(|place| closed.holds(place, place))
    };
    let place = candidates.partition_point(|candidate| !cyclic(*candidate));
    Consistency { garp, efficiency: candidates.get(place).copied().unwrap_or(1.0) }
}

/// The null of a responder who gives every whole number of tokens equally often. (Evenly along the line the power is
/// .747 and .938: the published figures are those of whole tokens.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomDivider {
    /// Share that violates GARP (Bronars 1987): .784 for the eight budgets, .947 for the eleven.
    pub power: f64,
    /// Median CCEI: .90 and .80.
    pub median: f64,
    /// Mean CCEI.
    pub mean: f64,
}

/// Simulates it.
///
/// # Errors
/// Fewer than two budgets, no draw.
pub fn random_divider(budgets: &[Budget], draws: usize, seed: u64) -> Result<RandomDivider, Refusal> {
    refusal::at_least("draws", draws, 1)?;
    let mut random = Draws::new(seed, 61);
    let mut found = Vec::with_capacity(draws);
    for _ in 0..draws {
        let divisions: Vec<Division> = budgets
            .iter()
            .map(|budget| {
                let given = random.below(budget.tokens as usize + 1) as f64;
                Division { budget: *budget, given: given.min(budget.tokens) }
            })
            .collect();
        found.push(consistency(&divisions)?);
    }
    let power = found.iter().filter(|one| !one.garp).count() as f64 / draws as f64;
    let mut levels: Vec<f64> = found.iter().map(|one| one.efficiency).collect();
    levels.sort_by(f64::total_cmp);
    let median = (levels[(draws - 1) / 2] + levels[draws / 2]) / 2.0;
    let mean = levels.iter().sum::<f64>() / draws as f64;
    Ok(RandomDivider { power, median, mean })
}

/// Coherence within contexts against coherence across them.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaGap {
    /// CCEI of each context.
    pub within: Vec<f64>,
    /// CCEI of all divisions together.
    pub pooled: f64,
    /// Mean within − pooled. Positive even without personas, for pooling can only lower a CCEI: judge by `p`.
    pub gap: f64,
    /// Mean of the gap when context labels are permuted.
    pub null_mean: f64,
    /// P(a gap as large under permutation), (1 + hits)/(1 + permutations).
    pub p: f64,
}

/// Tests whether contexts differ in preference: `contexts` holds one list of divisions a context, over the same budgets
/// in the same order. Null: for each budget, which context made which division is permuted. The pooled CCEI does not
/// change under it, so the test is on the mean within contexts.
///
/// # Errors
/// Fewer than two contexts, lists of different length, budgets in another order, no permutation.
pub fn persona_gap(contexts: &[Vec<Division>], permutations: usize, seed: u64) -> Result<PersonaGap, Refusal> {
    refusal::at_least("contexts", contexts.len(), 2)?;
    refusal::at_least("permutations", permutations, 1)?;
    for list in contexts {
        refusal::same_length(("a context's divisions", list.len()), ("the first one's", contexts[0].len()))?;
        if list.iter().zip(&contexts[0]).any(|(one, two)| one.budget != two.budget) {
            let reason = "contexts list their budgets in different orders";
            return Err(Refusal::Undetermined { what: "the permutation null", reason });
        }
    }
    let levels = |lists: &[Vec<Division>]| -> Result<Vec<f64>, Refusal> {
        lists.iter().map(|list| consistency(list).map(|found| found.efficiency)).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let within = levels(contexts)?;
    let pooled = consistency(&contexts.concat())?.efficiency;
    let gap = mean(&within) - pooled;
    let mut random = Draws::new(seed, 62);
    let (mut hits, mut sum) = (0usize, 0.0);
    let mut drawn = contexts.to_vec();
    let mut order: Vec<usize> = (0..contexts.len()).collect();
    for _ in 0..permutations {
        for place in 0..contexts[0].len() {
            random.shuffle(&mut order);
            for (list, from) in drawn.iter_mut().zip(&order) {
                list[place] = contexts[*from][place];
            }
        }
        let found = mean(&levels(&drawn)?) - pooled;
        sum += found;
        hits += usize::from(found >= gap - CLOSE);
    }
    let p = (1 + hits) as f64 / (1 + permutations) as f64;
    Ok(PersonaGap { within, pooled, gap, null_mean: sum / permutations as f64, p })
}
