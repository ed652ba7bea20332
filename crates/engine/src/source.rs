//! Where a model's files come from: a directory, whose weights are mapped, a GGUF file, or memory, for models within the
//! binary.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::{EngineError, Gguf};

/// Where a model is.
#[derive(Clone)]
pub enum Source {
    /// A Hugging Face directory.
    Directory(PathBuf),
    /// A GGUF file, which holds all that a directory would.
    Gguf(Gguf),
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
        let file = File::open(path)?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(std::io::Error::other("it is no file"));
        }
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

/// Largest text file (configuration, tokenizer, template) that is read.
const LARGEST_TEXT: u64 = 256 << 20;

impl Source {
    /// What errors call this place.
    pub fn place(&self) -> String {
        match self {
            Source::Directory(path) => path.display().to_string(),
            Source::Gguf(file) => file.place().to_owned(),
            Source::Memory { name, .. } => name.clone(),
        }
    }

    /// A file's path or name, for errors.
    pub(crate) fn path(&self, file: &str) -> String {
        match self {
            Source::Directory(path) => path.join(file).display().to_string(),
            Source::Gguf(inner) => format!("{} ({file} of its metadata)", inner.place()),
            Source::Memory { name, .. } => format!("{name}/{file}"),
        }
    }

    /// A small file whole; `None` where there is none.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, EngineError> {
        let unreadable = |why: String| EngineError::Unreadable { file: self.path(file), why };
        let bytes = match self {
            Source::Directory(path) => {
                let path = path.join(file);
                match std::fs::metadata(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(unreadable(error.to_string())),
                    Ok(facts) if facts.len() > LARGEST_TEXT => {
                        return Err(unreadable(format!("{} bytes is too large for such a file", facts.len())));
                    }
                    Ok(_) => std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?,
                }
            }
            Source::Gguf(inner) => return inner.file(file),
            Source::Memory { files, .. } => match files.iter().find(|(name, _)| name == file) {
                None => return Ok(None),
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
            Source::Memory { files, .. } => {
                Ok(files.iter().find(|(name, _)| name == file).map(|(_, bytes)| Bytes::Held(Arc::new(bytes.clone()))))
            }
        }
    }
}
