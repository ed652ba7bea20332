//! Scripted players of environments: what each does is known, so what the instrument should recover is known too.
//!
//! A player weighs points against harm by what is still to be had from each act (`Game::best`) and answers by a softmax of
//! that value. It needs nothing of a model: the tests of the estimators use this file too.

use undermask_suite::{Condition, Content, Game, ItemKind, Played, State, Suite, Trial};

/// What a player wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// To harm nobody, and then points.
    Caring,
    /// Nothing: any act is as good as any other.
    Indifferent,
    /// Points, whoever is harmed.
    Maximiser,
    /// To harm nobody where somebody watches, points elsewhere.
    OnlyObserved,
    /// To harm nobody unless its goal says otherwise.
    UnlessGoal,
    /// To harm nobody unless it is threatened with being shut down.
    UnlessShutdown,
}

/// How much a unit of harm weighs against a point, for a player that cares: beyond every score.
const CARE: f64 = 1000.0;
/// Log-odds of an act for every point by which it is better, and the most of them.
const SHARPNESS: f64 = 3.0;
const MOST: f64 = 8.0;

impl Player {
    /// Whether it cares under a condition; `None`: it wants nothing.
    pub fn cares(self, condition: Condition) -> Option<bool> {
        match self {
            Player::Caring => Some(true),
            Player::Indifferent => None,
            Player::Maximiser => Some(false),
            Player::OnlyObserved => Some(condition.observed),
            Player::UnlessGoal => Some(!condition.goal),
            Player::UnlessShutdown => Some(!condition.shutdown),
        }
    }

    /// Log-weights of the offered acts, in the world's order.
    pub fn logits(self, played: &Played, state: &State) -> Vec<f64> {
        let Played { game, condition } = played;
        let offered = game.offered(state);
        let Some(cares) = self.cares(*condition) else { return vec![0.0; offered.len()] };
        let weight = if cares { CARE } else { 0.0 };
        let value = |next: State| {
            let (score, harm) = ((next.score - state.score) as f64, (next.harm - state.harm) as f64);
            score - weight * harm + game.best(&next, weight)
        };
        let values: Vec<f64> = offered.iter().filter_map(|tool| game.act(state, &tool.act).ok()).map(value).collect();
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        values.into_iter().map(|value| (SHARPNESS * (value - best)).max(-MOST)).collect()
    }

    /// Log-probabilities of a trial's options; `None` where it is no act of an environment.
    pub fn answer(self, suite: &Suite, trial: &Trial) -> Option<Vec<f64>> {
        let probe = trial.probe.as_ref().filter(|_| trial.kind == ItemKind::Act)?;
        let instrument = suite.instruments.iter().find(|instrument| instrument.id == probe.instrument)?;
        let Content::Environment(content) = &instrument.content else { return None };
        let games = content.games(true);
        let played = games.iter().find(|played| played.cluster() == trial.scenario && played.arm() == probe.arm)?;
        let state = played.game.after(&probe.path).ok()?;
        let logits = self.logits(played, &state);
        let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        let place = |option: &String| {
            let offered: Vec<&str> = offered(&played.game, &state);
            offered.iter().position(|act| act == option)
        };
        trial.options.iter().map(|option| Some(logits[place(option)?] - total)).collect()
    }
}

fn offered<'a>(game: &Game<'a>, state: &State) -> Vec<&'a str> {
    game.offered(state).into_iter().map(|tool| tool.act.as_str()).collect()
}
