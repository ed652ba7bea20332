//! Low-rank adapters: a frozen network's matrices W trained as W + (α/r)·B·A (Hu et al. 2021, arXiv:2106.09685, eq. 3).
//!
//! The trainer's network always holds the merged matrices, so that forward, backward and every evaluation are those of a
//! whole network, and the engine that merges the exported adapter has the same numbers. The gradient of a factor follows
//! from the matrix's: dA = s·Bᵀ·dW, dB = s·dW·Aᵀ. With thousands of tokens a batch this costs next to nothing, and passing
//! the tokens through the factors instead would cost as many multiplications as dW at the rank and widths that are used
//! (`design/0002-own-training.md`). How an adapter is written for PEFT is in `peft`.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use undermask_engine::ops::{Lay, Sizes, multiply};

use super::{Network, TrainError};

/// A kind of matrix in every block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Module {
    /// Queries.
    Query,
    /// Keys.
    Key,
    /// Values.
    Value,
    /// Attention's way back into the residual stream.
    Output,
    /// Gate of the feed-forward layer.
    Gate,
    /// Its other input.
    Up,
    /// Its way back.
    Down,
}

impl Module {
    /// All of them, in the order in which they lie in a block.
    pub const ALL: [Module; 7] =
        [Module::Query, Module::Key, Module::Value, Module::Output, Module::Gate, Module::Up, Module::Down];

    /// As Hugging Face and PEFT call it.
    pub fn name(self) -> &'static str {
        match self {
            Module::Query => "q_proj",
            Module::Key => "k_proj",
            Module::Value => "v_proj",
            Module::Output => "o_proj",
            Module::Gate => "gate_proj",
            Module::Up => "up_proj",
            Module::Down => "down_proj",
        }
    }
}

/// What is adapted, and how much room it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdapterSettings {
    /// Rank r of every pair of factors.
    pub rank: usize,
    /// α: what B·A is scaled by is α/r.
    pub alpha: f64,
    /// Seed of the factors A; the factors B start at zero, so that training starts from the base's own numbers.
    pub seed: u64,
    /// Which matrices of every block.
    pub modules: Vec<Module>,
}

impl Default for AdapterSettings {
    fn default() -> Self {
        AdapterSettings { rank: 32, alpha: 64.0, seed: 0, modules: Module::ALL.to_vec() }
    }
}

impl AdapterSettings {
    /// α/r.
    pub fn scale(&self) -> f32 {
        (self.alpha / self.rank as f64) as f32
    }

    fn check(&self) -> Result<(), TrainError> {
        let wrong = |why: String| Err(TrainError::Adapter(why));
        if self.rank == 0 || self.rank > 65_536 {
            return wrong(format!("the rank is {}; it must be from 1 to 65536", self.rank));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return wrong(format!("alpha is {}; it must be a number over 0", self.alpha));
        }
        if self.modules.is_empty() {
            return wrong("no module is adapted; name at least one of q_proj … down_proj".to_owned());
        }
        Ok(())
    }
}

/// One adapted matrix [rows, columns] of the network and where its factors lie.
#[derive(Debug, Clone)]
struct Pair {
    /// `model.layers.0.self_attn.q_proj`.
    path: String,
    matrix: Range<usize>,
    rows: usize,
    columns: usize,
    /// A [rank, columns].
    down: Range<usize>,
    /// B [rows, rank].
    up: Range<usize>,
}

/// The factors of every adapted matrix, in one flat vector.
#[derive(Debug, Clone)]
pub struct Adapter {
    settings: AdapterSettings,
    pairs: Vec<Pair>,
    pub(super) values: Vec<f32>,
}

/// A factor: its name as PEFT saves it, its shape, and its values row by row.
pub type Factor<'a> = (String, [usize; 2], &'a [f32]);

impl Adapter {
    /// Fresh factors for a network: A uniform within ±1/√columns (as PEFT starts them), B zero.
    ///
    /// # Errors
    /// [`TrainError::Adapter`] for settings that nothing can be trained with.
    pub fn initialise(network: &Network, settings: AdapterSettings) -> Result<Adapter, TrainError> {
        settings.check()?;
        let mut pairs = Vec::new();
        let mut total = 0;
        let mut add = |size: usize| {
            total += size;
            total - size..total
        };
        for parameter in &network.layout.parameters {
            let Some(path) = parameter.name.strip_suffix(".weight") else { continue };
            let adapted = |module: &Module| path.ends_with(&format!(".{}", module.name()));
            let ([rows, columns], true) = (&parameter.shape[..], settings.modules.iter().any(adapted)) else {
                continue;
            };
            let (down, up) = (add(settings.rank * columns), add(rows * settings.rank));
            pairs.push(Pair {
                path: path.to_owned(),
                matrix: parameter.range.clone(),
                rows: *rows,
                columns: *columns,
                down,
                up,
            });
        }
        let mut values = vec![0.0; total];
        let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
        for pair in &pairs {
            let bound = 1.0 / (pair.columns as f64).sqrt();
            for value in &mut values[pair.down.clone()] {
                let uniform = ((random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
                *value = (bound * (2.0 * uniform - 1.0)) as f32;
            }
        }
        Ok(Adapter { settings, pairs, values })
    }

    /// # Errors
    /// [`TrainError::Adapter`] when a factor's matrix is not the network's.
    pub(super) fn check_base(&self, network: &Network) -> Result<(), TrainError> {
        for pair in &self.pairs {
            let name = format!("{}.weight", pair.path);
            let found = network.layout.parameters.iter().find(|parameter| parameter.name == name);
            if !found.is_some_and(|found| found.range == pair.matrix && found.shape == [pair.rows, pair.columns]) {
                return Err(TrainError::Adapter(format!(
                    "it adapts `{name}` [{}, {}], which this network does not have so; use the network that it was \
                     made for",
                    pair.rows, pair.columns
                )));
            }
        }
        Ok(())
    }

    /// What is adapted, and how.
    pub fn settings(&self) -> &AdapterSettings {
        &self.settings
    }

    /// Every factor, A before B.
    pub fn tensors(&self) -> impl Iterator<Item = Factor<'_>> {
        self.named(&self.values).into_iter()
    }

    /// One factor's values, to be changed (tests).
    pub fn tensor_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        let range = self.ranges().find(|(found, _, _)| found == name)?.2;
        Some(&mut self.values[range])
    }

    /// Numbers in all factors.
    pub fn size(&self) -> usize {
        self.values.len()
    }

    fn ranges(&self) -> impl Iterator<Item = (String, [usize; 2], Range<usize>)> {
        let rank = self.settings.rank;
        self.pairs.iter().flat_map(move |pair| {
            let name = |factor: &str| format!("base_model.model.{}.{factor}.weight", pair.path);
            [
                (name("lora_A"), [rank, pair.columns], pair.down.clone()),
                (name("lora_B"), [pair.rows, rank], pair.up.clone()),
            ]
        })
    }

    /// A vector that lies as the factors do, by their names.
    pub(super) fn named<'a>(&self, values: &'a [f32]) -> Vec<Factor<'a>> {
        self.ranges().map(|(name, shape, range)| (name, shape, &values[range])).collect()
    }

    /// Sets the adapted matrices of `merged` to W + s·B·A, W being those of `frozen`.
    pub(super) fn merge(&self, frozen: &[f32], merged: &mut [f32]) {
        let rank = self.settings.rank;
        for pair in &self.pairs {
            let out = &mut merged[pair.matrix.clone()];
            out.copy_from_slice(&frozen[pair.matrix.clone()]);
            multiply(
                Sizes { m: pair.rows, k: rank, n: pair.columns },
                (out, Lay::rows(pair.columns)),
                1.0,
                (&self.values[pair.up.clone()], Lay::rows(rank)),
                (&self.values[pair.down.clone()], Lay::rows(pair.columns)),
                self.settings.scale(),
            );
        }
    }

    /// The factors' gradient from that of the merged matrices: dA = s·Bᵀ·dW, dB = s·dW·Aᵀ.
    pub(super) fn gradient(&self, merged: &[f32], out: &mut Vec<f32>) {
        let (rank, scale) = (self.settings.rank, self.settings.scale());
        out.resize(self.values.len(), 0.0);
        for pair in &self.pairs {
            let slope = (&merged[pair.matrix.clone()], Lay::rows(pair.columns));
            multiply(
                Sizes { m: rank, k: pair.rows, n: pair.columns },
                (&mut out[pair.down.clone()], Lay::rows(pair.columns)),
                0.0,
                (&self.values[pair.up.clone()], Lay::transposed(rank)),
                slope,
                scale,
            );
            multiply(
                Sizes { m: pair.rows, k: pair.columns, n: rank },
                (&mut out[pair.up.clone()], Lay::rows(rank)),
                0.0,
                slope,
                (&self.values[pair.down.clone()], Lay::transposed(pair.columns)),
                scale,
            );
        }
    }
}
