//! Llama 2 and 3, SmolLM, and whatever else was saved as LlamaForCausalLM.

use super::{Family, PLAIN};
use crate::config::Defaults;
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["LlamaForCausalLM"], model_types: &["llama"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 32_000,
    hidden: 4096,
    layers: 32,
    heads: 32,
    key_value_heads: None,
    head_dimension: None,
    intermediate: 11_008,
    norm_epsilon: 1e-6,
    longest: 2048,
    tied: false,
    activation: ("hidden_act", "silu"),
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, PLAIN)?;
    config.query_bias = reader.flag("attention_bias", false)?;
    config.output_bias = config.query_bias;
    config.feed_forward_bias = reader.flag("mlp_bias", false)?;
    reader.uniform_layers(config.layers, false)?;
    super::whole_heads(reader, &config)?;
    Ok(config)
}
