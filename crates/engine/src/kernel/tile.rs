//! The register block: some rows of activations times some panels of sixteen outputs, summed in registers.
//!
//! Weights lie in *panels*: for every step of the inner index, sixteen consecutive words, one an output. A word is an f32,
//! or two bf16 of consecutive inner indices. Activations are read where they lie, one word broadcast at a time. The block
//! is written once over [`Lanes`] and compiled for every instruction set.

use super::isa::Isa;
use super::lanes::{Lanes, Plain};

/// What the words of a product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// f32 activations, f32 weights: a step is one inner index.
    Floats,
    /// f32 activations, bf16 weights widened in registers: a step is two inner indices.
    Widened,
    /// bf16 activations, bf16 weights: a step is two inner indices.
    Pairs,
}

/// Where the operands of a product lie; distances in words of four bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strip {
    /// First activation.
    pub activations: *const u32,
    /// Between activations of consecutive words of the inner index.
    pub activation_step: usize,
    /// Between rows.
    pub activation_row: usize,
    /// First panel.
    pub weights: *const u32,
    /// Between panels.
    pub panel: usize,
    /// Between steps of a panel.
    pub panel_step: usize,
    /// Steps of the inner index.
    pub steps: usize,
    /// First result.
    pub out: *mut f32,
    /// Between rows of results.
    pub out_row: usize,
    /// Whether to add to what is there.
    pub keep: bool,
}

/// out (+)= activations·weights for `rows` rows and `panels` panels, whole panels only.
///
/// # Safety
/// The machine has the instructions of `isa`; every place that the strip names is good for its use: activations for
/// reading `rows` × the inner index, weights for `panels` × `steps` × 16, results for `rows` × 16·`panels`, which nobody
/// else touches meanwhile.
pub(crate) unsafe fn multiply(isa: Isa, kind: Kind, strip: &Strip, rows: usize, panels: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match isa {
            Isa::Portable => sweep::<Plain>(kind, strip, rows, panels),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => sweep::<super::neon::Quad>(kind, strip, rows, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::AvxVnni => super::avx2::sweep_avx2(kind, strip, rows, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Vnni => super::avx512::sweep_avx512(kind, strip, rows, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Amx if kind == Kind::Pairs => super::amx::sweep(strip, rows, panels),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 | Isa::Amx => super::avx512::sweep_avx512_bf16(kind, strip, rows, panels),
        }
    }
}

/// [`multiply`] for one instruction set.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
pub(crate) unsafe fn sweep<L: Lanes>(kind: Kind, strip: &Strip, rows: usize, panels: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match kind {
            Kind::Floats => sweep_kind::<L, 0>(strip, rows, panels),
            Kind::Widened => sweep_kind::<L, 1>(strip, rows, panels),
            Kind::Pairs => sweep_kind::<L, 2>(strip, rows, panels),
        }
    }
}

/// Panels outside, rows inside: a group of panels stays in the cache while the rows pass.
#[inline(always)]
unsafe fn sweep_kind<L: Lanes, const KIND: u8>(strip: &Strip, rows: usize, panels: usize) {
    let mut panel = 0;
    while panel < panels {
        let group = (panels - panel).min(L::PANELS);
        // SAFETY: the parts of the strip are within it.
        unsafe {
            let part =
                Strip { weights: strip.weights.add(panel * strip.panel), out: strip.out.add(16 * panel), ..*strip };
            match group {
                3 if L::PANELS == 3 => sweep_rows::<L, KIND, 3>(&part, rows),
                2 if L::PANELS == 3 => sweep_rows::<L, KIND, 2>(&part, rows),
                _ => sweep_rows::<L, KIND, 1>(&part, rows),
            }
        }
        panel += group;
    }
}

#[inline(always)]
unsafe fn sweep_rows<L: Lanes, const KIND: u8, const PANELS: usize>(strip: &Strip, rows: usize) {
    // With few rows the weights come from memory: while the last rows pass, the next group is asked for.
    let few = rows > 1 && rows <= 64;
    let mut row = 0;
    while row < rows {
        // SAFETY: the parts of the strip are within it.
        unsafe {
            let part = Strip {
                activations: strip.activations.add(row * strip.activation_row),
                out: strip.out.add(row * strip.out_row),
                ..*strip
            };
            match rows - row {
                left if left >= 8 && L::ROWS == 8 => {
                    tile::<L, KIND, 8, PANELS>(&part, few && left == 8);
                    row += 8;
                }
                left if left >= 6 && L::ROWS == 6 && KIND == 0 => {
                    tile::<L, KIND, 6, PANELS>(&part, few && left == 6);
                    row += 6;
                }
                left if left >= 4 && L::ROWS >= 4 => {
                    tile::<L, KIND, 4, PANELS>(&part, few && left == 4);
                    row += 4;
                }
                left if left >= 2 => {
                    tile::<L, KIND, 2, PANELS>(&part, few && left == 2);
                    row += 2;
                }
                _ => {
                    tile::<L, KIND, 1, PANELS>(&part, false);
                    row += 1;
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<L: Lanes, const KIND: u8, const ROWS: usize, const PANELS: usize>(strip: &Strip, ahead: bool) {
    let Strip { activation_step, activation_row, panel, panel_step, out_row, .. } = *strip;
    // SAFETY: every address is within what the caller of `multiply` promised; the methods of `L` are allowed to it.
    unsafe {
        let mut sums = [[L::zero(); PANELS]; ROWS];
        if strip.keep {
            for row in 0..ROWS {
                for column in 0..PANELS {
                    sums[row][column] = L::load(strip.out.add(row * out_row + 16 * column));
                }
            }
        }
        let rows: [*const u32; ROWS] = std::array::from_fn(|row| strip.activations.add(row * activation_row));
        let mut at = 0;
        let mut weights = strip.weights;
        for _ in 0..strip.steps {
            if ahead {
                for column in 0..PANELS {
                    L::prefetch(weights.wrapping_add((PANELS + column) * panel));
                }
            }
            if KIND == 0 {
                let wide: [L; PANELS] = std::array::from_fn(|column| L::load(weights.add(column * panel).cast()));
                for row in 0..ROWS {
                    let value = L::splat(*rows[row].add(at).cast());
                    for column in 0..PANELS {
                        sums[row][column] = sums[row][column].fused(value, wide[column]);
                    }
                }
                at += activation_step;
            } else if KIND == 1 {
                let raw: [L::Raw; PANELS] = std::array::from_fn(|column| L::raw(weights.add(column * panel)));
                let low = raw.map(|raw| L::low(raw));
                for row in 0..ROWS {
                    let value = L::splat(*rows[row].add(at).cast());
                    for column in 0..PANELS {
                        sums[row][column] = sums[row][column].fused(value, low[column]);
                    }
                }
                let high = raw.map(|raw| L::high(raw));
                for row in 0..ROWS {
                    let value = L::splat(*rows[row].add(at + activation_step).cast());
                    for column in 0..PANELS {
                        sums[row][column] = sums[row][column].fused(value, high[column]);
                    }
                }
                at += 2 * activation_step;
            } else {
                let raw: [L::Raw; PANELS] = std::array::from_fn(|column| L::raw(weights.add(column * panel)));
                for row in 0..ROWS {
                    let value = L::splat_raw(*rows[row].add(at));
                    for column in 0..PANELS {
                        sums[row][column] = sums[row][column].dot(value, raw[column]);
                    }
                }
                at += activation_step;
            }
            weights = weights.add(panel_step);
        }
        for row in 0..ROWS {
            for column in 0..PANELS {
                sums[row][column].store(strip.out.add(row * out_row + 16 * column));
            }
        }
    }
}
