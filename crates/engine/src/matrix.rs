//! A matrix of weights and its product with rows of activations.
//!
//! A large 16-bit matrix stays as it is on disk and is widened block by block before its product; a small one is widened
//! once.

use std::ops::Range;

use crate::ops::{Lay, Sizes, multiply};
use crate::storage::BlockType;
use crate::weights::Tensor;

/// Numbers of a widened block: 8 MiB.
const BLOCK: usize = 2 << 20;

/// A matrix [rows, columns], whose rows are outputs.
pub(crate) struct Matrix {
    place: Place,
    rows: usize,
    columns: usize,
}

enum Place {
    Mapped(Tensor),
    Widened(Vec<f32>),
}

impl Matrix {
    /// Takes a tensor [rows, columns]; a small model's are widened at once.
    pub fn of(tensor: Tensor, rows: usize, columns: usize, small: bool) -> Matrix {
        let ready = tensor.floats().is_some();
        let place = if !ready && (small || tensor.kind == BlockType::F32) {
            Place::Widened(tensor.widened(0..rows * columns))
        } else {
            Place::Mapped(tensor)
        };
        Matrix { place, rows, columns }
    }

    /// One row, as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let range = row * self.columns..(row + 1) * self.columns;
        match &self.place {
            Place::Widened(values) => out.copy_from_slice(&values[range]),
            Place::Mapped(tensor) => tensor.widen(range, out),
        }
    }

    /// out = keep·out + input·Wᵀ for `count` rows: [count, columns] → [count, rows].
    pub fn project(&self, count: usize, input: &[f32], out: &mut [f32], keep: f32, scratch: &mut Vec<f32>) {
        self.for_blocks(scratch, |rows, block| {
            let sizes = Sizes { m: count, k: self.columns, n: rows.len() };
            let out = (&mut out[rows.start..], Lay::rows(self.rows));
            multiply(sizes, out, keep, (input, Lay::rows(self.columns)), (block, Lay::transposed(self.columns)), 1.0);
        });
    }

    /// Calls `work` with ranges of rows and their numbers, row-major.
    pub fn for_blocks(&self, scratch: &mut Vec<f32>, mut work: impl FnMut(Range<usize>, &[f32])) {
        match &self.place {
            Place::Widened(values) => work(0..self.rows, values),
            Place::Mapped(tensor) => {
                if let Some(floats) = tensor.floats() {
                    return work(0..self.rows, floats);
                }
                let height = (BLOCK / self.columns).clamp(1, self.rows);
                scratch.resize(height * self.columns, 0.0);
                for start in (0..self.rows).step_by(height) {
                    let rows = start..(start + height).min(self.rows);
                    let block = &mut scratch[..rows.len() * self.columns];
                    tensor.widen(rows.start * self.columns..rows.end * self.columns, block);
                    work(rows, block);
                }
            }
        }
    }
}
