//! How byte-level BPE splits a text into words before it merges, by the name under `tokenizer.ggml.pre`.
//!
//! The names and the patterns behind them are llama.cpp's (`src/llama-vocab.cpp`); where that file notes the pattern of
//! the model's own tokenizer.json, that one is used, for it is what the model was trained with.

use serde_json::{Value as Json, json};

/// A way of splitting.
pub(super) struct Splitting {
    /// Patterns, each applied to what the ones before left.
    patterns: &'static [&'static str],
    /// A word that is a token is taken whole, whatever the merges would make of it.
    pub whole_words: bool,
    /// Composed characters, as Qwen's own tokenizer makes them first. (llama.cpp does not; its tokens differ on
    /// decomposed text.)
    pub composed: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The splitting of a name.
pub(super) fn find(name: &str) -> Result<Splitting, String> {
    let plain = |patterns| Splitting { patterns, whole_words: false, composed: false };
    Ok(match name {
        // llama.cpp's own, for files without a name; no model was trained with it.
        "" | "default" => plain(&[
            r"[\p{P}\$\+<=>\^~\|]+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
            r"\p{N}+",
            r"[0-9][0-9][0-9]",
        ]),
        "gpt-2" | "phi-2" | "mpt" | "olmo" | "jais" | "trillion" | "roberta-bpe" => plain(&[GPT2]),
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
            plain(&[r"\p{N}", GPT2])
        }
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" => {
            Splitting { patterns: &[LLAMA3], whole_words: true, composed: false }
        }
        "dbrx" | "smaug-bpe" | "chatglm-bpe" | "glm4" => plain(&[LLAMA3]),
        "qwen2" | "deepseek-r1-qwen" | "megrez" => Splitting { patterns: &[QWEN2], whole_words: false, composed: true },
        "stablelm2" | "hunyuan" => plain(&[QWEN2]),
        "tekken" => Splitting { patterns: &[TEKKEN], whole_words: true, composed: false },
        "gpt-4o" | "llama4" => plain(&[GPT4O]),
        other => {
            return Err(format!(
                "its pre-tokenizer `{other}` is not known; known are llama-bpe, qwen2, gpt-2, smollm, olmo, dbrx, tekken, \
                 gpt-4o, default and their kin: use the model's Hugging Face directory"
            ));
        }
    })
}

impl Splitting {
    /// As tokenizer.json has it, followed by the step from bytes to letters.
    pub fn json(&self) -> Json {
        let split = |pattern: &&str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
        let steps: Vec<Json> = self.patterns.iter().map(split).chain([bytes]).collect();
        json!({"type": "Sequence", "pretokenizers": steps})
    }
}
