//! A grown adapter by its folder: opened over the base that it was grown from, as its own files say.
//!
//! Any other adapter needs its base named (`MODEL+ADAPTER`); only what `grow` wrote says which base and has its hash.

use std::path::Path;

use serde_json::Value;
use undermask_engine::{Adaptation, Source};
use undermask_organisms::BaseFiles;

use crate::error::CommandError;
use crate::models::ORGANISM;

/// The model of a folder that `undermask grow` wrote an adapter into; `None` for any other folder.
///
/// # Errors
/// When the base is not there, or is not the one that the adapter was grown from.
pub fn grown(folder: &Path) -> Result<Option<Source>, CommandError> {
    let json = |file: &str| -> Option<Value> { serde_json::from_slice(&std::fs::read(folder.join(file)).ok()?).ok() };
    if folder.join("config.json").exists() {
        return Ok(None);
    }
    let (Some(adapter), Some(growth)) = (json("adapter_config.json"), json("growth.json")) else { return Ok(None) };
    let (Some(base), Some(hash)) = (adapter["base_model_name_or_path"].as_str(), growth["base"].as_str()) else {
        return Ok(None);
    };
    let files = match base.strip_prefix(ORGANISM) {
        Some(name) => BaseFiles::shipped(name)?,
        None => BaseFiles::read(Path::new(base))?,
    };
    if files.hash() != hash {
        let why = format!(
            "{}: it was grown from another base than {base} is now; give the right one: BASE+{}",
            folder.display(),
            folder.display()
        );
        return Err(CommandError::Usage(why));
    }
    Ok(Some(Source::Adapted {
        base: Box::new(Source::Memory { name: base.to_owned(), files: files.source() }),
        adapter: Box::new(Source::Directory(folder.to_owned())),
        how: Adaptation::Merged,
    }))
}
