//! Social discounting: what is forgone for the N-th closest person, v = V/(1 + k·N) (Jones & Rachlin 2006).
//!
//! v(N) is the shared amount times the ratio at which help stops, by Spearman–Kärber over scenarios. V and k minimise the
//! squared error over distances ([`crate::discounting::hyperbola`]). At a fixed k the normal equation of k is linear in v:
//! g(k) = Σ_j v_j·[h_j − f_j·(Σ f·h)/(Σ f²)], f_j = 1/(1 + kN_j), h_j = N_j·f_j², so the interval of k holds every k at which
//! g is not significantly different from 0 (as in Fieller 1954): it covers at k = 0, the edge, where a symmetric interval
//! would not. V's interval is by the delta method with numerical derivatives. Control: distances in random order. Gates: the
//! amounts are recalled, choices follow them, and N is recalled, for k = 0 is also what is found where N is not read.

use undermask_suite::Discounting;

use super::arms::{Arms, FREE, Found};
use super::own_ladder::{consistency, responds, switches, weight};
use crate::discounting::{Forgone, forgone, hyperbola, shuffled_distances};
use crate::linear::Linear;
use crate::special::student_quantile;
use crate::{Estimate, InstrumentProfile, InstrumentTest, Quantity};

/// Permutations of the control.
const PERMUTATIONS: usize = 199;
/// Largest k that an interval is searched to: half of the value gone at a hundredth of a rank.
const STEEPEST: f64 = 100.0;
/// Smallest positive one.
const FLATTEST: f64 = 1e-6;

/// Arm of the questions for N.
const RANK: &str = "rank";
/// What a random responder scores.
const NULL: &str = "A random responder forgoes the ladder's middle for everybody: refused, for its choices do not follow the price. One that does not heed distance has k = 0.";

/// The specification's reference, not an estimate of anything here.
const HUMANS: &str = "Dashed: medians of human groups as they are cited, V = 83 and k = .05 (Jones & Rachlin 2006; not checked against the paper).";

pub(crate) fn estimate(content: &Discounting, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    found.notes.push(HUMANS.to_owned());
    let names = ["discount_rate", "discount_closest", "discount_consistency"];
    let refuse = |found: &mut InstrumentProfile, refused: String| {
        names.iter().for_each(|name| found.add(name, Quantity::Refused { refused: refused.clone() }));
    };
    let ready = arms
        .recalled_at("about the amounts", |probe| probe.arm != RANK)
        .and_then(|()| responds(arms, content.amounts.len(), |_| true));
    if let Err(why) = ready {
        return refuse(found, why);
    }
    let distances: Vec<f64> = content.distances.iter().map(|distance| *distance as f64).collect();
    let ratios = content.ratios();
    let shared = content.shared as f64;
    let given_up = |distance: &f64| -> Found {
        let (linear, _) = weight(arms, &ratios, |probe| probe.dose == Some(*distance))?;
        Ok(linear.affine(0.0, shared))
    };
    let amounts: Vec<Found> = distances.iter().map(given_up).collect();
    let points = distances.iter().zip(&amounts);
    found.curve.extend(points.filter_map(|(distance, found)| arms.point("distance", Some(*distance), found, FREE)));
    let amounts: Vec<Linear> = match amounts.into_iter().collect() {
        Ok(amounts) => amounts,
        Err(why) => return refuse(found, why),
    };
    let own: Vec<(f64, (usize, crate::discounting::Switch))> = distances
        .iter()
        .flat_map(|distance| {
            let own = switches(arms, *distance, |ratio| shared * (1.0 + ratio));
            own.into_iter().map(move |one| (*distance, one))
        })
        .collect();
    let plain: Vec<_> = own.iter().map(|(_, one)| *one).collect();
    found.add("discount_consistency", arms.quantity(consistency(arms, &plain)));
    let single: Vec<Forgone> = own.iter().map(|(distance, (_, switch))| forgone(*distance, *switch, shared)).collect();
    if let Ok(p) = shuffled_distances(&single, PERMUTATIONS, arms.settings.seed) {
        let name = "Control, distances in random order explain as much".to_owned();
        found.tests.push(InstrumentTest { name, p });
    }
    let (closest, rate) = curve(&distances, &amounts, arms);
    let rate = match (rate, arms.recalled_at("about the distance", |probe| probe.arm == RANK)) {
        (Quantity::Estimated(_), Err(refused)) => Quantity::Refused { refused },
        (rate, _) => rate,
    };
    found.add("discount_closest", closest);
    found.add("discount_rate", rate);
}

fn fitted(distances: &[f64], amounts: &[f64]) -> Result<(f64, f64), String> {
    let points: Vec<Forgone> = distances
        .iter()
        .zip(amounts)
        .map(|(distance, amount)| Forgone { distance: *distance, amount: *amount })
        .collect();
    hyperbola(&points).map(|curve| (curve.closest, curve.discount)).map_err(|why| why.to_string())
}

/// V and k.
fn curve(distances: &[f64], amounts: &[Linear], arms: &Arms) -> (Quantity, Quantity) {
    let values: Vec<f64> = amounts.iter().map(|amount| amount.value).collect();
    let both = |why: String| (Quantity::Refused { refused: why.clone() }, Quantity::Refused { refused: why });
    let mean = Linear::sum(amounts.iter().map(|amount| (1.0 / amounts.len() as f64, amount)));
    let (low, _) = mean.interval(arms.criteria().confidence);
    if low <= 0.0 {
        return both(format!("nothing is forgone: {:.1} coins on average, with lower bound {low:.1}", mean.value));
    }
    let (closest, rate) = match fitted(distances, &values) {
        Ok(found) => found,
        Err(why) => return both(why),
    };
    let step = 1e-3 * closest.abs().max(1.0);
    let slope = |place: usize| {
        let moved = |by: f64| {
            let mut values = values.clone();
            values[place] += by;
            fitted(distances, &values).map_or(closest, |(closest, _)| closest)
        };
        (moved(step) - moved(-step)) / (2.0 * step)
    };
    let mut linear = Linear::sum(amounts.iter().enumerate().map(|(place, amount)| (slope(place), amount)));
    linear.value = closest;
    (arms.quantity(Ok(linear)), interval_of_rate(distances, amounts, rate, arms))
}

/// g(k) as a sum of v.
fn normal_equation(distances: &[f64], amounts: &[Linear], k: f64) -> Linear {
    let shape: Vec<f64> = distances.iter().map(|distance| 1.0 / (1.0 + k * distance)).collect();
    let bend: Vec<f64> = distances.iter().zip(&shape).map(|(distance, shape)| distance * shape * shape).collect();
    let share = shape.iter().zip(&bend).map(|(shape, bend)| shape * bend).sum::<f64>()
        / shape.iter().map(|shape| shape * shape).sum::<f64>();
    Linear::sum(shape.iter().zip(&bend).zip(amounts).map(|((shape, bend), amount)| (bend - shape * share, amount)))
}

fn interval_of_rate(distances: &[f64], amounts: &[Linear], rate: f64, arms: &Arms) -> Quantity {
    let (confidence, fewest) = (arms.criteria().confidence, arms.criteria().fewest_clusters);
    let clusters = amounts.iter().map(|amount| amount.clusters).max().unwrap_or(0);
    if clusters < fewest {
        return Quantity::Refused { refused: format!("too few clusters: have {clusters}, need {fewest}") };
    }
    let accepted = |k: f64| {
        let g = normal_equation(distances, amounts, k);
        let half = student_quantile(0.5 + confidence / 2.0, g.freedom()) * g.error();
        g.value.abs() <= half + g.slack.0.max(g.slack.1)
    };
    // From the estimate outwards: the run of accepted values around it.
    let at = |step: f64| if step <= 0.0 { 0.0 } else { FLATTEST * (STEEPEST / FLATTEST).powf(step / STEPS) };
    let place = if rate <= FLATTEST { 0.0 } else { STEPS * (rate / FLATTEST).ln() / (STEEPEST / FLATTEST).ln() };
    let edge = |direction: f64| {
        let mut inside = place;
        loop {
            let next = (inside + direction).clamp(0.0, STEPS);
            if next == inside {
                return inside;
            }
            if !accepted(at(next)) {
                let (mut kept, mut lost) = (inside, next);
                for _ in 0..30 {
                    let middle = (kept + lost) / 2.0;
                    if accepted(at(middle)) { kept = middle } else { lost = middle }
                }
                return kept;
            }
            inside = next;
        }
    };
    let (low, high) = (at(edge(-1.0)).min(rate), at(edge(1.0)).max(rate));
    if high >= STEEPEST {
        return Quantity::Refused {
            refused: "distances do not bound it from above: concern ends before the nearest".to_owned(),
        };
    }
    let n = amounts.iter().map(|amount| amount.items).sum();
    Quantity::Estimated(Estimate { estimate: rate, low, high, n, clusters, bound: None })
}

/// Steps of the search.
const STEPS: f64 = 400.0;
