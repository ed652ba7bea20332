//! Sixteen words of four bytes in one register of AVX-512, with `vpdpbusd` (VNNI) and without.

use std::arch::x86_64::*;

use super::super::avx512::Wide;
use super::fours::Fours;
use super::tile::{Side, sweep};

/// With VNNI.
struct Vnni;

/// With AVX-512 F and BW only.
struct Plain512;

/// Both differ in `dot` only.
macro_rules! fours_of_512 {
    ($name:ident, $dot:expr) => {
        impl Fours for $name {
            type Words = __m512i;
            type Sums = __m512i;
            type Floats = Wide;
            const ROWS: usize = 8;

            // SAFETY (of every method): the caller has the instructions and passes pointers good for what is read.
            #[inline(always)]
            unsafe fn load(from: *const u32) -> __m512i {
                unsafe { _mm512_loadu_si512(from.cast()) }
            }
            #[inline(always)]
            unsafe fn masked(words: __m512i, mask: u8) -> __m512i {
                unsafe { _mm512_and_si512(words, _mm512_set1_epi8(mask as i8)) }
            }
            #[inline(always)]
            unsafe fn or(one: __m512i, two: __m512i) -> __m512i {
                unsafe { _mm512_or_si512(one, two) }
            }
            #[inline(always)]
            unsafe fn shifted(words: __m512i, by: i32) -> __m512i {
                unsafe {
                    match by {
                        0.. => _mm512_sll_epi32(words, _mm_cvtsi32_si128(by)),
                        _ => _mm512_srl_epi32(words, _mm_cvtsi32_si128(-by)),
                    }
                }
            }
            #[inline(always)]
            unsafe fn start<const BITS: usize>(offset: i32, sum: i32) -> __m512i {
                unsafe { _mm512_set1_epi32(-offset * sum) }
            }
            #[inline(always)]
            unsafe fn dot<const BITS: usize>(sums: __m512i, words: __m512i, four: u32) -> __m512i {
                let four = unsafe { _mm512_set1_epi32(four as i32) };
                $dot(BITS, sums, words, four)
            }
            #[inline(always)]
            unsafe fn floats(sums: __m512i) -> Wide {
                Wide(unsafe { _mm512_cvtepi32_ps(sums) })
            }
            #[inline(always)]
            unsafe fn halves(from: *const u32) -> Wide {
                Wide(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
            }
            #[inline(always)]
            unsafe fn bytes<const SIGNED: bool>(from: *const u32) -> Wide {
                unsafe {
                    let bytes = _mm_loadu_si128(from.cast());
                    let words = if SIGNED { _mm512_cvtepi8_epi32(bytes) } else { _mm512_cvtepu8_epi32(bytes) };
                    Wide(_mm512_cvtepi32_ps(words))
                }
            }
        }
    };
}

fours_of_512!(Vnni, |_, sums, words, four| unsafe { _mm512_dpbusd_epi32(sums, words, four) });
fours_of_512!(Plain512, |bits, sums, words, four| unsafe {
    if bits < 8 {
        // Two products are at most 2·63·127 and fit an i16.
        let pairs = _mm512_maddubs_epi16(words, four);
        _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
    } else {
        // They would not fit: even and odd bytes as i16, summed in i32.
        let even = _mm512_madd_epi16(
            _mm512_and_si512(words, _mm512_set1_epi16(0xff)),
            _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(four)),
        );
        let odd = _mm512_madd_epi16(_mm512_srli_epi16::<8>(words), _mm512_srai_epi16::<8>(four));
        _mm512_add_epi32(sums, _mm512_add_epi32(even, odd))
    }
});

/// [`sweep`] with VNNI.
///
/// # Safety
/// As [`sweep`], on a machine with AVX-512 F, BW, DQ, VL and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub(super) unsafe fn sweep_avx512_vnni(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Vnni>(side, out) }
}

/// [`sweep`] with AVX-512 alone.
///
/// # Safety
/// As [`sweep`], on a machine with AVX-512 F, BW, DQ and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn sweep_avx512(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Plain512>(side, out) }
}
