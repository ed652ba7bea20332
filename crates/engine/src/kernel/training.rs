//! Products of training, on one thread: rows with a matrix that was packed once a step, forward and backward, and the
//! gradient of a matrix, summed over rows. In f32, or with both operands rounded to bf16 and sums in f32.
//!
//! The register block is the engine's own ([`tile`](super::tile)). A result is a chain of fused multiply-adds in the order
//! of the inner index, so that it does not depend on what is computed beside it.

use super::isa::Isa;
use super::memory::Words;
use super::panels::{PANEL, bits, pair, pair_rows, pair_stride, round_rows};
use super::tile::{Kind, Strip, multiply};
use crate::ops::Lay;

/// What the operands of a product are rounded to; sums are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operands {
    /// Not rounded.
    F32,
    /// bf16, to nearest even.
    Bf16,
}

impl Operands {
    fn kind(self) -> Kind {
        match self {
            Operands::F32 => Kind::Floats,
            Operands::Bf16 => Kind::Pairs,
        }
    }

    /// Words of an inner index.
    fn steps(self, inner: usize) -> usize {
        match self {
            Operands::F32 => inner,
            Operands::Bf16 => inner.div_ceil(2),
        }
    }
}

/// Steps of the inner index that are passed at once: three panels of so many steps stay in the first-level cache.
const INNER: usize = 192;
/// Rows that are passed at once: with so many steps they stay in the second-level cache.
const ROWS: usize = 256;

/// The second operand of a product, [outputs, inner], as the register block reads it.
pub struct PackedOperand {
    words: Words,
    operands: Operands,
    outputs: usize,
    inner: usize,
}

impl PackedOperand {
    /// Packs a matrix that lies as `lay` says, rows being outputs.
    ///
    /// # Panics
    /// When the matrix reaches beyond its slice, or neither its rows nor its columns are contiguous.
    pub fn pack(operands: Operands, outputs: usize, inner: usize, values: &[f32], lay: Lay) -> PackedOperand {
        let mut out = PackedOperand { words: Words::zeroed(0), operands, outputs: 0, inner: 0 };
        out.repack(outputs, inner, values, lay);
        out
    }

    /// The same into the memory that is there.
    ///
    /// # Panics
    /// As [`PackedOperand::pack`].
    pub fn repack(&mut self, outputs: usize, inner: usize, values: &[f32], lay: Lay) {
        assert!(lay.rows == 1 || lay.columns == 1, "rows or columns are contiguous");
        (self.outputs, self.inner) = (outputs, inner);
        let steps = self.operands.steps(inner);
        let words = outputs.div_ceil(PANEL) * steps * PANEL;
        if self.words.len() < words {
            self.words = Words::zeroed(words);
        }
        for (panel, out) in self.words[..words].chunks_exact_mut((steps * PANEL).max(1)).enumerate() {
            let (first, width) = (panel * PANEL, PANEL.min(outputs - panel * PANEL));
            if lay.rows == 1 {
                across(self.operands, &values[first..], lay.columns as usize, inner, width, out);
            } else {
                along(self.operands, &values[first * lay.rows as usize..], lay.rows as usize, inner, width, out);
            }
        }
    }
}

/// A panel of outputs that lie side by side: inner index t at t·distance.
fn across(operands: Operands, values: &[f32], distance: usize, inner: usize, width: usize, out: &mut [u32]) {
    for (step, words) in out.chunks_exact_mut(PANEL).enumerate() {
        words[width..].fill(0);
        match operands {
            Operands::F32 => words[..width].copy_from_slice(bits(&values[step * distance..][..width])),
            Operands::Bf16 => pair_step(values, distance, inner, step, &mut words[..width]),
        }
    }
}

/// Rows 2·step and 2·step + 1, paired number by number; a row beyond `inner` counts as zeros.
fn pair_step(values: &[f32], distance: usize, inner: usize, step: usize, out: &mut [u32]) {
    let second = (2 * step + 1 < inner).then(|| &values[(2 * step + 1) * distance..]);
    pair_rows(Isa::chosen(), &values[2 * step * distance..], second, out);
}

/// A panel of outputs whose inner indices lie side by side.
fn along(operands: Operands, values: &[f32], distance: usize, inner: usize, width: usize, out: &mut [u32]) {
    for lane in 0..PANEL {
        let places = out[lane..].iter_mut().step_by(PANEL);
        if lane >= width {
            places.for_each(|place| *place = 0);
            continue;
        }
        let row = &values[lane * distance..][..inner];
        match operands {
            Operands::F32 => places.zip(row).for_each(|(place, value)| *place = value.to_bits()),
            Operands::Bf16 => places
                .zip(row.chunks(2))
                .for_each(|(place, two)| *place = pair(two[0], two.get(1).copied().unwrap_or(0.0))),
        }
    }
}

/// Memory that products reuse.
#[derive(Default)]
pub struct ProductScratch {
    words: Vec<u32>,
    packed: Option<PackedOperand>,
}

/// Rows times a packed matrix: out = input·matrixᵀ, [count, inner] → [count, outputs]; `keep` adds to what is there.
///
/// # Panics
/// When a slice is too short.
pub fn rows_product(
    matrix: &PackedOperand,
    count: usize,
    input: &[f32],
    out: &mut [f32],
    keep: bool,
    scratch: &mut ProductScratch,
) {
    let input = &input[..count * matrix.inner];
    let (words, row): (&[u32], usize) = match matrix.operands {
        Operands::F32 => (bits(input), matrix.inner),
        Operands::Bf16 => {
            let row = pair_stride(matrix.inner);
            scratch.words.resize((count * row).max(scratch.words.len()), 0);
            round_rows(Isa::chosen(), input, matrix.inner, &mut scratch.words[..count * row]);
            (&scratch.words, row)
        }
    };
    sweep(matrix, Left { words, step: 1, row }, count, out, keep);
}

/// Adds slopeᵀ·input to a matrix's gradient: [count, rows]ᵀ·[count, columns] → [rows, columns].
///
/// # Panics
/// When a slice is too short.
pub fn add_outer_product(
    operands: Operands,
    (count, rows, columns): (usize, usize, usize),
    slope: &[f32],
    input: &[f32],
    gradient: &mut [f32],
    scratch: &mut ProductScratch,
) {
    let slope = &slope[..count * rows];
    let packed = scratch.packed.take().filter(|packed| packed.operands == operands);
    let mut packed = packed.unwrap_or_else(|| PackedOperand::pack(operands, 0, 0, &[], Lay::rows(1)));
    packed.repack(columns, count, &input[..count * columns], Lay::transposed(columns));
    let words: &[u32] = match operands {
        Operands::F32 => bits(slope),
        Operands::Bf16 => {
            let steps = count.div_ceil(2);
            scratch.words.resize((steps * rows).max(scratch.words.len()), 0);
            let out = &mut scratch.words[..steps * rows];
            for (step, out) in out.chunks_exact_mut(rows).enumerate() {
                pair_step(slope, rows, count, step, out);
            }
            &scratch.words
        }
    };
    sweep(&packed, Left { words, step: rows, row: 1 }, rows, gradient, true);
    scratch.packed = Some(packed);
}

/// The first operand: words `step` apart along the inner index, `row` apart between rows.
#[derive(Clone, Copy)]
struct Left<'a> {
    words: &'a [u32],
    step: usize,
    row: usize,
}

fn sweep(matrix: &PackedOperand, left: Left<'_>, count: usize, out: &mut [f32], keep: bool) {
    let PackedOperand { operands, outputs, inner, .. } = *matrix;
    let steps = operands.steps(inner);
    if count == 0 || outputs == 0 || steps == 0 {
        return;
    }
    assert!(count * outputs <= out.len() && (count - 1) * left.row + (steps - 1) * left.step < left.words.len());
    assert!(outputs.div_ceil(PANEL) * steps * PANEL <= matrix.words.len());
    let (isa, whole, part) = (Isa::chosen(), outputs / PANEL, outputs % PANEL);
    let mut edge = [0.0f32; ROWS * PANEL];
    for start in (0..steps).step_by(INNER) {
        let keep = keep || start > 0;
        for first in (0..count).step_by(ROWS) {
            let rows = ROWS.min(count - first);
            let strip = |panel: usize, out: *mut f32, out_row: usize| Strip {
                activations: left.words[first * left.row + start * left.step..].as_ptr(),
                activation_step: left.step,
                activation_row: left.row,
                weights: matrix.words[(panel * steps + start) * PANEL..].as_ptr(),
                panel: steps * PANEL,
                panel_step: PANEL,
                steps: INNER.min(steps - start),
                out,
                out_row,
                keep,
            };
            let place = out[first * outputs..].as_mut_ptr();
            // SAFETY: the assertions above bound every place of the operands and of `out`, which is borrowed alone; the
            // edge has room for all rows; the instruction set was found on this machine.
            unsafe {
                if whole > 0 {
                    multiply(isa, operands.kind(), &strip(0, place, outputs), rows, whole);
                }
                if part > 0 {
                    let place = place.add(whole * PANEL);
                    for row in 0..if keep { rows } else { 0 } {
                        std::ptr::copy_nonoverlapping(
                            place.add(row * outputs),
                            edge.as_mut_ptr().add(row * PANEL),
                            part,
                        );
                    }
                    multiply(isa, operands.kind(), &strip(whole, edge.as_mut_ptr(), PANEL), rows, 1);
                    for row in 0..rows {
                        std::ptr::copy_nonoverlapping(edge.as_ptr().add(row * PANEL), place.add(row * outputs), part);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::kernel::numbers;

    fn entering(operands: Operands, value: f32) -> f64 {
        f64::from(if operands == Operands::Bf16 { bf16::from_f32(value).to_f32() } else { value })
    }

    /// Against plain f64 sums of the rounded operands; the bound is that of f32 sums of `inner` numbers below 1.
    #[test]
    fn both_products_are_those_of_plain_sums() {
        let mut scratch = ProductScratch::default();
        for operands in [Operands::F32, Operands::Bf16] {
            for (count, inner, outputs) in
                [(1, 1, 1), (3, 7, 5), (9, 33, 48), (300, 64, 70), (17, 500, 31), (2, 401, 16)]
            {
                let (input, matrix) = (numbers(1, count * inner), numbers(2, outputs * inner));
                let start = numbers(3, count * outputs);
                let bound = 1e-7 * (inner as f64 + 4.0);
                for keep in [false, true] {
                    let packed = PackedOperand::pack(operands, outputs, inner, &matrix, Lay::rows(inner));
                    let mut out = start.clone();
                    rows_product(&packed, count, &input, &mut out, keep, &mut scratch);
                    // The same matrix, lying the other way round.
                    let turned: Vec<f32> =
                        (0..inner * outputs).map(|at| matrix[at % outputs * inner + at / outputs]).collect();
                    let other = PackedOperand::pack(operands, outputs, inner, &turned, Lay::transposed(outputs));
                    let mut again = start.clone();
                    rows_product(&other, count, &input, &mut again, keep, &mut scratch);
                    assert_eq!(out, again, "{operands:?} {count} {inner} {outputs}");
                    if keep {
                        // slopeᵀ·input over `inner` rows: slope [inner, count], input [inner, outputs].
                        let slope: Vec<f32> =
                            (0..inner * count).map(|at| input[at % count * inner + at / count]).collect();
                        let mut outer = start.clone();
                        add_outer_product(operands, (inner, count, outputs), &slope, &turned, &mut outer, &mut scratch);
                        assert_eq!(out, outer, "{operands:?} {count} {inner} {outputs}");
                    }
                    for row in 0..count {
                        for output in 0..outputs {
                            let sum: f64 = (0..inner)
                                .map(|at| {
                                    entering(operands, input[row * inner + at])
                                        * entering(operands, matrix[output * inner + at])
                                })
                                .sum();
                            let place = row * outputs + output;
                            let wanted = sum + if keep { f64::from(start[place]) } else { 0.0 };
                            let gap = (f64::from(out[place]) - wanted).abs();
                            assert!(gap <= bound, "{operands:?} [{row}, {output}] of {count} {inner} {outputs}: {gap}");
                        }
                    }
                }
            }
        }
    }
}
