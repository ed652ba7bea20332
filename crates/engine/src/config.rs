//! `config.json`: the shape of a decoder, checked before anything is allocated.

use serde_json::Value;

use crate::EngineError;

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
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Biases on the attention's projections.
    pub attention_bias: bool,
    /// Biases in the feed-forward layer.
    pub feed_forward_bias: bool,
    /// Rotary positions.
    pub rope: Rope,
    /// Longest sequence.
    pub longest: usize,
    /// Tokens that end an answer.
    pub end_tokens: Vec<u32>,
}

/// Rotary positions: base and scaling.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the angles.
    pub theta: f64,
    /// Scaling of the frequencies.
    pub scaling: RopeScaling,
}

/// How frequencies are scaled for longer sequences.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All by one factor.
    Linear {
        /// Divides every frequency.
        factor: f64,
    },
    /// Llama 3.1: low frequencies by the factor, high ones not, smoothly between.
    Llama3 {
        /// Divides the low frequencies.
        factor: f64,
        /// Wavelengths above longest/this are low.
        low: f64,
        /// Wavelengths below longest/this are high.
        high: f64,
        /// Longest sequence before scaling.
        original: f64,
    },
}

/// Architectures that are read.
pub const ARCHITECTURES: &[&str] = &["LlamaForCausalLM"];

/// Largest value of any size; keeps products within 64 bits.
const LARGEST: u64 = 1 << 24;

impl Config {
    /// Reads config.json.
    ///
    /// # Errors
    /// [`EngineError::Architecture`], [`EngineError::Config`].
    pub fn parse(text: &str) -> Result<Config, EngineError> {
        let wrong = |why: String| EngineError::Config(why);
        let json: Value = serde_json::from_str(text).map_err(|error| wrong(format!("is no JSON: {error}")))?;
        let architecture =
            json["architectures"][0].as_str().or(json["model_type"].as_str()).unwrap_or("none").to_owned();
        if !ARCHITECTURES.contains(&architecture.as_str()) {
            return Err(EngineError::Architecture { found: architecture, known: ARCHITECTURES.join(", ") });
        }
        let size = |key: &str, default: Option<usize>| -> Result<usize, EngineError> {
            match &json[key] {
                Value::Null => default.ok_or_else(|| wrong(format!("has no `{key}`"))),
                value => match value.as_u64() {
                    Some(number) if (1..=LARGEST).contains(&number) => Ok(number as usize),
                    _ => Err(wrong(format!("`{key}` is {value}; it must be a whole number from 1 to {LARGEST}"))),
                },
            }
        };
        let activation = json["hidden_act"].as_str().unwrap_or("silu");
        if activation != "silu" {
            return Err(wrong(format!("`hidden_act` is {activation}; this version reads silu")));
        }
        let (hidden, heads) = (size("hidden_size", None)?, size("num_attention_heads", None)?);
        let key_value_heads = size("num_key_value_heads", Some(heads))?;
        let head_dimension = if json["head_dim"].is_null() {
            if !hidden.is_multiple_of(heads) {
                return Err(wrong(format!(
                    "hidden_size {hidden} is no multiple of num_attention_heads {heads}, and there is no head_dim"
                )));
            }
            hidden / heads
        } else {
            size("head_dim", None)?
        };
        if !heads.is_multiple_of(key_value_heads) {
            return Err(wrong(format!(
                "num_attention_heads {heads} is no multiple of num_key_value_heads {key_value_heads}"
            )));
        }
        if !head_dimension.is_multiple_of(2) {
            return Err(wrong(format!("head_dim {head_dimension} is odd; rotary positions need pairs")));
        }
        let longest = size("max_position_embeddings", Some(2048))?;
        let norm_epsilon = json["rms_norm_eps"].as_f64().unwrap_or(1e-6);
        if !(norm_epsilon > 0.0 && norm_epsilon < 1.0) {
            return Err(wrong(format!("`rms_norm_eps` is {norm_epsilon}; it must lie between 0 and 1")));
        }
        let end_tokens = match &json["eos_token_id"] {
            Value::Array(list) => list.iter().filter_map(Value::as_u64).map(|id| id as u32).collect(),
            value => value.as_u64().map(|id| id as u32).into_iter().collect(),
        };
        Ok(Config {
            architecture,
            vocabulary: size("vocab_size", None)?,
            hidden,
            layers: size("num_hidden_layers", None)?.min(4096),
            heads,
            key_value_heads,
            head_dimension,
            intermediate: size("intermediate_size", None)?,
            norm_epsilon: norm_epsilon as f32,
            tied: json["tie_word_embeddings"].as_bool().unwrap_or(false),
            attention_bias: json["attention_bias"].as_bool().unwrap_or(false),
            feed_forward_bias: json["mlp_bias"].as_bool().unwrap_or(false),
            rope: rope(&json, longest)?,
            longest,
            end_tokens,
        })
    }

    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_dimension
    }

    pub(crate) fn key_width(&self) -> usize {
        self.key_value_heads * self.head_dimension
    }
}

/// `rope_theta` with `rope_scaling` (transformers 4), or `rope_parameters` (transformers 5).
fn rope(json: &Value, longest: usize) -> Result<Rope, EngineError> {
    let newer = &json["rope_parameters"];
    let scaling = if newer.is_object() { newer } else { &json["rope_scaling"] };
    let theta = newer["rope_theta"].as_f64().or(json["rope_theta"].as_f64()).unwrap_or(10_000.0);
    if !(theta.is_finite() && theta > 1.0) {
        return Err(EngineError::Config(format!("`rope_theta` is {theta}; it must be over 1")));
    }
    let number = |key: &str, default: Option<f64>| -> Result<f64, EngineError> {
        scaling[key]
            .as_f64()
            .or(default)
            .filter(|value| value.is_finite() && *value > 0.0)
            .ok_or_else(|| EngineError::Config(format!("the rope scaling needs a positive `{key}`")))
    };
    let kind = scaling["rope_type"].as_str().or(scaling["type"].as_str()).unwrap_or("default");
    let scaling = match kind {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear { factor: number("factor", None)? },
        "llama3" => RopeScaling::Llama3 {
            factor: number("factor", None)?,
            low: number("low_freq_factor", None)?,
            high: number("high_freq_factor", None)?,
            original: number("original_max_position_embeddings", Some(longest as f64))?,
        },
        other => {
            return Err(EngineError::Config(format!(
                "rope scaling `{other}` is not read by this version; it reads default, linear, llama3"
            )));
        }
    };
    Ok(Rope { theta, scaling })
}

impl Rope {
    /// Angle per position of each pair of a head.
    pub(crate) fn frequencies(&self, head_dimension: usize) -> Vec<f64> {
        (0..head_dimension / 2)
            .map(|pair| {
                let frequency = self.theta.powf(-2.0 * pair as f64 / head_dimension as f64);
                match self.scaling {
                    RopeScaling::None => frequency,
                    RopeScaling::Linear { factor } => frequency / factor,
                    RopeScaling::Llama3 { factor, low, high, original } => {
                        let wavelength = std::f64::consts::TAU / frequency;
                        if wavelength < original / high {
                            frequency
                        } else if wavelength > original / low {
                            frequency / factor
                        } else {
                            let smooth = (original / wavelength - low) / (high - low);
                            (1.0 - smooth) * frequency / factor + smooth * frequency
                        }
                    }
                }
            })
            .collect()
    }
}
