//! The tile of [`blocks`](super::blocks) with `vpdpbusd`: sixteen sums of four products of bytes at once.

use std::arch::x86_64::*;

use super::blocks::Side;
use super::panels::PANEL;

/// `ROWS` rows from `row` on, times one panel; returns `ROWS`. `rows` is the number of rows in `side`.
///
/// # Safety
/// The machine has AVX-512 F and VNNI; `row + ROWS <= rows`.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(crate) unsafe fn tile<const ROWS: usize>(side: &Side<'_>, rows: usize, row: usize, out: &mut [f32]) -> usize {
    let blocks = side.sums.len() / rows;
    let (steps, groups) = (side.steps, side.row_scales.len() / rows);
    let blocks_a_group = blocks / groups;
    assert!(row + ROWS <= rows && side.quants.len() >= blocks * steps * PANEL && out.len() >= ROWS * PANEL);
    assert!(side.words.len() >= rows * blocks * steps && side.scales.len() >= blocks * PANEL);
    assert!(side.minima.is_none_or(|minima| minima.len() >= blocks * PANEL));
    // SAFETY: the assertions bound every address below.
    unsafe {
        let mut totals = [_mm512_setzero_ps(); ROWS];
        let words: [*const u32; ROWS] = std::array::from_fn(|at| side.words.as_ptr().add((row + at) * blocks * steps));
        let mut quants = side.quants.as_ptr();
        for block in 0..blocks {
            let mut whole: [__m512i; ROWS] = std::array::from_fn(|at| {
                _mm512_set1_epi32(-128 * *side.sums.get_unchecked((row + at) * blocks + block))
            });
            for step in block * steps..(block + 1) * steps {
                let weights = _mm512_loadu_si512(quants.cast());
                for at in 0..ROWS {
                    let four = _mm512_set1_epi32(*words[at].add(step) as i32);
                    whole[at] = _mm512_dpbusd_epi32(whole[at], weights, four);
                }
                quants = quants.add(PANEL);
            }
            let scales = _mm512_loadu_ps(side.scales.as_ptr().add(block * PANEL).cast());
            for at in 0..ROWS {
                let scale = *side.row_scales.get_unchecked((row + at) * groups + block / blocks_a_group);
                let both = _mm512_mul_ps(scales, _mm512_set1_ps(scale));
                totals[at] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[at]), both, totals[at]);
                if let Some(minima) = side.minima {
                    let minima = _mm512_loadu_ps(minima.as_ptr().add(block * PANEL).cast());
                    let sum = *side.sums.get_unchecked((row + at) * blocks + block) as f32;
                    totals[at] = _mm512_fnmadd_ps(minima, _mm512_set1_ps(scale * sum), totals[at]);
                }
            }
        }
        for at in 0..ROWS {
            _mm512_storeu_ps(out.as_mut_ptr().add(at * PANEL), totals[at]);
        }
    }
    ROWS
}
