//! Two products of the same rows whose results are joined number by number and enter a third: the middle of a gated
//! feed-forward layer in bf16. Results of both stay in a core's own cache and are rounded to pairs there: written to
//! memory in f32 and read again, they cost as much as the arithmetic where that is done in tiles.

use std::cell::RefCell;

use super::isa::Isa;
use super::panels::{Held, PANEL, Panels, pair_stride, round_row};
use super::pool::{Pool, Shares};
use super::product::{Cut, Prepared, pairs, strip};
use super::tile::{Kind, multiply};

/// Bytes of weights of a task, of each matrix.
const WEIGHTS_BYTES: usize = 256 << 10;
/// Rows of a task.
const ROWS: usize = 128;

thread_local! {
    /// Results of both products, [rows, width] each.
    static RESULTS: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// What a next product reads: join(input·Gᵀ, input·Uᵀ), rounded to pairs. `join(gate, up)` leaves its results in `up`;
/// it hears of many numbers at once. `out` holds the words.
///
/// # Panics
/// When the matrices are not both of bf16 and of one shape, the input not of pairs or too short.
pub(crate) fn gated<'a>(
    isa: Isa,
    [gate, up]: [&Panels; 2],
    input: &Prepared<'_>,
    count: usize,
    join: impl Fn(&[f32], &mut [f32]) + Sync,
    out: &'a mut Vec<u32>,
    pool: &Pool,
) -> Prepared<'a> {
    let (steps, width) = (gate.steps(), gate.rows);
    assert!(gate.held == Held::Bf16 && up.held == Held::Bf16 && input.kind() == Kind::Pairs);
    assert!((up.rows, up.columns) == (width, gate.columns));
    let panels = width.div_ceil(PANEL);
    assert!(panels * steps * PANEL <= gate.words.len().min(up.words.len()) && input.holds(count, steps));
    let row = pair_stride(width);
    if out.len() < count * row {
        out.resize(count * row, 0);
    }
    let shares = Shares::of(out);
    let cut = Cut::of(isa, Kind::Pairs, count, steps, panels, (ROWS, WEIGHTS_BYTES), pool);
    pool.run(cut.tasks(), &|task| {
        let (rows, panels) = cut.part(task);
        let wide = panels.len() * PANEL;
        RESULTS.with_borrow_mut(|results| {
            for (results, weights) in results.iter_mut().zip([gate, up]) {
                results.resize((rows.len() * wide).max(results.len()), 0.0);
                for start in (0..steps).step_by(cut.inner) {
                    let steps = cut.inner.min(steps - start);
                    let strip = strip(
                        weights,
                        input,
                        (panels.start, rows.start),
                        start..start + steps,
                        results.as_mut_ptr(),
                        wide,
                    );
                    // SAFETY: the assertions above bound the operands; the room for whole panels was made just above; the
                    // instruction set was found on this machine.
                    unsafe { multiply(isa, Kind::Pairs, &strip, rows.len(), panels.len()) };
                }
            }
            let [gate, up] = results.each_mut().map(|results| &mut results[..rows.len() * wide]);
            join(gate, up);
            for (row_number, up) in rows.zip(up.chunks_exact(wide)) {
                let first = row_number * row + panels.start * PANEL / 2;
                // SAFETY: tasks have disjoint rows or panels; a stride has room for whole panels.
                round_row(isa, up, unsafe { shares.part(first..first + wide / 2) });
            }
        });
    });
    pairs(out, row)
}

#[cfg(test)]
mod tests {
    use super::super::numbers;
    use super::super::product::{Entering, prepare, product};
    use super::*;

    fn join(gate: &[f32], up: &mut [f32]) {
        up.iter_mut().zip(gate).for_each(|(up, gate)| *up *= gate / (1.0 + gate.abs()));
    }

    #[test]
    fn gives_the_bits_of_two_products_joined_and_rounded() {
        let pool = Pool::new(3);
        for (count, columns, width) in [(1, 64, 48), (5, 33, 17), (16, 96, 31), (150, 130, 257), (300, 2100, 50)] {
            let pack = |seed: u32| {
                let matrix = numbers(seed, width * columns);
                let read = |range: std::ops::Range<usize>, out: &mut [f32]| {
                    out.copy_from_slice(&matrix[range.start * columns..range.end * columns]);
                };
                Panels::pack(Held::Bf16, width, columns, &pool, read, |_| {})
            };
            let (gate, up, next, input) = (pack(1), pack(2), numbers(4, 20 * width), numbers(3, count * columns));
            let next = Panels::pack(
                Held::Bf16,
                20,
                width,
                &pool,
                |range, out| out.copy_from_slice(&next[range.start * width..range.end * width]),
                |_| {},
            );
            for isa in Isa::available() {
                let mut scratch = Vec::new();
                let prepared = prepare(isa, Held::Bf16, Entering::Rounded, columns, &input, &pool, &mut scratch);
                let mut parts = [vec![0.0; count * width], vec![0.0; count * width]];
                for (part, matrix) in parts.iter_mut().zip([&gate, &up]) {
                    product(isa, matrix, 0..width, &prepared, count, (part, width), &pool);
                }
                let [one, two] = &mut parts;
                join(one, two);
                let (mut words, mut other) = (Vec::new(), vec![7; 3]);
                let wanted = prepare(isa, Held::Bf16, Entering::Rounded, width, two, &pool, &mut words);
                let found = gated(isa, [&gate, &up], &prepared, count, join, &mut other, &pool);
                let mut outs = [vec![0.0; count * 20], vec![1.0; count * 20]];
                for (out, prepared) in outs.iter_mut().zip([wanted, found]) {
                    product(isa, &next, 0..20, &prepared, count, (out, 20), &pool);
                }
                assert_eq!(outs[0], outs[1], "{isa:?} {count} {columns} {width}");
            }
        }
    }
}
