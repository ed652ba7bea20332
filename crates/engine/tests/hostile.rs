//! Files that were written to do harm: every one is refused, in words that name what is wrong, while holding little
//! memory. What is refused for its meaning alone is tested beside its reader (`families.rs`, `gguf.rs`, `lora.rs`), chat templates
//! in `hostile_templates.rs`.
//!
//! The bound on time is no measurement: it is there so that work without end fails rather than hangs.

#[path = "support/meter.rs"]
mod meter;
mod support;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::SafeTensors;
use serde_json::{Value, json};
use undermask_engine::{Adaptation, EngineError, Gguf, Model, OpenSettings, Precision, Source};

use crate::meter::{check, metered, turn};

type Files = BTreeMap<String, Vec<u8>>;

/// A tiny Llama.
fn model() -> Files {
    let fixture = std::fs::read(support::folder().join("families/llama-dynamic.safetensors")).expect("a fixture");
    let (_, header) = SafeTensors::read_metadata(&fixture).expect("a header");
    let metadata = header.metadata().clone().expect("metadata");
    let shapes = serde_json::from_str(&metadata["tensors"]).expect("shapes");
    let tokenizer = std::fs::read(support::folder().join("grouped/tokenizer.json")).expect("a tokenizer");
    Files::from([
        ("config.json".to_owned(), metadata["config"].clone().into_bytes()),
        ("tokenizer.json".to_owned(), tokenizer),
        ("model.safetensors".to_owned(), support::weights(&shapes, false, &str::to_owned)),
    ])
}

fn source(files: Files) -> Source {
    let files = files.into_iter().map(|(name, bytes)| (name, Cow::Owned(bytes))).collect();
    Source::Memory { name: "hostile".to_owned(), files }
}

fn with(name: &str, content: impl Into<Vec<u8>>) -> Files {
    let mut files = model();
    files.insert(name.to_owned(), content.into());
    files
}

fn open(files: Files) -> Result<Model, EngineError> {
    Model::open_with(&source(files), &OpenSettings { precision: Precision::F32, threads: 1, ..OpenSettings::default() })
}

fn container(header: &str, body: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), body].concat()
}

#[test]
fn the_model_that_is_broken_here_is_whole() {
    let _turn = turn();
    metered("the whole model", || open(model())).expect("a model");
}

#[test]
fn safetensors() {
    let _turn = turn();
    let refused = |what: &str, file: Vec<u8>, words: &[&str]| {
        let files = with("model.safetensors", file);
        check(what, words, || open(files));
    };
    let one = |dtype: &str, shape: &str, start: u64, end: u64| {
        format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
    };
    let a = |tensor: String| format!(r#"{{"a":{tensor}}}"#);
    refused("no byte", vec![], &["model.safetensors"]);
    refused("a header of u64::MAX bytes", [&u64::MAX.to_le_bytes()[..], &[0; 64]].concat(), &["model.safetensors"]);
    refused("a header beyond the end", [&1000u64.to_le_bytes()[..], b"{}"].concat(), &["model.safetensors"]);
    refused("a header of no bytes", vec![0; 64], &["model.safetensors"]);
    refused("a header of blanks", container(&" ".repeat(1 << 20), &[]), &["model.safetensors"]);
    let many: String = (0..1_000_000).map(|n| format!(r#""{n}":{},"#, one("F32", "[0]", 0, 0))).collect();
    refused(
        "a header of a million tensors",
        container(&format!("{{{}\"b\":{}}}", many, one("F32", "[0]", 0, 0)), &[]),
        &["header"],
    );
    refused("a deep header", container(&"[".repeat(1 << 20), &[]), &["model.safetensors"]);
    let twice = format!(r#"{{"a":{},"a":{}}}"#, one("F32", "[2]", 0, 8), one("BF16", "[4]", 0, 8));
    refused("a name twice", container(&twice, &[0; 8]), &["`a`", "twice"]);
    let over = format!(r#"{{"a":{},"b":{}}}"#, one("F32", "[2]", 0, 8), one("F32", "[2]", 4, 12));
    refused("tensors that overlap", container(&over, &[0; 12]), &["model.safetensors"]);
    refused("a tensor beyond the end", container(&a(one("F32", "[4]", 0, 16)), &[0; 8]), &["model.safetensors"]);
    refused("offsets the wrong way", container(&a(one("F32", "[2]", 8, 0)), &[0; 8]), &["model.safetensors"]);
    refused("a hole", container(&a(one("F32", "[2]", 4, 12)), &[0; 12]), &["model.safetensors"]);
    refused("bytes that no tensor has", container(&a(one("F32", "[2]", 0, 8)), &[0; 99]), &["model.safetensors"]);
    refused(
        "a shape that overflows",
        container(&a(one("F32", "[4294967296,4294967296,16]", 0, 8)), &[0; 8]),
        &["model.safetensors"],
    );
    refused(
        "a shape that overflows to nothing",
        container(&a(one("F32", "[4294967296,4294967296,0]", 0, 0)), &[]),
        &["model.safetensors"],
    );
    refused("a negative size", container(&a(one("F32", "[-1]", 0, 8)), &[0; 8]), &["model.safetensors"]);
    refused("a shape of another length", container(&a(one("F32", "[3]", 0, 8)), &[0; 8]), &["model.safetensors"]);
    refused("a type that is not read", container(&a(one("I64", "[1]", 0, 8)), &[0; 8]), &["`a`", "I64"]);
    refused("no tensors", container("{}", &[]), &["is missing"]);
    // Not aligned to four bytes: read all the same, for numbers are read byte by byte.
    let mut shifted = model();
    let file = shifted.remove("model.safetensors").expect("weights");
    let (header, body) = (u64::from_le_bytes(file[..8].try_into().expect("eight")) as usize, file.len());
    let text = String::from_utf8(file[8..8 + header].to_vec()).expect("JSON");
    for blanks in 1..4 {
        let text = format!("{}{}", text.trim_end(), " ".repeat(blanks));
        let files = with("model.safetensors", container(&text, &file[8 + header..body]));
        let logits = metered("a body that is not aligned", || open(files).expect("a model").activations(&[1, 2], &[]));
        assert!(logits.is_ok());
    }
}

#[test]
fn weights_that_are_no_numbers() {
    let _turn = turn();
    let whole = model();
    let file = &whole["model.safetensors"];
    let (start, header) = SafeTensors::read_metadata(file).expect("a header");
    for tensor in
        ["model.embed_tokens.weight", "model.norm.weight", "model.layers.1.mlp.down_proj.weight", "lm_head.weight"]
    {
        let (from, _) = header.info(tensor).expect("the tensor").data_offsets;
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut bytes = file.clone();
            bytes[start + 8 + from + 4..][..4].copy_from_slice(&wrong.to_le_bytes());
            let files = with("model.safetensors", bytes);
            check(&format!("{wrong} in {tensor}"), &[tensor, "not finite"], || open(files));
        }
    }
}

/// config.json with some keys changed.
fn changed(changes: Value) -> Files {
    let mut json: Value = serde_json::from_slice(&model()["config.json"]).expect("JSON");
    for (key, value) in changes.as_object().expect("keys") {
        json[key] = value.clone();
    }
    with("config.json", json.to_string())
}

#[test]
fn configurations() {
    let _turn = turn();
    for (changes, word) in [
        (json!({"num_hidden_layers": 1_000_000_000}), "num_hidden_layers"),
        (json!({"num_hidden_layers": 0}), "num_hidden_layers"),
        (json!({"num_hidden_layers": 1024}), "is missing"),
        (json!({"num_attention_heads": 0}), "num_attention_heads"),
        (json!({"num_attention_heads": -4}), "num_attention_heads"),
        (json!({"num_key_value_heads": 0}), "num_key_value_heads"),
        (json!({"num_attention_heads": 16_777_216, "num_key_value_heads": 1, "head_dim": 16_777_216}), "heads"),
        (json!({"head_dim": 0}), "head_dim"),
        (json!({"head_dim": 4_194_304}), "shape"),
        (json!({"head_dim": null, "hidden_size": 33}), "hidden_size"),
        (json!({"hidden_size": 16_777_216}), "shape"),
        (json!({"vocab_size": 1u64 << 40}), "vocab_size"),
        (json!({"vocab_size": 16_777_216}), "shape"),
        (json!({"vocab_size": 1.5}), "vocab_size"),
        (json!({"max_position_embeddings": u64::MAX}), "max_position_embeddings"),
        (json!({"rms_norm_eps": "NaN"}), "rms_norm_eps"),
        (json!({"rms_norm_eps": 0.0}), "rms_norm_eps"),
        (json!({"rms_norm_eps": -1e-5}), "rms_norm_eps"),
        (json!({"rms_norm_eps": 1e-60}), "rms_norm_eps"),
        (json!({"rope_theta": -1.0, "rope_parameters": null}), "rope_theta"),
        (json!({"rope_parameters": {"rope_type": "linear", "factor": 0.0}}), "factor"),
        (json!({"rope_parameters": {"rope_type": "linear", "factor": 1e-300}}), "rope"),
        (json!({"rope_parameters": {"rope_type": "dynamic", "factor": -3.0}}), "factor"),
        (json!({"rope_parameters": {"rope_type": "dynamic"}}), "factor"),
        (json!({"rope_parameters": {"rope_type": "yarn", "factor": 1e308, "attention_factor": 1e308}}), "rope"),
        (
            json!({"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 2.0, "high_freq_factor": 2.0}}),
            "high_freq_factor",
        ),
        (
            json!({"rope_parameters": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}}),
            "short_factor",
        ),
        (json!({"rope_parameters": {"rope_type": ["linear"]}}), "rope_type"),
        (json!({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 1e300}}), "partial_rotary_factor"),
        (json!({"architectures": [{}], "model_type": null}), "architecture"),
    ] {
        let files = changed(changes.clone());
        check(&changes.to_string(), &[word], || open(files));
    }
    for (what, text) in [
        ("NaN written out", r#"{"architectures": ["LlamaForCausalLM"], "rms_norm_eps": NaN}"#.to_owned()),
        ("1e999", r#"{"architectures": ["LlamaForCausalLM"], "rms_norm_eps": 1e999}"#.to_owned()),
        ("a deep configuration", "[".repeat(1 << 20)),
        ("a configuration of 5 MB", format!("{{\"a\": [{}0]}}", "0,".repeat(2_500_000))),
        ("a configuration of lists", format!("{{\"a\": [{}[]]}}", "[],".repeat(690_000))),
        ("no object", "7".to_owned()),
        ("a zero byte", "{}\0".to_owned()),
    ] {
        let files = with("config.json", text);
        check(what, &[], || open(files));
    }
}

#[test]
fn the_other_small_files() {
    let _turn = turn();
    for (name, content, word) in [
        ("generation_config.json", "[".repeat(100_000), "generation_config.json"),
        ("tokenizer_config.json", "{".to_owned(), "tokenizer_config.json"),
        ("tokenizer_config.json", format!("\"{}\"", "a".repeat(5 << 20)), "too many"),
        ("chat_template.jinja", "a".repeat(600 << 10), "long"),
    ] {
        let files = with(name, content);
        check(name, &[word], || open(files));
    }
    for (map, words) in [
        (json!({"a": "../model.safetensors"}), &["index.json", "../model.safetensors"][..]),
        (json!({"a": ".."}), &["index.json", ".."]),
        (json!({"a": "/etc/passwd"}), &["index.json", "/etc/passwd"]),
        (json!({"a": "sub\\model.safetensors"}), &["index.json"]),
        (json!({"a": ""}), &["index.json"]),
        (json!({"a": 7}), &["index.json", "`a`"]),
        (json!({"a": "nowhere.safetensors"}), &["nowhere.safetensors"]),
        (json!([]), &["weight_map"]),
    ] {
        let mut files = model();
        files.remove("model.safetensors");
        let index = json!({"weight_map": map}).to_string();
        files.insert("model.safetensors.index.json".to_owned(), index.into_bytes());
        check(&map.to_string(), words, || open(files));
    }
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &Files) -> Folder {
        let path = std::env::temp_dir().join(format!("undermask-hostile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        for (name, bytes) in files {
            std::fs::write(path.join(name), bytes).expect("written");
        }
        Folder(path)
    }

    fn open(&self) -> Result<Model, EngineError> {
        Model::open(&Source::Directory(self.0.clone()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file() {
    let _turn = turn();
    use std::os::unix::fs::symlink;

    let names = ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json", "chat_template.jinja"];
    for name in names {
        let mut files = model();
        files.remove(name);
        let folder = Folder::new(&format!("loop-{name}"), &files);
        symlink(name, folder.0.join(name)).expect("a link to itself");
        check(&format!("{name} is a link to itself"), &[name], || folder.open());
        let folder = Folder::new(&format!("folder-{name}"), &files);
        std::fs::create_dir(folder.0.join(name)).expect("a folder");
        check(&format!("{name} is a folder"), &[name, "no file"], || folder.open());
        // A device that never ends, and a pipe that nobody writes to.
        let folder = Folder::new(&format!("device-{name}"), &files);
        symlink("/dev/zero", folder.0.join(name)).expect("a link");
        check(&format!("{name} is a device"), &[name, "no file"], || folder.open());
        let folder = Folder::new(&format!("pipe-{name}"), &files);
        let made = std::process::Command::new("mkfifo").arg(folder.0.join(name)).status().expect("mkfifo runs");
        assert!(made.success());
        check(&format!("{name} is a pipe"), &[name, "no file"], || folder.open());
    }
    let mut files = model();
    let tokenizer = files.remove("tokenizer.json").expect("a tokenizer").len() as u64;
    let folder = Folder::new("sparse", &files);
    let sparse = std::fs::File::create(folder.0.join("tokenizer.json")).expect("made");
    sparse.set_len(tokenizer + (1 << 40)).expect("a sparse file");
    check("a tokenizer of a terabyte", &["tokenizer.json", "too many"], || folder.open());
}

#[test]
fn adapters() {
    let _turn = turn();
    let plain = json!({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]});
    let (width, module) = (32, "base_model.model.model.layers.0.self_attn.q_proj");
    let rows = 4 * 12;
    let factors = |rank: usize, value: f32| {
        let header = json!({
            format!("{module}.lora_A.weight"): {"dtype": "F32", "shape": [rank, width], "data_offsets": [0, 4 * rank * width]},
            format!("{module}.lora_B.weight"): {"dtype": "F32", "shape": [rows, rank], "data_offsets": [4 * rank * width, 4 * rank * (width + rows)]},
        });
        let body: Vec<u8> = (0..rank * (width + rows)).flat_map(|_| value.to_le_bytes()).collect();
        container(&header.to_string(), &body)
    };
    let refused = |changes: Value, file: Vec<u8>, word: &str| {
        let mut json = plain.clone();
        for (key, value) in changes.as_object().expect("keys") {
            json[key] = value.clone();
        }
        let what = format!("{json:.200}");
        let adapter = Files::from([
            ("adapter_config.json".to_owned(), json.to_string().into_bytes()),
            ("adapter_model.safetensors".to_owned(), file),
        ]);
        let whole = Source::Adapted {
            base: Box::new(source(model())),
            adapter: Box::new(source(adapter)),
            how: Adaptation::Merged,
        };
        check(&what, &[word], || {
            Model::open_with(&whole, &OpenSettings { precision: Precision::F32, threads: 1, ..OpenSettings::default() })
        });
    };
    refused(json!({"r": 1u64 << 40}), factors(2, 0.1), "`r`");
    refused(json!({"r": 65_536}), factors(2, 0.1), "rank 65536");
    refused(json!({"r": -1}), factors(2, 0.1), "`r`");
    refused(json!({"lora_alpha": "1e999"}), factors(2, 0.1), "lora_alpha");
    refused(json!({"lora_alpha": 1e300}), factors(2, 0.1), "not finite");
    refused(json!({}), factors(2, f32::NAN), "not finite");
    refused(json!({"rank_pattern": {(".*".repeat(4000)): 2}}), factors(2, 0.1), "bytes long");
    refused(json!({"rank_pattern": {"(?:a{999}){999}": 2}}), factors(2, 0.1), "pattern");
    // Look-behind, so that the pattern goes back, twice as often for every letter.
    refused(json!({"target_modules": r"(?:(?:\w|\w|\.)+(?<=x))*y"}), factors(2, 0.1), "look-around");
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("m{n}"), json!(2))).collect();
    refused(json!({"rank_pattern": many}), factors(2, 0.1), "entries");
    let names: Vec<String> = (0..10_000).map(|n| format!("m{n}")).collect();
    refused(json!({"target_modules": names}), factors(2, 0.1), "entries");
}

/// A GGUF file of a version, counts and what follows.
fn gguf(tensors: u64, pairs: u64, rest: &[&[u8]]) -> Vec<u8> {
    [&b"GGUF"[..], &3u32.to_le_bytes(), &tensors.to_le_bytes(), &pairs.to_le_bytes(), &rest.concat()].concat()
}

fn text(content: &str) -> Vec<u8> {
    [&(content.len() as u64).to_le_bytes()[..], content.as_bytes()].concat()
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &kind.to_le_bytes(), value].concat()
}

#[test]
fn gguf_files() {
    let _turn = turn();
    let refused = |what: &str, file: Vec<u8>, words: &[&str]| check(what, words, || Gguf::from_bytes("x.gguf", file));
    let list = |kind: u32, length: u64| [&kind.to_le_bytes()[..], &length.to_le_bytes()].concat();
    let most = u64::MAX.to_le_bytes();
    refused("as many tensors as there are numbers", gguf(u64::MAX, 0, &[]), &["x.gguf", "tensors"]);
    refused("as many pairs", gguf(0, u64::MAX, &[]), &["metadata"]);
    refused("a key without end", gguf(0, 1, &[&most, &[b'a'; 64]]), &["bytes of a text"]);
    refused("a text without end", gguf(0, 1, &[&pair("a", 8, &most), &[0; 64]]), &["`a`"]);
    refused("a list without end", gguf(0, 1, &[&pair("a", 9, &list(4, u64::MAX)), &[0; 64]]), &["`a`", "entries"]);
    refused("a list of texts without end", gguf(0, 1, &[&pair("a", 9, &list(8, 1 << 40)), &[0; 64]]), &["`a`"]);
    let deep: Vec<u8> = (0..10_000).flat_map(|_| list(9, 1)).collect();
    refused("deep lists", gguf(0, 1, &[&pair("a", 9, &deep), &[0; 64]]), &["`a`", "nested"]);
    // Every entry of the outer list claims the whole rest.
    let wide: Vec<u8> = (0..1000).flat_map(|_| list(9, 500)).collect();
    refused("wide lists", gguf(0, 1, &[&pair("a", 9, &list(9, 1000)), &wide]), &["`a`"]);
    for alignment in [0u32, 3, 33, 1 << 30] {
        let file = gguf(0, 1, &[&pair("general.alignment", 4, &alignment.to_le_bytes()), &[0; 256]]);
        refused(&format!("alignment {alignment}"), file, &["general.alignment"]);
    }
    refused(
        "a negative alignment",
        gguf(0, 1, &[&pair("general.alignment", 5, &(-32i32).to_le_bytes()), &[0; 64]]),
        &["general.alignment"],
    );
    let tensor = |sizes: &[u64], kind: u32, offset: u64| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        let count = (sizes.len() / 8) as u32;
        [&text("t")[..], &count.to_le_bytes(), &sizes, &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
    };
    for (what, sizes, kind, offset, word) in [
        ("a size of 2^64 - 1", &[u64::MAX][..], 0, 0, "dimension"),
        ("sizes that overflow", &[1 << 32, 1 << 32], 0, 0, "dimension"),
        ("sizes that overflow to a few", &[1 << 63, 2, 1 << 32], 0, 0, "dimension"),
        ("no size", &[0, 4], 0, 0, "dimension"),
        ("five dimensions", &[1, 1, 1, 1, 1], 0, 0, "dimensions"),
        ("more than there is", &[1 << 40], 0, 0, "past its end"),
        ("an offset of 2^64 - 32", &[4], 0, u64::MAX - 31, "past its end"),
        ("an offset between", &[4], 0, 4, "aligned"),
        ("a type that is not known", &[4], 77, 0, "type 77"),
        ("a part of a block", &[4], 8, 0, "block"),
    ] {
        refused(what, gguf(1, 0, &[&tensor(sizes, kind, offset), &[0; 256]]), &["`t`", word]);
    }
    let twice = [pair("a", 7, &[1]), pair("a", 7, &[0])].concat();
    refused("a key twice", gguf(0, 2, &[&twice, &[0; 64]]), &["`a`", "twice"]);
    let both = [tensor(&[4], 0, 0), tensor(&[4], 0, 32)].concat();
    refused("a name twice", gguf(2, 0, &[&both, &[0; 256]]), &["`t`", "twice"]);
}

#[test]
fn tokenizers() {
    let _turn = turn();
    let plain: Value = serde_json::from_slice(&model()["tokenizer.json"]).expect("JSON");
    let grown = |times: usize| {
        let step = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"});
        json!({"type": "Sequence", "normalizers": vec![step; times], "decoders": vec![json!({"type": "Fuse"}); times]})
    };
    let refused = |what: &str, key: &str, value: Value, word: &str| {
        let mut json = plain.clone();
        json[key] = value;
        let files = with("tokenizer.json", json.to_string());
        check(what, &["tokenizer.json", word], || open(files));
    };
    refused("a text ten times as long, twenty times", "normalizer", grown(20), "normalizer");
    refused(
        "steps that each make two bytes of one",
        "normalizer",
        json!({"type": "Sequence", "normalizers": vec![json!({"type": "ByteLevel"}); 60]}),
        "normalizer",
    );
    refused(
        "a long text for every letter",
        "normalizer",
        json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "a".repeat(100_000)}),
        "normalizer",
    );
    refused(
        "many decoders",
        "decoder",
        json!({"type": "Sequence", "decoders": vec![json!({"type": "Fuse"}); 1000]}),
        "decoder",
    );
    refused(
        "a pattern that is none",
        "pre_tokenizer",
        json!({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": false}),
        "",
    );
    let mut model = plain["model"].clone();
    model["dropout"] = json!(0.5);
    refused("chance", "model", model, "dropout");
    refused("a model that is none", "model", json!({"type": "BPE", "vocab": 7}), "");
    let files = with("tokenizer.json", "[".repeat(1 << 20));
    check("a deep tokenizer", &["tokenizer.json"], || open(files));
    // What is asked of every text is left out, not refused.
    let mut json = plain.clone();
    json["padding"] = json!({"strategy": {"Fixed": 1u64 << 50}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "!"});
    json["truncation"] = json!({"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0});
    let files = with("tokenizer.json", json.to_string());
    let tokens =
        metered("padding to 2^50 tokens", || open(files).expect("a model").encode("a few words").expect("tokens"));
    assert_eq!(
        tokens,
        metered("no padding", || open(self::model()).expect("a model").encode("a few words").expect("tokens"))
    );
    // Going back without end stops at the library's bound, for every place of the text.
    json = plain.clone();
    json["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "(?:(?:a|a|aa)+(?!b))+$"}, "behavior": "Isolated", "invert": false}, plain["pre_tokenizer"]]});
    let files = with("tokenizer.json", json.to_string());
    let text = format!("{}!", "a".repeat(2000));
    let ended = metered("a pattern that goes back without end", || open(files).expect("a model").encode(&text));
    println!("  {} tokens", ended.map_or_else(|error| error.to_string(), |tokens| tokens.len().to_string()));
}
