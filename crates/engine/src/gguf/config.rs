//! From the metadata to the config.json of the Hugging Face model that the file was made from, which the one reader of
//! configurations then checks.

use serde_json::{Map, Value as Json, json};

use super::Gguf;
use super::read::Value;

/// Most blocks; the reader of configurations has a bound of its own, this one bounds the list of layer types.
const MOST_BLOCKS: u64 = 4096;

impl Gguf {
    /// The architecture as llama.cpp names it.
    pub(super) fn architecture(&self) -> Result<String, String> {
        self.text("general.architecture")
            .map(str::to_owned)
            .ok_or_else(|| "its metadata have no `general.architecture`; is it a model?".to_owned())
    }

    /// A whole number under `ARCHITECTURE.key`; a list counts when all of its entries are the same.
    pub(super) fn number(&self, architecture: &str, key: &str) -> Result<Option<u64>, String> {
        let key = format!("{architecture}.{key}");
        match self.value(&key) {
            None => Ok(None),
            Some(Value::Unsigned(number)) => Ok(Some(*number)),
            Some(Value::List(list)) => {
                let mut values = list.values(self.bytes());
                match values.next() {
                    Some(Value::Unsigned(number)) if values.all(|other| other == Value::Unsigned(number)) => {
                        Ok(Some(number))
                    }
                    _ => Err(format!("metadata `{key}` differ from block to block, which is not read")),
                }
            }
            Some(_) => Err(format!("metadata `{key}` must be a whole number")),
        }
    }

    fn float(&self, architecture: &str, key: &str) -> Result<Option<f64>, String> {
        let key = format!("{architecture}.{key}");
        match self.value(&key) {
            None => Ok(None),
            Some(Value::Float(number)) if number.is_finite() => Ok(Some(shortest(*number))),
            Some(Value::Unsigned(number)) => Ok(Some(*number as f64)),
            Some(_) => Err(format!("metadata `{key}` must be a number")),
        }
    }

    fn needed(&self, architecture: &str, key: &str) -> Result<u64, String> {
        self.number(architecture, key)?.ok_or_else(|| format!("its metadata have no `{architecture}.{key}`"))
    }

    /// The factors of rotary positions in a tensor.
    fn factors(&self, name: &str) -> Result<Option<Vec<f64>>, String> {
        let Some(entry) = self.contents().tensors.get(name) else { return Ok(None) };
        if entry.shape.len() != 1 || entry.shape[0] > 1 << 16 {
            return Err(format!("tensor `{name}` is no list of factors"));
        }
        let mut values = vec![0.0; entry.shape[0]];
        entry.kind.dequantise(&self.bytes()[entry.range.clone()], &mut values);
        match values.iter().all(|value| value.is_finite() && *value > 0.0) {
            true => Ok(Some(values.into_iter().map(f64::from).collect())),
            false => Err(format!("tensor `{name}` holds factors that are not over 0")),
        }
    }

    /// config.json.
    pub(super) fn configuration(&self) -> Result<Json, String> {
        let architecture = self.architecture()?;
        let name = architecture.as_str();
        let class = match name {
            "llama" => "LlamaForCausalLM",
            "qwen2" => "Qwen2ForCausalLM",
            "qwen3" => "Qwen3ForCausalLM",
            "gemma2" => "Gemma2ForCausalLM",
            "gemma3" => "Gemma3ForCausalLM",
            "phi3" => "Phi3ForCausalLM",
            "olmo2" => "Olmo2ForCausalLM",
            other => {
                return Err(format!(
                    "architecture `{other}` is not supported; GGUF files of llama (Mistral and SmolLM too), qwen2, qwen3, \
                     gemma2, gemma3, phi3 and olmo2 are read"
                ));
            }
        };
        if self.number(name, "expert_count")?.is_some_and(|count| count > 0) {
            return Err("it is a mixture of experts, which is not read".to_owned());
        }
        let (hidden, heads) = (self.needed(name, "embedding_length")?, self.needed(name, "attention.head_count")?);
        let blocks = self.needed(name, "block_count")?;
        if heads == 0 || blocks == 0 || blocks > MOST_BLOCKS {
            return Err(format!("its metadata claim {heads} heads and {blocks} blocks"));
        }
        let head = match self.number(name, "attention.key_length")? {
            Some(length) => length,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => return Err(format!("{heads} heads do not divide embedding_length {hidden}")),
        };
        if self.number(name, "attention.value_length")?.is_some_and(|length| length != head) {
            return Err("heads of values are of another width than heads of keys, which is not read".to_owned());
        }
        let tensors = &self.contents().tensors;
        let vocabulary = tensors
            .get("token_embd.weight")
            .and_then(|entry| (entry.shape.len() == 2).then_some(entry.shape[0]))
            .ok_or("it has no matrix `token_embd.weight`")?;
        let epsilon = self.float(name, "attention.layer_norm_rms_epsilon")?;
        let epsilon =
            epsilon.ok_or_else(|| format!("its metadata have no `{name}.attention.layer_norm_rms_epsilon`"))?;
        let mut config = json!({
            "architectures": [class],
            "vocab_size": vocabulary,
            "hidden_size": hidden,
            "num_hidden_layers": blocks,
            "num_attention_heads": heads,
            "num_key_value_heads": self.number(name, "attention.head_count_kv")?.unwrap_or(heads),
            "head_dim": head,
            "intermediate_size": self.needed(name, "feed_forward_length")?,
            "max_position_embeddings": self.needed(name, "context_length")?,
            "rms_norm_eps": epsilon,
            "tie_word_embeddings": !tensors.contains_key("output.weight"),
            "eos_token_id": self.end_tokens(),
        });
        let keys = config.as_object_mut().expect("an object was just made");
        if name == "llama" {
            keys.insert("attention_bias".to_owned(), tensors.contains_key("blk.0.attn_q.bias").into());
            keys.insert("mlp_bias".to_owned(), tensors.contains_key("blk.0.ffn_up.bias").into());
        }
        if matches!(name, "qwen3" | "olmo2") {
            keys.insert("attention_bias".to_owned(), tensors.contains_key("blk.0.attn_q.bias").into());
        }
        self.ropes(name, head, keys)?;
        self.windows(name, blocks, keys)?;
        self.gemma(name, hidden, heads, head, blocks, keys)?;
        Ok(config)
    }

    /// Rotary positions. The factors that llama.cpp bakes into a tensor divide each pair's frequency: LongRoPE with one
    /// list.
    fn ropes(&self, name: &str, head: u64, keys: &mut Map<String, Json>) -> Result<(), String> {
        let theta = self.float(name, "rope.freq_base")?.unwrap_or(10_000.0);
        let context = self.needed(name, "context_length")?;
        let rotated = self.number(name, "rope.dimension_count")?.unwrap_or(head);
        if rotated != head {
            keys.insert("partial_rotary_factor".to_owned(), json!(rotated as f64 / head as f64));
        }
        let kind = self.text(&format!("{name}.rope.scaling.type")).unwrap_or("none");
        let original = self.number(name, "rope.scaling.original_context_length")?.unwrap_or(context);
        let factor = self.float(name, "rope.scaling.factor")?.filter(|factor| *factor != 0.0);
        let mut scaling = if let Some(factors) = self.factors("rope_freqs.weight")? {
            keys.insert("original_max_position_embeddings".to_owned(), json!(context));
            json!({"rope_type": "longrope", "short_factor": factors, "long_factor": factors, "attention_factor": 1.0})
        } else if let Some(long) = self.factors("rope_factors_long.weight")? {
            let short = self.factors("rope_factors_short.weight")?;
            let short = short.ok_or("it has long factors of rotary positions, but no short ones")?;
            keys.insert("original_max_position_embeddings".to_owned(), json!(original));
            let amplitude = self.float(name, "rope.scaling.attn_factor")?.unwrap_or(1.0);
            json!({"rope_type": "longrope", "short_factor": short, "long_factor": long, "attention_factor": amplitude})
        } else {
            match (kind, factor) {
                ("none", _) | ("linear", None) => json!({"rope_type": "default"}),
                ("linear", Some(factor)) => json!({"rope_type": "linear", "factor": factor}),
                ("yarn", factor) => json!({
                    "rope_type": "yarn",
                    "factor": factor.unwrap_or(context as f64 / original as f64),
                    "original_max_position_embeddings": original,
                }),
                (other, _) => return Err(format!("rope scaling `{other}` is not read; known are none, linear, yarn")),
            }
        };
        scaling["rope_theta"] = json!(theta);
        if name == "gemma3" {
            let local = self.float(name, "rope.freq_base_swa")?.unwrap_or(10_000.0);
            scaling = json!({
                "full_attention": scaling,
                "sliding_attention": {"rope_type": "default", "rope_theta": local},
            });
        }
        keys.insert("rope_parameters".to_owned(), scaling);
        Ok(())
    }

    /// Windows: every second block of Gemma 2, five of six of Gemma 3, all of Phi 3's and Mistral's.
    fn windows(&self, name: &str, blocks: u64, keys: &mut Map<String, Json>) -> Result<(), String> {
        let window = self.number(name, "attention.sliding_window")?.filter(|window| *window > 0);
        let pattern = match name {
            "gemma2" => Some(2),
            "gemma3" => Some(self.number(name, "attention.sliding_window_pattern")?.filter(|n| *n > 0).unwrap_or(6)),
            _ => None,
        };
        match (pattern, window) {
            (Some(pattern), window) => {
                let kind = |block: u64| match (block + 1).is_multiple_of(pattern) {
                    true => "full_attention",
                    false => "sliding_attention",
                };
                keys.insert("sliding_window".to_owned(), json!(window.unwrap_or(4096)));
                keys.insert("layer_types".to_owned(), (0..blocks).map(kind).collect());
            }
            (None, Some(window)) if name == "phi3" => {
                keys.insert("sliding_window".to_owned(), json!(window));
            }
            // What was written as `llama` with a window is Mistral: Llama has none. (llama.cpp passes it over.)
            (None, Some(window)) if name == "llama" => {
                keys.insert("architectures".to_owned(), json!(["MistralForCausalLM"]));
                keys.insert("sliding_window".to_owned(), json!(window));
            }
            (None, Some(window)) if window < self.needed(name, "context_length")? => {
                return Err(format!("a window of {window} in architecture `{name}` is not read from GGUF files"));
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// What is Gemma's own. The scale of scores is not in the file: llama.cpp takes it from the head's width, but for
    /// the 27B models (46 and 62 blocks) from hidden/heads.
    fn gemma(
        &self,
        name: &str,
        hidden: u64,
        heads: u64,
        head: u64,
        blocks: u64,
        keys: &mut Map<String, Json>,
    ) -> Result<(), String> {
        if !name.starts_with("gemma") {
            return Ok(());
        }
        let large = matches!((name, blocks), ("gemma2", 46) | ("gemma3", 62));
        let width = if large { hidden as f64 / heads as f64 } else { head as f64 };
        keys.insert("query_pre_attn_scalar".to_owned(), json!(width));
        for (key, from, default) in [
            ("attn_logit_softcapping", "attn_logit_softcapping", 50.0),
            ("final_logit_softcapping", "final_logit_softcapping", 30.0),
        ] {
            let found = self.float(name, from)?.filter(|cap| *cap > 0.0);
            let cap = if name == "gemma2" { Some(found.unwrap_or(default)) } else { found };
            keys.insert(key.to_owned(), json!(cap));
        }
        Ok(())
    }
}

/// An f32 of the file as the decimal that was meant: 1e-6 and not 9.99999997475e-7, which transformers would never see.
fn shortest(number: f64) -> f64 {
    let narrow = number as f32;
    match f64::from(narrow) == number {
        true => narrow.to_string().parse().unwrap_or(number),
        false => number,
    }
}
