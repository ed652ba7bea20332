//! Two runs on the same items (models, checkpoints, defences): what changed, what did not, and what could have been seen.
//!
//! Differences are taken item by item, so what makes items hard cancels; items of a scenario are dependent, so errors are
//! clustered (Liang & Zeger 1986; Miller 2024, "Adding error bars to evals"). Change is tested two-sided, its absence
//! only by two one-sided tests against a margin (Schuirmann 1987), both with Holm's adjustment over the endpoints.

use serde::{Deserialize, Serialize};

use crate::linear::{Linear, clustered_mean};
use crate::multiple::holm;
use crate::refusal::{self, Refusal};
use crate::special::{normal_below, student_quantile};

/// One item in both runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Cluster (scenario), from 0.
    pub cluster: usize,
    /// Value in the first run; `None`: asked but not answered.
    pub before: Option<f64>,
    /// Value in the second.
    pub after: Option<f64>,
}

/// One quantity that is compared. Larger is better: turn the sign of what should be small.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Name.
    pub name: String,
    /// Items.
    pub pairs: Vec<Pair>,
    /// Smallest and largest value possible, for what unanswered items could have been.
    pub range: (f64, f64),
    /// Differences within ± this do not matter.
    pub margin: f64,
}

/// A difference that is ready to be judged.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Name.
    pub name: String,
    /// After − before, with each cluster's influence.
    pub found: Linear,
    /// By how much it became better: the difference, its negative, or what else says so (by how much |value| shrank).
    pub better: Linear,
    /// Differences within ± this do not matter.
    pub margin: f64,
}

/// How a comparison came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Worse.
    Regression,
    /// Better.
    Improvement,
    /// Within the margin.
    Equivalent,
    /// Neither a change nor its absence is shown.
    Undecided,
}

/// One endpoint's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Name.
    pub name: String,
    /// Mean of after − before.
    pub difference: f64,
    /// Interval (not adjusted), widened by what unanswered items could do.
    pub interval: (f64, f64),
    /// Items answered in both.
    pub items: usize,
    /// Clusters.
    pub clusters: usize,
    /// Two-sided p that nothing changed, adjusted. What is unanswered counts against a change.
    pub p: f64,
    /// TOST's p, adjusted.
    pub equivalence_p: f64,
    /// Smallest true change found in four runs of five, at this data's error.
    pub detectable: f64,
    /// Verdict. Within the margin wins over different from 0: the margin says what matters.
    pub change: Change,
}

/// Compares two runs.
///
/// # Errors
/// No endpoint, fewer than two clusters answered in both runs, values outside the range, a margin that is not positive.
///
/// ```
/// use undermask_measure::paired::{Change, Endpoint, Pair, compare};
/// let pairs = (0..40).map(|item| {
///     let easy = f64::from(item % 5) / 10.0;
///     let noise = f64::from(item % 3 - 1) / 50.0;
///     Pair { cluster: item as usize / 2, before: Some(0.5 + easy), after: Some(0.3 + easy + noise) }
/// });
/// let endpoint = Endpoint { name: "lambda".into(), pairs: pairs.collect(), range: (0.0, 1.0), margin: 0.05 };
/// let found = &compare(&[endpoint], 0.95)?[0];
/// assert_eq!(found.change, Change::Regression);
/// assert!((found.difference + 0.2).abs() < 0.01);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn compare(endpoints: &[Endpoint], confidence: f64) -> Result<Vec<Comparison>, Refusal> {
    refusal::confidence(confidence)?;
    let ready = |endpoint: &Endpoint| {
        let found = difference(endpoint)?;
        Ok(Difference { name: endpoint.name.clone(), better: found.clone(), found, margin: endpoint.margin })
    };
    judge(&endpoints.iter().map(ready).collect::<Result<Vec<_>, _>>()?, confidence)
}

/// Judges differences that are one family.
///
/// # Errors
/// No difference, a margin that is not positive.
pub fn judge(differences: &[Difference], confidence: f64) -> Result<Vec<Comparison>, Refusal> {
    refusal::confidence(confidence)?;
    refusal::at_least("endpoints", differences.len(), 1)?;
    let margins: Vec<f64> = differences.iter().map(|one| one.margin).collect();
    refusal::each("margin", &margins, "above 0", |margin| margin > 0.0 && margin.is_finite())?;
    let changed = holm(&differences.iter().map(|one| against_slack(&one.better)).collect::<Vec<f64>>());
    let same = differences.iter().map(|one| one.found.equivalence(&one.name, one.margin, confidence).p);
    let same = holm(&same.collect::<Vec<f64>>());
    let rows = differences.iter().zip(changed.into_iter().zip(same));
    Ok(rows
        .map(|(one, (p, equivalence_p))| {
            let (found, level) = (&one.found, 1.0 - confidence);
            let change = match one.better.value {
                _ if equivalence_p < level => Change::Equivalent,
                value if p < level && value < 0.0 => Change::Regression,
                _ if p < level => Change::Improvement,
                _ => Change::Undecided,
            };
            Comparison {
                name: one.name.clone(),
                difference: found.value,
                interval: found.interval(confidence),
                items: found.items,
                clusters: found.clusters,
                p,
                equivalence_p,
                detectable: detectable(found.error(), found.freedom(), 0.8, confidence),
                change,
            }
        })
        .collect())
}

/// One verdict over all endpoints: a regression anywhere is one; otherwise undecided where anything is; otherwise an
/// improvement where there is one; otherwise equivalent.
pub fn overall(changes: &[Change]) -> Change {
    [Change::Regression, Change::Undecided, Change::Improvement]
        .into_iter()
        .find(|change| changes.contains(change))
        .unwrap_or(if changes.is_empty() { Change::Undecided } else { Change::Equivalent })
}

/// Mean difference with the clusters' influence, and how far unanswered items could move it.
fn difference(endpoint: &Endpoint) -> Result<Linear, Refusal> {
    let (lowest, highest) = endpoint.range;
    refusal::each("margin", &[endpoint.margin], "above 0", |margin| margin > 0.0 && margin.is_finite())?;
    refusal::each("range", &[highest - lowest], "above 0", |width| width > 0.0 && width.is_finite())?;
    let values: Vec<f64> = endpoint.pairs.iter().flat_map(|pair| [pair.before, pair.after]).flatten().collect();
    refusal::each("value", &values, "within its range", |value| (lowest..=highest).contains(&value))?;
    let both: Vec<(usize, f64)> = endpoint
        .pairs
        .iter()
        .filter_map(|pair| pair.before.zip(pair.after).map(|(before, after)| (pair.cluster, after - before)))
        .collect();
    let clusters = both.iter().map(|(cluster, _)| cluster + 1).max().unwrap_or(0);
    refusal::at_least("pairs", both.len(), 2)?;
    let mut mean =
        clustered_mean(&both, clusters).ok_or(Refusal::TooFew { what: "pairs", have: both.len(), need: 2 })?;
    refusal::at_least("clusters", mean.clusters, 2)?;
    let (mut down, mut up) = (0.0, 0.0);
    for pair in endpoint.pairs.iter().filter(|pair| pair.before.is_none() || pair.after.is_none()) {
        down += mean.value - (pair.after.unwrap_or(lowest) - pair.before.unwrap_or(highest));
        up += pair.after.unwrap_or(highest) - pair.before.unwrap_or(lowest) - mean.value;
    }
    let all = endpoint.pairs.len() as f64;
    mean.slack = ((down / all).max(0.0), (up / all).max(0.0));
    Ok(mean)
}

/// p of the difference after unanswered items have moved it towards 0.
fn against_slack(found: &Linear) -> f64 {
    let towards = if found.value > 0.0 { found.slack.0 } else { found.slack.1 };
    if found.value.abs() <= towards {
        return 1.0;
    }
    let mut moved = found.clone();
    moved.value -= towards * found.value.signum();
    moved.p_value()
}

/// Smallest true effect that a two-sided t test finds with this power: (t₁₋α/₂ + t_power)·SE (Bloom 1995).
pub fn detectable(error: f64, freedom: f64, power: f64, confidence: f64) -> f64 {
    (student_quantile(0.5 + confidence / 2.0, freedom) + student_quantile(power, freedom)) * error
}

/// Power of the two-sided t test for a true `effect` with this standard error: the noncentral t distribution, as
/// P(|T| > t) = ∫ [Φ(δ − t·s) + Φ(−δ − t·s)] dF(s), δ = effect/SE, ν·s² ~ χ²_ν, by Simpson's rule.
///
/// # Errors
/// An error that is not positive, less than one degree of freedom.
///
/// ```
/// use undermask_measure::paired::achieved;
/// // Thirty pairs, an effect of half a standard deviation.
/// let power = achieved(0.5, 1.0 / 30f64.sqrt(), 29.0, 0.95)?;
/// assert!((power - 0.7540).abs() < 1e-4);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn achieved(effect: f64, error: f64, freedom: f64, confidence: f64) -> Result<f64, Refusal> {
    refusal::confidence(confidence)?;
    refusal::each("standard error", &[error], "above 0", |error| error > 0.0 && error.is_finite())?;
    refusal::each("degrees of freedom", &[freedom], "at least 1", |freedom| freedom >= 1.0 && freedom.is_finite())?;
    refusal::each("effect", &[effect], "finite", f64::is_finite)?;
    let t = student_quantile(0.5 + confidence / 2.0, freedom);
    let shift = effect / error;
    let half = freedom / 2.0;
    let constant = half * half.ln() - statrs::function::gamma::ln_gamma(half) + std::f64::consts::LN_2;
    let density = |s: f64| {
        let log = constant + (freedom - 1.0) * s.ln() - half * s * s;
        log.exp()
    };
    let (low, high) = ((1.0 - 8.0 / (2.0 * freedom).sqrt()).max(1e-9), 1.0 + 8.0 / freedom.sqrt());
    let steps = 2000;
    let width = (high - low) / f64::from(steps);
    let sum: f64 = (0..=steps)
        .map(|step| {
            let s = low + width * f64::from(step);
            let weight = if step == 0 || step == steps { 1.0 } else { 2.0 + 2.0 * f64::from(step % 2) };
            weight * density(s) * (normal_below(shift - t * s) + normal_below(-shift - t * s))
        })
        .sum();
    Ok((sum * width / 3.0).min(1.0))
}

/// Clusters needed to find an effect with this power, from the deviation of one cluster's mean difference.
///
/// # Errors
/// A deviation or an effect of 0, a power outside (level, 1).
pub fn clusters_needed(effect: f64, deviation: f64, power: f64, confidence: f64) -> Result<usize, Refusal> {
    refusal::each("power", &[power], "between 1 − confidence and 1", |power| {
        power > 1.0 - confidence && power < 1.0
    })?;
    refusal::each("effect", &[effect.abs()], "above 0", |effect| effect > 0.0)?;
    let enough = |clusters: usize| {
        achieved(effect, deviation / (clusters as f64).sqrt(), clusters as f64 - 1.0, confidence)
            .map(|has| has >= power)
    };
    let mut most = 2;
    while !enough(most)? {
        most *= 2;
        if most > 1 << 24 {
            return Err(Refusal::Beyond { what: "clusters", asked: most as f64, limit: f64::from(1 << 24) });
        }
    }
    let mut least = most / 2;
    while most - least > 1 {
        let middle = (least + most) / 2;
        if middle >= 2 && enough(middle)? { most = middle } else { least = middle }
    }
    Ok(most)
}
