//! The parameters of a decoder's blocks, taken from the weights by the family's names, each shape checked.

use crate::EngineError;
use crate::config::{Config, QueryKeyNorm};
use crate::device::Device;
use crate::family::{HEADS, Norms, PREFIXES};
use crate::host::Host;
use crate::kernel::pool::for_rows;
use crate::lora::LowRank;
use crate::matrix::{Matrix, Workspace};
use crate::ops::add;
use crate::weights::Weights;

/// The parameters of one block, on a device.
pub(crate) struct Block<D: Device> {
    pub attention_norm: Option<D::Vector>,
    pub query: D::Linear,
    pub key: D::Linear,
    pub value: D::Linear,
    pub query_norm: Option<D::Vector>,
    pub key_norm: Option<D::Vector>,
    pub output: D::Linear,
    pub attention_out_norm: Option<D::Vector>,
    pub feed_norm: Option<D::Vector>,
    pub gate: D::Linear,
    pub up: D::Linear,
    pub down: D::Linear,
    pub feed_out_norm: Option<D::Vector>,
}

/// A matrix, its bias, if it has one, and what adapters add beside it.
pub(crate) struct Linear {
    pub matrix: Matrix,
    pub bias: Option<Vec<f32>>,
    pub beside: Vec<LowRank>,
}

/// Rows of one task of the pool, where a bias is added.
const BIAS_ROWS: usize = 64;

impl Linear {
    /// Width of what it makes.
    pub fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// out = down(join(gate(input), up(input))) without writing what is between to memory; `false`, and nothing done, where
    /// the matrices or what stands beside them do not allow it.
    pub fn project_gated(
        [gate, up, down]: [&Linear; 3],
        count: usize,
        input: &[f32],
        join: impl Fn(&[f32], &mut [f32]) + Sync,
        out: &mut [f32],
        workspace: &mut Workspace,
    ) -> bool {
        let plain = |linear: &Linear| linear.beside.is_empty() && linear.bias.is_none();
        let matrices = [&gate.matrix, &up.matrix, &down.matrix];
        [gate, up, down].into_iter().all(plain) && Matrix::project_gated(matrices, count, input, join, out, workspace)
    }

    /// out = input·Wᵀ + bias for `count` rows and each of some matrices of the same input.
    pub fn project_together<const N: usize>(
        linears: [&Linear; N],
        count: usize,
        input: &[f32],
        mut outs: [&mut [f32]; N],
        workspace: &mut Workspace,
    ) {
        let matrices = linears.map(|linear| &linear.matrix);
        Matrix::project_together(matrices, count, input, outs.each_mut().map(|out| &mut **out), workspace);
        for (linear, out) in linears.into_iter().zip(outs) {
            for pair in &linear.beside {
                pair.add(count, input, out);
            }
            if let Some(bias) = &linear.bias {
                for_rows(&workspace.pool, out, bias.len(), BIAS_ROWS, |_, out| {
                    out.chunks_exact_mut(bias.len()).for_each(|row| add(row, bias));
                });
            }
        }
    }
}

/// Everything that a decoder holds.
pub(crate) struct Parameters<D: Device> {
    pub embedding: D::Matrix,
    pub blocks: Vec<Block<D>>,
    pub final_norm: D::Vector,
    /// `None` where it is the embedding.
    pub head: Option<D::Matrix>,
}

/// Takes tensors by name.
struct Taker<'a> {
    config: &'a Config,
    weights: &'a Weights,
    prefix: &'static str,
}

impl Taker<'_> {
    fn norm(&self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let mut weight = self.weights.vector(&format!("{}{name}.weight", self.prefix), length)?;
        if self.config.norm_offset {
            weight.iter_mut().for_each(|weight| *weight += 1.0);
        }
        Ok(weight)
    }

    fn linear(&self, name: &str, rows: usize, columns: usize, biased: bool) -> Result<Linear, EngineError> {
        let name = format!("{}{name}", self.prefix);
        let bias = biased.then(|| self.weights.vector(&format!("{name}.bias"), rows)).transpose()?;
        let matrix = self.weights.matrix(&format!("{name}.weight"), rows, columns)?;
        Ok(Linear { matrix, bias, beside: self.weights.beside(&name) })
    }

    /// Some projections of one input, `[name, rows]` each: from a matrix each, or from one of all their rows.
    fn projections<const N: usize>(
        &self,
        layer: usize,
        fused: Option<&str>,
        parts: [(&str, usize); N],
        biased: bool,
    ) -> Result<[Linear; N], EngineError> {
        let columns = self.config.hidden;
        let all: usize = parts.iter().map(|(_, rows)| rows).sum();
        let mut first = 0;
        let mut taken = Vec::with_capacity(N);
        for (part, rows) in parts {
            taken.push(match fused {
                None => self.linear(&format!("layers.{layer}.{part}"), rows, columns, biased)?,
                Some(fused) => {
                    let (name, rows) = (format!("{}layers.{layer}.{fused}", self.prefix), first..first + rows);
                    let matrix = self.weights.matrix_rows(&format!("{name}.weight"), all, columns, rows.clone())?;
                    let beside = self.weights.beside(&name).iter().map(|pair| pair.rows(rows.clone())).collect();
                    Linear { matrix, bias: None, beside }
                }
            });
            first += rows;
        }
        Ok(taken.try_into().unwrap_or_else(|_| unreachable!("as many as there are parts")))
    }

    /// The norms before and after a part of a block.
    fn around(&self, layer: usize, norms: Norms) -> Result<[Option<Vec<f32>>; 2], EngineError> {
        let one = |name: Option<&str>| {
            name.map(|name| self.norm(&format!("layers.{layer}.{name}"), self.config.hidden)).transpose()
        };
        Ok([one(norms.before)?, one(norms.after)?])
    }

    fn block(&self, layer: usize) -> Result<Block<Host>, EngineError> {
        let config = self.config;
        let (wide, inner) = (config.hidden, config.intermediate);
        let (query, key) = (config.query_width(), config.key_width());
        let named = |part: &str| format!("layers.{layer}.{part}");
        let [attention_norm, attention_out_norm] = self.around(layer, config.names.attention_norms)?;
        let [feed_norm, feed_out_norm] = self.around(layer, config.names.feed_norms)?;
        let parts = [("self_attn.q_proj", query), ("self_attn.k_proj", key), ("self_attn.v_proj", key)];
        let [query_matrix, key_matrix, value_matrix] =
            self.projections(layer, config.names.fused_attention, parts, config.query_bias)?;
        let parts = [("mlp.gate_proj", inner), ("mlp.up_proj", inner)];
        let [gate, up] = self.projections(layer, config.names.fused_feed, parts, config.feed_forward_bias)?;
        let lengths = match config.query_key_norm {
            QueryKeyNorm::None => None,
            QueryKeyNorm::Head => Some((config.head_dimension, config.head_dimension)),
            QueryKeyNorm::Width => Some((query, key)),
        };
        let normed =
            |name: &str, length: Option<usize>| length.map(|length| self.norm(&named(name), length)).transpose();
        Ok(Block {
            attention_norm,
            query: query_matrix,
            key: key_matrix,
            value: value_matrix,
            query_norm: normed("self_attn.q_norm", lengths.map(|lengths| lengths.0))?,
            key_norm: normed("self_attn.k_norm", lengths.map(|lengths| lengths.1))?,
            output: self.linear(&named("self_attn.o_proj"), wide, query, config.output_bias)?,
            attention_out_norm,
            feed_norm,
            gate,
            up,
            down: self.linear(&named("mlp.down_proj"), wide, inner, config.feed_forward_bias)?,
            feed_out_norm,
        })
    }
}

impl Parameters<Host> {
    /// Takes a decoder's tensors, checking each one's shape.
    pub fn load(config: &Config, weights: &Weights) -> Result<Parameters<Host>, EngineError> {
        let embedding = |prefix: &&&str| weights.contains(&format!("{prefix}embed_tokens.weight"));
        let prefix = PREFIXES.iter().find(embedding).unwrap_or(&PREFIXES[0]);
        let taker = Taker { config, weights, prefix };
        let head = match config.tied {
            true => None,
            false => {
                let name = HEADS.iter().find(|name| weights.contains(name)).unwrap_or(&HEADS[0]);
                Some(weights.matrix(name, config.vocabulary, config.hidden)?)
            }
        };
        let embedding = format!("{prefix}embed_tokens.weight");
        Ok(Parameters {
            embedding: match config.tied {
                true => weights.matrix(&embedding, config.vocabulary, config.hidden)?,
                false => weights.looked_up(&embedding, config.vocabulary, config.hidden)?,
            },
            blocks: (0..config.layers).map(|layer| taker.block(layer)).collect::<Result<_, _>>()?,
            final_norm: taker.norm("norm", config.hidden)?,
            head,
        })
    }
}
