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
use crate::kernel::pool::{Pool, Shares, for_rows};
use crate::logsum::LogSum;
use crate::matrix::{Matrix, Workspace};
use crate::ops::{add, exponential, gate_forward, norm_forward, rotate, widest};
use crate::strips;

/// One worker's state on the processor.
pub(crate) struct Host {
    workspace: Workspace,
    store: Store,
    /// Width of the residual stream.
    hidden: usize,
}

/// Keys and values of every token computed so far, per block [capacity, K·h].
struct Store {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    width: usize,
}

/// Where the keys and values of a call go, no two to the same place, and what attention sees of them.
pub(crate) struct HostCall {
    moves: Vec<Move>,
    sequences: Vec<Sequence>,
}

/// Rows of a call that are stored side by side.
struct Move {
    row: usize,
    place: usize,
    count: usize,
}

impl Host {
    /// A worker whose products are spread over a pool.
    pub fn new(config: &Config, pool: Arc<Pool>) -> Host {
        let empty = || vec![Vec::new(); config.layers];
        let store = Store { keys: empty(), values: empty(), width: config.key_width() };
        Host { workspace: Workspace::on(pool), store, hidden: config.hidden }
    }

    fn pool(&self) -> &Pool {
        &self.workspace.pool
    }
}

/// Gives a buffer a length; what is in it is of no interest, since every use overwrites all of it. One that is too small is
/// made anew: the system gives zeros page by page as they are first written, which the threads then do together.
fn sized(buffer: &mut Vec<f32>, length: usize) {
    if buffer.capacity() < length {
        *buffer = Vec::new(); // first: both need not be held
        *buffer = vec![0.0; length];
    }
    buffer.resize(length, 0.0);
}

/// Rows that pass the feed-forward layer at once: enough for products that are bound by arithmetic.
const INNER_ROWS: usize = 512;
/// Rows of keys or values that one task of the pool stores, at most.
const MOVED: usize = 64;
/// Rows of one task of the pool, in what is done row by row.
const GRAIN: usize = 32;
/// Numbers of one task of the pool, in what is done number by number: cheap and dear.
const SUMS: usize = 32 << 10;
const GATES: usize = 8 << 10;

impl Device for Host {
    type Rows = Vec<f32>;
    type Matrix = Matrix;
    type Linear = Linear;
    type Vector = Vec<f32>;
    type Angles = Angles;
    type Call = HostCall;
    type Kept = [Vec<Vec<f32>>; 2];

    fn hand_over(&mut self) -> [Vec<Vec<f32>>; 2] {
        [std::mem::take(&mut self.store.keys), std::mem::take(&mut self.store.values)]
    }

    fn take_over(&mut self, [keys, values]: [Vec<Vec<f32>>; 2]) {
        (self.store.keys, self.store.values) = (keys, values);
    }

    fn bytes<'r>(stores: &'r [Vec<Vec<f32>>; 2], rows: impl Iterator<Item = &'r Vec<f32>>) -> usize {
        stores.iter().flatten().chain(rows).map(|rows| size_of::<f32>() * rows.capacity()).sum()
    }

    fn grow(&mut self, capacity: usize) -> Result<(), EngineError> {
        let Store { keys, values, width } = &mut self.store;
        for rows in keys.iter_mut().chain(values) {
            match rows.is_empty() {
                // Zeros that the system gives page by page, as in `sized`.
                true => *rows = vec![0.0; capacity * *width],
                false => rows.resize(rows.len().max(capacity * *width), 0.0),
            }
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
        let mut places: Vec<Range<usize>> =
            segments.iter().map(|segment| segment.stored..segment.stored + segment.rows.len()).collect();
        places.sort_unstable_by_key(|place| (place.start, place.end));
        assert!(places.is_sorted_by(|one, two| one.end <= two.start), "segments are stored beside each other");
        let mut moves = Vec::new();
        for segment in segments {
            moves.extend((0..segment.rows.len()).step_by(MOVED).map(|first| Move {
                row: segment.rows.start + first,
                place: segment.stored + first,
                count: MOVED.min(segment.rows.len() - first),
            }));
        }
        Ok(HostCall { moves, sequences: segments.iter().map(Sequence::of).collect() })
    }

    fn angles(&mut self, angles: Angles) -> Result<Angles, EngineError> {
        Ok(angles)
    }

    fn embed(&mut self, table: &Matrix, tokens: &[u32], scale: f32, out: &mut Vec<f32>) -> Result<(), EngineError> {
        let wide = self.hidden;
        sized(out, tokens.len() * wide);
        for_rows(self.pool(), out, wide, GRAIN, |first, out| {
            for (token, row) in tokens[first..].iter().zip(out.chunks_exact_mut(wide)) {
                table.row(*token as usize, row);
                if scale != 1.0 {
                    row.iter_mut().for_each(|value| *value *= scale);
                }
            }
        });
        Ok(())
    }

    fn project(
        &mut self,
        linear: &Linear,
        count: usize,
        input: &Vec<f32>,
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        self.project_together([linear], count, input, [out])
    }

    fn project_together<const N: usize>(
        &mut self,
        linears: [&Linear; N],
        count: usize,
        input: &Vec<f32>,
        outs: [&mut Vec<f32>; N],
    ) -> Result<(), EngineError> {
        let mut widths = linears.map(Linear::rows).into_iter();
        let outs = outs.map(|out| {
            sized(out, count * widths.next().unwrap_or(0));
            &mut out[..]
        });
        strips::project(linears, count, input, outs, &mut self.workspace);
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
            widest(
                #[inline(always)]
                || {
                    for (number, row) in rows.chunks_exact_mut(wide).enumerate() {
                        let own = (first + number) * half..(first + number + 1) * half;
                        for head in row.chunks_exact_mut(size) {
                            rotate(
                                &mut head[..2 * half],
                                &angles.cosines[own.clone()],
                                &angles.sines[own.clone()],
                                1.0,
                            );
                        }
                    }
                },
            );
        });
        Ok(())
    }

    fn keep(&mut self, layer: usize, call: &HostCall, key: &Vec<f32>, value: &Vec<f32>) -> Result<(), EngineError> {
        let Store { keys, values, width } = &mut self.store;
        let width = *width;
        for (stored, rows) in [(&mut keys[layer], key), (&mut values[layer], value)] {
            let stored = Shares::of(stored);
            self.workspace.pool.run(call.moves.len(), &|task| {
                let Move { row, place, count } = call.moves[task];
                // SAFETY: `call` found the places of all moves disjoint.
                let stored = unsafe { stored.part(place * width..(place + count) * width) };
                stored.copy_from_slice(&rows[row * width..(row + count) * width]);
            });
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
        if strips::feed_forward(feed, count, input, out, &self.workspace.pool) {
            return Ok(());
        }
        for (input, out) in input.chunks(INNER_ROWS * wide).zip(out.chunks_mut(INNER_ROWS * wide)) {
            feed_rows(feed, input.len() / wide, input, [&mut *gate, &mut *activated], out, &mut self.workspace);
        }
        Ok(())
    }

    fn gate(&mut self, activation: Activation, gate: &Vec<f32>, act: &mut Vec<f32>) -> Result<(), EngineError> {
        gate_rows(activation, gate, act, self.pool());
        Ok(())
    }

    fn add(&mut self, one: &mut Vec<f32>, two: &Vec<f32>) -> Result<(), EngineError> {
        for_rows(self.pool(), one, 1, SUMS, |first, one| add(one, &two[first..][..one.len()]));
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

    fn copy(&mut self, rows: &mut Vec<f32>) -> Result<Vec<f32>, EngineError> {
        let mut copy = vec![0.0; rows.len()];
        for_rows(self.pool(), &mut copy, 1, SUMS, |first, part| part.copy_from_slice(&rows[first..][..part.len()]));
        Ok(copy)
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
                widest(
                    #[inline(always)]
                    || soft_cap(block, cap),
                );
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

/// out = down(activation(gate(input))·up(input)) for `count` rows, all in one go.
pub(crate) fn feed_rows(
    feed: &Feed<'_, Linear>,
    count: usize,
    input: &[f32],
    [gate, activated]: [&mut Vec<f32>; 2],
    out: &mut [f32],
    workspace: &mut Workspace,
) {
    let matrices = [feed.gate, feed.up, feed.down];
    if Linear::project_gated(matrices, count, input, gate_function(feed.activation), out, workspace) {
        return;
    }
    sized(gate, count * feed.gate.rows());
    sized(activated, count * feed.up.rows());
    Linear::project_together([feed.gate, feed.up], count, input, [&mut gate[..], &mut activated[..]], workspace);
    gate_rows(feed.activation, gate, activated, &workspace.pool);
    Linear::project_together([feed.down], count, activated, [out], workspace);
}

/// act = activation(gate)·act.
fn gate_rows(activation: Activation, gate: &[f32], act: &mut [f32], pool: &Pool) {
    for_rows(pool, act, 1, GATES, |first, act| {
        gate_function(activation)(&gate[first..][..act.len()], act);
    });
}

fn gate_function(activation: Activation) -> fn(&[f32], &mut [f32]) {
    match activation {
        Activation::Silu => gate_forward,
        Activation::GeluTanh => gelu_forward,
    }
}

/// act = gelu(gate)·act by the tanh form, x·σ(2·√(2/π)·(x + 0.044715·x³)).
fn gelu_forward(gate: &[f32], act: &mut [f32]) {
    const TWICE: f32 = 1.595_769; // 2·√(2/π)
    widest(
        #[inline(always)]
        || {
            for (act, gate) in act.iter_mut().zip(gate) {
                let inner = TWICE * (gate + 0.044_715 * gate * gate * gate);
                *act *= gate / (1.0 + exponential(-inner));
            }
        },
    );
}
