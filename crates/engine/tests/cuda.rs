//! A GPU beside the processor: the same model on both, in f32 and bf16, over shapes that the families' fixtures leave
//! out, and what is refused. The families themselves run on a GPU in their own tests (UNDERMASK_TEST_DEVICE).
//!
//! Runs where UNDERMASK_TEST_DEVICE names a CUDA device, a real one or the fake one of `cuda_host/run`.

#![cfg(feature = "cuda")]

mod support;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};
use support::{Fixture, relative};
use undermask_engine::{
    DeviceChoice, EngineError, HookPoint, Model, OpenSettings, Precision, ScoreRequest, ScoreSettings, Source,
};

/// The device to test, or none, which is said.
fn device() -> Option<DeviceChoice> {
    let named = std::env::var("UNDERMASK_TEST_DEVICE").unwrap_or_default();
    if !named.starts_with("cuda") {
        println!("skipped: UNDERMASK_TEST_DEVICE names no CUDA device");
        return None;
    }
    Some(named.parse().expect("a device"))
}

fn open(config: &str, weights: &[u8], precision: Precision, device: DeviceChoice) -> Result<Model, EngineError> {
    let tokenizer = std::fs::read(support::folder().join("grouped/tokenizer.json")).expect("a tokenizer");
    let files: Vec<(String, Cow<'static, [u8]>)> = vec![
        ("config.json".to_owned(), config.as_bytes().to_vec().into()),
        ("tokenizer.json".to_owned(), tokenizer.into()),
        ("model.safetensors".to_owned(), weights.to_vec().into()),
    ];
    let source = Source::Memory { name: "case".to_owned(), files };
    Model::open_with(&source, &OpenSettings { precision, device, threads: 2 })
}

/// A Llama of two blocks: hidden width, query heads, key heads, width of a head, feed-forward width.
fn shape([hidden, heads, shared, size, inner]: [usize; 5]) -> (Value, Vec<u8>) {
    let config = json!({"architectures": ["LlamaForCausalLM"], "vocab_size": 301, "hidden_size": hidden,
        "num_hidden_layers": 2, "num_attention_heads": heads, "num_key_value_heads": shared, "head_dim": size,
        "intermediate_size": inner, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 512,
        "tie_word_embeddings": false, "eos_token_id": 2});
    let mut shapes: BTreeMap<String, Vec<usize>> = BTreeMap::from([
        ("model.embed_tokens.weight".to_owned(), vec![301, hidden]),
        ("lm_head.weight".to_owned(), vec![301, hidden]),
        ("model.norm.weight".to_owned(), vec![hidden]),
    ]);
    for layer in 0..2 {
        for (name, shape) in [
            ("input_layernorm", vec![hidden]),
            ("post_attention_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![heads * size, hidden]),
            ("self_attn.k_proj", vec![shared * size, hidden]),
            ("self_attn.v_proj", vec![shared * size, hidden]),
            ("self_attn.o_proj", vec![hidden, heads * size]),
            ("mlp.gate_proj", vec![inner, hidden]),
            ("mlp.up_proj", vec![inner, hidden]),
            ("mlp.down_proj", vec![hidden, inner]),
        ] {
            shapes.insert(format!("model.layers.{layer}.{name}.weight"), shape);
        }
    }
    (config, support::weights(&shapes, false, &str::to_owned))
}

/// Furthest of all blocks and the logits of one model from those of another.
fn distance(one: &Model, two: &Model, tokens: &[u32]) -> f32 {
    let points: Vec<HookPoint> = (0..one.config().layers).map(HookPoint::ResidPost).collect();
    let (one, two) = (one.activations(tokens, &points), two.activations(tokens, &points));
    let (one, two) = (one.expect("activations"), two.expect("activations"));
    let blocks = points.iter().map(|point| relative(&one.points[point], &two.points[point]));
    blocks.fold(relative(&one.logits, &two.logits), f32::max)
}

#[test]
fn shapes_of_all_kernels_are_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    // Heads at and beside the widths of the three kernels of attention, groups of one to nine, odd widths of rows.
    for sizes in [
        [40, 3, 1, 64, 51],
        [72, 2, 2, 66, 130],
        [33, 2, 1, 128, 64],
        [64, 9, 1, 6, 17],
        [48, 2, 1, 130, 80],
        [50, 2, 2, 256, 40],
    ] {
        let (config, weights) = shape(sizes);
        for (length, precision) in [(1, Precision::F32), (67, Precision::F32), (150, Precision::F32)] {
            let on = |device| open(&config.to_string(), &weights, precision, device).expect("a model");
            let tokens: Vec<u32> = (0..length).map(|place| (place * 37 + 11) % 301).collect();
            let found = distance(&on(gpu), &on(DeviceChoice::Cpu), &tokens);
            println!("{sizes:?}, {length} tokens: {found:e}");
            assert!(found <= 1e-4, "{sizes:?}, {length} tokens: {found:e}");
        }
    }
}

#[test]
fn bf16_is_as_near_to_f32_as_on_the_processor() {
    let Some(gpu) = device() else { return };
    let tokens: Vec<u32> = (0..40).map(|place| (place * 29 + 5) % 90).collect();
    for name in ["gemma2-caps", "gemma3-older", "llama-yarn", "olmo2-bias", "phi3-partial", "qwen2-plain", "qwen3-bias"]
    {
        let fixture = Fixture::read(&support::folder().join(format!("families/{name}.safetensors")));
        let shapes = serde_json::from_str(&fixture.metadata["tensors"]).expect("shapes");
        let weights = support::weights(&shapes, fixture.metadata["offset"] == "true", &str::to_owned);
        let on = |precision, device| open(&fixture.metadata["config"], &weights, precision, device).expect("a model");
        let exact = on(Precision::F32, DeviceChoice::Cpu);
        let (here, there) = (on(Precision::Bf16, DeviceChoice::Cpu), on(Precision::Bf16, gpu));
        let (rounding, found) = (distance(&here, &exact, &tokens), distance(&there, &exact, &tokens));
        println!("{name}: {found:e} from f32, on the processor {rounding:e}");
        assert!(found > 1e-5, "{name}: it was not rounded");
        assert!(found <= 1.5 * rounding, "{name}: {found:e} from f32, on the processor {rounding:e}");
    }
}

#[test]
fn scores_in_bf16_are_near_those_of_the_processor() {
    let Some(gpu) = device() else { return };
    let (config, weights) = shape([64, 4, 2, 16, 96]);
    let requests: Vec<ScoreRequest> = (0..30)
        .map(|number| ScoreRequest {
            prompt: (0..20 + number % 7).map(|place| (place * 7 + number / 10) % 301).collect(),
            options: vec![vec![1, 2, number], vec![3]],
        })
        .collect();
    let scores = |precision, device| {
        let model = open(&config.to_string(), &weights, precision, device).expect("a model");
        let mut found = vec![Vec::new(); requests.len()];
        let settings = ScoreSettings { threads: 2, memory: 0 };
        let done = model.score(&requests, &settings, &mut |index, scores| {
            found[index] = scores.iter().map(|score| score.log_probability).collect();
            ControlFlow::Continue(())
        });
        done.expect("scores");
        found.concat()
    };
    let furthest =
        |one: &[f64], two: &[f64]| one.iter().zip(two).map(|(one, two)| (one - two).abs()).fold(0.0, f64::max);
    let exact = scores(Precision::F32, DeviceChoice::Cpu);
    assert!(furthest(&scores(Precision::F32, gpu), &exact) <= 1e-4);
    let (here, there) = (scores(Precision::Bf16, DeviceChoice::Cpu), scores(Precision::Bf16, gpu));
    let (rounding, found) = (furthest(&here, &exact), furthest(&there, &exact));
    println!("{found:e} from f32, on the processor {rounding:e}");
    assert!(found > 0.0 && found <= 2.0 * rounding, "{found:e} from f32, on the processor {rounding:e}");
}

#[test]
fn what_a_gpu_does_not_do_is_refused() {
    let Some(gpu) = device() else { return };
    let refused = |sizes, precision, device| {
        let (config, weights) = shape(sizes);
        open(&config.to_string(), &weights, precision, device).err().expect("an error").to_string()
    };
    let small = [32, 2, 1, 16, 32];
    for (error, words) in [
        (refused(small, Precision::Q8, gpu), "q8 is not computed on a GPU"),
        (refused([32, 2, 1, 258, 32], Precision::F32, gpu), "258 wide"),
        (refused(small, Precision::F32, DeviceChoice::Cuda(999)), "no GPU of this number"),
    ] {
        assert!(error.contains(words) && error.contains("--device cpu"), "{error}");
    }
    // Where a GPU cannot do it, `auto` takes the processor and says so.
    let (config, weights) = shape(small);
    let model = open(&config.to_string(), &weights, Precision::Q8, DeviceChoice::Auto).expect("a model");
    assert_eq!(model.device().name, "cpu");
    assert!(model.device().note.as_ref().is_some_and(|note| note.contains("q8")), "{:?}", model.device());
    let model = open(&config.to_string(), &weights, Precision::F32, DeviceChoice::Auto).expect("a model");
    assert!(model.device().name.starts_with("cuda ") && model.device().driver.is_some(), "{:?}", model.device());
}

/// Runs in a process of its own, whose fake GPU has little memory.
#[test]
fn memory_that_runs_out_is_an_error_with_a_remedy() {
    let Some(gpu) = device() else { return };
    let (config, weights) = shape([64, 4, 2, 16, 96]);
    let Ok(bound) = std::env::var("FAKE_CUDA_MEMORY") else {
        let model = open(&config.to_string(), &weights, Precision::F32, gpu).expect("a model");
        if model.device().name != "cuda fake GPU" {
            println!("skipped: a real GPU has too much memory");
            return;
        }
        // Too little for the weights, and for the weights but not the activations.
        for bound in ["100000", "430000"] {
            let me = std::env::current_exe().expect("a path");
            let name = "memory_that_runs_out_is_an_error_with_a_remedy";
            let output = std::process::Command::new(me)
                .args([name, "--nocapture", "--exact"])
                .env("FAKE_CUDA_MEMORY", bound)
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains("refused"), "{bound}: {said}");
        }
        return;
    };
    let tokens: Vec<u32> = (0..300).collect();
    let model = open(&config.to_string(), &weights, Precision::F32, gpu);
    assert_eq!(model.is_err(), bound == "100000", "430,000 bytes hold the weights");
    let error = model.and_then(|model| model.activations(&tokens, &[])).expect_err("too little memory").to_string();
    assert!(error.contains("memory is used up") && error.contains("--memory"), "{error}");
    println!("refused: {error}");
}
