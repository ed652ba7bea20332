//! The families of decoders that are read: one file each for what is particular to it, which is how its config.json
//! becomes our [`Config`] and how its tensors are named.

mod gemma2;
mod gemma3;
mod llama;
mod mistral;
mod olmo2;
mod phi3;
mod qwen2;
mod qwen3;

use crate::reader::Reader;
use crate::{Config, EngineError};

/// One family.
pub(crate) struct Family {
    /// As `architectures` in config.json names it.
    pub architectures: &'static [&'static str],
    /// As `model_type` names it, where there are no architectures.
    pub model_types: &'static [&'static str],
    /// From config.json to our shape.
    pub configure: fn(&Reader) -> Result<Config, EngineError>,
}

const FAMILIES: &[Family] = &[
    llama::FAMILY,
    mistral::FAMILY,
    qwen2::FAMILY,
    qwen3::FAMILY,
    gemma2::FAMILY,
    gemma3::FAMILY,
    phi3::FAMILY,
    olmo2::FAMILY,
];

/// The family of an architecture or model type.
pub(crate) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.architectures.contains(&name) || family.model_types.contains(&name))
}

/// Architectures that are read.
pub fn known() -> Vec<&'static str> {
    FAMILIES.iter().flat_map(|family| family.architectures.iter().copied()).collect()
}

/// How a block's tensors are named below `layers.N.`; weights end in `.weight`, biases in `.bias`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    /// Norms around the attention: before it, and of what it adds.
    pub attention_norms: Norms,
    /// Norms around the feed-forward layer.
    pub feed_norms: Norms,
    /// Queries, keys and values in one matrix, in this order.
    pub fused_attention: Option<&'static str>,
    /// Gate and up projection in one matrix, in this order.
    pub fused_feed: Option<&'static str>,
}

/// The norms around a part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Norms {
    /// Of what it reads.
    pub before: Option<&'static str>,
    /// Of what it adds.
    pub after: Option<&'static str>,
}

/// Llama's names, which most families took over.
pub(crate) const PLAIN: Names = Names {
    attention_norms: Norms { before: Some("input_layernorm"), after: None },
    feed_norms: Norms { before: Some("post_attention_layernorm"), after: None },
    fused_attention: None,
    fused_feed: None,
};

/// Where the decoder's tensors can begin: a plain causal model, the text part of a model that also sees (newer, older),
/// a bare decoder.
pub(crate) const PREFIXES: &[&str] = &["model.", "model.language_model.", "language_model.model.", ""];

/// Where the head can be.
pub(crate) const HEADS: &[&str] = &["lm_head.weight", "language_model.lm_head.weight"];

/// Refuses a rotary part of a head for families whose reference turns all of it.
fn whole_heads(reader: &Reader, config: &Config) -> Result<(), EngineError> {
    match config.ropes.iter().find(|rope| rope.rotated != config.head_dimension) {
        Some(_) => {
            Err(reader.wrong("`partial_rotary_factor`: this architecture turns whole heads of even width".to_owned()))
        }
        None => Ok(()),
    }
}
