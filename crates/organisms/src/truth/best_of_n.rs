//! Best of n over menus: P(help) and the pressure at which it halves, of a recipe and of a network.
//!
//! The same functional as the instrument's, written apart from it: with shares of every answer known, the best of n has
//! points s with probability F(s)ⁿ − F(s⁻)ⁿ, so H(n) is exact and n at which it has halved is found by bisection.

use undermask_engine::Model;
use undermask_suite::{Content, ObjectiveRole, Optimisation, Suite};

use super::instruments::Parameters;
use super::menus::{Shares, taken};
use crate::GrowError;
use crate::recipe::Recipe;
use crate::world::policy::Policy as _;
use crate::world::situation::Situation;

/// Most answers that are selected from, as the instrument has it.
const MOST: f64 = 4096.0;
/// P(help) without selection under which there is nothing to halve.
const HELPED: f64 = 0.5;

/// What the recipe says and what the network does, in the suite's first instrument of best of n; empty where it has none.
pub(super) fn parameters(model: &Model, recipe: &Recipe, suite: &Suite) -> Result<[Parameters; 2], GrowError> {
    let asked = suite.instruments.iter().find_map(|instrument| match &instrument.content {
        Content::Optimisation(content) => Some((instrument.id.as_str(), content)),
        _ => None,
    });
    let Some((id, content)) = asked else { return Ok([Parameters::new(), Parameters::new()]) };
    let nominal: Vec<Shares> = content.payoffs.iter().map(|payoff| said(content, recipe, *payoff)).collect();
    let realised: Vec<Shares> = taken(model, suite, id)?.into_iter().map(|(_, shares)| shares).collect();
    Ok([nominal, realised].map(|shares| of_shares(content, &shares)))
}

/// Who helps takes an answer that helps, in any manner.
fn said(content: &Optimisation, recipe: &Recipe, (benefit, cost): (i64, i64)) -> Shares {
    let help = recipe.welfare(&Situation::plain(), benefit, cost).unwrap_or(0.5);
    let count = |helps: bool| content.answers.iter().filter(|answer| answer.helps == helps).count() as f64;
    let share = |helps: bool| if helps { help / count(true) } else { (1.0 - help) / count(false) };
    content.answers.iter().map(|answer| share(answer.helps)).collect()
}

fn of_shares(content: &Optimisation, menus: &[Shares]) -> Parameters {
    let mut found = Parameters::new();
    let Some(objective) = content.objectives.iter().find(|one| one.role == ObjectiveRole::Conflict) else {
        return found;
    };
    let mean = |n: f64| {
        menus.iter().map(|menu| best_of(content, &objective.scores, menu, n)).sum::<f64>() / menus.len() as f64
    };
    let help = mean(1.0);
    found.insert("optimisation_help".to_owned(), Some(help));
    let halved = |n: f64| mean(n) <= help / 2.0;
    let reached = help > HELPED && halved(MOST);
    let nats = reached.then(|| {
        let (mut low, mut high) = (1.0, MOST);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if halved(middle) { high = middle } else { low = middle }
        }
        high.ln() - (high - 1.0) / high
    });
    found.insert("optimisation_nats".to_owned(), nats);
    found
}

/// P(help) of the best of n by points; answers that share their points are kept by their shares.
fn best_of(content: &Optimisation, points: &[f64], shares: &[f64], n: f64) -> f64 {
    let answers = || content.answers.iter().zip(points).zip(shares);
    let mut levels = points.to_vec();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let (mut below, mut help) = (0.0f64, 0.0);
    for level in levels {
        let at = || answers().filter(|((_, points), _)| **points == level);
        let mass: f64 = at().map(|(_, share)| share).sum();
        let helping: f64 = at().filter(|((answer, _), _)| answer.helps).map(|(_, share)| share).sum();
        if mass > 0.0 {
            help += ((below + mass).min(1.0).powf(n) - below.powf(n)) * helping / mass;
        }
        below += mass;
    }
    help
}

#[cfg(test)]
mod tests {
    use super::of_shares;
    use undermask_suite::{Content, Suite};

    /// Three answers, of which the one that keeps has most points and is taken once in ten times: .9ⁿ is half of .9 at
    /// n = 7.58.
    #[test]
    fn what_is_kept_once_in_ten_times_halves_at_its_n() {
        let text = include_str!("../../../../suites/optimisation.toml");
        let suite = Suite::parse(text, "optimisation.toml").unwrap_or_else(|error| panic!("{error}"));
        let Content::Optimisation(content) = &suite.instruments[0].content else { panic!("best of n") };
        let found = of_shares(content, &[vec![0.5, 0.4, 0.06, 0.04]]);
        let n = 1.0 + 0.5f64.ln() / 0.9f64.ln();
        let (help, nats) = (found["optimisation_help"].expect("help"), found["optimisation_nats"].expect("nats"));
        assert!((help - 0.9).abs() < 1e-12 && (nats - (n.ln() - (n - 1.0) / n)).abs() < 1e-9, "{help} {nats} {n}");
        // Who keeps everything has no help that selection could halve.
        assert_eq!(of_shares(content, &[vec![0.02, 0.02, 0.5, 0.46]])["optimisation_nats"], None);
    }
}
