//! Oracles of the literature: the slider's ideal responders, and the nulls of revealed preference.

mod draws;

use draws::Random;
use undermask_measure::Refusal;
use undermask_measure::revealed_preference::{BUDGETS, Budget, Division, consistency, persona_gap, random_divider};
use undermask_measure::value_orientation::{
    OPTIONS, Orientation, Payoff, angle, category, inequality_index, primary, random_responder, secondary, transitive,
};

/// Positions that make `wish` largest; a tie goes to the first or the last.
fn ideal(wish: impl Fn(Payoff) -> i32, last: bool) -> Vec<usize> {
    let best = |item: &[Payoff; OPTIONS]| {
        let top = item.iter().map(|option| wish(*option)).max().expect("options");
        let mut places = (0..OPTIONS).filter(|place| wish(item[*place]) == top);
        if last { places.next_back() } else { places.next() }.expect("a best option")
    };
    primary().iter().map(best).collect()
}

#[test]
fn ideal_responders_angles_to_the_digit() {
    let check = |choices: Vec<usize>, expected: f64, orientation: Orientation| {
        let found = angle(&choices).expect("an angle");
        assert_eq!((found * 100.0).round() / 100.0, expected, "{choices:?}");
        assert_eq!(category(found), orientation);
        assert!(transitive(&choices).expect("six choices"), "{choices:?}");
    };
    check(ideal(|option| option.other, false), 61.39, Orientation::Altruistic);
    check(ideal(|option| -(option.own - option.other).abs(), false), 37.48, Orientation::Prosocial);
    check(ideal(|option| option.own + option.other, false), 41.04, Orientation::Prosocial);
    check(ideal(|option| option.own + option.other, true), 48.96, Orientation::Prosocial);
    check(ideal(|option| option.own, false), 7.82, Orientation::Individualistic);
    check(ideal(|option| option.own, true), -7.82, Orientation::Individualistic);
    check(ideal(|option| option.own - option.other, false), -16.26, Orientation::Competitive);
}

#[test]
fn grids_run_between_their_ends_and_the_null_is_the_published_one() {
    for item in primary().iter().chain(&secondary()) {
        for pair in item.windows(3) {
            let bend = |read: fn(&Payoff) -> i32| (read(&pair[0]) + read(&pair[2]) - 2 * read(&pair[1])).abs();
            assert!(bend(|option| option.own) <= 2 && bend(|option| option.other) <= 2);
        }
    }
    let found = random_responder(200_000, 1).expect("a null");
    println!("{found:?}");
    assert!((found.mean - 22.65).abs() < 0.1, "{found:?}");
    assert!((found.deviation - 12.88).abs() < 0.1, "{found:?}");
}

#[test]
fn inequality_index_tells_two_prosocial_kinds_apart() {
    let best = |wish: fn(Payoff) -> i32| -> Vec<usize> {
        secondary().iter().map(|item| (0..OPTIONS).max_by_key(|place| wish(item[*place])).expect("options")).collect()
    };
    let averse = inequality_index(&best(|option| -(option.own - option.other).abs())).expect("an index");
    let joint = inequality_index(&best(|option| option.own + option.other)).expect("an index");
    assert!(averse < 0.1 && joint == 1.0, "{averse} {joint}");
    assert!(matches!(inequality_index(&[9; 9]), Err(Refusal::Invalid { what: "choice", .. })));
    assert!(matches!(angle(&[0; 5]), Err(Refusal::Mismatch { .. })));
}

#[test]
fn random_dividers_are_caught_as_often_as_published() {
    let (eight, eleven) = (random_divider(&BUDGETS[..8], 20_000, 1), random_divider(&BUDGETS, 20_000, 1));
    let (eight, eleven) = (eight.expect("eight"), eleven.expect("eleven"));
    println!("{eight:?} {eleven:?}");
    assert!((eight.power - 0.784).abs() < 0.01, "{eight:?}");
    assert!((eleven.power - 0.947).abs() < 0.01, "{eleven:?}");
    assert!((eight.median - 0.90).abs() < 0.01, "{eight:?}");
    assert!((eleven.median - 0.80).abs() < 0.01, "{eleven:?}");
}

/// What x_own^(1 − w)·x_other^w divides: the share w of the tokens goes to the other.
fn cobb_douglas(weight: f64, noise: f64, random: &mut Random) -> Vec<Division> {
    BUDGETS
        .iter()
        .map(|budget| {
            let share = (weight + noise * random.normal()).clamp(0.0, 1.0);
            Division { budget: *budget, given: share * budget.tokens }
        })
        .collect()
}

/// CCEI by scanning e downwards, with GARP by plain closure: slow and independent.
fn scanned(divisions: &[Division]) -> f64 {
    let size = divisions.len();
    let cost = |at: &Division, of: &Division| {
        (of.budget.tokens - of.given) * of.budget.hold / at.budget.hold + of.given * of.budget.pass / at.budget.pass
    };
    let garp = |e: f64| {
        let weak = |i: usize, j: usize| e * divisions[i].budget.tokens >= cost(&divisions[i], &divisions[j]) - 1e-12;
        let mut reach: Vec<Vec<bool>> = (0..size).map(|i| (0..size).map(|j| weak(i, j)).collect()).collect();
        for _ in 0..size {
            let before = reach.clone();
            for i in 0..size {
                for j in 0..size {
                    reach[i][j] |= (0..size).any(|k| before[i][k] && before[k][j]);
                }
            }
        }
        let strict = |i: usize, j: usize| e * divisions[i].budget.tokens > cost(&divisions[i], &divisions[j]) + 1e-12;
        !(0..size).any(|i| (0..size).any(|j| reach[i][j] && strict(j, i)))
    };
    (0..=1000).map(|step| 1.0 - f64::from(step) / 1000.0).find(|e| garp(*e)).expect("GARP holds at 0")
}

#[test]
fn efficiency_is_what_a_scan_finds() {
    let mut random = Random::new(1);
    for _ in 0..40 {
        let divisions: Vec<Division> =
            BUDGETS.iter().map(|budget| Division { budget: *budget, given: budget.tokens * random.unit() }).collect();
        let found = consistency(&divisions).expect("a consistency");
        let slow = scanned(&divisions);
        assert!((found.efficiency - slow).abs() <= 1.0 / 1000.0 + 1e-9, "{} against {slow}", found.efficiency);
        // Neither order nor the unit of payoffs matters.
        let mut turned = divisions.clone();
        turned.reverse();
        for one in &mut turned {
            one.budget = Budget { hold: 7.0 * one.budget.hold, pass: 7.0 * one.budget.pass, ..one.budget };
        }
        assert!((consistency(&turned).expect("again").efficiency - found.efficiency).abs() < 1e-9);
    }
}

#[test]
fn a_mask_is_coherent_within_and_not_across_and_a_steadfast_one_in_both() {
    let mut random = Random::new(2);
    let mask: Vec<Vec<Division>> =
        (0..6).map(|context| cobb_douglas(if context % 2 == 0 { 0.5 } else { 0.05 }, 0.02, &mut random)).collect();
    let found = persona_gap(&mask, 500, 1).expect("a gap");
    assert!(found.p < 0.01 && found.gap > found.null_mean + 0.04, "{found:?}");
    let mut rejected = 0;
    for seed in 0..100 {
        let same: Vec<Vec<Division>> = (0..4).map(|_| cobb_douglas(0.4, 0.2, &mut random)).collect();
        rejected += usize::from(persona_gap(&same, 99, seed).expect("a gap").p <= 0.05);
    }
    assert!(rejected <= 12, "{rejected} of 100 rejected at .05");
    assert!(matches!(persona_gap(&mask[..1], 9, 1), Err(Refusal::TooFew { what: "contexts", .. })));
    let over = [Division { budget: BUDGETS[0], given: 41.0 }, Division { budget: BUDGETS[1], given: 0.0 }];
    assert!(matches!(consistency(&over), Err(Refusal::Invalid { what: "gift of division", place: 0, .. })));
}
