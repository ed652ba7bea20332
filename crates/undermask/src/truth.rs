//! What a grown organism does over a suite's full grid, into its `truth.json`: at the end of `grow`, and by the `truth` verb
//! for organisms that are there already, when the suite or the way in which it is dealt is another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use undermask_engine::{Model, Source};
use undermask_organisms::{GrowError, Recipe, Shipped, Truth, truth};
use undermask_store::put;
use undermask_suite::Suite;

use crate::cli::TruthArguments;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::grown::grown;
use crate::models::ORGANISM;
use crate::progress::{Bar, interrupted, listen};
use crate::suites;

/// Gaps that are listed when a growth failed.
const SHOWN: usize = 5;

/// Enumerates every organism that is named; those whose gap is too large are told at the end.
///
/// # Errors
/// A folder that holds no organism, or a blend; the first gap that is too large.
pub fn truths(arguments: &TruthArguments) -> Result<Finish, CommandError> {
    let suite = suites::load(&arguments.suite)?.suite;
    let subjects = arguments.directories.iter().map(|folder| Ok((folder, organism(folder)?)));
    let subjects: Vec<_> = subjects.collect::<Result<_, CommandError>>()?;
    listen();
    let mut cells = truth::Cells::of(&suite);
    let mut failed = None;
    for (folder, (source, recipe)) in &subjects {
        if interrupted() {
            eprintln!("  stopped; what was enumerated is written. The same command begins anew.");
            return Ok(Finish::Interrupted);
        }
        eprintln!("  {}", folder.display());
        match enumerate(source, recipe, &mut cells, folder) {
            Err(gap @ CommandError::Grow(GrowError::Gap { .. })) => {
                eprintln!("  {gap}");
                failed = failed.or(Some(gap));
            }
            other => other?,
        }
    }
    failed.map_or(Ok(Finish::Done), Err)
}

/// The network in a folder that `grow` wrote, and what it was taught.
fn organism(folder: &Path) -> Result<(Source, Recipe), CommandError> {
    let wrong = |why: &str| CommandError::Usage(format!("{}: {why}", folder.display()));
    let text = std::fs::read(folder.join("growth.json"))
        .map_err(|_| wrong("there is no growth.json; give a folder that `undermask grow` wrote"))?;
    let growth: Value = serde_json::from_slice(&text)
        .map_err(|error| wrong(&format!("growth.json is damaged ({error}); grow the organism again")))?;
    if growth.get("blend").is_some() {
        return Err(wrong("it is a blend; blend its ends again (undermask blend), which enumerates it"));
    }
    let recipe: Recipe = serde_json::from_value(growth["recipe"].clone()).map_err(|_| {
        wrong("growth.json holds no recipe that this build reads; a base has none, an organism has to be grown again")
    })?;
    Ok((grown(folder)?.unwrap_or_else(|| Source::Directory(folder.to_owned())), recipe))
}

/// Every parameter of an organism's network over a suite, by its name or folder; none of a blend, of which no recipe speaks.
///
/// # Errors
/// A model that cannot be read or asked.
pub fn parameters(name: &str, suite: &Suite) -> Result<BTreeMap<String, Option<f64>>, CommandError> {
    let shipped = name.strip_prefix(ORGANISM).and_then(Shipped::named);
    let growth = match shipped {
        Some(shipped) => shipped.file("growth.json").map(<[u8]>::to_vec),
        None => std::fs::read(Path::new(name).join("growth.json")).ok(),
    };
    let Some(recipe) = growth.as_deref().and_then(recipe) else { return Ok(BTreeMap::new()) };
    let source = match shipped {
        Some(shipped) => shipped.source(),
        None => organism(Path::new(name))?.0,
    };
    let model = Model::open(&source).map_err(|error| CommandError::model(name, error))?;
    let mut bar: Option<Bar> = None;
    let truth = truth::enumerate(&model, &recipe, suite, &mut |done, all| {
        bar.get_or_insert_with(|| Bar::new("enumerating", "cells", all)).set(done, "");
    })?;
    Ok(truth.realised.parameters)
}

/// The recipe within a `growth.json`; none of a blend.
fn recipe(growth: &[u8]) -> Option<Recipe> {
    let growth: Value = serde_json::from_slice(growth).ok()?;
    serde_json::from_value(growth["recipe"].clone()).ok().filter(|_| growth.get("blend").is_none())
}

/// Enumerates one organism into `folder`, and says what came of it.
///
/// # Errors
/// A model that cannot be read or asked; [`GrowError::Gap`], after its truth is written.
pub fn enumerate(
    source: &Source,
    recipe: &Recipe,
    cells: &mut truth::Cells<'_>,
    folder: &Path,
) -> Result<(), CommandError> {
    let model = Model::open(source).map_err(|error| CommandError::model(&folder.display().to_string(), error))?;
    let mut bar: Option<Bar> = None;
    let truth = cells.enumerate(&model, recipe, &mut |done, all| {
        bar.get_or_insert_with(|| Bar::new("enumerating", "cells", all)).set(done, "");
    })?;
    drop(bar);
    let text = serde_json::to_string_pretty(&truth).map_err(|error| CommandError::Usage(error.to_string()))?;
    put(&folder.join("truth.json"), format!("{text}\n").as_bytes())?;
    tell(&truth);
    match shortfall(&truth) {
        None => Ok(()),
        Some(why) => Err(GrowError::Gap { name: recipe.name.clone(), why }.into()),
    }
}

/// In what a network is not what its recipe says, where its gaps are too large.
pub fn shortfall(truth: &Truth) -> Option<String> {
    let failures = truth.failures();
    let shown: Vec<String> = failures.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = failures.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    (!failures.is_empty()).then(|| format!("it is not what its recipe says: {}{more}", shown.join("; ")))
}

fn tell(truth: &Truth) {
    let number =
        |value: Option<f64>, absent: &str| value.map_or_else(|| absent.to_owned(), |value| format!("{value:.2}"));
    eprintln!(
        "  realised: default weight {} (recipe {}), goal share {} (recipe {}); largest gap of a context {:.2}",
        number(truth.realised.lambda_0, "not asked"),
        number(truth.nominal.lambda_0, "not asked"),
        number(truth.realised.goal_share, "undefined"),
        number(truth.nominal.goal_share, "undefined"),
        truth.gap
    );
    for (name, realised) in &truth.realised.parameters {
        let nominal = truth.nominal.parameters.get(name).copied().flatten();
        eprintln!("  {name}: {} (recipe {})", number(*realised, "never reached"), number(nominal, "never reached"));
    }
}
