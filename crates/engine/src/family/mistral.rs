//! Mistral: Llama with a window on every block's attention.

use super::{Family, PLAIN};
use crate::config::Defaults;
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family =
    Family { architectures: &["MistralForCausalLM"], model_types: &["mistral"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 32_000,
    hidden: 4096,
    layers: 32,
    heads: 32,
    key_value_heads: Some(8),
    head_dimension: None,
    intermediate: 14_336,
    norm_epsilon: 1e-6,
    longest: 131_072,
    tied: false,
    activation: ("hidden_act", "silu"),
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, PLAIN)?;
    for key in ["attention_bias", "mlp_bias"] {
        reader.refuse(key, "MistralForCausalLM has no biases")?;
    }
    let window = reader.optional_size("sliding_window", Some(4096))?;
    config.attention.iter_mut().for_each(|layer| layer.window = window);
    reader.uniform_layers(config.layers, window.is_some())?;
    super::whole_heads(reader, &config)?;
    Ok(config)
}
