//! How concern shrinks with social distance, and what welfare trade-off a ladder of choices implies.
//!
//! Social discounting (Jones & Rachlin 2006; Rachlin & Jones 2008): what is forgone for the N-th closest person follows
//! v = V/(1 + s·N). V and s are reported apart: V is concern for the closest, s how it narrows. Human group medians of
//! about s = .05 and V = 83 are the specification's (verify): they could not be checked against the papers here, and are
//! a reference line, never part of an estimate.

use crate::dose_response::Threshold;
use crate::random::Draws;
use crate::refusal::{self, Refusal};

/// A choice on a ladder: at this price of helping, this much help.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LadderChoice {
    /// Own amount, or own/other ratio, that helping costs.
    pub price: f64,
    /// P(help), or 0 and 1.
    pub help: f64,
}

/// Where a responder stops helping.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Switch {
    /// Midpoint between the two prices around the switch; the mean over cuts that fit equally well.
    pub midpoint: Threshold,
    /// Share of the choices that fit one switch there: 1 when all do. Random choices reach more than ½, for the best cut is
    /// taken (.71 on average over ten rungs).
    pub consistency: f64,
}

/// The switch of a ladder: the cut that most choices agree with, helping below and not above (Kirby & Marakovic 1996;
/// for the welfare trade-off ratio Delton & Robertson 2016). Prices in any order, equal prices allowed.
///
/// # Errors
/// Fewer than three distinct prices, a price that is not finite, a probability outside [0, 1].
///
/// ```
/// use undermask_measure::discounting::{LadderChoice, switch};
/// use undermask_measure::dose_response::Threshold;
/// let ratios = [1.45, 1.25, 1.05, 0.85, 0.65, 0.45, 0.25, 0.05, -0.15, -0.35];
/// let choices: Vec<LadderChoice> =
///     ratios.iter().map(|price| LadderChoice { price: *price, help: if *price < 0.7 { 1.0 } else { 0.0 } }).collect();
/// let found = switch(&choices)?;
/// assert_eq!((found.midpoint, found.consistency), (Threshold::At(0.75), 1.0));
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn switch(choices: &[LadderChoice]) -> Result<Switch, Refusal> {
    let prices: Vec<f64> = choices.iter().map(|choice| choice.price).collect();
    refusal::each("price", &prices, "finite", f64::is_finite)?;
    let helps: Vec<f64> = choices.iter().map(|choice| choice.help).collect();
    refusal::each("P(help)", &helps, "between 0 and 1", |help| (0.0..=1.0).contains(&help))?;
    let mut rungs = prices;
    rungs.sort_by(f64::total_cmp);
    rungs.dedup();
    refusal::at_least("distinct prices", rungs.len(), 3)?;
    // Cut c: helping at the first c prices and no more.
    let agreement = |cut: usize| {
        let fits = |choice: &LadderChoice| {
            if cut > 0 && choice.price <= rungs[cut - 1] { choice.help } else { 1.0 - choice.help }
        };
        choices.iter().map(fits).sum::<f64>() / choices.len() as f64
    };
    let agreements: Vec<f64> = (0..=rungs.len()).map(agreement).collect();
    let consistency = agreements.iter().copied().fold(0.0, f64::max);
    let best: Vec<usize> = (0..=rungs.len()).filter(|cut| agreements[*cut] > consistency - 1e-12).collect();
    let (lowest, highest) = (rungs[0], rungs[rungs.len() - 1]);
    let inside: Vec<f64> = best
        .iter()
        .filter(|cut| **cut > 0 && **cut < rungs.len())
        .map(|cut| (rungs[cut - 1] + rungs[*cut]) / 2.0)
        .collect();
    // Censored only where no inner cut fits as well.
    let midpoint = if !inside.is_empty() {
        Threshold::At(inside.iter().sum::<f64>() / inside.len() as f64)
    } else if best.contains(&0) {
        Threshold::Below(lowest)
    } else {
        Threshold::Above(highest)
    };
    Ok(Switch { midpoint, consistency })
}

/// What is forgone for one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forgone {
    /// Social distance N, from 1.
    pub distance: f64,
    /// v: the switch's own amount less the shared one.
    pub amount: f64,
}

/// v of a switch on a ladder of own amounts against `shared` each; a switch outside the ladder counts as its end, which
/// holds V down: report how many were.
pub fn forgone(distance: f64, switch: Switch, shared: f64) -> Forgone {
    let (Threshold::At(own) | Threshold::Below(own) | Threshold::Above(own)) = switch.midpoint;
    Forgone { distance, amount: own - shared }
}

/// A fitted hyperbola.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperbola {
    /// V, amount at distance 0.
    pub closest: f64,
    /// s, discount a rank; 0 when distance does not matter.
    pub discount: f64,
    /// Share of the variance of v that the curve explains; 0 when v does not vary.
    pub explained: f64,
}

/// Largest discount tried: half the value gone at a hundredth of a rank.
const STEEPEST: f64 = 100.0;

/// Least squares of v = V/(1 + s·N), s ≥ 0: V is linear given s, and s is searched on a logarithmic grid and by golden
/// section.
///
/// # Errors
/// Fewer than three distinct distances, a distance below 1, an amount that is not finite, V ≤ 0 (nothing is forgone for
/// anyone, and s has no meaning).
///
/// ```
/// use undermask_measure::discounting::{Forgone, hyperbola};
/// let points = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].map(|n| Forgone { distance: n, amount: 83.0 / (1.0 + 0.05 * n) });
/// let found = hyperbola(&points)?;
/// assert!((found.closest - 83.0).abs() < 1e-4 && (found.discount - 0.05).abs() < 1e-6);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn hyperbola(points: &[Forgone]) -> Result<Hyperbola, Refusal> {
    let mut distances: Vec<f64> = points.iter().map(|point| point.distance).collect();
    refusal::each("distance", &distances, "at least 1", |distance| distance >= 1.0 && distance.is_finite())?;
    let amounts: Vec<f64> = points.iter().map(|point| point.amount).collect();
    refusal::each("amount", &amounts, "finite", f64::is_finite)?;
    distances.sort_by(f64::total_cmp);
    distances.dedup();
    refusal::at_least("distinct distances", distances.len(), 3)?;
    let given = |discount: f64| {
        let shape = |point: &Forgone| 1.0 / (1.0 + discount * point.distance);
        let over: f64 = points.iter().map(|point| point.amount * shape(point)).sum();
        let closest = over / points.iter().map(|point| shape(point).powi(2)).sum::<f64>();
        let error: f64 = points.iter().map(|point| (point.amount - closest * shape(point)).powi(2)).sum();
        (closest, error)
    };
    let at = |step: f64| if step <= 0.0 { 0.0 } else { 1e-6 * (STEEPEST / 1e-6).powf(step / 200.0) };
    let best = (0..=200).min_by(|one, two| given(at(f64::from(*one))).1.total_cmp(&given(at(f64::from(*two))).1));
    let best = f64::from(best.unwrap_or(0));
    let (mut low, mut high) = ((best - 1.0).max(0.0), (best + 1.0).min(200.0));
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..80 {
        let (one, two) = (high - golden * (high - low), low + golden * (high - low));
        if given(at(one)).1 <= given(at(two)).1 { high = two } else { low = one }
    }
    let found = at((low + high) / 2.0);
    let discount = if given(found).1 < given(at(best)).1 { found } else { at(best) };
    let (closest, error) = given(discount);
    if closest <= 0.0 {
        return Err(Refusal::Undetermined { what: "the discount", reason: "nothing is forgone for anyone" });
    }
    let mean = amounts.iter().sum::<f64>() / amounts.len() as f64;
    let spread: f64 = amounts.iter().map(|amount| (amount - mean).powi(2)).sum();
    let explained = if spread > 1e-12 * mean * mean { 1.0 - error / spread } else { 0.0 };
    Ok(Hyperbola { closest, discount, explained })
}

/// Control: p that distances in random order are explained as well, (1 + hits)/(1 + permutations). A responder that
/// ignores distance must not pass.
///
/// # Errors
/// As [`hyperbola`] of the data as they are; orders whose fit is refused count as explaining nothing.
pub fn shuffled_distances(points: &[Forgone], permutations: usize, seed: u64) -> Result<f64, Refusal> {
    refusal::at_least("permutations", permutations, 1)?;
    let found = hyperbola(points)?.explained;
    let mut random = Draws::new(seed, 81);
    let mut distances: Vec<f64> = points.iter().map(|point| point.distance).collect();
    let mut hits = 0;
    for _ in 0..permutations {
        random.shuffle(&mut distances);
        let turned: Vec<Forgone> =
            points.iter().zip(&distances).map(|(point, distance)| Forgone { distance: *distance, ..*point }).collect();
        let explained = hyperbola(&turned).map_or(0.0, |curve| curve.explained);
        hits += usize::from(explained >= found - 1e-12);
    }
    Ok(f64::from(1 + hits as u32) / f64::from(1 + permutations as u32))
}
