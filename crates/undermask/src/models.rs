//! From the names that a user types to models, with the known answer of those that have one.

use undermask_engine::{ScoreSettings, Source};
use undermask_model::{Local, ModelError, open_directory};
use undermask_organisms::Shipped;
use undermask_report::KnownTruth;

use crate::error::CommandError;

const ORGANISM: &str = "organism:";

/// An opened model.
pub struct Opened {
    /// Who answers.
    pub model: Local,
    /// Its known answer: only for the report, never for the measurement.
    pub truth: Option<KnownTruth>,
}

/// The models to audit: those named, or every organism that ships.
///
/// # Errors
/// When none is named and none ships.
pub fn names(typed: &[String]) -> Result<Vec<String>, CommandError> {
    if !typed.is_empty() {
        return Ok(typed.to_vec());
    }
    let names: Vec<String> = Shipped::with_truth().map(|shipped| format!("{ORGANISM}{}", shipped.name)).collect();
    if names.is_empty() {
        return Err(CommandError::Usage("this build ships no organism; name a model: undermask audit DIRECTORY".to_owned()));
    }
    Ok(names)
}

/// Opens a model.
///
/// # Errors
/// An unknown name, or what is wrong with the model.
pub fn open(name: &str, settings: ScoreSettings) -> Result<Opened, CommandError> {
    let Some(organism) = name.strip_prefix(ORGANISM) else {
        let model = open_directory(name, settings)?;
        let truth = std::fs::read(std::path::Path::new(name).join("truth.json")).ok();
        return Ok(Opened { model, truth: truth.and_then(|text| serde_json::from_slice(&text).ok()) });
    };
    let shipped = Shipped::named(organism).ok_or_else(|| {
        let known: Vec<&str> = undermask_organisms::SHIPPED.iter().map(|shipped| shipped.name).collect();
        ModelError::Unknown { name: name.to_owned(), why: format!("organisms that ship: {}", known.join(", ")) }
    })?;
    let source = Source::Memory { name: name.to_owned(), files: shipped.source() };
    let truth = shipped.file("truth.json").and_then(|text| serde_json::from_slice(text).ok());
    Ok(Opened { model: Local::open(name, &source, settings)?, truth })
}
