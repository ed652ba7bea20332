//! How long concern survives in a conversation: Kaplan–Meier, Greenwood's bands, the restricted mean and the median.
//!
//! Time is discrete: turns, counted from 0. With Y(s) at risk and d(s) events at turn s, h = d/Y and
//! S(t) = Π_{s ≤ t} (1 − h(s)) (Kaplan & Meier 1958). Who is censored at turn t was seen without the event at t and
//! counts as at risk there. Greenwood: Var S(t) = S²·Σ d/(Y·(Y − d)).
//!
//! Every quantity has one influence value an observation, from d log S = −Σ dh/(1 − h) with
//! dh_i = (event_i − at-risk_i·h)/Y. Their sum of squares is Greenwood's formula exactly; summed by cluster first they
//! give the cluster-robust variance, and as [`Linear`] they subtract, pair and test like every other quantity here.
//! Competing events are in `competing`, tests between groups in `log_rank`.

use crate::linear::Linear;
use crate::refusal::{self, Refusal};
use crate::resample;
use crate::special::normal_quantile;

/// How the observation of one conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It ended without an event.
    Censored,
    /// An event of this cause, numbered from 0 (a switch, a refusal, incoherence).
    Event(usize),
}

/// One conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifetime {
    /// The turn of the event, or the last turn seen.
    pub turn: u32,
    /// How it ended.
    pub ending: Ending,
    /// Its cluster (the scenario), from 0.
    pub cluster: usize,
    /// How often it counts: 1, or a bootstrap's weight.
    pub weight: f64,
}

impl Lifetime {
    /// An observation that counts once.
    pub fn new(turn: u32, ending: Ending, cluster: usize) -> Lifetime {
        Lifetime { turn, ending, cluster, weight: 1.0 }
    }

    /// Whether it ended in the event asked for; `None`: in any.
    pub(crate) fn counts(&self, cause: Option<usize>) -> bool {
        match self.ending {
            Ending::Censored => false,
            Ending::Event(found) => cause.is_none_or(|cause| cause == found),
        }
    }
}

/// The curve at one turn with an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Turn.
    pub turn: u32,
    /// Y, in weight.
    pub at_risk: f64,
    /// d, in weight.
    pub events: f64,
    /// S just after this turn.
    pub survival: f64,
    /// Greenwood's variance of S, observations taken as independent. 0 where S is 0.
    pub variance: f64,
    /// S ± z·SE, cut to [0, 1].
    pub plain: (f64, f64),
    /// S^exp(±z·SE/(S·ln S)): stays in [0, 1] and covers better near its ends (Kalbfleisch & Prentice 1980). Where S is
    /// 0 the transform is undefined and the last upper limit stays (the binomial one, when all fell at once).
    pub log_log: (f64, f64),
}

/// A Kaplan–Meier curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Turns with an event, in order.
    pub steps: Vec<Step>,
    /// The last turn at which anybody was seen.
    pub followed: u32,
    /// Observations with weight.
    pub items: usize,
    /// Clusters with weight.
    pub clusters: usize,
    /// Influence of each observation on S after each step.
    influence: Vec<Vec<f64>>,
    cluster_of: Vec<usize>,
    weights: Vec<f64>,
    confidence: f64,
}

/// Refuses what no survival estimator can read.
pub(crate) fn check(lifetimes: &[Lifetime], confidence: f64) -> Result<(), Refusal> {
    refusal::confidence(confidence)?;
    let weights: Vec<f64> = lifetimes.iter().map(|lifetime| lifetime.weight).collect();
    refusal::each("weight", &weights, "finite and at least 0", |weight| weight >= 0.0 && weight.is_finite())?;
    refusal::at_least("observations", weights.iter().filter(|weight| **weight > 0.0).count(), 1)
}

/// Turns with an event of the causes asked for, in order.
pub(crate) fn event_turns(lifetimes: &[Lifetime], cause: Option<usize>) -> Vec<u32> {
    let mut turns: Vec<u32> = lifetimes
        .iter()
        .filter(|lifetime| lifetime.weight > 0.0 && lifetime.counts(cause))
        .map(|lifetime| lifetime.turn)
        .collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

/// Y and d at a turn.
pub(crate) fn risk(lifetimes: &[Lifetime], turn: u32, cause: Option<usize>) -> (f64, f64) {
    lifetimes.iter().filter(|lifetime| lifetime.turn >= turn).fold((0.0, 0.0), |(at_risk, events), lifetime| {
        let falls = lifetime.turn == turn && lifetime.counts(cause);
        (at_risk + lifetime.weight, events + if falls { lifetime.weight } else { 0.0 })
    })
}

/// Estimates the curve. With a `cause`, other events are censoring (the cause-specific curve); with `None` every event
/// counts.
///
/// # Errors
/// No observation, a weight that is no weight, a confidence outside (0, 1).
///
/// ```
/// use undermask_measure::survival::{Ending, Lifetime, kaplan_meier};
/// let switch = Ending::Event(0);
/// // Four conversations: switched at 2, lost at 3, switched at 4, still caring at 5.
/// let seen = [(2, switch), (3, Ending::Censored), (4, switch), (5, Ending::Censored)];
/// let lifetimes: Vec<Lifetime> = seen.iter().enumerate().map(|(n, (turn, ending))| Lifetime::new(*turn, *ending, n)).collect();
/// let curve = kaplan_meier(&lifetimes, Some(0), 0.95)?;
/// assert_eq!(curve.at(3), 0.75);
/// assert_eq!(curve.at(4), 0.375); // ¾·½: two were still at risk
/// let mean = curve.restricted_mean(6)?; // 1 + 1 + ¾ + ¾ + ⅜ + ⅜
/// assert!((mean.value - 4.25).abs() < 1e-12);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn kaplan_meier(lifetimes: &[Lifetime], cause: Option<usize>, confidence: f64) -> Result<Curve, Refusal> {
    check(lifetimes, confidence)?;
    let present: Vec<Lifetime> = lifetimes.iter().copied().filter(|lifetime| lifetime.weight > 0.0).collect();
    let z = normal_quantile(0.5 + confidence / 2.0);
    let mut curve = Curve {
        steps: Vec::new(),
        followed: present.iter().map(|lifetime| lifetime.turn).max().unwrap_or(0),
        items: present.len(),
        clusters: distinct(&present),
        influence: Vec::new(),
        cluster_of: present.iter().map(|lifetime| lifetime.cluster).collect(),
        weights: present.iter().map(|lifetime| lifetime.weight).collect(),
        confidence,
    };
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let mut log_influence = vec![0.0; present.len()];
    for turn in event_turns(&present, cause) {
        let (at_risk, events) = risk(&present, turn, cause);
        let hazard = events / at_risk;
        let last = curve.steps.last().map(|step| step.log_log.1);
        if at_risk - events > 1e-12 * at_risk {
            survival *= 1.0 - hazard;
            greenwood += events / (at_risk * (at_risk - events));
            for (sum, lifetime) in log_influence.iter_mut().zip(&present).filter(|(_, one)| one.turn >= turn) {
                let falls = f64::from(u8::from(lifetime.turn == turn && lifetime.counts(cause)));
                *sum -= (falls - hazard) / (at_risk * (1.0 - hazard));
            }
        } else {
            survival = 0.0;
        }
        let variance = survival * survival * greenwood;
        let half = z * variance.sqrt();
        let log_log = if survival > 0.0 {
            let shift = (half / (survival * survival.ln())).abs();
            (survival.powf(shift.exp()), survival.powf((-shift).exp()))
        } else {
            (0.0, last.unwrap_or_else(|| 1.0 - (0.5 - confidence / 2.0).powf(1.0 / at_risk)))
        };
        curve.steps.push(Step {
            turn,
            at_risk,
            events,
            survival,
            variance,
            plain: ((survival - half).max(0.0), (survival + half).min(1.0)),
            log_log,
        });
        curve.influence.push(log_influence.iter().map(|part| survival * part).collect());
    }
    Ok(curve)
}

/// Clusters that occur.
pub(crate) fn distinct(lifetimes: &[Lifetime]) -> usize {
    let mut clusters: Vec<usize> = lifetimes.iter().map(|lifetime| lifetime.cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    clusters.len()
}

/// A value with influences of observations, summed by cluster and corrected by √(C/(C − 1)).
pub(crate) fn by_cluster(
    value: f64,
    influence: &[f64],
    weights: &[f64],
    cluster_of: &[usize],
    clusters: usize,
) -> Linear {
    let mut sums = vec![0.0; cluster_of.iter().max().map_or(0, |last| last + 1)];
    for ((part, weight), cluster) in influence.iter().zip(weights).zip(cluster_of) {
        sums[*cluster] += part * weight;
    }
    let count = clusters as f64;
    if clusters > 1 {
        sums.iter_mut().for_each(|part| *part *= (count / (count - 1.0)).sqrt());
    }
    Linear {
        value,
        influence: sums,
        kept: (count - 1.0).max(1.0) / count.max(1.0),
        items: influence.len(),
        clusters,
        slack: (0.0, 0.0),
    }
}

/// When a curve passes a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// At this turn.
    At(u32),
    /// Not by this turn, the last seen: right-censored.
    Beyond(u32),
}

/// The turn by which a share has switched, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile {
    /// Estimate.
    pub turn: Passing,
    /// Lower limit.
    pub low: Passing,
    /// Upper limit.
    pub high: Passing,
}

impl Curve {
    fn index(&self, turn: u32) -> Option<usize> {
        self.steps.partition_point(|step| step.turn <= turn).checked_sub(1)
    }

    /// S(turn). Past [`Curve::followed`] the last value is held; [`Curve::survival`] refuses there.
    pub fn at(&self, turn: u32) -> f64 {
        self.index(turn).map_or(1.0, |index| self.steps[index].survival)
    }

    /// S(turn) with the clusters' influence.
    ///
    /// # Errors
    /// A turn that nobody reached while some still survived.
    pub fn survival(&self, turn: u32) -> Result<Linear, Refusal> {
        self.covers(turn)?;
        let (value, influence) = match self.index(turn) {
            Some(index) => (self.steps[index].survival, self.influence[index].clone()),
            None => (1.0, vec![0.0; self.items]),
        };
        Ok(by_cluster(value, &influence, &self.weights, &self.cluster_of, self.clusters))
    }

    fn covers(&self, turn: u32) -> Result<(), Refusal> {
        let extinct = self.steps.last().is_some_and(|step| step.survival == 0.0);
        if turn > self.followed && !extinct {
            return Err(Refusal::Beyond { what: "turn", asked: f64::from(turn), limit: f64::from(self.followed) });
        }
        Ok(())
    }

    /// RMST, the mean number of turns lived before `horizon`: Σ_{t < τ} S(t), with the clusters' influence
    /// (Royston & Parmar 2013; in discrete time the integral is this sum). With one observation a cluster its variance
    /// is C/(C − 1) times Σ_j (∫_{t_j}^τ S)²·d_j/(Y_j·(Y_j − d_j)) (Klein & Moeschberger 2003, section 4.5).
    ///
    /// # Errors
    /// A horizon of 0, or one past the turns that were seen.
    pub fn restricted_mean(&self, horizon: u32) -> Result<Linear, Refusal> {
        if horizon == 0 {
            return Err(Refusal::Invalid { what: "horizon", place: 0, found: 0.0, wanted: "at least one turn" });
        }
        self.covers(horizon - 1)?;
        let mut influence = vec![0.0; self.items];
        let mut value = f64::from(horizon);
        for (index, step) in self.steps.iter().enumerate().filter(|(_, step)| step.turn < horizon) {
            let next = self.steps.get(index + 1).map_or(horizon, |next| next.turn.min(horizon));
            let turns = f64::from(next - step.turn);
            value -= turns * (1.0 - step.survival);
            for (sum, part) in influence.iter_mut().zip(&self.influence[index]) {
                *sum += turns * part;
            }
        }
        Ok(by_cluster(value, &influence, &self.weights, &self.cluster_of, self.clusters))
    }

    /// The first turn at which no more than `1 − share` survive, with the interval that inverts the log-log band
    /// (Brookmeyer & Crowley 1982). The median is `quantile(0.5)`.
    ///
    /// # Errors
    /// A share outside (0, 1).
    pub fn quantile(&self, share: f64) -> Result<Quantile, Refusal> {
        refusal::each("share", &[share], "between 0 and 1", |share| share > 0.0 && share < 1.0)?;
        let level = 1.0 - share + 1e-12;
        let passing = |value: &dyn Fn(&Step) -> f64| {
            let found = self.steps.iter().find(|step| value(step) <= level);
            found.map_or(Passing::Beyond(self.followed), |step| Passing::At(step.turn))
        };
        Ok(Quantile {
            turn: passing(&|step| step.survival),
            low: passing(&|step| step.log_log.0),
            high: passing(&|step| step.log_log.1),
        })
    }

    /// Limits of S when nothing has happened among those still seen at the end: no event in Y observations leaves
    /// S ≥ (α/2)^(1/Y) (Clopper & Pearson 1934). `None` when there was an event.
    pub fn unbroken(&self) -> Option<(f64, f64)> {
        let weight: f64 = self.weights.iter().sum();
        self.steps.is_empty().then(|| ((0.5 - self.confidence / 2.0).powf(1.0 / weight), 1.0))
    }
}

/// Percentile interval of any statistic of lifetimes, whole clusters drawn with replacement: the statistic sees every
/// observation with its weight times how often its cluster was drawn.
///
/// # Errors
/// Fewer than two clusters, or a statistic that is undefined on more than a tenth of the draws.
pub fn cluster_bootstrap(
    lifetimes: &[Lifetime],
    resamples: usize,
    seed: u64,
    confidence: f64,
    statistic: impl Fn(&[Lifetime]) -> Option<f64>,
) -> Result<(f64, f64), Refusal> {
    check(lifetimes, confidence)?;
    let mut names: Vec<usize> = lifetimes.iter().map(|lifetime| lifetime.cluster).collect();
    names.sort_unstable();
    names.dedup();
    refusal::at_least("clusters", names.len(), 2)?;
    refusal::at_least("resamples", resamples, 1)?;
    let places: Vec<usize> = lifetimes.iter().map(|one| names.partition_point(|name| *name < one.cluster)).collect();
    let drawn = |counts: &[f64]| {
        let weighted: Vec<Lifetime> = lifetimes
            .iter()
            .zip(&places)
            .map(|(one, place)| Lifetime { weight: one.weight * counts[*place], ..*one })
            .collect();
        statistic(&weighted)
    };
    resample::clustered(names.len(), resamples, seed, confidence, drawn).ok_or(Refusal::Undetermined {
        what: "the bootstrap interval",
        reason: "the statistic is undefined on more than a tenth of the draws",
    })
}
