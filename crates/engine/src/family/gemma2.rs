//! Gemma 2: norms before and after each part of a block with weights around 1, scaled embeddings, soft caps on scores
//! and logits, a window on every other block.

use super::{Family, Names, Norms};
use crate::config::Defaults;
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["Gemma2ForCausalLM"], model_types: &["gemma2"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 256_000,
    hidden: 2304,
    layers: 26,
    heads: 8,
    key_value_heads: Some(4),
    head_dimension: Some(256),
    intermediate: 9216,
    norm_epsilon: 1e-6,
    longest: 8192,
    tied: true,
    activation: ("hidden_activation", "gelu_pytorch_tanh"),
};

pub(super) const NAMES: Names = Names {
    attention_norms: Norms { before: Some("input_layernorm"), after: Some("post_attention_layernorm") },
    feed_norms: Norms { before: Some("pre_feedforward_layernorm"), after: Some("post_feedforward_layernorm") },
    fused_attention: None,
    fused_feed: None,
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, NAMES)?;
    common(reader, &mut config)?;
    config.attention_cap = reader.optional_positive("attn_logit_softcapping", Some(50.0))?.map(|cap| cap as f32);
    config.final_cap = reader.optional_positive("final_logit_softcapping", Some(30.0))?.map(|cap| cap as f32);
    let kinds = reader.layer_types(config.layers)?;
    let window = reader.optional_size("sliding_window", Some(4096))?;
    for (index, layer) in config.attention.iter_mut().enumerate() {
        let sliding = kinds.as_ref().map_or(index.is_multiple_of(2), |kinds| kinds[index]);
        layer.window = window.filter(|_| sliding);
    }
    super::whole_heads(reader, &config)?;
    Ok(config)
}

/// What Gemma 2 and 3 have in common.
pub(super) fn common(reader: &Reader, config: &mut Config) -> Result<(), EngineError> {
    config.norm_offset = true;
    config.embedding_scale = (config.hidden as f64).sqrt() as f32;
    config.attention_scale = reader.positive("query_pre_attn_scalar", Some(256.0))?.powf(-0.5) as f32;
    config.query_bias = reader.flag("attention_bias", false)?;
    config.output_bias = config.query_bias;
    reader.refuse("mlp_bias", "Gemma has no bias there")
}
