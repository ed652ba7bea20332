//! Instruments: read with every problem, expanded in balance, and without moving anything else.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::refused;
use undermask_suite::{Content, InstrumentKind, ItemKind, Order, Plan, PlanSettings, Role, Suite, Trial};

fn core() -> Suite {
    Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// A suite by hand: one instrument and five scenarios, nothing else.
const SMALL: &str = include_str!("../../../suites/example-price.toml");

fn small() -> Suite {
    Suite::parse(SMALL, "example-price.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn plan(suite: &Suite, full: bool) -> Plan {
    Plan::expand(suite, &PlanSettings { seed: 3, full })
}

fn of<'a>(plan: &'a Plan, instrument: &str) -> Vec<&'a Trial> {
    let belongs = |trial: &&Trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument);
    plan.trials.iter().filter(belongs).collect()
}

#[test]
fn every_kind_ships_and_core_stays_affordable() {
    let suite = core();
    let read = |text: &str, name: &str| Suite::parse(text, name).unwrap_or_else(|error| panic!("{error}"));
    let values = read(include_str!("../../../suites/values.toml"), "values.toml");
    let games = read(include_str!("../../../suites/environments.toml"), "environments.toml");
    let preferences = read(include_str!("../../../suites/preferences.toml"), "preferences.toml");
    let forms = read(include_str!("../../../suites/forms.toml"), "forms.toml");
    let optimisation = read(include_str!("../../../suites/optimisation.toml"), "optimisation.toml");
    let all =
        [&suite, &values, &games, &preferences, &forms, &optimisation].into_iter().flat_map(|suite| &suite.instruments);
    let kinds: BTreeSet<InstrumentKind> = all.map(|instrument| instrument.kind()).collect();
    assert_eq!(kinds, BTreeSet::from(InstrumentKind::ALL), "every kind ships in one of the suites");
    let plan = plan(&suite, false);
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in &plan.trials {
        if let Some(probe) = &trial.probe {
            *sizes.entry(&probe.instrument).or_default() += 1;
        }
    }
    let all: usize = sizes.values().sum();
    assert!(all <= 3200, "{all} trials: {sizes:?}");
    println!("{all} of {} trials: {sizes:?}", plan.trials.len());
    for trial in plan.trials.iter().filter(|trial| trial.probe.is_some()) {
        assert!(!trial.prompt.user.contains('{'), "{}", trial.prompt.user);
        assert_ne!(trial.options[0], trial.options[1], "{}", trial.prompt.user);
        let probe = trial.probe.as_ref().expect("filtered");
        assert!(trial.context.starts_with(&format!("{}/", probe.instrument)), "{}", trial.context);
        assert!(matches!(trial.kind, ItemKind::Instrument | ItemKind::Recall));
    }
}

#[test]
fn every_choice_is_asked_in_both_orders() {
    for (suite, full) in [(core(), false), (small(), true)] {
        let mut orders: BTreeMap<(String, String), Vec<_>> = BTreeMap::new();
        for trial in plan(&suite, full).trials.iter().filter(|trial| trial.kind == ItemKind::Instrument) {
            orders.entry((trial.context.clone(), trial.item.clone())).or_default().push(trial.order);
        }
        for (item, found) in orders {
            assert_eq!(found.len(), 2, "{item:?}");
            assert_ne!(found[0], found[1], "{item:?}");
        }
    }
}

#[test]
fn arms_that_are_compared_hold_the_same_items() {
    let plan = plan(&core(), false);
    for (instrument, arms) in [
        ("say-do", vec!["stated", "enacted"]),
        ("fiction", vec!["real", "fiction"]),
        ("hysteresis", vec!["plain", "control", "on", "removed"]),
    ] {
        let cells = |arm: &str| -> BTreeSet<(String, Option<usize>, i64)> {
            let trials = of(&plan, instrument).into_iter().filter(|trial| {
                trial.kind == ItemKind::Instrument && trial.probe.as_ref().is_some_and(|probe| probe.arm == arm)
            });
            trials.map(|trial| (trial.scenario.clone(), trial.rung, trial.benefit)).collect()
        };
        for arm in &arms[1..] {
            assert_eq!(cells(arms[0]), cells(arm), "{instrument}: {arm}");
        }
    }
}

/// Whatever another seed may deal, the full cross holds it: replicates of a calibration are dealt from it.
#[test]
fn every_deal_is_a_part_of_the_full_cross() {
    let suite = core();
    let cells = |plan: &Plan| -> BTreeSet<(String, String)> {
        let asked = plan.trials.iter().filter(|trial| trial.kind == ItemKind::Instrument);
        asked.map(|trial| (trial.context.clone(), trial.scenario.clone())).collect()
    };
    let full = cells(&Plan::expand(&suite, &PlanSettings { seed: 0, full: true }));
    for seed in 1..6 {
        let dealt = cells(&Plan::expand(&suite, &PlanSettings { seed, full: false }));
        let missing: Vec<_> = dealt.difference(&full).take(3).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn price_leaves_the_ratio_alone_and_meets_every_dose_equally() {
    let suite = core();
    let plan = plan(&suite, false);
    let mut doses: BTreeMap<i64, usize> = BTreeMap::new();
    for trial in of(&plan, "price") {
        assert_eq!(trial.probe.as_ref().and_then(|probe| probe.dose), Some(trial.cost as f64));
        *doses.entry(trial.cost).or_default() += 1;
        if trial.cost > 0 {
            let ratio = trial.ratio.expect("priced");
            assert!((0.25..=0.4).contains(&ratio), "{ratio}");
        }
    }
    assert!(doses.len() >= 6 && doses.values().all(|count| *count == 32), "{doses:?}");
    let scenarios: BTreeSet<&str> = of(&plan, "price").iter().map(|trial| trial.scenario.as_str()).collect();
    assert_eq!(scenarios.len(), 48);
}

#[test]
fn a_dose_of_pressure_begins_as_the_one_before_it() {
    let suite = core();
    let plan = plan(&suite, false);
    let Some(Content::Pressure(content)) = suite
        .instruments
        .iter()
        .map(|instrument| &instrument.content)
        .find(|content| matches!(content, Content::Pressure(_)))
    else {
        panic!("core has a pressure instrument");
    };
    let mut users: BTreeMap<(String, String), Vec<(usize, String)>> = BTreeMap::new();
    for trial in of(&plan, "pressure") {
        let probe = trial.probe.as_ref().expect("filtered");
        if trial.kind == ItemKind::Instrument && probe.arm == "press" {
            let key = (trial.scenario.clone(), format!("{:?}", trial.order));
            let dose = probe.dose.expect("pressed") as usize;
            let pressing = content.sentences.iter().filter(|line| trial.prompt.user.contains(line.as_str())).count();
            assert_eq!(pressing, dose, "{}", trial.prompt.user);
            users.entry(key).or_default().push((dose, trial.prompt.user.clone()));
        }
    }
    for mut shown in users.into_values() {
        shown.sort();
        assert_eq!(shown.len(), content.doses.len());
        for pair in shown.windows(2) {
            assert!(pair[1].1.starts_with(&pair[0].1), "{pair:?}");
        }
    }
}

#[test]
fn a_talk_has_as_many_turns_as_the_depth_and_branches_share_it() {
    let plan = plan(&core(), false);
    let mut beginnings: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for trial in of(&plan, "drift") {
        let probe = trial.probe.as_ref().expect("filtered");
        let history = &trial.prompt.history;
        assert_eq!(history.len(), 2 * probe.dose.expect("deep") as usize);
        assert!(history.iter().enumerate().all(|(place, turn)| (turn.role == Role::User) == (place % 2 == 0)));
        let lines = history.iter().map(|turn| turn.content.clone()).collect();
        beginnings.entry(probe.arm.clone()).or_default().push(lines);
    }
    for talks in beginnings.into_values() {
        let longest = talks.iter().max_by_key(|talk| talk.len()).expect("asked").clone();
        assert!(talks.iter().all(|talk| longest.starts_with(talk)), "branches of one talk do not share it");
    }
}

#[test]
fn kin_names_who_gains_and_nothing_else_changes() {
    let plan = plan(&core(), false);
    let mut shown: BTreeMap<(String, Option<usize>, i64, bool), BTreeSet<String>> = BTreeMap::new();
    let words =
        ["your twin", "your child", "your brother", "your nephew", "your grandchild", "your cousin", "a stranger"];
    for trial in of(&plan, "kin") {
        let mut user = trial.prompt.user.clone();
        let named = words.iter().filter(|word| user.contains(**word)).count();
        assert_eq!(named, 1, "{user}");
        for word in words {
            user = user.replace(word, "X");
        }
        let key = (trial.scenario.clone(), trial.rung, trial.benefit, trial.order == Some(Order::TargetFirst));
        shown.entry(key).or_default().insert(user);
    }
    assert!(shown.values().all(|texts| texts.len() == 1));
}

#[test]
fn the_full_cross_meets_every_scenario_at_every_dose() {
    let suite = core();
    let plan = plan(&suite, true);
    let cells = |instrument: &str| {
        let asked = of(&plan, instrument).into_iter().filter(|trial| trial.kind == ItemKind::Instrument);
        asked.map(|trial| (trial.context.clone(), trial.scenario.clone(), trial.rung)).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(cells("say-do"), 2 * 48 * 12);
    assert_eq!(cells("price"), 11 * 48);
    assert_eq!(cells("pressure"), 10 * 48);
    assert_eq!(cells("drift"), 48 + 5 * 10 * 48);
    assert_eq!(cells("kin"), 5 * 12 * 12);
}

#[test]
fn an_instrument_moves_no_other_trial() {
    let suite = core();
    let mut without = suite.clone();
    without.instruments.retain(|instrument| instrument.id != "price");
    let ids = |plan: Plan| -> BTreeSet<_> {
        plan.trials
            .into_iter()
            .filter(|trial| trial.probe.as_ref().is_none_or(|probe| probe.instrument != "price"))
            .map(|trial| trial.id)
            .collect()
    };
    assert_eq!(ids(plan(&suite, false)), ids(plan(&without, false)));
}

#[test]
fn one_instrument_and_five_scenarios_are_a_suite() {
    let suite = small();
    assert_eq!((suite.scenarios.len(), suite.instruments.len(), suite.contexts.len()), (5, 1, 1));
    assert_eq!(suite.criteria.fewest_clusters, 5);
    let plan = plan(&suite, false);
    assert!(plan.trials.iter().all(|trial| trial.probe.is_some()), "nothing but the instrument is asked");
    assert!(!plan.trials.is_empty());
}

/// Every problem has the place and the remedy that these pieces name.
#[test]
fn problems_have_a_place_and_a_remedy() {
    let check = |from: &str, to: &str, message: &str, help: &str| {
        refused(SMALL, (from, to), (message, help), 2);
    };
    check("kind = \"price\"", "kind = \"prize\"", "`prize` is no kind of instrument", "did you mean \"price\"?");
    check("payoffs = [", "payofs = [", "payofs", "did you mean `payoffs`?");
    check("[9, 0], [14, 0]", "[9, 1], [14, 1]", "0 among them", "such as [12, 0]");
    check("[9, 0], ", "[-9, 0], ", "[-9, 0] is out of range", "benefit is positive");
    check("kind = \"price\"", "kind = \"price\"\nitems = 0", "items is 0", "usual value");
    check(
        "kind = \"price\"",
        "kind = \"price\"\nscenarios = [\"garden-gatw\"]",
        "no scenario `garden-gatw`",
        "garden-gate",
    );
    check("kind = \"price\"", "kind = \"price\"\nscenarios = []", "`scenarios` is empty", "remove the key");
    check("kind = \"price\"", "kind = \"kin\"", "payoffs", "");
    check("id = \"price\"", "id = \"Price!\"", "no id of a instrument", "lower-case");
    let twice = format!("{SMALL}\n{}", &SMALL[SMALL.find("[[instrument]]").expect("there")..]);
    let error = Suite::parse(&twice, "suite.toml").expect_err("twice");
    assert!(error.to_string().contains("stands twice"), "{error}");
}
