//! The forward pass: a decoder of RMSNorm, rotary grouped-query attention and a gated feed-forward layer.
//!
//! It runs over *segments*: stretches of new tokens, each with a chain of earlier stretches whose keys and values are in
//! the store. One long sequence, a ragged batch, a decoding step and a whole trie of prompts are all lists of segments,
//! and the tokens of all segments are the rows of one matrix, without padding.

use std::ops::Range;

use crate::EngineError;
use crate::config::Config;
use crate::hook::{HookPoint, Observer};
use crate::matrix::Matrix;
use crate::ops::{add, dot, exponential, gate_forward, norm_forward, rotate};
use crate::weights::Weights;

/// The parameters of one block.
struct Block {
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    feed_norm: Vec<f32>,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// A matrix and its bias, if it has one.
struct Linear {
    matrix: Matrix,
    bias: Option<Vec<f32>>,
}

impl Linear {
    fn project(&self, count: usize, input: &[f32], out: &mut [f32], scratch: &mut Vec<f32>) {
        self.matrix.project(count, input, out, 0.0, scratch);
        if let Some(bias) = &self.bias {
            out.chunks_exact_mut(bias.len()).for_each(|row| add(row, bias));
        }
    }
}

/// A decoder ready to run.
pub(crate) struct Decoder {
    config: Config,
    embedding: Matrix,
    blocks: Vec<Block>,
    final_norm: Vec<f32>,
    head: Option<Matrix>,
    frequencies: Vec<f64>,
}

/// New tokens that follow a chain of stored ones.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Rows of this call's matrix.
    pub rows: Range<usize>,
    /// Position of its first token in its sequence.
    pub position: usize,
    /// Rows of the store that come before it, oldest first; its own are stored from `stored` on.
    pub chain: Vec<Range<usize>>,
    /// Where its own keys and values go in the store.
    pub stored: usize,
}

/// Keys and values of every token computed so far, per block [capacity, K·h].
pub(crate) struct Store {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
}

impl Store {
    pub fn new(config: &Config, capacity: usize) -> Store {
        let empty = || vec![vec![0.0; capacity * config.key_width()]; config.layers];
        Store { keys: empty(), values: empty() }
    }

    /// Makes room for as many rows.
    pub fn grow(&mut self, config: &Config, capacity: usize) {
        for rows in self.keys.iter_mut().chain(&mut self.values) {
            rows.resize(capacity * config.key_width(), 0.0);
        }
    }
}

/// Buffers of a worker, reused between calls.
#[derive(Default)]
pub(crate) struct Buffers {
    normed: Vec<f32>,
    inverse: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    attended: Vec<f32>,
    added: Vec<f32>,
    gate: Vec<f32>,
    activated: Vec<f32>,
    scores: Vec<f32>,
    pub scratch: Vec<f32>,
}

fn sized(buffer: &mut Vec<f32>, length: usize) {
    buffer.clear();
    buffer.resize(length, 0.0);
}

impl Decoder {
    /// Takes a decoder's tensors, checking each one's shape.
    pub fn load(config: &Config, weights: &Weights) -> Result<Decoder, EngineError> {
        let wide = config.hidden;
        let linear = |name: String, rows: usize, columns: usize, biased: bool| -> Result<Linear, EngineError> {
            let bias = biased.then(|| weights.vector(&format!("{name}.bias"), rows)).transpose()?;
            Ok(Linear { matrix: weights.matrix(&format!("{name}.weight"), rows, columns)?, bias })
        };
        let embedding = weights.matrix("model.embed_tokens.weight", config.vocabulary, wide)?;
        let mut blocks = Vec::new();
        for layer in 0..config.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            let (query, key, inner) = (config.query_width(), config.key_width(), config.intermediate);
            let (biased, inner_biased) = (config.attention_bias, config.feed_forward_bias);
            blocks.push(Block {
                attention_norm: weights.vector(&name("input_layernorm.weight"), wide)?,
                query: linear(name("self_attn.q_proj"), query, wide, biased)?,
                key: linear(name("self_attn.k_proj"), key, wide, biased)?,
                value: linear(name("self_attn.v_proj"), key, wide, biased)?,
                output: linear(name("self_attn.o_proj"), wide, query, biased)?,
                feed_norm: weights.vector(&name("post_attention_layernorm.weight"), wide)?,
                gate: linear(name("mlp.gate_proj"), inner, wide, inner_biased)?,
                up: linear(name("mlp.up_proj"), inner, wide, inner_biased)?,
                down: linear(name("mlp.down_proj"), wide, inner, inner_biased)?,
            });
        }
        let head = if config.tied { None } else { Some(weights.matrix("lm_head.weight", config.vocabulary, wide)?) };
        Ok(Decoder {
            embedding,
            blocks,
            final_norm: weights.vector("model.norm.weight", wide)?,
            head,
            frequencies: config.rope.frequencies(config.head_dimension),
            config: config.clone(),
        })
    }

    /// The matrix from the final norm to logits, [V, D].
    pub fn head(&self) -> &Matrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Runs the blocks; returns the residual stream after the last one, [N, D].
    pub fn run(
        &self,
        tokens: &[u32],
        segments: &[Segment],
        store: &mut Store,
        buffers: &mut Buffers,
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        let (config, count, wide) = (&self.config, tokens.len(), self.config.hidden);
        let mut stream = vec![0.0; count * wide];
        for (token, row) in tokens.iter().zip(stream.chunks_exact_mut(wide)) {
            self.embedding.row(*token as usize, row);
        }
        observer.observe(HookPoint::Embeddings, &stream);
        let angles = self.angles(segments, count);
        for (layer, block) in self.blocks.iter().enumerate() {
            observer.observe(HookPoint::ResidPre(layer), &stream);
            let Buffers { normed, inverse, query, key, value, attended, added, gate, activated, scores, scratch } =
                buffers;
            sized(normed, count * wide);
            sized(inverse, count);
            norm_forward(&stream, &block.attention_norm, config.norm_epsilon, normed, inverse);
            sized(query, count * config.query_width());
            sized(key, count * config.key_width());
            sized(value, count * config.key_width());
            block.query.project(count, normed, query, scratch);
            block.key.project(count, normed, key, scratch);
            block.value.project(count, normed, value, scratch);
            turn(query, config.query_width(), &angles, config.head_dimension);
            turn(key, config.key_width(), &angles, config.head_dimension);
            let narrow = config.key_width();
            for segment in segments {
                let stored = segment.stored * narrow..(segment.stored + segment.rows.len()) * narrow;
                let rows = segment.rows.start * narrow..segment.rows.end * narrow;
                store.keys[layer][stored.clone()].copy_from_slice(&key[rows.clone()]);
                store.values[layer][stored].copy_from_slice(&value[rows]);
            }
            sized(attended, count * config.query_width());
            for segment in segments {
                self.attend(segment, query, &store.keys[layer], &store.values[layer], attended, scores);
            }
            sized(added, count * wide);
            block.output.project(count, attended, added, scratch);
            observer.observe(HookPoint::AttentionOut(layer), added);
            add(&mut stream, added);
            norm_forward(&stream, &block.feed_norm, config.norm_epsilon, normed, inverse);
            let inner = config.intermediate;
            sized(gate, count * inner);
            sized(activated, count * inner);
            block.gate.project(count, normed, gate, scratch);
            block.up.project(count, normed, activated, scratch);
            gate_forward(gate, activated);
            block.down.project(count, activated, added, scratch);
            observer.observe(HookPoint::MlpOut(layer), added);
            add(&mut stream, added);
            observer.observe(HookPoint::ResidPost(layer), &stream);
        }
        stream
    }

    /// Final norm of some rows, [N, D].
    pub fn finish(&self, rows: &[f32]) -> Vec<f32> {
        let mut normed = vec![0.0; rows.len()];
        let mut inverse = vec![0.0; rows.len() / self.config.hidden];
        norm_forward(rows, &self.final_norm, self.config.norm_epsilon, &mut normed, &mut inverse);
        normed
    }

    /// Cosines and sines of every row's position, [N, h/2] each.
    fn angles(&self, segments: &[Segment], count: usize) -> (Vec<f32>, Vec<f32>) {
        let half = self.frequencies.len();
        let (mut cosines, mut sines) = (vec![0.0; count * half], vec![0.0; count * half]);
        for segment in segments {
            for (place, row) in segment.rows.clone().enumerate() {
                let position = (segment.position + place) as f64;
                for (pair, frequency) in self.frequencies.iter().enumerate() {
                    // transformers multiplies in f32; so do we, or long sequences would differ by more than rounding.
                    let angle = position as f32 * *frequency as f32;
                    cosines[row * half + pair] = angle.cos();
                    sines[row * half + pair] = angle.sin();
                }
            }
        }
        (cosines, sines)
    }

    /// Attention of one segment over its chain and itself. Scores are held for one row at a time, so a long prompt
    /// needs no [T, T].
    fn attend(
        &self,
        segment: &Segment,
        query: &[f32],
        keys: &[f32],
        values: &[f32],
        attended: &mut [f32],
        scores: &mut Vec<f32>,
    ) {
        let (size, wide, narrow) = (self.config.head_dimension, self.config.query_width(), self.config.key_width());
        let group = self.config.heads / self.config.key_value_heads;
        let scale = 1.0 / (size as f32).sqrt();
        let before: usize = segment.chain.iter().map(ExactSizeIterator::len).sum();
        scores.resize(group * (before + segment.rows.len()), 0.0);
        pulp::Arch::new().dispatch(|| {
            for (place, row) in segment.rows.clone().enumerate() {
                let own = segment.stored..segment.stored + place + 1;
                let length = before + place + 1;
                let seen = || segment.chain.iter().cloned().chain(std::iter::once(own.clone())).flatten();
                for shared in 0..self.config.key_value_heads {
                    let heads = &query[row * wide + shared * group * size..][..group * size];
                    for (index, stored) in seen().enumerate() {
                        let key = &keys[stored * narrow + shared * size..][..size];
                        for (head, part) in heads.chunks_exact(size).enumerate() {
                            scores[head * length + index] = dot(part, key) * scale;
                        }
                    }
                    let out = &mut attended[row * wide + shared * group * size..][..group * size];
                    for (row_scores, out) in scores.chunks_exact_mut(length).zip(out.chunks_exact_mut(size)) {
                        softmax(row_scores);
                        for (weight, stored) in row_scores.iter().zip(seen()) {
                            let value = &values[stored * narrow + shared * size..][..size];
                            for (out, value) in out.iter_mut().zip(value) {
                                *out += weight * value;
                            }
                        }
                    }
                }
            }
        });
    }
}

/// Softmax in place.
#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().fold(f32::NEG_INFINITY, |highest, score| highest.max(*score));
    for score in scores.iter_mut() {
        *score = exponential(*score - highest);
    }
    let scale = 1.0 / crate::ops::sum(scores);
    for score in scores.iter_mut() {
        *score *= scale;
    }
}

/// Rotates every head of every row.
fn turn(rows: &mut [f32], wide: usize, (cosines, sines): &(Vec<f32>, Vec<f32>), size: usize) {
    let half = size / 2;
    pulp::Arch::new().dispatch(|| {
        for (number, row) in rows.chunks_exact_mut(wide).enumerate() {
            let angles = number * half..(number + 1) * half;
            for head in row.chunks_exact_mut(size) {
                rotate(head, &cosines[angles.clone()], &sines[angles.clone()], 1.0);
            }
        }
    });
}
