//! Is there a trend over ordered conditions (relatedness, distance, dose)? Page's L.

use crate::refusal::{self, Refusal};
use crate::special::normal_below;

/// Most conditions for which the exact distribution is worked out.
const MOST_EXACT: usize = 9;

/// How p was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrendMethod {
    /// From the distribution over all orders of the ranks.
    Exact,
    /// From the normal approximation.
    Normal,
}

/// Result of Page's test.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// L = Σ_j j·R_j.
    pub statistic: f64,
    /// One-sided P(L as large) when conditions do not differ.
    pub p: f64,
    /// How p was found.
    pub method: TrendMethod,
}

/// Page's L (Page 1963): each row (scenario) holds one value a condition, conditions in the order in which values are
/// predicted to rise. Within rows values are ranked, ties at their mean; R_j is the sum of ranks of condition j. Exact
/// where there are at most 9 conditions, 20 rows and no ties; otherwise normal with mean n·k·(k + 1)²/4 and variance
/// n·k²·(k + 1)·(k² − 1)/144, which ties make conservative.
///
/// # Errors
/// Fewer than three conditions or two rows, rows of different length, a value that is NaN.
///
/// ```
/// use undermask_measure::trend::page;
/// // Two rows, both in the predicted order: one of (3!)² = 36 arrangements.
/// let found = page(&[vec![1.0, 2.0, 3.0], vec![2.0, 5.0, 9.0]])?;
/// assert_eq!(found.statistic, 28.0);
/// assert!((found.p - 1.0 / 36.0).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn page(rows: &[Vec<f64>]) -> Result<Trend, Refusal> {
    refusal::at_least("rows", rows.len(), 2)?;
    let conditions = rows[0].len();
    refusal::at_least("conditions", conditions, 3)?;
    let mut statistic = 0.0;
    let mut ties = false;
    for row in rows {
        refusal::same_length(("a row", row.len()), ("the first row", conditions))?;
        refusal::each("value", row, "a number", |value| !value.is_nan())?;
        for (place, value) in row.iter().enumerate() {
            let below = row.iter().filter(|other| *other < value).count();
            let equal = row.iter().filter(|other| *other == value).count();
            ties |= equal > 1;
            statistic += (place + 1) as f64 * (below as f64 + (equal as f64 + 1.0) / 2.0);
        }
    }
    if !ties && conditions <= MOST_EXACT && rows.len() <= 20 {
        let p = exact_above(rows.len(), conditions, statistic.round() as usize);
        return Ok(Trend { statistic, p, method: TrendMethod::Exact });
    }
    let (n, k) = (rows.len() as f64, conditions as f64);
    let mean = n * k * (k + 1.0).powi(2) / 4.0;
    let variance = n * k * k * (k + 1.0) * (k * k - 1.0) / 144.0;
    let p = normal_below(-(statistic - mean) / variance.sqrt());
    Ok(Trend { statistic, p, method: TrendMethod::Normal })
}

/// P(L ≥ statistic): the distribution of one row by subsets of used ranks, convolved over rows.
fn exact_above(rows: usize, conditions: usize, statistic: usize) -> f64 {
    let most = (1..=conditions).map(|place| place * place).sum::<usize>();
    let mut by_set = vec![vec![0.0; most + 1]; 1 << conditions];
    by_set[0][0] = 1.0;
    for set in 0..(1usize << conditions) {
        let place = set.count_ones() as usize + 1;
        let here = std::mem::take(&mut by_set[set]);
        for rank in (1..=conditions).filter(|rank| set & (1 << (rank - 1)) == 0) {
            let after = &mut by_set[set | (1 << (rank - 1))];
            for (sum, share) in here.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                after[sum + place * rank] += share / (conditions + 1 - place) as f64;
            }
        }
        by_set[set] = here;
    }
    let one = &by_set[(1 << conditions) - 1];
    let mut all = vec![1.0];
    for _ in 0..rows {
        let mut next = vec![0.0; all.len() + most];
        for (sum, share) in all.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            for (more, part) in one.iter().enumerate().filter(|(_, part)| **part > 0.0) {
                next[sum + more] += share * part;
            }
        }
        all = next;
    }
    all.iter().skip(statistic).sum::<f64>().min(1.0)
}
