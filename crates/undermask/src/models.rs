//! From the names that a user types to models, with the known answer of those that have one.

use std::path::Path;

use undermask_model::{HubSettings, Local, LocalSettings, Located, ModelError, locate, open_named, with_adapter};
use undermask_organisms::{SHIPPED, Shipped};
use undermask_report::KnownTruth;
use undermask_suite::Suite;

use crate::error::CommandError;
use crate::grown::grown;
use crate::progress::Downloads;
use crate::suites::meant;

/// What names of shipped organisms begin with.
pub const ORGANISM: &str = "organism:";

/// The models to audit: those named, each once, or every organism that ships and can read the suite.
///
/// # Errors
/// When none is named and none ships, or a name cannot be a model: better now than after the models before it.
pub fn names(typed: &[String], suite: &Suite) -> Result<Vec<String>, CommandError> {
    let mut names: Vec<String> = Vec::new();
    for name in typed {
        if let Some(organism) = name.strip_prefix(ORGANISM) {
            shipped(parts(organism).0)?;
        } else if !Path::new(name).is_dir() {
            // What is on the hub is downloaded before the first model runs.
            let mut downloads = Downloads::new(name);
            locate(name, &HubSettings::from_environment(), &mut |step| downloads.step(step))
                .map_err(|error| CommandError::model(name, error))?;
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        names = Shipped::readers_of(suite).map(|shipped| format!("{ORGANISM}{}", shipped.name)).collect();
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
pub fn open(name: &str, settings: LocalSettings) -> Result<Local, CommandError> {
    let mut downloads = Downloads::new(name);
    let opened = match name.strip_prefix(ORGANISM) {
        None => match grown(Path::new(name))? {
            Some(source) => Local::open(name, &source, settings),
            None => open_named(name, settings, &mut |step| downloads.step(step)),
        },
        Some(organism) => {
            let (organism, adapter) = parts(organism);
            let base = Located { source: shipped(organism)?.source(), commit: None };
            match adapter {
                None => Local::open(name, &base.source, settings),
                Some(adapter) => {
                    with_adapter(base, adapter, &HubSettings::from_environment(), &mut |step| downloads.step(step))
                        .and_then(|located| Local::open(name, &located.source, settings))
                }
            }
        }
    };
    let local = opened.map_err(|error| CommandError::model(name, error))?;
    if let Some(note) = &local.model().device().note {
        eprintln!("note: {note}");
    }
    Ok(local)
}

/// An organism and its adapter, if it has one.
fn parts(organism: &str) -> (&str, Option<&str>) {
    organism.split_once('+').map_or((organism, None), |(organism, adapter)| (organism, Some(adapter)))
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

/// A shipped organism by its name.
///
/// # Errors
/// When none has it; says which there are.
pub fn shipped(organism: &str) -> Result<&'static Shipped, CommandError> {
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
