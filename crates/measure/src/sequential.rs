//! Stopping early without cheating: an interval that holds at every look, for bounded cluster means.
//!
//! The hedged capital process of Waudby-Smith & Ramdas (2024, theorem 3): for each candidate mean m, bets
//! K⁺_t = Π(1 + λ⁺_i·(x_i − m)) and K⁻_t = Π(1 − λ⁻_i·(x_i − m)) are fair games if m is the mean, so by Ville's
//! inequality max(K⁺, K⁻)/2 ever reaches 1/α with probability at most α. The interval is every m that was never rejected.
//! Bets are the predictable plug-in λ_t = √(2·ln(2/α)/(σ̂²_{t−1}·t·ln(t + 1))), capped at ½/m and ½/(1 − m).
//!
//! It holds whenever values lie in their range and each has the same mean given those before: independent scenarios in
//! random order. Order them by a seed before the run, never by what they answered.

use crate::refusal::{self, Refusal};

/// Candidate means on [0, 1].
const CANDIDATES: usize = 1000;
/// Largest share of the capital on one plug-in bet.
const CAP: f64 = 0.5;

/// How much is bet.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bets {
    /// The plug-in, up to this share of the capital.
    PlugIn(f64),
    /// This share of the capital, always.
    Constant(f64),
}

/// Where a mean lies against a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// All of the interval is below.
    Below,
    /// All of it is above.
    Above,
    /// Not settled: go on.
    Continue,
}

/// A confidence sequence that grows with each value.
#[derive(Debug, Clone)]
pub struct Sequence {
    range: (f64, f64),
    level: f64,
    bets: Bets,
    /// ln K⁺ and ln K⁻ of each candidate, or `None` once rejected.
    capital: Vec<Option<(f64, f64)>>,
    seen: usize,
    sum: f64,
    squares: f64,
    interval: (f64, f64),
}

impl Sequence {
    /// A sequence for values in a range, before any is seen.
    ///
    /// # Errors
    /// An empty range, a confidence outside (0, 1).
    ///
    /// ```
    /// use undermask_measure::sequential::{Look, Sequence};
    /// let mut sequence = Sequence::new((0.0, 1.0), 0.95)?;
    /// let values = [0.9, 0.8, 0.95, 0.85, 0.9, 0.75, 0.9, 0.85, 0.95, 0.9, 0.8, 0.9];
    /// let stop = values.iter().position(|value| {
    ///     sequence.push(*value).expect("in range");
    ///     sequence.look(0.5) != Look::Continue
    /// });
    /// assert!(stop.is_some());
    /// assert_eq!(sequence.look(0.5), Look::Above);
    /// # Ok::<(), undermask_measure::Refusal>(())
    /// ```
    pub fn new(range: (f64, f64), confidence: f64) -> Result<Sequence, Refusal> {
        Sequence::with(range, confidence, Bets::PlugIn(CAP))
    }

    /// The same, risking a constant share of the capital on each value. That keeps the guarantee, since the capital stays
    /// positive whatever comes, is quick where values lie far from the threshold and off the range's ends, and makes the
    /// upper end of the interval rise with each value: a value put too high can only delay what it speaks against.
    ///
    /// # Errors
    /// As [`Sequence::new`]; a share outside (0, 1).
    ///
    /// ```
    /// use undermask_measure::sequential::{Look, Sequence};
    /// let seen = |mut sequence: Sequence| (0..20).take_while(|_| {
    ///     sequence.push(0.3).expect("in range");
    ///     sequence.look(0.55) == Look::Continue
    /// }).count() + 1;
    /// assert!(seen(Sequence::constant((0.0, 1.0), 0.98, 0.9)?) < seen(Sequence::new((0.0, 1.0), 0.98)?));
    /// # Ok::<(), undermask_measure::Refusal>(())
    /// ```
    pub fn constant(range: (f64, f64), confidence: f64, share: f64) -> Result<Sequence, Refusal> {
        refusal::each("share of the capital", &[share], "between 0 and 1", |share| share > 0.0 && share < 1.0)?;
        Sequence::with(range, confidence, Bets::Constant(share))
    }

    fn with(range: (f64, f64), confidence: f64, bets: Bets) -> Result<Sequence, Refusal> {
        refusal::confidence(confidence)?;
        refusal::each("width of the range", &[range.1 - range.0], "above 0", |width| width > 0.0 && width.is_finite())?;
        Ok(Sequence {
            range,
            level: 1.0 - confidence,
            bets,
            capital: vec![Some((0.0, 0.0)); CANDIDATES + 1],
            seen: 0,
            sum: 0.0,
            squares: 0.0,
            interval: (0.0, 1.0),
        })
    }

    /// Takes in one cluster's mean.
    ///
    /// # Errors
    /// A value outside the range, which would break the guarantee; the sequence is unchanged.
    pub fn push(&mut self, value: f64) -> Result<(), Refusal> {
        let (low, high) = self.range;
        if !(low..=high).contains(&value) {
            return Err(Refusal::Invalid { what: "value", place: self.seen, found: value, wanted: "within the range" });
        }
        let x = (value - low) / (high - low);
        // σ̂² before this value: bets must not know what they are on.
        let count = self.seen as f64 + 1.0;
        let variance = (0.25 + self.squares) / count;
        let (bet, cap) = match self.bets {
            Bets::PlugIn(cap) => {
                ((2.0 * (2.0 / self.level).ln() / (variance * count * (count + 1.0).ln())).sqrt(), cap)
            }
            Bets::Constant(share) => (f64::INFINITY, share),
        };
        let limit = (2.0 / self.level).ln();
        for (place, capital) in self.capital.iter_mut().enumerate() {
            let Some((up, down)) = capital.as_mut() else { continue };
            let mean = place as f64 / CANDIDATES as f64;
            *up += (bet.min(cap / mean) * (x - mean)).ln_1p();
            *down += (-bet.min(cap / (1.0 - mean)) * (x - mean)).ln_1p();
            if up.max(*down) >= limit {
                *capital = None;
            }
        }
        self.seen += 1;
        self.sum += x;
        let mean = (0.5 + self.sum) / (self.seen as f64 + 1.0);
        self.squares += (x - mean).powi(2);
        let kept = |place: &usize| self.capital[*place].is_some();
        let (first, last) = ((0..=CANDIDATES).find(kept), (0..=CANDIDATES).rfind(kept));
        // Where every candidate is rejected (an error of probability below α) the last interval stays. Rejected sets are
        // intervals from the ends, so the truth lies within a step of a candidate that is left.
        if let (Some(first), Some(last)) = (first, last) {
            let step = 1.0 / CANDIDATES as f64;
            let (low, high) = (first as f64 * step - step, last as f64 * step + step);
            self.interval = (self.interval.0.max(low), self.interval.1.min(high));
        }
        Ok(())
    }

    /// Values seen.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Mean of the values; `None` before the first.
    pub fn mean(&self) -> Option<f64> {
        let (low, high) = self.range;
        (self.seen > 0).then(|| low + (high - low) * self.sum / self.seen as f64)
    }

    /// The interval now. It never widens, and holds at all looks together.
    pub fn interval(&self) -> (f64, f64) {
        let (low, high) = self.range;
        let value = |share: f64| low + (high - low) * share.clamp(0.0, 1.0);
        (value(self.interval.0), value(self.interval.1))
    }

    /// Whether the interval settles on which side of a threshold the mean lies.
    pub fn look(&self, threshold: f64) -> Look {
        match self.interval() {
            (low, _) if low > threshold => Look::Above,
            (_, high) if high < threshold => Look::Below,
            _ => Look::Continue,
        }
    }
}
