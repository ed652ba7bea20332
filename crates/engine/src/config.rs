//! The shape of a decoder, as config.json gives it, checked before anything is allocated.
//!
//! What all families share is read here; what is particular to one is read in its file under `family`. A key that asks
//! for something that the decoder does not do is an error that names it: a model that is read half-way answers
//! fluently and wrongly.

use serde_json::Value;

use crate::EngineError;
use crate::family::{self, Names};
use crate::reader::Reader;
use crate::rope::Rope;

/// Shape of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// As config.json names it.
    pub architecture: String,
    /// Number of tokens V.
    pub vocabulary: usize,
    /// Width of the residual stream D.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Width of a head.
    pub head_dimension: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
    /// ε of RMSNorm.
    pub norm_epsilon: f32,
    /// Whether norms multiply by 1 + weight.
    pub norm_offset: bool,
    /// Norms of a head's queries and keys.
    pub query_key_norm: QueryKeyNorm,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Biases on the projections to queries, keys and values.
    pub query_bias: bool,
    /// Bias on the attention's output projection.
    pub output_bias: bool,
    /// Biases in the feed-forward layer.
    pub feed_forward_bias: bool,
    /// The gate's activation.
    pub activation: Activation,
    /// Multiplies the embeddings.
    pub embedding_scale: f32,
    /// Multiplies queries·keys.
    pub attention_scale: f32,
    /// Attention scores s become cap·tanh(s/cap).
    pub attention_cap: Option<f32>,
    /// Logits likewise.
    pub final_cap: Option<f32>,
    /// The rotary positions that blocks use.
    pub ropes: Vec<Rope>,
    /// What each block's attention sees, one a block.
    pub attention: Vec<LayerAttention>,
    /// Longest sequence.
    pub longest: usize,
    /// Tokens that end an answer.
    pub end_tokens: Vec<u32>,
    /// How the family names its tensors.
    pub(crate) names: Names,
}

/// What a block's attention sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerAttention {
    /// A token sees itself and this many less one before it; all where there is none.
    pub window: Option<usize>,
    /// Index into [`Config::ropes`].
    pub rope: usize,
}

/// Norms of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKeyNorm {
    /// None.
    None,
    /// Each head by itself.
    Head,
    /// All heads together.
    Width,
}

/// The gate's activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x·σ(x).
    Silu,
    /// The tanh form of GELU.
    GeluTanh,
}

/// Values of keys that config.json leaves out, as transformers fills them in for the family.
pub(crate) struct Defaults {
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    /// As many as query heads where there is none.
    pub key_value_heads: Option<usize>,
    /// hidden/heads where there is none.
    pub head_dimension: Option<usize>,
    pub intermediate: usize,
    pub norm_epsilon: f64,
    pub longest: usize,
    pub tied: bool,
    /// The key that names the activation, and its value.
    pub activation: (&'static str, &'static str),
}

/// Most blocks that are read.
const MOST_LAYERS: usize = 1024;

/// Keys of other designs that change the numbers, and which the families here do not have: they must be off.
const FOREIGN: &[&str] = &[
    "quantization_config",
    "clip_qkv",
    "qk_layernorm",
    "logit_scale",
    "embedding_multiplier",
    "residual_multiplier",
    "attention_multiplier",
    "logits_scaling",
    "no_rope_layers",
    "no_rope_layer_interval",
    "attention_chunk_size",
    "use_bidirectional_attention",
    "is_encoder_decoder",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "alibi",
    "parallel_attn",
    "rope_interleaved",
];

impl Config {
    /// Reads config.json.
    ///
    /// # Errors
    /// [`EngineError::Architecture`], [`EngineError::Config`].
    pub fn parse(text: &str) -> Result<Config, EngineError> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| EngineError::Config(format!("is no JSON: {error}")))?;
        let name = json["architectures"][0].as_str().or(json["model_type"].as_str()).unwrap_or("none").to_owned();
        let family = family::find(&name)
            .ok_or_else(|| EngineError::Architecture { found: name.clone(), known: family::known().join(", ") })?;
        let mut config = (family.configure)(&Reader::new(&json))?;
        config.architecture = name;
        if config.end_tokens.is_empty() {
            config.end_tokens = end_tokens(&json["eos_token_id"]);
        }
        config.check()?;
        Ok(config)
    }

    /// What all families share: a pre-norm decoder with full attention and plain rotary positions, of which a family
    /// then changes what is its own.
    pub(crate) fn shared(reader: &Reader, defaults: &Defaults, names: Names) -> Result<Config, EngineError> {
        for key in FOREIGN {
            if !reader.is_off(key) {
                return Err(reader.wrong(format!(
                    "`{key}` is {}; the decoder does not do that for this architecture",
                    reader.get(key)
                )));
            }
        }
        let hidden = reader.size("hidden_size", Some(defaults.hidden))?;
        let heads = reader.size("num_attention_heads", Some(defaults.heads))?;
        let key_value_heads = reader.size("num_key_value_heads", Some(defaults.key_value_heads.unwrap_or(heads)))?;
        let head_dimension = match (reader.get("head_dim").is_null(), defaults.head_dimension) {
            (false, _) => reader.size("head_dim", None)?,
            (true, Some(size)) => size,
            (true, None) if hidden.is_multiple_of(heads) => hidden / heads,
            (true, None) => {
                return Err(reader.wrong(format!(
                    "hidden_size {hidden} is no multiple of num_attention_heads {heads}, and there is no head_dim"
                )));
            }
        };
        let layers = reader.size("num_hidden_layers", Some(defaults.layers))?;
        if layers > MOST_LAYERS {
            return Err(reader.wrong(format!("`num_hidden_layers` is {layers}; at most {MOST_LAYERS} are read")));
        }
        let epsilon = reader.number("rms_norm_eps", Some(defaults.norm_epsilon))?;
        // As f32, in which it is used: a smaller one would be 0.
        if !(epsilon as f32 > 0.0 && epsilon < 1.0) {
            return Err(reader.wrong(format!("`rms_norm_eps` is {epsilon}; it must lie between 0 and 1")));
        }
        let longest = reader.size("max_position_embeddings", Some(defaults.longest))?;
        let (key, default) = defaults.activation;
        let activation = match reader.text(key, default)? {
            "silu" | "swish" => Activation::Silu,
            "gelu_pytorch_tanh" => Activation::GeluTanh,
            other => return Err(reader.wrong(format!("`{key}` is {other}; known are silu and gelu_pytorch_tanh"))),
        };
        Ok(Config {
            architecture: String::new(),
            vocabulary: reader.size("vocab_size", Some(defaults.vocabulary))?,
            hidden,
            layers,
            heads,
            key_value_heads,
            head_dimension,
            intermediate: reader.size("intermediate_size", Some(defaults.intermediate))?,
            norm_epsilon: epsilon as f32,
            norm_offset: false,
            query_key_norm: QueryKeyNorm::None,
            tied: reader.flag("tie_word_embeddings", defaults.tied)?,
            query_bias: false,
            output_bias: false,
            feed_forward_bias: false,
            activation,
            embedding_scale: 1.0,
            attention_scale: (head_dimension as f64).powf(-0.5) as f32,
            attention_cap: None,
            final_cap: None,
            ropes: vec![Rope::read(reader, head_dimension, longest, 10_000.0)?],
            attention: vec![LayerAttention { window: None, rope: 0 }; layers],
            longest,
            end_tokens: end_tokens(reader.get("eos_token_id")),
            names,
        })
    }

    /// Adds the end tokens of generation_config.json, where chat models name the end of a turn.
    pub(crate) fn add_end_tokens(&mut self, text: &str) -> Result<(), EngineError> {
        let json: Value = serde_json::from_str(text)
            .map_err(|error| EngineError::Config(format!("generation_config.json is no JSON: {error}")))?;
        for token in end_tokens(&json["eos_token_id"]) {
            if !self.end_tokens.contains(&token) {
                self.end_tokens.push(token);
            }
        }
        Ok(())
    }

    /// What must hold whatever the family.
    fn check(&self) -> Result<(), EngineError> {
        let wrong = |why: String| Err(EngineError::Config(why));
        let (heads, groups) = (self.heads, self.key_value_heads);
        if !heads.is_multiple_of(groups) {
            return wrong(format!("num_attention_heads {heads} is no multiple of num_key_value_heads {groups}"));
        }
        if !(self.attention_scale.is_finite() && self.attention_scale > 0.0) {
            return wrong(format!("the attention's scale would be {}", self.attention_scale));
        }
        if heads * self.head_dimension > 1 << 24 {
            return wrong(format!("{heads} heads of {} are more than is read", self.head_dimension));
        }
        Ok(())
    }

    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_dimension
    }

    pub(crate) fn key_width(&self) -> usize {
        self.key_value_heads * self.head_dimension
    }

    /// Whether a sequence of this length uses LongRoPE's long list.
    pub(crate) fn is_long(&self, length: usize) -> bool {
        self.ropes.iter().filter_map(Rope::short_until).any(|limit| length > limit)
    }
}

/// One token or a list of them.
pub(crate) fn end_tokens(value: &Value) -> Vec<u32> {
    let token = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(list) => list.iter().filter_map(token).collect(),
        value => token(value).into_iter().collect(),
    }
}
