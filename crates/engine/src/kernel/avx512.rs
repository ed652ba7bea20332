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

/// Pairs two rows number by number, the first in the low halves; the rest of fewer than 16 numbers is left to the caller.
/// Returns how many words were made.
///
/// # Safety
/// The machine has AVX-512 F and BF16; both rows are as long as `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn pair_rows(first: &[f32], second: &[f32], out: &mut [u32]) -> usize {
    let whole = out.len() / 16 * 16;
    // Word l of the result: half l of the one register, then half l of the other.
    let places: [u16; 32] = std::array::from_fn(|at| (at / 2 + at % 2 * 16) as u16);
    // SAFETY: 64 bytes are read; then sixteen numbers from `at` on are within the rows, and as many words within `out`.
    unsafe {
        let places = _mm512_loadu_si512(places.as_ptr().cast());
        for at in (0..whole).step_by(16) {
            let (low, high) = (_mm512_loadu_ps(first.as_ptr().add(at)), _mm512_loadu_ps(second.as_ptr().add(at)));
            let halves = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), _mm512_permutexvar_epi16(places, halves));
        }
    }
    whole
}

/// Turns words [steps, rows], `distance` between steps, into [rows, steps], `out_row` between rows.
///
/// # Safety
/// The machine has AVX-512 F; every place that the shapes name is good for its use.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(crate) unsafe fn turn(
    words: *const u32,
    distance: usize,
    steps: usize,
    rows: usize,
    out: *mut u32,
    out_row: usize,
) {
    // SAFETY (of all below): the caller's promise; what is masked away is not touched.
    for step in (0..steps).step_by(16) {
        let steps_here = (steps - step).min(16);
        let along = (0xffff_u32 >> (16 - steps_here)) as __mmask16;
        for row in (0..rows).step_by(16) {
            let rows_here = (rows - row).min(16);
            let across = (0xffff_u32 >> (16 - rows_here)) as __mmask16;
            let square: [__m512i; 16] = std::array::from_fn(|at| match at < steps_here {
                true => unsafe { _mm512_maskz_loadu_epi32(across, words.add((step + at) * distance + row).cast()) },
                false => _mm512_setzero_si512(),
            });
            for (at, line) in turned(square).into_iter().enumerate().take(rows_here) {
                unsafe { _mm512_mask_storeu_epi32(out.add((row + at) * out_row + step).cast(), along, line) };
            }
        }
    }
}

/// The transpose of sixteen by sixteen words: pairs of lines are woven word by word, two words by two, four by four, and
/// eight by eight.
#[inline]
#[target_feature(enable = "avx512f")]
fn turned(square: [__m512i; 16]) -> [__m512i; 16] {
    let words: [__m512i; 16] = std::array::from_fn(|at| {
        let (one, two) = (square[at & !1], square[at | 1]);
        if at & 1 == 0 { _mm512_unpacklo_epi32(one, two) } else { _mm512_unpackhi_epi32(one, two) }
    });
    // Line 4q + c: column 4l + c of every quarter l of the register, for four of the sixteen rows.
    let fours: [__m512i; 16] = std::array::from_fn(|at| {
        let (first, column) = (at & !3, at & 3);
        let (one, two) = (words[first + column / 2], words[first + 2 + column / 2]);
        if column & 1 == 0 { _mm512_unpacklo_epi64(one, two) } else { _mm512_unpackhi_epi64(one, two) }
    });
    std::array::from_fn(|column| {
        let (quarter, at) = (column / 4, column % 4);
        let gathered = |one, two| match quarter % 2 {
            0 => _mm512_shuffle_i32x4::<0b10_00_10_00>(one, two),
            _ => _mm512_shuffle_i32x4::<0b11_01_11_01>(one, two),
        };
        // Quarters q and q + 2 of two lines each; then the one that is wanted of both.
        let low = gathered(fours[at], fours[4 + at]);
        let high = gathered(fours[8 + at], fours[12 + at]);
        if quarter < 2 {
            _mm512_shuffle_i32x4::<0b10_00_10_00>(low, high)
        } else {
            _mm512_shuffle_i32x4::<0b11_01_11_01>(low, high)
        }
    })
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
