//! What the tile of quantised products needs of an instruction set: sixteen words of four bytes, their products with four
//! int8, and narrow scales widened. The portable form here is plain Rust.

use super::super::lanes::{Lanes, Plain};

/// Sixteen words of four bytes.
///
/// # Safety
/// As [`Lanes`]: call the methods only where the machine has been found to have the instructions; pointers must be good
/// for what is read (`halves` and `bytes`: sixteen of them).
pub(crate) trait Fours {
    /// Sixteen words.
    type Words: Copy;
    /// Sixteen i32.
    type Sums: Copy;
    /// Sixteen f32.
    type Floats: Lanes;
    /// Rows of the tallest tile: 8, 4 or 2.
    const ROWS: usize;

    unsafe fn load(from: *const u32) -> Self::Words;
    /// words & mask, every byte.
    unsafe fn masked(words: Self::Words, mask: u8) -> Self::Words;
    unsafe fn or(one: Self::Words, two: Self::Words) -> Self::Words;
    /// Every word shifted, to the left where `by` is positive.
    unsafe fn shifted(words: Self::Words, by: i32) -> Self::Words;
    /// Where sums begin so that they end as those of (q − offset)·a; `sum` is that of a.
    unsafe fn start<const BITS: usize>(offset: i32, sum: i32) -> Self::Sums;
    /// sums + Σ of four products: whole numbers without sign, below 2^BITS, with four int8 from −127 on. Exact.
    unsafe fn dot<const BITS: usize>(sums: Self::Sums, words: Self::Words, four: u32) -> Self::Sums;
    unsafe fn floats(sums: Self::Sums) -> Self::Floats;
    /// Sixteen f16.
    unsafe fn halves(from: *const u32) -> Self::Floats;
    /// Sixteen u8, or i8.
    unsafe fn bytes<const SIGNED: bool>(from: *const u32) -> Self::Floats;
}

/// Plain Rust.
pub(crate) struct PlainFours;

impl Fours for PlainFours {
    type Words = [u32; 16];
    type Sums = [i32; 16];
    type Floats = Plain;
    const ROWS: usize = 2;

    // SAFETY (of every method): the caller's pointers are good for what is read.
    #[inline(always)]
    unsafe fn load(from: *const u32) -> [u32; 16] {
        unsafe { from.cast::<[u32; 16]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn masked(words: [u32; 16], mask: u8) -> [u32; 16] {
        words.map(|word| word & u32::from_ne_bytes([mask; 4]))
    }
    #[inline(always)]
    unsafe fn or(one: [u32; 16], two: [u32; 16]) -> [u32; 16] {
        std::array::from_fn(|lane| one[lane] | two[lane])
    }
    #[inline(always)]
    unsafe fn shifted(words: [u32; 16], by: i32) -> [u32; 16] {
        words.map(|word| if by >= 0 { word << by } else { word >> -by })
    }
    #[inline(always)]
    unsafe fn start<const BITS: usize>(offset: i32, sum: i32) -> [i32; 16] {
        [-offset * sum; 16]
    }
    #[inline(always)]
    unsafe fn dot<const BITS: usize>(mut sums: [i32; 16], words: [u32; 16], four: u32) -> [i32; 16] {
        for at in 0..4 {
            let activation = i32::from((four >> (8 * at)) as i8);
            for lane in 0..16 {
                sums[lane] += ((words[lane] >> (8 * at)) & 0xff) as i32 * activation;
            }
        }
        sums
    }
    #[inline(always)]
    unsafe fn floats(sums: [i32; 16]) -> Plain {
        Plain(sums.map(|sum| sum as f32))
    }
    #[inline(always)]
    unsafe fn halves(from: *const u32) -> Plain {
        let halves = unsafe { from.cast::<[u16; 16]>().read_unaligned() };
        Plain(halves.map(widen))
    }
    #[inline(always)]
    unsafe fn bytes<const SIGNED: bool>(from: *const u32) -> Plain {
        let bytes = unsafe { from.cast::<[u8; 16]>().read_unaligned() };
        Plain(bytes.map(|byte| if SIGNED { f32::from(byte as i8) } else { f32::from(byte) }))
    }
}

/// f16 to f32 without a branch on the machine: the exponent's bias is made up by a product with 2¹¹², which is exact for
/// subnormal numbers too.
#[inline(always)]
pub(crate) fn widen(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff) << 13;
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    let top = if half & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(scaled.to_bits() | top | u32::from(half & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::widen;

    #[test]
    fn every_half_is_widened_as_the_half_crate_does() {
        for bits in 0..=u16::MAX {
            let (found, wanted) = (widen(bits), half::f16::from_bits(bits).to_f32());
            assert!(found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan(), "{bits:x}");
        }
    }
}
