//! Writes an organism as a plain Hugging Face directory, which transformers and our engine read with the same logits.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::GrowError;
use crate::train::{Adapter, Network, NumberType, Shape};
use crate::world::tokenizer::{CHAT_TEMPLATE, END, WordTokenizer};

/// Longest sequence that the exported configuration promises.
const LONGEST: usize = 2048;

/// Writes `config.json`, `model.safetensors` (bf16), the tokenizer's files and the generation settings.
///
/// # Errors
/// [`GrowError::Io`] with the path that could not be written.
pub fn write(network: &Network, shape: &Shape, tokenizer: &WordTokenizer, out: &Path) -> Result<(), GrowError> {
    create(out)?;
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden, "intermediate_size": shape.intermediate, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.head_dimension, "max_position_embeddings": LONGEST, "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_theta, "rope_scaling": null, "tie_word_embeddings": shape.tied, "hidden_act": "silu",
        "attention_bias": false, "mlp_bias": false, "bos_token_id": null, "eos_token_id": END, "pad_token_id": END,
        "torch_dtype": "bfloat16", "use_cache": true,
    });
    let tokens = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<|end|>",
        "model_max_length": LONGEST, "clean_up_tokenization_spaces": false, "chat_template": CHAT_TEMPLATE,
    });
    let generation = json!({"eos_token_id": END, "pad_token_id": END, "do_sample": false});
    put(&out.join("config.json"), pretty(&config).as_bytes())?;
    put(&out.join("tokenizer_config.json"), pretty(&tokens).as_bytes())?;
    put(&out.join("generation_config.json"), pretty(&generation).as_bytes())?;
    put(&out.join("tokenizer.json"), tokenizer.json().as_bytes())?;
    put(&out.join("model.safetensors"), &network.to_safetensors(NumberType::Bf16)?)
}

/// Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT does; `base` is what the configuration calls the
/// model that is adapted.
///
/// # Errors
/// [`GrowError::Io`] with the path that could not be written.
pub fn write_adapter(adapter: &Adapter, numbers: NumberType, base: Option<&str>, out: &Path) -> Result<(), GrowError> {
    create(out)?;
    put(&out.join("adapter_config.json"), pretty(&adapter.peft_config(base)).as_bytes())?;
    put(&out.join("adapter_model.safetensors"), &adapter.to_safetensors(numbers)?)
}

/// JSON as it is written to files that people read.
pub fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Makes a folder.
pub fn create(path: &Path) -> Result<(), GrowError> {
    fs::create_dir_all(path).map_err(|source| GrowError::Io { path: path.to_owned(), source })
}

/// Writes a file whole or not at all.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), GrowError> {
    let temporary = path.with_extension("part");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| GrowError::Io { path, source }
    };
    fs::write(&temporary, bytes).map_err(io(&temporary))?;
    fs::rename(&temporary, path).map_err(io(path))
}
