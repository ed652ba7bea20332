//! Where a model's files come from: a directory, whose weights are mapped, a GGUF file, or memory, for models within the
//! binary.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::{Adaptation, EngineError, Gguf};

/// Where a model is.
#[derive(Clone)]
pub enum Source {
    /// A Hugging Face directory.
    Directory(PathBuf),
    /// A GGUF file, which holds all that a directory would.
    Gguf(Gguf),
    /// A model with a LoRA adapter.
    Adapted {
        /// The model.
        base: Box<Source>,
        /// Where adapter_config.json and adapter_model.safetensors are.
        adapter: Box<Source>,
        /// Merged or applied.
        how: Adaptation,
    },
    /// Files by name.
    Memory {
        /// What errors call it.
        name: String,
        /// Name and content of every file.
        files: Vec<(String, Cow<'static, [u8]>)>,
    },
}

/// The bytes of one file; cheap to clone.
#[derive(Clone)]
pub(crate) enum Bytes {
    Mapped(Arc<Mmap>),
    Held(Arc<Cow<'static, [u8]>>),
}

impl Bytes {
    /// Maps a file; an empty one is held, since it cannot be mapped.
    pub fn map(path: &Path) -> std::io::Result<Bytes> {
        let (file, facts) = regular(path)?;
        if facts.len() == 0 {
            return Ok(Bytes::Held(Arc::new(Cow::Borrowed(&[]))));
        }
        // SAFETY: the map is only read; a file that another process changes meanwhile can change numbers, or end this
        // process by a bus error when it is cut, but cannot reach other memory.
        Ok(Bytes::Mapped(Arc::new(unsafe { Mmap::map(&file) }?)))
    }
}

impl Bytes {
    /// Says that a part of these bytes will not be read again soon, so that its pages need not stay in memory.
    pub fn release(&self, part: &[u8]) {
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(map) = self {
            let start = part.as_ptr() as usize - map.as_ptr() as usize;
            // SAFETY: a shared map of a file that is only read: what is read again later comes from the file again.
            // A refusal only costs memory.
            let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, part.len()) };
        }
        #[cfg(not(target_os = "linux"))]
        let _ = part;
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Held(bytes) => bytes,
        }
    }
}

/// Opens a file that has an end: a pipe would be waited on for ever, a device read without one.
fn regular(path: &Path) -> std::io::Result<(File, Metadata)> {
    let no_file = || std::io::Error::other("it is no file");
    // Before it is opened, since opening a pipe waits for its writer; and after, since it may have changed meanwhile.
    if !std::fs::metadata(path)?.is_file() {
        return Err(no_file());
    }
    let file = File::open(path)?;
    let facts = file.metadata()?;
    if facts.is_file() { Ok((file, facts)) } else { Err(no_file()) }
}

/// Largest tokenizer.json that is read, bytes; the families' largest is of 33 MB.
const LARGEST_TOKENIZER: u64 = 64 << 20;
/// Largest other text (configuration, index, template), bytes. JSON takes up to sixty times its length in memory; the
/// largest of the families, Gemma 3's tokenizer_config.json, is of 1.2 MB.
const LARGEST_TEXT: u64 = 2 << 20;

impl Source {
    /// What errors call this place.
    pub fn place(&self) -> String {
        match self {
            Source::Directory(path) => path.display().to_string(),
            Source::Gguf(file) => file.place().to_owned(),
            Source::Adapted { base, adapter, .. } => format!("{}+{}", base.place(), adapter.place()),
            Source::Memory { name, .. } => name.clone(),
        }
    }

    /// A file's path or name, for errors.
    pub(crate) fn path(&self, file: &str) -> String {
        match self {
            Source::Directory(path) => path.join(file).display().to_string(),
            Source::Gguf(inner) => format!("{} ({file} of its metadata)", inner.place()),
            Source::Adapted { base, .. } => base.path(file),
            Source::Memory { name, .. } => format!("{name}/{file}"),
        }
    }

    /// A small file whole; `None` where there is none.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, EngineError> {
        let unreadable = |why: String| EngineError::Unreadable { file: self.path(file), why };
        let most = if file == "tokenizer.json" { LARGEST_TOKENIZER } else { LARGEST_TEXT };
        let too_large =
            |length: u64| unreadable(format!("{length} bytes are too many for such a file; at most {most}"));
        let bytes = match self {
            Source::Directory(path) => match regular(&path.join(file)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(unreadable(error.to_string())),
                Ok((_, facts)) if facts.len() > most => return Err(too_large(facts.len())),
                Ok((file, _)) => {
                    let mut bytes = Vec::new();
                    file.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
                    bytes
                }
            },
            Source::Gguf(inner) => return inner.file(file),
            Source::Adapted { base, .. } => return base.text(file),
            Source::Memory { files, .. } => match files.iter().find(|(name, _)| name == file) {
                None => return Ok(None),
                Some((_, bytes)) if bytes.len() as u64 > most => return Err(too_large(bytes.len() as u64)),
                Some((_, bytes)) => bytes.to_vec(),
            },
        };
        String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
    }

    /// A large file, mapped where it is on disk.
    pub(crate) fn bytes(&self, file: &str) -> Result<Option<Bytes>, EngineError> {
        let unreadable = |why: String| EngineError::Unreadable { file: self.path(file), why };
        match self {
            Source::Directory(path) => match Bytes::map(&path.join(file)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unreadable(error.to_string())),
                Ok(bytes) => Ok(Some(bytes)),
            },
            Source::Gguf(_) => Ok(None),
            Source::Adapted { base, .. } => base.bytes(file),
            Source::Memory { files, .. } => {
                Ok(files.iter().find(|(name, _)| name == file).map(|(_, bytes)| Bytes::Held(Arc::new(bytes.clone()))))
            }
        }
    }
}
