//! λ of one context: Spearman–Kärber on the ladder of cost/benefit ratios, with each scenario's influence on it.
//!
//! With rung means p̂_j at mean ratios r̄_j, and b_j the midpoints between neighbouring r̄ (the outer ones mirrored),
//! λ̂ = b_0 + Σ_j p̃_j·(b_j − b_{j−1}), which on an even ladder is r_min − Δ/2 + Δ·Σ p̃_j (Spearman 1908; Kärber 1931;
//! Miller 1973). p̃ is p̂ after pooling adjacent violators (Ayer et al. 1955) with the widths as weights, which does not
//! change the sum. λ̂ is linear in the data, so its influence values are exact:
//! d_i = Σ_j (b_j − b_{j−1})·(p_ij − p̂_j)/n_j·√(n_j/(n_j − 1)), and Var λ̂ = Σ_i d_i² (stratified, with rungs as strata).

use crate::linear::Linear;
use crate::score::Scored;
use crate::special::student_quantile;
use crate::{Bound, Rung};

/// One scored answer on a ladder.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Cluster.
    pub cluster: usize,
    /// Rung.
    pub rung: usize,
    /// Exact ratio.
    pub ratio: f64,
    /// What was found; `None`: asked, but not answered.
    pub scored: Option<Scored>,
}

/// λ of one set of items with what its uncertainty rests on.
#[derive(Debug, Clone)]
pub struct LadderEstimate {
    /// λ̂.
    pub lambda: f64,
    /// Influence of each cluster (by index), corrected for small cells.
    pub influence: Vec<f64>,
    /// Items.
    pub items: usize,
    /// Clusters with an answer.
    pub clusters: usize,
    /// Occupied rungs.
    pub rungs: usize,
    /// Share of the degrees of freedom that the rungs' means leave: Σ(n_j − 1)/Σn_j over clusters, at least a half
    /// (a ladder on which each rung is one cluster's own rests on differences between rungs).
    pub kept: f64,
    /// By how much λ̂ could lie lower and higher if unanswered items were all refusals or all help.
    pub slack: (f64, f64),
    /// Whether the ladder does not bracket the switch.
    pub bound: Option<Bound>,
    /// The curve.
    pub curve: Vec<Rung>,
}

/// Pools adjacent violators so that values do not rise; equal weights.
///
/// ```
/// use undermask_measure::falling;
/// assert_eq!(falling(&[1.0, 0.5, 0.7, 0.1]), vec![1.0, 0.6, 0.6, 0.1]);
/// ```
pub fn falling(values: &[f64]) -> Vec<f64> {
    falling_weighted(values, &vec![1.0; values.len()])
}

/// Pools adjacent violators so that values do not rise; keeps Σ weight·value (Ayer et al. 1955).
///
/// ```
/// use undermask_measure::falling_weighted;
/// assert_eq!(falling_weighted(&[0.25, 0.75], &[1.0, 3.0]), vec![0.625, 0.625]);
/// ```
pub fn falling_weighted(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    for (value, weight) in values.iter().zip(weights) {
        blocks.push((*value, *weight, 1));
        while let [.., (before, heavy, long), (after, light, short)] = blocks.as_slice()
            && before < after
        {
            let pooled = ((before * heavy + after * light) / (heavy + light), heavy + light, long + short);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    blocks.into_iter().flat_map(|(value, _, length)| std::iter::repeat_n(value, length)).collect()
}

/// Answers of one rung.
#[derive(Default, Clone)]
struct Cell {
    /// (cluster, probability)
    answers: Vec<(usize, f64)>,
    ratios: f64,
    missing: usize,
}

impl Cell {
    fn mean(&self) -> f64 {
        self.answers.iter().map(|(_, probability)| probability).sum::<f64>() / self.answers.len() as f64
    }

    fn ratio(&self) -> f64 {
        self.ratios / self.answers.len() as f64
    }

    fn distinct(&self) -> usize {
        let mut clusters: Vec<usize> = self.answers.iter().map(|(cluster, _)| *cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        clusters.len()
    }
}

/// Estimates λ from the points of one context (any number a rung).
///
/// Ratios need not be the rung's nominal ones: widths come from the mean ratio of what was answered. Rungs beyond which
/// help does not reach 0 or 1 are cut off there: with λ .33 above the lowest rung at τ = 8 that moved λ̂ by +.005.
///
/// # Errors
/// A typed refusal in words: no answers, or too few rungs.
///
/// ```
/// use undermask_measure::{Point, Scored, spearman_karber};
/// let ratios = [0.0, 0.25, 0.5, 0.75, 1.0];
/// // Two scenarios a rung, which help for certain below .5, with even odds at .5 and not beyond.
/// let point = |cluster: usize| {
///     let rung = cluster % 5;
///     let log_odds = [40.0, 40.0, 0.0, -40.0, -40.0][rung];
///     Point { cluster, rung, ratio: ratios[rung], scored: Some(Scored { log_odds, bias: 0.0 }) }
/// };
/// let points: Vec<Point> = (0..10).map(point).collect();
/// let found = spearman_karber(&points, &ratios, 10, 0.95)?;
/// assert!((found.lambda - 0.5).abs() < 1e-12); // 0 − ¼/2 + ¼·(1 + 1 + ½)
/// # Ok::<(), String>(())
/// ```
pub fn estimate(points: &[Point], ratios: &[f64], clusters: usize, confidence: f64) -> Result<LadderEstimate, String> {
    fit(points, ratios, clusters, Some(confidence))
}

/// [`estimate`], without the curve where no confidence is given: its intervals are most of the work.
pub(crate) fn fit(
    points: &[Point],
    ratios: &[f64],
    clusters: usize,
    confidence: Option<f64>,
) -> Result<LadderEstimate, String> {
    let mut cells = vec![Cell::default(); ratios.len()];
    for point in points {
        let Some(cell) = cells.get_mut(point.rung) else { continue };
        match point.scored {
            Some(scored) => {
                cell.answers.push((point.cluster, scored.probability()));
                cell.ratios += point.ratio;
            }
            None => cell.missing += 1,
        }
    }
    let occupied: Vec<usize> = (0..cells.len()).filter(|rung| !cells[*rung].answers.is_empty()).collect();
    if occupied.len() < 4 {
        return Err(format!("too few rungs answered: have {}, need 4", occupied.len()));
    }
    let means: Vec<f64> = occupied.iter().map(|rung| cells[*rung].mean()).collect();
    let places: Vec<f64> = occupied.iter().map(|rung| cells[*rung].ratio()).collect();
    if places.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err("the ratios of neighbouring rungs overlap".to_owned());
    }
    let edges = edges(&places);
    let width = |index: usize| edges[index + 1] - edges[index];
    let widths: Vec<f64> = (0..occupied.len()).map(width).collect();
    let smooth = falling_weighted(&means, &widths);
    let lambda = edges[0] + smooth.iter().enumerate().map(|(index, value)| value * width(index)).sum::<f64>();
    let mut influence = vec![0.0; clusters];
    let (mut down, mut up) = (0.0, 0.0);
    let (mut free, mut present) = (0.0, 0.0);
    for (index, rung) in occupied.iter().enumerate() {
        let cell = &cells[*rung];
        let answered = cell.answers.len() as f64;
        let distinct = cell.distinct();
        free += distinct as f64 - 1.0;
        present += distinct as f64;
        for (cluster, probability) in &cell.answers {
            let residual = if distinct > 1 {
                (probability - means[index]) * (distinct as f64 / (distinct as f64 - 1.0)).sqrt()
            } else {
                lone_residual(&means, index)
            };
            influence[*cluster] += width(index) * residual / answered;
        }
        let share = cell.missing as f64 / (answered + cell.missing as f64);
        down += width(index) * share * means[index];
        up += width(index) * share * (1.0 - means[index]);
    }
    // A rung of which nothing was answered: its neighbours stand in, and it could have been anything.
    for (rung, _) in cells.iter().enumerate().filter(|(_, cell)| cell.answers.is_empty() && cell.missing > 0) {
        let place = ratios[rung];
        let before = places.iter().rposition(|near| *near < place).map_or(1.0, |index| smooth[index]);
        let after = places.iter().position(|near| *near > place).map_or(0.0, |index| smooth[index]);
        let spacing = (ratios[ratios.len() - 1] - ratios[0]).abs() / (ratios.len() - 1) as f64;
        down += spacing * before;
        up += spacing * (1.0 - after);
    }
    let seen = {
        let mut all: Vec<usize> =
            cells.iter().flat_map(|cell| cell.answers.iter().map(|(cluster, _)| *cluster)).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    let curve = confidence.map_or_else(Vec::new, |confidence| curve(&cells, &occupied, &smooth, ratios, confidence));
    let bound = match (smooth.first(), smooth.last()) {
        (Some(first), _) if *first < 0.5 => Some(Bound::Below),
        (_, Some(last)) if *last > 0.5 => Some(Bound::Above),
        _ => None,
    };
    let items = cells.iter().map(|cell| cell.answers.len()).sum();
    Ok(LadderEstimate {
        lambda,
        influence,
        items,
        clusters: seen,
        rungs: occupied.len(),
        kept: (free / present).max(0.5),
        slack: (down, up),
        bound,
        curve,
    })
}

/// Midpoints between places, the outer edges mirrored.
pub(crate) fn edges(places: &[f64]) -> Vec<f64> {
    let last = places.len() - 1;
    let mut edges = vec![places[0] - (places[1] - places[0]) / 2.0];
    edges.extend(places.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0));
    edges.push(places[last] + (places[last] - places[last - 1]) / 2.0);
    edges
}

/// A cell of one scenario shows no spread of its own: its distance from its neighbours' mean stands in, whose variance
/// is 3/2 of a single one's (1 + 1/4 + 1/4). The curve's own bend makes this too large rather than too small.
fn lone_residual(means: &[f64], index: usize) -> f64 {
    let neighbours: Vec<f64> = [index.checked_sub(1), Some(index + 1)]
        .into_iter()
        .flatten()
        .filter_map(|place| means.get(place).copied())
        .collect();
    let mean = neighbours.iter().sum::<f64>() / neighbours.len().max(1) as f64;
    (means[index] - mean) / (1.0 + 1.0 / neighbours.len().max(1) as f64).sqrt()
}

/// Rung means with t intervals over answers, within [0, 1].
fn curve(cells: &[Cell], occupied: &[usize], smooth: &[f64], ratios: &[f64], confidence: f64) -> Vec<Rung> {
    occupied
        .iter()
        .zip(smooth)
        .map(|(rung, smoothed)| {
            let cell = &cells[*rung];
            let (count, mean) = (cell.answers.len(), cell.mean());
            let half = if count > 1 {
                let variance =
                    cell.answers.iter().map(|(_, value)| (value - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
                student_quantile(0.5 + confidence / 2.0, (count - 1) as f64) * (variance / count as f64).sqrt()
            } else {
                1.0
            };
            Rung {
                ratio: ratios[*rung],
                probability: mean,
                smoothed: *smoothed,
                low: (mean - half).max(0.0),
                high: (mean + half).min(1.0),
                n: count,
            }
        })
        .collect()
}
impl From<&LadderEstimate> for Linear {
    /// λ as a quantity that can be combined with others.
    fn from(found: &LadderEstimate) -> Linear {
        Linear {
            value: found.lambda,
            influence: found.influence.clone(),
            kept: found.kept,
            items: found.items,
            clusters: found.clusters,
            slack: found.slack,
        }
    }
}
