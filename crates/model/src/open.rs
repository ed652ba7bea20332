//! From the name that a user types to a respondent.

use std::path::Path;

use undermask_engine::{ScoreSettings, Source};

use crate::{Local, ModelError};

/// Forms of names that later versions read.
const LATER: &[(&str, &str)] = &[("openai:", "endpoints"), ("anthropic:", "endpoints")];

/// Opens a Hugging Face directory. (`organism:NAME` is resolved by the caller, who has the shipped files.)
///
/// # Errors
/// [`ModelError::Unknown`] for names of other forms, [`ModelError::Engine`] for what is wrong in the directory.
pub fn open_directory(name: &str, settings: ScoreSettings) -> Result<Local, ModelError> {
    let unknown = |why: &str| ModelError::Unknown { name: name.to_owned(), why: why.to_owned() };
    if let Some((_, what)) = LATER.iter().find(|(prefix, _)| name.starts_with(prefix)) {
        return Err(unknown(&format!("this version does not read {what}; give the directory of a Hugging Face model")));
    }
    let path = Path::new(name);
    if path.is_dir() {
        return Local::open(name, &Source::Directory(path.to_owned()), settings);
    }
    if name.to_lowercase().ends_with(".gguf") {
        return Err(unknown("this version does not read GGUF files; give the directory of a Hugging Face model"));
    }
    if path.is_file() {
        return Err(unknown("it is a file; give the directory that holds config.json and model.safetensors"));
    }
    Err(unknown("there is no such directory; give the directory of a Hugging Face model, or organism:NAME (`undermask audit` alone audits all that ship)"))
}
