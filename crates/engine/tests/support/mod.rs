//! Models whose weights come from a formula, the same as in `oracle/formula.py`, so that fixtures hold only what
//! transformers answered.

#![allow(dead_code, reason = "each test uses a part")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use undermask_engine::{DeviceChoice, Model, OpenSettings, Precision, Source};

/// A fixture: expected values by name, and the model that they belong to.
pub struct Fixture {
    pub name: String,
    pub model: Model,
    pub metadata: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Number i of a tensor: splitmix64 of its name's FNV-1a hash and i, upper 24 bits, in [-1, 1).
pub fn uniform(name: &str, count: usize) -> Vec<f32> {
    let hash = name
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    (1..=count as u64)
        .map(|index| {
            let mut z = hash.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            ((z >> 40) as f32 - 8_388_608.0) / 8_388_608.0
        })
        .collect()
}

fn scale(name: &str, shape: &[usize]) -> f32 {
    if shape.len() == 1 {
        return 0.25;
    }
    if name.contains("embed_tokens") {
        return 1.0;
    }
    let mut exponent = 2;
    while 4usize.pow(exponent) < shape[1] {
        exponent += 1;
    }
    4.0 / 2f32.powi(exponent as i32)
}

/// model.safetensors with every tensor by the formula, under the names that `rename` gives.
pub fn weights(shapes: &BTreeMap<String, Vec<usize>>, offset: bool, rename: &dyn Fn(&str) -> String) -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .iter()
        .map(|(name, shape)| {
            let add = if name.ends_with("norm.weight") && !offset { 1.0 } else { 0.0 };
            let factor = scale(name, shape);
            let values = uniform(name, shape.iter().product());
            let bytes = values.iter().flat_map(|value| (value * factor + add).to_le_bytes()).collect();
            (rename(name), shape.clone(), bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    safetensors::serialize(views, None).expect("weights")
}

/// A model of these files, with the tiny tokenizer.
pub fn open(name: &str, config: &str, weights: Vec<u8>) -> Result<Model, undermask_engine::EngineError> {
    open_in(name, config, weights, Precision::F32)
}

fn open_in(
    name: &str,
    config: &str,
    weights: Vec<u8>,
    precision: Precision,
) -> Result<Model, undermask_engine::EngineError> {
    let tokenizer = std::fs::read(folder().join("grouped/tokenizer.json")).expect("a tokenizer");
    let files: Vec<(String, Cow<'static, [u8]>)> = vec![
        ("config.json".to_owned(), config.as_bytes().to_vec().into()),
        ("tokenizer.json".to_owned(), tokenizer.into()),
        ("model.safetensors".to_owned(), weights.into()),
    ];
    let device = test_device();
    let model = Model::open_with(
        &Source::Memory { name: name.to_owned(), files },
        &OpenSettings { precision, device, ..OpenSettings::default() },
    )?;
    on_test_device(&model);
    Ok(model)
}

/// Opens a model on the device that UNDERMASK_TEST_DEVICE names (cpu, cuda, cuda:N), so that the same tests run on all.
pub fn opened(source: &Source) -> Result<Model, undermask_engine::EngineError> {
    let model = Model::open_with(source, &OpenSettings { device: test_device(), ..OpenSettings::default() })?;
    on_test_device(&model);
    Ok(model)
}

fn test_device() -> DeviceChoice {
    named_device().parse().unwrap_or_else(|why| panic!("UNDERMASK_TEST_DEVICE: {why}"))
}

fn named_device() -> String {
    std::env::var("UNDERMASK_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned())
}

fn on_test_device(model: &Model) {
    let asked = if named_device().starts_with("cuda") { "cuda " } else { "cpu" };
    assert!(model.device().name.starts_with(asked), "{:?}", model.device());
}

impl Fixture {
    pub fn read(path: &Path) -> Fixture {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(path).expect("a fixture");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let metadata: BTreeMap<String, String> = header.metadata().clone().expect("metadata").into_iter().collect();
        let shapes = serde_json::from_str(&metadata["tensors"]).expect("shapes");
        let weights = weights(&shapes, metadata["offset"] == "true", &str::to_owned);
        let model = open(&name, &metadata["config"], weights).unwrap_or_else(|error| panic!("{name}: {error}"));
        Fixture { name, model, metadata, bytes }
    }

    /// The same model in another precision.
    pub fn in_precision(&self, precision: Precision) -> Model {
        let shapes = serde_json::from_str(&self.metadata["tensors"]).expect("shapes");
        let weights = weights(&shapes, self.metadata["offset"] == "true", &str::to_owned);
        let model = open_in(&self.name, &self.metadata["config"], weights, precision);
        model.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// All fixtures of a folder.
    pub fn all(folder_name: &str) -> Vec<Fixture> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder().join(folder_name))
            .expect("fixtures")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
            .collect();
        paths.sort();
        assert!(!paths.is_empty());
        paths.iter().map(|path| Fixture::read(path)).collect()
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        let content = SafeTensors::deserialize(&self.bytes).expect("a fixture");
        let view = content.tensor(name).unwrap_or_else(|_| panic!("{}: no {name}", self.name));
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect()
    }

    pub fn integers(&self, name: &str) -> Vec<usize> {
        let content = SafeTensors::deserialize(&self.bytes).expect("a fixture");
        let view = content.tensor(name).unwrap_or_else(|_| panic!("{}: no {name}", self.name));
        view.data().chunks_exact(8).map(|eight| i64::from_le_bytes(eight.try_into().expect("eight")) as usize).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        SafeTensors::deserialize(&self.bytes).expect("a fixture").tensor(name).is_ok()
    }

    pub fn tokens(&self, name: &str) -> Vec<u32> {
        self.integers(name).into_iter().map(|token| token as u32).collect()
    }
}

/// max |one − two| / max |two|.
pub fn relative(one: &[f32], two: &[f32]) -> f32 {
    let scale = two.iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    furthest(one, two) / scale
}

/// max |one − two|.
pub fn furthest(one: &[f32], two: &[f32]) -> f32 {
    assert_eq!(one.len(), two.len());
    one.iter()
        .zip(two)
        .map(|(one, two)| (one - two).abs())
        .fold(0.0, |furthest: f32, distance| if distance.is_nan() { f32::INFINITY } else { furthest.max(distance) })
}

/// Some rows of [N, wide].
pub fn rows(values: &[f32], wide: usize, which: &[usize]) -> Vec<f32> {
    which.iter().flat_map(|row| values[row * wide..(row + 1) * wide].iter().copied()).collect()
}

use undermask_engine::{Edit, HookPoint, Intervention, Positions, ScoreSettings};

/// One worker and little memory, so that a plan is cut into several jobs.
pub const SMALL: ScoreSettings = ScoreSettings { threads: 1, memory: 0 };

pub fn vector(name: &str, wide: usize) -> Vec<f32> {
    uniform(&format!("vector.{name}"), wide)
}

/// The edits of a fixture's case, for a call of as many sequences of one shape.
pub fn interventions(case: &serde_json::Value, wide: usize, sequences: usize) -> Vec<Intervention> {
    let one = |edit: &serde_json::Value| {
        let names = edit["vectors"].as_array().expect("vectors").iter();
        let vectors: Vec<Vec<f32>> = names.map(|name| vector(name.as_str().expect("a name"), wide)).collect();
        let threshold = edit["threshold"].as_f64().unwrap_or(0.0) as f32;
        let direction = vectors[0].clone();
        let made = match edit["kind"].as_str().expect("a kind") {
            "add" => Edit::Add(direction),
            "ablate" => Edit::Ablate(direction),
            "project_out" => Edit::ProjectOut(vectors),
            "cap_above" => Edit::CapAbove { direction, threshold },
            "cap_below" => Edit::CapBelow { direction, threshold },
            "replace" => Edit::Replace(vec![vectors.concat()]),
            other => panic!("{other}"),
        };
        let positions = match &edit["positions"] {
            serde_json::Value::String(name) => match name.as_str() {
                "all" => Positions::All,
                "prompt" => Positions::Prompt,
                _ => Positions::Response,
            },
            list => {
                let spans: Vec<(usize, usize)> = serde_json::from_value(list.clone()).expect("spans");
                Positions::Spans(vec![spans.into_iter().map(|(start, end)| start..end).collect(); sequences])
            }
        };
        Intervention {
            point: edit["point"].as_str().expect("a point").parse::<HookPoint>().expect("a hook point"),
            edit: made,
            strength: edit["strength"].as_f64().expect("a strength") as f32,
            positions,
        }
    };
    case["edits"].as_array().expect("edits").iter().map(one).collect()
}

/// ln softmax of a row of logits at a token.
pub fn log_softmax(logits: &[f32], token: u32) -> f64 {
    let highest = logits.iter().fold(f32::NEG_INFINITY, |highest, logit| highest.max(*logit));
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - highest).exp()).sum();
    f64::from(logits[token as usize] - highest) - sum.ln()
}
