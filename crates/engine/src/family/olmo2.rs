//! OLMo 2: norms only of what each part of a block adds, and of queries and keys over their whole width.

use super::{Family, Names, Norms};
use crate::config::{Defaults, QueryKeyNorm};
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["Olmo2ForCausalLM"], model_types: &["olmo2"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 50_304,
    hidden: 4096,
    layers: 32,
    heads: 32,
    key_value_heads: None,
    head_dimension: None,
    intermediate: 11_008,
    norm_epsilon: 1e-5,
    longest: 2048,
    tied: false,
    activation: ("hidden_act", "silu"),
};

const NAMES: Names = Names {
    attention_norms: Norms { before: None, after: Some("post_attention_layernorm") },
    feed_norms: Norms { before: None, after: Some("post_feedforward_layernorm") },
    fused_attention: None,
    fused_feed: None,
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, NAMES)?;
    config.query_key_norm = QueryKeyNorm::Width;
    config.query_bias = reader.flag("attention_bias", false)?;
    config.output_bias = config.query_bias;
    reader.refuse("mlp_bias", "Olmo2ForCausalLM has no bias there")?;
    reader.uniform_layers(config.layers, false)?;
    super::whole_heads(reader, &config)?;
    Ok(config)
}
