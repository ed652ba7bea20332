//! Qwen 2 and 2.5: biases on queries, keys and values; windows on later blocks where they are switched on.

use super::{Family, PLAIN};
use crate::config::Defaults;
use crate::reader::Reader;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family { architectures: &["Qwen2ForCausalLM"], model_types: &["qwen2"], configure };

const DEFAULTS: Defaults = Defaults {
    vocabulary: 151_936,
    hidden: 4096,
    layers: 32,
    heads: 32,
    key_value_heads: Some(32),
    head_dimension: None,
    intermediate: 22_016,
    norm_epsilon: 1e-6,
    longest: 32_768,
    tied: false,
    activation: ("hidden_act", "silu"),
};

fn configure(reader: &Reader) -> Result<Config, EngineError> {
    let mut config = Config::shared(reader, &DEFAULTS, PLAIN)?;
    config.query_bias = reader.flag("qkv_bias", reader.flag("attention_bias", true)?)?;
    if !config.query_bias {
        return Err(
            reader.wrong("`attention_bias` is false; Qwen2ForCausalLM has biases on queries, keys, values".to_owned())
        );
    }
    reader.refuse("mlp_bias", "Qwen2ForCausalLM has no bias there")?;
    windows(reader, &mut config)?;
    super::whole_heads(reader, &config)?;
    Ok(config)
}

/// Windows of Qwen 2 and 3: off unless `use_sliding_window`, then on the blocks that `layer_types` or, without it,
/// `max_window_layers` name.
pub(super) fn windows(reader: &Reader, config: &mut Config) -> Result<(), EngineError> {
    let listed = reader.layer_types(config.layers)?;
    if !reader.flag("use_sliding_window", false)? {
        if listed.is_some_and(|kinds| kinds.contains(&true)) {
            return Err(reader.wrong(
                "`layer_types` has sliding_attention, but `use_sliding_window` is off; set one or the other".to_owned(),
            ));
        }
        return Ok(());
    }
    let window = reader.optional_size("sliding_window", Some(4096))?;
    let first = reader.number("max_window_layers", Some(28.0))? as usize;
    for (index, layer) in config.attention.iter_mut().enumerate() {
        let sliding = listed.as_ref().map_or(index >= first, |kinds| kinds[index]);
        layer.window = window.filter(|_| sliding);
    }
    Ok(())
}
