//! Products of every type on every instruction set that the machine has, against sums in f64 of dequantised weights.

use half::f16;

use super::super::isa::Isa;
use super::super::pool::Pool;
use super::{Blocks, Quantised};
use crate::storage::BlockType;

const KINDS: [BlockType; 9] = [
    BlockType::Q8_0,
    BlockType::Q4_0,
    BlockType::Q4_1,
    BlockType::Q5_0,
    BlockType::Q5_1,
    BlockType::Q4K,
    BlockType::Q5K,
    BlockType::Q6K,
    BlockType::Bf16,
];

/// Random blocks: any bits are one, but for scales, which are to be numbers of a usual size.
fn blocks(kind: BlockType, count: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let places: &[usize] = match kind {
        BlockType::Q6K => &[208],
        BlockType::Q8_0 | BlockType::Q4_0 | BlockType::Q5_0 => &[0],
        _ => &[0, 2],
    };
    let mut bytes = Vec::with_capacity(count * kind.bytes());
    for _ in 0..count {
        if kind == BlockType::Bf16 {
            bytes.extend(half::bf16::from_f32(next() as f32 / (1 << 23) as f32 - 1.0).to_le_bytes());
            continue;
        }
        let start = bytes.len();
        bytes.extend((0..kind.bytes()).map(|_| next() as u8));
        for place in places {
            let scale = f16::from_f32((next() as f32 / (1 << 23) as f32 - 1.0) * 0.1);
            bytes[start + place..start + place + 2].copy_from_slice(&scale.to_le_bytes());
        }
    }
    bytes
}

/// A packed matrix, and its numbers as the file has them.
fn packed(kind: BlockType, rows: usize, columns: usize) -> (Blocks, Vec<f32>) {
    let stride = columns / kind.elements() * kind.bytes();
    let bytes = blocks(kind, rows * columns / kind.elements());
    let mut weights = vec![0.0; rows * columns];
    kind.dequantise(&bytes, &mut weights);
    let row = |row: usize| &bytes[row * stride..(row + 1) * stride];
    (Blocks::pack(kind, rows, columns, &Pool::new(2), row, |_| {}), weights)
}

fn shapes(kind: BlockType) -> &'static [(usize, usize)] {
    // Less than a panel, panels and a part of one, more than a task's; columns of one block, and no power of two.
    match kind.elements() {
        256 => &[(5, 256), (40, 768), (300, 512)],
        _ => &[(5, 32), (40, 96), (300, 512), (17, 1120)],
    }
}

#[test]
fn packed_weights_are_those_of_the_file() {
    for kind in KINDS {
        for &(rows, columns) in shapes(kind) {
            let (blocks, weights) = packed(kind, rows, columns);
            let mut held = vec![0.0; columns];
            for row in 0..rows {
                blocks.row(row, &mut held);
                for (held, weight) in held.chunks_exact(32).zip(weights[row * columns..].chunks_exact(32)) {
                    let highest = weight.iter().fold(0.0f32, |highest, weight| highest.max(weight.abs()));
                    // Quantised types are held exactly; floats within half a step and the rounding of the scale to f16.
                    let bound = if kind == BlockType::Bf16 { highest * (0.5 / 127.0 + 6e-4) } else { 0.0 };
                    assert!(held.iter().zip(weight).all(|(held, weight)| (held - weight).abs() <= bound), "{kind:?}");
                }
            }
        }
    }
}

#[test]
fn products_are_those_of_dequantised_weights_with_rounded_activations() {
    for kind in KINDS {
        for &(rows, columns) in shapes(kind) {
            let (blocks, _) = packed(kind, rows, columns);
            let input: Vec<f32> = (0..11 * columns).map(|at| ((at * 37 % 101) as f32 - 50.0) * 0.01).collect();
            let mut weights = vec![0.0; rows * columns];
            weights.chunks_exact_mut(columns).enumerate().for_each(|(row, out)| blocks.row(row, out));
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; 11 * rows];
                blocks.product(isa, 0..rows, &input, (&mut out, rows), &mut Quantised::default(), &Pool::new(3));
                for (input, out) in input.chunks_exact(columns).zip(out.chunks_exact(rows)) {
                    for (weights, found) in weights.chunks_exact(columns).zip(out) {
                        let (mut wanted, mut bound) = (0.0f64, 0.0f64);
                        for (numbers, weights) in input.chunks_exact(32).zip(weights.chunks_exact(32)) {
                            let scale =
                                numbers.iter().fold(0.0f32, |highest, number| highest.max(number.abs())) / 127.0;
                            for (number, weight) in numbers.iter().zip(weights) {
                                let rounded = f64::from(scale) * f64::from((number * (1.0 / scale)).round_ties_even());
                                wanted += rounded * f64::from(*weight);
                                bound += 1e-6 * (f64::from(scale) * 127.0 * f64::from(weight.abs()));
                            }
                        }
                        // Sums with minima cancel: what is rounded there is as large as the parts.
                        let gap = (f64::from(*found) - wanted).abs();
                        assert!(gap <= 4.0 * bound + 1e-6, "{isa:?} {kind:?} {rows}×{columns}: {gap} over {bound}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_other_rows_or_threads_or_outputs() {
    for kind in KINDS {
        let &(rows, columns) = shapes(kind).last().expect("a shape");
        let (blocks, _) = packed(kind, rows, columns);
        let count = 600; // more than a chunk of rows
        let input: Vec<f32> = (0..count * columns).map(|at| ((at * 61 % 1009) as f32 - 500.0) * 0.003).collect();
        for isa in Isa::available() {
            let mut room = Quantised::default();
            let mut all = vec![0.0; count * rows];
            blocks.product(isa, 0..rows, &input, (&mut all, rows), &mut room, &Pool::new(3));
            for number in [0, 1, 6, 9, 13, 599] {
                let own = &input[number * columns..(number + 1) * columns];
                let mut alone = vec![0.0; rows - 16];
                blocks.product(isa, 16..rows, own, (&mut alone, rows - 16), &mut room, &Pool::serial());
                assert_eq!(alone, all[number * rows + 16..(number + 1) * rows], "{isa:?} {kind:?}");
            }
        }
    }
}

#[test]
fn the_largest_numbers_of_every_type_are_multiplied_exactly() {
    // All weights and activations at their largest: sums of products where an instruction might saturate.
    let mut bytes = [0xffu8; 256 / 32 * 34];
    for block in bytes.chunks_exact_mut(34) {
        block[..2].copy_from_slice(&f16::ONE.to_le_bytes());
        block[2..].fill(0x80); // −128
    }
    let blocks = Blocks::pack(BlockType::Q8_0, 1, 256, &Pool::serial(), |_| &bytes, |_| {});
    for isa in Isa::available() {
        for sign in [1.0, -1.0] {
            let mut out = [0.0];
            let input = [127.0 * sign; 256];
            blocks.product(isa, 0..1, &input, (&mut out, 1), &mut Quantised::default(), &Pool::serial());
            assert_eq!(out[0], -128.0 * 127.0 * 256.0 * sign, "{isa:?}");
        }
    }
}
