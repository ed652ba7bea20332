//! Phi 3: queries, keys and values in one matrix, gate and up projection in another; part of a head may be turned, with
//! LongRoPE's two lists of divisors.

use super::{Family, Names, PLAIN};
use crate::config::Defaults;
use crate::reader::Reader;
use crate::rope::RopeScaling;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["Phi3ForCausalLM"], model_types: &["phi3"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 32_064,
    hidden: 3072,
    layers: 32,
    heads: 32,
    key_value_heads: None,
    head_dimension: None,
    intermediate: 8192,
    norm_epsilon: 1e-5,
    longest: 4096,
    tied: false,
    activation: ("hidden_act", "silu"),
};

const NAMES: Names =
    Names { fused_attention: Some("self_attn.qkv_proj"), fused_feed: Some("mlp.gate_up_proj"), ..PLAIN };

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, NAMES)?;
    if !matches!(config.ropes[0].scaling, RopeScaling::None | RopeScaling::Long { .. }) {
        return Err(reader.wrong("the rope type: Phi3ForCausalLM reads default and longrope".to_owned()));
    }
    if matches!(config.ropes[0].scaling, RopeScaling::Long { .. }) {
        // transformers fills in 4096 where it is left out, whatever the rope's own object says; better to ask.
        reader.size("original_max_position_embeddings", None)?;
    }
    for key in ["attention_bias", "mlp_bias"] {
        reader.refuse(key, "Phi3ForCausalLM has no biases")?;
    }
    let window = reader.optional_size("sliding_window", None)?;
    config.attention.iter_mut().for_each(|layer| layer.window = window);
    reader.uniform_layers(config.layers, window.is_some())?;
    Ok(config)
}
