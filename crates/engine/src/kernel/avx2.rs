//! Sixteen lanes in two registers of AVX2.

use std::arch::x86_64::*;

use super::lanes::Lanes;
use super::tile::{Kind, Strip, sweep};

#[derive(Clone, Copy)]
pub(crate) struct Double(pub __m256, pub __m256);

impl Lanes for Double {
    type Raw = (__m256i, __m256i);
    const ROWS: usize = 6;
    const PANELS: usize = 1;

    // SAFETY (of every method): the caller has AVX2 and FMA and passes pointers good for sixteen words.
    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Double(_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Double(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Double(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        unsafe { Double(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn fused(self, one: Self, two: Self) -> Self {
        unsafe { Double(_mm256_fmadd_ps(one.0, two.0, self.0), _mm256_fmadd_ps(one.1, two.1, self.1)) }
    }
    #[inline(always)]
    unsafe fn raw(from: *const u32) -> Self::Raw {
        unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())) }
    }
    #[inline(always)]
    unsafe fn splat_raw(word: u32) -> Self::Raw {
        unsafe { (_mm256_set1_epi32(word as i32), _mm256_set1_epi32(word as i32)) }
    }
    #[inline(always)]
    unsafe fn low(raw: Self::Raw) -> Self {
        unsafe {
            Double(
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(raw.0)),
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(raw.1)),
            )
        }
    }
    #[inline(always)]
    unsafe fn high(raw: Self::Raw) -> Self {
        unsafe {
            let mask = _mm256_set1_epi32(0xffff_0000u32 as i32);
            Double(
                _mm256_castsi256_ps(_mm256_and_si256(raw.0, mask)),
                _mm256_castsi256_ps(_mm256_and_si256(raw.1, mask)),
            )
        }
    }
}

/// [`sweep`] with AVX2.
///
/// # Safety
/// As [`sweep`], on a machine with AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn sweep_avx2(kind: Kind, strip: &Strip, rows: usize, panels: usize) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Double>(kind, strip, rows, panels) }
}
