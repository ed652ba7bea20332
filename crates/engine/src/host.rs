//! The operations of a forward pass on the processor: products and attention by the `kernel`s, everything else row by
//! row over the pool.

use std::ops::Range;
use std::sync::Arc;

use crate::EngineError;
use crate::attend::soft_cap;
use crate::block::Linear;
use crate::config::{Activation, Config};
use crate::decoder::Segment;
use crate::device::{Angles, Device, Feed};
use crate::hook::Wanted;
use crate::kernel::attention::{Heads, Sequence, attend};
use crate::kernel::isa::Isa;
use crate::kernel::pool::{Pool, for_rows};
use crate::logsum::LogSum;
use crate::matrix::{Matrix, Workspace};
use crate::ops::{add, exponential, gate_forward, norm_forward, rotate};

/// One worker's state on the processor.
pub(crate) struct Host {
    workspace: Workspace,
    store: Store,
    /// Width of the residual stream.
    hidden: usize,
    /// Width of the feed-forward layer.
    inner: usize,
}

/// Keys and values of every token computed so far, per block [capacity, K·h].
struct Store {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    width: usize,
}

/// The segments of a call, and what attention sees of them.
pub(crate) struct HostCall {
    segments: Vec<Segment>,
    sequences: Vec<Sequence>,
}

impl Host {
    /// A worker whose products are spread over a pool.
    pub fn new(config: &Config, pool: Arc<Pool>) -> Host {
        let empty = || vec![Vec::new(); config.layers];
        let store = Store { keys: empty(), values: empty(), width: config.key_width() };
        Host { workspace: Workspace::on(pool), store, hidden: config.hidden, inner: config.intermediate }
    }

    fn pool(&self) -> &Pool {
        &self.workspace.pool
    }
}

/// Gives a buffer a length; what is in it is left as it was, since every use overwrites all of it.
fn sized(buffer: &mut Vec<f32>, length: usize) {
    buffer.resize(length, 0.0);
}

/// Rows that pass the feed-forward layer at once: enough for products that are bound by arithmetic.
const INNER_ROWS: usize = 512;
/// Rows of one task of the pool, in what is done row by row.
const GRAIN: usize = 32;

impl Device for Host {
    type Rows = Vec<f32>;
    type Matrix = Matrix;
    type Linear = Linear;
    type Vector = Vec<f32>;
    type Angles = Angles;
    type Call = HostCall;

    fn grow(&mut self, capacity: usize) -> Result<(), EngineError> {
        let Store { keys, values, width } = &mut self.store;
        for rows in keys.iter_mut().chain(values) {
            rows.resize(rows.len().max(capacity * *width), 0.0);
        }
        Ok(())
    }

    fn move_down(&mut self, from: Range<usize>, to: usize) -> Result<(), EngineError> {
        let Store { keys, values, width } = &mut self.store;
        for rows in keys.iter_mut().chain(values) {
            rows.copy_within(from.start * *width..from.end * *width, to * *width);
        }
        Ok(())
    }

    fn call(&mut self, segments: &[Segment]) -> Result<HostCall, EngineError> {
        Ok(HostCall { segments: segments.to_vec(), sequences: segments.iter().map(Sequence::of).collect() })
    }

    fn angles(&mut self, angles: Angles) -> Result<Angles, EngineError> {
        Ok(angles)
    }

    fn embed(&mut self, table: &Matrix, tokens: &[u32], scale: f32, out: &mut Vec<f32>) -> Result<(), EngineError> {
        sized(out, tokens.len() * self.hidden);
        for (token, row) in tokens.iter().zip(out.chunks_exact_mut(self.hidden)) {
            table.row(*token as usize, row);
        }
        if scale != 1.0 {
            out.iter_mut().for_each(|value| *value *= scale);
        }
        Ok(())
    }

    fn project(
        &mut self,
        linear: &Linear,
        count: usize,
        input: &Vec<f32>,
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        sized(out, count * linear.rows());
        linear.project(count, input, out, &mut self.workspace);
        Ok(())
    }

    fn norm(
        &mut self,
        weight: &Vec<f32>,
        epsilon: f32,
        input: &Vec<f32>,
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        sized(out, input.len());
        let wide = weight.len();
        for_rows(self.pool(), out, wide, GRAIN, |first, out| {
            let mut inverse = [0.0; GRAIN];
            norm_forward(&input[first * wide..][..out.len()], weight, epsilon, out, &mut inverse);
        });
        Ok(())
    }

    fn rotate(&mut self, rows: &mut Vec<f32>, size: usize, wide: usize, angles: &Angles) -> Result<(), EngineError> {
        let half = angles.half;
        for_rows(self.pool(), rows, wide, GRAIN, |first, rows| {
            pulp::Arch::new().dispatch(|| {
                for (number, row) in rows.chunks_exact_mut(wide).enumerate() {
                    let own = (first + number) * half..(first + number + 1) * half;
                    for head in row.chunks_exact_mut(size) {
                        rotate(&mut head[..2 * half], &angles.cosines[own.clone()], &angles.sines[own.clone()], 1.0);
                    }
                }
            });
        });
        Ok(())
    }

    fn keep(&mut self, layer: usize, call: &HostCall, key: &Vec<f32>, value: &Vec<f32>) -> Result<(), EngineError> {
        let Store { keys, values, width } = &mut self.store;
        for segment in &call.segments {
            let stored = segment.stored * *width..(segment.stored + segment.rows.len()) * *width;
            let rows = segment.rows.start * *width..segment.rows.end * *width;
            keys[layer][stored.clone()].copy_from_slice(&key[rows.clone()]);
            values[layer][stored].copy_from_slice(&value[rows]);
        }
        Ok(())
    }

    fn attend(
        &mut self,
        heads: &Heads,
        layer: usize,
        call: &HostCall,
        query: &Vec<f32>,
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        sized(out, query.len());
        let stored = (&self.store.keys[layer][..], &self.store.values[layer][..]);
        attend(Isa::chosen(), heads, &call.sequences, query, stored, out, self.pool());
        Ok(())
    }

    /// The inner width is several times the stream's: it goes some rows at a time, so that a long prompt does not take
    /// more memory than the model.
    fn feed_forward(
        &mut self,
        feed: &Feed<'_, Linear>,
        count: usize,
        input: &Vec<f32>,
        [gate, activated]: [&mut Vec<f32>; 2],
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        let wide = self.hidden;
        sized(out, count * wide);
        for (input, out) in input.chunks(INNER_ROWS * wide).zip(out.chunks_mut(INNER_ROWS * wide)) {
            let count = input.len() / wide;
            for (linear, inner) in [(feed.gate, &mut *gate), (feed.up, &mut *activated)] {
                sized(inner, count * linear.rows());
                linear.project(count, input, inner, &mut self.workspace);
            }
            self.gate(feed.activation, gate, activated)?;
            feed.down.project(count, activated, out, &mut self.workspace);
        }
        Ok(())
    }

    fn gate(&mut self, activation: Activation, gate: &Vec<f32>, act: &mut Vec<f32>) -> Result<(), EngineError> {
        let wide = self.inner;
        for_rows(self.pool(), act, wide, GRAIN, |first, act| {
            let gate = &gate[first * wide..][..act.len()];
            match activation {
                Activation::Silu => gate_forward(gate, act),
                Activation::GeluTanh => gelu_forward(gate, act),
            }
        });
        Ok(())
    }

    fn add(&mut self, one: &mut Vec<f32>, two: &Vec<f32>) -> Result<(), EngineError> {
        let wide = self.hidden;
        for_rows(self.pool(), one, wide, GRAIN, |first, one| add(one, &two[first * wide..][..one.len()]));
        Ok(())
    }

    fn gather(&mut self, rows: &Vec<f32>, which: &[usize], out: &mut Vec<f32>) -> Result<(), EngineError> {
        out.clear();
        for row in which {
            out.extend_from_slice(&rows[row * self.hidden..][..self.hidden]);
        }
        Ok(())
    }

    fn show(&mut self, rows: &mut Vec<f32>, _: Wanted, see: &mut dyn FnMut(&mut [f32])) -> Result<(), EngineError> {
        see(rows);
        Ok(())
    }

    fn bring(&mut self, rows: &mut Vec<f32>) -> Result<Vec<f32>, EngineError> {
        Ok(std::mem::take(rows))
    }

    fn logits(&mut self, head: &Matrix, count: usize, normed: &[f32]) -> Result<Vec<f32>, EngineError> {
        let mut logits = vec![0.0; count * head.rows()];
        head.project(count, normed, &mut logits, &mut self.workspace);
        Ok(logits)
    }

    fn for_logits(
        &mut self,
        head: &Matrix,
        count: usize,
        normed: &[f32],
        work: &mut dyn FnMut(Range<usize>, &mut [f32]),
    ) -> Result<(), EngineError> {
        head.for_outputs(count, normed, &mut self.workspace, work);
        Ok(())
    }

    fn log_probabilities(
        &mut self,
        head: &Matrix,
        cap: Option<f32>,
        normed: &[f32],
        wanted: &[Vec<u32>],
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let mut sums = vec![LogSum::default(); wanted.len()];
        let mut found: Vec<Vec<f64>> = wanted.iter().map(|wanted| vec![f64::NAN; wanted.len()]).collect();
        head.for_outputs(wanted.len(), normed, &mut self.workspace, |tokens, block| {
            if let Some(cap) = cap {
                pulp::Arch::new().dispatch(|| soft_cap(block, cap));
            }
            for ((row, sum), (wanted, found)) in
                block.chunks_exact(tokens.len()).zip(&mut sums).zip(wanted.iter().zip(&mut found))
            {
                sum.add(row);
                for (token, found) in wanted.iter().zip(found) {
                    if tokens.contains(&(*token as usize)) {
                        *found = f64::from(row[*token as usize - tokens.start]);
                    }
                }
            }
        });
        for (found, sum) in found.iter_mut().zip(&sums) {
            found.iter_mut().for_each(|found| *found -= sum.value());
        }
        Ok(found)
    }
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
