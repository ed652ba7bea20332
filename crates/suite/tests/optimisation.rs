//! The optimisation suite as data: what is asked, and what is said of objectives that are none.

use undermask_suite::{ItemKind, Plan, PlanSettings, Suite};

const TEXT: &str = include_str!("../../../suites/optimisation.toml");

#[test]
fn every_scene_is_a_menu_in_several_orders_with_its_gate() {
    let suite = Suite::parse(TEXT, "optimisation.toml").expect("the suite");
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    let menus: Vec<_> = plan.trials.iter().filter(|trial| trial.kind == ItemKind::Choice).collect();
    assert_eq!(menus.len(), 16 * 6);
    assert!(menus.iter().all(|trial| trial.options.len() == 4 && !trial.prompt.user.contains('{')));
    assert_eq!(plan.trials.iter().filter(|trial| trial.kind == ItemKind::Recall).count(), 16);
    let full = Plan::expand(&suite, &PlanSettings { seed: 1, full: true });
    assert!(full.trials.len() > plan.trials.len());
}

#[test]
fn objectives_that_are_none_are_named_with_a_remedy() {
    let cases = [
        ("scores = [0, 0, 1, 1]", "scores = [1, 1, 0, 0]", "this does not conflict"),
        ("scores = [0, 0, 1, 1]", "scores = [0, 0, 1]", "3 scores for 4 answers"),
        ("scores = [0, 0, 1, 1]", "scores = [0, 0, inf, 1]", "one finite number"),
        ("scores = [1, 0, 1, 0]", "scores = [1, 0, 0, 0]", "this is no control"),
        ("role = \"conflict\"", "role = \"conflit\"", "did you mean \"conflict\"?"),
        ("id = \"short-notes\"", "id = \"own-coins\"", "stands twice"),
        ("helps = true", "helps = false", "some that help and some that do not"),
        ("payoffs = [[12, 3]", "payoffs = [[0, 3]", "a gain and a loss of at least 1"),
        ("{target}, {who} gets", "{target}, {whom} gets", "whom"),
    ];
    for (from, to, wanted) in cases {
        let text = if from == "helps = true" { TEXT.replace(from, to) } else { TEXT.replacen(from, to, 1) };
        assert_ne!(text, TEXT);
        let error = Suite::parse(&text, "optimisation.toml").expect_err(wanted);
        let said: String =
            error.problems.iter().map(|problem| format!("{}: {} ({})\n", problem.line, problem.message, problem.help)).collect();
        assert!(said.contains(wanted), "`{wanted}` is missing in: {said}");
    }
}
