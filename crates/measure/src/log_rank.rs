//! Do groups of conversations switch at the same rate? The log-rank test, plain or stratified by scenario.
//!
//! At each turn with an event, of Y at risk and d events, group g expects E_g = d·Y_g/Y; under the hypothesis the counts
//! are hypergeometric, Cov = (d/Y)·(Y − d)/(Y − 1)·(Y_g·δ_gh − Y_g·Y_h/Y), ties included. χ² = (O − E)ᵀ V⁻ (O − E)
//! with one degree of freedom less than groups (Mantel 1966; Peto & Peto 1972). Stratified, O − E and V are summed over
//! strata, so that only conversations of one scenario are compared with one another.
//! The primary comparison is the difference of restricted means: hazards are not proportional here.

use crate::matrix::solve;
use crate::refusal::{self, Refusal};
use crate::special::chi_squared_above;
use crate::survival::{Lifetime, check, event_turns, risk};

/// What is compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strata {
    /// Everything together.
    Pooled,
    /// Within each cluster (scenario).
    Clusters,
}

/// Result of the test.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// χ².
    pub statistic: f64,
    /// Groups less one.
    pub freedom: usize,
    /// P(χ² as large).
    pub p: f64,
    /// Events of each group.
    pub observed: Vec<f64>,
    /// Events it would have at the common rate.
    pub expected: Vec<f64>,
}

/// Tests that groups share their hazard of `cause` (`None`: of any event).
///
/// # Errors
/// Fewer than two groups, an empty one, or no turn at which two groups could be compared.
///
/// ```
/// use undermask_measure::log_rank::{Strata, log_rank};
/// use undermask_measure::survival::{Ending, Lifetime};
/// let group = |turns: &[u32]| -> Vec<Lifetime> {
///     turns.iter().map(|turn| Lifetime::new(*turn, Ending::Event(0), 0)).collect()
/// };
/// let found = log_rank(&[&group(&[1, 3]), &group(&[2, 4])], None, Strata::Pooled)?;
/// assert_eq!(found.observed, vec![2.0, 2.0]);
/// assert!((found.expected[0] - (0.5 + 1.0 / 3.0 + 0.5)).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn log_rank(groups: &[&[Lifetime]], cause: Option<usize>, strata: Strata) -> Result<LogRank, Refusal> {
    refusal::at_least("groups", groups.len(), 2)?;
    for group in groups {
        check(group, 0.5)?;
    }
    let size = groups.len();
    let mut names: Vec<usize> = match strata {
        Strata::Pooled => vec![0],
        Strata::Clusters => groups.iter().flat_map(|group| group.iter().map(|one| one.cluster)).collect(),
    };
    names.sort_unstable();
    names.dedup();
    let (mut observed, mut expected) = (vec![0.0; size], vec![0.0; size]);
    let mut covariance = vec![vec![0.0; size]; size];
    for name in names {
        let of_stratum = |one: &&Lifetime| strata == Strata::Pooled || one.cluster == name;
        let parts: Vec<Vec<Lifetime>> =
            groups.iter().map(|group| group.iter().filter(of_stratum).copied().collect()).collect();
        for turn in event_turns(&parts.concat(), cause) {
            let counts: Vec<(f64, f64)> = parts.iter().map(|part| risk(part, turn, cause)).collect();
            let (at_risk, events) = counts.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let spread = if at_risk > 1.0 { events / at_risk * (at_risk - events) / (at_risk - 1.0) } else { 0.0 };
            for (one, (own, fell)) in counts.iter().enumerate() {
                observed[one] += fell;
                expected[one] += events * own / at_risk;
                for (two, (other, _)) in counts.iter().enumerate() {
                    covariance[one][two] += spread * (if one == two { *own } else { 0.0 } - own * other / at_risk);
                }
            }
        }
    }
    let undetermined = Refusal::Undetermined {
        what: "the log-rank statistic",
        reason: "no turn has an event with two groups at risk",
    };
    let difference: Vec<f64> = observed.iter().zip(&expected).map(|(seen, due)| seen - due).take(size - 1).collect();
    let square: Vec<Vec<f64>> = covariance[..size - 1].iter().map(|row| row[..size - 1].to_vec()).collect();
    let solution = solve(&square, &difference).ok_or(undetermined)?;
    let statistic: f64 = solution.iter().zip(&difference).map(|(one, two)| one * two).sum();
    Ok(LogRank { statistic, freedom: size - 1, p: chi_squared_above(statistic, (size - 1) as f64), observed, expected })
}
