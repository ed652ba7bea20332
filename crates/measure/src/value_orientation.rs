//! The slider measure of social value orientation (Murphy, Ackermann & Handgraaf 2011): an angle between own and other's
//! payoff from six choices, and from nine more whether a prosocial one shuns inequality or seeks joint gain.
//!
//! The items are those of [`undermask_suite::slider`]. Positions are those of the published order, 0 to 8: options must be
//! shown shuffled and brought back, and an angle means nothing without the random responder's beside it: 22.65° with a
//! deviation of 12.88° ([`random_responder`]), which is the edge of prosocial.

pub use undermask_suite::slider::{OPTIONS, Payoff, primary, secondary};
use undermask_suite::slider::{PRIMARY, SECONDARY};

use crate::random::Draws;
use crate::refusal::{self, Refusal};

/// Category of an angle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Orientation {
    /// Below −12.04°.
    Competitive,
    /// From −12.04°.
    Individualistic,
    /// From 22.45°.
    Prosocial,
    /// From 57.15°.
    Altruistic,
}

/// Category of an angle in degrees.
pub fn category(angle: f64) -> Orientation {
    match angle {
        angle if angle >= 57.15 => Orientation::Altruistic,
        angle if angle >= 22.45 => Orientation::Prosocial,
        angle if angle >= -12.04 => Orientation::Individualistic,
        _ => Orientation::Competitive,
    }
}

/// Refuses positions outside the items.
fn check(choices: &[usize], items: usize) -> Result<(), Refusal> {
    refusal::same_length(("choices", choices.len()), ("items", items))?;
    let places: Vec<f64> = choices.iter().map(|choice| *choice as f64).collect();
    refusal::each("choice", &places, "a position from 0 to 8", |place| place < OPTIONS as f64)
}

/// The angle in degrees, atan[(mean other − 50)/(mean own − 50)], of positions in the six primary items.
///
/// # Errors
/// Not six positions, or one past 8.
///
/// ```
/// use undermask_measure::value_orientation::{Orientation, angle, category};
/// // The other's payoff always largest.
/// let found = angle(&[0, 8, 0, 0, 8, 8])?;
/// assert!((found - 61.39).abs() < 0.005);
/// assert_eq!(category(found), Orientation::Altruistic);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn angle(choices: &[usize]) -> Result<f64, Refusal> {
    check(choices, PRIMARY.len())?;
    let items = primary();
    let (mut own, mut other) = (0.0, 0.0);
    for (item, choice) in items.iter().zip(choices) {
        own += f64::from(item[*choice].own) / 6.0;
        other += f64::from(item[*choice].other) / 6.0;
    }
    // The mean of own is at least 67.5, so this is the plain arc tangent.
    Ok((other - 50.0).atan2(own - 50.0).to_degrees())
}

/// Whether the six primary choices fit one ranking. The items are the six pairs of four payoffs (85/85, 85/15, 100/50,
/// 50/100); a choice nearer one end prefers it, the middle is indifference. Transitive: no cycle of preferences of which
/// one is strict. A quarter of random responders passes (26%), so this screens and does not prove.
///
/// # Errors
/// As [`angle`].
///
/// ```
/// use undermask_measure::value_orientation::transitive;
/// assert!(transitive(&[0, 8, 0, 0, 8, 8])?);
/// // 85/85 over 85/15, 85/15 over 100/50, 100/50 over 85/85.
/// assert!(!transitive(&[0, 0, 8, 4, 4, 0])?);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn transitive(choices: &[usize]) -> Result<bool, Refusal> {
    check(choices, PRIMARY.len())?;
    let mut corners: Vec<(i32, i32)> = PRIMARY.iter().flat_map(|(one, two)| [*one, *two]).collect();
    corners.sort_unstable();
    corners.dedup();
    let place = |corner: (i32, i32)| corners.partition_point(|other| *other < corner);
    let mut weakly = [[false; 4]; 4];
    let mut strictly = [[false; 4]; 4];
    for ((one, two), choice) in PRIMARY.iter().zip(choices) {
        let (one, two) = (place(*one), place(*two));
        weakly[one][two] |= *choice <= 4;
        weakly[two][one] |= *choice >= 4;
        strictly[one][two] |= *choice < 4;
        strictly[two][one] |= *choice > 4;
    }
    for via in 0..4 {
        for from in 0..4 {
            for to in 0..4 {
                weakly[from][to] |= weakly[from][via] && weakly[via][to];
            }
        }
    }
    Ok(!(0..4).any(|one| (0..4).any(|two| weakly[one][two] && strictly[two][one])))
}

/// The inequality-aversion index of positions in the nine secondary items: 0 for one who always shuns inequality, 1 for
/// one who always seeks joint gain. With D the mean distance in options from the option that is best for each,
/// index = D_equal/(D_equal + D_joint). Items of constant sum (8, 11, 13) have no joint-gain option and are left out of
/// both. It is meant for prosocial responders only. (The published index's own treatment of those items could not be
/// checked against its source here.)
///
/// # Errors
/// Not nine positions, or one past 8.
///
/// ```
/// use undermask_measure::value_orientation::inequality_index;
/// assert_eq!(inequality_index(&[8, 4, 0, 8, 4, 8, 4, 0, 0])?, 1.0);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn inequality_index(choices: &[usize]) -> Result<f64, Refusal> {
    check(choices, SECONDARY.len())?;
    let (mut equal, mut joint) = (0.0, 0.0);
    for (ends, choice) in SECONDARY.iter().zip(choices) {
        let ((own, other), (last_own, last_other)) = *ends;
        let (first, last) = (own + other, last_own + last_other);
        if first == last {
            continue;
        }
        // On the line itself, free of rounding: eighths of a unit.
        let gap = |step: &usize| {
            let step = *step as i32;
            (8 * (own - other) + step * ((last_own - last_other) - (own - other))).abs()
        };
        let nearest = (0..OPTIONS).min_by_key(gap).unwrap_or(0);
        let most = if last > first { OPTIONS - 1 } else { 0 };
        equal += choice.abs_diff(nearest) as f64;
        joint += choice.abs_diff(most) as f64;
    }
    if equal + joint == 0.0 {
        return Err(Refusal::Undetermined { what: "the inequality index", reason: "both ideals were always met" });
    }
    Ok(equal / (equal + joint))
}

/// Angles of a responder who chooses at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomResponder {
    /// Mean angle, degrees.
    pub mean: f64,
    /// Standard deviation, degrees.
    pub deviation: f64,
    /// Share of transitive responders.
    pub transitive: f64,
}

/// Simulates the null: every option equally likely.
///
/// # Errors
/// Fewer than two draws.
pub fn random_responder(draws: usize, seed: u64) -> Result<RandomResponder, Refusal> {
    refusal::at_least("draws", draws, 2)?;
    let mut random = Draws::new(seed, 51);
    let (mut sum, mut squares, mut ranked) = (0.0, 0.0, 0usize);
    for _ in 0..draws {
        let choices: [usize; 6] = std::array::from_fn(|_| random.below(OPTIONS));
        let found = angle(&choices)?;
        sum += found;
        squares += found * found;
        ranked += usize::from(transitive(&choices)?);
    }
    let count = draws as f64;
    let mean = sum / count;
    let deviation = ((squares - count * mean * mean) / (count - 1.0)).max(0.0).sqrt();
    Ok(RandomResponder { mean, deviation, transitive: ranked as f64 / count })
}
