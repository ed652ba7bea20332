//! Sixteen lanes in four registers of NEON, which every aarch64 machine has.

use std::arch::aarch64::*;

use super::lanes::Lanes;

#[derive(Clone, Copy)]
pub(crate) struct Quad(pub [float32x4_t; 4]);

impl Lanes for Quad {
    type Raw = [uint32x4_t; 4];
    const ROWS: usize = 4;
    const PANELS: usize = 1;

    // SAFETY (of every method): NEON is part of aarch64; the caller passes pointers good for sixteen words.
    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Quad([vdupq_n_f32(0.0); 4]) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Quad([vdupq_n_f32(value); 4]) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Quad([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (place, part) in self.0.into_iter().enumerate() {
            unsafe { vst1q_f32(to.add(4 * place), part) }
        }
    }
    #[inline(always)]
    unsafe fn times(mut self, other: Self) -> Self {
        for part in 0..4 {
            self.0[part] = unsafe { vmulq_f32(self.0[part], other.0[part]) };
        }
        self
    }
    #[inline(always)]
    unsafe fn fused(mut self, one: Self, two: Self) -> Self {
        for part in 0..4 {
            self.0[part] = unsafe { vfmaq_f32(self.0[part], one.0[part], two.0[part]) };
        }
        self
    }
    #[inline(always)]
    unsafe fn raw(from: *const u32) -> Self::Raw {
        unsafe { [vld1q_u32(from), vld1q_u32(from.add(4)), vld1q_u32(from.add(8)), vld1q_u32(from.add(12))] }
    }
    #[inline(always)]
    unsafe fn splat_raw(word: u32) -> Self::Raw {
        unsafe { [vdupq_n_u32(word); 4] }
    }
    #[inline(always)]
    unsafe fn low(raw: Self::Raw) -> Self {
        Quad(raw.map(|part| unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(part)) }))
    }
    #[inline(always)]
    unsafe fn high(raw: Self::Raw) -> Self {
        Quad(raw.map(|part| unsafe { vreinterpretq_f32_u32(vandq_u32(part, vdupq_n_u32(0xffff_0000))) }))
    }
}
