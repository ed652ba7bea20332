//! Sixteen words of four bytes in four registers of NEON, with `sdot` (the dot product extension) and without.
//!
//! Both multiply bytes with sign. Whole numbers of fewer than 8 bits are small enough to be taken for such; those of 8
//! bits lose their 128 by a flip of the top bit, so that nothing is left to be undone by the offset.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::neon::Quad;
use super::fours::Fours;
use super::tile::{Side, sweep};

/// With what every aarch64 machine has.
pub(super) struct Neon;

/// With the dot product extension.
struct Dot;

/// Both differ in `dot` only.
macro_rules! fours_of_neon {
    ($name:ident, $dot:ident) => {
        impl Fours for $name {
            type Words = [uint32x4_t; 4];
            type Sums = [int32x4_t; 4];
            type Floats = Quad;
            const ROWS: usize = 4;

            // SAFETY (of every method): the caller has the instructions and passes pointers good for what is read.
            #[inline(always)]
            unsafe fn load(from: *const u32) -> [uint32x4_t; 4] {
                unsafe { [vld1q_u32(from), vld1q_u32(from.add(4)), vld1q_u32(from.add(8)), vld1q_u32(from.add(12))] }
            }
            #[inline(always)]
            unsafe fn masked(words: [uint32x4_t; 4], mask: u8) -> [uint32x4_t; 4] {
                words.map(|part| unsafe { vandq_u32(part, vreinterpretq_u32_u8(vdupq_n_u8(mask))) })
            }
            #[inline(always)]
            unsafe fn or(one: [uint32x4_t; 4], two: [uint32x4_t; 4]) -> [uint32x4_t; 4] {
                std::array::from_fn(|part| unsafe { vorrq_u32(one[part], two[part]) })
            }
            #[inline(always)]
            unsafe fn shifted(words: [uint32x4_t; 4], by: i32) -> [uint32x4_t; 4] {
                words.map(|part| unsafe { vshlq_u32(part, vdupq_n_s32(by)) })
            }
            #[inline(always)]
            unsafe fn start<const BITS: usize>(offset: i32, sum: i32) -> [int32x4_t; 4] {
                unsafe { [vdupq_n_s32(if BITS == 8 { 0 } else { -offset * sum }); 4] }
            }
            #[inline(always)]
            unsafe fn dot<const BITS: usize>(
                mut sums: [int32x4_t; 4],
                words: [uint32x4_t; 4],
                four: u32,
            ) -> [int32x4_t; 4] {
                unsafe {
                    let four = vreinterpretq_s8_u32(vdupq_n_u32(four));
                    for (sums, words) in sums.iter_mut().zip(words) {
                        let bytes = vreinterpretq_u8_u32(words);
                        let bytes = if BITS == 8 { veorq_u8(bytes, vdupq_n_u8(0x80)) } else { bytes };
                        *sums = $dot(*sums, vreinterpretq_s8_u8(bytes), four);
                    }
                    sums
                }
            }
            #[inline(always)]
            unsafe fn floats(sums: [int32x4_t; 4]) -> Quad {
                Quad(sums.map(|part| unsafe { vcvtq_f32_s32(part) }))
            }
            #[inline(always)]
            unsafe fn halves(from: *const u32) -> Quad {
                Quad(std::array::from_fn(|part| unsafe { widen(vld1_u16(from.cast::<u16>().add(4 * part))) }))
            }
            #[inline(always)]
            unsafe fn bytes<const SIGNED: bool>(from: *const u32) -> Quad {
                unsafe {
                    let bytes = vld1q_u8(from.cast());
                    if SIGNED {
                        let bytes = vreinterpretq_s8_u8(bytes);
                        let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes));
                        let words = [
                            vmovl_s16(vget_low_s16(low)),
                            vmovl_high_s16(low),
                            vmovl_s16(vget_low_s16(high)),
                            vmovl_high_s16(high),
                        ];
                        Quad(words.map(|words| vcvtq_f32_s32(words)))
                    } else {
                        let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
                        let words = [
                            vmovl_u16(vget_low_u16(low)),
                            vmovl_high_u16(low),
                            vmovl_u16(vget_low_u16(high)),
                            vmovl_high_u16(high),
                        ];
                        Quad(words.map(|words| vcvtq_f32_u32(words)))
                    }
                }
            }
        }
    };
}

fours_of_neon!(Neon, dot_by_products);
fours_of_neon!(Dot, dot_by_sdot);

/// Products in i16, of which two (at most 2·128·127) fit one, summed into i32.
#[inline(always)]
unsafe fn dot_by_products(sums: int32x4_t, one: int8x16_t, two: int8x16_t) -> int32x4_t {
    // SAFETY: NEON is part of aarch64.
    unsafe {
        let low = vmull_s8(vget_low_s8(one), vget_low_s8(two));
        vpadalq_s16(sums, vpaddq_s16(low, vmull_high_s8(one, two)))
    }
}

/// One instruction, in assembly: the intrinsic is not stable yet.
#[inline(always)]
unsafe fn dot_by_sdot(mut sums: int32x4_t, one: int8x16_t, two: int8x16_t) -> int32x4_t {
    // SAFETY: the caller has the dot product extension; only the named registers are touched.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {one:v}.16b, {two:v}.16b",
            sums = inout(vreg) sums,
            one = in(vreg) one,
            two = in(vreg) two,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// Four f16 to f32, as `fours::widen`.
#[inline(always)]
unsafe fn widen(halves: uint16x4_t) -> float32x4_t {
    // SAFETY: NEON is part of aarch64.
    unsafe {
        let words = vmovl_u16(halves);
        let magnitude = vshlq_n_u32::<13>(vandq_u32(words, vdupq_n_u32(0x7fff)));
        let scaled = vmulq_f32(vreinterpretq_f32_u32(magnitude), vreinterpretq_f32_u32(vdupq_n_u32((127 + 112) << 23)));
        let top = vandq_u32(vcgeq_u32(magnitude, vdupq_n_u32(0x7c00 << 13)), vdupq_n_u32(0x7f80_0000));
        let sign = vshlq_n_u32::<16>(vandq_u32(words, vdupq_n_u32(0x8000)));
        vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(vreinterpretq_u32_f32(scaled), top), sign))
    }
}

/// [`sweep`] with the dot product extension.
///
/// # Safety
/// As [`sweep`], on a machine with it.
#[target_feature(enable = "dotprod")]
pub(super) unsafe fn sweep_dot(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Dot>(side, out) }
}
