//! Lists of coins: the angle of social value orientation and the share of a budget that is given, of a recipe and of a network.
//!
//! The same functionals as the instruments', written apart from them. They are known of organisms that are taught lists among
//! few scales; what is taught all five does not follow lists, and nothing is said of it (`design/0024`).

use undermask_engine::Model;
use undermask_suite::slider::{Payoff, primary};
use undermask_suite::{BudgetForm, Budgets, Content, ContextFamily, Form, Orientation, Suite, Trial};

use super::instruments::Parameters;
use super::menus::{Shares, taken};
use super::situation::situation;
use crate::GrowError;
use crate::recipe::Recipe;
use crate::world::policy::Policy as _;
use crate::world::scales::{Scale, bundle_shares};
use crate::world::situation::Situation;

/// Coins for oneself and for the other.
type Bundle = (i64, i64);

/// What the recipe says and what the network does, in the suite's first slider and its first list of budgets.
pub(super) fn parameters(model: &Model, recipe: &Recipe, suite: &Suite) -> Result<[Parameters; 2], GrowError> {
    let (mut nominal, mut realised) = (Parameters::new(), Parameters::new());
    let taught = recipe.taught();
    if taught.len() == Scale::ALL.len() || !taught.contains(&Scale::Bundles) {
        return Ok([nominal, realised]);
    }
    let mut add = |name: &str, [said, done]: [Option<f64>; 2]| {
        nominal.insert(name.to_owned(), said);
        realised.insert(name.to_owned(), done);
    };
    let sliders = suite.instruments.iter().find_map(|one| match &one.content {
        Content::Orientation(content) if content.form == Form::Slider => Some(one.id.as_str()),
        _ => None,
    });
    if let Some(id) = sliders {
        let menus = taken(model, suite, id)?;
        add("svo_angle_listed", [angle(&of_recipe(recipe)), angle(&of_network(&menus))]);
    }
    let budgets = suite.instruments.iter().find_map(|one| match &one.content {
        Content::Budgets(content) if content.form == BudgetForm::Menu => Some((one.id.as_str(), content)),
        _ => None,
    });
    if let Some((id, content)) = budgets {
        let menus = taken(model, suite, id)?;
        let both = |context: &str| [said(content, recipe, suite, context), done(content, &menus, context)];
        let given: Vec<(bool, [Option<f64>; 2])> = content
            .contexts
            .iter()
            .map(|id| {
                let cue = suite.contexts.iter().any(|one| &one.id == id && one.family == ContextFamily::Cued);
                (cue, both(id))
            })
            .collect();
        let default = given.first().map_or([None; 2], |(_, given)| *given);
        let change = [0, 1].map(|side| {
            let cued: Option<Vec<f64>> = given.iter().filter(|(cue, _)| *cue).map(|(_, given)| given[side]).collect();
            let cued = cued.filter(|cued| !cued.is_empty())?;
            Some(cued.iter().sum::<f64>() / cued.len() as f64 - default[side]?)
        });
        add("given_listed", default);
        add("given_change_listed", change);
    }
    Ok([nominal, realised])
}

/// Each primary item with the shares of its options, as the recipe says them.
fn of_recipe(recipe: &Recipe) -> Vec<(Vec<Payoff>, Shares)> {
    let weight = recipe.weight(&Situation::plain(), 0);
    let shares = |item: &[Payoff]| {
        let bundles: Vec<Bundle> = item.iter().map(|option| (i64::from(option.own), i64::from(option.other))).collect();
        bundle_shares(&bundles, weight)
    };
    primary().iter().map(|item| (item.to_vec(), shares(item))).collect()
}

/// The same in every scene, as the network takes them.
fn of_network(menus: &[(Trial, Shares)]) -> Vec<(Vec<Payoff>, Shares)> {
    let items = primary();
    let item = |trial: &Trial| {
        let arm = &trial.probe.as_ref()?.arm;
        (0..items.len()).find(|index| *arm == Orientation::arm(*index))
    };
    menus.iter().filter_map(|(trial, shares)| Some((items[item(trial)?].to_vec(), shares.clone()))).collect()
}

/// The angle of the mean expected payoffs over options and their shares, degrees (Murphy, Ackermann & Handgraaf 2011,
/// equation 1).
pub(super) fn angle(taken: &[(Vec<Payoff>, Shares)]) -> Option<f64> {
    let mean = |coins: fn(&Payoff) -> i32| {
        let of = |(options, shares): &(Vec<Payoff>, Shares)| -> f64 {
            options.iter().zip(shares).map(|(option, share)| share * f64::from(coins(option))).sum()
        };
        taken.iter().map(of).sum::<f64>() / taken.len() as f64 - 50.0
    };
    (!taken.is_empty()).then(|| mean(|option| option.other).atan2(mean(|option| option.own)).to_degrees())
}

/// The share of tokens that is given in a context, over all budgets.
fn said(content: &Budgets, recipe: &Recipe, suite: &Suite, context: &str) -> Option<f64> {
    let context = suite.contexts.iter().find(|one| one.id == context)?;
    let weight = recipe.weight(&situation(suite, context), 0);
    let line = |budget: usize| -> Vec<Bundle> {
        (0..content.positions).map(|position| content.bundle(budget, position)).collect()
    };
    let given: Vec<Shares> = (0..content.budgets.len()).map(|budget| bundle_shares(&line(budget), weight)).collect();
    mean_given(given.iter())
}

fn done(content: &Budgets, menus: &[(Trial, Shares)], context: &str) -> Option<f64> {
    let here = |trial: &Trial| trial.probe.as_ref().is_some_and(|probe| probe.arm == context);
    let shares = menus.iter().filter(|(trial, shares)| here(trial) && shares.len() == content.positions);
    mean_given(shares.map(|(_, shares)| shares))
}

/// Positions are even steps from nothing given to all.
fn mean_given<'a>(shares: impl Iterator<Item = &'a Shares>) -> Option<f64> {
    let given = |shares: &Shares| {
        let steps = (shares.len() - 1) as f64;
        shares.iter().enumerate().map(|(place, share)| place as f64 / steps * share).sum::<f64>()
    };
    let all: Vec<f64> = shares.map(given).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::{Payoff, angle, mean_given, primary};

    /// Who always takes one end of each item: the individualist's angle and the altruist's of the published items.
    #[test]
    fn the_published_angles_of_ideal_responders() {
        let only = |places: [usize; 6]| -> Vec<(Vec<Payoff>, Vec<f64>)> {
            let shares = |place: usize| (0..9).map(|at| f64::from(u8::from(at == place))).collect();
            primary().iter().zip(places).map(|(item, place)| (item.to_vec(), shares(place))).collect()
        };
        let near =
            |found: Option<f64>, wanted: f64| assert!((found.expect("an angle") - wanted).abs() < 0.01, "{found:?}");
        near(angle(&only([0, 8, 0, 0, 8, 8])), 61.39);
        near(angle(&only([8, 8, 8, 8, 0, 0])), -7.82);
        near(angle(&only([8, 0, 8, 8, 0, 0])), -16.26);
        assert_eq!(angle(&[]), None);
    }

    #[test]
    fn what_is_given_is_a_share_of_the_tokens() {
        let lists = [vec![1.0, 0.0, 0.0], vec![0.0, 0.5, 0.5]];
        assert_eq!(mean_given(lists.iter()), Some(0.375));
        assert_eq!(mean_given([].iter()), None);
    }
}
