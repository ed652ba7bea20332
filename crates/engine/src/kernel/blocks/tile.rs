//! The register block of quantised products: some rows of int8 activations times one panel, written once over [`Fours`]
//! and compiled for every instruction set.
//!
//! Low bits are unpacked in registers, right before they are multiplied; nothing is written back. Weights are read once,
//! from one end to the other, which the machine foresees by itself: asking for lines ahead was measured and changed nothing.

use super::super::isa::Isa;
use super::super::lanes::Lanes;
use super::super::panels::PANEL;
use super::fours::{Fours, PlainFours};
use super::layout::{Form, GROUP, STEPS};
use crate::ops::widest;

/// Operands of one tile: a panel of weights, and some rows of activations.
pub(crate) struct Side<'a> {
    pub form: Form,
    /// [groups, `Form::group_words`].
    pub quants: &'a [u32],
    /// [spans, `Form::scale_words`].
    pub scales: &'a [u32],
    /// [rows, groups · 8].
    pub words: &'a [u32],
    /// [rows, groups].
    pub row_scales: &'a [f32],
    /// [rows, blocks].
    pub sums: &'a [i32],
    /// Groups of 32 inner indices.
    pub groups: usize,
}

impl Side<'_> {
    /// Rows of activations.
    pub fn rows(&self) -> usize {
        self.row_scales.len() / self.groups
    }

    fn check(&self, out: &[f32]) {
        let (rows, form, inner) = (self.rows(), self.form, self.groups * GROUP);
        assert!(matches!((form.bits, form.block), (4 | 5 | 8, 32) | (6, 16)) && inner.is_multiple_of(form.span));
        assert!(self.quants.len() >= self.groups * form.group_words());
        assert!(self.scales.len() >= inner / form.span * form.scale_words());
        assert!(self.words.len() >= rows * self.groups * STEPS && self.sums.len() >= rows * inner / form.block);
        assert!(out.len() >= rows * PANEL);
    }
}

/// out [rows, 16] = rows of activations times the panel.
///
/// # Panics
/// When an operand is shorter than its shape.
pub(crate) fn multiply(isa: Isa, side: &Side<'_>, out: &mut [f32]) {
    side.check(out);
    // SAFETY: the operands were checked just above; the set was found on this machine.
    match isa {
        Isa::Portable => widest(
            #[inline(always)]
            || unsafe { sweep::<PlainFours>(side, out.as_mut_ptr()) },
        ),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { sweep::<super::neon::Neon>(side, out.as_mut_ptr()) },
        #[cfg(target_arch = "aarch64")]
        Isa::NeonDot => unsafe { super::neon::sweep_dot(side, out.as_mut_ptr()) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::avx2::sweep_avx2(side, out.as_mut_ptr()) },
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni => unsafe { super::avx2::sweep_avx_vnni(side, out.as_mut_ptr()) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { super::avx512::sweep_avx512(side, out.as_mut_ptr()) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni | Isa::Avx512Bf16 | Isa::Amx => unsafe {
            super::avx512::sweep_avx512_vnni(side, out.as_mut_ptr())
        },
    }
}

/// [`multiply`] for one instruction set.
///
/// # Safety
/// The machine has the instructions of `F`; the operands passed [`Side::check`].
#[inline(always)]
pub(crate) unsafe fn sweep<F: Fours>(side: &Side<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe {
        match side.form.bits {
            4 => sweep_rows::<F, 4>(side, out),
            5 => sweep_rows::<F, 5>(side, out),
            6 => sweep_rows::<F, 6>(side, out),
            _ => sweep_rows::<F, 8>(side, out),
        }
    }
}

#[inline(always)]
unsafe fn sweep_rows<F: Fours, const BITS: usize>(side: &Side<'_>, out: *mut f32) {
    let (rows, mut row) = (side.rows(), 0);
    while row < rows {
        // SAFETY: the tile's rows are among those of the side.
        unsafe {
            let out = out.add(row * PANEL);
            row += match rows - row {
                left if left >= 8 && F::ROWS == 8 => tile::<F, BITS, 8>(side, row, out),
                left if left >= 4 && F::ROWS >= 4 => tile::<F, BITS, 4>(side, row, out),
                left if left >= 2 => tile::<F, BITS, 2>(side, row, out),
                _ => tile::<F, BITS, 1>(side, row, out),
            };
        }
    }
}

/// `ROWS` rows from `row` on; returns `ROWS`.
#[inline(always)]
unsafe fn tile<F: Fours, const BITS: usize, const ROWS: usize>(side: &Side<'_>, row: usize, out: *mut f32) -> usize {
    let Side { form, groups, .. } = *side;
    // Types of 6 bits have a scale for each 16 inner indices: two sums a group.
    let halves = if BITS == 6 { 2 } else { 1 };
    let (own_start, own_words) = (form.own_start(), form.own_words());
    // SAFETY: every address is within what was checked; the methods of `F` are allowed to the caller.
    unsafe {
        let words: [*const u32; ROWS] = std::array::from_fn(|at| side.words.as_ptr().add((row + at) * groups * STEPS));
        let row_scales: [*const f32; ROWS] =
            std::array::from_fn(|at| side.row_scales.as_ptr().add((row + at) * groups));
        let sums: [*const i32; ROWS] = std::array::from_fn(|at| side.sums.as_ptr().add((row + at) * groups * halves));
        let mut totals = [F::Floats::zero(); ROWS];
        let (mut quants, mut scales) = (side.quants.as_ptr(), side.scales.as_ptr());
        let mut group = 0;
        while group < groups {
            let scale = F::halves(scales);
            let minimum = if form.minima { F::halves(scales.add(PANEL / 2)) } else { F::Floats::zero() };
            let mut own = scales.add(own_start);
            for _ in 0..form.span / GROUP {
                let mut whole = [[F::start::<BITS>(0, 0); 2]; ROWS];
                for at in 0..ROWS {
                    for half in 0..halves {
                        whole[at][half] = F::start::<BITS>(form.offset, *sums[at].add(group * halves + half));
                    }
                }
                let planes = quants;
                let low = quants.add((BITS % 8).saturating_sub(4) * PANEL);
                // Word k of 8 bits is step k; of fewer bits, steps k and k + 4.
                for k in 0..if BITS == 8 { STEPS } else { 4 } {
                    let raw = F::load(low.add(k * PANEL));
                    if BITS == 8 {
                        for at in 0..ROWS {
                            whole[at][0] = F::dot::<BITS>(whole[at][0], raw, *words[at].add(group * STEPS + k));
                        }
                        continue;
                    }
                    let first = high::<F, BITS>(F::masked(raw, 0x0f), planes, k);
                    let second = high::<F, BITS>(F::masked(F::shifted(raw, -4), 0x0f), planes, k + 4);
                    for at in 0..ROWS {
                        let four = words[at].add(group * STEPS + k);
                        whole[at][0] = F::dot::<BITS>(whole[at][0], first, *four);
                        whole[at][halves - 1] = F::dot::<BITS>(whole[at][halves - 1], second, *four.add(4));
                    }
                }
                quants = quants.add(BITS * PANEL);
                for half in 0..halves {
                    let (mut own_scale, mut own_minimum) = (scale, minimum);
                    if form.own {
                        own_scale = scale.times(if BITS == 6 { F::bytes::<true>(own) } else { F::bytes::<false>(own) });
                        if form.minima {
                            own_minimum = minimum.times(F::bytes::<false>(own.add(own_words)));
                        }
                        own = own.add(PANEL / 4);
                    }
                    for at in 0..ROWS {
                        let row_scale = *row_scales[at].add(group);
                        let both = own_scale.times(F::Floats::splat(row_scale));
                        totals[at] = totals[at].fused(F::floats(whole[at][half]), both);
                        if form.minima {
                            let sum = *sums[at].add(group * halves + half) as f32;
                            totals[at] = totals[at].fused(own_minimum, F::Floats::splat(-(row_scale * sum)));
                        }
                    }
                }
                group += 1;
            }
            scales = scales.add(form.scale_words());
        }
        for at in 0..ROWS {
            totals[at].store(out.add(at * PANEL));
        }
    }
    ROWS
}

/// Low bits of a step with its high bits from the planes.
#[inline(always)]
unsafe fn high<F: Fours, const BITS: usize>(low: F::Words, planes: *const u32, step: usize) -> F::Words {
    // SAFETY: as the tile.
    unsafe {
        match BITS {
            5 => F::or(low, F::masked(F::shifted(F::load(planes), 4 - step as i32), 0x10)),
            6 => {
                let plane = F::load(planes.add(step / 4 * PANEL));
                F::or(low, F::masked(F::shifted(plane, 4 - 2 * (step % 4) as i32), 0x30))
            }
            _ => low,
        }
    }
}
