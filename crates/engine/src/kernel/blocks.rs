//! Products of quantised weights with activations in int8: sums of blocks are whole numbers, exactly; only the activations
//! are rounded (in blocks of 32, to a largest magnitude of 127, as GGUF's Q8_0).
//!
//! Weights lie in panels of sixteen outputs: for every four inner indices sixteen words of four bytes q + 128, and for
//! every block sixteen scales (and minima, where the type has them): w = scale·q − minimum. Types of fewer bits take eight
//! here: faster to read in a register, larger in memory.

use std::ops::Range;

use half::f16;

use super::isa::Isa;
use super::memory::Words;
use super::panels::PANEL;
use super::pool::{Pool, Shares};
use crate::storage::BlockType;

/// Inner indices that share an activation's scale.
const GROUP: usize = 32;

/// A quantised matrix [rows, columns]; columns are a multiple of 32.
pub(crate) struct Blocks {
    quants: Words,
    scales: Words,
    minima: Option<Words>,
    /// Inner indices that share a weight's scale: 32 or 16.
    block: usize,
    rows: usize,
    columns: usize,
}

/// Rows of activations in int8.
#[derive(Default)]
pub(crate) struct Quantised {
    /// Four bytes a word, [count, columns / 4].
    words: Vec<u32>,
    /// [count, columns / 32].
    scales: Vec<f32>,
    /// Sums of the bytes of each block of the weights, [count, columns / block].
    sums: Vec<i32>,
}

/// Scale and whole numbers of 32 numbers: d = max|x| / 127, q = round(x / d).
fn quantise(numbers: &[f32], quants: &mut [i8]) -> f32 {
    let highest = numbers.iter().fold(0.0f32, |highest, number| highest.max(number.abs()));
    let scale = highest / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (quant, number) in quants.iter_mut().zip(numbers) {
        *quant = (number * inverse).round_ties_even() as i8;
    }
    // What is no number stays no number.
    if numbers.iter().all(|number| number.is_finite()) { scale } else { f32::NAN }
}

impl Blocks {
    /// Packs a matrix: `read(rows, out)` gives rows as they lie on disk. Plain floats are quantised to Q8_0.
    pub fn pack(
        kind: BlockType,
        rows: usize,
        columns: usize,
        pool: &Pool,
        bytes: impl Fn(usize) -> Vec<u8> + Sync,
        done: impl Fn(Range<usize>) + Sync,
    ) -> Blocks {
        assert!(columns.is_multiple_of(GROUP));
        let block = if kind == BlockType::Q6K { 16 } else { 32 };
        let (panels, blocks) = (rows.div_ceil(PANEL), columns / block);
        let mut quants = Words::zeroed(panels * columns / 4 * PANEL);
        let mut scales = Words::zeroed(panels * blocks * PANEL);
        let with_minima = matches!(kind, BlockType::Q4K | BlockType::Q5K);
        let mut minima = with_minima.then(|| Words::zeroed(panels * blocks * PANEL));
        let (quant_shares, scale_shares) = (Shares::of(&mut quants), Shares::of(&mut scales));
        let minimum_shares = minima.as_mut().map(|minima| Shares::of(&mut *minima));
        pool.run(panels, &|panel| {
            // SAFETY: every panel is written by one task.
            let (quants, scales, mut minima) = unsafe {
                let own = panel * blocks * PANEL..(panel + 1) * blocks * PANEL;
                (
                    quant_shares.part(panel * columns / 4 * PANEL..(panel + 1) * columns / 4 * PANEL),
                    scale_shares.part(own.clone()),
                    minimum_shares.as_ref().map(|shares| shares.part(own)),
                )
            };
            quants.fill(0x8080_8080);
            let own = panel * PANEL..(panel * PANEL + PANEL).min(rows);
            let (mut row_quants, mut row_scales) = (vec![0i8; columns], vec![0.0f32; blocks]);
            let (mut row_minima, mut floats) = (vec![0.0f32; blocks], vec![0.0f32; columns]);
            for (lane, row) in own.clone().enumerate() {
                let bytes = bytes(row);
                if matches!(kind, BlockType::F32 | BlockType::F16 | BlockType::Bf16) {
                    kind.dequantise(&bytes, &mut floats);
                    let groups = floats.chunks_exact(GROUP).zip(row_quants.chunks_exact_mut(GROUP));
                    for ((numbers, quants), scale) in groups.zip(&mut row_scales) {
                        *scale = f16::from_f32(quantise(numbers, quants)).to_f32();
                    }
                } else {
                    kind.parts(&bytes, &mut row_quants, &mut row_scales, &mut row_minima);
                }
                for (four, word) in row_quants.chunks_exact(4).zip(quants[lane..].iter_mut().step_by(PANEL)) {
                    *word =
                        u32::from_le_bytes([four[0] as u8, four[1] as u8, four[2] as u8, four[3] as u8]) ^ 0x8080_8080;
                }
                for (scale, word) in row_scales.iter().zip(scales[lane..].iter_mut().step_by(PANEL)) {
                    *word = scale.to_bits();
                }
                if let Some(minima) = &mut minima {
                    for (minimum, word) in row_minima.iter().zip(minima[lane..].iter_mut().step_by(PANEL)) {
                        *word = minimum.to_bits();
                    }
                }
            }
            done(own);
        });
        Blocks { quants, scales, minima, block, rows, columns }
    }

    /// One row, as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let blocks = self.columns / self.block;
        let (panel, lane) = (row / PANEL, row % PANEL);
        for (index, out) in out.chunks_exact_mut(self.block).enumerate() {
            let at = (panel * blocks + index) * PANEL + lane;
            let scale = f32::from_bits(self.scales[at]);
            let minimum = self.minima.as_ref().map_or(0.0, |minima| f32::from_bits(minima[at]));
            for (step, out) in out.chunks_exact_mut(4).enumerate() {
                let word = self.quants[(panel * self.columns / 4 + index * self.block / 4 + step) * PANEL + lane];
                for (byte, out) in (word ^ 0x8080_8080).to_le_bytes().into_iter().zip(out) {
                    *out = scale * f32::from(byte as i8) - minimum;
                }
            }
        }
    }

    /// out [count, outputs] = input·Wᵀ for some outputs, which start at a panel.
    ///
    /// # Panics
    /// When a matrix reaches beyond its slice.
    pub fn product(
        &self,
        isa: Isa,
        outputs: Range<usize>,
        input: &[f32],
        (out, out_row): (&mut [f32], usize),
        room: &mut Quantised,
        pool: &Pool,
    ) {
        let count = input.len() / self.columns;
        if count == 0 || outputs.is_empty() {
            return;
        }
        assert!(outputs.start.is_multiple_of(PANEL) && outputs.end <= self.rows && outputs.len() <= out_row);
        assert!((count - 1) * out_row + outputs.len() <= out.len());
        self.prepare(input, count, room, pool);
        let room = &*room;
        let panels = outputs.start / PANEL..outputs.end.div_ceil(PANEL);
        let slice = panels.len().div_ceil(8 * pool.threads()).clamp(1, 64);
        let shares = Shares::of(out);
        pool.run(panels.len().div_ceil(slice), &|task| {
            let first = panels.start + task * slice;
            let mut tile = [0.0f32; 8 * PANEL];
            for panel in first..(first + slice).min(panels.end) {
                let column = (panel - panels.start) * PANEL;
                let width = PANEL.min(outputs.end - panel * PANEL);
                let mut row = 0;
                while row < count {
                    let rows = (count - row).min(8);
                    self.tile(isa, panel, room, row..row + rows, &mut tile);
                    for (place, sums) in tile.chunks_exact(PANEL).take(rows).enumerate() {
                        let at = (row + place) * out_row + column;
                        // SAFETY: tasks have disjoint columns.
                        unsafe { shares.part(at..at + width) }.copy_from_slice(&sums[..width]);
                    }
                    row += rows;
                }
            }
        });
    }

    /// Quantises rows of activations.
    fn prepare(&self, input: &[f32], count: usize, room: &mut Quantised, pool: &Pool) {
        let (words, groups, blocks) = (self.columns / 4, self.columns / GROUP, self.columns / self.block);
        room.words.resize(count * words, 0);
        room.scales.resize(count * groups, 0.0);
        room.sums.resize(count * blocks, 0);
        let (word_shares, scale_shares) = (Shares::of(&mut room.words), Shares::of(&mut room.scales));
        let sum_shares = Shares::of(&mut room.sums);
        pool.run(count.div_ceil(16), &|task| {
            for row in 16 * task..(16 * task + 16).min(count) {
                // SAFETY: every row is written by one task.
                let (words, scales, sums) = unsafe {
                    (
                        word_shares.part(row * words..(row + 1) * words),
                        scale_shares.part(row * groups..(row + 1) * groups),
                        sum_shares.part(row * blocks..(row + 1) * blocks),
                    )
                };
                let numbers = &input[row * self.columns..(row + 1) * self.columns];
                pulp::Arch::new().dispatch(|| {
                    let per_group = GROUP / self.block;
                    for (((numbers, words), scale), sums) in numbers
                        .chunks_exact(GROUP)
                        .zip(words.chunks_exact_mut(GROUP / 4))
                        .zip(scales)
                        .zip(sums.chunks_exact_mut(per_group))
                    {
                        let mut quants = [0i8; GROUP];
                        *scale = quantise(numbers, &mut quants);
                        for (four, word) in quants.chunks_exact(4).zip(words) {
                            *word = u32::from_le_bytes([four[0] as u8, four[1] as u8, four[2] as u8, four[3] as u8]);
                        }
                        for (block, sum) in quants.chunks_exact(self.block).zip(sums) {
                            *sum = block.iter().map(|quant| i32::from(*quant)).sum();
                        }
                    }
                });
            }
        });
    }

    /// Up to eight rows times one panel.
    fn tile(&self, isa: Isa, panel: usize, room: &Quantised, rows: Range<usize>, out: &mut [f32; 8 * PANEL]) {
        let (words, blocks) = (self.columns / 4 * PANEL, self.columns / self.block * PANEL);
        let side = Side {
            quants: &self.quants[panel * words..(panel + 1) * words],
            scales: &self.scales[panel * blocks..(panel + 1) * blocks],
            minima: self.minima.as_ref().map(|minima| &minima[panel * blocks..(panel + 1) * blocks]),
            steps: self.block / 4,
            words: &room.words[rows.start * self.columns / 4..rows.end * self.columns / 4],
            row_scales: &room.scales[rows.start * self.columns / GROUP..rows.end * self.columns / GROUP],
            sums: &room.sums[rows.start * blocks / PANEL..rows.end * blocks / PANEL],
        };
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => {
                let mut row = 0;
                while row < rows.len() {
                    let out = &mut out[row * PANEL..];
                    // SAFETY: the set, found on this machine, includes VNNI; `row` and the tile's height are within `rows`.
                    row += unsafe {
                        match rows.len() - row {
                            8.. => super::vnni::tile::<8>(&side, rows.len(), row, out),
                            4.. => super::vnni::tile::<4>(&side, rows.len(), row, out),
                            2.. => super::vnni::tile::<2>(&side, rows.len(), row, out),
                            _ => super::vnni::tile::<1>(&side, rows.len(), row, out),
                        }
                    };
                }
            }
            _ => pulp::Arch::new().dispatch(|| {
                for row in 0..rows.len() {
                    plain(&side, rows.len(), row, &mut out[row * PANEL..]);
                }
            }),
        }
    }
}

/// Operands of one tile: a panel of weights, and some rows of activations.
pub(crate) struct Side<'a> {
    pub quants: &'a [u32],
    pub scales: &'a [u32],
    pub minima: Option<&'a [u32]>,
    /// Words of a block.
    pub steps: usize,
    pub words: &'a [u32],
    pub row_scales: &'a [f32],
    pub sums: &'a [i32],
}

/// One row, in plain Rust.
#[inline(always)]
fn plain(side: &Side<'_>, rows: usize, row: usize, out: &mut [f32]) {
    let blocks = side.sums.len() / rows;
    let words = &side.words[row * blocks * side.steps..][..blocks * side.steps];
    let mut totals = [0.0f32; PANEL];
    for block in 0..blocks {
        let sum = side.sums[row * blocks + block];
        let mut whole = [-128 * sum; PANEL];
        for step in block * side.steps..(block + 1) * side.steps {
            let four = words[step].to_le_bytes().map(|byte| i32::from(byte as i8));
            for (total, word) in whole.iter_mut().zip(&side.quants[step * PANEL..(step + 1) * PANEL]) {
                let weights = word.to_le_bytes().map(i32::from);
                *total += weights[0] * four[0] + weights[1] * four[1] + weights[2] * four[2] + weights[3] * four[3];
            }
        }
        let scale = side.row_scales[row * blocks * side.steps * 4 / GROUP + block * side.steps * 4 / GROUP];
        for lane in 0..PANEL {
            let at = block * PANEL + lane;
            totals[lane] += whole[lane] as f32 * (f32::from_bits(side.scales[at]) * scale);
            if let Some(minima) = side.minima {
                totals[lane] -= f32::from_bits(minima[at]) * (scale * sum as f32);
            }
        }
    }
    out[..PANEL].copy_from_slice(&totals);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random blocks of the committed fixture, one matrix a type.
    fn bytes(kind: BlockType) -> Vec<u8> {
        let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/blocks.safetensors"));
        let file = file.expect("the fixture");
        let content = safetensors::SafeTensors::deserialize(&file).expect("a safetensors file");
        content.tensor(&format!("{}.bytes", kind.name())).expect("bytes").data().to_vec()
    }

    #[test]
    fn products_are_those_of_dequantised_weights_with_rounded_activations() {
        let kinds = [BlockType::Q8_0, BlockType::Q4_0, BlockType::Q4K, BlockType::Q5K, BlockType::Q6K, BlockType::Bf16];
        for kind in kinds {
            let bytes = bytes(kind);
            let columns = 256;
            let stride = columns / kind.elements() * kind.bytes();
            let rows = bytes.len() / stride;
            assert!(rows >= 4);
            let mut weights = vec![0.0; rows * columns];
            kind.dequantise(&bytes[..rows * stride], &mut weights);
            let row = |row: usize| bytes[row * stride..(row + 1) * stride].to_vec();
            let blocks = Blocks::pack(kind, rows, columns, &Pool::new(2), row, |_| {});
            let mut held = vec![0.0; columns];
            for row in 0..rows {
                blocks.row(row, &mut held);
                for (held, weight) in held.chunks_exact(32).zip(weights[row * columns..].chunks_exact(32)) {
                    let highest = weight.iter().fold(0.0f32, |highest, weight| highest.max(weight.abs()));
                    // Quantised types are held exactly but for the last place; floats within half a step and the
                    // rounding of the scale to f16.
                    let bound = highest * if kind == BlockType::Bf16 { 0.5 / 127.0 + 6e-4 } else { 1e-6 };
                    assert!(held.iter().zip(weight).all(|(held, weight)| (held - weight).abs() <= bound), "{kind:?}");
                }
            }
            let input: Vec<f32> = (0..11 * columns).map(|at| ((at * 37 % 101) as f32 - 50.0) * 0.01).collect();
            let mut alone = vec![0.0; rows];
            for isa in Isa::available() {
                let mut out = vec![0.0; 11 * rows];
                let mut room = Quantised::default();
                blocks.product(isa, 0..rows, &input, (&mut out, rows), &mut room, &Pool::new(3));
                for (number, input) in input.chunks_exact(columns).enumerate() {
                    blocks.product(isa, 0..rows, input, (&mut alone, rows), &mut room, &Pool::serial());
                    assert_eq!(alone, out[number * rows..(number + 1) * rows], "a row depends on others: {isa:?}");
                    for (output, found) in alone.iter().enumerate() {
                        blocks.row(output, &mut held);
                        let (mut wanted, mut bound) = (0.0f64, 0.0f64);
                        for (numbers, weights) in input.chunks_exact(32).zip(held.chunks_exact(32)) {
                            let highest = numbers.iter().fold(0.0f32, |highest, number| highest.max(number.abs()));
                            for (number, weight) in numbers.iter().zip(weights) {
                                wanted += f64::from(*number) * f64::from(*weight);
                                // Half a step of the activation, and f32 sums.
                                bound += f64::from(weight.abs()) * f64::from(highest) * (0.5 / 127.0 + 1e-5);
                            }
                        }
                        let gap = (f64::from(*found) - wanted).abs();
                        assert!(gap <= bound, "{isa:?} {kind:?}: {gap} over {bound}");
                    }
                }
            }
        }
    }
}
