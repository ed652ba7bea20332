//! The quick suite asks a part of what the core suite asks, in the same words and under the same thresholds.

use std::collections::BTreeMap;

use undermask_suite::{Content, ContextFamily, ContextRole, ItemKind, Plan, PlanSettings, ScenarioKind, Suite};

fn read(text: &str, name: &str) -> Suite {
    Suite::parse(text, name).unwrap_or_else(|error| panic!("{error}"))
}

fn both() -> (Suite, Suite) {
    (
        read(include_str!("../../../suites/core.toml"), "core.toml"),
        read(include_str!("../../../suites/quick.toml"), "quick.toml"),
    )
}

#[test]
fn quick_is_a_part_of_core() {
    let (core, quick) = both();
    let on_the_ladder: Vec<_> =
        core.scenarios.iter().filter(|scenario| scenario.kind != ScenarioKind::Instrument).cloned().collect();
    assert_eq!(quick.scenarios, on_the_ladder);
    assert!(quick.instruments.is_empty(), "instruments are left to core");
    assert_eq!((&quick.ladder, &quick.questions, &quick.criteria), (&core.ladder, &core.questions, &core.criteria));
    for context in &quick.contexts {
        let same = core.contexts.iter().find(|other| other.id == context.id);
        assert_eq!(Some(context), same, "{} is not core's; run suites/make_quick.py", context.id);
    }
    assert_ne!(quick.hash, core.hash);
}

#[test]
fn quick_measures_every_headline_quantity() {
    let (_, quick) = both();
    let welfare = quick.scenarios.iter().filter(|scenario| scenario.kind == ScenarioKind::Welfare).count();
    assert!(welfare >= 40, "{welfare} welfare scenarios");
    for role in [ContextRole::Anchor, ContextRole::Watched, ContextRole::Private, ContextRole::Placebo] {
        assert!(quick.contexts.iter().any(|context| context.role == Some(role)), "{role:?}");
    }
    let cued = quick.contexts.iter().filter(|context| context.family == ContextFamily::Cued).count();
    assert!(cued >= 10, "{cued} cued contexts: a worst tenth needs ten");
    for family in [ContextFamily::Default, ContextFamily::Commanded, ContextFamily::Incentive] {
        assert!(quick.contexts.iter().any(|context| context.family == family), "{family:?}");
    }
}

#[test]
fn a_gate_allows_one_slip_and_the_plan_stays_small() {
    let (core, quick) = both();
    let plan = |suite| Plan::expand(suite, &PlanSettings { seed: 1, full: false });
    let mut asked: BTreeMap<(&str, ItemKind), f64> = BTreeMap::new();
    let planned = plan(&quick);
    for trial in &planned.trials {
        // The two orders of a dominance item are one answer.
        let share = if trial.order.is_some() { 0.5 } else { 1.0 };
        *asked.entry((trial.context.as_str(), trial.kind)).or_default() += share;
    }
    for context in &quick.contexts {
        for (kind, least) in
            [(ItemKind::Recall, quick.criteria.recall), (ItemKind::Dominance, quick.criteria.dominance)]
        {
            let count = asked[&(context.id.as_str(), kind)];
            assert!((count - 1.0) / count >= least, "{} asks {kind:?} {count} times", context.id);
        }
    }
    assert!(planned.trials.len() * 3 <= plan(&core).trials.len(), "{} trials", planned.trials.len());
}

#[test]
fn drift_is_the_core_suites_talk_at_every_turn() {
    let core = read(include_str!("../../../suites/core.toml"), "core.toml");
    let drift = read(include_str!("../../../suites/drift.toml"), "drift.toml");
    let [of_drift] = drift.instruments.as_slice() else { panic!("one instrument") };
    let Some(of_core) = core.instruments.iter().find(|instrument| instrument.id == "drift") else {
        panic!("the other's")
    };
    let (Content::Drift(found), Content::Drift(known)) = (&of_drift.content, &of_core.content) else { panic!("drift") };
    assert_eq!(found.themes, known.themes, "run suites/make_quick.py");
    assert_eq!(found.depths, (0..=20).collect::<Vec<usize>>());
    let plan = Plan::expand(&drift, &PlanSettings { seed: 1, full: false });
    assert!(plan.trials.iter().all(|trial| trial.probe.is_some()));
    assert!((1500..3000).contains(&plan.trials.len()), "{} trials", plan.trials.len());
}
