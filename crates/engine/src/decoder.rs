//! The forward pass: one decoder of RMSNorm, rotary grouped-query attention and a gated feed-forward layer, configured
//! for every family.
//!
//! It runs over *segments*: stretches of new tokens, each with a chain of earlier stretches whose keys and values are in
//! the store. One long sequence, a ragged batch, a decoding step and a whole trie of prompts are all lists of segments,
//! and the tokens of all segments are the rows of one matrix, without padding.

use std::ops::Range;
use std::sync::Arc;

use crate::EngineError;
use crate::attend::soft_cap;
use crate::block::{Block, Parameters};
use crate::config::{Activation, Config};
use crate::hook::{HookPoint, Visitor};
use crate::kernel::attention::{Heads, Sequence, attend};
use crate::kernel::isa::Isa;
use crate::kernel::pool::{Pool, for_rows};
use crate::matrix::{Matrix, Workspace};
use crate::ops::{add, exponential, gate_forward, norm_forward, rotate};
use crate::weights::Weights;

/// A decoder ready to run.
pub(crate) struct Decoder {
    config: Config,
    parameters: Parameters,
    /// Of each rope, the frequencies of short sequences and of long ones.
    frequencies: Vec<[Vec<f32>; 2]>,
    pool: Arc<Pool>,
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
    /// Whether its sequence is so long that LongRoPE's long list is used ([`Config::is_long`]).
    pub long: bool,
}

/// Keys and values of every token computed so far, per block [capacity, K·h].
pub(crate) struct Store {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    width: usize,
}

impl Store {
    pub fn new(config: &Config, capacity: usize) -> Store {
        let empty = || vec![vec![0.0; capacity * config.key_width()]; config.layers];
        Store { keys: empty(), values: empty(), width: config.key_width() }
    }

    /// Makes room for as many rows.
    pub fn grow(&mut self, capacity: usize) {
        for rows in self.keys.iter_mut().chain(&mut self.values) {
            rows.resize(rows.len().max(capacity * self.width), 0.0);
        }
    }

    /// Moves rows towards the front.
    pub fn move_down(&mut self, from: Range<usize>, to: usize) {
        let width = self.width;
        for rows in self.keys.iter_mut().chain(&mut self.values) {
            rows.copy_within(from.start * width..from.end * width, to * width);
        }
    }
}

/// Buffers of a worker, reused between calls.
#[derive(Default)]
pub(crate) struct Buffers {
    normed: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    attended: Vec<f32>,
    added: Vec<f32>,
    gate: Vec<f32>,
    activated: Vec<f32>,
    pub scratch: Workspace,
}

/// Cosines and sines of every row's position, [N, r/2] each.
struct Angles {
    cosines: Vec<f32>,
    sines: Vec<f32>,
    half: usize,
}

/// Gives a buffer a length; what is in it is left as it was, since every use overwrites all of it.
fn sized(buffer: &mut Vec<f32>, length: usize) {
    buffer.resize(length, 0.0);
}

impl Decoder {
    /// Takes a decoder's tensors, checking each one's shape.
    pub fn load(config: &Config, weights: &Weights) -> Result<Decoder, EngineError> {
        let frequencies = config.ropes.iter().map(|rope| [false, true].map(|long| rope.frequencies(long))).collect();
        let pool = Arc::clone(&weights.packing.pool);
        Ok(Decoder { parameters: Parameters::load(config, weights)?, frequencies, config: config.clone(), pool })
    }

    /// Buffers of a caller that has the model to itself: work is spread over all its threads. A worker among several
    /// takes [`Buffers::default`] and stays on its own thread.
    pub fn buffers(&self) -> Buffers {
        Buffers { scratch: Workspace::on(Arc::clone(&self.pool)), ..Buffers::default() }
    }

    /// The matrix from the final norm to logits, [V, D]. The logits are not yet capped: see [`Decoder::cap`].
    pub fn head(&self) -> &Matrix {
        self.parameters.head.as_ref().unwrap_or(&self.parameters.embedding)
    }

    /// The soft cap on logits, where the family has one.
    pub fn cap(&self, logits: &mut [f32]) {
        if let Some(cap) = self.config.final_cap {
            pulp::Arch::new().dispatch(|| soft_cap(logits, cap));
        }
    }

    /// Runs the blocks; returns the residual stream after the last one, [N, D]. The visitor sees, and may change, every
    /// hook point but the final norm.
    pub fn run(
        &self,
        tokens: &[u32],
        segments: &[Segment],
        store: &mut Store,
        buffers: &mut Buffers,
        visitor: &mut dyn Visitor,
    ) -> Vec<f32> {
        let (config, count, wide) = (&self.config, tokens.len(), self.config.hidden);
        let mut stream = vec![0.0; count * wide];
        for (token, row) in tokens.iter().zip(stream.chunks_exact_mut(wide)) {
            self.parameters.embedding.row(*token as usize, row);
        }
        if config.embedding_scale != 1.0 {
            stream.iter_mut().for_each(|value| *value *= config.embedding_scale);
        }
        visitor.visit(HookPoint::Embeddings, &mut stream, None);
        let angles: Vec<Angles> = (0..config.ropes.len()).map(|rope| self.angles(rope, segments, count)).collect();
        let sequences: Vec<Sequence> = segments.iter().map(Sequence::of).collect();
        for (layer, block) in self.parameters.blocks.iter().enumerate() {
            visitor.visit(HookPoint::ResidPre(layer), &mut stream, None);
            self.attention_out(layer, block, &stream, segments, &sequences, &angles, store, buffers);
            visitor.visit(HookPoint::AttentionOut(layer), &mut buffers.added, None);
            add_rows(&buffers.scratch.pool, &mut stream, &buffers.added, wide);
            self.mlp_out(block, &stream, buffers);
            visitor.visit(HookPoint::MlpOut(layer), &mut buffers.added, None);
            add_rows(&buffers.scratch.pool, &mut stream, &buffers.added, wide);
            visitor.visit(HookPoint::ResidPost(layer), &mut stream, None);
        }
        stream
    }

    /// What a block's attention adds to the stream, into `buffers.added`.
    #[expect(clippy::too_many_arguments, reason = "the parts of one call, each borrowed by itself")]
    fn attention_out(
        &self,
        layer: usize,
        block: &Block,
        stream: &[f32],
        segments: &[Segment],
        sequences: &[Sequence],
        angles: &[Angles],
        store: &mut Store,
        buffers: &mut Buffers,
    ) {
        let config = &self.config;
        let count = stream.len() / config.hidden;
        let (wide, narrow, size) = (config.query_width(), config.key_width(), config.head_dimension);
        let Buffers { normed, query, key, value, attended, added, scratch, .. } = buffers;
        let input = self.normed(stream, block.attention_norm.as_deref(), normed, &scratch.pool);
        for (buffer, width) in [(&mut *query, wide), (&mut *key, narrow), (&mut *value, narrow)] {
            sized(buffer, count * width);
        }
        block.query.project(count, input, query, scratch);
        block.key.project(count, input, key, scratch);
        block.value.project(count, input, value, scratch);
        for (rows, norm) in [(&mut *query, &block.query_norm), (&mut *key, &block.key_norm)] {
            if let Some(weight) = norm {
                self.norm_in_place(rows, weight, added, &scratch.pool);
            }
        }
        let angles = &angles[config.attention[layer].rope];
        turn(query, size, wide, angles, &scratch.pool);
        turn(key, size, narrow, angles, &scratch.pool);
        let (keys, values) = (&mut store.keys[layer], &mut store.values[layer]);
        for segment in segments {
            let stored = segment.stored * narrow..(segment.stored + segment.rows.len()) * narrow;
            let rows = segment.rows.start * narrow..segment.rows.end * narrow;
            keys[stored.clone()].copy_from_slice(&key[rows.clone()]);
            values[stored].copy_from_slice(&value[rows]);
        }
        sized(attended, count * wide);
        attend(Isa::chosen(), &Heads::of(config, layer), sequences, query, (keys, values), attended, &scratch.pool);
        sized(added, count * config.hidden);
        block.output.project(count, attended, added, scratch);
        if let Some(weight) = &block.attention_out_norm {
            self.norm_in_place(added, weight, normed, &scratch.pool);
        }
    }

    /// What a block's feed-forward layer adds to the stream, into `buffers.added`. Its inner width is several times the
    /// stream's: it goes some rows at a time, so that a long prompt does not take more memory than the model.
    fn mlp_out(&self, block: &Block, stream: &[f32], buffers: &mut Buffers) {
        let config = &self.config;
        let Buffers { normed, gate, activated, added, scratch, .. } = buffers;
        sized(added, stream.len());
        for (stream, added) in
            stream.chunks(INNER_ROWS * config.hidden).zip(added.chunks_mut(INNER_ROWS * config.hidden))
        {
            let count = stream.len() / config.hidden;
            let input = self.normed(stream, block.feed_norm.as_deref(), normed, &scratch.pool);
            sized(gate, count * config.intermediate);
            sized(activated, count * config.intermediate);
            block.gate.project(count, input, gate, scratch);
            block.up.project(count, input, activated, scratch);
            for_rows(&scratch.pool, activated, config.intermediate, GRAIN, |first, activated| {
                let gate = &gate[first * config.intermediate..][..activated.len()];
                match config.activation {
                    Activation::Silu => gate_forward(gate, activated),
                    Activation::GeluTanh => gelu_forward(gate, activated),
                }
            });
            block.down.project(count, activated, added, scratch);
        }
        if let Some(weight) = &block.feed_out_norm {
            self.norm_in_place(added, weight, normed, &scratch.pool);
        }
    }

    /// The rows normed, or themselves where there is no norm.
    fn normed<'a>(&self, rows: &'a [f32], weight: Option<&[f32]>, normed: &'a mut Vec<f32>, pool: &Pool) -> &'a [f32] {
        let Some(weight) = weight else { return rows };
        sized(normed, rows.len());
        norm_rows(pool, rows, weight, self.config.norm_epsilon, normed);
        normed
    }

    /// Norms rows of the weight's width in place.
    fn norm_in_place(&self, rows: &mut Vec<f32>, weight: &[f32], spare: &mut Vec<f32>, pool: &Pool) {
        sized(spare, rows.len());
        norm_rows(pool, rows, weight, self.config.norm_epsilon, spare);
        std::mem::swap(rows, spare);
    }

    /// Final norm of some rows of the stream, [N, D]; `which` are their numbers among the rows of the run before.
    pub fn finish(&self, rows: &[f32], which: &[usize], visitor: &mut dyn Visitor) -> Vec<f32> {
        let mut normed = vec![0.0; rows.len()];
        let mut inverse = vec![0.0; rows.len() / self.config.hidden];
        norm_forward(rows, &self.parameters.final_norm, self.config.norm_epsilon, &mut normed, &mut inverse);
        visitor.visit(HookPoint::FinalNorm, &mut normed, Some(which));
        normed
    }

    /// Cosines and sines of every row's position under one rope.
    fn angles(&self, rope: usize, segments: &[Segment], count: usize) -> Angles {
        let half = self.frequencies[rope][0].len();
        let amplitude = self.config.ropes[rope].amplitude as f32;
        let (mut cosines, mut sines) = (vec![0.0; count * half], vec![0.0; count * half]);
        for segment in segments {
            let frequencies = &self.frequencies[rope][usize::from(segment.long)];
            for (place, row) in segment.rows.clone().enumerate() {
                let position = (segment.position + place) as f32;
                for (pair, frequency) in frequencies.iter().enumerate() {
                    // transformers multiplies in f32; so do we, or long sequences would differ by more than rounding.
                    let angle = position * frequency;
                    cosines[row * half + pair] = angle.cos() * amplitude;
                    sines[row * half + pair] = angle.sin() * amplitude;
                }
            }
        }
        Angles { cosines, sines, half }
    }
}

/// Rows that pass the feed-forward layer at once: enough for products that are bound by arithmetic.
const INNER_ROWS: usize = 512;
/// Rows of one task of the pool, in what is done row by row.
const GRAIN: usize = 32;

/// Turns the first numbers of every head of every row.
fn turn(rows: &mut [f32], size: usize, wide: usize, angles: &Angles, pool: &Pool) {
    let half = angles.half;
    for_rows(pool, rows, wide, GRAIN, |first, rows| {
        pulp::Arch::new().dispatch(|| {
            for (number, row) in rows.chunks_exact_mut(wide).enumerate() {
                let own = (first + number) * half..(first + number + 1) * half;
                for head in row.chunks_exact_mut(size) {
                    rotate(&mut head[..2 * half], &angles.cosines[own.clone()], &angles.sines[own.clone()], 1.0);
                }
            }
        });
    });
}

/// y = x/rms(x)·w per row of the weight's width.
fn norm_rows(pool: &Pool, rows: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let wide = weight.len();
    for_rows(pool, out, wide, GRAIN, |first, out| {
        let mut inverse = [0.0; GRAIN];
        norm_forward(&rows[first * wide..][..out.len()], weight, epsilon, out, &mut inverse);
    });
}

/// one += two, rows of a width.
fn add_rows(pool: &Pool, one: &mut [f32], two: &[f32], wide: usize) {
    for_rows(pool, one, wide, GRAIN, |first, one| add(one, &two[first * wide..][..one.len()]));
}

/// act = gelu(gate)·act by the tanh form, x·σ(2·√(2/π)·(x + 0.044715·x³)).
fn gelu_forward(gate: &[f32], act: &mut [f32]) {
    const TWICE: f32 = 1.595_769; // 2·√(2/π)
    pulp::Arch::new().dispatch(|| {
        for (act, gate) in act.iter_mut().zip(gate) {
            let inner = TWICE * (gate + 0.044_715 * gate * gate * gate);
            *act *= gate / (1.0 + exponential(-inner));
        }
    });
}
