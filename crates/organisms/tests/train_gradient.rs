//! Every parameter's gradient against central finite differences; determinism; checkpoints; refusals.

mod reference;

use undermask_organisms::train::{Distribution, Example, Network, Settings, Shape, Target, TrainError, Trainer};

fn shape(heads: usize, key_value_heads: usize, tied: bool) -> Shape {
    Shape {
        vocabulary: 23,
        hidden: 12,
        layers: 2,
        heads,
        key_value_heads,
        head_dimension: 4,
        intermediate: 10,
        rope_theta: 100.0,
        norm_epsilon: 1e-5,
        tied,
    }
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
            tokens: vec![8],
            targets: vec![Target { position: 0, weight: 0.5, distribution: Distribution::Token(1) }],
        },
        Example {
            tokens: vec![3, 3, 3],
            targets: vec![Target { position: 1, weight: 1.0, distribution: Distribution::Token(20) }],
        },
    ]
}

/// A network with parameters large enough that every gradient is far from rounding.
fn network(shape: Shape) -> Network {
    let mut network = Network::initialise(shape, 3).expect("a valid shape");
    let names: Vec<String> = network.parameters().map(|(name, _, _)| name.to_owned()).collect();
    for (index, name) in names.iter().enumerate() {
        let values = network.parameter_mut(name).expect("a known name");
        let scale = if name.contains("norm") { 1.0 } else { 12.0 };
        for (place, value) in values.iter_mut().enumerate() {
            *value = *value * scale + 0.05 * ((place * 7 + index * 3) % 11) as f32 / 11.0;
        }
    }
    network
}

/// Every number of every parameter against central differences of a plain f64 network. With h = 1e-5 these are right to
/// h²·f‴ + 1e-16/h, below 1e-9; what is left is the pass's own rounding: sums of some hundred products in f32 through some
/// ten operations in a row, about 1e-5 of the tensor's largest gradient.
#[test]
fn every_parameter_s_gradient_agrees_with_finite_differences() {
    for shape in [shape(3, 3, true), shape(4, 2, true), shape(4, 1, false), shape(4, 4, false)] {
        agree(&shape, &documents(), 1);
    }
}

/// Attention is computed some fifty positions at once: documents of several such stretches, taught at their edges, and a shorter one
/// after a longer, so that what the longer left behind would be seen.
#[test]
fn documents_of_several_stretches_of_attention_have_the_same_gradients() {
    let document = |length: usize, positions: &[usize]| Example {
        tokens: (0..length).map(|place| ((place * place + 3 * place + length) % 23) as u32).collect(),
        targets: positions
            .iter()
            .map(|position| Target {
                position: *position,
                weight: 1.0,
                distribution: Distribution::Token((position % 23) as u32),
            })
            .collect(),
    };
    let mut batch = vec![document(110, &[30, 47, 48, 70, 95, 96, 109]), document(48, &[47])];
    // More documents than shards, so that some share one.
    batch.extend((0..10).map(|number| document(60 + number, &[2, 48, 59])));
    agree(&shape(4, 2, true), &batch, 11);
}

/// Compares every `apart`-th number of every parameter's gradient.
fn agree(shape: &Shape, batch: &[Example], apart: usize) {
    let base = network(shape.clone());
    let mut trainer = Trainer::new(base.clone(), Settings::default()).expect("a trainer");
    let (found, gradients) = trainer.gradients(batch).expect("gradients");
    let mut values = reference::values(&base);
    assert!((found - reference::loss(shape, &values, batch)).abs() < 1e-5);
    let names: Vec<&str> = base.parameters().map(|(name, _, _)| name).collect();
    assert_eq!(gradients.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(names.len(), 9 * shape.layers + if shape.tied { 2 } else { 3 });
    for (name, gradient) in &gradients {
        let largest = gradient.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.0, "{name} receives no gradient");
        for (place, found) in gradient.iter().enumerate().step_by(apart) {
            let mut loss_at = |shift: f64| {
                let value = &mut values.get_mut(name).expect("a known name")[place];
                let before = std::mem::replace(value, *value + shift);
                let loss = reference::loss(shape, &values, batch);
                values.get_mut(name).expect("a known name")[place] = before;
                loss
            };
            let numeric = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
            let error = (numeric - f64::from(*found)).abs();
            assert!(
                error < 5e-5 * f64::from(largest) + 1e-8,
                "{name}[{place}]: {numeric} by differences, {found} by the backward pass (largest {largest})"
            );
        }
    }
}

#[test]
fn steps_do_not_depend_on_threads_and_checkpoints_resume_bit_for_bit() {
    let folder = std::env::temp_dir().join(format!("undermask-train-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("checkpoint.bin");
    let run = |threads: usize, pause: Option<usize>| {
        let settings = Settings { threads, ..Settings::default() };
        let mut trainer = Trainer::new(network(shape(4, 2, true)), settings).expect("a trainer");
        for step in 0..6 {
            if pause == Some(step) {
                trainer.save_checkpoint(&path).expect("saved");
                trainer = Trainer::load_checkpoint(&path).expect("loaded");
            }
            trainer.step(&documents()).expect("a step");
        }
        trainer.into_network().parameters().flat_map(|(_, _, values)| values.to_vec()).collect::<Vec<f32>>()
    };
    let once = run(1, None);
    assert_eq!(once, run(3, None));
    assert_eq!(once, run(2, Some(3)));
    std::fs::write(&path, b"undermask-train1 and nothing more").expect("written");
    assert!(matches!(Trainer::load_checkpoint(&path), Err(TrainError::Checkpoint { .. })));
    std::fs::remove_dir_all(folder).expect("removed");
}

/// Checkpoints of before adapters and precisions: their headers do not know either.
#[test]
fn a_checkpoint_of_the_first_version_is_read() {
    let path = std::env::temp_dir().join(format!("undermask-first-{}.bin", std::process::id()));
    let mut trainer = Trainer::new(network(shape(4, 2, true)), Settings::default()).expect("a trainer");
    trainer.step(&documents()).expect("a step");
    trainer.save_checkpoint(&path).expect("saved");
    let bytes = std::fs::read(&path).expect("a checkpoint");
    let length = u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes")) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[24..24 + length]).expect("a header");
    header["settings"].as_object_mut().expect("settings").remove("precision").expect("this version says it");
    let header = header.to_string();
    let old = [&bytes[..16], &(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[24 + length..]].concat();
    std::fs::write(&path, old).expect("written");
    let mut read = Trainer::load_checkpoint(&path).expect("the first version");
    assert_eq!(read.step(&documents()).expect("a step"), trainer.step(&documents()).expect("a step"));
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn training_lowers_the_loss() {
    let mut trainer = Trainer::new(Network::initialise(shape(4, 2, true), 1).expect("a network"), Settings::default())
        .expect("a trainer");
    let first = trainer.step(&documents()).expect("a step").loss;
    for _ in 0..150 {
        trainer.step(&documents()).expect("a step");
    }
    let last = trainer.step(&documents()).expect("a step").loss;
    assert!(last < 0.6 * first, "{first} -> {last}");
}

#[test]
fn bad_input_is_refused_by_name() {
    assert!(matches!(Network::initialise(Shape { heads: 0, ..shape(4, 2, true) }, 0), Err(TrainError::Shape(_))));
    assert!(matches!(Network::initialise(shape(4, 3, true), 0), Err(TrainError::Shape(_))));
    let mut trainer = Trainer::new(network(shape(4, 2, true)), Settings::default()).expect("a trainer");
    assert!(matches!(trainer.step(&[]), Err(TrainError::NothingToLearn)));
    let mut document = documents().remove(0);
    document.tokens[1] = 23;
    assert!(matches!(trainer.step(&[document]), Err(TrainError::Example { document: 0, .. })));
    let mut document = documents().remove(0);
    document.targets[0].position = 7;
    assert!(matches!(trainer.step(&[document]), Err(TrainError::Example { .. })));
}
