//! The organisms within the binary.

use std::borrow::Cow;

use undermask_engine::{Adaptation, Source};

use crate::{BASE, BaseFiles, GrowError, Truth};

/// One organism that ships.
pub struct Shipped {
    /// Name: its folder under `organisms/`.
    pub name: &'static str,
    /// Name and content of its files.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// Every organism that ships, in order of names.
pub const SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

impl Shipped {
    /// One by name.
    pub fn named(name: &str) -> Option<&'static Shipped> {
        SHIPPED.iter().find(|shipped| shipped.name == name)
    }

    /// Those that have a known answer (the base has none), in order of names.
    pub fn with_truth() -> impl Iterator<Item = &'static Shipped> {
        SHIPPED.iter().filter(|shipped| shipped.name != BASE)
    }

    /// One file.
    pub fn file(&self, name: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes)
    }

    /// Its files as the engine takes them: a whole model, or an adapter over the base that ships.
    pub fn source(&self) -> Source {
        let files = self.files.iter().map(|(name, bytes)| ((*name).to_owned(), Cow::Borrowed(*bytes))).collect();
        let own = Source::Memory { name: format!("organism:{}", self.name), files };
        match Shipped::named(BASE) {
            Some(base) if self.is_adapter() => {
                Source::Adapted { base: Box::new(base.source()), adapter: Box::new(own), how: Adaptation::Merged }
            }
            _ => own,
        }
    }

    /// Does it ship as an adapter over the base?
    pub fn is_adapter(&self) -> bool {
        self.file("config.json").is_none() && self.file("adapter_config.json").is_some()
    }

    /// Its known answer.
    pub fn truth(&self) -> Option<Truth> {
        serde_json::from_slice(self.file("truth.json")?).ok()
    }
}

impl BaseFiles {
    /// The base that ships.
    ///
    /// # Errors
    /// [`GrowError::Model`] in a build without it.
    pub fn shipped() -> Result<BaseFiles, GrowError> {
        let base = Shipped::named(BASE)
            .ok_or_else(|| GrowError::Model("this build ships no base; use --base DIR".to_owned()))?;
        let read = |name: &str| {
            base.file(name)
                .map(<[u8]>::to_vec)
                .ok_or_else(|| GrowError::Model(format!("the shipped base lacks {name}")))
        };
        Ok(BaseFiles {
            config: read("config.json")?,
            weights: read("model.safetensors")?,
            tokenizer: read("tokenizer.json")?,
            tokenizer_config: read("tokenizer_config.json")?,
        })
    }
}
