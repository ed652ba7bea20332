//! GGUF files against transformers, tokenizers and sentencepiece on the same models, and against damage of every kind.
//!
//! The fixtures are made by `oracle/make_gguf.py`. With `UNDERMASK_GGUF_ORACLE` set to another directory of such
//! fixtures, those are tested too.

mod support;

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use undermask_engine::{EngineError, Gguf, HookPoint, Message, Model, OpenSettings, Precision, Source};

/// Relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-4;

fn files() -> Vec<PathBuf> {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gguf");
    let fresh = std::env::var_os("UNDERMASK_GGUF_ORACLE").map(PathBuf::from);
    let mut found: Vec<PathBuf> = std::iter::once(committed)
        .chain(fresh)
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder of fixtures"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "gguf"))
        .collect();
    found.sort();
    assert!(found.len() >= 11, "fixtures are missing: {found:?}");
    found
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gguf").join(name);
    std::fs::read(path).expect("the fixture")
}

fn open(path: &Path) -> Model {
    let file = Gguf::open(path).unwrap_or_else(|error| panic!("{error}"));
    support::opened(&Source::Gguf(file)).unwrap_or_else(|error| panic!("{error}"))
}

fn open_bytes(bytes: Vec<u8>) -> Result<Model, EngineError> {
    support::opened(&Source::Gguf(Gguf::from_bytes("changed.gguf", bytes)?))
}

/// Furthest of the last rows from what is wanted, relative to the largest that is wanted.
fn furthest(wanted: &SafeTensors, name: &str, found: &[f32]) -> f32 {
    let view = wanted.tensor(name).unwrap_or_else(|_| panic!("{name} is not in the fixture"));
    let wanted: Vec<f32> =
        view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect();
    let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let found = &found[found.len() - wanted.len()..];
    wanted.iter().zip(found).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max) / largest
}

#[test]
fn blocks_and_logits_match_transformers_on_the_dequantised_weights() {
    for path in files() {
        let model = open(&path);
        let bytes = std::fs::read(path.with_extension("safetensors")).expect("the fixture");
        let expected = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let points: Vec<HookPoint> = (0..model.config().layers).map(HookPoint::ResidPost).collect();
        let mut worst = 0.0f32;
        for index in 0..3 {
            let view = expected.tensor(&format!("{index}.tokens")).expect("tokens");
            let tokens: Vec<u32> =
                view.data().chunks_exact(8).map(|eight| eight[0] as u32 | (eight[1] as u32) << 8).collect();
            let found = model.activations(&tokens, &points).expect("activations");
            worst = worst.max(furthest(&expected, &format!("{index}.logits"), &found.logits));
            for (layer, point) in points.iter().enumerate() {
                let name = format!("{index}.blocks.{layer}.resid_post");
                worst = worst.max(furthest(&expected, &name, &found.points[point]));
            }
        }
        println!("{}: furthest {worst:e}", path.display());
        assert!(worst <= TOLERANCE, "{}: {worst}", path.display());
    }
}

/// In 8 bits only activations are rounded (and plain floats, to Q8_0): a block of 32 by about 0.4% of its root mean square.
/// The products of a model's blocks add up in squares; five times that a block and one for the head is the bound.
#[test]
fn products_in_eight_bits_stay_near_those_of_the_dequantised_weights() {
    for path in files() {
        let settings = OpenSettings { precision: Precision::Q8, threads: 2, ..OpenSettings::default() };
        let source = Source::Gguf(Gguf::open(&path).expect("a file"));
        let (rounded, exact) = (Model::open_with(&source, &settings).expect("a model"), open(&path));
        let tokens: Vec<u32> = (0..40).map(|place| 3 + place * 37 % 400).collect();
        let [found, wanted] = [&rounded, &exact].map(|model| model.activations(&tokens, &[]).expect("logits").logits);
        let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
        let gap = square(&mut found.iter().zip(&wanted).map(|(one, two)| one - two));
        let relative = (gap / square(&mut wanted.iter().copied())).sqrt();
        let bound = 0.02 * (exact.config().layers as f64 + 1.0).sqrt();
        println!("{}: {relative:.4} of {bound:.4}", path.display());
        assert!(relative < bound, "{}: {relative}", path.display());
        assert!(relative > 0.0, "{}: nothing was rounded", path.display());
    }
}

#[test]
fn a_model_states_what_its_keys_and_values_take() {
    let model = open(&files()[0]);
    let config = model.config();
    let wanted = 2 * 4 * config.layers * config.key_value_heads * config.head_dimension;
    assert_eq!(model.cache_bytes(1), wanted as u64);
    assert_eq!(model.cache_bytes(1000), 1000 * wanted as u64);
}

#[test]
fn texts_become_the_tokens_of_the_original_tokenizer() {
    let mut wrong = Vec::new();
    for path in files() {
        let model = open(&path);
        let text = std::fs::read_to_string(path.with_extension("json")).expect("cases");
        let cases: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let list = cases["texts"].as_array().expect("texts");
        assert!(list.len() > 15);
        for case in list {
            let text = case[0].as_str().expect("a text");
            let wanted: Vec<u32> =
                case[1].as_array().expect("tokens").iter().map(|id| id.as_u64().expect("an id") as u32).collect();
            let found = model.encode(text).expect("tokens");
            if found != wanted {
                wrong.push(format!("{} on {text:?}:\n  found  {found:?}\n  wanted {wanted:?}", path.display()));
            }
        }
        assert!(model.config().end_tokens.contains(&(cases["end"].as_u64().expect("an id") as u32)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_come_back_from_their_tokens() {
    for path in files() {
        let model = open(&path);
        for text in ["Hello, world! It's 12345", "Grüße 👍🏽 日本語 हिन्दी", " two  blanks\n\n and\ttabs "]
        {
            let tokens = model.encode(text).expect("tokens");
            assert_eq!(model.decode(&tokens).expect("a text"), text, "{}", path.display());
        }
    }
}

#[test]
fn the_chat_template_comes_from_the_metadata() {
    for path in files() {
        let model = open(&path);
        let text = model.render_chat(&[Message::new("user", " hi ")], true).expect("a text");
        let (bos, eos) = if text.starts_with("<s>") { ("<s>", "</s>") } else { ("<|begin|>", "<|end_of_text|>") };
        assert_eq!(text, format!("{bos}<user>hi{eos}<assistant>"), "{}", path.display());
        let tokens = model.encode(&text).expect("tokens");
        assert_eq!(model.encode(bos).expect("a token"), tokens[..1], "the beginning token is one token");
        assert_ne!(tokens[0], tokens[1], "and stands there once");
    }
}

/// Every cut of a file is refused, none panics.
#[test]
fn files_cut_short_are_refused() {
    let whole = fixture("smollm.gguf");
    let step = (whole.len() / 400).max(1);
    for end in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
        match Gguf::from_bytes("cut.gguf", whole[..end].to_vec()) {
            Ok(_) => panic!("a file cut to {end} of {} was read", whole.len()),
            Err(error) => assert!(error.to_string().contains("cut.gguf"), "{error}"),
        }
    }
}

/// Any bytes changed anywhere: an error or a model, never a panic, and never more memory than the file justifies.
#[test]
fn changed_bytes_are_refused_or_read_but_never_panic() {
    let mut state = 12345u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let (mut read, mut refused) = (0, 0);
    for name in ["smollm.gguf", "gemma3.gguf", "phi3.gguf"] {
        let whole = fixture(name);
        let header =
            whole.windows(17).position(|window| window == b"token_embd.weight").expect("a tensor table") + 2000;
        for round in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                let place = if round % 2 == 0 { next(400) } else { next(header) };
                match next(4) {
                    0 => bytes[place] = next(256) as u8,
                    1 => bytes[place] ^= 1 << next(8),
                    2 => bytes[place..place + 8].fill(0xFF),
                    _ => bytes[place..place + 8].copy_from_slice(&(next(1 << 31) as u64).to_le_bytes()),
                }
            }
            match open_bytes(bytes) {
                Ok(model) => {
                    read += 1;
                    // What can be opened can be asked.
                    let _ = model.encode("some text 123").map(|tokens| model.activations(&tokens, &[]));
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(refused > 300 && read > 10, "{read} read, {refused} refused: the changes test too little");
}

/// Says what is wrong with a file that is built by hand.
fn complaint(bytes: Vec<u8>) -> String {
    match open_bytes(bytes) {
        Ok(_) => panic!("a hostile file was read"),
        Err(error) => error.to_string(),
    }
}

/// A file of so many tensors and pairs, and what follows.
fn built(version: u32, tensors: u64, pairs: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(pairs.to_le_bytes());
    rest.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

fn text(content: &str) -> Vec<u8> {
    [&(content.len() as u64).to_le_bytes()[..], content.as_bytes()].concat()
}

fn tensor(name: &str, sizes: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.extend((sizes.len() as u32).to_le_bytes());
    sizes.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

#[test]
fn hostile_headers_are_named() {
    let pad = vec![0u8; 4096];
    let huge = u64::MAX.to_le_bytes();
    let nested = |depth: usize| {
        let mut list = text("deep");
        list.extend(9u32.to_le_bytes());
        for _ in 0..depth {
            list.extend(9u32.to_le_bytes());
            list.extend(1u64.to_le_bytes());
        }
        list
    };
    for (bytes, word) in [
        (b"GGML".to_vec(), "does not begin with GGUF"),
        (b"GGUF".to_vec(), "reach past its end"),
        (built(1, 0, 0, &[&pad]), "version 1;"),
        (built(3u32.swap_bytes(), 0, 0, &[&pad]), "big-endian"),
        (built(3, u64::MAX, 0, &[&pad]), "tensors, more than fit"),
        (built(3, 0, u64::MAX, &[&pad]), "metadata, more than fit"),
        (built(3, 0, 1, &[&huge, &pad]), "more than fit"),
        (built(3, 0, 1, &[&text("key"), &77u32.to_le_bytes(), &pad]), "type 77"),
        (built(3, 0, 1, &[&text("key"), &8u32.to_le_bytes(), &huge, &pad]), "more than fit"),
        (built(3, 0, 1, &[&text("key"), &9u32.to_le_bytes(), &4u32.to_le_bytes(), &huge, &pad]), "more than fit"),
        (built(3, 0, 1, &[&nested(40), &pad]), "nested"),
        (built(3, 0, 2, &[&text("k"), &[7, 0, 0, 0, 1], &text("k"), &[7, 0, 0, 0, 1], &pad]), "twice"),
        (built(3, 0, 1, &[&text("general.alignment"), &[4, 0, 0, 0, 3, 0, 0, 0], &pad]), "power of two"),
        (built(3, 1, 0, &[&tensor("t", &[4], 0, 1), &pad]), "not aligned"),
        (built(3, 1, 0, &[&tensor("t", &[4], 0, 1 << 40), &pad]), "past its end"),
        (built(3, 1, 0, &[&tensor("t", &[4], 0, u64::MAX - 31), &pad]), "past its end"),
        (built(3, 1, 0, &[&tensor("t", &[1 << 40, 1 << 40], 0, 0), &pad]), "impossible dimension"),
        (built(3, 1, 0, &[&tensor("t", &[0], 0, 0), &pad]), "impossible dimension"),
        (built(3, 1, 0, &[&tensor("t", &[], 0, 0), &pad]), "0 dimensions"),
        (built(3, 1, 0, &[&tensor("t", &[33], 8, 0), &pad]), "multiple of a block"),
        (built(3, 1, 0, &[&tensor("t", &[256], 10, 0), &pad]), "Q2_K"),
        (built(3, 1, 0, &[&tensor("t", &[48], 6, 0), &pad]), "a block of Q5_0"),
        (built(3, 2, 0, &[&tensor("s", &[32], 0, 0), &tensor("t", &[32], 0, 64), &pad]), "overlap"),
        (built(3, 2, 0, &[&tensor("t", &[8], 0, 0), &tensor("t", &[8], 0, 32), &pad]), "twice"),
        (built(3, 0, 0, &[&pad]), "general.architecture"),
    ] {
        let said = complaint(bytes);
        assert!(said.contains(word) && said.contains("changed.gguf"), "{word}: {said}");
    }
}

#[test]
fn a_scale_that_is_no_number_is_named() {
    let mut bytes = fixture("smollm.gguf");
    // Data begin after the entry of the table's last tensor: its name, one dimension, type and offset.
    let last = b"output_norm.weight";
    let entry = bytes.windows(last.len()).rposition(|window| window == last).expect("the last tensor");
    let start = (entry + last.len() + 4 + 8 + 4 + 8).next_multiple_of(32);
    bytes[start + 34..start + 36].copy_from_slice(&[0x00, 0x7E]); // NaN, in the second block of the embeddings
    let said = complaint(bytes);
    assert!(said.contains("scale is no number") && said.contains("changed.gguf"), "{said}");
}

/// Puts another text of the same length in a file.
fn replaced(name: &str, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = fixture(name);
    let mut places = 0;
    for start in 0..bytes.len() - from.len() {
        if &bytes[start..start + from.len()] == from.as_bytes() {
            bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
            places += 1;
        }
    }
    assert!(places > 0, "{from} is not in {name}");
    bytes
}

#[test]
fn what_is_not_known_is_named_with_what_is() {
    for (bytes, words) in [
        (replaced("smollm.gguf", "smollm", "smallm"), ["smallm", "pre-tokenizer"]),
        (replaced("qwen2.gguf", "qwen2.", "qwen9."), ["qwen2", "embedding_length"]),
        (replaced("smollm.gguf", "llama", "grock"), ["grock", "qwen3"]),
        (replaced("gemma2.gguf", "ggml.scores", "ggml.scorez"), ["tokenizer.ggml.scores", "metadata"]),
        (replaced("smollm.gguf", "ggml.merges", "ggml.mergez"), ["tokenizer.ggml.merges", "metadata"]),
        (replaced("smollm.gguf", "ffn_up", "ffn_xx"), ["ffn_xx", "llama"]),
    ] {
        let said = complaint(bytes);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
}
