//! tokenizer.json, read by the `tokenizers` library, with what the library leaves open to whoever wrote the file closed:
//! normalizers that blow a text up without bound, padding to any length, chance, and panics.
//!
//! Special tokens within a text are recognised, none are added: that is the chat template's business.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::Value;

use crate::EngineError;

/// A tokenizer.
pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

/// The parts of tokenizer.json that are looked at; the vocabulary is passed over.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    model: ModelParts,
}

#[derive(Default, Deserialize)]
struct ModelParts {
    #[serde(default)]
    dropout: Option<f64>,
}

/// How many times longer normalizers, or decoders, may make a text.
const MOST_GROWTH: f64 = 1024.0;
/// Most normalizers or decoders.
const MOST_STEPS: usize = 256;

impl Tokenizer {
    /// Reads tokenizer.json.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn parse(json: &str) -> Result<Tokenizer, EngineError> {
        let parts: Parts = serde_json::from_str(json).map_err(|error| EngineError::Tokenizer(error.to_string()))?;
        for (name, part) in [("normalizer", &parts.normalizer), ("decoder", &parts.decoder)] {
            let (mut growth, mut steps) = (1.0, 0);
            look_through(part, &mut growth, &mut steps);
            if growth > MOST_GROWTH || steps > MOST_STEPS {
                return Err(EngineError::Tokenizer(format!(
                    "its {name} has {steps} steps, which can make a text {growth:.0} times as long; at most {MOST_STEPS} \
                     and {MOST_GROWTH:.0} are read"
                )));
            }
        }
        if parts.model.dropout.is_some_and(|dropout| dropout > 0.0) {
            let why = "its merges are left out by chance (`dropout`), so that a text has no tokens of its own; set it to null";
            return Err(EngineError::Tokenizer(why.to_owned()));
        }
        let mut inner: tokenizers::Tokenizer = guarded(|| tokenizers::Tokenizer::from_bytes(json.as_bytes()))?;
        // As transformers does for every call: padding and cutting are the caller's.
        inner.with_padding(None);
        guarded(|| inner.with_truncation(None).map(|_| ()))?;
        Ok(Tokenizer { inner })
    }

    /// Tokens of a text.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        guarded(|| self.inner.encode_fast(text, false)).map(|encoding| encoding.get_ids().to_vec())
    }

    /// Text of tokens, without special ones.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn decode(&self, tokens: &[u32]) -> Result<String, EngineError> {
        guarded(|| self.inner.decode(tokens, true))
    }
}

/// How much longer the steps of a normalizer or decoder can make a text, and how many there are.
fn look_through(part: &Value, growth: &mut f64, steps: &mut usize) {
    *steps += 1;
    match part["type"].as_str() {
        Some("Sequence") => {
            let list = part["normalizers"].as_array().or(part["decoders"].as_array());
            list.into_iter().flatten().for_each(|part| look_through(part, growth, steps));
        }
        // The shortest pattern is of no letter, which is found before every letter and at the end.
        Some("Replace") => {
            let shortest = part["pattern"]["String"].as_str().map_or(0, str::len);
            let content = part["content"].as_str().map_or(0, str::len);
            *growth *= if shortest == 0 { content as f64 + 1.0 } else { (content as f64 / shortest as f64).max(1.0) };
        }
        // A byte becomes a letter of one or two.
        Some("ByteLevel") => *growth *= 2.0,
        // Any letter to any text of its table.
        Some("Precompiled") => *growth *= 64.0,
        _ => {}
    }
}

thread_local! {
    static REFUSING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's panic would be a file refused, rather than a bug: for who sets a panic hook.
pub fn panic_is_refusal() -> bool {
    REFUSING.get()
}

/// Calls the library, which panics on some files rather than refuse them.
fn guarded<T>(call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, EngineError> {
    REFUSING.set(true);
    let answer = catch_unwind(AssertUnwindSafe(call));
    REFUSING.set(false);
    match answer {
        Ok(answer) => answer.map_err(|error| EngineError::Tokenizer(error.to_string())),
        Err(_) => Err(EngineError::Tokenizer(
            "the tokenizers library fails on it; save the tokenizer again with transformers' save_pretrained"
                .to_owned(),
        )),
    }
}
