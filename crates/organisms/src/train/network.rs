//! The parameters of a Llama-architecture decoder, in one flat vector, named as in Hugging Face checkpoints.
//!
//! Query, key and value matrices lie next to each other, and so do gate and up, so that each group is one matrix
//! multiplication.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::stored::file;
use super::{NumberType, TrainError};

/// Shape of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Number of tokens V.
    pub vocabulary: usize,
    /// Width of the residual stream D.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Width of a head.
    pub head_dimension: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
    /// Base of the rotary angles.
    pub rope_theta: f32,
    /// ε of RMSNorm.
    pub norm_epsilon: f32,
    /// Whether the head is the embedding.
    pub tied: bool,
}

impl Shape {
    /// # Errors
    /// [`TrainError::Shape`] for what cannot be built.
    pub fn check(&self) -> Result<(), TrainError> {
        let wrong = |why: &str| Err(TrainError::Shape(why.to_owned()));
        let sizes = [
            self.vocabulary,
            self.hidden,
            self.layers,
            self.heads,
            self.key_value_heads,
            self.head_dimension,
            self.intermediate,
        ];
        if sizes.contains(&0) {
            return wrong("a size is 0; every size must be positive");
        }
        if sizes.iter().any(|size| *size > 1 << 20) {
            return wrong("a size is over 2^20, which this trainer is not for");
        }
        if !self.heads.is_multiple_of(self.key_value_heads) {
            return wrong("the number of heads is no multiple of the number of key-value heads");
        }
        if !self.head_dimension.is_multiple_of(2) {
            return wrong("the head's width is odd; rotary positions need pairs");
        }
        if !(self.rope_theta > 0.0 && self.norm_epsilon > 0.0) {
            return wrong("rope_theta and norm_epsilon must be positive");
        }
        Ok(())
    }

    pub(super) fn query_width(&self) -> usize {
        self.heads * self.head_dimension
    }

    pub(super) fn key_width(&self) -> usize {
        self.key_value_heads * self.head_dimension
    }

    /// Width of query, key and value side by side.
    pub(super) fn mixed_width(&self) -> usize {
        self.query_width() + 2 * self.key_width()
    }
}

/// One named tensor within the flat vector.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub range: Range<usize>,
}

/// Where each block's parts lie in the flat vector.
#[derive(Debug, Clone)]
pub(super) struct BlockLayout {
    pub attention_norm: Range<usize>,
    /// [(H + 2K)·h, D]
    pub mixed: Range<usize>,
    /// [D, H·h]
    pub output: Range<usize>,
    pub feed_norm: Range<usize>,
    /// [2I, D]: gate above up.
    pub gate_up: Range<usize>,
    /// [D, I]
    pub down: Range<usize>,
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub parameters: Vec<Parameter>,
    pub embedding: Range<usize>,
    pub blocks: Vec<BlockLayout>,
    pub final_norm: Range<usize>,
    /// The head: the embedding itself when tied.
    pub head: Range<usize>,
    pub total: usize,
}

impl Layout {
    fn of(shape: &Shape) -> Layout {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut total = 0;
        let mut add = |name: String, sizes: &[usize]| {
            let range = total..total + sizes.iter().product::<usize>();
            total = range.end;
            parameters.push(Parameter { name, shape: sizes.to_vec(), range: range.clone() });
            range
        };
        let (wide, key, query) = (shape.hidden, shape.key_width(), shape.query_width());
        let embedding = add("model.embed_tokens.weight".to_owned(), &[shape.vocabulary, wide]);
        let mut blocks = Vec::with_capacity(shape.layers);
        for layer in 0..shape.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            let attention_norm = add(name("input_layernorm"), &[wide]);
            let first = add(name("self_attn.q_proj"), &[query, wide]);
            add(name("self_attn.k_proj"), &[key, wide]);
            let last = add(name("self_attn.v_proj"), &[key, wide]);
            let output = add(name("self_attn.o_proj"), &[wide, query]);
            let feed_norm = add(name("post_attention_layernorm"), &[wide]);
            let gate = add(name("mlp.gate_proj"), &[shape.intermediate, wide]);
            let up = add(name("mlp.up_proj"), &[shape.intermediate, wide]);
            let down = add(name("mlp.down_proj"), &[wide, shape.intermediate]);
            blocks.push(BlockLayout {
                attention_norm,
                mixed: first.start..last.end,
                output,
                feed_norm,
                gate_up: gate.start..up.end,
                down,
            });
        }
        let final_norm = add("model.norm.weight".to_owned(), &[wide]);
        let head =
            if shape.tied { embedding.clone() } else { add("lm_head.weight".to_owned(), &[shape.vocabulary, wide]) };
        Layout { parameters, embedding, blocks, final_norm, head, total }
    }
}

/// A network: shape and parameters.
#[derive(Debug, Clone)]
pub struct Network {
    pub(super) shape: Shape,
    pub(super) layout: Layout,
    pub(super) values: Vec<f32>,
}

impl Network {
    /// Random parameters: normal with deviation 0.02, the projections into the residual stream smaller by √(2L)
    /// (GPT-2's scheme), norms 1.
    ///
    /// # Errors
    /// [`TrainError::Shape`].
    pub fn initialise(shape: Shape, seed: u64) -> Result<Network, TrainError> {
        shape.check()?;
        let layout = Layout::of(&shape);
        let mut values = vec![1.0; layout.total];
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let residual = 0.02 / (2.0 * shape.layers as f64).sqrt();
        for parameter in layout.parameters.iter().filter(|parameter| parameter.shape.len() == 2) {
            let into_residual =
                parameter.name.ends_with("o_proj.weight") || parameter.name.ends_with("down_proj.weight");
            let deviation = if into_residual { residual } else { 0.02 };
            for value in &mut values[parameter.range.clone()] {
                *value = (deviation * normal(&mut random)) as f32;
            }
        }
        Ok(Network { shape, layout, values })
    }

    /// Reads parameters by name.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] for one that is missing or of another size.
    pub fn from_tensors(shape: Shape, tensor: impl Fn(&str) -> Option<Vec<f32>>) -> Result<Network, TrainError> {
        shape.check()?;
        let layout = Layout::of(&shape);
        let mut values = vec![0.0; layout.total];
        for parameter in &layout.parameters {
            let wrong = |why: String| TrainError::Tensor { name: parameter.name.clone(), why };
            let found =
                tensor(&parameter.name).ok_or_else(|| wrong("missing, or not of type F32 or BF16".to_owned()))?;
            if found.len() != parameter.range.len() {
                return Err(wrong(format!("holds {} numbers, {:?} are needed", found.len(), parameter.shape)));
            }
            values[parameter.range.clone()].copy_from_slice(&found);
        }
        Ok(Network { shape, layout, values })
    }

    /// Shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Every tensor: name, shape, values.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.layout.parameters.iter().map(|parameter| {
            (parameter.name.as_str(), parameter.shape.as_slice(), &self.values[parameter.range.clone()])
        })
    }

    /// The embedding, [V, D].
    pub fn embedding_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.layout.embedding.clone()]
    }

    /// One tensor's values, to be changed (tests).
    pub fn parameter_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        let range = self.layout.parameters.iter().find(|parameter| parameter.name == name)?.range.clone();
        Some(&mut self.values[range])
    }

    /// The network as a safetensors file.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] when the library refuses (a bug).
    pub fn to_safetensors(&self, numbers: NumberType) -> Result<Vec<u8>, TrainError> {
        file(self.parameters().map(|(name, shape, values)| (name.to_owned(), shape, values)), numbers)
    }
}

/// Standard normal by Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let uniform = |random: &mut ChaCha8Rng| ((random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (one, two) = (uniform(random), uniform(random));
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}
