//! PEFT LoRA adapters: W + scale·B·A (Hu et al. 2021, arXiv:2106.09685), merged when a model is opened or applied beside
//! the matrix.
//!
//! Merged matrices are computed and kept in f32; an open model in a lower precision rounds the sum once. Applied ones
//! leave the base as it lies on disk, mapped and quantised if it is, at the price of two small products a matrix.

mod config;

use std::collections::BTreeMap;

use self::config::AdapterConfig;
use crate::ops::{Lay, Sizes, multiply};
use crate::weights::{Tensor, Weights, read_file};
use crate::{EngineError, Source};

/// How an adapter takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adaptation {
    /// Added into the base's matrices, in f32.
    Merged,
    /// Computed beside them.
    Applied,
}

const CONFIG: &str = "adapter_config.json";
const TENSORS: &str = "adapter_model.safetensors";
const PICKLED: &str = "adapter_model.bin";
/// What PEFT puts before a module's path.
const PREFIX: &str = "base_model.model.";

/// The two factors of what an adapter adds to a matrix [rows, columns].
#[derive(Debug, Clone)]
pub(crate) struct LowRank {
    rank: usize,
    /// [rank, columns].
    down: Vec<f32>,
    /// [rows, rank], times the scale.
    up: Vec<f32>,
}

impl LowRank {
    /// out += (input·Aᵀ)·Bᵀ·scale for `count` rows: [count, columns] → [count, rows].
    pub fn add(&self, count: usize, input: &[f32], out: &mut [f32]) {
        let (columns, rows) = (self.down.len() / self.rank, self.up.len() / self.rank);
        let mut inner = vec![0.0; count * self.rank];
        let sizes = Sizes { m: count, k: columns, n: self.rank };
        let inner_lay = Lay::rows(self.rank);
        let (input, down) = ((input, Lay::rows(columns)), (&self.down[..], Lay::transposed(columns)));
        multiply(sizes, (&mut inner, inner_lay), 0.0, input, down, 1.0);
        let sizes = Sizes { m: count, k: self.rank, n: rows };
        let up = (&self.up[..], Lay::transposed(self.rank));
        multiply(sizes, (out, Lay::rows(rows)), 1.0, (&inner, inner_lay), up, 1.0);
    }

    /// The rank, [rank, columns], and [rows, rank] times the scale.
    #[cfg(feature = "cuda")]
    pub fn factors(&self) -> (usize, &[f32], &[f32]) {
        (self.rank, &self.down, &self.up)
    }

    /// Only some rows of the matrix that it is added to.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> LowRank {
        let up = self.up[rows.start * self.rank..rows.end * self.rank].to_vec();
        LowRank { rank: self.rank, down: self.down.clone(), up }
    }

    /// W + B·A·scale.
    fn merged(&self, base: &Tensor, rows: usize, columns: usize) -> Tensor {
        let mut sum = base.widened(0..rows * columns);
        let sizes = Sizes { m: rows, k: self.rank, n: columns };
        let (up, down) = ((&self.up[..], Lay::rows(self.rank)), (&self.down[..], Lay::rows(columns)));
        multiply(sizes, (&mut sum, Lay::rows(columns)), 1.0, up, down, 1.0);
        Tensor::floats_held(sum, vec![rows, columns])
    }
}

/// Adapts a base's weights; their hash then covers the adapter.
///
/// # Errors
/// What is missing, refused or does not belong to this base.
pub(crate) fn adapt(weights: &mut Weights, adapter: &Source, how: Adaptation) -> Result<(), EngineError> {
    let missing = |file: &str, remedy: &str| EngineError::Missing {
        place: adapter.place(),
        file: file.to_owned(),
        remedy: remedy.to_owned(),
    };
    let text = adapter.text(CONFIG)?;
    let text = text.ok_or_else(|| missing(CONFIG, "give the directory that PEFT's save_pretrained wrote"))?;
    let wrong = |why: String| EngineError::Adapter { file: adapter.path(CONFIG), why };
    let config = AdapterConfig::parse(&text).map_err(wrong)?;
    let file = match adapter.bytes(TENSORS)? {
        Some(file) => file,
        None if adapter.bytes(PICKLED)?.is_some() => {
            return Err(missing(
                TENSORS,
                "adapter_model.bin is pickled Python, which can run code and is not read: save \
                                         the adapter with safe_serialization=True",
            ));
        }
        None => return Err(missing(TENSORS, "give the directory that PEFT's save_pretrained wrote")),
    };
    let path = adapter.path(TENSORS);
    let mut tensors = BTreeMap::new();
    read_file(&path, &file, &mut tensors)?;
    let pairs = pairs(weights, &config, tensors).map_err(|why| EngineError::Adapter { file: path, why })?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(weights.hash.as_bytes());
    for (module, pair) in &pairs {
        hasher.update(module.as_bytes());
        hasher.update(&(pair.rank as u64).to_le_bytes());
        for values in [&pair.down, &pair.up] {
            values.iter().for_each(|value| {
                hasher.update(&value.to_le_bytes());
            });
        }
    }
    weights.hash = hasher.finalize().to_hex().to_string();
    for (module, pair) in pairs {
        match how {
            // The head is a bare matrix to the decoder.
            Adaptation::Applied if !module.ends_with("lm_head") => weights.put_beside(module, pair),
            Adaptation::Applied | Adaptation::Merged => {
                let name = format!("{module}.weight");
                let merged = weights.shape(&name).and_then(|shape| match *shape {
                    [rows, columns] => weights.get(&name).map(|base| pair.merged(base, rows, columns)),
                    _ => None,
                });
                weights.put(name, merged.expect("the pair was checked against this matrix"));
            }
        }
    }
    Ok(())
}

/// The factors of every adapted module, each checked against the base and the configuration.
fn pairs(
    weights: &Weights,
    config: &AdapterConfig,
    mut tensors: BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, LowRank>, String> {
    repeated(weights, &mut tensors)?;
    let names: Vec<String> = tensors.keys().cloned().collect();
    let mut pairs = BTreeMap::new();
    for name in names.iter().filter(|name| name.ends_with(".lora_A.weight")) {
        let path = name.trim_end_matches(".lora_A.weight");
        let module = path.strip_prefix(PREFIX).unwrap_or(path).to_owned();
        let other = format!("{path}.lora_B.weight");
        let down = tensors.remove(name).ok_or_else(|| format!("`{name}` is missing"))?;
        let up = tensors.remove(&other).ok_or_else(|| format!("`{other}` is missing"))?;
        let matrix = format!("{module}.weight");
        let Some([rows, columns]) = weights.shape(&matrix).and_then(|shape| <[usize; 2]>::try_from(shape).ok()) else {
            return Err(format!(
                "it adapts `{module}`, of which the base has no matrix: is it another model's adapter?"
            ));
        };
        let (rank, scale) = config.rank_and_scale(&module)?;
        if down.shape() != [rank, columns] || up.shape() != [rows, rank] {
            return Err(format!(
                "`{module}` has factors of shapes {:?} and {:?}; the base's matrix [{rows}, {columns}] and rank {rank} \
                 need [{rank}, {columns}] and [{rows}, {rank}]: is it another model's adapter?",
                down.shape(),
                up.shape()
            ));
        }
        let down = down.widened(0..rank * columns);
        let up: Vec<f32> = up.widened(0..rows * rank).into_iter().map(|value| value * scale).collect();
        if down.iter().chain(&up).any(|value| !value.is_finite()) {
            return Err(format!("`{module}` has factors that are not finite numbers"));
        }
        pairs.insert(module, LowRank { rank, down, up });
    }
    if let Some(unused) = tensors.keys().next() {
        return Err(format!("it holds `{unused}`, which is not part of a plain LoRA of linear layers"));
    }
    if pairs.is_empty() {
        return Err("it holds no factors".to_owned());
    }
    for module in pairs.keys() {
        if !config.targets(module)? {
            return Err(format!("it adapts `{module}`, which adapter_config.json does not name"));
        }
    }
    for module in weights.linear_modules().filter(|module| !pairs.contains_key(*module)) {
        if config.targets(module)? {
            return Err(format!("adapter_config.json names `{module}`, for which it holds no factors"));
        }
    }
    Ok(pairs)
}

/// Takes away matrices of the base that PEFT saves along with factors for the head or the embedding, when they are the
/// base's own.
fn repeated(weights: &Weights, tensors: &mut BTreeMap<String, Tensor>) -> Result<(), String> {
    let mut changed = None;
    tensors.retain(|name, tensor| {
        let path = name.strip_prefix(PREFIX).unwrap_or(name).replace(".base_layer.weight", ".weight");
        let Some(base) = weights.get(&path) else { return true };
        let count = tensor.shape().iter().product();
        if base.shape() != tensor.shape() || base.widened(0..count) != tensor.widened(0..count) {
            changed = Some(name.clone());
        }
        false
    });
    match changed {
        Some(name) => {
            Err(format!("it holds `{name}`, which differs from the base's (a new vocabulary?): merge it with PEFT"))
        }
        None => Ok(()),
    }
}
