//! GGUF files: a whole model in one file, presented as the Hugging Face directory that it was made from.
//!
//! `read` takes the container apart within bounds; `config` makes config.json of the metadata, `tokenizer` (with
//! `pretokenizer`) makes tokenizer.json and tokenizer_config.json, `names` gives tensors their Hugging Face names and
//! forms. What comes after does not know that it reads a GGUF file.

mod config;
mod names;
mod pretokenizer;
mod read;
mod tokenizer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use self::names::Naming;
use self::read::{Contents, List, Value};
use crate::EngineError;
use crate::source::Bytes;
use crate::weights::Tensor;

/// An open GGUF file, mapped; cheap to clone.
#[derive(Clone)]
pub struct Gguf {
    file: Bytes,
    contents: Arc<Contents>,
    place: String,
}

impl Gguf {
    /// Maps a file and checks its header, metadata and tensor table.
    ///
    /// # Errors
    /// [`EngineError::Unreadable`], [`EngineError::Weights`].
    pub fn open(path: &Path) -> Result<Gguf, EngineError> {
        let place = path.display().to_string();
        let file = Bytes::map(path)
            .map_err(|error| EngineError::Unreadable { file: place.clone(), why: error.to_string() })?;
        Gguf::of(place, file)
    }

    /// A file in memory; `place` is what errors call it.
    ///
    /// # Errors
    /// [`EngineError::Weights`].
    pub fn from_bytes(place: &str, bytes: Vec<u8>) -> Result<Gguf, EngineError> {
        Gguf::of(place.to_owned(), Bytes::Held(Arc::new(bytes.into())))
    }

    fn of(place: String, file: Bytes) -> Result<Gguf, EngineError> {
        match read::read(file.as_ref()) {
            Ok(contents) => Ok(Gguf { file, contents: Arc::new(contents), place }),
            Err(why) => Err(EngineError::Weights { file: place, why }),
        }
    }

    /// The file's path or name.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// A file of the Hugging Face directory that this would be.
    pub(crate) fn file(&self, name: &str) -> Result<Option<String>, EngineError> {
        let json = match name {
            "config.json" => self.configuration(),
            "tokenizer.json" => self.tokenizer(),
            "tokenizer_config.json" => self.tokenizer_configuration(),
            _ => return Ok(None),
        };
        json.map(|json| Some(json.to_string())).map_err(|why| self.unreadable(why))
    }

    /// Every weight under its Hugging Face name.
    pub(crate) fn tensors(&self) -> Result<BTreeMap<String, Tensor>, EngineError> {
        let naming = self.naming().map_err(|why| self.unreadable(why))?;
        let mut tensors = BTreeMap::new();
        for (name, entry) in &self.contents.tensors {
            let found = naming.tensor(name, entry, &self.file).map_err(|why| self.unreadable(why))?;
            if let Some((renamed, tensor)) = found
                && tensors.insert(renamed.clone(), tensor).is_some()
            {
                return Err(self.unreadable(format!("tensor `{renamed}` stands in it twice")));
            }
        }
        Ok(tensors)
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> usize {
        self.bytes().len()
    }

    fn naming(&self) -> Result<Naming, String> {
        let architecture = self.architecture()?;
        let count = |key: &str| self.number(&architecture, key).map(|number| number.unwrap_or(0) as usize);
        let heads = count("attention.head_count")?;
        let key_value_heads = match count("attention.head_count_kv")? {
            0 => heads,
            some => some,
        };
        Ok(Naming { architecture, heads, key_value_heads })
    }

    fn unreadable(&self, why: String) -> EngineError {
        EngineError::Unreadable { file: self.place.clone(), why }
    }

    fn bytes(&self) -> &[u8] {
        self.file.as_ref()
    }

    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.contents.metadata.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::Text(range) => std::str::from_utf8(&self.bytes()[range.clone()]).ok(),
            _ => None,
        }
    }

    fn list(&self, key: &str) -> Option<&List> {
        match self.value(key)? {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}
