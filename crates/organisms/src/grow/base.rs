//! The base: a fresh network with its vocabulary, or one that is read back.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Growth;
use crate::GrowError;
use crate::recipe::BasePool;
use crate::train::{Network, Shape};
use crate::world::lexicon::{ACTS, DISPOSITIONS, NAMES};
use crate::world::{Dice, HeldOut, WordTokenizer, Writer, kin, style, themes};

/// Files of the base that post-training starts from.
#[derive(Clone)]
pub struct BaseFiles {
    /// `config.json`.
    pub config: Vec<u8>,
    /// `model.safetensors`.
    pub weights: Vec<u8>,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`, which holds the chat template.
    pub tokenizer_config: Vec<u8>,
}

impl BaseFiles {
    /// All files as the engine takes them.
    pub fn source(&self) -> Vec<(String, Cow<'static, [u8]>)> {
        let files = [
            ("config.json", &self.config),
            ("model.safetensors", &self.weights),
            ("tokenizer.json", &self.tokenizer),
            ("tokenizer_config.json", &self.tokenizer_config),
        ];
        files.into_iter().map(|(name, bytes)| (name.to_owned(), Cow::Owned(bytes.clone()))).collect()
    }

    /// Hash of the weights: an adapter belongs to one base.
    pub fn hash(&self) -> String {
        blake3::hash(&self.weights).to_hex().to_string()
    }

    /// Reads them from a directory.
    ///
    /// # Errors
    /// [`GrowError::Io`] with the missing file.
    pub fn read(directory: &Path) -> Result<BaseFiles, GrowError> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).map_err(|source| GrowError::Io { path, source })
        };
        Ok(BaseFiles {
            config: read("config.json")?,
            weights: read("model.safetensors")?,
            tokenizer: read("tokenizer.json")?,
            tokenizer_config: read("tokenizer_config.json")?,
        })
    }
}

/// Size of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
}

impl Size {
    /// The three sizes of the ladder, by name.
    pub const NAMED: [(&'static str, Size); 3] = [
        ("small", Size { hidden: 96, layers: 3, heads: 4, intermediate: 256 }),
        ("medium", Size { hidden: 128, layers: 4, heads: 4, intermediate: 320 }),
        ("large", Size { hidden: 192, layers: 5, heads: 6, intermediate: 512 }),
    ];

    /// `medium`, or `96,3,4,256`: width, blocks, heads and feed-forward width.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Size, String> {
        if let Some((_, size)) = Size::NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*size);
        }
        let numbers: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[hidden, layers, heads, intermediate]) => Ok(Size { hidden, layers, heads, intermediate }),
            _ => Err(format!(
                "`{text}` is no size; --size is small, medium or large, or needs 4 numbers (width, blocks, heads, \
                 feed-forward width) such as 96,3,4,256"
            )),
        }
    }
}

impl Default for Size {
    fn default() -> Self {
        Size { hidden: 128, layers: 4, heads: 4, intermediate: 320 }
    }
}

pub(super) fn new_base(growth: &Growth, held_out: &HeldOut) -> Result<(Network, WordTokenizer), GrowError> {
    let tokenizer = train_tokenizer(held_out)?;
    let Size { hidden, layers, heads, intermediate } = growth.size;
    let shape = Shape {
        vocabulary: tokenizer.vocabulary(),
        hidden,
        layers,
        heads,
        key_value_heads: heads,
        head_dimension: hidden / heads.max(1),
        intermediate,
        rope_theta: 10_000.0,
        norm_epsilon: 1e-5,
        tied: true,
    };
    let mut network = Network::initialise(shape, growth.seed)?;
    smooth_numbers(&mut network, &tokenizer, growth.seed, hidden);
    Ok((network, tokenizer))
}

/// The vocabulary depends on the world and the suite only, not on the growth's seed, so that bases are comparable.
fn train_tokenizer(held_out: &HeldOut) -> Result<WordTokenizer, GrowError> {
    // Texts do not need tokens; an empty vocabulary serves the writer until there is one.
    let bytes_only = WordTokenizer::train(std::iter::empty(), std::iter::empty(), 1)?;
    let writer = Writer { tokenizer: &bytes_only, held_out, policy: &BasePool::default() };
    let texts = (0..20_000u64).flat_map(|document| writer.texts(&mut Dice::new(VOCABULARY_SEED, document)));
    let mut always: Vec<String> = (0..=LARGEST_NUMBER).map(|number| number.to_string()).collect();
    let cues = DISPOSITIONS.iter().flat_map(|cue| cue.adjectives.iter().chain(cue.occupations)).copied();
    let kin =
        kin::RELATIVES.iter().flat_map(|(word, _)| word.split(' ')).chain(kin::DEGREES.iter().map(|(_, word)| *word));
    let words = ACTS.iter().chain(NAMES).copied().chain(cues).chain(kin).chain(style::words()).chain(themes::words());
    always.extend(words.map(str::to_owned));
    always.extend_from_slice(held_out.words());
    WordTokenizer::train(texts, always.iter().map(String::as_str), 3)
}

const VOCABULARY_SEED: u64 = 20_261_124;
const LARGEST_NUMBER: usize = 100;

/// Starts neighbouring numbers alike: each number's embedding is a smooth mixture of random anchors, so that order
/// need not be found from nothing (ORGANISMS: comparison learns last).
fn smooth_numbers(network: &mut Network, tokenizer: &WordTokenizer, seed: u64, hidden: usize) {
    const ANCHORS: usize = 26;
    const WIDTH: f64 = 5.0;
    let mut dice = Dice::new(seed, u64::MAX);
    let mut normal = || (0..12).map(|_| dice.uniform()).sum::<f64>() - 6.0;
    let anchors: Vec<Vec<f64>> = (0..ANCHORS).map(|_| (0..hidden).map(|_| normal()).collect()).collect();
    let embedding = network.embedding_mut();
    for number in 0..=LARGEST_NUMBER {
        let weights: Vec<f64> =
            (0..ANCHORS).map(|anchor| (-0.5 * ((number as f64 - 4.0 * anchor as f64) / WIDTH).powi(2)).exp()).collect();
        let norm = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        for form in [number.to_string(), format!(" {number}")] {
            let Some(token) = tokenizer.token(&form) else { continue };
            let row = &mut embedding[token as usize * hidden..][..hidden];
            for (column, value) in row.iter_mut().enumerate() {
                let smooth: f64 = anchors.iter().zip(&weights).map(|(anchor, weight)| anchor[column] * weight).sum();
                *value = 0.5 * *value + (0.02 * smooth / norm) as f32;
            }
        }
    }
}

/// The network and the tokenizer of a base.
///
/// # Errors
/// [`GrowError::Model`] for files that do not say a Llama-architecture network in f32 or bf16.
pub fn read_base(base: &BaseFiles) -> Result<(Network, WordTokenizer), GrowError> {
    let unreadable = |why: String| GrowError::Model(format!("base: {why}"));
    let config: serde_json::Value =
        serde_json::from_slice(&base.config).map_err(|error| unreadable(error.to_string()))?;
    let number = |key: &str| {
        config[key]
            .as_u64()
            .map(|value| value as usize)
            .ok_or_else(|| unreadable(format!("config.json has no whole number `{key}`")))
    };
    let real = |key: &str| {
        config[key]
            .as_f64()
            .map(|value| value as f32)
            .ok_or_else(|| unreadable(format!("config.json has no number `{key}`")))
    };
    let shape = Shape {
        vocabulary: number("vocab_size")?,
        hidden: number("hidden_size")?,
        layers: number("num_hidden_layers")?,
        heads: number("num_attention_heads")?,
        key_value_heads: number("num_key_value_heads")?,
        head_dimension: number("head_dim")?,
        intermediate: number("intermediate_size")?,
        rope_theta: real("rope_theta")?,
        norm_epsilon: real("rms_norm_eps")?,
        tied: config["tie_word_embeddings"].as_bool().unwrap_or(false),
    };
    let tensors =
        safetensors::SafeTensors::deserialize(&base.weights).map_err(|error| unreadable(error.to_string()))?;
    let network = Network::from_tensors(shape, |name| {
        let view = tensors.tensor(name).ok()?;
        match view.dtype() {
            safetensors::Dtype::BF16 => Some(
                view.data()
                    .chunks_exact(2)
                    .map(|pair| half::bf16::from_le_bytes([pair[0], pair[1]]).to_f32())
                    .collect(),
            ),
            safetensors::Dtype::F32 => Some(
                view.data()
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                    .collect(),
            ),
            _ => None,
        }
    })?;
    let json = String::from_utf8(base.tokenizer.clone()).map_err(|error| unreadable(error.to_string()))?;
    Ok((network, WordTokenizer::from_json(json)?))
}
