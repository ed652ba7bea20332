//! Sixteen words of four bytes in two registers of AVX2, with `vpdpbusd` on 256 bits (AVX-VNNI) and without.

use std::arch::x86_64::*;

use super::super::avx2::Double;
use super::fours::Fours;
use super::tile::{Side, sweep};

/// With AVX-VNNI.
struct Vnni;

/// With AVX2 only.
struct Plain256;

/// Both differ in `dot` only.
macro_rules! fours_of_256 {
    ($name:ident, $dot:expr) => {
        impl Fours for $name {
            type Words = [__m256i; 2];
            type Sums = [__m256i; 2];
            type Floats = Double;
            const ROWS: usize = 4;

            // SAFETY (of every method): the caller has the instructions and passes pointers good for what is read.
            #[inline(always)]
            unsafe fn load(from: *const u32) -> [__m256i; 2] {
                unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())] }
            }
            #[inline(always)]
            unsafe fn masked(words: [__m256i; 2], mask: u8) -> [__m256i; 2] {
                words.map(|words| unsafe { _mm256_and_si256(words, _mm256_set1_epi8(mask as i8)) })
            }
            #[inline(always)]
            unsafe fn or(one: [__m256i; 2], two: [__m256i; 2]) -> [__m256i; 2] {
                unsafe { [_mm256_or_si256(one[0], two[0]), _mm256_or_si256(one[1], two[1])] }
            }
            #[inline(always)]
            unsafe fn shifted(words: [__m256i; 2], by: i32) -> [__m256i; 2] {
                words.map(|words| unsafe {
                    match by {
                        0.. => _mm256_sll_epi32(words, _mm_cvtsi32_si128(by)),
                        _ => _mm256_srl_epi32(words, _mm_cvtsi32_si128(-by)),
                    }
                })
            }
            #[inline(always)]
            unsafe fn start<const BITS: usize>(offset: i32, sum: i32) -> [__m256i; 2] {
                unsafe { [_mm256_set1_epi32(-offset * sum); 2] }
            }
            #[inline(always)]
            unsafe fn dot<const BITS: usize>(sums: [__m256i; 2], words: [__m256i; 2], four: u32) -> [__m256i; 2] {
                let four = unsafe { _mm256_set1_epi32(four as i32) };
                [$dot(BITS, sums[0], words[0], four), $dot(BITS, sums[1], words[1], four)]
            }
            #[inline(always)]
            unsafe fn floats(sums: [__m256i; 2]) -> Double {
                unsafe { Double(_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])) }
            }
            #[inline(always)]
            unsafe fn halves(from: *const u32) -> Double {
                unsafe {
                    Double(
                        _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                        _mm256_cvtph_ps(_mm_loadu_si128(from.add(4).cast())),
                    )
                }
            }
            #[inline(always)]
            unsafe fn bytes<const SIGNED: bool>(from: *const u32) -> Double {
                unsafe {
                    let floats = |bytes: __m128i| {
                        let words = if SIGNED { _mm256_cvtepi8_epi32(bytes) } else { _mm256_cvtepu8_epi32(bytes) };
                        _mm256_cvtepi32_ps(words)
                    };
                    let bytes = _mm_loadu_si128(from.cast());
                    Double(floats(bytes), floats(_mm_srli_si128::<8>(bytes)))
                }
            }
        }
    };
}

fours_of_256!(Vnni, |_, sums, words, four| unsafe { _mm256_dpbusd_avx_epi32(sums, words, four) });
fours_of_256!(Plain256, |bits, sums, words, four| unsafe {
    if bits < 8 {
        // Two products are at most 2·63·127 and fit an i16.
        let pairs = _mm256_maddubs_epi16(words, four);
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    } else {
        // They would not fit: even and odd bytes as i16, summed in i32.
        let even = _mm256_madd_epi16(
            _mm256_and_si256(words, _mm256_set1_epi16(0xff)),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(four)),
        );
        let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(words), _mm256_srai_epi16::<8>(four));
        _mm256_add_epi32(sums, _mm256_add_epi32(even, odd))
    }
});

/// [`sweep`] with AVX-VNNI.
///
/// # Safety
/// As [`sweep`], on a machine with AVX2, FMA, F16C and AVX-VNNI.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub(super) unsafe fn sweep_avx_vnni(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Vnni>(side, out) }
}

/// [`sweep`] with AVX2.
///
/// # Safety
/// As [`sweep`], on a machine with AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn sweep_avx2(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<Plain256>(side, out) }
}
