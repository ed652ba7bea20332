//! Attention with an online softmax over tiles of keys (Dao et al., 2022, "FlashAttention"; Milakov & Gimelshein, 2018,
//! "Online normalizer calculation for softmax"): scores of a tile are used up before the next is computed, so a long
//! prompt needs no [T, T].
//!
//! Sixteen *lanes* are sixteen pairs of a position and a query head that share a key head. Queries are packed as panels
//! [h][lane]; keys and values are read from the store where they lie, one number broadcast at a time, so that scores come
//! as [key][lane] and the softmax runs down the lanes without a sum across a register. Keys, values and all sums are f32.
//!
//! Tiles begin at multiples of [`TILE`] of the *sequence*, whatever its stretches in the store, and a hidden key adds an
//! exact zero: a token's result does not depend on how its sequence was cut, cached or batched.

use std::cell::RefCell;
use std::ops::Range;

use super::isa::Isa;
use super::pool::{Pool, Shares};
use super::tile::{Kind, Strip, multiply};
use crate::ops::{exponential, widest};

/// Keys of a tile.
const TILE: usize = 64;
/// Lanes of a task: three registers of AVX-512.
const LANES: usize = 48;
const LANE: usize = 16;

/// How one block attends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Width of a head.
    pub size: usize,
    /// Multiplies queries·keys.
    pub scale: f32,
    /// Scores s become cap·tanh(s/cap).
    pub cap: Option<f32>,
    /// A token sees itself and this many less one before it.
    pub window: Option<usize>,
}

/// New tokens of one sequence.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    /// Rows of queries and results.
    pub rows: Range<usize>,
    /// All of the sequence's rows in the store, oldest first; the last of them are the new tokens' own.
    pub stored: Vec<Range<usize>>,
}

/// What a task works in: queries [panel][h][16], scores [TILE][LANES], sums [h][LANES].
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    scores: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Attention of sequences' new tokens. `query` and `out` are [N, H·h], `keys` and `values` [capacity, K·h].
///
/// # Panics
/// When rows reach beyond a slice, or a sequence's store holds fewer rows than it has new tokens.
pub(crate) fn attend(
    isa: Isa,
    heads: &Heads,
    sequences: &[Sequence],
    query: &[f32],
    (keys, values): (&[f32], &[f32]),
    out: &mut [f32],
    pool: &Pool,
) {
    let (wide, narrow) = (heads.heads * heads.size, heads.key_value_heads * heads.size);
    let group = heads.heads / heads.key_value_heads;
    let mut tasks = Vec::new();
    for (number, sequence) in sequences.iter().enumerate() {
        let length: usize = sequence.stored.iter().map(ExactSizeIterator::len).sum();
        assert!(sequence.rows.len() <= length && sequence.rows.end * wide <= query.len().min(out.len()));
        assert!(sequence.stored.iter().all(|rows| rows.end * narrow <= keys.len().min(values.len())));
        for first in (0..sequence.rows.len() * group).step_by(LANES) {
            tasks.extend((0..heads.key_value_heads).map(|shared| (number, first, shared)));
        }
    }
    let shares = Shares::of(out);
    pool.run(tasks.len(), &|task| {
        let (number, first, shared) = tasks[task];
        SCRATCH.with_borrow_mut(|scratch| {
            let block = Block { isa, heads, sequence: &sequences[number], first, shared };
            block.run(query, keys, values, &shares, scratch);
        });
    });
}

/// One task: some lanes of one sequence under one key head.
struct Block<'a> {
    isa: Isa,
    heads: &'a Heads,
    sequence: &'a Sequence,
    /// First lane; lane l is position l / group, head l % group.
    first: usize,
    shared: usize,
}

/// The running maximum and sum of the softmax, and what each lane sees.
struct Running {
    highest: [f32; LANES],
    total: [f32; LANES],
    start: [u32; LANES],
    end: [u32; LANES],
}

impl Block<'_> {
    fn run(&self, query: &[f32], keys: &[f32], values: &[f32], out: &Shares<'_, f32>, scratch: &mut Scratch) {
        let Heads { heads, key_value_heads, size, window, .. } = *self.heads;
        let (group, wide, narrow) = (heads / key_value_heads, heads * size, key_value_heads * size);
        let sequence = self.sequence;
        let lanes = (sequence.rows.len() * group - self.first).min(LANES);
        let panels = lanes.div_ceil(LANE);
        let length: usize = sequence.stored.iter().map(ExactSizeIterator::len).sum();
        let before = length - sequence.rows.len();
        let mut running =
            Running { highest: [f32::NEG_INFINITY; LANES], total: [0.0; LANES], start: [0; LANES], end: [0; LANES] };
        scratch.queries.clear();
        scratch.queries.resize(panels * size * LANE, 0.0);
        scratch.scores.resize(TILE * LANES, 0.0);
        scratch.sums.clear();
        scratch.sums.resize(size * LANES, 0.0);
        let place = |lane: usize| {
            let (position, head) = ((self.first + lane) / group, (self.first + lane) % group);
            (position, (sequence.rows.start + position) * wide + (self.shared * group + head) * size)
        };
        for lane in 0..lanes {
            let (position, at) = place(lane);
            let seen = before + position + 1;
            running.end[lane] = seen as u32;
            running.start[lane] = window.map_or(0, |window| seen.saturating_sub(window)) as u32;
            let panel = &mut scratch.queries[lane / LANE * size * LANE..][..size * LANE];
            for (value, out) in query[at..at + size].iter().zip(panel[lane % LANE..].iter_mut().step_by(LANE)) {
                *out = value * self.heads.scale;
            }
        }
        let (first, last) = (running.start[0] as usize, running.end[lanes - 1] as usize);
        for tile in (first / TILE * TILE..last).step_by(TILE) {
            let tile = tile.max(first)..(tile + TILE).min(last);
            for (stored, at) in stretches(&sequence.stored, tile.clone()) {
                let strip = Strip {
                    activations: keys[stored.start * narrow + self.shared * size..].as_ptr().cast(),
                    activation_step: 1,
                    activation_row: narrow,
                    weights: scratch.queries.as_ptr().cast(),
                    panel: size * LANE,
                    panel_step: LANE,
                    steps: size,
                    out: scratch.scores[at * LANES..].as_mut_ptr(),
                    out_row: LANES,
                    keep: false,
                };
                // SAFETY: `attend` asserted that the stored rows are within the store; the scratch holds `panels` panels
                // of queries and a tile of scores; a tile holds no more keys than TILE.
                unsafe { multiply(self.isa, Kind::Floats, &strip, stored.len(), panels) };
            }
            let all_seen = tile.end <= running.end[0] as usize && tile.start >= running.start[lanes - 1] as usize;
            self.softmax(&tile, panels, all_seen, &mut running, scratch);
            for (stored, at) in stretches(&sequence.stored, tile) {
                let strip = Strip {
                    activations: values[stored.start * narrow + self.shared * size..].as_ptr().cast(),
                    activation_step: narrow,
                    activation_row: 1,
                    weights: scratch.scores[at * LANES..].as_ptr().cast(),
                    panel: LANE,
                    panel_step: LANES,
                    steps: stored.len(),
                    out: scratch.sums.as_mut_ptr(),
                    out_row: LANES,
                    keep: true,
                };
                // SAFETY: as above, with the scores as weights and [h][LANES] sums as results.
                unsafe { multiply(self.isa, Kind::Floats, &strip, size, panels) };
            }
        }
        for lane in 0..lanes {
            let scale = 1.0 / running.total[lane];
            let at = place(lane).1;
            // SAFETY: a head's part of a row belongs to one lane of one task.
            let out = unsafe { out.part(at..at + size) };
            for (out, sum) in out.iter_mut().zip(scratch.sums[lane..].iter().step_by(LANES)) {
                *out = sum * scale;
            }
        }
    }

    /// Scores of a tile become weights under the new maximum; sums under the old one are brought to it.
    fn softmax(
        &self,
        tile: &Range<usize>,
        panels: usize,
        all_seen: bool,
        running: &mut Running,
        scratch: &mut Scratch,
    ) {
        let (scores, sums) = (&mut scratch.scores[..tile.len() * LANES], &mut scratch.sums);
        widest(
            #[inline(always)]
            || {
                if let Some(cap) = self.heads.cap {
                    for score in scores.iter_mut() {
                        *score = cap * (1.0 - 2.0 / (1.0 + exponential(2.0 * *score / cap)));
                    }
                }
                for lane in (0..panels * LANE).step_by(LANE) {
                    if !all_seen {
                        let start: [u32; LANE] = std::array::from_fn(|at| running.start[lane + at]);
                        let end: [u32; LANE] = std::array::from_fn(|at| running.end[lane + at]);
                        for (key, row) in tile.clone().zip(scores.chunks_exact_mut(LANES)) {
                            let (key, row) = (key as u32, &mut row[lane..lane + LANE]);
                            for at in 0..LANE {
                                let seen = key >= start[at] && key < end[at];
                                row[at] = if seen { row[at] } else { f32::NEG_INFINITY };
                            }
                        }
                    }
                    let old: [f32; LANE] = std::array::from_fn(|at| running.highest[lane + at]);
                    let mut highest = old;
                    for row in scores.chunks_exact(LANES) {
                        let row = &row[lane..lane + LANE];
                        for at in 0..LANE {
                            highest[at] = if row[at] > highest[at] { row[at] } else { highest[at] };
                        }
                    }
                    // A lane that has seen no key yet: any finite number serves.
                    let base = highest.map(|highest| if highest == f32::NEG_INFINITY { 0.0 } else { highest });
                    let mut total = [0.0f32; LANE];
                    let mut shrink = [0.0f32; LANE];
                    for at in 0..LANE {
                        shrink[at] = if old[at] == f32::NEG_INFINITY { 0.0 } else { exponential(old[at] - base[at]) };
                        total[at] = running.total[lane + at] * shrink[at];
                    }
                    for row in scores.chunks_exact_mut(LANES) {
                        let row = &mut row[lane..lane + LANE];
                        for at in 0..LANE {
                            let weight = exponential(row[at] - base[at]);
                            row[at] = if row[at] == f32::NEG_INFINITY { 0.0 } else { weight };
                            total[at] += row[at];
                        }
                    }
                    running.highest[lane..lane + LANE].copy_from_slice(&highest);
                    running.total[lane..lane + LANE].copy_from_slice(&total);
                    if shrink != [1.0; LANE] {
                        for row in sums.chunks_exact_mut(LANES) {
                            for (sum, shrink) in row[lane..lane + LANE].iter_mut().zip(&shrink) {
                                *sum *= shrink;
                            }
                        }
                    }
                }
            },
        );
    }
}

/// The parts of the store that hold a range of a sequence, and where in the range each begins.
fn stretches(stored: &[Range<usize>], range: Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
    let mut reached = 0;
    stored.iter().filter_map(move |rows| {
        let own = reached..reached + rows.len();
        reached = own.end;
        let (start, end) = (own.start.max(range.start), own.end.min(range.end));
        (start < end).then(|| (rows.start + start - own.start..rows.start + end - own.start, start - range.start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u32, count: usize) -> Vec<f32> {
        crate::kernel::numbers(seed, count).into_iter().map(|number| 2.0 * number).collect()
    }

    /// Plain f64 attention of one row and head.
    fn plain(heads: &Heads, query: &[f32], keys: &[f32], values: &[f32], seen: &[usize], shared: usize) -> Vec<f64> {
        let (size, narrow) = (heads.size, heads.key_value_heads * heads.size);
        let seen = &seen[seen.len() - heads.window.unwrap_or(usize::MAX).min(seen.len())..];
        let at = |rows: &[f32], row: usize, d: usize| f64::from(rows[row * narrow + shared * size + d]);
        let scores: Vec<f64> = seen
            .iter()
            .map(|row| {
                let score: f64 = (0..size).map(|d| f64::from(query[d]) * at(keys, *row, d)).sum();
                let score = score * f64::from(heads.scale);
                heads.cap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
            })
            .collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
        let total: f64 = weights.iter().sum();
        (0..size)
            .map(|d| seen.iter().zip(&weights).map(|(row, weight)| weight * at(values, *row, d)).sum::<f64>() / total)
            .collect()
    }

    #[test]
    fn equals_plain_attention_over_chains() {
        for (heads, key_value_heads, size, cap, window) in
            [(7, 1, 8, None, None), (4, 2, 16, Some(3.0), Some(70)), (2, 2, 6, None, Some(5)), (14, 2, 64, None, None)]
        {
            let shape = Heads { heads, key_value_heads, size, scale: 0.3, cap, window };
            let (wide, narrow) = (heads * size, key_value_heads * size);
            let sequences = [
                Sequence { rows: 0..40, stored: vec![200..273, 0..90, 300..340] },
                Sequence { rows: 40..41, stored: std::iter::once(100..101).collect() },
                Sequence { rows: 41..49, stored: vec![120..190, 400..408] },
            ];
            let (query, keys, values) = (numbers(1, 49 * wide), numbers(2, 410 * narrow), numbers(3, 410 * narrow));
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; query.len()];
                attend(isa, &shape, &sequences, &query, (&keys, &values), &mut out, &Pool::new(3));
                for sequence in &sequences {
                    let all: Vec<usize> = sequence.stored.iter().cloned().flatten().collect();
                    for (place, row) in sequence.rows.clone().enumerate() {
                        let seen = &all[..all.len() - sequence.rows.len() + place + 1];
                        for head in 0..heads {
                            let at = row * wide + head * size;
                            let shared = head / (heads / key_value_heads);
                            let wanted = plain(&shape, &query[at..at + size], &keys, &values, seen, shared);
                            for (found, wanted) in out[at..at + size].iter().zip(wanted) {
                                assert!((f64::from(*found) - wanted).abs() < 2e-5, "{isa:?} {row} {found} {wanted}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_does_not_depend_on_how_its_sequence_is_cut() {
        let shape = Heads { heads: 6, key_value_heads: 2, size: 16, scale: 0.25, cap: None, window: Some(100) };
        let (query, keys, values) = (numbers(1, 200 * 96), numbers(2, 400 * 32), numbers(3, 400 * 32));
        for isa in Isa::available() {
            let run = |sequences: &[Sequence]| {
                let mut out = vec![0.0; query.len()];
                attend(isa, &shape, sequences, &query, (&keys, &values), &mut out, &Pool::new(2));
                out
            };
            let whole = run(&[Sequence { rows: 0..200, stored: std::iter::once(10..210).collect() }]);
            let steps: Vec<Sequence> = (0..200)
                .map(|at| Sequence { rows: at..at + 1, stored: vec![10..10 + at / 3, 10 + at / 3..11 + at] })
                .collect();
            assert_eq!(run(&steps), whole, "{isa:?}");
        }
    }
}
