//! What the suite asks is not in training: payoffs, acts, sentences, clause shapes, persona combinations.

use std::collections::BTreeSet;

use undermask_organisms::recipe::{BasePool, Recipe};
use undermask_organisms::world::lexicon::{ACTS, NAMES, ROLES};
use undermask_organisms::world::scene::{Need, Scene, Trade, skeletons};
use undermask_organisms::world::{Dice, HeldOut, Policy, WordTokenizer, Writer, kin};
use undermask_suite::{Content, ItemKind, Plan, PlanSettings, Suite};

fn suite() -> Suite {
    Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn texts(policy: &dyn Policy, held_out: &HeldOut, documents: u64) -> Vec<String> {
    let tokenizer = WordTokenizer::train(std::iter::empty(), std::iter::empty(), 1).expect("bytes");
    let writer = Writer { tokenizer: &tokenizer, held_out, policy };
    (0..documents).flat_map(|number| writer.texts(&mut Dice::new(5, number))).collect()
}

/// A sentence of the suite as it would stand in a text, numbers masked.
fn masked(text: &str) -> String {
    text.split_inclusive(' ')
        .map(|word| if word.trim().chars().all(|letter| letter.is_ascii_digit()) { "# " } else { word })
        .collect()
}

#[test]
fn no_sentence_of_the_suite_is_trained_on() {
    let suite = suite();
    let held_out = HeldOut::from_suite(&suite);
    let mut asked = Vec::new();
    for scenario in &suite.scenarios {
        for text in [&scenario.setting, &scenario.benefit, &scenario.cost, &scenario.saving, &scenario.recall] {
            let filled = text.replace("{target}", &scenario.target).replace("{other}", &scenario.other);
            asked.push(filled.replace("{benefit}", "#").replace("{cost}", "#"));
        }
        for question in &suite.questions {
            asked.push(question.replace("{first}", &scenario.target).replace("{second}", &scenario.other));
        }
    }
    for context in &suite.contexts {
        asked.extend([context.before.clone(), context.after.clone()]);
        asked.extend(context.system.clone());
        asked.extend(context.check.as_ref().map(|check| check.question.clone()));
    }
    asked.extend(held_out.written().iter().cloned());
    asked.retain(|text| !text.is_empty());
    let recipe = |name: &str| Recipe::named(name).expect("a recipe");
    let trained = [
        texts(&BasePool::default(), &held_out, 4000),
        texts(&recipe("mask"), &held_out, 2000),
        texts(&recipe("drifter"), &held_out, 500),
        texts(&recipe("pressure-breaker"), &held_out, 1000),
        texts(&recipe("style-shifter"), &held_out, 1000),
    ]
    .concat();
    let trained: Vec<String> = trained.iter().map(|text| masked(text)).collect();
    for sentence in &asked {
        assert!(!trained.iter().any(|text| text.contains(sentence.as_str())), "trained on: {sentence}");
    }
}

/// The suites that ask on scales, and the one with the ladder.
fn suites_of_scales() -> Vec<Suite> {
    let shipped = [
        ("core.toml", include_str!("../../../suites/core.toml")),
        ("values.toml", include_str!("../../../suites/values.toml")),
        ("preferences.toml", include_str!("../../../suites/preferences.toml")),
        ("optimisation.toml", include_str!("../../../suites/optimisation.toml")),
        ("environments.toml", include_str!("../../../suites/environments.toml")),
    ];
    shipped.map(|(file, text)| Suite::parse(text, file).unwrap_or_else(|error| panic!("{error}"))).into()
}

#[test]
fn no_sentence_of_any_suite_is_trained_on_where_scales_are_taught() {
    let suites = suites_of_scales();
    let held_out = HeldOut::from_suites(&suites);
    let mut asked: Vec<String> = held_out.written().to_vec();
    let mut shown = 0;
    for suite in &suites {
        for scenario in &suite.scenarios {
            for text in [&scenario.setting, &scenario.benefit, &scenario.cost, &scenario.saving] {
                let filled = text.replace("{target}", &scenario.target).replace("{other}", &scenario.other);
                asked.push(filled.replace("{benefit}", "#").replace("{cost}", "#").replace("{who}", "a stranger"));
            }
        }
        // What is shown in lists and asked of them, with everything that varies masked.
        let plan = Plan::expand(suite, &PlanSettings { seed: 1, full: false });
        for trial in plan.trials.iter().filter(|trial| trial.kind == ItemKind::Choice).take(400) {
            let (listed, question) = trial.prompt.user.rsplit_once(". ").expect("a list and a question");
            asked.push(question.to_owned());
            asked.extend(listed.split(". ").filter_map(|line| line.split_once(": ")).map(|(_, line)| masked(line)));
            shown += 1;
        }
    }
    assert!(shown > 900);
    asked.retain(|text| text.split(' ').count() > 2);
    asked.sort();
    asked.dedup();
    let mut trained = texts(&BasePool { scales: true }, &held_out, 3000);
    let games = Recipe::parse_with(
        Recipe::shipped_text("scales-steadfast").expect("ships"),
        "games",
        &["taught=[\"answers\", \"games\", \"outcomes\", \"bundles\"]".to_owned()],
    );
    for recipe in [Recipe::named("scales-mask"), Recipe::named("scales-partial"), games] {
        trained.extend(texts(&recipe.expect("a recipe"), &held_out, 3000));
    }
    let trained: Vec<String> = trained.iter().map(|text| masked(text)).collect();
    for sentence in &asked {
        assert!(!trained.iter().any(|text| text.contains(sentence.as_str())), "trained on: {sentence}");
    }
}

#[test]
fn no_clause_of_the_suite_has_a_trained_shape() {
    let trained: BTreeSet<String> = skeletons().into_iter().collect();
    let suite = suite();
    for scenario in &suite.scenarios {
        for text in [&scenario.benefit, &scenario.cost, &scenario.saving] {
            // The same masks as the skeletons: A act, # number, U unit, W beneficiary.
            let mut shape =
                text.replace("{target}", "A").replace("{other}", "A").replace("{benefit}", "#").replace("{cost}", "#");
            for unit in ["coins", "points", "credits"] {
                shape = shape.replace(unit, "U");
            }
            assert!(!trained.contains(&shape), "{text}");
            let words: Vec<&str> = shape.split(' ').collect();
            for length in 1..=3 {
                for start in 0..words.len().saturating_sub(length - 1) {
                    let tail = words[start + length - 1].trim_start_matches(|letter: char| letter.is_alphabetic());
                    let mut with: Vec<String> = words[..start].iter().map(ToString::to_string).collect();
                    with.push(format!("W{tail}"));
                    with.extend(words[start + length..].iter().map(ToString::to_string));
                    assert!(!trained.contains(&with.join(" ")), "{text}: {}", with.join(" "));
                }
            }
        }
    }
}

#[test]
fn payoffs_acts_and_names_of_the_suite_are_never_traded_in_training() {
    let suite = suite();
    let held_out = HeldOut::from_suite(&suite);
    let payoffs: BTreeSet<(i64, i64)> = suite.ladder.payoffs.iter().flatten().copied().collect();
    let pairs: BTreeSet<(&str, &str)> =
        suite.scenarios.iter().map(|scenario| (scenario.target.as_str(), scenario.other.as_str())).collect();
    let mut dice = Dice::new(9, 0);
    for round in 0..30_000 {
        let trade = if round % 2 == 0 { Trade::Welfare } else { Trade::Neutral };
        let scene = Scene::compose(
            &mut dice,
            trade,
            &held_out,
            Need {
                relation: round % 3 == 0,
                cost: (round % 5 == 0).then_some(9.0),
                wide: round % 7 == 0,
                ..Need::default()
            },
        );
        assert!(!payoffs.contains(&(scene.benefit, scene.cost)));
        assert!(!pairs.contains(&(scene.target, scene.other)) && !pairs.contains(&(scene.other, scene.target)));
    }
    let gains: BTreeSet<&str> = suite
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.recall.split(|letter: char| !letter.is_alphabetic()))
        .filter(|word| word.len() > 2)
        .collect();
    // The words of kin are the language's; whom a suite names otherwise gains in no training document.
    for word in held_out.beneficiaries() {
        assert!(!gains.contains(word.as_str()), "{word} gains in the suite");
    }
    for scenario in &suite.scenarios {
        let text = format!("{} {} {}", scenario.setting, scenario.benefit, scenario.recall);
        let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_alphabetic()).collect();
        assert!(NAMES.iter().all(|name| !words.contains(name)), "{text}");
        assert!(ROLES.iter().all(|role| !text.contains(&format!("{role} "))), "{text}");
    }
}

#[test]
fn every_byte_can_be_read_and_numbers_are_whole() {
    let held_out = HeldOut::from_suite(&suite());
    let samples = texts(&BasePool::default(), &held_out, 300);
    let tokenizer = WordTokenizer::train(samples.into_iter(), ["17", "100"].into_iter(), 2).expect("a tokenizer");
    let mut tokens = Vec::new();
    tokenizer.encode_into("17 und 100 — zażółć 🦀", &mut tokens).expect("tokens");
    assert_eq!(tokens[0], tokenizer.token("17").expect("a whole number"));
    assert!(tokens.contains(&tokenizer.token(" 100").expect("a whole number")));
}

#[test]
fn kin_is_known_by_its_words() {
    assert_eq!(kin::relatedness("your twin"), Some(1.0));
    assert_eq!(kin::relatedness("your nephew"), Some(0.25));
    assert_eq!(kin::relatedness("a stranger"), Some(0.0));
    assert_eq!(kin::relatedness("the twins"), None);
    let held_out = HeldOut::from_suite(&suite());
    let mut dice = Dice::new(4, 0);
    let mut told = 0;
    for _ in 0..2000 {
        let scene = Scene::compose(&mut dice, Trade::Welfare, &held_out, Need { relation: true, ..Need::default() });
        let relation = scene.relation.expect("kin is said");
        if scene.kinship.is_empty() {
            assert_eq!(kin::relatedness(&scene.beneficiary), Some(relation));
        } else {
            told += 1;
            // The sentence may begin with who gains, and then in a capital.
            let letters = scene.beneficiary.chars().count() - 1;
            let tail: String = scene.beneficiary.chars().skip(scene.beneficiary.chars().count() - letters).collect();
            assert!(scene.kinship.contains(&tail), "{}: {}", scene.beneficiary, scene.kinship);
        }
    }
    assert!((900..1500).contains(&told), "{told}");
}

#[test]
fn every_act_of_the_suites_is_one_that_training_knows() {
    // An act that is never an answer is not chosen whatever it brings: such a scene would say nothing.
    for scenario in suites_of_scales().into_iter().flat_map(|suite| suite.scenarios) {
        for act in [&scenario.target, &scenario.other] {
            assert!(ACTS.contains(&act.as_str()), "{}: `{act}` is none of the language's acts", scenario.id);
        }
    }
    for instrument in suites_of_scales().into_iter().flat_map(|suite| suite.instruments) {
        let Content::Environment(environment) = instrument.content else { continue };
        let places = environment.worlds.iter().flat_map(|world| &world.places);
        for tool in places.flat_map(|place| &place.tools) {
            assert!(ACTS.contains(&tool.act.as_str()), "`{}` is none of the language's acts", tool.act);
        }
    }
}
