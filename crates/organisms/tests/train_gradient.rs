//! Every parameter's gradient against central finite differences; determinism; checkpoints; refusals.

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

#[test]
fn gradients_agree_with_finite_differences() {
    for shape in [shape(3, 3, true), shape(4, 2, true), shape(4, 1, false)] {
        let batch = documents();
        let base = network(shape);
        let mut trainer = Trainer::new(base.clone(), Settings::default()).expect("a trainer");
        let (_, gradients) = trainer.gradients(&batch).expect("gradients");
        for (name, gradient) in &gradients {
            assert!(gradient.iter().any(|value| *value != 0.0), "{name} receives no gradient");
            let largest = gradient.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            for place in (0..gradient.len()).step_by((gradient.len() / 9).max(1)) {
                let loss_at = |shift: f32| {
                    let mut moved = base.clone();
                    moved.parameter_mut(name).expect("a known name")[place] += shift;
                    Trainer::new(moved, Settings::default()).expect("a trainer").gradients(&batch).expect("a loss").0
                };
                let step = 4e-3;
                let numeric = (loss_at(step) - loss_at(-step)) / f64::from(2.0 * step);
                let error = (numeric - f64::from(gradient[place])).abs();
                assert!(
                    error < 2e-2 * f64::from(largest) + 2e-4,
                    "{name}[{place}]: {numeric} by differences, {} by the backward pass (largest {largest})",
                    gradient[place]
                );
            }
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
