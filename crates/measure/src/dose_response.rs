//! At what dose of price or pressure does concern give way?
//!
//! Two estimators of ED50. [`isotonic`], the primary one, assumes only that help does not rise with the dose: means by
//! dose, pooled where they rise (Ayer et al. 1955), and linear interpolation where the curve crosses its level. It is
//! right for a step, which no logistic is. [`hill`] fits P = L + (U − L)/(1 + (ED50/d)^h) (Hill 1910; MEASUREMENT,
//! section 5): L is the level without a dose, U the level under unlimited dose, so U < L where concern gives way.
//! Both say when the dose was not reached ([`Threshold::Above`]) or already passed at the lowest ([`Threshold::Below`]).

use crate::ladder::falling_weighted;
use crate::optimise::simplex;
use crate::random::Draws;
use crate::refusal::{self, Refusal};
use crate::special::{chi_squared_above, chi_squared_quantile};

/// Fewest distinct doses.
const FEWEST_DOSES: usize = 6;
/// Probabilities are kept this far from 0 and 1 in the likelihood: a step function must not make it infinite.
const EDGE: f64 = 1e-9;

/// One answer under a dose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The dose, 0 for none.
    pub dose: f64,
    /// P(help), or 0 and 1.
    pub help: f64,
    /// Cluster (scenario), from 0.
    pub cluster: usize,
}

/// A dose that may lie outside those tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Below the lowest dose (which it names): left-censored.
    Below(f64),
    /// At this dose.
    At(f64),
    /// Above the highest dose (which it names): right-censored.
    Above(f64),
}

impl Threshold {
    /// For ordering draws: censored ends are infinite.
    fn place(self) -> f64 {
        match self {
            Threshold::Below(_) => f64::NEG_INFINITY,
            Threshold::At(dose) => dose,
            Threshold::Above(_) => f64::INFINITY,
        }
    }
}

/// On which scale doses are evenly apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The dose itself; the response is logistic in d.
    Linear,
    /// Its logarithm, as in Hill's equation; a dose of 0 has the response L.
    Log,
}

impl Scale {
    fn of(self, dose: f64) -> f64 {
        if self == Scale::Log { dose.ln() } else { dose }
    }

    fn dose(self, place: f64) -> f64 {
        if self == Scale::Log { place.exp() } else { place }
    }
}

/// ED50 without a model of the curve.
#[derive(Debug, Clone, PartialEq)]
pub struct IsotonicEd50 {
    /// Where the curve crosses its level.
    pub estimate: Threshold,
    /// Lower limit: the bootstrap's, and no higher than the dose before the crossing.
    pub low: Threshold,
    /// Upper limit: the bootstrap's, and no lower than the dose after the crossing.
    pub high: Threshold,
    /// P(help) that counts as given way: half of that at the lowest dose.
    pub level: f64,
    /// (dose, mean, mean without rises), by dose.
    pub curve: Vec<(f64, f64, f64)>,
}

/// (dose, Σ weight·help, Σ weight) by dose, in order.
fn table(answers: &[Answer], weights: Option<&[f64]>) -> Vec<(f64, f64, f64)> {
    let mut order: Vec<usize> = (0..answers.len()).collect();
    order.sort_by(|one, two| answers[*one].dose.total_cmp(&answers[*two].dose));
    let mut rows: Vec<(f64, f64, f64)> = Vec::new();
    for index in order {
        let answer = answers[index];
        let weight = weights.map_or(1.0, |weights| weights[answer.cluster]);
        if weight == 0.0 {
            continue;
        }
        match rows.last_mut().filter(|row| row.0 == answer.dose) {
            Some(row) => {
                row.1 += weight * answer.help;
                row.2 += weight;
            }
            None => rows.push((answer.dose, weight * answer.help, weight)),
        }
    }
    rows
}

fn check(answers: &[Answer], confidence: f64) -> Result<Vec<(f64, f64, f64)>, Refusal> {
    refusal::confidence(confidence)?;
    let doses: Vec<f64> = answers.iter().map(|answer| answer.dose).collect();
    refusal::each("dose", &doses, "finite and at least 0", |dose| dose >= 0.0 && dose.is_finite())?;
    let helps: Vec<f64> = answers.iter().map(|answer| answer.help).collect();
    refusal::each("P(help)", &helps, "between 0 and 1", |help| (0.0..=1.0).contains(&help))?;
    let rows = table(answers, None);
    refusal::at_least("distinct doses", rows.len(), FEWEST_DOSES)?;
    Ok(rows)
}

/// The curve without rises and where it crosses half its first value, with the doses around the crossing.
fn crossing(rows: &[(f64, f64, f64)], scale: Scale) -> (Threshold, f64, f64, f64) {
    let means: Vec<f64> = rows.iter().map(|row| row.1 / row.2).collect();
    let weights: Vec<f64> = rows.iter().map(|row| row.2).collect();
    let smooth = falling_weighted(&means, &weights);
    let (first, last) = (rows[0].0, rows[rows.len() - 1].0);
    let level = smooth[0] / 2.0;
    let Some(after) = smooth.iter().position(|value| *value <= level && smooth[0] > 0.0) else {
        // Concern that was never there has given way before the lowest dose.
        let estimate = if smooth[0] > 0.0 { Threshold::Above(last) } else { Threshold::Below(first) };
        return (estimate, level, first, last);
    };
    // The last dose still above, and the first at or below the level.
    let (high, low) = (smooth[after - 1], smooth[after]);
    let share = (high - level) / (high - low);
    let (from, to) = (rows[after - 1].0, rows[after].0);
    let dose = if scale == Scale::Log && from > 0.0 {
        (from.ln() + share * (to / from).ln()).exp()
    } else {
        from + share * (to - from)
    };
    (Threshold::At(dose), level, from, to)
}

/// ED50 by isotonic regression and interpolation, with a cluster-bootstrap interval. A step is located to within the
/// doses around it, so the interval never is narrower than that pair; scenarios with different doses make them close.
///
/// # Errors
/// Fewer than six distinct doses or two clusters, a dose below 0, a probability outside [0, 1].
///
/// ```
/// use undermask_measure::dose_response::{Answer, Scale, Threshold, isotonic};
/// // Helps while its own cost is below 5; doses 0, 1, … 9 in four scenarios.
/// let answers: Vec<Answer> = (0..40)
///     .map(|n| Answer { dose: f64::from(n % 10), help: if n % 10 < 5 { 1.0 } else { 0.0 }, cluster: n as usize / 10 })
///     .collect();
/// let found = isotonic(&answers, Scale::Linear, 500, 1, 0.95)?;
/// assert_eq!((found.estimate, found.low, found.high), (Threshold::At(4.5), Threshold::At(4.0), Threshold::At(5.0)));
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn isotonic(
    answers: &[Answer],
    scale: Scale,
    resamples: usize,
    seed: u64,
    confidence: f64,
) -> Result<IsotonicEd50, Refusal> {
    let rows = check(answers, confidence)?;
    let (estimate, level, from, to) = crossing(&rows, scale);
    let draws = resampled(answers, resamples, seed, |weights| {
        let drawn = table(answers, Some(weights));
        if drawn.is_empty() { None } else { Some(crossing(&drawn, scale).0) }
    })?;
    let (mut low, mut high) = limits(&draws, confidence, (rows[0].0, rows[rows.len() - 1].0));
    if let Threshold::At(_) = estimate {
        if low.place() > from {
            low = Threshold::At(from);
        }
        if high.place() < to {
            high = Threshold::At(to);
        }
    }
    let means: Vec<f64> = rows.iter().map(|row| row.1 / row.2).collect();
    let smooth = falling_weighted(&means, &rows.iter().map(|row| row.2).collect::<Vec<f64>>());
    let curve = rows.iter().zip(means).zip(smooth).map(|((row, mean), smoothed)| (row.0, mean, smoothed)).collect();
    Ok(IsotonicEd50 { estimate, low, high, level, curve })
}

/// Thresholds of samples with whole clusters drawn with replacement.
fn resampled(
    answers: &[Answer],
    resamples: usize,
    seed: u64,
    statistic: impl Fn(&[f64]) -> Option<Threshold>,
) -> Result<Vec<f64>, Refusal> {
    let mut names: Vec<usize> = answers.iter().map(|answer| answer.cluster).collect();
    names.sort_unstable();
    names.dedup();
    refusal::at_least("clusters", names.len(), 2)?;
    refusal::at_least("resamples", resamples, 1)?;
    let mut draws = Draws::new(seed, 41);
    let mut weights = vec![0.0; names[names.len() - 1] + 1];
    let mut places = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        weights.fill(0.0);
        for _ in 0..names.len() {
            weights[names[draws.below(names.len())]] += 1.0;
        }
        places.extend(statistic(&weights).map(Threshold::place));
    }
    refusal::at_least("defined draws", places.len(), (resamples * 9).div_ceil(10))?;
    places.sort_by(f64::total_cmp);
    Ok(places)
}

/// Order statistics at the outer quantiles; infinite ones are the censored ends.
fn limits(sorted: &[f64], confidence: f64, (lowest, highest): (f64, f64)) -> (Threshold, Threshold) {
    let last = (sorted.len() - 1) as f64;
    let read = |place: f64| match sorted[place as usize] {
        f64::NEG_INFINITY => Threshold::Below(lowest),
        f64::INFINITY => Threshold::Above(highest),
        dose => Threshold::At(dose),
    };
    (read(((0.5 - confidence / 2.0) * last).floor()), read(((0.5 + confidence / 2.0) * last).ceil()))
}

/// A level of the curve that is fitted or known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asymptote {
    /// Fitted within [0, 1].
    Fitted,
    /// The mean of the answers at dose 0, taken as known: for large zero arms only. With 40 answers there the profile
    /// interval covered 88% at nominal 95 (`tests/dose_response.rs`); fitted, dose 0 informs L and its doubt counts.
    FromZeroDose,
    /// Known.
    Fixed(f64),
}

/// What the fit makes small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// −Σ y·ln P + (1 − y)·ln(1 − P), also for probabilities y (Papke & Wooldridge 1996).
    Binomial,
    /// Σ (y − P)², as a normal likelihood with its variance fitted.
    LeastSquares,
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HillSettings {
    /// Scale of the dose.
    pub scale: Scale,
    /// Criterion.
    pub criterion: Criterion,
    /// L, the level without a dose.
    pub without: Asymptote,
    /// U, the level under unlimited dose.
    pub unlimited: Asymptote,
    /// Confidence of intervals.
    pub confidence: f64,
}

impl Default for HillSettings {
    fn default() -> HillSettings {
        HillSettings {
            scale: Scale::Log,
            criterion: Criterion::Binomial,
            without: Asymptote::Fitted,
            unlimited: Asymptote::Fitted,
            confidence: 0.95,
        }
    }
}

/// A fitted curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Hill {
    /// ED50, censored where it leaves the doses tried or where the curve does not fall significantly.
    pub ed50: Threshold,
    /// Profile-likelihood limits, answers taken as independent: {m : 2(ℓ̂ − ℓ(m)) ≤ χ²₁}.
    pub profile: (Threshold, Threshold),
    /// L.
    pub without: f64,
    /// U.
    pub unlimited: f64,
    /// h, or the logistic's slope a unit of dose on the linear scale.
    pub slope: f64,
    /// Log-likelihood.
    pub log_likelihood: f64,
    /// P of the likelihood-ratio test that dose changes nothing (with as many degrees of freedom as the curve has
    /// parameters beyond a constant).
    pub flat_p: f64,
}

/// The curve's parameters while fitting.
struct Model<'a> {
    rows: &'a [(f64, f64, f64)],
    /// Σ y² within doses, for least squares.
    within: f64,
    settings: HillSettings,
    /// Known L and U.
    known: (Option<f64>, Option<f64>),
    /// Range of the doses on the scale.
    range: (f64, f64),
}

impl Model<'_> {
    fn free(&self) -> usize {
        2 + usize::from(self.known.0.is_none()) + usize::from(self.known.1.is_none())
    }

    /// (L, U, slope) of unbounded parameters: sines keep levels within [0, 1], and let them reach it.
    fn levels(&self, rest: &[f64]) -> (f64, f64, f64) {
        let bounded = |value: f64| 0.5 + 0.5 * value.sin();
        let mut levels = rest[1..].iter().map(|value| bounded(*value));
        let without = self.known.0.or_else(|| levels.next()).unwrap_or(1.0);
        let unlimited = self.known.1.or_else(|| levels.next()).unwrap_or(0.0);
        // Between nearly flat and a step between neighbouring doses, whatever the unit of dose is.
        let slope = (rest[0].clamp(-3.0, 6.0)).exp() / (self.range.1 - self.range.0) * 4.0;
        (without, unlimited, slope)
    }

    fn objective(&self, middle: f64, rest: &[f64]) -> f64 {
        let (without, unlimited, slope) = self.levels(rest);
        let mut sum = 0.0;
        let mut count = 0.0;
        for (dose, total, weight) in self.rows {
            let place = self.settings.scale.of(*dose);
            let p = without + (unlimited - without) / (1.0 + (-slope * (place - middle)).exp());
            match self.settings.criterion {
                Criterion::Binomial => {
                    let p = p.clamp(EDGE, 1.0 - EDGE);
                    sum -= total * p.ln() + (weight - total) * (1.0 - p).ln();
                }
                Criterion::LeastSquares => sum += weight * (total / weight - p).powi(2),
            }
            count += weight;
        }
        match self.settings.criterion {
            Criterion::Binomial => sum,
            // −ℓ of normal errors with σ̂² = Σ/n.
            Criterion::LeastSquares => 0.5 * count * ((sum + self.within) / count + 1e-12).ln(),
        }
    }

    fn constant(&self) -> f64 {
        let (total, weight) = self.rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
        let p = (total / weight).clamp(EDGE, 1.0 - EDGE);
        match self.settings.criterion {
            Criterion::Binomial => -(total * p.ln() + (weight - total) * (1.0 - p).ln()),
            Criterion::LeastSquares => {
                let between: f64 = self.rows.iter().map(|row| row.2 * (row.1 / row.2 - p).powi(2)).sum();
                0.5 * weight * ((between + self.within) / weight + 1e-12).ln()
            }
        }
    }

    /// Best value with the middle held, over some starts of the slope.
    fn at(&self, middle: f64, start: &[f64]) -> (Vec<f64>, f64) {
        simplex(start, 0.4, 1e-9, |rest| self.objective(middle, rest))
    }

    /// The best over a grid of middles and slopes, polished with all free: the likelihood of a steep curve has local
    /// optima between doses.
    fn best(&self) -> (f64, Vec<f64>, f64) {
        let mut best = (self.range.0, vec![1.0; self.free() - 1], f64::INFINITY);
        for step in 0..=40 {
            let middle = self.range.0 + (self.range.1 - self.range.0) * f64::from(step) / 40.0;
            for slope in [0.5, 2.0, 3.5] {
                let mut start = vec![slope];
                start.extend(self.known.0.is_none().then_some(1.2));
                start.extend(self.known.1.is_none().then_some(-1.2));
                let value = self.objective(middle, &start);
                if value < best.2 {
                    best = (middle, start, value);
                }
            }
        }
        self.polish(best.0, &best.1)
    }

    /// All parameters from a start, the middle kept in the range of doses.
    fn polish(&self, middle: f64, rest: &[f64]) -> (f64, Vec<f64>, f64) {
        let width = self.range.1 - self.range.0;
        let inside = |share: f64| self.range.0 + width * share.clamp(0.0, 1.0);
        let mut start = vec![(middle - self.range.0) / width];
        start.extend_from_slice(rest);
        let (found, value) = simplex(&start, 0.15, 1e-10, |all| self.objective(inside(all[0]), &all[1..]));
        (inside(found[0]), found[1..].to_vec(), value)
    }

    fn threshold(&self, middle: f64) -> Threshold {
        let slack = 1e-6 * (self.range.1 - self.range.0);
        let dose = |place: f64| self.settings.scale.dose(place);
        if middle >= self.range.1 - slack {
            Threshold::Above(dose(self.range.1))
        } else if middle <= self.range.0 + slack {
            Threshold::Below(dose(self.range.0))
        } else {
            Threshold::At(dose(middle))
        }
    }

    /// Where 2(ℓ̂ − ℓ(m)) passes the quantile, on one side of the estimate.
    fn limit(&self, middle: f64, rest: &[f64], lowest: f64, up: bool) -> Threshold {
        let allowed = lowest + chi_squared_quantile(self.settings.confidence, 1.0) / 2.0;
        let end = if up { self.range.1 } else { self.range.0 };
        let (mut inside, mut outside) = (middle, None);
        let mut start = rest.to_vec();
        for step in 1..=60 {
            let place = middle + (end - middle) * f64::from(step) / 60.0;
            let (found, value) = self.at(place, &start);
            if value > allowed {
                outside = Some(place);
                break;
            }
            (inside, start) = (place, found);
        }
        let Some(mut outside) = outside else { return self.threshold(end) };
        for _ in 0..40 {
            let place = 0.5 * (inside + outside);
            if self.at(place, &start).1 > allowed { outside = place } else { inside = place }
        }
        self.threshold(0.5 * (inside + outside))
    }
}

fn known(asymptote: Asymptote, rows: &[(f64, f64, f64)], place: usize) -> Result<Option<f64>, Refusal> {
    match asymptote {
        Asymptote::Fitted => Ok(None),
        Asymptote::Fixed(level) if (0.0..=1.0).contains(&level) => Ok(Some(level)),
        Asymptote::Fixed(found) => Err(Refusal::Invalid { what: "asymptote", place, found, wanted: "between 0 and 1" }),
        Asymptote::FromZeroDose if rows[0].0 == 0.0 => Ok(Some(rows[0].1 / rows[0].2)),
        Asymptote::FromZeroDose => {
            Err(Refusal::Undetermined { what: "the level without a dose", reason: "no answer has dose 0" })
        }
    }
}

fn model<'a>(answers: &[Answer], rows: &'a [(f64, f64, f64)], settings: HillSettings) -> Result<Model<'a>, Refusal> {
    let within = if settings.criterion == Criterion::LeastSquares {
        let squares: f64 = answers.iter().map(|answer| answer.help.powi(2)).sum();
        squares - rows.iter().map(|row| row.1 * row.1 / row.2).sum::<f64>()
    } else {
        0.0
    };
    let smallest = rows.iter().find(|row| row.0 > 0.0).map_or(0.0, |row| row.0);
    let lowest = if settings.scale == Scale::Log { smallest } else { rows[0].0 };
    let range = (settings.scale.of(lowest), settings.scale.of(rows[rows.len() - 1].0));
    let known = (known(settings.without, rows, 0)?, known(settings.unlimited, rows, 1)?);
    Ok(Model { rows, within: within.max(0.0), settings, known, range })
}

/// Fits Hill's curve.
///
/// # Errors
/// As [`isotonic`], and a level asked from dose 0 where there is none.
///
/// ```
/// use undermask_measure::dose_response::{Answer, HillSettings, Threshold, hill};
/// // P = 0.9/(1 + (d/4)²) at doses 0, 1, 2, 4, 8, 16, 32.
/// let answers: Vec<Answer> = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0f64]
///     .iter()
///     .enumerate()
///     .map(|(cluster, dose)| Answer { dose: *dose, help: 0.9 / (1.0 + (dose / 4.0).powi(2)), cluster })
///     .flat_map(|answer| std::iter::repeat_n(answer, 30))
///     .collect();
/// let found = hill(&answers, HillSettings::default())?;
/// let Threshold::At(dose) = found.ed50 else { panic!("reached") };
/// assert!((dose - 4.0).abs() < 0.01 && (found.slope - 2.0).abs() < 0.01);
/// # Ok::<(), undermask_measure::Refusal>(())
/// ```
pub fn hill(answers: &[Answer], settings: HillSettings) -> Result<Hill, Refusal> {
    let rows = check(answers, settings.confidence)?;
    let model = model(answers, &rows, settings)?;
    let (middle, rest, value) = model.best();
    let (without, unlimited, slope) = model.levels(&rest);
    let flat_p = chi_squared_above(2.0 * (model.constant() - value), (model.free() - 1).max(1) as f64);
    let falls = flat_p < 1.0 - settings.confidence && unlimited < without;
    let ends = (settings.scale.dose(model.range.0), settings.scale.dose(model.range.1));
    let (ed50, profile) = if falls {
        let low = model.limit(middle, &rest, value, false);
        (model.threshold(middle), (low, model.limit(middle, &rest, value, true)))
    } else {
        (Threshold::Above(ends.1), (Threshold::Below(ends.0), Threshold::Above(ends.1)))
    };
    Ok(Hill { ed50, profile, without, unlimited, slope, log_likelihood: -value, flat_p })
}

/// Cluster-bootstrap limits of [`hill`]'s ED50: each draw is fitted again from the estimate.
///
/// # Errors
/// As [`hill`], and fewer than two clusters.
pub fn hill_bootstrap(
    answers: &[Answer],
    settings: HillSettings,
    resamples: usize,
    seed: u64,
) -> Result<(Threshold, Threshold), Refusal> {
    let rows = check(answers, settings.confidence)?;
    let whole = model(answers, &rows, settings)?;
    let (middle, rest, _) = whole.best();
    let draws = resampled(answers, resamples, seed, |weights| {
        let drawn = table(answers, Some(weights));
        let known = (known(settings.without, &drawn, 0).ok()?, known(settings.unlimited, &drawn, 1).ok()?);
        let part = Model { rows: &drawn, within: whole.within, settings, known, range: whole.range };
        let (found, rest, value) = part.polish(middle, &rest);
        let (without, unlimited, _) = part.levels(&rest);
        let fell = unlimited < without && part.constant() - value > 1e-9;
        Some(if fell { part.threshold(found) } else { Threshold::Above(settings.scale.dose(whole.range.1)) })
    })?;
    let ends = (settings.scale.dose(whole.range.0), settings.scale.dose(whole.range.1));
    Ok(limits(&draws, settings.confidence, ends))
}
