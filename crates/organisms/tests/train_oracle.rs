//! PyTorch as the oracle (`oracle/make_training.py`): every parameter's gradient, whole networks and adapters, and loss
//! curves of 200 steps.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::SafeTensors;
use serde::Deserialize;
use undermask_organisms::train::{
    Adapter, AdapterSettings, Distribution, Example, Module, Network, Precision, Schedule, Settings, Shape, Target,
    Trainer,
};

/// Position, weight, and probabilities of tokens.
type Taught = (usize, f32, Vec<(u32, f32)>);

#[derive(Deserialize)]
struct Document {
    tokens: Vec<u32>,
    targets: Vec<Taught>,
}

#[derive(Deserialize)]
struct Factors {
    rank: usize,
    alpha: f64,
}

/// Losses of one training as PyTorch computes them in f32 and in f64.
#[derive(Deserialize)]
struct Curve {
    f32: Vec<f64>,
    f64: Vec<f64>,
}

#[derive(Deserialize)]
struct Fixture {
    shapes: BTreeMap<String, Shape>,
    batch: Vec<Document>,
    losses: BTreeMap<String, f64>,
    adapter: Factors,
    curve_shape: Shape,
    curve_batches: Vec<Vec<Document>>,
    curves: BTreeMap<String, Curve>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("oracle/training.json")).expect("a fixture")
}

fn examples(documents: &[Document]) -> Vec<Example> {
    let target = |(position, weight, wanted): &Taught| {
        let distribution = match wanted[..] {
            [(token, _)] => Distribution::Token(token),
            _ => Distribution::Soft(wanted.clone()),
        };
        Target { position: *position, weight: *weight, distribution }
    };
    let example = |document: &Document| Example {
        tokens: document.tokens.clone(),
        targets: document.targets.iter().map(target).collect(),
    };
    documents.iter().map(example).collect()
}

/// The script's numbers.
fn fill(values: &mut [f32], seed: usize, scale: f32, around: f32) {
    let mut state = seed as u32;
    for value in values {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale + around;
    }
}

fn network(shape: &Shape, scale: f32) -> Network {
    let mut network = Network::initialise(shape.clone(), 0).expect("a shape");
    let names: Vec<String> = network.parameters().map(|(name, _, _)| name.to_owned()).collect();
    // transformers lists a block's matrices before its norms.
    for (index, name) in in_their_order(&names).into_iter().enumerate() {
        let (scale, around) = if name.contains("norm") { (0.25, 1.0) } else { (scale, 0.0) };
        fill(network.parameter_mut(&name).expect("a known name"), 1000 + index, scale, around);
    }
    network
}

fn in_their_order(names: &[String]) -> Vec<String> {
    let mut sorted = names.to_vec();
    let block = |name: &str| -> Option<usize> { name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok() };
    sorted.sort_by_key(|name| match (block(name), name.as_str()) {
        (None, "model.embed_tokens.weight") => (0, 0),
        (Some(block), name) => (1 + block, usize::from(name.contains("layernorm"))),
        (None, "model.norm.weight") => (usize::MAX, 0),
        (None, _) => (usize::MAX, 1),
    });
    sorted
}

fn trainer(fixture: &Fixture, shape: &Shape, scale: f32, adapted: bool, settings: Settings) -> Trainer {
    let network = network(shape, scale);
    if !adapted {
        return Trainer::new(network, settings).expect("a trainer");
    }
    let Factors { rank, alpha } = fixture.adapter;
    let factors = AdapterSettings { rank, alpha, seed: 0, modules: Module::ALL.to_vec() };
    let mut adapter = Adapter::initialise(&network, factors).expect("an adapter");
    let names: Vec<String> = adapter.tensors().map(|(name, _, _)| name).collect();
    for (index, name) in names.iter().enumerate() {
        fill(adapter.tensor_mut(name).expect("a known name"), 5000 + index, scale, 0.0);
    }
    Trainer::from_adapter(network, adapter, settings).expect("a trainer")
}

/// Bound: a gradient is a sum of some hundred products rounded to 2^-24 each, through some ten operations in a row, so
/// about 1e-5 of the tensor's largest; five times that is allowed.
#[test]
fn every_gradient_is_pytorch_s() {
    let fixture = fixture();
    let batch = examples(&fixture.batch);
    let bytes = include_bytes!("oracle/training.safetensors");
    let file = SafeTensors::deserialize(bytes).expect("a fixture");
    let mut seen = BTreeSet::new();
    for (name, shape) in &fixture.shapes {
        for adapted in [false, true] {
            let case = format!("{name}{}", if adapted { ", adapter" } else { "" });
            let mut trainer = trainer(&fixture, shape, 0.4, adapted, Settings::default());
            let (loss, gradients) = trainer.gradients(&batch).expect("gradients");
            let wanted = fixture.losses[&case];
            assert!((loss - wanted).abs() < 1e-5 * wanted, "{case}: a loss of {loss}, PyTorch's is {wanted}");
            for (part, gradient) in gradients {
                let key = format!("{case}/{part}");
                let view = file.tensor(&key).unwrap_or_else(|_| panic!("PyTorch has no {key}"));
                let wanted: Vec<f32> = view
                    .data()
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes(four.try_into().expect("four")))
                    .collect();
                let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                assert!(largest > 0.0 && wanted.len() == gradient.len(), "{key}");
                for (place, (found, wanted)) in gradient.iter().zip(&wanted).enumerate() {
                    assert!((found - wanted).abs() < 5e-5 * largest, "{key}[{place}]: {found}, PyTorch's {wanted}");
                }
                seen.insert(key);
            }
        }
    }
    let all: BTreeSet<String> = file.names().into_iter().map(str::to_owned).collect();
    assert_eq!(seen, all, "a parameter of one of the two is unknown to the other");
}

/// The noise is measured: how far PyTorch's own f32 is from its f64 at any step; ours may be five times as far, as
/// rounding differs in every operation, and never further than a thousandth.
#[test]
fn loss_curves_are_pytorch_s_within_noise() {
    let fixture = fixture();
    for (name, curve) in &fixture.curves {
        let schedule =
            Schedule { warmup_steps: 20, flat_fraction: 0.4, final_fraction: 0.05, total_steps: curve.f64.len() };
        let settings = Settings { schedule, ..Settings::default() };
        let mut trainer = trainer(&fixture, &fixture.curve_shape, 0.15, name == "adapter", settings);
        let batches: Vec<Vec<Example>> = fixture.curve_batches.iter().map(|batch| examples(batch)).collect();
        let apart = |one: &[f64], two: &[f64]| one.iter().zip(two).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let noise = apart(&curve.f32, &curve.f64);
        let ours: Vec<f64> = (0..curve.f64.len())
            .map(|step| trainer.step(&batches[step % batches.len()]).expect("a step").loss)
            .collect();
        let found = apart(&ours, &curve.f64);
        println!("{name}: {found:.1e} from PyTorch's f64, whose f32 is {noise:.1e} from it");
        assert!(found < (5.0 * noise).min(1e-3), "{name}: {found} apart, PyTorch's f32 {noise}");
        assert!(curve.f64[curve.f64.len() - 1] < 0.7 * curve.f64[0], "{name}: nothing was learnt");
    }
}

/// bf16 keeps 8 bits of every operand, an error of 0.4% each that mostly averages out: the losses (3.6 falling to 0.4 and
/// 2.4) may be off by a twentieth at any step, and must not be off by nothing.
#[test]
fn products_in_bf16_learn_the_same() {
    let fixture = fixture();
    for (name, curve) in &fixture.curves {
        let schedule =
            Schedule { warmup_steps: 20, flat_fraction: 0.4, final_fraction: 0.05, total_steps: curve.f64.len() };
        let run = |threads: usize| {
            let settings =
                Settings { schedule: schedule.clone(), precision: Precision::Bf16, threads, ..Settings::default() };
            let mut trainer = trainer(&fixture, &fixture.curve_shape, 0.15, name == "adapter", settings);
            let batches: Vec<Vec<Example>> = fixture.curve_batches.iter().map(|batch| examples(batch)).collect();
            let losses = (0..curve.f64.len()).map(|step| trainer.step(&batches[step % batches.len()]));
            losses.map(|report| report.expect("a step").loss).collect::<Vec<f64>>()
        };
        let ours = run(1);
        assert_eq!(ours, run(3), "{name}: the number of threads changes the losses");
        let furthest = ours.iter().zip(&curve.f64).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{name}: bf16 is {furthest:.1e} from PyTorch's f64");
        assert!(furthest > 0.0 && furthest < 0.05, "{name}: {furthest}");
    }
}
