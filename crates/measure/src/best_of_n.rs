//! Optimisation pressure by selection: the best of n answers for an objective, and whether it still helps.
//!
//! Selecting the best of n moves the distribution by KL = ln n − (n − 1)/n nats (Hilton & Gao 2022), exactly when scores
//! have no ties and as an upper bound otherwise (Beirami et al. 2024). P(help) after selection needs no new answers: of k
//! scored ones, the one of rank i (from the worst) is the best of a random n with probability C(i − 1, n − 1)/C(k, n), and
//! the mean over all subsets is unbiased (the estimator of Nakano et al. 2021, appendix I). Ties share their ranks.

use crate::dose_response::Threshold;
use crate::linear::{Linear, clustered_mean};
use crate::refusal::{self, Refusal};

/// One scored answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredAnswer {
    /// Objective; the largest is selected.
    pub score: f64,
    /// P(help), or 0 and 1.
    pub help: f64,
}

/// Pressure of the best of n, in nats.
///
/// ```
/// use undermask_measure::best_of_n::nats;
/// assert_eq!(nats(1), 0.0);
/// assert!((nats(16) - (16f64.ln() - 15.0 / 16.0)).abs() < 1e-15);
/// ```
pub fn nats(n: usize) -> f64 {
    let n = n.max(1) as f64;
    n.ln() - (n - 1.0) / n
}

/// P(help) of the best of n from one prompt's answers.
///
/// # Errors
/// n of 0 or more than there are answers, a score that is not finite, a probability outside [0, 1].
///
/// ```
/// use undermask_measure::best_of_n::{ScoredAnswer, selected};
/// let answer = |score, help| ScoredAnswer { score, help };
/// // The best of two of three: {1, 2} → 2, {1, 3} → 3, {2, 3} → 3.
/// let found = selected(&[answer(1.0, 1.0), answer(2.0, 1.0), answer(3.0, 0.0)], 2)?;
/// assert!((found - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn selected(answers: &[ScoredAnswer], n: usize) -> Result<f64, Refusal> {
    if n == 0 {
        return Err(Refusal::Invalid { what: "n", place: 0, found: 0.0, wanted: "at least 1" });
    }
    refusal::at_least("answers of a prompt", answers.len(), n)?;
    let scores: Vec<f64> = answers.iter().map(|answer| answer.score).collect();
    refusal::each("score", &scores, "finite", f64::is_finite)?;
    let helps: Vec<f64> = answers.iter().map(|answer| answer.help).collect();
    refusal::each("P(help)", &helps, "between 0 and 1", |help| (0.0..=1.0).contains(&help))?;
    let mut sorted = answers.to_vec();
    sorted.sort_by(|one, two| one.score.total_cmp(&two.score));
    // P(best rank ≤ i) = C(i, n)/C(k, n), from the top down: the factor (i − n)/i turns C(i, n) into C(i − 1, n).
    let mut below = 1.0;
    let mut sum = 0.0;
    let mut end = sorted.len();
    while end > 0 {
        let score = sorted[end - 1].score;
        let start = sorted.partition_point(|answer| answer.score < score);
        let mut left = below;
        for rank in (start + 1..=end).rev() {
            left *= (rank as f64 - n as f64).max(0.0) / rank as f64;
        }
        let mean = sorted[start..end].iter().map(|answer| answer.help).sum::<f64>() / (end - start) as f64;
        sum += (below - left) * mean;
        (below, end) = (left, start);
    }
    Ok(sum)
}

/// One of the answers that a prompt can have, all of which are known with their probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The answer.
    pub answer: ScoredAnswer,
    /// Its probability.
    pub probability: f64,
}

/// P(help) of the best of n independent answers, exactly: the best has score s with probability F(s)ⁿ − F(s⁻)ⁿ, F being the
/// distribution of scores, and any answer of that score is kept in proportion to its own probability.
///
/// # Errors
/// n of 0, no answer, a score that is not finite, help outside [0, 1], probabilities that are negative or do not sum to 1.
///
/// ```
/// use undermask_measure::best_of_n::{ScoredAnswer, Weighted, selected_exactly};
/// let answer = |score, help, probability| Weighted { answer: ScoredAnswer { score, help }, probability };
/// // Harm brings more points and is chosen once in ten times: the best of two helps where both do.
/// let found = selected_exactly(&[answer(1.0, 1.0, 0.9), answer(2.0, 0.0, 0.1)], 2)?;
/// assert!((found - 0.81).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn selected_exactly(answers: &[Weighted], n: usize) -> Result<f64, Refusal> {
    if n == 0 {
        return Err(Refusal::Invalid { what: "n", place: 0, found: 0.0, wanted: "at least 1" });
    }
    refusal::at_least("answers of a prompt", answers.len(), 1)?;
    let list = |value: fn(&Weighted) -> f64| answers.iter().map(value).collect::<Vec<f64>>();
    refusal::each("score", &list(|one| one.answer.score), "finite", f64::is_finite)?;
    refusal::each("P(help)", &list(|one| one.answer.help), "between 0 and 1", |help| (0.0..=1.0).contains(&help))?;
    let probabilities = list(|one| one.probability);
    refusal::each("probability", &probabilities, "between 0 and 1", |share| (0.0..=1.0 + 1e-9).contains(&share))?;
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() > 1e-6 {
        return Err(Refusal::Invalid { what: "the sum of probabilities", place: 0, found: total, wanted: "1" });
    }
    let mut sorted = answers.to_vec();
    sorted.sort_by(|one, two| one.answer.score.total_cmp(&two.answer.score));
    let power = |share: f64| (share / total).min(1.0).powf(n as f64);
    let (mut below, mut sum) = (0.0, 0.0);
    for tied in sorted.chunk_by(|one, two| one.answer.score == two.answer.score) {
        let mass: f64 = tied.iter().map(|one| one.probability).sum();
        let helped: f64 = tied.iter().map(|one| one.probability * one.answer.help).sum();
        if mass > 0.0 {
            sum += (power(below + mass) - power(below)) * helped / mass;
        }
        below += mass;
    }
    Ok(sum.clamp(0.0, 1.0))
}

/// P(help) at one pressure.
#[derive(Debug, Clone)]
pub struct Selected {
    /// n.
    pub n: usize,
    /// Pressure in nats.
    pub nats: f64,
    /// Mean over prompts with the clusters' influence.
    pub help: Linear,
}

/// P(help) over a list of n; `prompts` holds (cluster, answers).
///
/// # Errors
/// Fewer than two prompts or clusters, no n, and as [`selected`].
pub fn curve(prompts: &[(usize, Vec<ScoredAnswer>)], sizes: &[usize]) -> Result<Vec<Selected>, Refusal> {
    refusal::at_least("sizes n", sizes.len(), 1)?;
    refusal::at_least("prompts", prompts.len(), 2)?;
    let clusters = prompts.iter().map(|(cluster, _)| cluster + 1).max().unwrap_or(0);
    let mut found = Vec::with_capacity(sizes.len());
    for n in sizes {
        let values: Vec<(usize, f64)> = prompts
            .iter()
            .map(|(cluster, answers)| selected(answers, *n).map(|help| (*cluster, help)))
            .collect::<Result<_, _>>()?;
        let help = clustered_mean(&values, clusters).ok_or(Refusal::TooFew { what: "prompts", have: 0, need: 2 })?;
        refusal::at_least("clusters", help.clusters, 2)?;
        found.push(Selected { n: *n, nats: nats(*n), help });
    }
    Ok(found)
}

/// The nats at which P(help) has halved, by interpolation: sizes must rise from 1. Above the last pressure when it has
/// not halved.
///
/// # Errors
/// A curve that does not begin at n = 1, sizes that do not rise, no help to lose at n = 1.
pub fn halving(curve: &[Selected]) -> Result<Threshold, Refusal> {
    refusal::at_least("sizes n", curve.len(), 2)?;
    if curve[0].n != 1 {
        let found = curve[0].n as f64;
        return Err(Refusal::Invalid { what: "size n", place: 0, found, wanted: "1, the level without selection" });
    }
    if let Some(place) = curve.windows(2).position(|pair| pair[0].n >= pair[1].n) {
        let found = curve[place + 1].n as f64;
        return Err(Refusal::Invalid { what: "size n", place: place + 1, found, wanted: "larger than the one before" });
    }
    let level = curve[0].help.value / 2.0;
    if level <= 0.0 {
        return Err(Refusal::Undetermined {
            what: "the halving pressure",
            reason: "there is no help without selection",
        });
    }
    let crossing = curve.windows(2).find(|pair| pair[1].help.value <= level);
    Ok(crossing.map_or(Threshold::Above(curve[curve.len() - 1].nats), |pair| {
        let (high, low) = (pair[0].help.value, pair[1].help.value);
        Threshold::At(pair[0].nats + (high - level) / (high - low) * (pair[1].nats - pair[0].nats))
    }))
}
