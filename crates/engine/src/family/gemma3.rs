//! Gemma 3's text model, alone or within Gemma3ForConditionalGeneration (its images are not read): Gemma 2 with normed
//! queries and keys in place of the cap on scores, and two rotary bases, one for blocks with a window and one for the
//! sixth of the blocks that see everything.

use serde_json::Value;

use super::{Family, gemma2};
use crate::config::{Defaults, QueryKeyNorm};
use crate::reader::Reader;
use crate::rope::Rope;
use crate::{Config, EngineError};

pub(super) const FAMILY: Family = Family {
    architectures: &["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
    model_types: &["gemma3_text", "gemma3"],
    configure,
};

const DEFAULTS: Defaults = Defaults {
    vocabulary: 262_208,
    hidden: 2304,
    layers: 26,
    heads: 8,
    key_value_heads: Some(4),
    head_dimension: Some(256),
    intermediate: 9216,
    norm_epsilon: 1e-6,
    longest: 131_072,
    tied: true,
    activation: ("hidden_activation", "gelu_pytorch_tanh"),
};

/// Bases of blocks that see everything and of those with a window.
const THETAS: (f64, f64) = (1_000_000.0, 10_000.0);

fn configure(outer: &Reader) -> Result<Config, EngineError> {
    let inner = outer.object("text_config");
    let reader = if outer.get("text_config").is_object() { &inner } else { outer };
    let plain = without_ropes(reader);
    let mut config = Config::shared(&Reader::new(&plain), &DEFAULTS, gemma2::NAMES)?;
    gemma2::common(reader, &mut config)?;
    config.query_key_norm = QueryKeyNorm::Head;
    reader.refuse("attn_logit_softcapping", "Gemma 3 has no cap on scores")?;
    config.final_cap = reader.optional_positive("final_logit_softcapping", None)?.map(|cap| cap as f32);
    let window = reader.optional_size("sliding_window", Some(4096))?;
    let pattern = reader.size("sliding_window_pattern", Some(6))?;
    let kinds = reader.layer_types(config.layers)?;
    for (index, layer) in config.attention.iter_mut().enumerate() {
        let sliding = kinds.as_ref().map_or(!(index + 1).is_multiple_of(pattern), |kinds| kinds[index]);
        layer.window = window.filter(|_| sliding);
        layer.rope = usize::from(sliding);
    }
    config.ropes = ropes(reader, &config)?;
    Ok(config)
}

/// config.json without its ropes, which the shared part would take for one of all blocks.
fn without_ropes(reader: &Reader) -> Value {
    let mut plain = reader.whole().clone();
    if let Some(keys) = plain.as_object_mut() {
        keys.retain(|key, _| !matches!(key.as_str(), "rope_scaling" | "rope_parameters" | "rope_theta"));
    }
    plain
}

/// The rope of blocks that see everything, then of those with a window. Older files have `rope_theta`, `rope_scaling`
/// (for the first only) and `rope_local_base_freq`; newer ones an object a kind under `rope_parameters`.
fn ropes(reader: &Reader, config: &Config) -> Result<Vec<Rope>, EngineError> {
    let newer = reader.object("rope_parameters");
    let older = reader.object("rope_scaling");
    if reader.get("rope_parameters").is_object()
        && newer.get("full_attention").is_null()
        && newer.get("sliding_attention").is_null()
    {
        return Err(reader.wrong("`rope_parameters` needs full_attention and sliding_attention for Gemma 3".to_owned()));
    }
    let full = if older.get("rope_type").is_null() && older.get("type").is_null() {
        newer.object("full_attention")
    } else {
        older
    };
    let theta = reader.number("rope_theta", Some(THETAS.0))?;
    let theta = newer.object("full_attention").number("rope_theta", Some(theta))?;
    let full = Rope::of(&full, reader, config.head_dimension, config.longest, theta)?;
    let theta = reader.number("rope_local_base_freq", Some(THETAS.1))?;
    let local = Rope::of(&newer.object("sliding_attention"), reader, config.head_dimension, config.longest, theta)?;
    let ropes = vec![full, local];
    match ropes.iter().any(|rope| rope.rotated != config.head_dimension) {
        true => Err(reader.wrong("`partial_rotary_factor`: Gemma 3 turns whole heads of even width".to_owned())),
        false => Ok(ropes),
    }
}
