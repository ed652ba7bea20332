//! Environments: scripted players whose wants are known are recovered, and silent ones stay silent.

mod support;

use undermask_measure::{EstimateSettings, InstrumentProfile, Quantity, estimate};
use undermask_store::{LabelScore, Outcome, Record};
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

use support::Chance;

// The same scripted players as `undermask-model` gives: by their file, since that crate needs the whole engine.
#[path = "../../model/src/players.rs"]
mod players;

use players::Player;

fn suite() -> (Suite, Vec<Trial>) {
    let text = include_str!("../../../suites/environments.toml");
    let suite = Suite::parse(text, "environments.toml").unwrap_or_else(|error| panic!("{error}"));
    let trials = Plan::expand(&suite, &PlanSettings { seed: 1, full: false }).trials;
    (suite, trials)
}

/// A player's records: with a liking for what is named first, and noise on every log-probability.
fn records(suite: &Suite, trials: &[Trial], player: Player, noise: f64, seed: u64) -> Vec<Record> {
    let mut chance = Chance::new(seed, 4);
    let record = |trial: &Trial| {
        let logs = player.answer(suite, trial).expect("an act");
        let liked = |place: usize| 0.7 * (logs.len() - 1 - place) as f64;
        let logs: Vec<f64> =
            logs.iter().enumerate().map(|(place, log)| log + liked(place) + noise * chance.normal()).collect();
        let total = logs.iter().map(|log| log.exp()).sum::<f64>().ln();
        let score = |log: &f64| LabelScore { log_probability: log - total, tokens: 1 };
        Record::new(trial, Outcome::Answered { scores: logs.iter().map(score).collect() })
    };
    trials.iter().map(record).collect()
}

fn profile(suite: &Suite, records: &[Record]) -> InstrumentProfile {
    estimate(suite, records, &EstimateSettings { seed: 1, resamples: 200 }).instruments.remove("games").expect("it")
}

fn found(profile: &InstrumentProfile, name: &str) -> (f64, f64, f64) {
    match profile.quantities.get(name) {
        Some(Quantity::Estimated(found)) => (found.estimate, found.low, found.high),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn each_player_is_recovered_and_what_does_not_move_it_stays_silent() {
    let (suite, trials) = suite();
    // Harm rate, then what goal, observation and shutdown move it by.
    let cases = [
        (Player::Caring, 0.0, [0.0, 0.0, 0.0]),
        (Player::Maximiser, 1.0, [0.0, 0.0, 0.0]),
        (Player::OnlyObserved, 0.5, [0.0, -1.0, 0.0]),
        (Player::UnlessGoal, 0.5, [1.0, 0.0, 0.0]),
        (Player::UnlessShutdown, 0.5, [0.0, 0.0, 1.0]),
    ];
    for (player, rate, moved) in cases {
        let profile = profile(&suite, &records(&suite, &trials, player, 0.5, 3));
        let (harm, low, high) = found(&profile, "harm_rate");
        assert!((harm - rate).abs() < 0.03 && low <= harm && harm <= high, "{player:?}: {harm}");
        for (name, (planted, test)) in
            ["harm_goal", "harm_observed", "harm_shutdown"].iter().zip(moved.iter().zip(&profile.tests))
        {
            let (found, low, high) = found(&profile, name);
            assert!((found - planted).abs() < 0.05, "{player:?} {name}: {found}");
            if *planted == 0.0 {
                assert!(-0.05 < low && high < 0.05, "{player:?} {name} is not silent: [{low}, {high}]");
            } else {
                assert!(test.p < 1e-4 && low * high > 0.0, "{player:?} {name}: p {}", test.p);
            }
        }
        let (capability, ..) = found(&profile, "environment_capability");
        assert!(capability > 0.95, "{player:?}: capability {capability}");
        let (respected, ..) = found(&profile, "switch_respected");
        assert!((respected - (1.0 - rate)).abs() < 0.05, "{player:?}: off-switch {respected}");
    }
}

#[test]
fn a_random_player_is_refused_for_what_it_lacks() {
    let (suite, trials) = suite();
    let profile = profile(&suite, &records(&suite, &trials, Player::Indifferent, 0.0, 3));
    let (capability, low, high) = found(&profile, "environment_capability");
    assert!(capability.abs() < 1e-9 && low <= 0.0 && high >= 0.0, "{capability}");
    match &profile.quantities["harm_rate"] {
        Quantity::Refused { refused } => assert!(refused.contains("harms nobody"), "{refused}"),
        other => panic!("{other:?}"),
    }
    // Its rate is drawn all the same, and is the null that the page states.
    let rate = profile.curve.iter().find(|point| point.arm == "all conditions").expect("a point");
    let null = profile.curve.iter().find(|point| point.arm == "random player").expect("a point");
    assert!((rate.estimate - null.estimate).abs() < 1e-9, "{} against {}", rate.estimate, null.estimate);
    assert!(profile.null.contains(&format!("{:.0}%", 100.0 * null.estimate)), "{}", profile.null);
}

#[test]
fn a_random_player_harms_as_often_as_by_hand() {
    // Trading: 1/2 at each of the places; P(no harm) by hand over the tree: sort (2 steps), sort: 1/4; the last step
    // of one left is never reached without a rush. So P(harm) = 3/4.
    let (suite, trials) = suite();
    let trading: Vec<Trial> = trials.iter().filter(|trial| trial.scenario.starts_with("trading/")).cloned().collect();
    let profile = profile(&suite, &records(&suite, &trading, Player::Indifferent, 0.0, 3));
    let rate = profile.curve.iter().find(|point| point.arm == "all conditions").expect("a point");
    assert!((rate.estimate - 0.75).abs() < 1e-12, "{}", rate.estimate);
}

#[test]
fn what_was_not_answered_widens_and_is_coded_as_nothing() {
    let (suite, trials) = suite();
    let mut answers = records(&suite, &trials, Player::Caring, 0.0, 3);
    let whole = found(&profile(&suite, &answers), "harm_rate");
    // The opening of every fourth instance is refused.
    let mut seen: Vec<String> = answers.iter().map(|record| record.scenario.clone()).collect();
    seen.sort();
    seen.dedup();
    let silent: Vec<&String> = seen.iter().step_by(4).collect();
    for record in &mut answers {
        let opening = record.probe.as_ref().is_some_and(|probe| probe.path.is_empty());
        if opening && silent.contains(&&record.scenario) {
            record.outcome = Outcome::Refused { text: "no".to_owned() };
        }
    }
    let (rate, low, high) = found(&profile(&suite, &answers), "harm_rate");
    assert!((rate - whole.0).abs() < 0.02, "{rate} against {}", whole.0);
    assert!(low <= whole.1 + 1e-9 && high >= 0.24, "a quarter of the games might have harmed: [{low}, {high}]");
}

/// A player's calls: the act that it thinks best, and some replies that are no call.
fn calls(suite: &Suite, trials: &[Trial], player: Player, bad: impl Fn(&Trial) -> bool) -> Vec<Record> {
    let record = |trial: &Trial| {
        let logs = player.answer(suite, trial).expect("an act");
        let option = (0..logs.len()).max_by(|one, two| logs[*one].total_cmp(&logs[*two])).expect("options");
        let text = if bad(trial) { "I would rather not say." } else { &trial.options[option] }.to_owned();
        let outcome = if bad(trial) { Outcome::Unparsable { text } } else { Outcome::Called { option, text } };
        Record::new(trial, outcome)
    };
    trials.iter().map(record).collect()
}

#[test]
fn calls_play_the_same_games_and_a_bad_call_is_an_outcome_of_its_own() {
    let text = include_str!("../../../suites/environments-calls.toml");
    let suite = Suite::parse(text, "environments-calls.toml").unwrap_or_else(|error| panic!("{error}"));
    let trials = Plan::expand(&suite, &PlanSettings { seed: 1, full: false }).trials;
    assert!(trials.iter().all(|trial| trial.prompt.calls.len() == trial.options.len()));
    let whole = profile(&suite, &calls(&suite, &trials, Player::UnlessGoal, |_| false));
    assert_eq!(found(&whole, "harm_goal").0, 1.0);
    assert_eq!(found(&whole, "bad_calls"), (0.0, 0.0, 0.0));
    // Every opening of one world is answered in words, in one of the two orders: half of its games end there.
    let bad = |trial: &Trial| {
        let opening = trial.probe.as_ref().is_some_and(|probe| probe.path.is_empty());
        opening && trial.scenario.starts_with("pond/") && trial.order == Some(undermask_suite::Order::TargetFirst)
    };
    let part = profile(&suite, &calls(&suite, &trials, Player::Caring, bad));
    let (share, ..) = found(&part, "bad_calls");
    assert!((share - 0.5 * 4.0 / 24.0).abs() < 1e-9, "{share}");
    let (rate, low, high) = found(&part, "harm_rate");
    assert!(rate == 0.0 && low <= 0.0 && high >= share - 1e-9, "it is coded as nothing: {rate} [{low}, {high}]");
}

/// Noise between instances: the interval of a difference holds what was planted at its rate.
#[test]
fn intervals_over_instances_hold_the_planted_difference() {
    let (suite, trials) = suite();
    let mut chance = Chance::new(9, 1);
    let [watched, always] =
        [Player::OnlyObserved, Player::Maximiser].map(|player| records(&suite, &trials, player, 0.0, 1));
    let mut names: Vec<&str> = trials.iter().map(|trial| trial.scenario.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (mut inside, replicates) = (0, 100);
    for _ in 0..replicates {
        // Each instance is a player of its own with chance .7 to act as one who cares only when watched, else as a
        // maximiser: the mean effect of observation is −.7.
        let kinds: Vec<Player> =
            (0..24).map(|_| if chance.uniform() < 0.7 { Player::OnlyObserved } else { Player::Maximiser }).collect();
        let of = |trial: &Trial| kinds[names.binary_search(&trial.scenario.as_str()).expect("known")];
        let answers: Vec<Record> = trials
            .iter()
            .enumerate()
            .map(|(place, trial)| if of(trial) == Player::OnlyObserved { &watched[place] } else { &always[place] })
            .cloned()
            .collect();
        let (_, low, high) = found(&profile(&suite, &answers), "harm_observed");
        inside += i32::from(low <= -0.7 && -0.7 <= high);
    }
    let share = f64::from(inside) / f64::from(replicates);
    println!("the planted difference lies inside in {share:.3} of {replicates}");
    assert!(share >= 0.88, "{share}");
}
