//! Every family against transformers in f32, on models of random weights (`oracle/make_families.py`), and what each
//! config.json asks for that is not done.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Fixture, furthest, relative, rows};
use undermask_engine::{Config, HookPoint, Precision};

/// max |Δ| over max |x| of the tensor.
const TOLERANCE: f32 = 1e-4;

fn check(fixture: &Fixture, index: usize) -> f32 {
    let tokens = fixture.tokens(&format!("{index}.tokens"));
    let kept = fixture.integers(&format!("{index}.positions"));
    let config = fixture.model.config();
    let points: Vec<HookPoint> = (0..config.layers).map(HookPoint::ResidPost).collect();
    let found = fixture.model.activations(&tokens, &points).expect("activations");
    let mut worst = 0.0f32;
    for layer in 0..config.layers {
        let expected = fixture.floats(&format!("{index}.blocks.{layer}.resid_post"));
        let found = rows(&found.points[&HookPoint::ResidPost(layer)], config.hidden, &kept);
        worst = worst.max(relative(&found, &expected));
    }
    let expected = fixture.floats(&format!("{index}.logits"));
    worst.max(relative(&rows(&found.logits, config.vocabulary, &kept), &expected))
}

#[test]
fn blocks_and_logits_are_those_of_transformers() {
    let fixtures = Fixture::all("families");
    for family in ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "olmo2"] {
        assert!(fixtures.iter().filter(|fixture| fixture.name.starts_with(family)).count() >= 3, "{family}");
    }
    for fixture in fixtures.iter().filter(|fixture| fixture.name != "eight-thousand") {
        let worst = (0..4).map(|index| check(fixture, index)).fold(0.0, f32::max);
        println!("{}: {worst:e}", fixture.name);
        assert!(worst <= TOLERANCE, "{}: {worst:e}", fixture.name);
    }
}

/// Our bf16 may be this many times as far from transformers' f32 as transformers' own bf16 is (`oracle/make_bf16.py`), for
/// every block's output and the logits over all sequences of a model. Measured with AVX512-BF16: 99 of 101 tensors are
/// within 1.0, the median is 0.47 and the furthest 1.08; the rest is for other instruction sets, which sum in another order.
const SHARE: f32 = 1.25;
/// The same for one sequence by itself. The shortest is one token, of which the furthest of 32 numbers is a matter of
/// chance for both.
const SHARE_ALONE: f32 = 2.5;

#[test]
fn bf16_is_as_near_to_f32_as_that_of_transformers() {
    let saved = std::fs::read_to_string(support::folder().join("bf16.json")).expect("the fixture");
    let saved: BTreeMap<String, BTreeMap<String, f32>> = serde_json::from_str(&saved).expect("distances");
    let (mut over, mut alone, mut together) = (Vec::new(), Vec::new(), Vec::new());
    for fixture in Fixture::all("families").iter().filter(|fixture| fixture.name != "eight-thousand") {
        let (distances, model) = (&saved[&fixture.name], fixture.in_precision(Precision::Bf16));
        let config = model.config();
        let points: Vec<HookPoint> = (0..config.layers).map(HookPoint::ResidPost).collect();
        // Of each tensor, the furthest of ours and of theirs.
        let mut furthest_of: BTreeMap<String, [f32; 2]> = BTreeMap::new();
        for index in 0..4 {
            let kept = fixture.integers(&format!("{index}.positions"));
            let found = model.activations(&fixture.tokens(&format!("{index}.tokens")), &points).expect("activations");
            let blocks = (0..config.layers).map(|layer| {
                (format!("blocks.{layer}.resid_post"), &found.points[&HookPoint::ResidPost(layer)], config.hidden)
            });
            for (tensor, values, wide) in blocks.chain([("logits".to_owned(), &found.logits, config.vocabulary)]) {
                let name = format!("{index}.{tensor}");
                let (own, theirs) = (furthest(&rows(values, wide, &kept), &fixture.floats(&name)), distances[&name]);
                alone.push(own / theirs);
                if own > SHARE_ALONE * theirs {
                    over.push(format!("{} {name}: {:.2}", fixture.name, own / theirs));
                }
                let both = furthest_of.entry(tensor).or_default();
                *both = [both[0].max(own), both[1].max(theirs)];
            }
        }
        for (tensor, [own, theirs]) in furthest_of {
            println!("{} {tensor}: {:.3}", fixture.name, own / theirs);
            together.push(own / theirs);
            if own > SHARE * theirs {
                over.push(format!("{} {tensor}: {:.3}", fixture.name, own / theirs));
            }
        }
    }
    for (what, ratios) in [("tensors", &mut together), ("tensors of one sequence", &mut alone)] {
        ratios.sort_by(f32::total_cmp);
        let (middle, last) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
        println!("{} {what}: median {middle:.3}, worst {last:.3}", ratios.len());
    }
    assert!(over.is_empty(), "further than transformers' own:\n{}", over.join("\n"));
}

#[test]
fn eight_thousand_tokens_are_those_of_transformers() {
    let fixture = Fixture::read(&support::folder().join("families/eight-thousand.safetensors"));
    let worst = check(&fixture, 0);
    println!("8192 tokens: {worst:e}");
    assert!(worst <= TOLERANCE, "{worst:e}");
}

#[test]
fn gemma_3_is_read_within_a_model_that_also_sees() {
    let fixture = Fixture::read(&support::folder().join("families/gemma3-older.safetensors"));
    let shapes = serde_json::from_str(&fixture.metadata["tensors"]).expect("shapes");
    let text: Value = serde_json::from_str(&fixture.metadata["config"]).expect("JSON");
    let outer = json!({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
        "text_config": text, "vision_config": {"hidden_size": 8}, "eos_token_id": [1, 106]});
    for prefix in ["model.language_model.", "language_model.model."] {
        let rename = |name: &str| name.replacen("model.", prefix, 1);
        let weights = support::weights(&shapes, true, &rename);
        let model = support::open("seeing", &outer.to_string(), weights).expect("a model");
        let tokens = fixture.tokens("2.tokens");
        let one = model.activations(&tokens, &[]).expect("logits");
        let two = fixture.model.activations(&tokens, &[]).expect("logits");
        assert_eq!(one.logits, two.logits);
    }
}

/// config.json of a fixture with some keys changed (null: taken away).
fn changed(name: &str, changes: Value) -> Result<Config, String> {
    let fixture = Fixture::read(&support::folder().join(format!("families/{name}.safetensors")));
    let mut json: Value = serde_json::from_str(&fixture.metadata["config"]).expect("JSON");
    for (key, value) in changes.as_object().expect("keys") {
        json[key] = value.clone();
    }
    Config::parse(&json.to_string()).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let cases = [
        ("llama-dynamic", json!({"hidden_act": "relu"}), "hidden_act"),
        ("llama-dynamic", json!({"hidden_act": 7}), "hidden_act"),
        ("llama-dynamic", json!({"rope_parameters": {"rope_type": "proportional"}}), "proportional"),
        ("llama-dynamic", json!({"rope_scaling": {"type": "mrope"}}), "mrope"),
        ("llama-dynamic", json!({"rope_scaling": {"type": "linear"}}), "factor"),
        ("llama-dynamic", json!({"rope_scaling": {"type": "linear", "factor": -2.0}}), "factor"),
        ("llama-dynamic", json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor"),
        (
            "llama-dynamic",
            json!({"layer_types": ["full_attention", "full_attention", "sliding_attention"]}),
            "layer_types",
        ),
        ("llama-dynamic", json!({"layer_types": ["full_attention"]}), "layer_types"),
        ("llama-dynamic", json!({"quantization_config": {"bits": 4}}), "quantization_config"),
        ("llama-dynamic", json!({"attention_bias": "yes"}), "attention_bias"),
        ("llama-dynamic", json!({"num_key_value_heads": 3}), "num_key_value_heads"),
        ("llama-dynamic", json!({"num_hidden_layers": 100_000}), "num_hidden_layers"),
        ("llama-dynamic", json!({"head_dim": 7}), "pairs"),
        ("llama-dynamic", json!({"rms_norm_eps": 2}), "rms_norm_eps"),
        ("llama-dynamic", json!({"rope_theta": 0.5, "rope_parameters": null}), "rope_theta"),
        ("llama-dynamic", json!({"architectures": ["GPT2LMHeadModel"]}), "GPT2LMHeadModel"),
        ("mistral-window", json!({"attention_bias": true}), "attention_bias"),
        (
            "mistral-window",
            json!({"layer_types": ["full_attention", "full_attention", "full_attention"]}),
            "layer_types",
        ),
        (
            "qwen2-plain",
            json!({"layer_types": ["sliding_attention", "sliding_attention", "sliding_attention"]}),
            "use_sliding_window",
        ),
        ("qwen2-plain", json!({"attention_bias": false}), "attention_bias"),
        (
            "qwen2-types",
            json!({"layer_types": ["full_attention", "linear_attention", "full_attention"]}),
            "linear_attention",
        ),
        ("gemma2-plain", json!({"use_bidirectional_attention": true}), "use_bidirectional_attention"),
        ("gemma2-plain", json!({"query_pre_attn_scalar": -1}), "query_pre_attn_scalar"),
        ("gemma3-newer", json!({"attn_logit_softcapping": 50.0}), "attn_logit_softcapping"),
        ("gemma3-newer", json!({"rope_parameters": {"rope_type": "default"}}), "full_attention"),
        ("phi3-long", json!({"original_max_position_embeddings": null}), "original_max_position_embeddings"),
        (
            "phi3-long",
            json!({"rope_scaling": {"type": "longrope", "short_factor": [1, 2, 3], "long_factor": [1, 2, 3, 4]}}),
            "short_factor",
        ),
        ("phi3-plain", json!({"rope_scaling": {"type": "linear", "factor": 2}}), "longrope"),
        ("olmo2-plain", json!({"clip_qkv": 8.0}), "clip_qkv"),
    ];
    for (name, changes, words) in cases {
        let error = changed(name, changes.clone()).err().unwrap_or_else(|| panic!("{name} reads {changes}"));
        assert!(error.contains(words), "{changes}: {error}");
    }
}
