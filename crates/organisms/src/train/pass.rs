//! One shard of a batch, forward and backward: all documents' tokens as the rows of one matrix, without padding.
//!
//! Attention alone runs document by document. What the backward pass needs is kept; buffers are reused between steps. After the
//! last block's attention only the rows are followed after which something is taught: nothing reads the others.

use std::ops::Range;

use undermask_engine::ops::{Lay, Sizes, add, multiply, norm_forward, rotate};
use undermask_engine::{ProductScratch, rows_product};

use super::backward::{causal_softmax, gate_backward, gate_forward, norm_backward, softmax_backward, softmax_row};
use super::network::{BlockLayout, Network};
use super::packed::Packed;
use super::{Distribution, Example, Target};

/// Rows of logits that are held at once.
const LOGIT_ROWS: usize = 256;
/// Positions whose attention is computed at once: none of them looks beyond the last of them.
const TOGETHER: usize = 48;

/// Which gradients are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Of every parameter.
    Everything,
    /// Of the blocks' matrices only: embedding, head and norms stay as they are.
    Matrices,
}

/// What one block keeps for the way back.
#[derive(Default)]
struct BlockKeep {
    /// [N, D] before the block, and after its attention.
    entered: Vec<f32>,
    middle: Vec<f32>,
    normed: Vec<f32>,
    feed_normed: Vec<f32>,
    inverse: Vec<f32>,
    feed_inverse: Vec<f32>,
    /// [N, (H + 2K)·h], rotated.
    mixed: Vec<f32>,
    /// Attention weights of every document and head, one after another.
    weights: Vec<f32>,
    /// [N, H·h]
    attended: Vec<f32>,
    /// [N, 2I]
    gate_up: Vec<f32>,
    /// [N, I]
    activated: Vec<f32>,
}

/// Buffers of a shard.
#[derive(Default)]
pub(super) struct Shard {
    blocks: Vec<BlockKeep>,
    scratch: ProductScratch,
    /// The residual stream: of the rows that are followed once the last block is through.
    left: Vec<f32>,
    /// Rows that are followed to the end, in order.
    followed: Vec<usize>,
    cosines: Vec<f32>,
    sines: Vec<f32>,
    /// Gradient of every parameter.
    pub gradient: Vec<f32>,
    /// Σ weight·cross-entropy.
    pub loss: f64,
}

/// Makes a buffer as long as this; what it holds is overwritten by the caller.
fn sized(buffer: &mut Vec<f32>, length: usize) {
    buffer.resize(length, 0.0);
}

impl Shard {
    /// Runs documents forward and backward; `scale` multiplies every target's weight (1 / Σ weights of the batch).
    pub fn run(&mut self, (network, packed): (&Network, &Packed), documents: &[&Example], scale: f32, wanted: Wanted) {
        self.gradient.clear();
        self.gradient.resize(network.layout.total, 0.0);
        self.loss = 0.0;
        let lengths: Vec<usize> = documents.iter().map(|document| document.tokens.len()).collect();
        let tokens: Vec<u32> = documents.iter().flat_map(|document| document.tokens.iter().copied()).collect();
        if tokens.is_empty() {
            return;
        }
        self.angles(network, lengths.iter().copied().max().unwrap_or(0));
        let taught = taught(documents);
        self.followed.clear();
        self.followed.extend(taught.iter().map(|(row, _)| *row));
        self.followed.sort_unstable();
        self.followed.dedup();
        self.forward(network, packed, &tokens, &lengths);
        let slope = self.head((network, packed), &taught, scale, wanted);
        let slope = self.backward(network, packed, &lengths, slope);
        if wanted == Wanted::Matrices {
            return;
        }
        let wide = network.shape.hidden;
        let embedding = &mut self.gradient[network.layout.embedding.clone()];
        for (token, slope) in tokens.iter().zip(slope.chunks_exact(wide)) {
            add(&mut embedding[*token as usize * wide..][..wide], slope);
        }
    }

    /// The residual stream after the last block, [N, D] (before the final norm).
    pub fn residual(&mut self, network: &Network, packed: &Packed, tokens: &[u32]) -> &[f32] {
        self.angles(network, tokens.len());
        self.followed = (0..tokens.len()).collect();
        self.forward(network, packed, tokens, &[tokens.len()]);
        &self.left
    }

    fn angles(&mut self, network: &Network, longest: usize) {
        let half = network.shape.head_dimension / 2;
        self.cosines.clear();
        self.sines.clear();
        for position in 0..longest {
            for pair in 0..half {
                let exponent = -2.0 * pair as f64 / network.shape.head_dimension as f64;
                let angle = position as f64 * f64::from(network.shape.rope_theta).powf(exponent);
                self.cosines.push(angle.cos() as f32);
                self.sines.push(angle.sin() as f32);
            }
        }
    }

    fn forward(&mut self, network: &Network, packed: &Packed, tokens: &[u32], lengths: &[usize]) {
        let (shape, values) = (&network.shape, &network.values);
        let mut count = tokens.len();
        let wide = shape.hidden;
        let embedding = &values[network.layout.embedding.clone()];
        self.left.clear();
        for token in tokens {
            self.left.extend_from_slice(&embedding[*token as usize * wide..][..wide]);
        }
        self.blocks.resize_with(shape.layers, BlockKeep::default);
        let blocks = self.blocks.iter_mut().zip(&network.layout.blocks).zip(&packed.blocks);
        for (number, ((keep, layout), matrices)) in blocks.enumerate() {
            let scratch = &mut self.scratch;
            let stream = &mut self.left;
            keep.entered.clone_from(stream);
            sized(&mut keep.normed, count * wide);
            sized(&mut keep.inverse, count);
            norm_forward(
                stream,
                &values[layout.attention_norm.clone()],
                shape.norm_epsilon,
                &mut keep.normed,
                &mut keep.inverse,
            );
            let mixed = shape.mixed_width();
            sized(&mut keep.mixed, count * mixed);
            rows_product(&matrices.mixed.forward, count, &keep.normed, &mut keep.mixed, false, scratch);
            turn(network, &mut keep.mixed, lengths, (&self.cosines, &self.sines), 1.0);
            attend(network, keep, lengths);
            if number + 1 == shape.layers {
                count = self.followed.len();
                keep_rows(&mut keep.attended, shape.query_width(), &self.followed);
                keep_rows(stream, wide, &self.followed);
            }
            rows_product(&matrices.output.forward, count, &keep.attended, stream, true, scratch);
            keep.middle.clone_from(stream);
            sized(&mut keep.feed_normed, count * wide);
            sized(&mut keep.feed_inverse, count);
            norm_forward(
                stream,
                &values[layout.feed_norm.clone()],
                shape.norm_epsilon,
                &mut keep.feed_normed,
                &mut keep.feed_inverse,
            );
            let inner = shape.intermediate;
            sized(&mut keep.gate_up, count * 2 * inner);
            rows_product(&matrices.gate_up.forward, count, &keep.feed_normed, &mut keep.gate_up, false, scratch);
            sized(&mut keep.activated, count * inner);
            gate_forward(&keep.gate_up, &mut keep.activated, inner);
            rows_product(&matrices.down.forward, count, &keep.activated, stream, true, scratch);
        }
    }

    /// Final norm, logits, loss and their gradients; returns the gradient of the followed rows of the residual stream.
    fn head(
        &mut self,
        (network, packed): (&Network, &Packed),
        taught: &[(usize, &Target)],
        scale: f32,
        wanted: Wanted,
    ) -> Vec<f32> {
        let (wide, vocabulary) = (network.shape.hidden, network.shape.vocabulary);
        let place = |row: &usize| self.followed.binary_search(row).expect("rows that teach are followed");
        let rows: Vec<(usize, &Target)> = taught.iter().map(|(row, target)| (place(row), *target)).collect();
        let weight = &network.values[network.layout.final_norm.clone()];
        let mut logits = Vec::new();
        let mut slope = vec![0.0; self.left.len()];
        let mut norm_gradient = vec![0.0; wide];
        for chunk in rows.chunks(LOGIT_ROWS) {
            let count = chunk.len();
            let mut input = Vec::with_capacity(count * wide);
            for (row, _) in chunk {
                input.extend_from_slice(&self.left[row * wide..][..wide]);
            }
            let (mut normed, mut inverse) = (vec![0.0; count * wide], vec![0.0; count]);
            norm_forward(&input, weight, network.shape.norm_epsilon, &mut normed, &mut inverse);
            sized(&mut logits, count * vocabulary);
            rows_product(&packed.head.forward, count, &normed, &mut logits, false, &mut self.scratch);
            for ((_, target), row) in chunk.iter().zip(logits.chunks_exact_mut(vocabulary)) {
                let weight = target.weight * scale;
                let single;
                let wanted: &[(u32, f32)] = match &target.distribution {
                    Distribution::Token(token) => {
                        single = [(*token, 1.0)];
                        &single
                    }
                    Distribution::Soft(list) => list,
                };
                let scores: Vec<f32> = wanted.iter().map(|(token, _)| row[*token as usize]).collect();
                let log_sum = softmax_row(row);
                for ((_, share), score) in wanted.iter().zip(scores) {
                    self.loss += f64::from(weight) * f64::from(*share) * f64::from(log_sum - score);
                }
                row.iter_mut().for_each(|value| *value *= weight);
                for (token, share) in wanted {
                    row[*token as usize] -= weight * share;
                }
            }
            if wanted == Wanted::Everything {
                let head_gradient = &mut self.gradient[network.layout.head.clone()];
                let sizes = (count, vocabulary, wide);
                packed.add_gradient(sizes, &logits, &normed, head_gradient, &mut self.scratch);
            }
            let mut normed_slope = vec![0.0; count * wide];
            rows_product(&packed.head.back, count, &logits, &mut normed_slope, false, &mut self.scratch);
            let mut input_slope = vec![0.0; count * wide];
            norm_backward(&input, weight, &inverse, &normed_slope, &mut input_slope, &mut norm_gradient);
            for ((row, _), part) in chunk.iter().zip(input_slope.chunks_exact(wide)) {
                add(&mut slope[row * wide..][..wide], part);
            }
        }
        add(&mut self.gradient[network.layout.final_norm.clone()], &norm_gradient);
        slope
    }

    /// From the gradient of the followed rows after the last block to that of all rows before the first, [N, D].
    fn backward(&mut self, network: &Network, packed: &Packed, lengths: &[usize], mut slope: Vec<f32>) -> Vec<f32> {
        let (shape, values) = (&network.shape, &network.values);
        let (wide, inner, mixed) = (shape.hidden, shape.intermediate, shape.mixed_width());
        let all: usize = lengths.iter().sum();
        let mut count = self.followed.len();
        let mut inner_slope = vec![0.0; count * inner];
        let mut normed_slope = vec![0.0; all * wide];
        let mut attended_slope = vec![0.0; count * shape.query_width()];
        let mut mixed_slope = vec![0.0; all * mixed];
        let blocks = self.blocks.iter_mut().zip(&network.layout.blocks).zip(&packed.blocks);
        for (number, ((keep, layout), matrices)) in blocks.enumerate().rev() {
            let scratch = &mut self.scratch;
            let BlockLayout { attention_norm, mixed: mixer, output, feed_norm, gate_up, down } = layout.clone();
            let gradient = &mut self.gradient;
            packed.add_gradient((count, wide, inner), &slope, &keep.activated, &mut gradient[down.clone()], scratch);
            rows_product(&matrices.down.back, count, &slope, &mut inner_slope, false, scratch);
            gate_backward(&mut keep.gate_up, &inner_slope, inner);
            packed.add_gradient(
                (count, 2 * inner, wide),
                &keep.gate_up,
                &keep.feed_normed,
                &mut gradient[gate_up.clone()],
                scratch,
            );
            rows_product(&matrices.gate_up.back, count, &keep.gate_up, &mut normed_slope, false, scratch);
            norm_backward(
                &keep.middle,
                &values[feed_norm.clone()],
                &keep.feed_inverse,
                &normed_slope[..count * wide],
                &mut slope,
                &mut gradient[feed_norm],
            );
            let query = shape.query_width();
            packed.add_gradient((count, wide, query), &slope, &keep.attended, &mut gradient[output.clone()], scratch);
            rows_product(&matrices.output.back, count, &slope, &mut attended_slope, false, scratch);
            if number + 1 == shape.layers {
                count = all;
                slope = among(&slope, wide, &self.followed, all);
                attended_slope = among(&attended_slope, query, &self.followed, all);
                inner_slope.resize(all * inner, 0.0);
            }
            attend_back(network, keep, lengths, &attended_slope, &mut mixed_slope);
            turn(network, &mut mixed_slope, lengths, (&self.cosines, &self.sines), -1.0);
            packed.add_gradient(
                (count, mixed, wide),
                &mixed_slope,
                &keep.normed,
                &mut gradient[mixer.clone()],
                scratch,
            );
            rows_product(&matrices.mixed.back, count, &mixed_slope, &mut normed_slope, false, scratch);
            norm_backward(
                &keep.entered,
                &values[attention_norm.clone()],
                &keep.inverse,
                &normed_slope,
                &mut slope,
                &mut gradient[attention_norm],
            );
        }
        slope
    }
}

/// Everything that is taught, by its row among those of all documents.
fn taught<'a>(documents: &[&'a Example]) -> Vec<(usize, &'a Target)> {
    let mut first = 0;
    let mut taught = Vec::new();
    for document in documents {
        taught.extend(document.targets.iter().map(|target| (first + target.position, target)));
        first += document.tokens.len();
    }
    taught
}

/// Keeps some rows, in order.
fn keep_rows(values: &mut Vec<f32>, wide: usize, rows: &[usize]) {
    for (place, row) in rows.iter().enumerate() {
        values.copy_within(row * wide..(row + 1) * wide, place * wide);
    }
    values.truncate(rows.len() * wide);
}

/// Rows at their places among all, the others 0.
fn among(values: &[f32], wide: usize, rows: &[usize], all: usize) -> Vec<f32> {
    let mut out = vec![0.0; all * wide];
    for (row, values) in rows.iter().zip(values.chunks_exact(wide)) {
        out[row * wide..][..wide].copy_from_slice(values);
    }
    out
}

/// Rotates queries and keys of every row by its position within its document.
fn turn(network: &Network, mixed: &mut [f32], lengths: &[usize], (cosines, sines): (&[f32], &[f32]), direction: f32) {
    let (wide, head) = (network.shape.mixed_width(), network.shape.head_dimension);
    let turned = network.shape.query_width() + network.shape.key_width();
    let half = head / 2;
    let mut rows = mixed.chunks_exact_mut(wide);
    pulp::Arch::new().dispatch(|| {
        for length in lengths {
            for (position, row) in rows.by_ref().take(*length).enumerate() {
                let angles = position * half..(position + 1) * half;
                for part in row[..turned].chunks_exact_mut(head) {
                    rotate(part, &cosines[angles.clone()], &sines[angles.clone()], direction);
                }
            }
        }
    });
}

/// Where the parts of one document's head lie: query, key, value within a mixed row, and its weights.
struct Head {
    first_row: usize,
    length: usize,
    query: usize,
    key: usize,
    value: usize,
    weights: usize,
}

fn heads<'a>(network: &'a Network, lengths: &'a [usize]) -> impl Iterator<Item = Head> + 'a {
    let shape = &network.shape;
    let group = shape.heads / shape.key_value_heads;
    let (mut first_row, mut weights) = (0, 0);
    lengths.iter().flat_map(move |length| {
        let start = (first_row, weights);
        first_row += length;
        weights += shape.heads * length * length;
        (0..shape.heads).map(move |head| Head {
            first_row: start.0,
            length: *length,
            query: head * shape.head_dimension,
            key: shape.query_width() + head / group * shape.head_dimension,
            value: shape.query_width() + shape.key_width() + head / group * shape.head_dimension,
            weights: start.1 + head * length * length,
        })
    })
}

/// A document's positions, some at once.
fn together(length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(TOGETHER).map(move |first| first..(first + TOGETHER).min(length))
}

fn attend(network: &Network, keep: &mut BlockKeep, lengths: &[usize]) {
    let (mixed, query_width, size) =
        (network.shape.mixed_width(), network.shape.query_width(), network.shape.head_dimension);
    let scale = 1.0 / (size as f32).sqrt();
    keep.weights.resize(network.shape.heads * lengths.iter().map(|length| length * length).sum::<usize>(), 0.0);
    sized(&mut keep.attended, lengths.iter().sum::<usize>() * query_width);
    for head in heads(network, lengths) {
        let (length, rows) = (head.length, &keep.mixed[head.first_row * mixed..]);
        let weights = &mut keep.weights[head.weights..][..length * length];
        for some in together(length) {
            multiply(
                Sizes { m: some.len(), k: size, n: some.end },
                (&mut weights[some.start * length..], Lay::rows(length)),
                0.0,
                (&rows[some.start * mixed + head.query..], Lay::rows(mixed)),
                (&rows[head.key..], Lay::transposed(mixed)),
                scale,
            );
        }
        causal_softmax(weights, length);
        for some in together(length) {
            let first = (head.first_row + some.start) * query_width;
            multiply(
                Sizes { m: some.len(), k: some.end, n: size },
                (&mut keep.attended[first + head.query..], Lay::rows(query_width)),
                0.0,
                (&weights[some.start * length..], Lay::rows(length)),
                (&rows[head.value..], Lay::rows(mixed)),
                1.0,
            );
        }
    }
}

fn attend_back(network: &Network, keep: &BlockKeep, lengths: &[usize], slope: &[f32], mixed_slope: &mut [f32]) {
    let (mixed, query_width, size) =
        (network.shape.mixed_width(), network.shape.query_width(), network.shape.head_dimension);
    let scale = 1.0 / (size as f32).sqrt();
    mixed_slope.fill(0.0);
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut weight_slope = vec![0.0; longest * longest];
    for head in heads(network, lengths) {
        let length = head.length;
        let start = head.first_row * mixed;
        let rows = &keep.mixed[start..];
        let weights = &keep.weights[head.weights..][..length * length];
        let slopes = &slope[head.first_row * query_width + head.query..];
        let weight_slope = &mut weight_slope[..length * length];
        let square = Lay::rows(length);
        // Gradient of the weights, and of the values through them.
        for some in together(length) {
            let (first, here) = (some.start * length, some.start * query_width);
            multiply(
                Sizes { m: some.len(), k: size, n: some.end },
                (&mut weight_slope[first..], square),
                0.0,
                (&slopes[here..], Lay::rows(query_width)),
                (&rows[head.value..], Lay::transposed(mixed)),
                1.0,
            );
            multiply(
                Sizes { m: some.end, k: some.len(), n: size },
                (&mut mixed_slope[start + head.value..], Lay::rows(mixed)),
                1.0,
                (&weights[first..], Lay::transposed(length)),
                (&slopes[here..], Lay::rows(query_width)),
                1.0,
            );
        }
        // Then of the scores, and of queries and keys through them.
        softmax_backward(weights, weight_slope, length, scale);
        for some in together(length) {
            let (first, row) = (some.start * length, some.start * mixed);
            multiply(
                Sizes { m: some.len(), k: some.end, n: size },
                (&mut mixed_slope[start + row + head.query..], Lay::rows(mixed)),
                1.0,
                (&weight_slope[first..], square),
                (&rows[head.key..], Lay::rows(mixed)),
                1.0,
            );
            multiply(
                Sizes { m: some.end, k: some.len(), n: size },
                (&mut mixed_slope[start + head.key..], Lay::rows(mixed)),
                1.0,
                (&weight_slope[first..], Lay::transposed(length)),
                (&rows[row + head.query..], Lay::rows(mixed)),
                1.0,
            );
        }
    }
}
