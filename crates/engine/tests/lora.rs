//! LoRA adapters against PEFT's own computation, merged and applied, and adapters that do not fit.
//!
//! The fixtures are made by `oracle/make_lora.py`.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use undermask_engine::{Adaptation, EngineError, Gguf, Source};

const WAYS: [Adaptation; 2] = [Adaptation::Merged, Adaptation::Applied];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn adapted(base: Source, adapter: Source, how: Adaptation) -> Source {
    Source::Adapted { base: Box::new(base), adapter: Box::new(adapter), how }
}

fn logits(source: &Source, tokens: &[u32]) -> Vec<f32> {
    let model = support::opened(source).unwrap_or_else(|error| panic!("{error}"));
    model.activations(tokens, &[]).expect("logits").logits
}

/// Furthest of the last rows, relative to the largest that is wanted.
fn furthest(wanted: &[f32], found: &[f32]) -> f32 {
    let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let found = &found[found.len() - wanted.len()..];
    wanted.iter().zip(found).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max) / largest
}

#[test]
fn logits_match_peft_merged_and_applied() {
    for name in ["attention", "all", "pattern", "layers", "fused", "head"] {
        let directory = fixtures().join("lora").join(name);
        let base = fixtures().join(std::fs::read_to_string(directory.join("base.txt")).expect("the base's name"));
        let bytes = std::fs::read(directory.join("expected.safetensors")).expect("the fixture");
        let expected = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let data = |name: &str| expected.tensor(name).expect("a tensor").data().to_vec();
        let tokens: Vec<u32> =
            data("tokens").chunks_exact(8).map(|id| u32::from(id[0]) | u32::from(id[1]) << 8).collect();
        let wanted: Vec<f32> = data("logits")
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().expect("four bytes")))
            .collect();
        let base = || Source::Directory(base.clone());
        let moved = furthest(&wanted, &logits(&base(), &tokens));
        assert!(moved > 1e-2, "{name}: the adapter must change something, {moved}");
        for how in WAYS {
            let source = adapted(base(), Source::Directory(directory.clone()), how);
            let apart = furthest(&wanted, &logits(&source, &tokens));
            println!("{name}, {how:?}: {apart:e} (the adapter moves logits by {moved:.3})");
            assert!(apart <= 1e-4, "{name}, {how:?}: {apart}");
        }
    }
}

#[test]
fn the_hash_covers_the_adapter_and_not_the_way() {
    let open = |source: &Source| support::opened(source).expect("a model").identity().weights.clone();
    let base = || Source::Directory(fixtures().join("grouped"));
    let with = |name: &str, how| open(&adapted(base(), Source::Directory(fixtures().join("lora").join(name)), how));
    let hashes = [open(&base()), with("attention", Adaptation::Merged), with("pattern", Adaptation::Merged)];
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
    assert_eq!(hashes[1], with("attention", Adaptation::Applied));
}

/// An adapter in memory, of factors by name.
fn built(config: &str, factors: &[(&str, [usize; 2])]) -> Source {
    let values: Vec<Vec<u8>> = factors
        .iter()
        .enumerate()
        .map(|(seed, (_, [rows, columns]))| {
            let value = |place: usize| ((place * 37 + seed * 11) % 19) as f32 / 190.0 - 0.04;
            (0..rows * columns).flat_map(|place| value(place).to_le_bytes()).collect()
        })
        .collect();
    let views: BTreeMap<String, TensorView> = factors
        .iter()
        .zip(&values)
        .map(|((name, shape), bytes)| {
            let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("a view");
            (format!("base_model.model.{name}.weight"), view)
        })
        .collect();
    let bytes = safetensors::serialize(views, None).expect("bytes");
    let files = vec![
        ("adapter_config.json".to_owned(), config.as_bytes().to_vec().into()),
        ("adapter_model.safetensors".to_owned(), bytes.into()),
    ];
    Source::Memory { name: "built".to_owned(), files }
}

const CONFIG: &str =
    r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "layers_to_transform": [0]}"#;
const DOWN: &str = "model.layers.0.self_attn.q_proj.lora_A";
const UP: &str = "model.layers.0.self_attn.q_proj.lora_B";

#[test]
fn a_gguf_base_takes_an_adapter_and_two_adapters_add_up() {
    let gguf = || Source::Gguf(Gguf::open(&fixtures().join("gguf/smollm.gguf")).expect("a file"));
    let adapter = || built(CONFIG, &[(DOWN, [2, 32]), (UP, [64, 2])]);
    let tokens = [5, 80, 300, 12, 7];
    let plain = logits(&gguf(), &tokens);
    let once = logits(&adapted(gguf(), adapter(), Adaptation::Merged), &tokens);
    assert!(furthest(&plain, &once) > 1e-3);
    assert!(furthest(&once, &logits(&adapted(gguf(), adapter(), Adaptation::Applied), &tokens)) < 1e-5);
    let doubled = CONFIG.replace("\"lora_alpha\": 4", "\"lora_alpha\": 8");
    let doubled = built(&doubled, &[(DOWN, [2, 32]), (UP, [64, 2])]);
    let wanted = logits(&adapted(gguf(), doubled, Adaptation::Merged), &tokens);
    for (first, second) in [(WAYS[0], WAYS[0]), (WAYS[0], WAYS[1]), (WAYS[1], WAYS[1])] {
        let twice = adapted(adapted(gguf(), adapter(), first), adapter(), second);
        assert!(furthest(&wanted, &logits(&twice, &tokens)) < 1e-5);
    }
}

fn complaint(adapter: Source) -> String {
    let base = Source::Directory(fixtures().join("grouped"));
    match support::opened(&adapted(base, adapter, Adaptation::Merged)) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn adapters_that_do_not_fit_are_refused() {
    // The base is [64, 64] at queries.
    let good = [(DOWN, [2, 64]), (UP, [64, 2])];
    let extra = ("model.layers.0.self_attn.q_proj.lora_magnitude_vector", [64, 1]);
    let other = CONFIG.replace("q_proj", "k_proj");
    let both = CONFIG.replace("\"q_proj\"", "\"q_proj\", \"v_proj\"");
    for (adapter, words) in [
        (built(CONFIG, &[(DOWN, [2, 48]), (UP, [64, 2])]), ["[2, 48]", "another model's"]),
        (built(CONFIG, &[(DOWN, [3, 64]), (UP, [64, 3])]), ["rank 2", "[3, 64]"]),
        (built(CONFIG, &good[..1]), ["lora_B", "missing"]),
        (built(CONFIG, &good[1..]), ["lora_B", "not part of"]),
        (built(CONFIG, &[good[0], good[1], extra]), ["magnitude", "not part of"]),
        (built(CONFIG, &[good[0], good[1], ("model.norm.base_layer", [64, 1])]), ["norm", "differs from the base's"]),
        (built(CONFIG, &[]), ["no factors", "built"]),
        (built(&other, &good), ["q_proj", "does not name"]),
        (built(&both, &good), ["v_proj", "no factors"]),
        (
            built(CONFIG, &[("model.layers.9.x.lora_A", [2, 64]), ("model.layers.9.x.lora_B", [64, 2])]),
            ["layers.9.x", "no matrix"],
        ),
        (built("{", &good), ["adapter_config.json", "JSON"]),
        (Source::Memory { name: "empty".to_owned(), files: Vec::new() }, ["adapter_config.json", "PEFT"]),
        (
            Source::Memory {
                name: "pickled".to_owned(),
                files: vec![
                    ("adapter_config.json".to_owned(), CONFIG.as_bytes().to_vec().into()),
                    ("adapter_model.bin".to_owned(), vec![0x80, 2].into()),
                ],
            },
            ["pickled", "safe_serialization"],
        ),
    ] {
        let said = complaint(adapter);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
}

#[test]
fn damaged_adapters_are_refused() {
    let directory = fixtures().join("lora/attention");
    let whole = std::fs::read(directory.join("adapter_model.safetensors")).expect("the fixture");
    let config = std::fs::read(directory.join("adapter_config.json")).expect("the fixture");
    let with = |bytes: Vec<u8>| Source::Memory {
        name: "cut".to_owned(),
        files: vec![
            ("adapter_config.json".to_owned(), config.clone().into()),
            ("adapter_model.safetensors".to_owned(), bytes.into()),
        ],
    };
    for end in (0..whole.len()).step_by(97) {
        let said = complaint(with(whole[..end].to_vec()));
        assert!(said.contains("cut/adapter_model.safetensors"), "{said}");
    }
    let mut bytes = whole;
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let base = Source::Directory(fixtures().join("grouped"));
    let refused = support::opened(&adapted(base, with(bytes), Adaptation::Applied)).err();
    assert!(matches!(refused, Some(EngineError::Adapter { .. })), "{refused:?}");
}
