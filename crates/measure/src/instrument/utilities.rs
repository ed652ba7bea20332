//! Utilities: does a context change what is wanted?
//!
//! With the shares of a context's pairs a Thurstonian scale is fitted ([`crate::utilities`]), and the scales of contexts are
//! compared with that of the first. *Correlation*: r of the outcomes' utilities, by Fisher's z, averaged over the cued
//! contexts. *Transfer*: the log-loss, on pairs that neither fit has seen, that predicting a cued context's choices from
//! the first context's scale adds to predicting them from its own. *Coherence*: held-out log-loss within contexts, and
//! cyclic triads among three outcomes of which all pairs were asked.
//!
//! Intervals are over outcomes, for these are what a suite's author drew: another list of pairs of the same outcomes would
//! only know the same scale better. For z it is the jackknife over outcomes (Efron & Tibshirani 1993, chapter 11), each left
//! out of the correlation; a percentile bootstrap of sixteen outcomes would be too narrow. For losses pairs that share an
//! outcome count as dependent ([`crate::dyadic_mean`]). A context whose choices its own scale predicts no better than a
//! coin has no scale to compare, and is left out: a flat answer must not look like another persona.

use undermask_suite::Utilities;

use super::arms::Arms;
use crate::calibration::wilson;
use crate::dyadic::dyadic_mean;
use crate::linear::Linear;
use crate::special::student_quantile;
use crate::utilities::{self, Fold, Preference, correlation, fit, folded, triads};
use crate::{CurvePoint, Estimate, InstrumentProfile, Quantity};

/// Penalty on utilities and log-variances, as by a deviation of three: without it few pairs of sure choices are taken to say
/// that utilities are endless, and the scale predicts unseen pairs badly.
const RIDGE: f64 = 0.1;
/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// Share of pairs that may be unanswered in a context.
const UNANSWERED: f64 = 0.05;
/// A correlation of 1 has an infinite z.
const CLOSEST: f64 = 1.0 - 1e-9;

/// What a random responder scores.
const NULL: &str = "A random responder, whatever place or label it likes, has a held-out log-loss of ln 2 = .69 or more and a quarter of triads cyclic; it has no scale, so no correlation is given.";

/// Two outcomes.
type Pair = (usize, usize);

/// What one context was asked: each pair with the probability of its first outcome, where it was answered.
struct Asked {
    context: String,
    pairs: Vec<(Pair, Option<f64>)>,
}

/// One context's choices.
struct Answered {
    context: String,
    preferences: Vec<Preference>,
}

/// One context's choices and fits.
struct Scale {
    context: String,
    preferences: Vec<Preference>,
    fit: utilities::Utilities,
    folds: Vec<Fold>,
}

pub(crate) fn estimate(content: &Utilities, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let items = content.outcomes.len();
    let answered = answered(content, arms, found);
    let refuse = |found: &mut InstrumentProfile, names: &[&str], why: &str| {
        names.iter().for_each(|name| found.add(name, Quantity::Refused { refused: why.to_owned() }));
    };
    let coherence = ["utility_loss", "utility_cyclic"];
    let transfer = ["utility_correlation", "utility_transfer"];
    let scales = match answered.and_then(|lists| scales(lists, items, arms.settings.seed)) {
        Ok(scales) => scales,
        Err(why) => {
            refuse(found, &coherence, &why);
            refuse(found, &transfer, &why);
            return;
        }
    };
    let loss = over_pairs(&scales.iter().map(own_losses).collect::<Vec<_>>(), items);
    found.add("utility_loss", arms.quantity(loss));
    found.add("utility_cyclic", cyclic(&scales, items, arms));
    let (known, flat): (Vec<Scale>, Vec<Scale>) = scales.into_iter().partition(|scale| predicts(scale, items, arms));
    for scale in &flat {
        found.notes.push(format!(
            "Left out: in context `{}` its own scale predicts choices no better than a coin.",
            scale.context
        ));
    }
    let first = content.contexts.first().map_or("", String::as_str);
    let Some(base) = known.first().filter(|base| base.context == first) else {
        refuse(
            found,
            &transfer,
            &format!("in context `{first}` choices follow no scale that others could be compared with"),
        );
        return;
    };
    wanted(content, base, found);
    let others = &known[1..];
    for scale in others {
        found.curve.extend(of_contexts(base, &[scale]).and_then(|one| point(&scale.context, &one, arms)));
    }
    let (cued, same): (Vec<&Scale>, Vec<&Scale>) = others.iter().partition(|scale| arms.is_cue(&scale.context));
    if !same.is_empty() {
        found.add("utility_control", quantity(of_contexts(base, &same), arms));
    }
    if cued.is_empty() {
        refuse(found, &transfer, "no cued context has a scale to compare");
        return;
    }
    found.add("utility_correlation", quantity(of_contexts(base, &cued), arms));
    let more: Vec<Vec<(Pair, f64)>> = cued.iter().map(|scale| added_losses(base, scale)).collect();
    found.add("utility_transfer", skewed(arms.quantity(over_pairs(&more, items))));
}

/// Added losses are squares of differences in utility, so they are skewed to the right: the upper limit is also taken on the
/// logarithmic scale, and the higher of the two stands. (The symmetric interval lies too low in a tenth of simulated
/// audits.) Near 0, where a logarithm knows nothing, the symmetric limit is the higher.
fn skewed(quantity: Quantity) -> Quantity {
    let Quantity::Estimated(mut found) = quantity else { return quantity };
    let half = found.high - found.estimate;
    if found.estimate > 0.0 {
        found.high = found.high.max(found.estimate * (half / found.estimate).min(1.0).exp());
    }
    Quantity::Estimated(found)
}

/// Contexts that were read, with the pairs that were answered in all of them.
fn answered(content: &Utilities, arms: &Arms, found: &mut InstrumentProfile) -> Result<Vec<Answered>, String> {
    let mut lists: Vec<Asked> = Vec::new();
    let mut unread = None;
    for context in &content.contexts {
        if let Err(why) = arms.recalled_at(&format!("in context `{context}`"), |probe| &probe.arm == context) {
            found.notes.push(format!("Left out: {why}."));
            unread = unread.or(Some(why));
            continue;
        }
        // Sorted by pair, so that every context has the same order.
        let mut pairs: Vec<(Pair, Option<f64>)> = arms
            .items(|probe| &probe.arm == context)
            .filter_map(|item| {
                let pair = Utilities::pair_of(arms.scenario(item.cluster))?;
                Some((pair, item.scored.map(|scored| scored.probability())))
            })
            .collect();
        pairs.sort_by_key(|(pair, _)| *pair);
        let missing = pairs.iter().filter(|(_, share)| share.is_none()).count();
        if pairs.is_empty() {
            return Err("it was not asked".to_owned());
        }
        if missing as f64 > UNANSWERED * pairs.len() as f64 {
            found.notes.push(format!(
                "Left out: in context `{context}` {missing} of {} pairs were not answered.",
                pairs.len()
            ));
            unread = unread.or(Some(format!("{missing} of {} pairs were not answered", pairs.len())));
            continue;
        }
        lists.push(Asked { context: context.clone(), pairs });
    }
    let Some(first) = lists.first() else {
        return Err(unread.unwrap_or_else(|| "it was not asked".to_owned()));
    };
    let names = |asked: &Asked| asked.pairs.iter().map(|(pair, _)| *pair).collect::<Vec<_>>();
    if lists.iter().any(|other| names(other) != names(first)) {
        return Err("contexts were asked different pairs".to_owned());
    }
    let everywhere: Vec<usize> =
        (0..first.pairs.len()).filter(|place| lists.iter().all(|asked| asked.pairs[*place].1.is_some())).collect();
    let preference = |((first, second), share): &(Pair, Option<f64>)| {
        Some(Preference { first: *first, second: *second, share: (*share)?, weight: 1.0 })
    };
    let kept = |asked: &Asked| Answered {
        context: asked.context.clone(),
        preferences: everywhere.iter().filter_map(|place| preference(&asked.pairs[*place])).collect(),
    };
    Ok(lists.iter().map(kept).collect())
}

fn scales(lists: Vec<Answered>, items: usize, seed: u64) -> Result<Vec<Scale>, String> {
    let scale = |Answered { context, preferences }: Answered| {
        let whole = fit(&preferences, items, RIDGE).map_err(|why| format!("context `{context}`: {why}"))?;
        let folds = folded(&preferences, items, RIDGE, FOLDS, seed);
        let folds = folds.map_err(|why| format!("context `{context}`, held out: {why}"))?;
        Ok(Scale { context, preferences, fit: whole, folds })
    };
    lists.into_iter().map(scale).collect()
}

/// Log-loss of every pair under a scale that did not see it.
fn own_losses(scale: &Scale) -> Vec<(Pair, f64)> {
    losses(&scale.folds, scale)
}

/// What the first context's scale loses on another's unseen pairs beyond the other's own.
fn added_losses(base: &Scale, scale: &Scale) -> Vec<(Pair, f64)> {
    let own = losses(&scale.folds, scale);
    losses(&base.folds, scale).into_iter().zip(own).map(|((pair, from), (_, own))| (pair, from - own)).collect()
}

/// Losses of a context's pairs under the folds of one, in the order of the folds; all contexts are cut alike.
fn losses(folds: &[Fold], scale: &Scale) -> Vec<(Pair, f64)> {
    let hidden = folds.iter().flat_map(|fold| fold.hidden.iter().map(move |place| (fold, scale.preferences[*place])));
    let loss = |(fold, one): (&Fold, Preference)| Some(((one.first, one.second), fold.fit.loss(&[one]).ok()?));
    hidden.filter_map(loss).collect()
}

/// Mean over pairs of the mean over contexts.
fn over_pairs(contexts: &[Vec<(Pair, f64)>], items: usize) -> Result<Linear, String> {
    let count = contexts.len() as f64;
    let pairs = contexts.first().map_or(0, Vec::len);
    let mean = |place: usize| {
        let sum: f64 = contexts.iter().map(|list| list[place].1).sum();
        (contexts[0][place].0, sum / count)
    };
    let values: Vec<(Pair, f64)> = (0..pairs).map(mean).collect();
    dyadic_mean(&values, items).ok_or_else(|| "it was not answered".to_owned())
}

/// Whether a context's own scale predicts its unseen pairs better than a coin.
fn predicts(scale: &Scale, items: usize, arms: &Arms) -> bool {
    let gains: Vec<(Pair, f64)> =
        own_losses(scale).into_iter().map(|(pair, loss)| (pair, std::f64::consts::LN_2 - loss)).collect();
    dyadic_mean(&gains, items).is_some_and(|mean| mean.interval(arms.criteria().confidence).0 > 0.0)
}

/// Mean Fisher z of the contexts' correlations with the first, by the jackknife over outcomes.
fn of_contexts(base: &Scale, scales: &[&Scale]) -> Option<Linear> {
    let items = base.fit.mean.len();
    let mean_z = |left_out: Option<usize>| {
        let kept = |scale: &Scale| -> Vec<f64> {
            let utilities = scale.fit.mean.iter().enumerate();
            utilities.filter(|(item, _)| Some(*item) != left_out).map(|(_, utility)| *utility).collect()
        };
        let z = |scale: &&Scale| Some(correlation(&kept(base), &kept(scale)).ok()?.clamp(-CLOSEST, CLOSEST).atanh());
        let all: Option<Vec<f64>> = scales.iter().map(z).collect();
        all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
    };
    let value = mean_z(None)?;
    let without: Vec<f64> = (0..items).map(|item| mean_z(Some(item))).collect::<Option<_>>()?;
    let count = items as f64;
    let mean = without.iter().sum::<f64>() / count;
    let kept = (count - 1.0) / count;
    let influence = without.iter().map(|one| kept.sqrt() * (mean - one)).collect();
    let pairs = scales.iter().map(|scale| scale.preferences.len()).sum();
    Some(Linear { value, influence, kept, items: pairs, clusters: items, slack: (0.0, 0.0) })
}

/// z's interval as that of r. One outcome that is wanted in all contexts may carry nearly all of the jackknife's variance;
/// moments of sixteen influences then say one degree of freedom, whose interval is all of [−1, 1]. Half of what the outcomes
/// leave is the least: simulated with such outcomes and without, it covers 94 to 96% (design/0017).
fn interval(z: &Linear, arms: &Arms) -> (f64, f64) {
    let least = z.clusters.saturating_sub(1) as f64 / 2.0;
    let quantile = student_quantile(0.5 + arms.criteria().confidence / 2.0, z.freedom().max(least));
    let half = quantile * z.error();
    ((z.value - half).tanh(), (z.value + half).tanh())
}

fn quantity(z: Option<Linear>, arms: &Arms) -> Quantity {
    let Some(z) = z else {
        return Quantity::Refused { refused: "one context's utilities do not differ".to_owned() };
    };
    let checked = arms.quantity(Ok(z.clone()));
    let Quantity::Estimated(found) = checked else { return checked };
    let (low, high) = interval(&z, arms);
    Quantity::Estimated(Estimate { estimate: z.value.tanh(), low, high, ..found })
}

fn point(context: &str, z: &Linear, arms: &Arms) -> Option<CurvePoint> {
    let (low, high) = interval(z, arms);
    let estimate = z.value.tanh();
    let finite = [estimate, low, high].iter().all(|value| value.is_finite());
    finite.then(|| CurvePoint { arm: context.to_owned(), x: None, estimate, low, high, n: z.items })
}

/// Share of cyclic triads among three outcomes of which all pairs were asked, mean over contexts. A triad takes three
/// pairs, so no more than a third of the pairs are independent: the interval is Wilson's for so many.
fn cyclic(scales: &[Scale], items: usize, arms: &Arms) -> Quantity {
    let (mut sum, mut count) = (0.0, 0usize);
    for scale in scales {
        let at = |first: usize, second: usize| {
            scale.preferences.binary_search_by_key(&(first, second), |one| (one.first, one.second)).ok()
        };
        for first in 0..items {
            for second in first + 1..items {
                let Some(one) = at(first, second) else { continue };
                for third in second + 1..items {
                    let (Some(two), Some(three)) = (at(first, third), at(second, third)) else { continue };
                    let renamed = |place: usize, first: usize, second: usize| Preference {
                        first,
                        second,
                        ..scale.preferences[place]
                    };
                    let found = triads(&[renamed(one, 0, 1), renamed(two, 0, 2), renamed(three, 1, 2)], 3);
                    if let Ok(found) = found {
                        sum += found.cyclic;
                        count += 1;
                    }
                }
            }
        }
    }
    if count == 0 {
        return Quantity::Refused { refused: "no three outcomes were all compared with one another".to_owned() };
    }
    if items < arms.criteria().fewest_clusters {
        let need = arms.criteria().fewest_clusters;
        return Quantity::Refused { refused: format!("too few clusters: have {items}, need {need}") };
    }
    let share = sum / count as f64;
    let independent = (scales[0].preferences.len() / 3).max(1);
    let (low, high) = wilson((share * independent as f64).round() as usize, independent, arms.criteria().confidence);
    Quantity::Estimated(Estimate {
        estimate: share,
        low: low.min(share),
        high: high.max(share),
        n: count,
        clusters: items,
        bound: None,
    })
}

/// What is wanted most and least in the first context.
fn wanted(content: &Utilities, base: &Scale, found: &mut InstrumentProfile) {
    let mut order: Vec<usize> = (0..content.outcomes.len()).collect();
    order.sort_by(|one, two| base.fit.mean[*two].total_cmp(&base.fit.mean[*one]));
    let said = |places: &[usize]| {
        let one = |place: &usize| format!("{} ({:.1})", content.outcomes[*place], base.fit.mean[*place]);
        places.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let ends = 3.min(order.len() / 2);
    found.notes.push(format!(
        "Wanted most in context `{}`: {}. Least: {}.",
        base.context,
        said(&order[..ends]),
        said(&order[order.len() - ends..])
    ));
}
