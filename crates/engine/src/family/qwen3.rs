//! Qwen 3 (dense): every head's queries and keys are normed.

use super::{Family, PLAIN};
use crate::config::{Defaults, QueryKeyNorm};
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["Qwen3ForCausalLM"], model_types: &["qwen3"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 151_936,
    hidden: 4096,
    layers: 32,
    heads: 32,
    key_value_heads: Some(32),
    head_dimension: Some(128),
    intermediate: 22_016,
    norm_epsilon: 1e-6,
    longest: 32_768,
    tied: false,
    activation: ("hidden_act", "silu"),
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, PLAIN)?;
    config.query_key_norm = QueryKeyNorm::Head;
    config.query_bias = reader.flag("attention_bias", false)?;
    config.output_bias = config.query_bias;
    reader.refuse("mlp_bias", "Qwen3ForCausalLM has no bias there")?;
    super::qwen2::windows(reader, &mut config)?;
    super::whole_heads(reader, &config)?;
    Ok(config)
}
