//! Kin gradient: λ(r) = ρ_0 + ρ_1·r over relatedness r, by ordinary least squares on the weights of the relations.
//!
//! Each λ(r) is a Spearman–Kärber sum over the same items, so ρ_0 and ρ_1 are linear in them: ρ_1 = Σ (r − r̄)·λ(r)/Σ (r − r̄)²
//! and ρ_0 = λ̄ − ρ_1·r̄, and their intervals come from the scenarios' influence. Hamilton (1964): ρ_0 = 0, ρ_1 = 1.
//! The ordered alternative is tested by Page's L (1963) over scenarios, on mean log-odds of help from stranger to twin.
//! On another axis (own copies, own family, others) ρ_1 > 0 is self-favouring.

use undermask_suite::Kin;

use super::arms::{Arms, FREE, Found};
use crate::linear::Linear;
use crate::trend::page;
use crate::{InstrumentProfile, InstrumentTest};

/// What a random responder scores.
const NULL: &str = "A random responder has the ladder's middle for everybody: slope 0.";

pub(crate) fn estimate(content: &Kin, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    found.notes.push("Hamilton's rule (1964) has ρ₀ = 0 and ρ₁ = 1.".to_owned());
    let places: Vec<f64> = content.relations.iter().map(|relation| relation.r).collect();
    let weights: Vec<Found> = places.iter().map(|r| arms.lambda(|probe| probe.dose == Some(*r))).collect();
    found.curve.extend(places.iter().zip(&weights).filter_map(|(r, found)| arms.point("kin", Some(*r), found, FREE)));
    let weights: Result<Vec<&Linear>, &String> = weights.iter().map(Result::as_ref).collect();
    let (base, slope) = match weights {
        Ok(weights) => {
            let count = places.len() as f64;
            let mean = places.iter().sum::<f64>() / count;
            let spread: f64 = places.iter().map(|r| (r - mean).powi(2)).sum();
            let slope = Linear::sum(places.iter().zip(&weights).map(|(r, weight)| ((r - mean) / spread, *weight)));
            let level = Linear::sum(weights.iter().map(|weight| (1.0 / count, *weight)));
            (Ok(Linear::sum([(1.0, &level), (-mean, &slope)])), Ok(slope))
        }
        Err(why) => (Err(why.clone()), Err(why.clone())),
    };
    if let Ok(trend) = page(&rows(&places, arms)) {
        found.tests.push(InstrumentTest { name: "Page's L, help rising with relatedness".to_owned(), p: trend.p });
    }
    found.add("kin_slope", arms.quantity(slope));
    found.add("kin_base", arms.quantity(base));
}

/// Mean log-odds of help of each scenario, relation by relation from the farthest; scenarios that met all of them.
fn rows(places: &[f64], arms: &Arms) -> Vec<Vec<f64>> {
    let mut order: Vec<f64> = places.to_vec();
    order.sort_by(f64::total_cmp);
    let mut sums = vec![vec![(0.0, 0usize); order.len()]; arms.clusters()];
    for item in arms.items(|_| true) {
        let place = item.probe.as_ref().and_then(|probe| order.iter().position(|r| probe.dose == Some(*r)));
        if let (Some(place), Some(scored)) = (place, item.scored) {
            let (sum, count) = &mut sums[item.cluster][place];
            *sum += scored.log_odds;
            *count += 1;
        }
    }
    let complete = sums.into_iter().filter(|row| row.iter().all(|(_, count)| *count > 0));
    complete.map(|row| row.into_iter().map(|(sum, count)| sum / count as f64).collect()).collect()
}
