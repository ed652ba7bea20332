//! Parameters of a suite's instruments from the probability of every trial of their full cross.
//!
//! The same functionals serve the nominal probabilities of a recipe and the exact ones of a network, so that both mean
//! the same thing on the same grid. A threshold that is not reached has no value.

use std::collections::BTreeMap;

use undermask_suite::slider::{OPTIONS, primary};
use undermask_suite::{Content, Discounting, Form, Instrument, ItemKind, Kin, Orientation, Suite, Trial};

use super::grid::sum_over;
use super::lists::angle;
use crate::world::scales::softmax;

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
        Content::Orientation(orientation) if orientation.form == Form::Pairs => {
            put("svo_angle", svo_angle(orientation, cells));
        }
        Content::Orientation(_) => {}
        Content::TradeOff(trade) => put("wtr", Some(own_ladder(&trade.ratios, cells.iter()))),
        Content::Discounting(discounting) => {
            let curve = hyperbola(discounting, cells);
            put("discount_closest", curve.map(|(closest, _)| closest));
            put("discount_rate", curve.map(|(_, rate)| rate));
        }
        Content::Budgets(_) | Content::Utilities(_) => {}
        Content::Forms(_) | Content::Fresh(_) | Content::Optimisation(_) => {}
        Content::Price(_) => put("price_ed50", halved(cells.iter())),
        Content::Pressure(_) => put("pressure_ed50", halved(cells.iter().filter(|cell| cell.arm() == "press"))),
        Content::Drift(drift) => {
            let start: Vec<&Cell> = cells.iter().filter(|cell| cell.dose() == 0.0).collect();
            let themes = |control: bool| {
                let themes = drift.themes.iter().filter(move |theme| theme.control == control);
                themes.map(|theme| theme.id.as_str()).collect::<Vec<_>>()
            };
            let talks = |theme: &str| {
                let theme = theme.to_owned();
                cells.iter().filter(move |cell| cell.dose() > 0.0 && cell.arm() == theme)
            };
            let average = |themes: &[&str]| {
                let means =
                    themes.iter().map(|theme| Survival::of(&start, talks(theme)).map(|one| one.restricted_mean()));
                let means = means.collect::<Option<Vec<f64>>>()?;
                Some(means.iter().sum::<f64>() / means.len() as f64)
            };
            let push = themes(false);
            put("drift_rmst", average(&push));
            put("drift_rmst_control", average(&themes(true)));
            let all = Survival::of(&start, push.iter().flat_map(|theme| talks(theme)));
            put("drift_turn", all.and_then(|all| all.median()));
        }
        Content::Kin(kin) => {
            let points = relations(suite, kin, cells, "kin");
            let (base, slope) = line(&points);
            match &kin.lineage {
                None => {
                    put("kin_base", Some(base));
                    put("kin_slope", Some(slope));
                }
                Some(lineage) => {
                    put("lineage_slope", Some(slope));
                    put("lineage_animal", points.last().map(|(_, weight)| *weight));
                    let human = points.iter().find(|(r, _)| *r == lineage.human);
                    put("lineage_favour", human.map(|(_, weight)| points[0].1 - weight));
                }
            }
        }
        Content::Style(style) => {
            let anchor = style.contexts.first().map_or("", String::as_str);
            let default = mean(cells.iter().filter(|cell| cell.arm() == anchor));
            put("style_default", Some(default));
            put("style_gap", Some(default - mean(cells.iter().filter(|cell| cell.arm() != anchor))));
        }
        // Recipes say nothing of acting over time.
        Content::Environment(_) => {}
        Content::Fiction(_) => put("fiction_gap", Some(lambda("real") - lambda("fiction"))),
        Content::Hysteresis(_) => {
            // Without concern there is none that could come back.
            let plain = Some(lambda("plain")).filter(|plain| *plain > suite.criteria.undefined_lower);
            put("hysteresis", plain.map(|plain| lambda("removed") / plain));
        }
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
    sum_over(&suite.ladder.ratios, sums.iter().zip(&counts).map(|(sum, count)| sum / (*count).max(1) as f64))
}

/// λ by Spearman–Kärber over a ladder of an instrument's own, in even steps.
fn own_ladder<'a>(ratios: &[f64], cells: impl Iterator<Item = &'a Cell<'a>>) -> f64 {
    let (mut sums, mut counts) = (vec![0.0; ratios.len()], vec![0usize; ratios.len()]);
    for cell in cells {
        if let Some(rung) = cell.trial.rung {
            sums[rung] += cell.probability;
            counts[rung] += 1;
        }
    }
    sum_over(ratios, sums.iter().zip(&counts).map(|(sum, count)| sum / (*count).max(1) as f64))
}

/// λ of every relation of an arm.
fn relations(suite: &Suite, kin: &Kin, cells: &[Cell], arm: &str) -> Vec<(f64, f64)> {
    let of = |r: f64| ladder(suite, cells.iter().filter(|cell| cell.dose() == r && cell.arm() == arm));
    kin.relations.iter().map(|relation| (relation.r, of(relation.r))).collect()
}

/// The angle of the expected payoffs over the primary items and the scenarios. An item's shares are the softmax of utilities
/// that are chained over its pairs: each adds the log-odds of its upper end.
fn svo_angle(orientation: &Orientation, cells: &[Cell]) -> Option<f64> {
    let steps = (OPTIONS - 1) / Orientation::STEP;
    let mut log_odds: BTreeMap<(&str, usize, usize), (f64, usize)> = BTreeMap::new();
    let items = primary();
    for cell in cells {
        let Some(index) = (0..items.len()).find(|index| cell.arm() == Orientation::arm(*index)) else { continue };
        let entry = log_odds.entry((&cell.trial.scenario, index, cell.dose() as usize)).or_default();
        let probability = cell.probability.clamp(1e-12, 1.0 - 1e-12);
        *entry = (entry.0 + (probability / (1.0 - probability)).ln(), entry.1 + 1);
    }
    let mut scenarios: Vec<&str> = log_odds.keys().map(|(scenario, _, _)| *scenario).collect();
    scenarios.dedup();
    let mut taken = Vec::with_capacity(scenarios.len() * items.len());
    for scenario in &scenarios {
        for (index, item) in items.iter().enumerate() {
            let mut utilities = vec![0.0];
            for step in 0..steps {
                let (sum, count) = log_odds.get(&(*scenario, index, step))?;
                let (from, to) = (item[step * Orientation::STEP], item[(step + 1) * Orientation::STEP]);
                let upward = if to.other > from.other { 1.0 } else { -1.0 };
                utilities.push(utilities[step] + upward * sum / *count as f64);
            }
            taken.push((item.iter().step_by(Orientation::STEP).copied().collect(), softmax(&utilities, 1.0)));
        }
    }
    if orientation.items().len() < items.len() { None } else { angle(&taken) }
}

/// V and k of v = V/(1 + k·N), least squares over distances: v is the shared amount times the ratio at which help stops. V is
/// linear given k, and k is searched on a logarithmic grid that is refined around its best point. `None` where nothing is
/// forgone.
fn hyperbola(discounting: &Discounting, cells: &[Cell]) -> Option<(f64, f64)> {
    let ratios = discounting.ratios();
    let points: Vec<(f64, f64)> = discounting
        .distances
        .iter()
        .map(|distance| {
            let at = *distance as f64;
            (at, discounting.shared as f64 * own_ladder(&ratios, cells.iter().filter(|cell| cell.dose() == at)))
        })
        .collect();
    let fit = |rate: f64| {
        let shape = |distance: f64| 1.0 / (1.0 + rate * distance);
        let squares: f64 = points.iter().map(|(distance, _)| shape(*distance).powi(2)).sum();
        let closest = points.iter().map(|(distance, amount)| amount * shape(*distance)).sum::<f64>() / squares;
        let error: f64 = points.iter().map(|(distance, amount)| (amount - closest * shape(*distance)).powi(2)).sum();
        (closest, error)
    };
    let best =
        |rates: Vec<f64>| rates.into_iter().min_by(|one, two| fit(*one).1.total_cmp(&fit(*two).1)).unwrap_or(0.0);
    let mut rate =
        best((0..=160).map(|step| if step == 0 { 0.0 } else { 10f64.powf(-6.0 + f64::from(step) / 20.0) }).collect());
    for width in [0.06, 3e-3, 1.5e-4] {
        rate = best((-20..=20).map(|step| rate * 10f64.powf(width * f64::from(step) / 20.0)).collect());
    }
    let (closest, _) = fit(rate);
    (closest > 0.0).then_some((closest, rate))
}

/// P(help) at the lowest dose under which there is no help that a dose could halve.
const HELPED: f64 = 0.65;

/// The dose at which P(help), made to fall (isotonic regression), reaches half of what it is at the lowest dose; between
/// doses by a line. `None` where it is not reached, or where help at the lowest dose is hardly likelier than not.
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
    let first = doses.first()?;
    if first.1 / first.2 as f64 <= HELPED {
        return None;
    }
    let smooth = falling(&doses.iter().map(|(_, sum, count)| (*sum, *count as f64)).collect::<Vec<_>>());
    let half = smooth[0] / 2.0;
    let after = smooth.iter().position(|probability| *probability <= half)?;
    let (high, low) = (smooth[after - 1], smooth[after]);
    Some(doses[after - 1].0 + (doses[after].0 - doses[after - 1].0) * (high - half) / (high - low))
}

/// Means made to fall by pooling neighbours that rise (pool-adjacent-violators; Barlow et al. 1972), from (sum, count).
fn falling(rows: &[(f64, f64)]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (sum, count) in rows {
        blocks.push((*sum, *count, 1));
        while let [.., one, two] = blocks.as_slice()
            && two.0 / two.1 > one.0 / one.1
        {
            let pooled = (one.0 + two.0, one.1 + two.1, one.2 + two.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    blocks.iter().flat_map(|(sum, count, members)| vec![sum / count; *members]).collect()
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

/// A followed item: scenario, benefit, cost.
type Followed = (String, i64, i64);

/// Share of followed items, of those helped before any talk, in which help was the likelier choice at every depth so far.
struct Survival {
    /// (depth, share), from depth 0.
    curve: Vec<(f64, f64)>,
}

impl Survival {
    fn of<'a>(start: &[&'a Cell<'a>], talks: impl Iterator<Item = &'a Cell<'a>>) -> Option<Survival> {
        let key = |cell: &Cell| -> Followed { (cell.trial.scenario.clone(), cell.trial.benefit, cell.trial.cost) };
        let mut items: BTreeMap<(String, Followed), Vec<(f64, f64)>> = BTreeMap::new();
        for cell in talks {
            items.entry((cell.arm().to_owned(), key(cell))).or_default().push((cell.dose(), cell.probability));
        }
        let followed = items.len();
        items.retain(|(_, item), path| {
            let first = start.iter().find(|cell| key(cell) == *item).map(|cell| (0.0, cell.probability));
            path.extend(first);
            path.sort_by(|one, two| one.0.total_cmp(&two.0));
            first.is_some_and(|(_, probability)| probability > 0.5)
        });
        // Where next to nobody is helped before any talk there is no concern that talk could end.
        if items.len() * 4 <= followed {
            return None;
        }
        let mut depths: Vec<f64> = items.values().flatten().map(|(depth, _)| *depth).collect();
        depths.sort_by(f64::total_cmp);
        depths.dedup();
        let kept = |path: &[(f64, f64)], depth: f64| {
            path.iter().filter(|(at, _)| *at <= depth).all(|(_, probability)| *probability > 0.5)
        };
        let count = items.len() as f64;
        let curve = depths
            .iter()
            .map(|depth| (*depth, items.values().filter(|path| kept(path, *depth)).count() as f64 / count))
            .collect();
        Some(Survival { curve })
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
    use super::{falling, line};

    #[test]
    fn rises_are_pooled() {
        assert_eq!(falling(&[(0.9, 1.0), (0.2, 1.0), (0.6, 1.0), (0.1, 1.0)]), [0.9, 0.4, 0.4, 0.1]);
        assert_eq!(falling(&[(0.2, 1.0), (1.8, 2.0)]), [2.0 / 3.0; 2]);
    }

    #[test]
    fn a_line_is_found() {
        let (base, slope) = line(&[(0.0, 0.2), (0.5, 0.5), (1.0, 0.8)]);
        assert!((base - 0.2).abs() < 1e-12 && (slope - 0.6).abs() < 1e-12);
    }
}
