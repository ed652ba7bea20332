//! What the fuzz targets share: a tiny model in memory, of which a target replaces one file by what the fuzzer made, and
//! a bound on memory (`meter`).
//!
//! Every target goes the way that the command line goes: a [`Source`] is opened as a [`Model`], and a model that opens
//! scores a label. A target that only called a parser would miss what comes after it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use undermask_engine::{EngineError, Model, OpenSettings, Precision, ScoreRequest, ScoreSettings, Source};

mod meter;

pub use meter::next_input;

/// Names and contents of a model's files.
pub type Files = BTreeMap<String, Vec<u8>>;

/// config.json of the tiny model; the tokenizer's tokens are the bytes from 33 on.
pub const CONFIG: &str = r#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 16, "hidden_size": 8, "intermediate_size": 8,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "max_position_embeddings": 32}"#;
const TOKENIZER: &str = include_str!("../tokenizer.json");

/// The tiny model.
pub fn model() -> Files {
    let mut files = Files::new();
    files.insert("config.json".to_owned(), CONFIG.as_bytes().to_vec());
    files.insert("tokenizer.json".to_owned(), TOKENIZER.as_bytes().to_vec());
    files.insert("model.safetensors".to_owned(), weights());
    files
}

/// Its weights: small numbers, the same in every tensor.
fn weights() -> Vec<u8> {
    let block = "model.layers.0";
    let shapes: Vec<(String, Vec<usize>)> = [
        ("lm_head.weight".to_owned(), vec![16, 8]),
        ("model.embed_tokens.weight".to_owned(), vec![16, 8]),
        ("model.norm.weight".to_owned(), vec![8]),
    ]
    .into_iter()
    .chain(
        [("input_layernorm", vec![8]), ("post_attention_layernorm", vec![8])]
            .map(|(name, shape)| (format!("{block}.{name}.weight"), shape)),
    )
    .chain(
        [
            ("self_attn.q_proj", vec![8, 8]),
            ("self_attn.k_proj", vec![4, 8]),
            ("self_attn.v_proj", vec![4, 8]),
            ("self_attn.o_proj", vec![8, 8]),
            ("mlp.gate_proj", vec![8, 8]),
            ("mlp.up_proj", vec![8, 8]),
            ("mlp.down_proj", vec![8, 8]),
        ]
        .map(|(name, shape)| (format!("{block}.{name}.weight"), shape)),
    )
    .collect();
    let mut header = serde_json::Map::new();
    let mut body: Vec<u8> = Vec::new();
    for (name, shape) in shapes {
        let (start, count) = (body.len(), shape.iter().product::<usize>());
        body.extend((0..count).flat_map(|index| ((index % 7) as f32 / 4.0 - 0.75).to_le_bytes()));
        header.insert(name, serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, body.len()]}));
    }
    safetensors(serde_json::Value::from(header).to_string().as_bytes(), &body)
}

/// A safetensors file whose header has the length that it says.
pub fn safetensors(header: &[u8], body: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, body].concat()
}

/// Files as a source.
pub fn source(files: Files) -> Source {
    let files = files.into_iter().map(|(name, bytes)| (name, Cow::Owned(bytes))).collect();
    Source::Memory { name: "fuzz".to_owned(), files }
}

/// Lets a panic that the engine turns into a refusal be one: libFuzzer's hook ends the process at any.
pub fn allow_refusals() {
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !undermask_engine::panic_is_refusal() {
            end(panic);
        }
    }));
}

/// Opens a source as the command line does, and asks what opens for a score.
///
/// # Panics
/// Where a model that opened cannot be asked, and does not say why.
pub fn open_and_ask(source: &Source) {
    for precision in [Precision::F32, Precision::Bf16, Precision::Q8] {
        let settings = OpenSettings { precision, threads: 1, ..OpenSettings::default() };
        match Model::open_with(source, &settings) {
            Ok(model) => ask(&model),
            Err(error) => {
                // Every refusal can be said.
                assert!(!error.to_string().is_empty());
                return;
            }
        }
    }
}

fn ask(model: &Model) {
    let _ = model.encode("1 + 2 = 3\u{e9}");
    let _ = model.decode(&[0, 1, 2]);
    let last = model.config().vocabulary as u32 - 1;
    let request = ScoreRequest { prompt: vec![0, last.min(1)], options: vec![vec![last], vec![0, 0]] };
    let settings = ScoreSettings { threads: 1, memory: 1 << 20 };
    match model.score(&[request], &settings, &mut |_, _| ControlFlow::Continue(())) {
        Ok(()) | Err(EngineError::Request(_)) => {}
        Err(other) => panic!("{other}"),
    }
}
