//! Rows of a file taken apart into whole numbers without sign and narrow scales, as [`Form`] has them.
//!
//! Plain floats are rounded to blocks of Q8_0 here; all else is only moved, no bit is lost.

use half::f16;

use super::activations::quantise;
use super::layout::{Form, GROUP};
use crate::storage::{BlockType, five_bits, scales_and_minima};

/// A row: a number is scale·own scale·(q − offset) − minimum·own minimum, without the own ones where a type has none.
pub(crate) struct Parts {
    /// [columns].
    pub numbers: Vec<u8>,
    /// f16, [columns / span].
    pub scales: Vec<u16>,
    /// f16, [columns / span]; zeros where the type has none.
    pub minima: Vec<u16>,
    /// [columns / block]; i8 where bits are 6.
    pub own_scales: Vec<u8>,
    /// [columns / block].
    pub own_minima: Vec<u8>,
}

impl Parts {
    /// Room for rows of so many columns.
    pub fn of(form: Form, columns: usize) -> Parts {
        let (spans, blocks) = (columns / form.span, columns / form.block);
        Parts {
            numbers: vec![0; columns],
            scales: vec![0; spans],
            minima: vec![0; spans],
            own_scales: vec![0; blocks],
            own_minima: vec![0; blocks],
        }
    }

    /// Reads a row of the file.
    ///
    /// # Panics
    /// When the row has not as many bytes as the columns need.
    pub fn read(&mut self, kind: BlockType, bytes: &[u8]) {
        let elements = kind.elements();
        assert_eq!(bytes.len(), self.numbers.len() / elements * kind.bytes(), "bytes of {}", kind.name());
        if elements == 1 {
            self.round(kind, bytes);
            return;
        }
        let blocks_each = self.own_scales.len() / self.scales.len();
        for (span, block) in bytes.chunks_exact(kind.bytes()).enumerate() {
            let numbers = &mut self.numbers[span * elements..(span + 1) * elements];
            let half = |place: usize| u16::from_le_bytes([block[place], block[place + 1]]);
            match kind {
                BlockType::Q8_0 => {
                    self.scales[span] = half(0);
                    numbers.iter_mut().zip(&block[2..34]).for_each(|(number, byte)| *number = byte ^ 0x80);
                }
                BlockType::Q4_0 => {
                    self.scales[span] = half(0);
                    nibbles(&block[2..18], numbers);
                }
                BlockType::Q4_1 => {
                    self.scales[span] = half(0);
                    self.minima[span] = half(2) ^ 0x8000; // the file adds it
                    nibbles(&block[4..20], numbers);
                }
                BlockType::Q5_0 => {
                    self.scales[span] = half(0);
                    numbers.copy_from_slice(&five_bits(&block[2..6], &block[6..22]));
                }
                BlockType::Q5_1 => {
                    self.scales[span] = half(0);
                    self.minima[span] = half(2) ^ 0x8000;
                    numbers.copy_from_slice(&five_bits(&block[4..8], &block[8..24]));
                }
                BlockType::Q4K | BlockType::Q5K => {
                    (self.scales[span], self.minima[span]) = (half(0), half(2));
                    let (scales, minima) = scales_and_minima(&block[4..16]);
                    self.own_scales[span * blocks_each..][..8].copy_from_slice(&scales);
                    self.own_minima[span * blocks_each..][..8].copy_from_slice(&minima);
                    let (fifth, nibbles) = match kind {
                        BlockType::Q4K => (None, &block[16..144]),
                        _ => (Some(&block[16..48]), &block[48..176]),
                    };
                    for (group, numbers) in numbers.chunks_exact_mut(GROUP).enumerate() {
                        for (place, number) in numbers.iter_mut().enumerate() {
                            let low = (nibbles[group / 2 * GROUP + place] >> (group % 2 * 4)) & 0x0F;
                            let high = fifth.map_or(0, |fifth| (fifth[place] >> group) & 1);
                            *number = low | high << 4;
                        }
                    }
                }
                _ => {
                    self.scales[span] = half(208);
                    self.own_scales[span * blocks_each..][..16].copy_from_slice(&block[192..208]);
                    for (group, numbers) in numbers.chunks_exact_mut(GROUP).enumerate() {
                        let (side, row) = (group / 4, group % 4);
                        for (place, number) in numbers.iter_mut().enumerate() {
                            let low = (block[side * 64 + row % 2 * GROUP + place] >> (row / 2 * 4)) & 0x0F;
                            let high = (block[128 + side * GROUP + place] >> (row * 2)) & 0x03;
                            *number = low | high << 4;
                        }
                    }
                }
            }
        }
    }

    /// Rounds plain floats.
    fn round(&mut self, kind: BlockType, bytes: &[u8]) {
        let mut floats = [0.0f32; GROUP];
        let mut quants = [0i8; GROUP];
        let groups = bytes.chunks_exact(GROUP * kind.bytes()).zip(self.numbers.chunks_exact_mut(GROUP));
        for ((bytes, numbers), scale) in groups.zip(&mut self.scales) {
            kind.dequantise(bytes, &mut floats);
            *scale = f16::from_f32(quantise(&floats, &mut quants)).to_bits();
            numbers.iter_mut().zip(&quants).for_each(|(number, quant)| *number = *quant as u8 ^ 0x80);
        }
    }
}

/// Two nibbles a byte, the low ones first.
fn nibbles(pairs: &[u8], numbers: &mut [u8]) {
    let (low, high) = numbers.split_at_mut(pairs.len());
    for ((low, high), pair) in low.iter_mut().zip(high).zip(pairs) {
        (*low, *high) = (pair & 0x0F, pair >> 4);
    }
}
