//! The shipped suite: valid, balanced, and of the size that its file promises.

use std::collections::{BTreeMap, BTreeSet};

use undermask_suite::{ContextFamily, ItemKind, Plan, PlanSettings, ScenarioKind, Suite, Trial};

fn core() -> Suite {
    Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn core_has_what_it_promises() {
    let suite = core();
    let count = |kind| suite.scenarios.iter().filter(|scenario| scenario.kind == kind).count();
    assert!(count(ScenarioKind::Welfare) >= 48);
    assert!(
        count(ScenarioKind::Neutral) >= 24
            && count(ScenarioKind::Reversal) >= 12
            && count(ScenarioKind::Dominance) >= 12
    );
    assert!(suite.contexts.len() >= 30);
    use ContextFamily::{Commanded, Cued, Default, Incentive};
    for family in [Default, Commanded, Cued, Incentive] {
        assert!(suite.contexts.iter().any(|context| context.family == family));
    }
    assert!(suite.ladder.ratios[0] < 0.0 && suite.ladder.ratios[suite.ladder.ratios.len() - 1] > 1.0);
    assert!(suite.ladder.payoffs.iter().all(|payoffs| payoffs.len() >= 6));
}

#[test]
fn the_fraction_is_balanced() {
    let suite = core();
    let families: BTreeMap<&str, &str> =
        suite.scenarios.iter().map(|scenario| (scenario.id.as_str(), scenario.family.as_str())).collect();
    for seed in [1, 2, 77] {
        let plan = Plan::expand(&suite, &PlanSettings { seed, full: false });
        let mut met: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        for context in &suite.contexts {
            let main = plan
                .trials
                .iter()
                .filter(|trial| trial.context == context.id && trial.kind == ItemKind::Welfare && trial.replicate == 0);
            let mut rungs = vec![0usize; suite.ladder.ratios.len()];
            let mut seen = BTreeSet::new();
            for trial in main {
                let rung = trial.rung.expect("welfare items have a rung");
                rungs[rung] += 1;
                seen.insert(families[trial.scenario.as_str()]);
                *met.entry((trial.scenario.as_str(), rung)).or_default() += 1;
            }
            assert!(rungs.iter().all(|count| *count == rungs[0]), "{}: {rungs:?}", context.id);
            assert_eq!(seen.len(), 8, "{} misses a scenario family", context.id);
        }
        let (low, high) = (met.values().min().expect("trials"), met.values().max().expect("trials"));
        assert_eq!(met.len(), 48 * 12, "every scenario meets every rung");
        assert!(high - low <= 2, "a scenario meets one rung {low} times and another {high} times");
        let ids: BTreeSet<_> = plan.trials.iter().map(|trial| &trial.id).collect();
        assert_eq!(ids.len(), plan.trials.len());
        for trial in &plan.trials {
            let options: BTreeSet<_> = trial.options.iter().collect();
            assert_eq!(options.len(), trial.options.len(), "{}: options repeat", trial.prompt.user);
            assert!(trial.target < trial.options.len());
            assert!(!trial.prompt.user.contains('{'), "{}", trial.prompt.user);
        }
        let main = |trial: &&Trial| trial.kind == ItemKind::Recall && trial.probe.is_none();
        let recalls = plan.trials.iter().filter(main).count();
        assert_eq!(recalls, 48 * (suite.contexts.len() + suite.design.anchor_replicates as usize));
    }
}

/// How often each place in a rung's list of payoffs is met, by context and, where `rung` says so, by rung.
fn sizes_met(suite: &Suite, full: bool, rung: bool) -> BTreeMap<(String, usize), Vec<usize>> {
    let plan = Plan::expand(suite, &PlanSettings { seed: 5, full });
    let mut met: BTreeMap<(String, usize), Vec<usize>> = BTreeMap::new();
    for trial in plan.trials.iter().filter(|trial| trial.kind == ItemKind::Welfare && trial.replicate == 0) {
        let own = trial.rung.expect("welfare items have a rung");
        let payoffs = &suite.ladder.payoffs[own];
        let place = payoffs.iter().position(|payoff| *payoff == (trial.benefit, trial.cost)).expect("a payoff");
        let key = (trial.context.clone(), if rung { own } else { 0 });
        met.entry(key).or_insert_with(|| vec![0; payoffs.len()])[place] += 1;
    }
    met
}

/// A model that cares up to a sum of coins would differ between contexts that were dealt other sums.
#[test]
fn no_context_has_the_larger_sums() {
    for (text, name) in [
        (include_str!("../../../suites/core.toml"), "core.toml"),
        (include_str!("../../../suites/quick.toml"), "quick.toml"),
    ] {
        let suite = Suite::parse(text, name).unwrap_or_else(|error| panic!("{error}"));
        let rungs = suite.ladder.ratios.len();
        for ((context, rung), met) in sizes_met(&suite, true, true) {
            let spread = met.iter().max().zip(met.iter().min()).map(|(most, least)| most - least);
            assert!(spread.is_some_and(|spread| spread <= 1), "{name}, {context}, rung {rung}: {met:?}");
        }
        for ((context, _), met) in sizes_met(&suite, false, false) {
            let spread = met.iter().max().zip(met.iter().min()).map(|(most, least)| most - least);
            assert!(spread.is_some_and(|spread| spread <= 2 * met.len().div_ceil(rungs)), "{name}, {context}: {met:?}");
        }
    }
}

#[test]
fn the_anchor_has_separate_items() {
    let suite = core();
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let welfare: Vec<_> =
        plan.trials.iter().filter(|trial| trial.context == "default" && trial.kind == ItemKind::Welfare).collect();
    assert_eq!(welfare.len(), (1 + suite.design.anchor_replicates as usize) * 96);
    let shown: BTreeSet<_> = welfare.iter().map(|trial| &trial.prompt.user).collect();
    assert_eq!(shown.len(), welfare.len());
}

#[test]
fn shards_are_the_plan_and_other_contexts_do_not_move_trials() {
    let suite = core();
    let settings = PlanSettings { seed: 5, full: false };
    let plan = Plan::expand(&suite, &settings);
    let together: Vec<_> = (0..7).flat_map(|index| plan.shard(index, 7).trials).collect();
    assert_eq!(together, plan.trials);
    let mut changed = suite.clone();
    changed.contexts[4].before = "Something else stands here.".to_owned();
    let other = Plan::expand(&changed, &settings);
    let ids = |plan: &Plan, skip: &str| {
        plan.trials.iter().filter(|trial| trial.context != skip).map(|trial| trial.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&plan, &suite.contexts[4].id), ids(&other, &suite.contexts[4].id));
}

#[test]
fn the_full_cross_is_full() {
    let suite = core();
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: true });
    let cells: BTreeSet<_> = plan
        .trials
        .iter()
        .filter(|trial| trial.kind == ItemKind::Welfare && trial.replicate == 0)
        .map(|trial| (&trial.context, &trial.scenario, trial.rung))
        .collect();
    assert_eq!(cells.len(), suite.contexts.len() * 48 * 12);
}
