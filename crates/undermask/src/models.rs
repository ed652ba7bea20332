//! From the names that a user types to models, with the known answer of those that have one.

use std::path::Path;

use undermask_engine::{ScoreSettings, Source};
use undermask_model::{Local, ModelError, open_directory};
use undermask_organisms::{SHIPPED, Shipped};
use undermask_report::KnownTruth;

use crate::error::CommandError;
use crate::suites::meant;

const ORGANISM: &str = "organism:";

/// The models to audit: those named, each once, or every organism that ships.
///
/// # Errors
/// When none is named and none ships, or a name cannot be a model: better now than after the models before it.
pub fn names(typed: &[String]) -> Result<Vec<String>, CommandError> {
    let mut names: Vec<String> = Vec::new();
    for name in typed {
        if let Some(organism) = name.strip_prefix(ORGANISM) {
            shipped(organism)?;
        } else if !Path::new(name).is_dir() {
            open_directory(name, ScoreSettings::default()).map_err(|error| CommandError::model(name, error))?;
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        names = Shipped::with_truth().map(|shipped| format!("{ORGANISM}{}", shipped.name)).collect();
    }
    if names.is_empty() {
        let why = "no MODEL was given, and this build ships no organism; name a model: undermask audit DIRECTORY";
        return Err(CommandError::Usage(why.to_owned()));
    }
    Ok(names)
}

/// Opens a model.
///
/// # Errors
/// An unknown name, or what is wrong with the model.
pub fn open(name: &str, settings: ScoreSettings) -> Result<Local, CommandError> {
    let opened = match name.strip_prefix(ORGANISM) {
        None => open_directory(name, settings),
        Some(organism) => {
            let source = Source::Memory { name: name.to_owned(), files: shipped(organism)?.source() };
            Local::open(name, &source, settings)
        }
    };
    opened.map_err(|error| CommandError::model(name, error))
}

/// A model's known answer, where it has one: only for the report, never for the measurement.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn truth(name: &str) -> Result<Option<KnownTruth>, CommandError> {
    let path = Path::new(name).join("truth.json");
    let text = match name.strip_prefix(ORGANISM).map(Shipped::named) {
        Some(shipped) => shipped.and_then(|shipped| shipped.file("truth.json")).map(<[u8]>::to_vec),
        None if path.is_file() => {
            Some(std::fs::read(&path).map_err(|source| CommandError::Read { path: path.clone(), source })?)
        }
        None => None,
    };
    let damaged = |error: serde_json::Error| {
        CommandError::Usage(format!("{}: it holds no known answer ({error}); mend or remove it", path.display()))
    };
    text.map(|text| serde_json::from_slice(&text).map_err(damaged)).transpose()
}

fn shipped(organism: &str) -> Result<&'static Shipped, CommandError> {
    Shipped::named(organism).ok_or_else(|| {
        let names: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.name).collect();
        let why = match names.is_empty() {
            true => "this build ships no organism; grow one (undermask grow), or give a directory".to_owned(),
            false => format!("{}organisms that ship: {}", meant(organism, &names), names.join(", ")),
        };
        let name = format!("{ORGANISM}{organism}");
        CommandError::model(&name.clone(), ModelError::Unknown { name, why })
    })
}
