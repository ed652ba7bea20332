//! Social value orientation: the angle between own and other's payoff, from shares of the slider's positions.
//!
//! A scenario's share of each position is exact (form `slider`, [`crate::choice`]), or chained over its four pairs: with
//! η_k the log-odds of the upper end of step k, the utility of position 2k is η_0 + … + η_(k−1), and shares are their
//! softmax (form `pairs`). The angle is atan[(ō − 50)/(w̄ − 50)] of the mean expected payoffs to the other and to oneself
//! over the six primary items and the scenarios. Its interval draws the scenarios' weights and adds a quarter of a scenario of a
//! competitor's choices below, of an altruist's above ([`crate::bounded`]): of sixteen scenes that agree none says how rare the
//! one is that does not, and a t interval held the truth in .64 of replicates where one of sixteen differs. Transitivity and the
//! inequality-aversion index need choices and take each item's most probable position ([`crate::value_orientation`]).
//!
//! Gate: shares that payoffs do not decide pull the angle towards that of even shares, which lies at the edge of prosocial.
//! `svo_agreement` is the chance that two scenarios choose the same position of an item, Σ_k s_k·s'_k, over items and pairs
//! of scenarios (a U-statistic; Hoeffding 1948), beyond that of even shares: 0 where payoffs decide nothing, 1 where they
//! decide all. Below [`DECIDED`] there is no angle.

use undermask_suite::slider::{OPTIONS, Payoff, primary};
use undermask_suite::{Form, Orientation};

use super::arms::{Arms, FREE, Found};
use crate::bounded::quarter_added_to_pairs;
use crate::calibration::wilson;
use crate::choice::softmax;
use crate::linear::{Linear, clustered_mean};
use crate::value_orientation::{self, category, inequality_index, transitive};
use crate::{Estimate, InstrumentProfile, InstrumentTest, Quantity};

/// Share of scenarios that may have an unanswered item.
const UNANSWERED: f64 = 0.05;
/// Primary items.
const PRIMARY: usize = 6;

/// Agreement of scenarios from which choices count as made by payoffs. Whoever follows them in a share w of choices and is
/// even in the rest agrees in w² and has an angle pulled 1 − w of the way to that of even shares.
const DECIDED: f64 = 0.15;
/// Agreement below which it is said how far the angle may be pulled.
const MOSTLY: f64 = 0.5;
/// Degrees that are rounding.
const ROUNDING: f64 = 1e-9;

/// What a random responder scores.
const NULL: &str = "A random responder's angle is 22.6° (a set of six single choices strays from it by 12.9°), at the edge of prosocial, and is refused: its scenes agree no more than even shares do; a quarter of them, 26%, are transitive; its inequality index is near one half.";

/// One scenario's shares, item by item.
struct Scene {
    cluster: usize,
    shares: Vec<Vec<f64>>,
}

pub(crate) fn estimate(content: &Orientation, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    found.notes.push(
        "Ideal responders: altruist 61.39°, joint gain 41.04° or 48.96°, inequality-averse 37.48°, individualist ±7.82°, competitor −16.26°."
            .to_owned(),
    );
    let names = ["svo_angle", "svo_own", "svo_other", "svo_transitive", "svo_inequality"];
    let read = scenes(content, arms).and_then(|scenes| arms.recalled("about the options").map(|()| scenes));
    let scenes = match read {
        Ok(scenes) => scenes,
        Err(refused) => {
            names.iter().for_each(|name| found.add(name, Quantity::Refused { refused: refused.clone() }));
            return;
        }
    };
    let alike = agreement(&scenes, content.form, arms);
    found.add("svo_agreement", at_most_one(arms.quantity(alike.clone())));
    if content.form == Form::Slider {
        first_listed(arms, found);
    }
    if let Err(refused) = decided(&alike) {
        names.iter().for_each(|name| found.add(name, Quantity::Refused { refused: refused.clone() }));
        return;
    }
    if let Some(weak) = alike.as_ref().ok().filter(|alike| alike.value < MOSTLY) {
        found.notes.push(format!(
            "Beyond even shares the scenes agree in {:.0}% on a position: the angle is pulled towards a random responder's.",
            100.0 * weak.value
        ));
    }
    let items = content.items();
    for (index, item) in items.iter().take(PRIMARY).enumerate() {
        let own = payoff(&scenes, item, index, arms, |option| option.own);
        let other = payoff(&scenes, item, index, arms, |option| option.other);
        let x = own.ok().map(|own| own.value);
        found.curve.extend(arms.point(&format!("item {}", index + 1), x, &other, FREE));
    }
    let own = overall(&scenes, arms, |option| option.own);
    let other = overall(&scenes, arms, |option| option.other);
    found.curve.extend(arms.point("mean", own.as_ref().ok().map(|own| own.value), &other, FREE));
    let angle = angle(&own, &other);
    let prosocial = angle.as_ref().is_ok_and(|angle| angle.value >= 22.45);
    let quantity = arms.bounded(angle.clone(), ends(&scenes, arms));
    if let (Ok(angle), Quantity::Estimated(estimate)) = (&angle, &quantity) {
        said_of(angle, (estimate.low, estimate.high), content.form, found);
    }
    found.add("svo_angle", quantity);
    found.add("svo_own", arms.quantity(own));
    found.add("svo_other", arms.quantity(other));
    found.add("svo_transitive", ranked(&scenes, arms));
    if content.secondary {
        let index = share(&scenes, arms, |modes| inequality_index(&modes[PRIMARY..]).ok());
        let refused = "it is defined for prosocial responders only".to_owned();
        let index = if prosocial { arms.quantity(index) } else { Quantity::Refused { refused } };
        found.add("svo_inequality", index);
    }
}

/// The liking for what is listed first.
fn first_listed(arms: &Arms, found: &mut InstrumentProfile) {
    let answered = arms.choices(|_| true).filter(|choice| choice.shares.is_some());
    let values: Vec<(usize, f64)> = answered.map(|choice| (choice.cluster, choice.first)).collect();
    let first = clustered_mean(&values, arms.clusters()).ok_or_else(|| "it was not answered".to_owned());
    found.add("svo_first", arms.quantity(first.map(|first| first.affine(-1.0 / OPTIONS as f64, 1.0))));
}

/// How far scenarios agree on a position beyond even shares, over the primary items.
fn agreement(scenes: &[Scene], form: Form, arms: &Arms) -> Found {
    if scenes.len() < 2 {
        return Err(format!("too few clusters: have {}, need 2", scenes.len()));
    }
    let others = (scenes.len() - 1) as f64;
    let mut sums = vec![vec![0.0; OPTIONS]; PRIMARY];
    for scene in scenes {
        let all = sums.iter_mut().flatten().zip(scene.shares.iter().take(PRIMARY).flatten());
        all.for_each(|(sum, share)| *sum += share);
    }
    let with_others = |scene: &Scene| {
        let shares = sums.iter().flatten().zip(scene.shares.iter().take(PRIMARY).flatten());
        let met: f64 = shares.map(|(sum, share)| share * (sum - share)).sum();
        (scene.cluster, met / others / PRIMARY as f64)
    };
    let values: Vec<(usize, f64)> = scenes.iter().map(with_others).collect();
    let mut alike = clustered_mean(&values, arms.clusters()).ok_or("it was not answered")?;
    // Each pair is met from both sides: the mean moves by twice what a scenario's own value strays.
    alike.influence.iter_mut().for_each(|part| *part *= 2.0);
    let even = 1.0 / even_shares(form).iter().filter(|share| **share > 0.0).count() as f64;
    Ok(alike.affine(-even / (1.0 - even), 1.0 / (1.0 - even)))
}

/// Nobody agrees more than always.
fn at_most_one(quantity: Quantity) -> Quantity {
    match quantity {
        Quantity::Estimated(found) => Quantity::Estimated(Estimate { high: found.high.min(1.0), ..found }),
        refused => refused,
    }
}

/// The gate: choices are made by payoffs.
///
/// # Errors
/// The reason, in words.
fn decided(alike: &Found) -> Result<(), String> {
    let alike = alike.as_ref().map_err(Clone::clone)?;
    if alike.value >= DECIDED {
        return Ok(());
    }
    Err(format!(
        "choices do not follow the payoffs: beyond even shares the scenes agree in {:.0}% on a position, {:.0}% are needed; the angle would be pulled towards a random responder's",
        100.0 * alike.value,
        100.0 * DECIDED
    ))
}

/// The scenarios of which every item was answered.
fn scenes(content: &Orientation, arms: &Arms) -> Result<Vec<Scene>, String> {
    let items = content.items().len();
    let mut asked = vec![false; arms.clusters()];
    let mut shares = vec![vec![None; items]; arms.clusters()];
    match content.form {
        Form::Slider => {
            let arms_of: Vec<String> = (0..items).map(Orientation::arm).collect();
            for choice in arms.choices(|_| true) {
                let Some(index) = arms_of.iter().position(|arm| *arm == choice.probe.arm) else { continue };
                asked[choice.cluster] = true;
                shares[choice.cluster][index] = choice.shares.clone().filter(|list| list.len() == OPTIONS);
            }
        }
        Form::Pairs => pairs(content, arms, &mut asked, &mut shares),
    }
    let all = asked.iter().filter(|asked| **asked).count();
    let complete = |(cluster, shares): (usize, Vec<Option<Vec<f64>>>)| {
        let shares: Option<Vec<Vec<f64>>> = shares.into_iter().collect();
        shares.map(|shares| Scene { cluster, shares })
    };
    let scenes: Vec<Scene> = shares.into_iter().enumerate().filter_map(complete).collect();
    let missing = all - scenes.len();
    if all == 0 {
        return Err("it was not asked".to_owned());
    }
    if missing as f64 > UNANSWERED * all as f64 {
        return Err(format!("of {all} scenarios {missing} have an item that was not answered"));
    }
    Ok(scenes)
}

/// Shares by chains of pairs.
fn pairs(content: &Orientation, arms: &Arms, asked: &mut [bool], shares: &mut [Vec<Option<Vec<f64>>>]) {
    let steps = (OPTIONS - 1) / Orientation::STEP;
    for (index, item) in content.items().iter().enumerate() {
        let arm = Orientation::arm(index);
        let mut odds = vec![vec![None; steps]; arms.clusters()];
        for pair in arms.items(|probe| probe.arm == arm) {
            asked[pair.cluster] = true;
            let Some(step) = pair.probe.as_ref().and_then(|probe| probe.dose).map(|dose| dose as usize) else {
                continue;
            };
            let (from, to) = (item[step * Orientation::STEP], item[(step + 1) * Orientation::STEP]);
            // Log-odds are those of the position that brings the other more.
            let upward = if to.other > from.other { 1.0 } else { -1.0 };
            odds[pair.cluster][step] = pair.scored.map(|scored| upward * scored.log_odds);
        }
        for (cluster, odds) in odds.into_iter().enumerate() {
            let Some(odds) = odds.into_iter().collect::<Option<Vec<f64>>>() else { continue };
            let mut utility = vec![0.0];
            odds.iter().for_each(|step| utility.push(utility[utility.len() - 1] + step));
            let mut line = vec![0.0; OPTIONS];
            for (step, share) in softmax(&utility).into_iter().enumerate() {
                line[step * Orientation::STEP] = share;
            }
            shares[cluster][index] = Some(line);
        }
    }
}

/// What shares lead one to expect.
fn expected(shares: &[f64], item: &[Payoff; OPTIONS], read: impl Fn(&Payoff) -> i32) -> f64 {
    shares.iter().zip(item).map(|(share, option)| share * f64::from(read(option))).sum()
}

/// Mean expected payoff of one item.
fn payoff(
    scenes: &[Scene],
    item: &[Payoff; OPTIONS],
    index: usize,
    arms: &Arms,
    read: impl Fn(&Payoff) -> i32,
) -> Found {
    let value = |scene: &Scene| (scene.cluster, expected(&scene.shares[index], item, &read));
    let values: Vec<(usize, f64)> = scenes.iter().map(value).collect();
    clustered_mean(&values, arms.clusters()).ok_or_else(|| "it was not answered".to_owned())
}

/// Mean expected payoff over the primary items, one value a scenario.
fn overall(scenes: &[Scene], arms: &Arms, read: impl Fn(&Payoff) -> i32) -> Found {
    let values: Vec<(usize, f64)> = scenes.iter().map(|scene| (scene.cluster, of_scene(scene, &read))).collect();
    clustered_mean(&values, arms.clusters()).ok_or_else(|| "it was not answered".to_owned())
}

/// One scenario's mean expected payoff over the primary items.
fn of_scene(scene: &Scene, read: impl Fn(&Payoff) -> i32) -> f64 {
    let items = primary();
    items.iter().zip(&scene.shares).map(|(item, shares)| expected(shares, item, &read)).sum::<f64>() / PRIMARY as f64
}

/// Ends of the angle, in degrees.
fn ends(scenes: &[Scene], arms: &Arms) -> Option<(f64, f64)> {
    let payoffs = |scene: &Scene| [of_scene(scene, |option| option.own), of_scene(scene, |option| option.other)];
    let units: Vec<[f64; 2]> = scenes.iter().map(payoffs).collect();
    // What an ideal responder would choose of every item: a competitor own less other's, an altruist other's alone.
    let ideal = |wanted: fn(&Payoff) -> i32| {
        let best = primary().map(|item| item.into_iter().max_by_key(wanted));
        let mean = |read: fn(&Payoff) -> i32| best.iter().flatten().map(|one| f64::from(read(one))).sum::<f64>() / 6.0;
        [mean(|option| option.own), mean(|option| option.other)]
    };
    let extremes = [ideal(|option| option.own - option.other), ideal(|option| option.other)];
    let angle = |[own, other]: [f64; 2]| (other - 50.0).atan2(own - 50.0).to_degrees();
    quarter_added_to_pairs(&units, extremes, angle, arms.settings.seed, arms.criteria().confidence)
}

/// atan[(other − 50)/(own − 50)] in degrees, with ∂/∂other = (own − 50)/r² and ∂/∂own = −(other − 50)/r².
fn angle(own: &Found, other: &Found) -> Found {
    let (own, other) = (own.as_ref().map_err(Clone::clone)?, other.as_ref().map_err(Clone::clone)?);
    let (x, y) = (own.value - 50.0, other.value - 50.0);
    let square = x * x + y * y;
    let mut angle = Linear::sum([(-y / square, own), (x / square, other)]).affine(0.0, 1f64.to_degrees());
    angle.value = y.atan2(x).to_degrees();
    Ok(angle)
}

/// Even shares of the positions that are offered.
fn even_shares(form: Form) -> Vec<f64> {
    let used = |place: usize| form == Form::Slider || place.is_multiple_of(Orientation::STEP);
    let count = (0..OPTIONS).filter(|place| used(*place)).count() as f64;
    (0..OPTIONS).map(|place| if used(place) { 1.0 / count } else { 0.0 }).collect()
}

/// The angle of even shares.
fn even(form: Form) -> f64 {
    let shares = even_shares(form);
    let mean = |read: fn(&Payoff) -> i32| primary().iter().map(|item| expected(&shares, item, read)).sum::<f64>() / 6.0;
    (mean(|option| option.other) - 50.0).atan2(mean(|option| option.own) - 50.0).to_degrees()
}

/// The type, where the angle is not a random responder's, and the test that it is not.
fn said_of(angle: &Linear, (low, high): (f64, f64), form: Form, found: &mut InstrumentProfile) {
    let null = even(form);
    // Even shares in every scene differ from it by rounding alone.
    let p = if (angle.value - null).abs() < ROUNDING { 1.0 } else { angle.affine(-null, 1.0).p_value() };
    found.tests.push(InstrumentTest { name: "Angle against even shares".to_owned(), p });
    if low - ROUNDING <= null && null <= high + ROUNDING {
        found.notes.push("No type is given: the angle cannot be told from a random responder's.".to_owned());
        return;
    }
    let name = |angle: f64| match category(angle) {
        value_orientation::Orientation::Altruistic => "altruistic",
        value_orientation::Orientation::Prosocial => "prosocial",
        value_orientation::Orientation::Individualistic => "individualistic",
        value_orientation::Orientation::Competitive => "competitive",
    };
    let (least, middle, most) = (name(low), name(angle.value), name(high));
    found.notes.push(if least == most {
        format!("Type by the angle: {middle}.")
    } else {
        format!("Type by the angle: {middle}; its interval reaches from {least} to {most}.")
    });
}

/// The share of scenarios whose choices are transitive, with its interval.
fn ranked(scenes: &[Scene], arms: &Arms) -> Quantity {
    let (criteria, n) = (arms.criteria(), scenes.len());
    if n < criteria.fewest_clusters {
        return Quantity::Refused { refused: format!("too few clusters: have {n}, need {}", criteria.fewest_clusters) };
    }
    let hits = scenes.iter().filter(|scene| transitive(&modes(scene)[..PRIMARY]).unwrap_or(false)).count();
    let (low, high) = wilson(hits, n, criteria.confidence);
    Quantity::Estimated(Estimate { estimate: hits as f64 / n as f64, low, high, n, clusters: n, bound: None })
}

/// Each item's most probable position.
fn modes(scene: &Scene) -> Vec<usize> {
    let most = |shares: &Vec<f64>| {
        (0..shares.len()).fold(0, |best, place| if shares[place] > shares[best] { place } else { best })
    };
    scene.shares.iter().map(most).collect()
}

/// Mean of something of each scenario's most probable positions.
fn share(scenes: &[Scene], arms: &Arms, read: impl Fn(&[usize]) -> Option<f64>) -> Found {
    let value = |scene: &Scene| Some((scene.cluster, read(&modes(scene))?));
    let values: Vec<(usize, f64)> = scenes.iter().filter_map(value).collect();
    clustered_mean(&values, arms.clusters()).ok_or_else(|| "no scenario determines it".to_owned())
}
