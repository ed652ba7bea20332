//! A product of rows of activations with a packed matrix: rounds the activations where the precision asks for it, cuts
//! the work into tasks whose operands stay in the caches, and hands the tasks to the pool.

use std::ops::Range;

use super::isa::Isa;
use super::panels::{Held, PANEL, Panels, bits, pair_stride, round_rows};
use super::pool::{Pool, Shares};
use super::tile::{Kind, Strip, multiply};

/// How activations enter a product with bf16 weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entering {
    /// As f32; weights are widened.
    Exact,
    /// Rounded to bf16.
    Rounded,
}

/// Bytes of activations that a task keeps in the second-level cache, under half of one.
const ROWS_BYTES: usize = 384 << 10;
/// Bytes of weights of a task.
const WEIGHTS_BYTES: usize = 768 << 10;
/// Words of the inner index that a task passes at once, so that a group of panels stays in the cache too.
const INNER: usize = 1024;
/// Rows of a task, at most.
const MOST_ROWS: usize = 512;
/// Up to so many rows a product is bound by reading the weights: they are passed once, in one stretch.
const FEW: usize = 16;
/// Rows whose results of a last panel that is not whole go through a place of their own at once.
const EDGE: usize = 32;

/// Activations as the register block reads them.
pub(crate) struct Prepared<'a> {
    words: &'a [u32],
    row: usize,
    kind: Kind,
}

impl Prepared<'_> {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there are so many rows of so many steps.
    pub fn holds(&self, count: usize, steps: usize) -> bool {
        count == 0 || (count - 1) * self.row + steps * words_a_step(self.kind) <= self.words.len()
    }
}

/// Rows of pairs that are there already, `row` words apart.
pub(super) fn pairs(words: &[u32], row: usize) -> Prepared<'_> {
    Prepared { words, row, kind: Kind::Pairs }
}

/// Brings rows [count, columns] into the form that a product needs; `scratch` holds it where it is not the input.
pub(crate) fn prepare<'a>(
    isa: Isa,
    held: Held,
    entering: Entering,
    columns: usize,
    input: &'a [f32],
    pool: &Pool,
    scratch: &'a mut Vec<u32>,
) -> Prepared<'a> {
    let count = input.len() / columns;
    let kind = match (held, entering) {
        (Held::F32, _) => Kind::Floats,
        (Held::Bf16, Entering::Exact) => Kind::Widened,
        (Held::Bf16, Entering::Rounded) => Kind::Pairs,
    };
    let as_is = match kind {
        Kind::Pairs => false,
        // A pair more than the row may be read where columns are odd; rows a multiple of 4 KiB apart share a cache set.
        Kind::Widened => columns.is_multiple_of(2) && (count < 4 || !columns.is_multiple_of(1024)),
        Kind::Floats => count < 4 || !columns.is_multiple_of(1024),
    };
    if as_is {
        return Prepared { words: bits(input), row: columns, kind };
    }
    let row = if kind == Kind::Pairs { pair_stride(columns) } else { columns.next_multiple_of(16) + 16 };
    if scratch.len() < count * row {
        scratch.resize(count * row, 0);
    }
    let words = &mut scratch[..count * row];
    let shares = Shares::of(words);
    let grain = if count <= FEW { count.max(1) } else { 32 };
    pool.run(count.div_ceil(grain), &|task| {
        let rows = task * grain..((task + 1) * grain).min(count);
        // SAFETY: tasks have disjoint ranges of rows.
        let out = unsafe { shares.part(rows.start * row..rows.end * row) };
        let input = &input[rows.start * columns..rows.end * columns];
        if kind == Kind::Pairs {
            round_rows(isa, input, columns, out);
        } else {
            for (input, out) in input.chunks_exact(columns).zip(out.chunks_exact_mut(row)) {
                for (value, out) in input.iter().zip(&mut *out) {
                    *out = value.to_bits();
                }
                // The half of the last pair that a row does not have.
                out[columns] = 0;
            }
        }
    });
    Prepared { words, row, kind }
}

/// out = input·Wᵀ for every prepared row and some of the outputs, which start at a panel. `out` starts at the first of
/// these of the first row; its rows are `out_row` apart.
///
/// # Panics
/// When a matrix reaches beyond its slice.
pub(crate) fn product(
    isa: Isa,
    weights: &Panels,
    outputs: Range<usize>,
    input: &Prepared<'_>,
    count: usize,
    (out, out_row): (&mut [f32], usize),
    pool: &Pool,
) {
    let steps = weights.steps();
    let (width, panels) = (outputs.len(), outputs.start / PANEL..outputs.end.div_ceil(PANEL));
    assert!(outputs.start.is_multiple_of(PANEL) && outputs.end <= weights.rows);
    if count == 0 || width == 0 {
        return;
    }
    assert!(panels.end * steps * PANEL <= weights.words.len());
    assert!(input.holds(count, steps) && width <= out_row && (count - 1) * out_row + width <= out.len());
    let cut = Cut::of(isa, input.kind, count, steps, panels.len(), (MOST_ROWS, WEIGHTS_BYTES), pool);
    let shares = Shares::of(out);
    pool.run(cut.tasks(), &|task| {
        let (rows, here) = cut.part(task);
        let column = here.start * PANEL;
        let here = panels.start + here.start..panels.start + here.end;
        // The last panel may hold fewer outputs: its results go through a place of their own.
        let whole = here.end.min(outputs.end / PANEL).saturating_sub(here.start);
        for start in (0..steps).step_by(cut.inner) {
            let stretch = start..(start + cut.inner).min(steps);
            let strip = |panel: usize, row: usize, out: *mut f32, out_row: usize| {
                strip(weights, input, (panel, row), stretch.clone(), out, out_row)
            };
            // SAFETY: the assertions above bound every place; tasks have disjoint rows or columns of `out`; the
            // instruction set was found on this machine.
            unsafe {
                let out = shares.start().add(rows.start * out_row + column);
                multiply(isa, input.kind, &strip(here.start, rows.start, out, out_row), rows.len(), whole);
                if whole < here.len() {
                    let part = outputs.end % PANEL;
                    for row in rows.clone().step_by(EDGE) {
                        let count = EDGE.min(rows.end - row);
                        let mut last = [[0.0f32; PANEL]; EDGE];
                        let place = |at: usize| shares.start().add((row + at) * out_row + column + whole * PANEL);
                        for (at, last) in last.iter_mut().take(if start > 0 { count } else { 0 }).enumerate() {
                            std::ptr::copy_nonoverlapping(place(at), last.as_mut_ptr(), part);
                        }
                        let strip = strip(here.start + whole, row, last.as_mut_ptr().cast(), PANEL);
                        multiply(isa, input.kind, &strip, count, 1);
                        for (at, last) in last.iter().take(count).enumerate() {
                            std::ptr::copy_nonoverlapping(last.as_ptr(), place(at), part);
                        }
                    }
                }
            }
        }
    });
}

/// How a product is cut into tasks, whose operands stay in the caches.
pub(super) struct Cut {
    /// Steps of the inner index that a task passes at once.
    pub inner: usize,
    count: usize,
    panels: usize,
    /// Rows of a task, and how many tasks have the same panels.
    chunk: usize,
    chunks: usize,
    /// Panels of a task.
    slice: usize,
}

impl Cut {
    /// `most_rows` and `weights_bytes` bound a task.
    pub fn of(
        isa: Isa,
        kind: Kind,
        count: usize,
        steps: usize,
        panels: usize,
        (most_rows, weights_bytes): (usize, usize),
        pool: &Pool,
    ) -> Cut {
        let inner = if count <= FEW { steps } else { INNER.min(steps) };
        let rows = ROWS_BYTES / (4 * inner * words_a_step(kind)) / 32 * 32;
        let chunk = if count <= FEW { count } else { rows.clamp(32, most_rows).min(count) };
        let chunks = count.div_ceil(chunk);
        let together = isa.panels(kind);
        let groups = panels.div_ceil(together);
        let wanted = (8 * pool.threads()).div_ceil(chunks);
        let slice = (weights_bytes / (together * PANEL * 4 * steps))
            .clamp(1, groups)
            .min(groups.div_ceil(wanted.min(groups)))
            .max(1);
        Cut { inner, count, panels, chunk, chunks, slice: together * slice }
    }

    pub fn tasks(&self) -> usize {
        self.chunks * self.panels.div_ceil(self.slice)
    }

    /// Rows and panels of a task.
    pub fn part(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let (row, panel) = (task % self.chunks * self.chunk, task / self.chunks * self.slice);
        (row..(row + self.chunk).min(self.count), panel..(panel + self.slice).min(self.panels))
    }
}

/// Words of activations that a step of the inner index takes.
fn words_a_step(kind: Kind) -> usize {
    match kind {
        Kind::Widened => 2,
        Kind::Floats | Kind::Pairs => 1,
    }
}

/// The operands from a panel and a row on, for a stretch of the inner index; a later stretch adds to an earlier one.
pub(super) fn strip(
    weights: &Panels,
    input: &Prepared<'_>,
    (panel, row): (usize, usize),
    stretch: Range<usize>,
    out: *mut f32,
    out_row: usize,
) -> Strip {
    let steps = weights.steps();
    Strip {
        activations: input.words[row * input.row + stretch.start * words_a_step(input.kind)..].as_ptr(),
        activation_step: 1,
        activation_row: input.row,
        weights: weights.words[(panel * steps + stretch.start) * PANEL..].as_ptr(),
        panel: steps * PANEL,
        panel_step: PANEL,
        steps: stretch.len(),
        out,
        out_row,
        keep: stretch.start > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::numbers;
    use crate::kernel::panels::pair;

    fn rounded(value: f32) -> f32 {
        f32::from_bits(pair(value, 0.0) << 16)
    }

    struct Case {
        count: usize,
        columns: usize,
        rows: usize,
    }

    fn run(isa: Isa, held: Held, entering: Entering, case: &Case, threads: usize) -> Vec<f32> {
        let Case { count, columns, rows } = *case;
        let pool = Pool::new(threads);
        let (input, matrix) = (numbers(1, count * columns), numbers(2, rows * columns));
        let panels = Panels::pack(
            held,
            rows,
            columns,
            &pool,
            |range, out| {
                out.copy_from_slice(&matrix[range.start * columns..range.end * columns]);
            },
            |_| {},
        );
        let mut scratch = Vec::new();
        let prepared = prepare(isa, held, entering, columns, &input, &pool, &mut scratch);
        let mut out = numbers(3, count * rows); // what was there before must not matter
        product(isa, &panels, 0..rows, &prepared, count, (&mut out, rows), &pool);
        out
    }

    /// Against plain f64 sums; the bound is that of f32 sums of `columns` numbers below 1.
    fn check(isa: Isa, held: Held, entering: Entering, case: &Case) {
        let Case { count, columns, rows } = *case;
        let (input, matrix) = (numbers(1, count * columns), numbers(2, rows * columns));
        let found = run(isa, held, entering, case, 2);
        let input_rounded = held == Held::Bf16 && entering == Entering::Rounded;
        for row in 0..count {
            for output in 0..rows {
                let wanted: f64 = (0..columns)
                    .map(|at| {
                        let (one, two) = (input[row * columns + at], matrix[output * columns + at]);
                        let one = if input_rounded { rounded(one) } else { one };
                        let two = if held == Held::Bf16 { rounded(two) } else { two };
                        f64::from(one) * f64::from(two)
                    })
                    .sum();
                let bound = 1e-7 * (columns as f64 + 4.0);
                let gap = (f64::from(found[row * rows + output]) - wanted).abs();
                assert!(gap <= bound, "{isa:?} {held:?} {entering:?} [{row}, {output}]: {gap} over {bound}");
            }
        }
    }

    const KINDS: [(Held, Entering); 3] =
        [(Held::F32, Entering::Exact), (Held::Bf16, Entering::Exact), (Held::Bf16, Entering::Rounded)];

    #[test]
    fn every_instruction_set_multiplies() {
        for isa in Isa::available() {
            for (held, entering) in KINDS {
                for (count, columns, rows) in
                    [(1, 1, 1), (1, 64, 48), (3, 33, 17), (7, 130, 96), (16, 1024, 31), (29, 7, 130), (40, 2100, 70)]
                {
                    check(isa, held, entering, &Case { count, columns, rows });
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_other_rows_or_threads() {
        for isa in Isa::available() {
            for (held, entering) in KINDS {
                let many = Case { count: 37, columns: 2500, rows: 100 };
                let all = run(isa, held, entering, &many, 3);
                for count in [1, 2, 5, 8, 16, 17] {
                    let few = run(isa, held, entering, &Case { count, ..many }, 1);
                    assert_eq!(few[..], all[..few.len()], "{isa:?} {held:?} {entering:?} {count}");
                }
            }
        }
    }
}
