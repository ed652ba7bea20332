//! A matrix of weights and its product with rows of activations, in the precision that the model was opened in.
//!
//! Matrices that are multiplied are packed for the kernels when the model is opened; what a packed copy would make larger
//! than the file (f16 and quantised weights computed exactly) stays as it is on disk and is widened block by block.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::kernel::blocks::{Blocks, Quantised};
use crate::kernel::gated::gated;
use crate::kernel::isa::Isa;
use crate::kernel::panels::{Held, PANEL, Panels};
use crate::kernel::pool::Pool;
use crate::kernel::product::{Entering, prepare, product};
use crate::storage::BlockType;
use crate::weights::Tensor;

/// In what the products of a model are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Weights exactly as on disk, activations in f32: the exact mode.
    #[default]
    F32,
    /// Weights and activations of every product rounded to bf16, sums in f32: the fast mode.
    Bf16,
    /// Quantised weights as on disk (others rounded to Q8_0 blocks), activations in blocks of int8, sums of blocks in f32.
    /// A matrix whose columns are no multiple of 32 is computed exactly.
    Q8,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Q8 => "q8",
        })
    }
}

/// How a model's matrices are packed.
#[derive(Clone)]
pub(crate) struct Packing {
    pub precision: Precision,
    /// Packs, and later multiplies.
    pub pool: Arc<Pool>,
    /// Whether they are packed at all; a device that takes them whole reads them from disk.
    pub packs: bool,
}

impl Default for Packing {
    fn default() -> Packing {
        Packing { precision: Precision::F32, pool: Arc::new(Pool::serial()), packs: true }
    }
}

/// What a product needs beside its operands: threads, and room for prepared activations.
pub(crate) struct Workspace {
    pub pool: Arc<Pool>,
    words: Vec<u32>,
    /// What two products made for a third.
    joined: Vec<u32>,
    quantised: Quantised,
}

impl Workspace {
    pub fn on(pool: Arc<Pool>) -> Workspace {
        Workspace { pool, words: Vec::new(), joined: Vec::new(), quantised: Quantised::default() }
    }
}

impl Default for Workspace {
    /// Everything in the caller's thread.
    fn default() -> Workspace {
        Workspace::on(Arc::new(Pool::serial()))
    }
}

/// Numbers of a block that is widened for one product: 2 MiB.
const BLOCK: usize = 512 << 10;

/// A matrix [rows, columns], whose rows are outputs.
pub(crate) struct Matrix {
    place: Place,
    entering: Entering,
    rows: usize,
    columns: usize,
}

enum Place {
    Packed(Panels),
    Quantised(Blocks),
    /// As it is on disk.
    Mapped(Tensor),
}

impl Matrix {
    /// Takes a tensor [rows, columns] that is multiplied; a small model's are packed whatever their type.
    pub fn of(tensor: Tensor, rows: usize, columns: usize, small: bool, packing: &Packing) -> Matrix {
        if !packing.packs {
            return Matrix::looked_up(tensor, rows, columns);
        }
        if packing.precision == Precision::Q8 && columns.is_multiple_of(32) {
            let bytes = |row: usize| tensor.row_bytes(row * columns..(row + 1) * columns);
            let done = |rows: Range<usize>| tensor.release(rows.start * columns..rows.end * columns);
            let blocks = Blocks::pack(tensor.kind, rows, columns, &packing.pool, bytes, done);
            tensor.release(0..rows * columns);
            return Matrix { place: Place::Quantised(blocks), entering: Entering::Exact, rows, columns };
        }
        let held = match (packing.precision, tensor.kind) {
            (Precision::Bf16, _) | (_, BlockType::Bf16) => Some(Held::Bf16),
            (_, BlockType::F32) => Some(Held::F32),
            _ => small.then_some(Held::F32),
        };
        let entering = if packing.precision == Precision::Bf16 { Entering::Rounded } else { Entering::Exact };
        let place = match held {
            None => Place::Mapped(tensor),
            Some(held) => {
                let numbers = |range: &Range<usize>| range.start * columns..range.end * columns;
                let read = |range: Range<usize>, out: &mut [f32]| tensor.widen(numbers(&range), out);
                let done = |range: Range<usize>| tensor.release(numbers(&range));
                let panels = Panels::pack(held, rows, columns, &packing.pool, read, done);
                // Reading a page brings its neighbours, of which some were released before: once more for all.
                tensor.release(0..rows * columns);
                Place::Packed(panels)
            }
        };
        Matrix { place, entering, rows, columns }
    }

    /// Takes a tensor [rows, columns] whose rows are only looked up, or that stays on disk for now.
    pub fn looked_up(tensor: Tensor, rows: usize, columns: usize) -> Matrix {
        Matrix { place: Place::Mapped(tensor), entering: Entering::Exact, rows, columns }
    }

    /// Number of outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of inputs.
    #[cfg(feature = "cuda")]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The tensor, where it was not packed.
    #[cfg(feature = "cuda")]
    pub fn on_disk(&self) -> Option<&Tensor> {
        match &self.place {
            Place::Mapped(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// One row, as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        match &self.place {
            Place::Packed(panels) => panels.row(row, out),
            Place::Quantised(blocks) => blocks.row(row, out),
            Place::Mapped(tensor) => tensor.widen(row * self.columns..(row + 1) * self.columns, out),
        }
    }

    /// out = input·Wᵀ for `count` rows: [count, columns] → [count, rows].
    pub fn project(&self, count: usize, input: &[f32], out: &mut [f32], workspace: &mut Workspace) {
        self.project_rows(0..self.rows, count, input, out, workspace);
    }

    /// The same of one input with several matrices; where all take it in the same form it is brought into that once.
    pub fn project_together<const N: usize>(
        matrices: [&Matrix; N],
        count: usize,
        input: &[f32],
        outs: [&mut [f32]; N],
        workspace: &mut Workspace,
    ) {
        let form = |matrix: &Matrix| match &matrix.place {
            Place::Packed(panels) => Some((panels.held, matrix.entering, matrix.columns)),
            Place::Quantised(_) | Place::Mapped(_) => None,
        };
        let forms = matrices.map(form);
        let Some((held, entering, columns)) = forms[0].filter(|_| forms.iter().all(|form| *form == forms[0])) else {
            for (matrix, out) in matrices.into_iter().zip(outs) {
                matrix.project(count, input, out, workspace);
            }
            return;
        };
        let (isa, pool) = (Isa::chosen(), &*workspace.pool);
        let prepared = prepare(isa, held, entering, columns, &input[..count * columns], pool, &mut workspace.words);
        for (matrix, out) in matrices.into_iter().zip(outs) {
            if let Place::Packed(panels) = &matrix.place {
                product(isa, panels, 0..matrix.rows, &prepared, count, (out, matrix.rows), pool);
            }
        }
    }

    /// out = down(join(gate(input), up(input))), where all three are packed in bf16 and take rounded activations; `false`,
    /// and nothing done, where they do not. `join(gate, up)` leaves its results in `up`.
    pub fn project_gated(
        [gate, up, down]: [&Matrix; 3],
        count: usize,
        input: &[f32],
        join: impl Fn(&[f32], &mut [f32]) + Sync,
        out: &mut [f32],
        workspace: &mut Workspace,
    ) -> bool {
        let rounded = |matrix: &Matrix| matrix.entering == Entering::Rounded;
        let (Place::Packed(first), Place::Packed(second), Place::Packed(third)) = (&gate.place, &up.place, &down.place)
        else {
            return false;
        };
        if ![gate, up, down].into_iter().all(rounded) || [first, second, third].iter().any(|p| p.held != Held::Bf16) {
            return false;
        }
        let Workspace { pool, words, joined, .. } = workspace;
        let (isa, input) = (Isa::chosen(), &input[..count * gate.columns]);
        let prepared = prepare(isa, Held::Bf16, Entering::Rounded, gate.columns, input, pool, words);
        let between = gated(isa, [first, second], &prepared, count, join, joined, pool);
        product(isa, third, 0..down.rows, &between, count, (out, down.rows), pool);
        true
    }

    /// Bytes that a product reads of it, where it is packed in its own numbers.
    pub fn packed_bytes(&self) -> Option<usize> {
        match &self.place {
            Place::Packed(panels) => Some(4 * panels.words.len()),
            Place::Quantised(_) | Place::Mapped(_) => None,
        }
    }

    /// The same for some of the outputs: [count, columns] → [count, range]. The range starts at a multiple of 16.
    pub fn project_rows(
        &self,
        range: Range<usize>,
        count: usize,
        input: &[f32],
        out: &mut [f32],
        workspace: &mut Workspace,
    ) {
        assert!(range.start.is_multiple_of(PANEL) && range.end <= self.rows);
        let (width, isa, pool) = (range.len(), Isa::chosen(), &*workspace.pool);
        let input = &input[..count * self.columns];
        match &self.place {
            Place::Packed(panels) => {
                let prepared =
                    prepare(isa, panels.held, self.entering, self.columns, input, pool, &mut workspace.words);
                product(isa, panels, range, &prepared, count, (out, width), pool);
            }
            Place::Quantised(blocks) => {
                blocks.product(isa, range, input, (out, width), &mut workspace.quantised, pool);
            }
            Place::Mapped(tensor) => {
                let prepared =
                    prepare(isa, Held::F32, Entering::Exact, self.columns, input, pool, &mut workspace.words);
                let height = (BLOCK / self.columns / PANEL * PANEL).max(PANEL);
                for start in range.clone().step_by(height) {
                    let end = (start + height).min(range.end);
                    let read = |rows: Range<usize>, out: &mut [f32]| {
                        tensor.widen((start + rows.start) * self.columns..(start + rows.end) * self.columns, out);
                    };
                    let panels = Panels::pack(Held::F32, end - start, self.columns, pool, read, |_| {});
                    let out = &mut out[start - range.start..];
                    product(isa, &panels, 0..end - start, &prepared, count, (out, width), pool);
                }
            }
        }
    }

    /// Calls `work` with stretches of outputs and their results [count, stretch], so that all of a wide product need not
    /// be held at once.
    pub fn for_outputs(
        &self,
        count: usize,
        input: &[f32],
        workspace: &mut Workspace,
        mut work: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        const STRETCH: usize = 8192;
        let mut out = vec![0.0; count * STRETCH.min(self.rows)];
        for start in (0..self.rows).step_by(STRETCH) {
            let range = start..(start + STRETCH).min(self.rows);
            let out = &mut out[..count * range.len()];
            self.project_rows(range.clone(), count, input, out, workspace);
            work(range, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> impl Iterator<Item = f32> {
        (0..count).map(|at| ((at * 67 % 211) as f32 - 105.0) * 0.013)
    }

    fn projected(precision: Precision, rows: usize, columns: usize) -> Vec<f32> {
        let tensor = Tensor::floats_held(numbers(rows * columns), vec![rows, columns]);
        let matrix = Matrix::of(tensor, rows, columns, false, &Packing { precision, ..Packing::default() });
        let input: Vec<f32> = numbers(3 * columns).collect();
        let mut out = vec![0.0; 3 * rows];
        matrix.project(3, &input, &mut out, &mut Workspace::default());
        out
    }

    #[test]
    fn eight_bits_compute_exactly_where_columns_are_no_multiple_of_32() {
        for columns in [1, 31, 33, 48, 100] {
            for rows in [1, 16, 37] {
                let exact = projected(Precision::F32, rows, columns);
                assert_eq!(projected(Precision::Q8, rows, columns), exact, "{rows}×{columns}");
            }
        }
        // Where they are one, it rounds: the test above would not tell otherwise.
        let (rounded, exact) = (projected(Precision::Q8, 37, 96), projected(Precision::F32, 37, 96));
        assert_ne!(rounded, exact);
        let largest = exact.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(rounded.iter().zip(&exact).all(|(one, two)| (one - two).abs() < 0.02 * largest));
    }
}
