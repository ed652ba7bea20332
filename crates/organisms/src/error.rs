//! What can go wrong when an organism is grown.

use std::path::PathBuf;

/// Why an organism could not be grown.
#[derive(Debug, thiserror::Error)]
pub enum GrowError {
    /// No recipe of that name.
    #[error("there is no recipe `{name}`; known are {known}; or give the path of a recipe file")]
    UnknownRecipe {
        /// As typed.
        name: String,
        /// What ships.
        known: String,
    },
    /// A recipe file is wrong.
    #[error("recipe {file}: {why}")]
    Recipe {
        /// File or name.
        file: String,
        /// What is wrong, where, and how to mend it.
        why: String,
    },
    /// The tokenizer library failed.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// A file could not be read or written.
    #[error("{path}: {source}; check that the folder exists, is writable and has room")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What lies in the output folder belongs to something else.
    #[error("{path} holds {found}; choose another --out, or remove it")]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What.
        found: String,
    },
    /// The grown network could not be read back.
    #[error("the grown model cannot be read back: {0}")]
    Model(String),
    /// Two organisms that nothing lies between.
    #[error("blend: {0}")]
    Blend(String),
    /// What was grown is not what the recipe says.
    #[error("{name}: {why}; grow it with another --seed or more tokens")]
    Gap {
        /// Recipe.
        name: String,
        /// The gap.
        why: String,
    },
}
