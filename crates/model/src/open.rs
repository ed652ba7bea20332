//! From the name that a user types to a respondent.
//!
//! A directory or file of that name wins; then MODEL+ADAPTER is taken apart; then OWNER/NAME[@REVISION] is looked for on
//! the hub. (`organism:NAME` is resolved by the caller, who has the shipped files.)

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use undermask_engine::{Adaptation, Gguf, Source};

use crate::hub::{self, HubName, HubProgress, HubSettings};
use crate::{Local, LocalSettings, ModelError};

/// What this version reads, for every refusal.
const READS: &str = "a model is the directory of a Hugging Face model, a .gguf file, OWNER/NAME[@REVISION] on the hub, or \
                     organism:NAME; MODEL+ADAPTER adds a LoRA adapter";

/// Where a model's files are.
#[derive(Clone)]
pub struct Located {
    /// The files.
    pub source: Source,
    /// Commits of what came from the hub, joined by `+`.
    pub commit: Option<String>,
}

/// Opens the model of a name.
///
/// # Errors
/// [`ModelError::Unknown`] for names of other forms, [`ModelError::Hub`], [`ModelError::Engine`] for what is wrong in the
/// files.
pub fn open_named(
    name: &str,
    settings: LocalSettings,
    progress: &mut dyn FnMut(HubProgress),
) -> Result<Local, ModelError> {
    let located = locate(name, &HubSettings::from_environment(), progress)?;
    Ok(Local::open(name, &located.source, settings)?.of_commit(located.commit))
}

/// Finds a model's files, downloading them where they are on the hub.
///
/// # Errors
/// [`ModelError::Unknown`], [`ModelError::Hub`], [`ModelError::Engine`] for a GGUF file whose header is wrong.
pub fn locate(name: &str, hub: &HubSettings, progress: &mut dyn FnMut(HubProgress)) -> Result<Located, ModelError> {
    let unknown = |why: &str| Err(ModelError::Unknown { name: name.to_owned(), why: why.to_owned() });
    let path = Path::new(name);
    if path.is_dir() {
        return match misplaced(path) {
            Some(why) => unknown(why),
            None => Ok(Located { source: Source::Directory(path.to_owned()), commit: None }),
        };
    }
    if path.is_file() {
        if has_ending(path, &["gguf"]) || begins_with_gguf(path) {
            return Ok(Located { source: Source::Gguf(Gguf::open(path)?), commit: None });
        }
        return unknown(&format!("{}; {READS}", of_file(path)));
    }
    if let Some((base, adapter)) = name.rsplit_once('+') {
        let base = locate(base, hub, progress)?;
        return with_adapter(base, adapter, hub, progress);
    }
    if let Some(name) = HubName::parse(name).filter(|_| !has_ending(path, &["gguf", "safetensors", "bin"])) {
        let found = hub::obtain(&name, hub, progress)?;
        return Ok(Located { source: Source::Directory(found.directory), commit: Some(found.commit) });
    }
    let why = match name {
        _ if name.starts_with("openai:") || name.starts_with("anthropic:") => "endpoints are not read by this version",
        _ if has_ending(path, &["gguf", "safetensors", "bin"]) => "there is no such file",
        _ => "there is no such directory or file",
    };
    unknown(&format!("{why}; {READS}"))
}

/// Adds an adapter, a directory or OWNER/NAME on the hub, to a model; it is merged.
///
/// # Errors
/// [`ModelError::Unknown`], [`ModelError::Hub`].
pub fn with_adapter(
    base: Located,
    adapter: &str,
    hub: &HubSettings,
    progress: &mut dyn FnMut(HubProgress),
) -> Result<Located, ModelError> {
    let path = Path::new(adapter);
    let (directory, commit) = match HubName::parse(adapter) {
        _ if path.is_dir() => (path.to_owned(), None),
        Some(name) => {
            let found = hub::obtain(&name, hub, progress)?;
            (found.directory, Some(found.commit))
        }
        None => {
            let why =
                "there is no such directory; after `+` comes the directory of a LoRA adapter, or OWNER/NAME on the hub";
            return Err(ModelError::Unknown { name: adapter.to_owned(), why: why.to_owned() });
        }
    };
    let commits: Vec<String> = base.commit.into_iter().chain(commit).collect();
    let source = Source::Adapted {
        base: Box::new(base.source),
        adapter: Box::new(Source::Directory(directory)),
        how: Adaptation::Merged,
    };
    Ok(Located { source, commit: (!commits.is_empty()).then(|| commits.join("+")) })
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

fn begins_with_gguf(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| &start == b"GGUF")
}

/// What a directory is that is no model, where that can be told.
fn misplaced(path: &Path) -> Option<&'static str> {
    let holds = |file: &str| path.join(file).is_file();
    if holds("config.json") {
        return None;
    }
    if holds("adapter_config.json") {
        return Some("it is a LoRA adapter; give its base as well: BASE+ADAPTER");
    }
    let mut entries = std::fs::read_dir(path).ok()?.take(1000).filter_map(Result::ok);
    entries
        .any(|entry| has_ending(&entry.path(), &["gguf"]))
        .then_some("it holds GGUF files; give the path of one of them")
}

/// What a file is that is no model.
fn of_file(path: &Path) -> &'static str {
    if has_ending(path, &["bin", "pt", "pth", "pkl", "pickle", "ckpt"]) {
        "it is pickled Python, which can run code and is not read: convert the model to safetensors with transformers' \
         save_pretrained"
    } else if has_ending(path, &["safetensors"]) {
        "it holds weights only: give the directory that holds config.json and the tokenizer too"
    } else if has_ending(path, &["h5", "msgpack", "onnx", "npz", "ot", "tflite", "mlmodel", "ggml"]) {
        "weights of this format are not read: convert the model to safetensors, or to GGUF"
    } else {
        "it is a file, but no GGUF file: give the directory that holds config.json and model.safetensors"
    }
}
