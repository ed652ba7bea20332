//! Value instruments: menus in balanced orders, payoffs as published, and every problem with its place.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::refused;
use undermask_suite::{Content, ItemKind, Order, Orientation, Plan, PlanSettings, Suite, Trial, menu_position, slider};

const TEXT: &str = include_str!("../../../suites/values.toml");

fn suite() -> Suite {
    Suite::parse(TEXT, "values.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn of(instrument: &str, full: bool) -> Vec<Trial> {
    let plan = Plan::expand(&suite(), &PlanSettings { seed: 3, full });
    let belongs = |trial: &Trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument);
    plan.trials.into_iter().filter(belongs).collect()
}

#[test]
fn the_suite_asks_its_instruments_and_nothing_else() {
    let plan = Plan::expand(&suite(), &PlanSettings { seed: 1, full: false });
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in &plan.trials {
        let probe = trial.probe.as_ref().expect("an instrument's trial");
        *sizes.entry(&probe.instrument).or_default() += 1;
        assert!(!trial.prompt.user.contains('{'), "{}", trial.prompt.user);
        assert_eq!(trial.options.iter().collect::<BTreeSet<_>>().len(), trial.options.len(), "{:?}", trial.options);
    }
    println!("{} trials: {sizes:?}", plan.trials.len());
    assert!(plan.trials.len() < 6500, "{sizes:?}");
}

/// Over beginnings and directions every position stands at every place, and what a place shows is what it says.
#[test]
fn menus_are_shown_in_balanced_orders() {
    for (full, orders) in [(false, 6), (true, 18)] {
        let mut menus: BTreeMap<String, Vec<Trial>> = BTreeMap::new();
        for trial in of("slider", full).into_iter().filter(|trial| trial.kind == ItemKind::Choice) {
            menus.entry(trial.item.clone()).or_default().push(trial);
        }
        let mut places = [[0usize; 9]; 9];
        for shown in menus.values() {
            assert_eq!(shown.len(), orders);
            let probe = shown[0].probe.as_ref().expect("filtered");
            let suite = suite();
            let Content::Orientation(content) = &suite.instruments[0].content else { panic!("the slider is first") };
            let index = (0..15).find(|index| Orientation::arm(*index) == probe.arm).expect("an item");
            let item = content.items()[index];
            let mut firsts = BTreeSet::new();
            for trial in shown {
                let order = trial.order.expect("shown in an order");
                for (place, row) in places.iter_mut().enumerate() {
                    let position = menu_position(place, trial.target, order, 9);
                    row[position] += 1;
                    let label = &trial.options[place];
                    let option = item[position];
                    let line =
                        format!("{label}: you get {} coins and a stranger gets {} coins.", option.own, option.other);
                    assert!(trial.prompt.user.contains(&line), "{line}: {}", trial.prompt.user);
                }
                firsts.insert(menu_position(0, trial.target, order, 9));
            }
            assert!(firsts.len() >= 6, "as many beginnings as orders, up to all: {firsts:?}");
        }
        let (least, most) = (places.iter().flatten().min(), places.iter().flatten().max());
        assert!(least.zip(most).is_some_and(|(least, most)| 2 * least >= *most), "{places:?}");
    }
}

#[test]
fn lists_are_gated_by_what_an_option_brings() {
    let gates: Vec<Trial> = of("slider", false).into_iter().filter(|trial| trial.kind == ItemKind::Recall).collect();
    assert!(gates.len() >= 24, "{}", gates.len());
    for trial in gates {
        let question = trial.prompt.user.rsplit("if you choose ").next().expect("a question");
        let label = question.trim_end_matches('?');
        let line = trial.prompt.user.split(". ").find(|line| line.starts_with(&format!("{label}: "))).expect("a line");
        let answer = &trial.options[trial.target];
        assert!(line.contains(&format!("a stranger gets {answer} coins")), "{line}: {answer}");
    }
}

#[test]
fn pairs_bring_what_the_slider_brings() {
    let mut seen: BTreeMap<(String, String), Vec<(i64, i64)>> = BTreeMap::new();
    for trial in of("slider-pairs", false) {
        if trial.order == Some(Order::TargetFirst) {
            let probe = trial.probe.as_ref().expect("filtered");
            let key = (trial.scenario.clone(), probe.arm.clone());
            seen.entry(key).or_default().push((trial.benefit, trial.cost));
        }
    }
    assert_eq!(seen.len(), 16 * 15);
    let items = slider::primary();
    for ((_, arm), steps) in &seen {
        assert_eq!(steps.len(), 4, "{arm}");
        assert!(steps.iter().all(|(benefit, _)| *benefit > 0), "{arm}: {steps:?}");
        if let Some(item) = (0..6).find(|index| &Orientation::arm(*index) == arm).map(|index| items[index]) {
            let other = i64::from((item[8].other - item[0].other).abs());
            let own = i64::from((item[8].own - item[0].own).abs());
            assert_eq!(steps.iter().map(|(benefit, _)| benefit).sum::<i64>(), other, "{arm}");
            assert_eq!(steps.iter().map(|(_, cost)| cost).sum::<i64>().abs(), own, "{arm}");
        }
    }
    // What refusing costs is said as such.
    let paid = of("slider-pairs", false).into_iter().find(|trial| trial.cost < 0 && trial.scenario == "purse-fair");
    let paid = paid.expect("item 2 pays for kindness");
    assert!(paid.prompt.user.contains("If you keep, you end up with"), "{}", paid.prompt.user);
}

#[test]
fn every_scene_climbs_the_whole_ladder() {
    let trials: Vec<Trial> =
        of("trade-off", false).into_iter().filter(|trial| trial.kind == ItemKind::Instrument).collect();
    assert_eq!(trials.len(), 16 * 3 * 10 * 2);
    for trial in &trials {
        let ratio = trial.ratio.expect("a ladder");
        let rung = trial.rung.expect("a ladder") as f64;
        assert!((ratio - (-0.35 + 0.2 * rung)).abs() < 1e-9, "{ratio} on {rung}");
        assert!(trial.prompt.user.contains("Iris"));
    }
    let trials: Vec<Trial> =
        of("discounting", false).into_iter().filter(|trial| trial.kind == ItemKind::Instrument).collect();
    assert_eq!(trials.len(), 12 * 7 * 9 * 2);
    for trial in &trials {
        let distance = trial.probe.as_ref().and_then(|probe| probe.dose).expect("a distance");
        assert!(trial.prompt.user.contains(&format!("number {distance} of the hundred people")));
        assert_eq!(trial.benefit, 75);
        assert!((0..=80).contains(&trial.cost) && trial.cost % 10 == 0);
    }
}

/// The gate for the distance: the prompt says it, the question does not, and each distance is asked for.
#[test]
fn the_distance_is_asked_for_in_words_that_do_not_say_it() {
    let asked: Vec<Trial> = of("discounting", false)
        .into_iter()
        .filter(|trial| trial.probe.as_ref().is_some_and(|probe| probe.arm == "rank"))
        .collect();
    let mut met = BTreeSet::new();
    for trial in &asked {
        assert_eq!((trial.kind, trial.options.len()), (ItemKind::Recall, 4));
        let answer = &trial.options[trial.target];
        assert!(trial.prompt.user.contains(&format!("number {answer} of the hundred")), "{}", trial.prompt.user);
        assert!(trial.prompt.user.ends_with("Which number among the people closest to you is the one who gains?"));
        assert_eq!(trial.options.iter().collect::<BTreeSet<_>>().len(), 4, "{:?}", trial.options);
        met.insert(answer.clone());
    }
    assert_eq!(met.len(), 7, "{met:?}");
    assert!((20..=40).contains(&asked.len()), "{} questions", asked.len());
}

#[test]
fn problems_have_a_place_and_a_remedy() {
    let check = |from: &str, to: &str, message: &str, help: &str| {
        refused(TEXT, (from, to), (message, help), 5);
    };
    check("form = \"slider\"", "form = \"sliders\"", "`sliders` is no form", "did you mean \"slider\"?");
    check("form = \"slider\"", "form = \"slider\"\noption = \"you get {own}\"", "does not hold {other}", "put {other}");
    check("form = \"pairs\"", "form = \"pairs\"\nquestion = \"{labels}?\"", "belongs to form `slider`", "remove it");
    check("who = [\"Iris\"]", "who = []", "who has 0 lines", "add 1 more");
    check("who = [\"Iris\"]", "who = [\"Iris\"]\nratios = [0.1, 0.2]", "rising in even steps", "0.2");
    check("who = [\"Iris\"]", "who = [\"Iris\"]\nstakes = [4]", "same whole number", "20, 40 and 100");
    check("who = [\"Iris\"]", "who = [\"Iris\"]\nstakes = [40, 20]", "do not rise", "[20, 40, 100]");
    check("words = \"the person who is number {n} of", "words = \"the person who is near, of", "{n}", "put {n}");
    check("words = \"the", "recall = \"Which is {n}?\"\nwords = \"the", "must not say who", "Which number among");
    check("words = \"the", "distances = [5, 2]\nwords = \"the", "rising from 1", "[1, 2, 5");
    check("words = \"the", "amounts = [70, 80, 90, 100]\nwords = \"the", "from the shared one, 75", "shared = 75");
    check("kind = \"trade_off\"", "kind = \"trade_of\"", "no kind of instrument", "did you mean \"trade_off\"?");
    let saving = "saving = \"If you {other}, you end up with {cost} fewer coins.\"\n";
    let text = TEXT.replacen(saving, "", 1);
    let error = Suite::parse(&text, "suite.toml").expect_err("no saving").to_string();
    assert!(error.contains("here refusing costs") && error.contains("`purse-fair`"), "{error}");
}

/// One instrument and five scenes, as somebody would write them.
#[test]
fn a_suite_by_hand_needs_no_rust() {
    let scene = |number: usize| {
        format!(
            "[[scenario]]\nid = \"day-{number}\"\nkind = \"instrument\"\nfamily = \"days\"\ntarget = \"give\"\nother = \"keep\"\n\
             setting = \"It is day {number} at the mill of {{who}}.\"\n\
             benefit = \"If you {{target}}, {{who}} has {{benefit}} more coins.\"\n\
             cost = \"If you {{target}}, you have {{cost}} fewer coins.\"\n\
             saving = \"If you {{other}}, you have {{cost}} fewer coins.\"\n\n"
        )
    };
    let head = "format = \"undermask.suite\"\nversion = 1\nname = \"mine\"\nquestions = [\"{first} or {second}?\"]\n\n\
                [[instrument]]\nid = \"friend\"\nkind = \"trade_off\"\nwho = [\"Ines\", \"Pavel\"]\nstakes = [20]\n\n";
    let text = format!("{head}{}", (1..=5).map(scene).collect::<String>());
    let suite = Suite::parse(&text, "mine.toml").unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    assert_eq!(plan.trials.len(), 5 * 10 * 2, "every scene climbs the ladder, in both orders");
    let error = Suite::parse(&text.replace("stakes", "stake"), "mine.toml").expect_err("misspelt").to_string();
    assert!(error.contains("did you mean `stakes`?"), "{error}");
}
