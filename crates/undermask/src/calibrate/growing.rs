//! Growing held-out organisms for a calibration. A growth whose gap is too large is no organism: it is kept apart, and
//! the certificate names it.

use std::path::Path;

use serde_json::Value;
use undermask_organisms::{GrowError, Truth};

use super::subjects::Planned;
use crate::cli::{CalibrateArguments, GrowArguments, GrowMethod};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::truth::shortfall;

/// What came of a growth.
pub enum Growth {
    /// It is there.
    Ready,
    /// Its gap is too large; why.
    Failed(String),
    /// The user stopped it.
    Interrupted,
}

/// Why a grown directory is no organism, where it is none: what it does is too far from its recipe. Nobody said what a blend
/// should do.
pub fn failed(directory: &Path) -> Option<String> {
    let read =
        |name: &str| -> Option<Value> { serde_json::from_slice(&std::fs::read(directory.join(name)).ok()?).ok() };
    shortcoming(read("growth.json")?, read("truth.json")?)
}

/// The same of the two files.
pub fn shortcoming(growth: Value, truth: Value) -> Option<String> {
    let truth: Truth = serde_json::from_value(truth).ok()?;
    let why = growth.get("blend").is_none().then(|| shortfall(&truth)).flatten()?;
    Some(format!("{}, seed {}: {why}", truth.recipe, growth["grown"]["seed"]))
}

/// Grows one, or continues it; what is grown already stays.
///
/// # Errors
/// Everything but a gap that is too large.
pub fn grow(arguments: &CalibrateArguments, planned: &Planned) -> Result<Growth, CommandError> {
    if let Some(why) = failed(&planned.out) {
        return Ok(Growth::Failed(why));
    }
    if planned.out.join("truth.json").is_file() {
        return Ok(Growth::Ready);
    }
    let wanted = GrowArguments {
        recipe: planned.recipe.clone(),
        out: planned.out.clone(),
        seed: planned.seed,
        base: arguments.base.clone(),
        steps: None,
        size: "medium".to_owned(),
        method: GrowMethod::Adapter,
        precision: arguments.grow_precision,
        set: Vec::new(),
        threads: arguments.threads,
        suite: arguments.suite.clone(),
    };
    match crate::grow::grow(&wanted) {
        Ok(Finish::Interrupted) => Ok(Growth::Interrupted),
        Ok(_) => Ok(Growth::Ready),
        Err(CommandError::Grow(GrowError::Gap { name, why })) => {
            let why = format!("{name}, seed {}: {why}", planned.seed);
            eprintln!("  failed growth, left out: {why}");
            Ok(Growth::Failed(why))
        }
        Err(other) => Err(other),
    }
}
