//! Rows of activations in int8: blocks of 32 with a scale each, and the sums that undo the weights' offsets and minima.

use super::super::pool::{Pool, Shares};
use super::layout::{GROUP, STEPS};
use crate::ops::widest;

/// Rows of activations in int8.
#[derive(Default)]
pub(crate) struct Quantised {
    /// Four bytes a word, [count, columns / 4].
    pub words: Vec<u32>,
    /// [count, columns / 32].
    pub scales: Vec<f32>,
    /// Sums of the bytes of each block of the weights, [count, columns / block].
    pub sums: Vec<i32>,
}

/// Scale and whole numbers of 32 numbers: d = max|x| / 127, q = round(x / d), ties to even. The scale of what holds a
/// number that is none is none.
#[inline(always)]
pub(crate) fn quantise(numbers: &[f32; GROUP], quants: &mut [i8; GROUP]) -> f32 {
    // As whole numbers, magnitudes have the order of the floats, infinities and NaN on top: a maximum that vectorises.
    let highest = numbers.iter().fold(0u32, |highest, number| highest.max(number.to_bits() & 0x7fff_ffff));
    if highest >= 0x7f80_0000 {
        *quants = [0; GROUP];
        return f32::NAN;
    }
    let scale = f32::from_bits(highest) / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // Where the scale is so small that its inverse is none, all numbers are as good as 0.
    let inverse = if inverse.is_finite() { inverse } else { 0.0 };
    // Beside 1.5·2²³ an f32 has no room for fractions: the addition rounds, ties to even, and the low byte is the number.
    const ROUNDS: f32 = 12_582_912.0;
    for (quant, number) in quants.iter_mut().zip(numbers) {
        *quant = (number * inverse + ROUNDS).to_bits() as i8;
    }
    scale
}

impl Quantised {
    /// Takes rows [count, columns]; `block` is how many inner indices of the weights share a scale: 32 or 16.
    pub fn take(&mut self, input: &[f32], columns: usize, block: usize, pool: &Pool) {
        let count = input.len() / columns;
        let (words, groups, blocks) = (columns / 4, columns / GROUP, columns / block);
        // What was there before is overwritten.
        self.words.resize(count * words, 0);
        self.scales.resize(count * groups, 0.0);
        self.sums.resize(count * blocks, 0);
        let (word_shares, scale_shares) = (Shares::of(&mut self.words), Shares::of(&mut self.scales));
        let sum_shares = Shares::of(&mut self.sums);
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
                let numbers = &input[row * columns..(row + 1) * columns];
                widest(
                    #[inline(always)]
                    || take_row(numbers, block, words, scales, sums),
                );
            }
        });
    }
}

#[inline(always)]
fn take_row(numbers: &[f32], block: usize, words: &mut [u32], scales: &mut [f32], sums: &mut [i32]) {
    let (groups, _) = numbers.as_chunks::<GROUP>();
    let (words, _) = words.as_chunks_mut::<STEPS>();
    for (((numbers, words), scale), sums) in
        groups.iter().zip(words).zip(scales).zip(sums.chunks_exact_mut(GROUP / block))
    {
        let mut quants = [0i8; GROUP];
        *scale = quantise(numbers, &mut quants);
        let (fours, _) = quants.as_chunks::<4>();
        for (four, word) in fours.iter().zip(words) {
            *word = u32::from_le_bytes(four.map(|quant| quant as u8));
        }
        let (low, high) = quants.split_at(GROUP / 2);
        let [low, high] = [low, high].map(|half| half.iter().map(|quant| i32::from(*quant)).sum::<i32>());
        match sums {
            [whole] => *whole = low + high,
            halves => halves.copy_from_slice(&[low, high]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest_and_ties_to_even() {
        let mut state = 1u32;
        for round in 0..2000 {
            let numbers: [f32; GROUP] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 10f32.powi(round % 60 - 30)
            });
            let mut quants = [0; GROUP];
            let scale = quantise(&numbers, &mut quants);
            let highest = numbers.iter().fold(0.0f32, |highest, number| highest.max(number.abs()));
            assert_eq!(scale, highest / 127.0);
            for (number, quant) in numbers.iter().zip(quants) {
                assert_eq!(f32::from(quant), (number * (1.0 / scale)).round_ties_even(), "{number} of {highest}");
            }
        }
    }

    #[test]
    fn nothing_is_nothing_and_no_number_stays_none() {
        let mut quants = [1; GROUP];
        assert_eq!((quantise(&[0.0; GROUP], &mut quants), quants), (0.0, [0; GROUP]));
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut numbers = [1.0; GROUP];
            numbers[17] = wrong;
            assert!(quantise(&numbers, &mut quants).is_nan());
        }
        let mut numbers = [0.0; GROUP];
        numbers[3] = f32::from_bits(1);
        assert!(quantise(&numbers, &mut quants).is_finite());
    }
}
