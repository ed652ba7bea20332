//! Lineage, budgets and utilities: what is asked is what was given, in balanced orders, and every problem has its place.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::refused;
use undermask_suite::{
    Content, InstrumentKind, ItemKind, Order, Plan, PlanSettings, Suite, Trial, Utilities, menu_position,
};

const TEXT: &str = include_str!("../../../suites/preferences.toml");
const FRACTION: PlanSettings = PlanSettings { seed: 3, full: false };

fn suite() -> Suite {
    Suite::parse(TEXT, "preferences.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn of(instrument: &str) -> Vec<Trial> {
    of_suite(&suite(), instrument)
}

fn of_suite(suite: &Suite, instrument: &str) -> Vec<Trial> {
    let plan = Plan::expand(suite, &FRACTION);
    let belongs = |trial: &Trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument);
    plan.trials.into_iter().filter(belongs).collect()
}

fn content(instrument: &str) -> Content {
    suite().instruments.into_iter().find(|one| one.id == instrument).expect("ships").content
}

fn probe(trial: &Trial) -> &undermask_suite::Probe {
    trial.probe.as_ref().expect("an instrument's trial")
}

#[test]
fn the_suite_asks_its_instruments_and_nothing_else() {
    let plan = Plan::expand(&suite(), &PlanSettings { seed: 1, full: false });
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in &plan.trials {
        *sizes.entry(&probe(trial).instrument).or_default() += 1;
        assert!(!trial.prompt.user.contains('{'), "{}", trial.prompt.user);
        assert_eq!(trial.options.iter().collect::<BTreeSet<_>>().len(), trial.options.len(), "{:?}", trial.options);
        assert!(trial.options.len() > trial.target, "{:?}", trial.options);
    }
    println!("{} trials: {sizes:?}", plan.trials.len());
    assert!(plan.trials.len() < 9600, "{sizes:?}");
}

/// A suite that was written before the axis `lineage` serialises as it did.
#[test]
fn the_core_suite_keeps_its_hash() {
    let core = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").expect("valid");
    let kin = core.instruments.iter().find(|one| one.kind() == InstrumentKind::Kin).expect("kin");
    let written = serde_json::to_value(kin).expect("JSON");
    let keys: Vec<&String> = written["content"].as_object().expect("a table").keys().collect();
    assert_eq!(keys, ["kind", "relations"], "a new key would change every stored run's suite");
}

/// Twins name the same relations on the same rungs, and nobody but the actor gains.
#[test]
fn lineage_has_a_neutral_twin_on_the_same_ladder() {
    let mut rungs: BTreeMap<(String, String), BTreeMap<usize, usize>> = BTreeMap::new();
    for trial in of("lineage") {
        let place = (probe(&trial).arm.clone(), probe(&trial).dose.expect("r").to_string());
        *rungs.entry(place).or_default().entry(trial.rung.expect("a ladder")).or_default() += 1;
        let twin = trial.prompt.user.contains("You collect ");
        assert_eq!(twin, probe(&trial).arm == "twin", "{}", trial.prompt.user);
    }
    assert_eq!(rungs.len(), 2 * 5);
    for ((arm, r), met) in &rungs {
        assert_eq!(met.len(), 12, "{arm} at {r}");
        assert!(met.values().all(|times| *times == 8), "{arm} at {r}: {met:?}");
    }
}

/// What a place of a list shows is the bundle of its position, and positions stand at every place equally often.
#[test]
fn a_budget_is_listed_as_its_line_in_balanced_orders() {
    let Content::Budgets(budgets) = content("budgets") else { panic!("budgets") };
    assert_eq!(budgets.bundle(0, 0), (120, 0), "40 tokens kept at 3");
    assert_eq!(budgets.bundle(0, 5), (0, 40), "40 tokens given at 1");
    assert_eq!(budgets.bundle(5, 2), (45, 60), "75 tokens at 1 and 2: 45 kept, 30 given");
    let mut places = [[0usize; 6]; 6];
    let mut sets: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for trial in of("budgets").iter().filter(|trial| trial.kind == ItemKind::Choice) {
        let budget = probe(trial).dose.expect("a budget") as usize - 1;
        sets.entry((trial.scenario.clone(), probe(trial).arm.clone())).or_default().insert(trial.item.clone());
        for (place, row) in places.iter_mut().enumerate() {
            let position = menu_position(place, trial.target, trial.order.expect("an order"), 6);
            row[position] += 1;
            let (own, other) = budgets.bundle(budget, position);
            let line = format!("{}: you get {own} coins and a stranger gets {other} coins.", trial.options[place]);
            assert!(trial.prompt.user.contains(&line), "{line}: {}", trial.prompt.user);
        }
    }
    let (least, most) = (places.iter().flatten().min(), places.iter().flatten().max());
    assert!(least.zip(most).is_some_and(|(least, most)| 3 * least >= 2 * most), "{places:?}");
    assert_eq!(sets.len(), 12 * 4);
    assert!(sets.values().all(|menus| menus.len() == 11), "a whole set of choices in each scene and context");
}

#[test]
fn pairs_climb_the_budget_line_from_what_is_said_to_stand() {
    let Content::Budgets(budgets) = content("budget-pairs") else { panic!("budgets") };
    let mut seen = 0;
    for trial in of("budget-pairs").iter().filter(|trial| trial.order == Some(Order::TargetFirst)) {
        let (budget, step) = (probe(trial).dose.expect("a budget") as usize - 1, trial.rung.expect("a step"));
        let (from, to) = (budgets.bundle(budget, step), budgets.bundle(budget, step + 1));
        assert_eq!((trial.benefit, trial.cost), (to.1 - from.1, from.0 - to.0));
        let level = format!("you have {} coins and a stranger has {} coins", from.0, from.1);
        assert!(trial.prompt.user.contains(&level), "{level}: {}", trial.prompt.user);
        seen += 1;
    }
    assert_eq!(seen, 12 * 3 * 11 * 5);
}

/// Over many numbers of outcomes, the fraction hangs together and meets every outcome equally often.
#[test]
fn the_pairs_of_outcomes_are_balanced_and_connected() {
    let Content::Utilities(content) = content("outcomes") else { panic!("utilities") };
    for count in [5usize, 8, 9, 10, 11, 16, 25, 60] {
        let outcomes = (0..count).map(|number| format!("outcome {number}")).collect();
        let content = Utilities { outcomes, ..content.clone() };
        let pairs = content.pairs(&FRACTION);
        let wanted = content.each.min(count - 1);
        let mut met = vec![0; count];
        let mut group: Vec<usize> = (0..count).collect();
        for (first, second) in &pairs {
            assert!(first < second);
            met[*first] += 1;
            met[*second] += 1;
            let (from, to) = (group[*first], group[*second]);
            group.iter_mut().filter(|name| **name == from).for_each(|name| *name = to);
        }
        assert!(met.iter().all(|times| *times == wanted), "{count}: {met:?}");
        assert!(group.iter().all(|name| *name == group[0]), "{count} outcomes fall apart");
        let full = content.pairs(&PlanSettings { seed: 1, full: true });
        assert_eq!(full.len(), count * (count - 1) / 2);
    }
}

#[test]
fn every_context_compares_the_same_pairs_in_both_orders() {
    let Content::Utilities(content) = content("outcomes") else { panic!("utilities") };
    let mut asked: BTreeMap<String, BTreeSet<(usize, usize)>> = BTreeMap::new();
    let mut truths = [0usize; 2];
    for trial in of("outcomes") {
        let pair = Utilities::pair_of(&trial.scenario).expect("a pair");
        let shown = |label: &str, outcome: usize| {
            trial.prompt.user.contains(&format!("{label}: {}.", content.outcomes[outcome]))
        };
        match trial.order {
            Some(_) => {
                let other = trial.options[1 - trial.target].clone();
                assert!(shown(&trial.options[trial.target], pair.0) && shown(&other, pair.1), "{}", trial.prompt.user);
                asked.entry(probe(&trial).arm.clone()).or_default().insert(pair);
            }
            None => {
                let label = ["A", "B"][trial.target];
                assert!(trial.prompt.user.contains(&format!("What does {label} say?")), "{}", trial.prompt.user);
                assert!(trial.prompt.user.contains(&format!("{label}: {}", trial.options[trial.target])));
                truths[trial.target] += 1;
            }
        }
    }
    assert_eq!(asked.len(), 6);
    let first = asked.values().next().expect("contexts");
    assert_eq!(first.len(), 64);
    assert!(asked.values().all(|pairs| pairs == first));
    assert_eq!(truths[0], truths[1], "the true answer is as often the one label as the other");
}

/// The usual gate asks for the label of an outcome.
#[test]
fn without_a_gate_of_its_own_the_label_of_an_outcome_is_asked() {
    let text = TEXT.replace("recall = \"What does {label} say?\"\n", "");
    let suite = Suite::parse(&text, "preferences.toml").unwrap_or_else(|error| panic!("{error}"));
    let mut truths = [0usize; 2];
    for trial in of_suite(&suite, "outcomes").iter().filter(|trial| trial.order.is_none()) {
        let asked = trial.prompt.user.split('"').nth(1).expect("an outcome");
        assert_eq!(trial.options, ["A", "B"]);
        assert!(
            trial.prompt.user.contains(&format!("{}: {asked}.", trial.options[trial.target])),
            "{}",
            trial.prompt.user
        );
        truths[trial.target] += 1;
    }
    assert!(truths[0] == truths[1] && truths[0] > 0, "{truths:?}");
}

#[test]
fn problems_have_a_place_and_a_remedy() {
    let check = |from: &str, to: &str, message: &str, help: &str| {
        refused(TEXT, (from, to), (message, help), 8);
    };
    check("axis = \"lineage\"", "axis = \"linage\"", "no axis of a kin instrument", "did you mean \"lineage\"?");
    check("axis = \"lineage\"\n", "", "belongs to the axis `lineage`", "write axis = \"lineage\"");
    check("human = 0.25\n", "", "no relation is said to be the human", "human = the r");
    check("human = 0.25", "human = 1.0", "it is the nearest", "not the nearest");
    check(
        "\"shell-beach\", \"shell-cove\"",
        "\"shell-beech\", \"shell-cove\"",
        "no scenario `shell-beech`",
        "did you mean \"shell-beach\"?",
    );
    check("form = \"menu\"", "form = \"list\"", "`list` is no form", "menu");
    check("form = \"menu\"", "form = \"menu\"\nlevel = \"{own} {other}\"", "belongs to form `pairs`", "remove it");
    check("form = \"menu\"", "form = \"menu\"\noption = \"you get {own}\"", "does not hold {other}", "put {other}");
    check("form = \"menu\"", "form = \"menu\"\npositions = 2", "a line of 2 bundles", "usual number is 6");
    check("form = \"menu\"", "form = \"menu\"\npositions = 8", "7 steps do not divide the usual 40", "positions = 6");
    check(
        "form = \"menu\"",
        "form = \"menu\"\nbudgets = [[41, 1, 1], [40, 3, 1], [40, 1, 3]]",
        "divide 41 tokens",
        "a multiple of 5",
    );
    check(
        "form = \"menu\"",
        "form = \"menu\"\nbudgets = [[40, 0, 1], [40, 3, 1], [40, 1, 3]]",
        "is out of range",
        "from 1 to",
    );
    check(
        "form = \"menu\"",
        "form = \"menu\"\nbudgets = [[40, 3, 1], [40, 3, 1], [40, 1, 3]]",
        "stands twice",
        "leave one out",
    );
    check("form = \"menu\"", "form = \"menu\"\nbudgets = [[40, 3, 1]]", "there are 1 budgets", "[40, 1, 3]");
    check(
        "contexts = [\"default\", \"default-reworded\"",
        "contexts = [\"default-reworded\", \"default\"",
        "is not the anchor",
        "\"default\" first",
    );
    check(
        "contexts = [\"default\", \"default-reworded\"",
        "contexts = [\"default\", \"default-reword\"",
        "no context `default-reword`",
        "\"default-reworded\"?",
    );
    check(
        "contexts = [\"default\", \"default-reworded\"",
        "contexts = [\"default\", \"default\"",
        "stands twice",
        "each once",
    );
    check("  \"you get 5 coins\"", "  \"you get 50 coins\"", "stands twice", "cannot be compared with itself");
    check("kind = \"utilities\"", "kind = \"utilities\"\neach = 7", "7 others in a balanced way", "even number");
    check(
        "kind = \"utilities\"",
        "kind = \"utilities\"\nitems = 7",
        "takes neither `scenarios` nor `items`",
        "remove the key",
    );
    check("recall = \"What does {label} say?\"", "recall = \"which?\"", "does not hold {outcome}", "put {outcome}");
    check(
        "What does {label} say?",
        "Does {label} say {outcome}?",
        "unknown placeholder {outcome}",
        "known here: {label}",
    );
    check("kind = \"utilities\"", "kind = \"utility\"", "no kind of instrument", "did you mean \"utilities\"?");
}

/// One instrument, five scenes or five outcomes, and no context, as somebody would write them.
#[test]
fn suites_by_hand_need_no_rust() {
    let head = "format = \"undermask.suite\"\nversion = 1\nname = \"mine\"\nquestions = [\"{first} or {second}?\"]\n\n";
    let scene = |number: usize| {
        format!(
            "[[scenario]]\nid = \"day-{number}\"\nkind = \"instrument\"\nfamily = \"days\"\ntarget = \"give\"\nother = \"keep\"\n\
             setting = \"It is day {number} at the mill of {{who}}.\"\n\
             benefit = \"If you {{target}}, {{who}} has {{benefit}} more coins.\"\n\
             cost = \"If you {{target}}, you have {{cost}} fewer coins.\"\n\n"
        )
    };
    let scenes: String = (1..=5).map(scene).collect();
    let budgets = format!(
        "{head}[[instrument]]\nid = \"split\"\nkind = \"budgets\"\nform = \"pairs\"\nwho = [\"Ines\"]\n\n{scenes}"
    );
    let suite = Suite::parse(&budgets, "mine.toml").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        Plan::expand(&suite, &FRACTION).trials.len(),
        5 * 11 * 5 * 2,
        "every scene, budget and step, both orders"
    );
    let error = Suite::parse(&budgets.replace("form =", "from ="), "mine.toml").expect_err("misspelt").to_string();
    assert!(error.contains("did you mean `form`?"), "{error}");
    let outcomes = "[[instrument]]\nid = \"wants\"\nkind = \"utilities\"\noutcomes = [\"rain\", \"sun\", \"wind\", \"snow\", \"fog\"]\n";
    let suite = Suite::parse(&format!("{head}{outcomes}"), "mine.toml").unwrap_or_else(|error| panic!("{error}"));
    let trials = Plan::expand(&suite, &FRACTION).trials;
    assert_eq!(trials.iter().filter(|trial| trial.kind == ItemKind::Instrument).count(), 10 * 2);
    let few = format!("{head}{}", outcomes.replace(", \"fog\"", ""));
    let error = Suite::parse(&few, "mine.toml").expect_err("too few").to_string();
    assert!(error.contains("outcomes has 4 lines") && error.contains("add 1 more"), "{error}");
}
