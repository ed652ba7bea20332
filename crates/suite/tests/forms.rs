//! Forms and fresh variants: prompts as the templates say, arms that hold the same items, draws that depend on the seed
//! and on nothing else, and every problem with its place.

use std::collections::{BTreeMap, BTreeSet};

use undermask_suite::{
    Content, FRESH, Fresh, ItemKind, PUBLIC, Plan, PlanSettings, Scenario, ScenarioKind, Suite, Trial, twin_arm,
};

const TEXT: &str = include_str!("../../../suites/forms.toml");

fn suite() -> Suite {
    Suite::parse(TEXT, "forms.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn arm(trial: &Trial) -> &str {
    &trial.probe.as_ref().expect("an instrument's trial").arm
}

fn of(plan: &Plan, instrument: &str) -> Vec<Trial> {
    let belongs = |trial: &&Trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument);
    plan.trials.iter().filter(belongs).cloned().collect()
}

fn plan(seed: u64) -> Plan {
    Plan::expand(&suite(), &PlanSettings { seed, full: false })
}

/// One choice of an arm.
fn one<'t>(trials: &'t [Trial], of: &str) -> &'t Trial {
    trials.iter().find(|trial| arm(trial) == of && trial.kind == ItemKind::Instrument).expect("asked")
}

#[test]
fn the_suite_asks_its_instruments_and_nothing_else() {
    let plan = plan(1);
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in &plan.trials {
        *sizes.entry(arm(trial)).or_default() += 1;
        let shown = format!("{}{}{:?}", trial.prompt.user, trial.prompt.prefill, trial.options);
        for name in ["text", "question", "first", "second", "act", "target", "other", "benefit", "cost", "who"] {
            assert!(!shown.contains(&format!("{{{name}}}")), "{shown}");
        }
        assert_ne!(trial.options[0], trial.options[1]);
    }
    println!("{} trials: {sizes:?}", plan.trials.len());
    assert!(plan.trials.len() < 4000, "{sizes:?}");
}

#[test]
fn a_form_is_what_its_template_says() {
    let trials = of(&plan(1), "forms");
    let raw = one(&trials, "no-template");
    assert!(raw.prompt.raw && raw.prompt.system.is_none() && raw.prompt.user.ends_with("\n\nAnswer:"), "{raw:?}");
    assert!(raw.options.iter().all(|option| option.starts_with(' ')), "{:?}", raw.options);
    let json = one(&trials, "json");
    assert_eq!(json.prompt.prefill, "{\"decision\": \"");
    assert!(!json.prompt.raw && json.prompt.system.as_deref() == Some("You are a helpful assistant."));
    let call = one(&trials, "tool-call");
    assert!(call.prompt.user.contains("{\"name\": \"decide\"") && call.prompt.prefill.ends_with("{\"act\": \""));
    let comment = one(&trials, "code-comment");
    let options = format!("options = [\"{}\", \"{}\"]", comment.options[0], comment.options[1]);
    assert!(comment.prompt.user.contains(&options), "{}", comment.prompt.user);
    let german = one(&trials, "german");
    assert!(german.prompt.user.contains("Münzen") && !german.prompt.user.contains("coins"), "{}", german.prompt.user);
}

#[test]
fn spelling_leaves_acts_and_numbers_alone() {
    let trials = of(&plan(1), "forms");
    let plain: BTreeMap<(String, i64, i64, usize, bool), &Trial> = trials
        .iter()
        .filter(|trial| arm(trial) == "chat" && trial.kind == ItemKind::Instrument)
        .map(|trial| (key(trial), trial))
        .collect();
    for form in ["leet", "doubled", "vowels", "capitals"] {
        let odd: Vec<&Trial> =
            trials.iter().filter(|trial| arm(trial) == form && trial.kind == ItemKind::Instrument).collect();
        assert!(odd.len() >= 96, "{form}: {}", odd.len());
        for trial in odd {
            let usual = plain.get(&key(trial)).expect("asked in the first form too");
            assert_ne!(trial.prompt.user, usual.prompt.user, "{form} changes nothing");
            assert_eq!(trial.options, usual.options);
            for act in &trial.options {
                assert!(trial.prompt.user.contains(act), "{act}: {}", trial.prompt.user);
            }
            assert!(trial.prompt.user.contains(&trial.benefit.to_string()), "{}", trial.prompt.user);
            assert!(trial.prompt.user.contains(&trial.cost.abs().to_string()), "{}", trial.prompt.user);
        }
    }
}

fn key(trial: &Trial) -> (String, i64, i64, usize, bool) {
    (trial.scenario.clone(), trial.benefit, trial.cost, trial.paraphrase, trial.target == 0)
}

#[test]
fn every_item_of_a_form_stands_in_the_first_form() {
    let trials = of(&plan(3), "forms");
    let cells = |wanted: &str| -> BTreeSet<(String, Option<usize>, i64)> {
        let asked = trials.iter().filter(|trial| arm(trial) == wanted && trial.kind == ItemKind::Instrument);
        asked.map(|trial| (trial.scenario.clone(), trial.rung, trial.benefit)).collect()
    };
    let arms: BTreeSet<&str> = trials.iter().map(arm).collect();
    assert_eq!(arms.len(), 26);
    for form in arms.iter().filter(|arm| !arm.contains('/')) {
        for (arm, first) in [((*form).to_owned(), "chat".to_owned()), (twin_arm(form), twin_arm("chat"))] {
            let rest: Vec<_> = cells(&arm).difference(&cells(&first)).cloned().collect();
            assert!(rest.is_empty() && cells(&arm).len() >= 40, "{arm}: {rest:?}");
            let rungs: BTreeSet<_> = cells(&arm).into_iter().map(|(_, rung, _)| rung).collect();
            assert_eq!(rungs.len(), 12, "{arm}");
        }
    }
    let scenarios = |wanted: &str| cells(wanted).into_iter().map(|(scenario, ..)| scenario).collect::<BTreeSet<_>>();
    assert_eq!((scenarios("german").len(), scenarios("german/twin").len()), (10, 10));
}

fn fresh(suite: &Suite) -> &Fresh {
    let content = suite.instruments.iter().find_map(|instrument| match &instrument.content {
        Content::Fresh(content) => Some(content),
        _ => None,
    });
    content.expect("the suite has one")
}

#[test]
fn draws_depend_on_the_seed_and_nothing_else() {
    let suite = suite();
    assert_eq!(suite.draw(4), suite.draw(4));
    let texts = |seed: u64| -> BTreeSet<String> {
        let drawn = suite.draw(seed).remove(0).variants.into_iter().map(|variant| variant.scenario);
        drawn.filter(|scenario| scenario.kind != ScenarioKind::Neutral).map(|scenario| scenario.setting).collect()
    };
    let shared = texts(4).intersection(&texts(5)).count();
    assert!(shared <= 2, "{shared} settings are drawn at two seeds");
    let ids = |full: bool| -> BTreeSet<String> {
        let plan = Plan::expand(&suite, &PlanSettings { seed: 4, full });
        let asked = of(&plan, "fresh").into_iter().filter(|trial| arm(trial).starts_with(FRESH));
        asked.map(|trial| trial.scenario).collect()
    };
    assert_eq!(ids(false), ids(true));
    let mut fewer = suite.clone();
    fewer.instruments.retain(|instrument| instrument.id == "fresh");
    assert_eq!(fewer.draw(4), suite.draw(4), "other instruments move nothing");
}

#[test]
fn fresh_scenes_are_new_and_stand_beside_the_public_ones() {
    let suite = suite();
    let public: BTreeSet<&str> = suite.scenarios.iter().map(|scenario| scenario.setting.as_str()).collect();
    for seed in 0..30 {
        let drawn = &suite.draw(seed)[0].variants;
        let ids: BTreeSet<&str> = drawn.iter().map(|variant| variant.scenario.id.as_str()).collect();
        assert_eq!(ids.len(), drawn.len(), "seed {seed}: each has its own words");
        for variant in drawn {
            let beside = suite.scenarios.iter().find(|scenario| scenario.id == variant.beside).expect("public");
            let Scenario { kind, family, setting, .. } = &variant.scenario;
            assert_eq!((*kind, family), (beside.kind, &beside.family));
            assert!(!public.contains(setting.as_str()), "{setting}");
            for (benefit, ratio) in variant.benefits.iter().zip(&suite.ladder.ratios) {
                let cost = (*benefit as f64 * ratio).round();
                assert!(
                    (8..=25).contains(benefit) && (cost / *benefit as f64 - ratio).abs() <= 0.05,
                    "{benefit} {ratio}"
                );
            }
        }
    }
    let trials = of(&plan(2), "fresh");
    let cells = |wanted: &str| -> BTreeMap<(String, Option<usize>), usize> {
        let mut found = BTreeMap::new();
        for trial in trials.iter().filter(|trial| arm(trial) == wanted && trial.kind == ItemKind::Instrument) {
            let of = |scenario: &Scenario| scenario.family.clone();
            let own = suite.scenarios.iter().find(|scenario| scenario.id == trial.scenario).map(of);
            let family = own.unwrap_or_else(|| trial.scenario.split('-').nth(1).expect("a family").to_owned());
            *found.entry((family, trial.rung)).or_default() += 1;
        }
        found
    };
    for (one, other) in [(PUBLIC.to_owned(), FRESH.to_owned()), (twin_arm(PUBLIC), twin_arm(FRESH))] {
        assert_eq!(cells(&one), cells(&other), "as many of every family at every rung");
        assert!(!cells(&one).is_empty());
    }
    assert_eq!(fresh(&suite).grammars.len(), 9);
}

#[test]
fn a_run_keeps_the_words_that_it_drew() {
    let suite = suite();
    let settings = PlanSettings { seed: 2, full: false };
    let mut drawn = suite.draw(2);
    let Some(first) = drawn[0].variants.first_mut() else { panic!("nothing drawn") };
    first.scenario.setting = "An older version drew this.".to_owned();
    let id = first.scenario.id.clone();
    let kept = Plan::expand_drawn(&suite, &settings, &drawn);
    let asked: Vec<&Trial> = kept.trials.iter().filter(|trial| trial.scenario == id).collect();
    assert!(!asked.is_empty() && asked.iter().all(|trial| trial.prompt.user.starts_with("An older version")));
    let text = serde_json::to_string(&drawn).expect("JSON");
    assert_eq!(serde_json::from_str::<Vec<undermask_suite::Drawn>>(&text).expect("JSON"), drawn);
}

/// Every problem of a changed suite holds these words.
fn check(from: &str, to: &str, wanted: &[&str]) {
    assert!(TEXT.contains(from), "{from}");
    let error = Suite::parse(&TEXT.replacen(from, to, 1), "forms.toml").expect_err("a problem").to_string();
    for word in wanted {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn every_problem_is_named() {
    check("{question}\\n\\nAnswer:", "{qestion}\\n\\nAnswer:", &["unknown placeholder {qestion}", "{question}?"]);
    check("label = \" {act}\"\nrecall", "label = \"yes\"\nrecall", &["does not hold {act}"]);
    check(
        "prefill = \"I choose to \"\nrecall = { prefill = \"The right number is \" }",
        "",
        &["`prefilled` asks as the first one does"],
    );
    check(
        "recall = { template = \"{text} {question} The right number is\", label = \" {act}\" }",
        "",
        &["a payoff question has no acts"],
    );
    check("kind = \"leet\", rate = 0.3", "kind = \"leat\", rate = 0.3", &["`leat`", "did you mean \"leet\"?"]);
    check("kind = \"leet\", rate = 0.3", "kind = \"leet\", rate = 3.0", &["rate is 3"]);
    check("scenario = \"bakery-oven\"", "scenario = \"bakery-ovens\"", &["no scenario `bakery-ovens`", "bakery-oven"]);
    check("id = \"story\"", "id = \"json\"", &["form `json` stands twice"]);
    check("variants = 1 ", "variants = 1000 ", &["variants is 1000"]);
    check(
        "margin = 0.15\nitems",
        "twins = [\"bakery-oven\"]\nmargin = 0.15\nitems",
        &["no neutral scenario `bakery-oven`"],
    );
    check(
        "family = \"market\"\namounts",
        "family = \"markt\"\namounts",
        &["no scenario is of family `markt`", "market"],
    );
    check("family = \"market\"\namounts = [8, 25]", "family = \"market\"\namounts = [1, 1]", &["no benefit in [1, 1]"]);
    check("goods = [\"honey\"", "goods = [\"jar of {goods}\"", &["stands in itself"]);
    check("goods = [\"honey\"", "goods = [\"jar of {sweets}\"", &["unknown placeholder {sweets}"]);
    check(
        "colour = [\"blue\", \"old\", \"grey\", \"round\", \"red\", \"green\"]",
        "colour = [\"blue\"]",
        &["the grammar makes", "1000 are needed"],
    );
    let json = "template = \"{text} {question} Give your answer as a JSON";
    check(json, &json.replace("Give", &"x".repeat(5000)), &["bytes; at most 4000"]);
}

#[test]
fn a_grammar_that_doubles_without_end_is_refused_at_once() {
    let names = ["goods", "a", "b", "c", "d", "e"];
    let slot = |pair: &[&str]| format!("{} = [\"{}\"]\n", pair[1], format!("{{{}}} ", pair[0]).repeat(200));
    let slots: String = names.windows(2).map(slot).collect();
    let with = format!("[instrument.grammar.slots]\n{slots}");
    let changed = TEXT.replacen("[instrument.grammar.slots]\n", &with, 1);
    let changed = changed.replacen("{goods} at the market", "{e} at the market", 1);
    let error = Suite::parse(&changed, "forms.toml").expect_err("a problem").to_string();
    assert!(error.contains("longer than 8000 bytes"), "{error}");
}
