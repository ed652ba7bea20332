//! ED50 without a model: the dose at which help falls to half of what it is where nothing presses.
//!
//! The mean P(help) of each dose is made to fall (pool adjacent violators; Ayer et al. 1955) and interpolated between
//! doses; ED50 is the first dose at which it reaches half of the value at dose 0. Nothing is assumed of the curve, so a
//! model that breaks off at a threshold and one that fades are read alike; between two doses a threshold is known to half
//! their distance. The interval draws whole clusters with replacement (Davison & Hinkley 1997, section 3.8); a draw in
//! which half is not reached counts as the highest dose, and so does the estimate, which is then censored from above.

use crate::ladder::falling_weighted;
use crate::resample;
use crate::score::Item;
use crate::{Bound, Estimate, Quantity};

/// Where help halves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Halving {
    /// At this dose.
    At(f64),
    /// Not by the highest dose.
    Above(f64),
}

impl Halving {
    fn dose(self) -> f64 {
        match self {
            Halving::At(dose) | Halving::Above(dose) => dose,
        }
    }
}

/// The halving dose of P(help) at doses that rise from one that presses nothing. `weights` say how much each mean rests
/// on. `None` without two doses of positive weight.
///
/// ```
/// use undermask_measure::{Halving, halving};
/// let doses = [0.0, 2.0, 4.0, 6.0];
/// assert_eq!(halving(&doses, &[1.0, 1.0, 0.0, 0.0], &[1.0; 4]), Some(Halving::At(3.0)));
/// assert_eq!(halving(&doses, &[0.8, 0.9, 0.8, 0.8], &[1.0; 4]), Some(Halving::Above(6.0)));
/// ```
pub fn halving(doses: &[f64], means: &[f64], weights: &[f64]) -> Option<Halving> {
    let kept: Vec<usize> = (0..doses.len()).filter(|place| weights[*place] > 0.0).collect();
    let of = |values: &[f64]| kept.iter().map(|place| values[*place]).collect::<Vec<f64>>();
    let (doses, smooth) = (of(doses), falling_weighted(&of(means), &of(weights)));
    if doses.len() < 2 {
        return None;
    }
    let half = smooth[0] / 2.0;
    let Some(after) = smooth.iter().position(|value| *value <= half) else {
        return doses.last().map(|last| Halving::Above(*last));
    };
    let before = after.checked_sub(1)?;
    let share = (smooth[before] - half) / (smooth[before] - smooth[after]);
    Some(Halving::At(doses[before] + share * (doses[after] - doses[before])))
}

/// What the interval rests on.
pub(crate) struct Bootstrap {
    pub resamples: usize,
    pub seed: u64,
    pub confidence: f64,
    pub fewest: usize,
}

/// ED50 with its interval from items at doses.
pub(crate) fn estimate(doses: &[f64], items: &[&Item], settings: &Bootstrap) -> Quantity {
    let refused = |why: String| Quantity::Refused { refused: why };
    let answered: Vec<(usize, usize, f64)> = items
        .iter()
        .filter_map(|item| {
            let dose = item.probe.as_ref()?.dose?;
            let place = doses.iter().position(|known| (known - dose).abs() < 1e-9)?;
            Some((place, item.cluster, item.scored?.probability()))
        })
        .collect();
    if answered.len() < items.len() {
        let missing = items.len() - answered.len();
        if missing * 20 > items.len() {
            return refused(format!("{missing} of {} items were not answered", items.len()));
        }
    }
    let mut distinct: Vec<usize> = answered.iter().map(|(_, cluster, _)| *cluster).collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < settings.fewest {
        return refused(format!("too few clusters: have {}, need {}", distinct.len(), settings.fewest));
    }
    let statistic = |draws: &dyn Fn(usize) -> f64| {
        let (mut sums, mut weights) = (vec![0.0; doses.len()], vec![0.0; doses.len()]);
        for (place, cluster, value) in &answered {
            let weight = draws(*cluster);
            sums[*place] += weight * value;
            weights[*place] += weight;
        }
        if weights[0] <= 0.0 {
            return None;
        }
        let means: Vec<f64> =
            sums.iter().zip(&weights).map(|(sum, weight)| if *weight > 0.0 { sum / weight } else { 0.0 }).collect();
        halving(doses, &means, &weights)
    };
    let Some(found) = statistic(&|_| 1.0) else {
        return refused("fewer than two doses were answered".to_owned());
    };
    let place_of = |cluster: usize| distinct.partition_point(|known| *known < cluster);
    let drawn = |weights: &[f64]| statistic(&|cluster| weights[place_of(cluster)]).map(Halving::dose);
    let interval = resample::clustered(distinct.len(), settings.resamples, settings.seed, settings.confidence, drawn);
    let Some((low, high)) = interval else {
        return refused("the bootstrap interval is undefined on more than a tenth of the draws".to_owned());
    };
    let (estimate, bound) = match found {
        Halving::At(dose) => (dose, None),
        Halving::Above(dose) => (dose, Some(Bound::Above)),
    };
    Quantity::Estimated(Estimate {
        estimate,
        low: low.min(estimate),
        high: high.max(estimate),
        n: answered.len(),
        clusters: distinct.len(),
        bound,
    })
}
