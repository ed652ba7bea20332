//! Sixteen lanes in one register of AVX-512, without and with products of bf16.

use std::arch::x86_64::*;

use super::lanes::Lanes;
use super::tile::{Kind, Strip, sweep};

#[derive(Clone, Copy)]
pub(crate) struct Wide(pub __m512);

/// The same with `vdpbf16ps`.
#[derive(Clone, Copy)]
pub(crate) struct WideBf16(__m512);

/// Both differ in `dot` only.
macro_rules! lanes_of_512 {
    ($name:ident, $dot:expr) => {
        impl Lanes for $name {
            type Raw = __m512i;
            const ROWS: usize = 8;
            const PANELS: usize = 3;

            // SAFETY (of every method): the caller has AVX-512 F and passes pointers good for sixteen words.
            #[inline(always)]
            unsafe fn zero() -> Self {
                $name(unsafe { _mm512_setzero_ps() })
            }
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                $name(unsafe { _mm512_set1_ps(value) })
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                $name(unsafe { _mm512_loadu_ps(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                unsafe { _mm512_storeu_ps(to, self.0) }
            }
            #[inline(always)]
            unsafe fn times(self, other: Self) -> Self {
                $name(unsafe { _mm512_mul_ps(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn fused(self, one: Self, two: Self) -> Self {
                $name(unsafe { _mm512_fmadd_ps(one.0, two.0, self.0) })
            }
            #[inline(always)]
            unsafe fn raw(from: *const u32) -> __m512i {
                unsafe { _mm512_loadu_si512(from.cast()) }
            }
            #[inline(always)]
            unsafe fn splat_raw(word: u32) -> __m512i {
                unsafe { _mm512_set1_epi32(word as i32) }
            }
            #[inline(always)]
            unsafe fn prefetch(from: *const u32) {
                unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
            }
            #[inline(always)]
            unsafe fn low(raw: __m512i) -> Self {
                $name(unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(raw)) })
            }
            #[inline(always)]
            unsafe fn high(raw: __m512i) -> Self {
                $name(unsafe { _mm512_castsi512_ps(_mm512_and_si512(raw, _mm512_set1_epi32(0xffff_0000u32 as i32))) })
            }
            #[inline(always)]
            unsafe fn dot(self, one: __m512i, two: __m512i) -> Self {
                $dot(self, one, two)
            }
        }
    };
}

lanes_of_512!(Wide, |sum: Wide, one, two| unsafe {
    sum.fused(Wide::low(one), Wide::low(two)).fused(Wide::high(one), Wide::high(two))
});
lanes_of_512!(WideBf16, |sum: WideBf16, one, two| WideBf16(unsafe {
    // SAFETY: both are 64 bytes of plain numbers.
    _mm512_dpbf16_ps(
        sum.0,
        std::mem::transmute::<__m512i, __m512bh>(one),
        std::mem::transmute::<__m512i, __m512bh>(two),
    )
}));

/// Rounds a row to bf16 pairs; the rest of fewer than 32 numbers is left to the caller. Returns how many were rounded.
///
/// # Safety
/// The machine has AVX-512 F and BF16; `out` has room for half as many words.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(crate) unsafe fn round_row(row: &[f32], out: *mut u32) -> usize {
    let whole = row.len() / 32 * 32;
    for at in (0..whole).step_by(32) {
        // SAFETY: 32 numbers from `at` on are within the row, and their 16 words within `out`.
        unsafe {
            let (low, high) = (_mm512_loadu_ps(row.as_ptr().add(at)), _mm512_loadu_ps(row.as_ptr().add(at + 16)));
            let pairs = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(out.add(at / 2).cast(), pairs);
        }
    }
    whole
}

/// [`sweep`] with AVX-512.
///
/// # Safety
/// As [`sweep`], on a machine with AVX-512 F, BW, DQ and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(crate) unsafe fn sweep_avx512(kind: Kind, strip: &Strip, rows: usize, panels: usize) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Wide>(kind, strip, rows, panels) }
}

/// [`sweep`] with AVX-512 BF16.
///
/// # Safety
/// As [`sweep`], on a machine with AVX-512 F, BW, DQ, VL and BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub(crate) unsafe fn sweep_avx512_bf16(kind: Kind, strip: &Strip, rows: usize, panels: usize) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<WideBf16>(kind, strip, rows, panels) }
}
