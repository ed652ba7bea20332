//! From the name that a user types to a respondent.

use std::path::Path;

use undermask_engine::{ScoreSettings, Source};

use crate::{Local, ModelError};

/// What this version reads, for every refusal.
const READS: &str = "this version reads the directory of a Hugging Face model, or organism:NAME";

/// Opens a Hugging Face directory. (`organism:NAME` is resolved by the caller, who has the shipped files.)
///
/// # Errors
/// [`ModelError::Unknown`] for names of other forms, [`ModelError::Engine`] for what is wrong in the directory.
pub fn open_directory(name: &str, settings: ScoreSettings) -> Result<Local, ModelError> {
    let path = Path::new(name);
    if path.is_dir() {
        return Local::open(name, &Source::Directory(path.to_owned()), settings);
    }
    Err(ModelError::Unknown { name: name.to_owned(), why: format!("{}; {READS}", form(name, path)) })
}

/// What a name that is no directory looks like.
fn form(name: &str, path: &Path) -> &'static str {
    let parts: Vec<&str> = name.split('/').collect();
    if name.to_lowercase().ends_with(".gguf") {
        "GGUF files are not read by this version"
    } else if path.is_file() {
        "it is a file: give the directory that holds config.json and model.safetensors"
    } else if name.starts_with("openai:") || name.starts_with("anthropic:") {
        "endpoints are not read by this version"
    } else if name.contains('+') {
        "adapters (MODEL+ADAPTER) are not read by this version, and there is no such directory"
    } else if parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && !part.starts_with('.')) {
        "there is no such directory, and models on the hub (OWNER/NAME) are not read by this version: download it first"
    } else {
        "there is no such directory"
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::form;

    #[test]
    fn forms_of_later_versions_are_named() {
        for (name, word) in [
            ("model.gguf", "GGUF"),
            ("openai:gpt@https://host/v1", "endpoints"),
            ("anthropic:name", "endpoints"),
            ("owner/name", "hub"),
            ("owner/name@main", "hub"),
            ("a/b/c", "directory"),
            ("./name", "directory"),
            ("base+lora", "adapters"),
        ] {
            let said = form(name, Path::new("/nowhere at all"));
            assert!(said.contains(word), "{name}: {said}");
        }
    }
}
