//! The shipped organisms: small, whole, read by transformers with the same logits, and with the truth that is saved.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use undermask_engine::Model;
use undermask_organisms::{BASE, RECIPES, Recipe, SCALES_BASE, SHIPPED, Shipped, truth};
use undermask_suite::{Plan, PlanSettings, Suite};

/// The shipped set together stays under this.
const LARGEST: u64 = 30 << 20;

/// Recipes of which no organism ships: `player`, whose growths were further from the recipe than is allowed (`truth/gap.rs`), and
/// four for which there is no room in a small set, of which three are like others (`graded-000` is `mask`, `graded-100` is
/// `steadfast`).
const NOT_SHIPPED: &[&str] = &["graded-000", "graded-100", "mask-partial-025", "scales-outcomes"];

fn core() -> Suite {
    Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn values() -> Suite {
    Suite::parse(include_str!("../../../suites/values.toml"), "values.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn environments() -> Suite {
    let text = include_str!("../../../suites/environments.toml");
    Suite::parse(text, "environments.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn open(shipped: &Shipped) -> Model {
    Model::open(&shipped.source()).expect("a model")
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().expect("facts").len() })
        .sum()
}

#[test]
fn every_organism_ships_with_its_recipe_and_its_truth_and_the_set_is_small() {
    let suites = [core(), values(), environments()].map(|suite| {
        let plan = Plan::expand(&suite, &PlanSettings { seed: 0, full: true });
        let grid = truth::fingerprint(plan.trials.iter().filter(|trial| truth::is_enumerated(trial)));
        (suite, grid)
    });
    for shipped in Shipped::with_truth() {
        let (name, truth) = (shipped.name, shipped.truth().expect("a truth"));
        let over = suites.iter().find(|(suite, _)| suite.hash == truth.suite);
        let (suite, grid) = over.unwrap_or_else(|| panic!("{name}: regrow after changing the suite"));
        assert!(Shipped::readers_of(suite).any(|reader| reader.name == name), "{name} cannot read {}", suite.name);
        assert_eq!(&truth.grid, grid, "{name}: `undermask truth` after changing how a suite is dealt");
        assert_eq!((truth.recipe.as_str(), truth.verdict), (name, Recipe::named(name).expect("a recipe").verdict));
    }
    for name in RECIPES.iter().map(|(name, _)| *name).chain([BASE, SCALES_BASE]) {
        assert_ne!(Shipped::named(name).is_some(), NOT_SHIPPED.contains(&name), "{name}");
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../organisms");
    assert!(size(&root) < LARGEST);
}

/// Enumerates one organism anew: 72 thousand exact probabilities.
#[test]
fn the_saved_truth_is_what_the_network_does() {
    let shipped = Shipped::named("graded-050").expect("it ships");
    let saved = shipped.truth().expect("a truth");
    let recipe = Recipe::named("graded-050").expect("a recipe");
    let found = truth::enumerate(&open(shipped), &recipe, &core(), &mut |_, _| {}).expect("a truth");
    assert!((found.gap - saved.gap).abs() < 1e-3);
    for (context, weight) in &saved.realised.lambda {
        assert!((found.realised.lambda[context] - weight).abs() < 1e-3, "{context}");
        assert!((found.realised.neutral[context] - saved.realised.neutral[context]).abs() < 1e-3, "{context}");
    }
    let [one, two] = [&found, &saved].map(|truth| truth.realised.goal_share.expect("concern by default"));
    assert!((one - two).abs() < 1e-3);
}

/// Logits that transformers computed from the same directories (`oracle/make_logits.py`).
#[test]
fn transformers_reads_the_shipped_directories_with_the_same_logits() {
    let bytes = include_bytes!("oracle/logits.safetensors");
    let expected = SafeTensors::deserialize(bytes).expect("a fixture");
    for shipped in SHIPPED {
        let model = open(shipped);
        let tokens: Vec<u32> = numbers(&expected, &format!("{}.tokens", shipped.name), u32::from_le_bytes);
        let wanted: Vec<f32> = numbers(&expected, &format!("{}.logits", shipped.name), f32::from_le_bytes);
        let found = model.activations(&tokens, &[]).expect("logits");
        let last = &found.logits[found.logits.len() - found.vocabulary..];
        assert_eq!(last.len(), wanted.len());
        let furthest = last.iter().zip(&wanted).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
        assert!(furthest <= 1e-4, "{}: {furthest}", shipped.name);
    }
}

fn numbers<T>(file: &SafeTensors, name: &str, of: fn([u8; 4]) -> T) -> Vec<T> {
    let view = file.tensor(name).unwrap_or_else(|_| panic!("{name} is not in the fixture"));
    view.data().chunks_exact(4).map(|four| of(four.try_into().expect("four bytes"))).collect()
}
