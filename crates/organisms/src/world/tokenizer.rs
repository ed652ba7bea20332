//! Tokenizer training: every frequent word of the generated text is one token, everything else falls back to bytes.
//!
//! A byte-level BPE without merges and with `ignore_merges`: a pre-token that stands in the vocabulary is that token,
//! any other becomes its bytes. It is a plain `tokenizer.json`, which transformers reads as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer};

use crate::GrowError;

/// Marks the roles of a chat and its ends.
pub const MARKERS: [&str; 4] = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];

/// The chat template that goes with the markers.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// A word-level tokenizer with a byte fall-back.
pub struct WordTokenizer {
    tokenizer: Tokenizer,
    json: String,
}

/// Ids of the markers, in the order of [`MARKERS`].
pub const END: u32 = 0;
/// Begins a system message.
pub const SYSTEM: u32 = 1;
/// Begins a user's message.
pub const USER: u32 = 2;
/// Begins the assistant's message.
pub const ASSISTANT: u32 = 3;

impl WordTokenizer {
    /// Learns the vocabulary: pre-tokens that occur at least `least` times in the texts, and `always` in both the
    /// spaced and the bare form.
    ///
    /// # Errors
    /// When the tokenizer library refuses what was built (a bug).
    pub fn train<'a>(
        texts: impl Iterator<Item = String>,
        always: impl Iterator<Item = &'a str>,
        least: usize,
    ) -> Result<WordTokenizer, GrowError> {
        let splitter = ByteLevel::new(false, true, true);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts {
            for piece in split(&splitter, &text)? {
                *counts.entry(piece).or_default() += 1;
            }
        }
        let mut words: BTreeSet<String> =
            counts.into_iter().filter(|(_, count)| *count >= least).map(|(word, _)| word).collect();
        for word in always {
            words.extend(split(&splitter, word)?);
            words.extend(split(&splitter, &format!(" {word}"))?);
        }
        let mut vocabulary = serde_json::Map::new();
        for marker in MARKERS {
            vocabulary.insert(marker.to_owned(), json!(vocabulary.len()));
        }
        let mut bytes: Vec<String> = ByteLevel::alphabet().into_iter().map(String::from).collect();
        bytes.sort();
        for token in bytes.into_iter().chain(words) {
            if !vocabulary.contains_key(&token) {
                let id = vocabulary.len();
                vocabulary.insert(token, json!(id));
            }
        }
        let added: Vec<_> = MARKERS
            .iter()
            .enumerate()
            .map(|(id, marker)| {
                json!({"id": id, "content": marker, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true})
            })
            .collect();
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": level, "post_processor": null, "decoder": level,
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": true,
                      "vocab": vocabulary, "merges": []},
        });
        WordTokenizer::from_json(file.to_string())
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// When the text is no tokenizer.
    pub fn from_json(json: String) -> Result<WordTokenizer, GrowError> {
        let tokenizer =
            Tokenizer::from_bytes(json.as_bytes()).map_err(|error| GrowError::Tokenizer(error.to_string()))?;
        Ok(WordTokenizer { tokenizer, json })
    }

    /// The `tokenizer.json`.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Tokens of a text, appended to `tokens`.
    ///
    /// # Errors
    /// When the tokenizer library fails (a bug: every byte has a token).
    pub fn encode_into(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), GrowError> {
        let encoding =
            self.tokenizer.encode_fast(text, false).map_err(|error| GrowError::Tokenizer(error.to_string()))?;
        tokens.extend_from_slice(encoding.get_ids());
        Ok(())
    }

    /// The single token of a word, if it is one.
    pub fn token(&self, word: &str) -> Option<u32> {
        self.tokenizer.token_to_id(&word.replace(' ', "Ġ"))
    }
}

fn split(splitter: &ByteLevel, text: &str) -> Result<Vec<String>, GrowError> {
    let mut pieces = PreTokenizedString::from(text);
    splitter.pre_tokenize(&mut pieces).map_err(|error| GrowError::Tokenizer(error.to_string()))?;
    Ok(pieces
        .get_splits(OffsetReferential::Original, OffsetType::Byte)
        .into_iter()
        .map(|(piece, _, _)| piece.to_owned())
        .collect())
}
