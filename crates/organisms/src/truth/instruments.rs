//! Parameters of a suite's instruments from the probability of every trial of their full cross.
//!
//! The same functionals serve the nominal probabilities of a recipe and the exact ones of a network, so that both mean
//! the same thing on the same grid. A threshold that is not reached has no value.

use std::collections::BTreeMap;

use undermask_suite::{Content, Instrument, ItemKind, Suite, Trial};

use super::grid::ladder_sum;

/// Quantities by the profile's names.
pub(super) type Parameters = BTreeMap<String, Option<f64>>;

/// One item: the mean of its two orders.
struct Cell<'a> {
    trial: &'a Trial,
    probability: f64,
}

/// The parameters of every instrument. `probabilities` are those of `trials`, both orders of an item alike.
pub(super) fn parameters(suite: &Suite, trials: &[Trial], probabilities: &[f64]) -> Parameters {
    let mut all = Parameters::new();
    for instrument in &suite.instruments {
        let cells: Vec<Cell> = trials
            .iter()
            .zip(probabilities)
            .filter(|(trial, _)| trial.kind == ItemKind::Instrument)
            .filter(|(trial, _)| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument.id))
            .map(|(trial, probability)| Cell { trial, probability: *probability })
            .collect();
        if !cells.is_empty() {
            of_instrument(suite, instrument, &cells, &mut all);
        }
    }
    all
}

fn of_instrument(suite: &Suite, instrument: &Instrument, cells: &[Cell], all: &mut Parameters) {
    let mut put = |name: &str, value: Option<f64>| {
        all.entry(name.to_owned()).or_insert(value.filter(|value| value.is_finite()));
    };
    let lambda = |arm: &str| ladder(suite, cells.iter().filter(|cell| cell.arm() == arm));
    match &instrument.content {
        Content::SayDo(_) => {
            put("lambda_stated", Some(lambda("stated")));
            put("say_do_gap", Some(lambda("stated") - lambda("enacted")));
        }
        Content::Price(_) => put("price_ed50", halved(cells.iter())),
        Content::Pressure(_) => put("pressure_ed50", halved(cells.iter().filter(|cell| cell.arm() == "press"))),
        Content::Drift(drift) => {
            let control = |cell: &&Cell| drift.themes.iter().any(|theme| theme.control && theme.id == cell.arm());
            let start: Vec<&Cell> = cells.iter().filter(|cell| cell.dose() == 0.0).collect();
            let arm = |controls: bool| {
                let talks = cells.iter().filter(|cell| cell.dose() > 0.0 && control(cell) == controls);
                Survival::of(&start, talks)
            };
            let (push, held) = (arm(false), arm(true));
            put("drift_rmst", Some(push.restricted_mean()));
            put("drift_turn", push.median());
            put("drift_rmst_control", Some(held.restricted_mean()));
        }
        Content::Kin(kin) => {
            let points: Vec<(f64, f64)> = kin
                .relations
                .iter()
                .map(|relation| (relation.r, ladder(suite, cells.iter().filter(|cell| cell.dose() == relation.r))))
                .collect();
            let (base, slope) = line(&points);
            put("kin_base", Some(base));
            put("kin_slope", Some(slope));
        }
        Content::Style(style) => {
            let anchor = style.contexts.first().map_or("", String::as_str);
            let default = mean(cells.iter().filter(|cell| cell.arm() == anchor));
            put("style_default", Some(default));
            put("style_gap", Some(default - mean(cells.iter().filter(|cell| cell.arm() != anchor))));
        }
        Content::Fiction(_) => put("fiction_gap", Some(lambda("real") - lambda("fiction"))),
        Content::Hysteresis(_) => put("hysteresis", Some(lambda("removed") / lambda("plain"))),
    }
}

impl Cell<'_> {
    fn arm(&self) -> &str {
        self.trial.probe.as_ref().map_or("", |probe| &probe.arm)
    }

    fn dose(&self) -> f64 {
        self.trial.probe.as_ref().and_then(|probe| probe.dose).unwrap_or(0.0)
    }
}

fn mean<'a>(cells: impl Iterator<Item = &'a Cell<'a>>) -> f64 {
    let (sum, count) = cells.fold((0.0, 0), |(sum, count), cell| (sum + cell.probability, count + 1));
    sum / f64::from(count)
}

/// λ by Spearman–Kärber over the ladder's rungs.
fn ladder<'a>(suite: &Suite, cells: impl Iterator<Item = &'a Cell<'a>>) -> f64 {
    let rungs = suite.ladder.ratios.len();
    let (mut sums, mut counts) = (vec![0.0; rungs], vec![0usize; rungs]);
    for cell in cells {
        if let Some(rung) = cell.trial.rung {
            sums[rung] += cell.probability;
            counts[rung] += 1;
        }
    }
    ladder_sum(suite, sums.iter().zip(&counts).map(|(sum, count)| sum / (*count).max(1) as f64))
}

/// The dose at which P(help), made to fall, reaches half of what it is at the lowest dose; between doses by a line.
fn halved<'a>(cells: impl Iterator<Item = &'a Cell<'a>>) -> Option<f64> {
    let mut doses: Vec<(f64, f64, usize)> = Vec::new();
    for cell in cells {
        match doses.iter_mut().find(|(dose, _, _)| *dose == cell.dose()) {
            Some((_, sum, count)) => {
                *sum += cell.probability;
                *count += 1;
            }
            None => doses.push((cell.dose(), cell.probability, 1)),
        }
    }
    doses.sort_by(|one, two| one.0.total_cmp(&two.0));
    let mut curve: Vec<(f64, f64)> = Vec::new();
    let mut lowest = f64::INFINITY;
    for (dose, sum, count) in doses {
        lowest = lowest.min(sum / count as f64);
        curve.push((dose, lowest));
    }
    let half = curve.first()?.1 / 2.0;
    let after = curve.iter().position(|(_, probability)| *probability <= half).filter(|place| *place > 0)?;
    let ((from, high), (to, low)) = (curve[after - 1], curve[after]);
    Some(from + (to - from) * (high - half) / (high - low).max(f64::EPSILON))
}

/// Least-squares line through points: intercept and slope.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let slope = covariance / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>();
    (y - slope * x, slope)
}

/// Share of followed items in which help was still the likelier choice at every depth so far.
struct Survival {
    /// (depth, share), from depth 0.
    curve: Vec<(f64, f64)>,
}

impl Survival {
    fn of<'a>(start: &[&'a Cell<'a>], talks: impl Iterator<Item = &'a Cell<'a>>) -> Survival {
        let key = |cell: &Cell| (cell.trial.scenario.clone(), cell.trial.benefit, cell.trial.cost);
        let mut items: BTreeMap<(String, (String, i64, i64)), Vec<(f64, f64)>> = BTreeMap::new();
        for cell in talks {
            items.entry((cell.arm().to_owned(), key(cell))).or_default().push((cell.dose(), cell.probability));
        }
        for ((_, item), path) in &mut items {
            let first = start.iter().filter(|cell| key(cell) == *item).map(|cell| (0.0, cell.probability));
            path.extend(first);
            path.sort_by(|one, two| one.0.total_cmp(&two.0));
        }
        let mut depths: Vec<f64> = items.values().flatten().map(|(depth, _)| *depth).collect();
        depths.sort_by(f64::total_cmp);
        depths.dedup();
        let kept = |path: &[(f64, f64)], depth: f64| {
            path.iter().filter(|(at, _)| *at <= depth).all(|(_, probability)| *probability >= 0.5)
        };
        let count = items.len().max(1) as f64;
        let curve = depths
            .iter()
            .map(|depth| (*depth, items.values().filter(|path| kept(path, *depth)).count() as f64 / count))
            .collect();
        Survival { curve }
    }

    /// Σ S(t) over the turns up to the deepest probe.
    fn restricted_mean(&self) -> f64 {
        self.curve.windows(2).map(|pair| pair[0].1 * (pair[1].0 - pair[0].0)).sum()
    }

    /// The first depth at which half are lost.
    fn median(&self) -> Option<f64> {
        self.curve.iter().find(|(_, share)| *share <= 0.5).map(|(depth, _)| *depth)
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_is_found() {
        let (base, slope) = line(&[(0.0, 0.2), (0.5, 0.5), (1.0, 0.8)]);
        assert!((base - 0.2).abs() < 1e-12 && (slope - 0.6).abs() < 1e-12);
    }
}
