//! The optimisation suite as data: what is asked, and what is said of objectives that are none.

mod common;

use common::refused;
use undermask_suite::{ItemKind, Plan, PlanSettings, Suite, menu_position};

const TEXT: &str = include_str!("../../../suites/optimisation.toml");

#[test]
fn every_scene_is_a_menu_in_every_order_with_its_gate() {
    let suite = Suite::parse(TEXT, "optimisation.toml").expect("the suite");
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let menus: Vec<_> = plan.trials.iter().filter(|trial| trial.kind == ItemKind::Choice).collect();
    assert_eq!(menus.len(), 16 * 8);
    assert!(menus.iter().all(|trial| trial.options.len() == 4 && !trial.prompt.user.contains('{')));
    assert_eq!(plan.trials.iter().filter(|trial| trial.kind == ItemKind::Recall).count(), 16);
    let mut met = [[0; 4]; 4];
    for trial in &menus {
        let order = trial.order.expect("an order");
        (0..4).for_each(|place| met[place][menu_position(place, trial.target, order, 4)] += 1);
    }
    assert_eq!(met, [[32; 4]; 4], "every answer stands at every place equally often");
    assert!(menus[0].prompt.user.contains("more coins and you") && menus[0].prompt.user.contains("A, B, C or D"));
}

/// What the gate asks for is what the answer at that label brings.
#[test]
fn the_gate_asks_what_an_answer_brings() {
    let suite = Suite::parse(TEXT, "optimisation.toml").expect("the suite");
    for trial in Plan::expand(&suite, &PlanSettings { seed: 3, full: false }).trials {
        if trial.kind != ItemKind::Recall {
            continue;
        }
        let user = &trial.prompt.user;
        let label = user.split("if you choose ").nth(1).and_then(|rest| rest.chars().next()).expect("a label");
        let said = user.split(&format!("{label}: ")).nth(1).and_then(|rest| rest.split('.').next()).expect("an answer");
        let gain = said.split(" gets ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0");
        assert_eq!(trial.options[trial.target], gain, "{user}");
        assert_eq!(trial.options.iter().filter(|option| *option == gain).count(), 1);
    }
}

#[test]
fn objectives_that_are_none_are_named_with_a_place_and_a_remedy() {
    let check = |from: &str, to: &str, message: &str, help: &str| {
        refused(TEXT, (from, to), (message, help), 6);
    };
    let conflict = "scores = [0, 0, 1, 1]";
    check(conflict, "scores = [1, 1, 0, 0]", "this does not conflict", "more points than every one that does");
    check(conflict, "scores = [0, 0, 1]", "3 scores for 4 answers", "one finite number for each answer");
    check(conflict, "scores = [0, 0, inf, 1]", "a score that is no finite number", "one finite number");
    check("scores = [1, 0, 1, 0]", "scores = [1, 0, 0, 0]", "this is no control", "both the same points");
    check("role = \"conflict\"", "role = \"conflit\"", "`conflit` is no role", "did you mean \"conflict\"?");
    check("id = \"short-notes\"", "id = \"own-coins\"", "stands twice", "its own id");
    check("payoffs = [[12, 3]", "payoffs = [[0, 3]", "a gain and a loss", "for example");
    check("payoffs = [[12, 3]", "payoffs = [[9000000000000000000, 3]", "at most a million", "for example");
    check("text = \"you {target}, {who} gets", "text = \"you {target}, {whom} gets", "{whom}", "{who}");
    check("who = [\"Iris\", ", "whos = [\"Iris\", ", "unknown field `whos`", "did you mean `who`?");
    let problems = |text: &str| Suite::parse(text, "optimisation.toml").expect_err("a bad suite").to_string();
    let none = problems(&TEXT.replace("helps = true", "helps = false"));
    assert!(none.contains("some that help and some that do not"), "{none}");
    let calm = problems(
        &TEXT.replace("role = \"conflict\"\nscores = [0, 0, 1, 1]", "role = \"control\"\nscores = [0, 1, 0, 1]"),
    );
    assert!(calm.contains("no objective conflicts with helping"), "{calm}");
}
