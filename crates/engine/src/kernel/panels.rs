//! Weights and activations as the register block reads them.
//!
//! A panel holds sixteen outputs: for every step of the inner index sixteen words (see [`tile`](super::tile)). The last
//! panel and the last pair are filled with zeros, which add nothing.

use std::ops::Range;

use super::isa::Isa;
use super::memory::Words;
use super::pool::{Pool, Shares};
use crate::ops::widest;

/// Outputs of a panel.
pub(crate) const PANEL: usize = 16;

/// What a packed weight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    F32,
    Bf16,
}

/// A packed matrix [rows, columns], whose rows are outputs.
pub(crate) struct Panels {
    pub words: Words,
    pub held: Held,
    pub rows: usize,
    pub columns: usize,
}

/// Two numbers as bf16 in one word, the first in the low half; to nearest, ties to even.
#[inline(always)]
pub(crate) fn pair(first: f32, second: f32) -> u32 {
    u32::from(round(first)) | u32::from(round(second)) << 16
}

/// bf16 by adding half of the last place; written so that loops of it vectorise. NaN stays NaN.
#[inline(always)]
fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if value.is_nan() { (bits >> 16) as u16 | 0x40 } else { rounded as u16 }
}

impl Panels {
    /// Packs a matrix whose rows `read` gives: `read(rows, out)` fills `out` [rows, columns] row-major. `done` hears of
    /// rows that will not be read again.
    pub fn pack(
        held: Held,
        rows: usize,
        columns: usize,
        pool: &Pool,
        read: impl Fn(Range<usize>, &mut [f32]) + Sync,
        done: impl Fn(Range<usize>) + Sync,
    ) -> Panels {
        let steps = steps(held, columns);
        let mut words = Words::zeroed(rows.div_ceil(PANEL) * steps * PANEL);
        let shares = Shares::of(&mut words);
        let count = rows.div_ceil(PANEL);
        // Some panels a task, so that the scratch is made rarely.
        pool.run(count.div_ceil(8), &|task| {
            let mut scratch = vec![0.0f32; PANEL * columns];
            for panel in 8 * task..(8 * task + 8).min(count) {
                let range = panel * PANEL..(panel * PANEL + PANEL).min(rows);
                let scratch = &mut scratch[..range.len() * columns];
                read(range, scratch);
                // SAFETY: every panel is written by one task.
                let out = unsafe { shares.part(panel * steps * PANEL..(panel + 1) * steps * PANEL) };
                pack_panel(held, scratch, columns, out);
            }
            done(8 * task * PANEL..(8 * (task + 1) * PANEL).min(rows));
        });
        Panels { words, held, rows, columns }
    }

    /// Steps of the inner index.
    pub fn steps(&self) -> usize {
        steps(self.held, self.columns)
    }

    /// One row, as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let steps = self.steps();
        let lane = &self.words[(row / PANEL) * steps * PANEL..][..steps * PANEL][row % PANEL..];
        match self.held {
            Held::F32 => {
                for (out, word) in out.iter_mut().zip(lane.iter().step_by(PANEL)) {
                    *out = f32::from_bits(*word);
                }
            }
            Held::Bf16 => {
                for (out, word) in out.chunks_mut(2).zip(lane.iter().step_by(PANEL)) {
                    out[0] = f32::from_bits(word << 16);
                    if let Some(second) = out.get_mut(1) {
                        *second = f32::from_bits(word & 0xffff_0000);
                    }
                }
            }
        }
    }
}

fn steps(held: Held, columns: usize) -> usize {
    match held {
        Held::F32 => columns,
        Held::Bf16 => columns.div_ceil(2),
    }
}

fn pack_panel(held: Held, rows: &[f32], columns: usize, out: &mut [u32]) {
    for (lane, row) in rows.chunks_exact(columns).enumerate() {
        let places = out[lane..].iter_mut().step_by(PANEL);
        match held {
            Held::F32 => places.zip(row).for_each(|(place, value)| *place = value.to_bits()),
            Held::Bf16 => places
                .zip(row.chunks(2))
                .for_each(|(place, two)| *place = pair(two[0], two.get(1).copied().unwrap_or(0.0))),
        }
    }
}

/// Words between rows of activations as bf16: whole lines and one more, so that rows of a power of two do not share the
/// few places of one set of the cache.
pub(crate) fn pair_stride(columns: usize) -> usize {
    columns.div_ceil(2).next_multiple_of(16) + 16
}

/// Rounds rows [count, columns] to bf16 pairs, `pair_stride` words a row. (AVX-512 BF16 takes subnormal numbers for zero,
/// as its products do.)
pub(crate) fn round_rows(isa: Isa, rows: &[f32], columns: usize, out: &mut [u32]) {
    let stride = pair_stride(columns);
    for (row, out) in rows.chunks_exact(columns).zip(out.chunks_exact_mut(stride)) {
        round_row(isa, row, out);
    }
}

/// Rounds one row to bf16 pairs.
///
/// # Panics
/// When the words are fewer than the pairs.
pub(crate) fn round_row(isa: Isa, row: &[f32], out: &mut [u32]) {
    assert!(row.len().div_ceil(2) <= out.len());
    let done = match isa {
        // SAFETY: the set was found on this machine; the words are at least half of the numbers.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 | Isa::Amx => unsafe { super::avx512::round_row(row, out.as_mut_ptr()) },
        _ => 0,
    };
    if done == row.len() {
        return;
    }
    widest(
        #[inline(always)]
        || {
            let pairs = row[done..].chunks_exact(2);
            if let [last] = pairs.remainder() {
                out[row.len() / 2] = pair(*last, 0.0);
            }
            for (two, out) in pairs.zip(&mut out[done / 2..]) {
                *out = pair(two[0], two[1]);
            }
        },
    );
}

/// Two rows, or one and zeros, paired number by number.
///
/// # Panics
/// When the rows are shorter than `out`.
#[inline]
pub(crate) fn pair_rows(isa: Isa, first: &[f32], second: Option<&[f32]>, out: &mut [u32]) {
    let (first, second) = (&first[..out.len()], second.map(|second| &second[..out.len()]));
    let done = match (isa, second) {
        // SAFETY: the set was found on this machine; both rows are as long as the words.
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512Bf16 | Isa::Amx, Some(second)) => unsafe { super::avx512::pair_rows(first, second, out) },
        _ => 0,
    };
    if done == out.len() {
        return;
    }
    let (first, out) = (&first[done..], &mut out[done..]);
    widest(
        #[inline(always)]
        || match second {
            Some(second) => {
                let numbers = first.iter().zip(&second[done..]);
                out.iter_mut().zip(numbers).for_each(|(word, (one, two))| *word = pair(*one, *two));
            }
            None => out.iter_mut().zip(first).for_each(|(word, one)| *word = pair(*one, 0.0)),
        },
    );
}

/// The words of numbers.
pub(crate) fn bits(values: &[f32]) -> &[u32] {
    // SAFETY: f32 and u32 have the same size and alignment, and every pattern is a u32.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u32>(), values.len()) }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn rounding_is_that_of_the_half_crate() {
        let mut state = 1u32;
        for step in 0..200_000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(if step < 100_000 { state } else { state & 0xffff_8000 });
            assert_eq!(bf16::from_bits(round(value)).to_bits(), bf16::from_f32(value).to_bits(), "{value}");
        }
    }

    #[test]
    fn rows_are_paired_by_every_instruction_set() {
        let words: Vec<u32> = (0..5000u32).map(|at| at.wrapping_mul(2_654_435_761)).collect();
        let numbers: Vec<f32> = words.iter().map(|word| (word % 1999) as f32 * 0.37 - 300.0).collect();
        for isa in Isa::available() {
            for length in [1, 15, 16, 40, 64] {
                let mut out = vec![0; length];
                pair_rows(isa, &numbers, Some(&numbers[length..]), &mut out);
                assert!((0..length).all(|at| out[at] == pair(numbers[at], numbers[length + at])), "{isa:?} {length}");
                pair_rows(isa, &numbers, None, &mut out);
                assert!((0..length).all(|at| out[at] == pair(numbers[at], 0.0)), "{isa:?} {length}");
            }
        }
    }

    #[test]
    fn rows_come_back() {
        let pool = Pool::new(2);
        for (rows, columns) in [(1, 1), (16, 8), (35, 7), (300, 33)] {
            let value = |row: usize, column: usize| (row * columns + column) as f32 % 251.0 - 125.0;
            for held in [Held::F32, Held::Bf16] {
                let panels = Panels::pack(
                    held,
                    rows,
                    columns,
                    &pool,
                    |range, out| {
                        for (place, row) in range.enumerate() {
                            (0..columns).for_each(|column| out[place * columns + column] = value(row, column));
                        }
                    },
                    |_| {},
                );
                let mut out = vec![0.0; columns];
                for row in 0..rows {
                    panels.row(row, &mut out);
                    assert!(out.iter().enumerate().all(|(column, found)| *found == value(row, column)));
                }
            }
        }
    }
}
