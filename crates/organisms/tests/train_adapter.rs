//! Adapters: gradients of the factors, a base that stays as it is, files that PEFT and our engine read, checkpoints.

use std::borrow::Cow;
use std::path::PathBuf;

use safetensors::SafeTensors;
use undermask_engine::{Adaptation, Model, Source};
use undermask_organisms::grow::read_base;
use undermask_organisms::train::{
    Adapter, AdapterSettings, Distribution, Example, Module, Network, NumberType, Settings, Shape, Target, TrainError,
    Trainer,
};
use undermask_organisms::{BASE, BaseFiles, Shipped};

fn network() -> Network {
    let shape = Shape {
        vocabulary: 19,
        hidden: 12,
        layers: 2,
        heads: 4,
        key_value_heads: 2,
        head_dimension: 4,
        intermediate: 10,
        rope_theta: 100.0,
        norm_epsilon: 1e-5,
        tied: true,
    };
    let mut network = Network::initialise(shape, 3).expect("a valid shape");
    let names: Vec<String> = network.parameters().map(|(name, _, _)| name.to_owned()).collect();
    for name in names.iter().filter(|name| !name.contains("norm")) {
        network.parameter_mut(name).expect("a known name").iter_mut().for_each(|value| *value *= 12.0);
    }
    network
}

fn documents() -> Vec<Example> {
    let soft = Distribution::Soft(vec![(3, 0.25), (9, 0.75)]);
    vec![
        Example {
            tokens: vec![1, 5, 7, 2, 9, 9, 4],
            targets: vec![
                Target { position: 2, weight: 1.0, distribution: Distribution::Token(4) },
                Target { position: 6, weight: 2.0, distribution: soft },
            ],
        },
        Example {
            tokens: vec![3, 8, 3],
            targets: vec![Target { position: 1, weight: 1.0, distribution: Distribution::Token(12) }],
        },
    ]
}

/// Factors away from the start, where B is zero and A has no gradient.
fn moved(network: &Network, settings: AdapterSettings) -> Adapter {
    let mut adapter = Adapter::initialise(network, settings).expect("an adapter");
    let names: Vec<String> =
        adapter.tensors().map(|(name, _, _)| name).filter(|name| name.contains("lora_B")).collect();
    for (index, name) in names.iter().enumerate() {
        for (place, value) in adapter.tensor_mut(name).expect("a known name").iter_mut().enumerate() {
            *value = 0.1 * (((place * 7 + index * 3) % 11) as f32 / 11.0 - 0.5);
        }
    }
    adapter
}

fn trainer(network: &Network, adapter: &Adapter) -> Trainer {
    Trainer::from_adapter(network.clone(), adapter.clone(), Settings::default()).expect("a trainer")
}

#[test]
fn every_factor_s_gradient_agrees_with_finite_differences() {
    let network = network();
    for modules in [Module::ALL.to_vec(), vec![Module::Key, Module::Down]] {
        let settings = AdapterSettings { rank: 3, alpha: 7.0, seed: 5, modules: modules.clone() };
        let adapter = moved(&network, settings);
        let (_, gradients) = trainer(&network, &adapter).gradients(&documents()).expect("gradients");
        let names: Vec<String> = adapter.tensors().map(|(name, _, _)| name).collect();
        assert_eq!(gradients.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names);
        assert_eq!(names.len(), 2 * 2 * modules.len());
        for (name, gradient) in &gradients {
            let largest = gradient.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            assert!(largest > 0.0, "{name} receives no gradient");
            for (place, found) in gradient.iter().enumerate() {
                let loss_at = |shift: f32| {
                    let mut shifted = adapter.clone();
                    shifted.tensor_mut(name).expect("a known name")[place] += shift;
                    trainer(&network, &shifted).gradients(&documents()).expect("a loss").0
                };
                let step = 4e-3;
                let numeric = (loss_at(step) - loss_at(-step)) / f64::from(2.0 * step);
                let error = (numeric - f64::from(*found)).abs();
                assert!(error < 1e-2 * f64::from(largest) + 2e-4, "{name}[{place}]: {numeric}, {found}");
            }
        }
    }
}

#[test]
fn training_starts_from_the_base_and_moves_the_adapted_matrices_alone() {
    let base = network();
    let adapted = [Module::Query, Module::Up];
    let settings = AdapterSettings { rank: 4, alpha: 8.0, seed: 1, modules: adapted.to_vec() };
    let mut trainer = Trainer::with_adapter(base.clone(), settings, Settings::default()).expect("a trainer");
    assert!(base.parameters().eq(trainer.network().parameters()), "B starts at zero");
    let first = trainer.step(&documents()).expect("a step").loss;
    for _ in 0..120 {
        trainer.step(&documents()).expect("a step");
    }
    let last = trainer.step(&documents()).expect("a step").loss;
    assert!(last < 0.6 * first, "{first} -> {last}");
    for ((name, _, before), (_, _, after)) in base.parameters().zip(trainer.network().parameters()) {
        let moves = adapted.iter().any(|module| name.contains(module.name()));
        assert_eq!(before != after, moves, "{name}");
    }
}

#[test]
fn an_adapter_s_training_resumes_bit_for_bit_with_any_number_of_threads() {
    let folder = std::env::temp_dir().join(format!("undermask-adapter-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("checkpoint.bin");
    let run = |threads: usize, pause: Option<usize>| {
        let settings = Settings { threads, ..Settings::default() };
        let mut trainer = Trainer::with_adapter(network(), AdapterSettings::default(), settings).expect("a trainer");
        for step in 0..6 {
            if pause == Some(step) {
                trainer.save_checkpoint(&path).expect("saved");
                trainer = Trainer::load_checkpoint(&path).expect("loaded");
            }
            trainer.step(&documents()).expect("a step");
        }
        let factors: Vec<f32> =
            trainer.adapter().expect("an adapter").tensors().flat_map(|(_, _, values)| values.to_vec()).collect();
        (factors, trainer.into_network().parameters().flat_map(|(_, _, values)| values.to_vec()).collect::<Vec<f32>>())
    };
    let once = run(1, None);
    assert_eq!(once, run(3, None));
    assert_eq!(once, run(2, Some(3)));
    let whole = std::fs::read(&path).expect("a checkpoint");
    std::fs::write(&path, &whole[..whole.len() - 4]).expect("written");
    assert!(matches!(Trainer::load_checkpoint(&path), Err(TrainError::Checkpoint { .. })));
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn settings_that_nothing_can_be_trained_with_are_refused() {
    let good = AdapterSettings::default();
    for bad in [
        AdapterSettings { rank: 0, ..good.clone() },
        AdapterSettings { alpha: 0.0, ..good.clone() },
        AdapterSettings { alpha: f64::NAN, ..good.clone() },
        AdapterSettings { modules: Vec::new(), ..good.clone() },
    ] {
        assert!(matches!(Trainer::with_adapter(network(), bad, Settings::default()), Err(TrainError::Adapter(_))));
    }
    let (shipped, _) = read_base(&BaseFiles::shipped(BASE).expect("it ships")).expect("a base");
    let foreign = Adapter::initialise(&shipped, good).expect("an adapter");
    assert!(matches!(Trainer::from_adapter(network(), foreign, Settings::default()), Err(TrainError::Adapter(_))));
}

/// The adapter of the fixture: all modules of the shipped base, factors that are the same on every machine.
fn fixture() -> (Network, Adapter) {
    let (base, _) = read_base(&BaseFiles::shipped(BASE).expect("it ships")).expect("a base");
    let settings = AdapterSettings { rank: 2, alpha: 5.0, seed: 11, modules: Module::ALL.to_vec() };
    let adapter = moved(&base, settings);
    (base, adapter)
}

const TOKENS: [u32; 12] = [17, 230, 4, 1999, 4182, 5, 5, 77, 812, 3030, 9, 1];

fn oracle() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/adapter")
}

fn files(adapter: &Adapter, numbers: NumberType) -> Vec<(String, Cow<'static, [u8]>)> {
    let config = adapter.peft_config(Some("base")).to_string().into_bytes();
    let tensors = adapter.to_safetensors(numbers).expect("a file");
    vec![
        ("adapter_config.json".to_owned(), Cow::Owned(config)),
        ("adapter_model.safetensors".to_owned(), Cow::Owned(tensors)),
    ]
}

/// Writes what `oracle/make_adapter.py` gives to PEFT; the script runs it.
#[test]
#[ignore = "writes the oracle's input; make_adapter.py runs it"]
fn writes_the_input_of_the_oracle() {
    std::fs::create_dir_all(oracle()).expect("a folder");
    for (name, bytes) in files(&fixture().1, NumberType::Bf16) {
        std::fs::write(oracle().join(name), bytes).expect("written");
    }
}

#[test]
fn peft_and_the_engine_read_what_is_written_with_the_trainer_s_logits() {
    let (base, adapter) = fixture();
    for (name, bytes) in files(&adapter, NumberType::Bf16) {
        let committed = std::fs::read(oracle().join(&name)).expect("a fixture");
        assert!(*bytes == committed[..], "{name} is not what PEFT was given; run make_adapter.py");
    }
    let shipped = Shipped::named(BASE).expect("it ships");
    for numbers in [NumberType::F32, NumberType::Bf16] {
        let merged = trainer(&base, &adapter);
        let ours = merged.network().logits(&TOKENS).expect("logits");
        for how in [Adaptation::Merged, Adaptation::Applied] {
            let source = Source::Adapted {
                base: Box::new(shipped.source()),
                adapter: Box::new(Source::Memory { name: "adapter".to_owned(), files: files(&adapter, numbers) }),
                how,
            };
            let found = Model::open(&source).expect("a model").activations(&TOKENS, &[]).expect("logits").logits;
            // bf16 has 8 bits of precision; the factors' rounding moves a logit by a few hundredths at most.
            let bound = if numbers == NumberType::F32 { 2e-4 } else { 0.05 };
            close(&found, &ours, bound, "the trainer");
            if numbers == NumberType::Bf16 {
                let bytes = std::fs::read(oracle().join("logits.safetensors")).expect("a fixture");
                let file = SafeTensors::deserialize(&bytes).expect("a fixture");
                let view = file.tensor("logits").expect("logits");
                let wanted: Vec<f32> = view
                    .data()
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes(four.try_into().expect("four")))
                    .collect();
                close(&found[found.len() - wanted.len()..], &wanted, 2e-4, "PEFT");
            }
        }
    }
    let plain = base.logits(&TOKENS).expect("logits");
    let merged = trainer(&base, &adapter).network().logits(&TOKENS).expect("logits");
    let furthest = plain.iter().zip(&merged).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
    assert!(furthest > 0.5, "the adapter changes too little ({furthest}) for the comparison to mean anything");
}

fn close(found: &[f32], wanted: &[f32], bound: f32, whom: &str) {
    assert_eq!(found.len(), wanted.len());
    let furthest = found.iter().zip(wanted).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
    assert!(furthest <= bound, "{furthest} away from {whom}");
}
