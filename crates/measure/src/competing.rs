//! Cumulative incidence under competing events (Aalen & Johansen 1978): the share that has switched by a turn, where a
//! refusal or incoherence ends a conversation otherwise and is not censoring.
//!
//! F_k(t) = Σ_{s ≤ t} S(s−)·d_k(s)/Y(s), with S the curve of all events. Its influence values follow from
//! dF_k = Σ (S(s−)·dh_k + h_k·dS(s−)); their squares sum to the delta-method variance of Dinse & Larson (1986).

use crate::linear::Linear;
use crate::refusal::Refusal;
use crate::special::normal_quantile;
use crate::survival::{Lifetime, by_cluster, check, distinct, event_turns, risk};

/// Incidence at one turn with an event of any cause.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidenceStep {
    /// Turn.
    pub turn: u32,
    /// F_k just after it.
    pub incidence: f64,
    /// Variance, observations taken as independent.
    pub variance: f64,
    /// F^exp(±z·SE/(F·ln F)); where F is 0, up to the binomial limit 1 − (α/2)^(1/n); where F is 1, from (α/2)^(1/n).
    pub interval: (f64, f64),
}

/// Cumulative incidence of one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Incidence {
    /// Turns with any event, in order.
    pub steps: Vec<IncidenceStep>,
    /// The last turn at which anybody was seen.
    pub followed: u32,
    /// Clusters.
    pub clusters: usize,
    influence: Vec<Vec<f64>>,
    cluster_of: Vec<usize>,
    weights: Vec<f64>,
    extinct: bool,
}

/// Estimates the incidence of `cause`.
///
/// # Errors
/// As [`crate::survival::kaplan_meier`].
///
/// ```
/// use undermask_measure::competing::cumulative_incidence;
/// use undermask_measure::survival::{Ending, Lifetime};
/// let (switch, refuses) = (Ending::Event(0), Ending::Event(1));
/// let seen = [(1, switch), (2, refuses), (3, switch), (4, Ending::Censored)];
/// let lifetimes: Vec<Lifetime> = seen.iter().enumerate().map(|(n, (turn, ending))| Lifetime::new(*turn, *ending, n)).collect();
/// let found = cumulative_incidence(&lifetimes, 0, 0.95)?;
/// assert_eq!(found.at(3), 0.5); // nothing was censored: two of four
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn cumulative_incidence(lifetimes: &[Lifetime], cause: usize, confidence: f64) -> Result<Incidence, Refusal> {
    check(lifetimes, confidence)?;
    let present: Vec<Lifetime> = lifetimes.iter().copied().filter(|lifetime| lifetime.weight > 0.0).collect();
    let z = normal_quantile(0.5 + confidence / 2.0);
    let weights: Vec<f64> = present.iter().map(|lifetime| lifetime.weight).collect();
    let total: f64 = weights.iter().sum();
    let limit = (0.5 - confidence / 2.0).powf(1.0 / total);
    let (mut survival, mut incidence) = (1.0, 0.0);
    let (mut log_survival, mut influence) = (vec![0.0; present.len()], vec![0.0; present.len()]);
    let mut found = Incidence {
        steps: Vec::new(),
        followed: present.iter().map(|lifetime| lifetime.turn).max().unwrap_or(0),
        clusters: distinct(&present),
        influence: Vec::new(),
        cluster_of: present.iter().map(|lifetime| lifetime.cluster).collect(),
        weights,
        extinct: false,
    };
    for turn in event_turns(&present, None) {
        let (at_risk, any) = risk(&present, turn, None);
        let (_, own) = risk(&present, turn, Some(cause));
        let (hazard, own_hazard) = (any / at_risk, own / at_risk);
        let all_fall = at_risk - any <= 1e-12 * at_risk;
        for ((lifetime, log_part), part) in present.iter().zip(&mut log_survival).zip(&mut influence) {
            *part += own_hazard * survival * *log_part;
            if lifetime.turn < turn {
                continue;
            }
            let falls = |counted| f64::from(u8::from(lifetime.turn == turn && lifetime.counts(counted)));
            *part += survival * (falls(Some(cause)) - own_hazard) / at_risk;
            if !all_fall {
                *log_part -= (falls(None) - hazard) / (at_risk * (1.0 - hazard));
            }
        }
        incidence += survival * own_hazard;
        survival = if all_fall { 0.0 } else { survival * (1.0 - hazard) };
        let variance: f64 = influence.iter().zip(&found.weights).map(|(part, weight)| weight * part * part).sum();
        let interval = if incidence <= 0.0 {
            (0.0, 1.0 - limit)
        } else if incidence > 1.0 - 1e-12 {
            (limit, 1.0)
        } else {
            let shift = (z * variance.sqrt() / (incidence * incidence.ln())).abs();
            (incidence.powf(shift.exp()), incidence.powf((-shift).exp()))
        };
        found.steps.push(IncidenceStep { turn, incidence, variance, interval });
        found.influence.push(influence.clone());
    }
    found.extinct = survival == 0.0;
    Ok(found)
}

impl Incidence {
    fn index(&self, turn: u32) -> Option<usize> {
        self.steps.partition_point(|step| step.turn <= turn).checked_sub(1)
    }

    /// F(turn), held at its last value.
    pub fn at(&self, turn: u32) -> f64 {
        self.index(turn).map_or(0.0, |index| self.steps[index].incidence)
    }

    /// F(turn) with the clusters' influence.
    ///
    /// # Errors
    /// A turn that nobody reached.
    pub fn incidence(&self, turn: u32) -> Result<Linear, Refusal> {
        if turn > self.followed && !self.extinct {
            return Err(Refusal::Beyond { what: "turn", asked: f64::from(turn), limit: f64::from(self.followed) });
        }
        let (value, influence) = match self.index(turn) {
            Some(index) => (self.steps[index].incidence, self.influence[index].clone()),
            None => (0.0, vec![0.0; self.weights.len()]),
        };
        Ok(by_cluster(value, &influence, &self.weights, &self.cluster_of, self.clusters))
    }
}
