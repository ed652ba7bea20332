//! The operations of a decoder on plain slices: matrix products, norms, activations, rotary positions. The trainer of
//! organisms uses them too.
//!
//! Loops run inside a dispatcher that compiles them for the [`widest`] instructions the machine has.

use gemm::Parallelism;

/// Runs loops compiled for the widest instructions that the machine has.
///
/// The closure must be marked `#[inline(always)]`. A long one is otherwise compiled by itself, for the narrowest instructions,
/// and only called from the wide function. For the same reason it is taken as `FnMut`: called as `FnOnce`, what would be
/// inlined is the compiler's wrapper around it.
#[inline(always)]
pub fn widest<R>(work: impl FnMut() -> R) -> R {
    struct Work<F>(F);
    impl<R, F: FnMut() -> R> pulp::WithSimd for Work<F> {
        type Output = R;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> R {
            let mut work = self.0;
            work()
        }
    }
    pulp::Arch::new().dispatch(Work(work))
}

/// How a matrix lies in memory: first element, distance between rows, distance between columns.
#[derive(Clone, Copy)]
pub struct Lay {
    /// Distance between rows.
    pub rows: isize,
    /// Distance between columns.
    pub columns: isize,
}

impl Lay {
    /// Row-major with this distance between rows.
    pub fn rows(stride: usize) -> Lay {
        Lay { rows: stride as isize, columns: 1 }
    }

    /// The transpose of a row-major matrix.
    pub fn transposed(stride: usize) -> Lay {
        Lay { rows: 1, columns: stride as isize }
    }

    fn reach(self, rows: usize, columns: usize) -> usize {
        (rows - 1) * self.rows as usize + (columns - 1) * self.columns as usize
    }
}

/// Sizes of a product: [m, k]·[k, n] → [m, n].
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Rows of the result.
    pub m: usize,
    /// Inner size.
    pub k: usize,
    /// Columns of the result.
    pub n: usize,
}

/// out = keep·out + scale·left·right, on one thread.
///
/// # Panics
/// When a matrix reaches beyond its slice.
pub fn multiply(
    sizes: Sizes,
    (out, out_lay): (&mut [f32], Lay),
    keep: f32,
    (left, left_lay): (&[f32], Lay),
    (right, right_lay): (&[f32], Lay),
    scale: f32,
) {
    let Sizes { m, k, n } = sizes;
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(
        out_lay.reach(m, n) < out.len() && left_lay.reach(m, k) < left.len() && right_lay.reach(k, n) < right.len()
    );
    // SAFETY: the assertion above keeps every access of the three matrices within its slice.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_lay.columns,
            out_lay.rows,
            keep != 0.0,
            left.as_ptr(),
            left_lay.columns,
            left_lay.rows,
            right.as_ptr(),
            right_lay.columns,
            right_lay.rows,
            keep,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// e^x to about 2 units in the last place, in a form that vectorises (Cody & Waite reduction, degree-6 polynomial).
#[inline(always)]
pub fn exponential(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5·2^23: adding it rounds to a whole number
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let whole = shifted - SHIFT;
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (0.166_666_67 + rest * (0.041_666_668 + rest * (0.008_333_334 + rest * 0.001_388_889)))));
    let power = f32::from_bits(
        ((shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32).wrapping_add(127) << 23) as u32,
    );
    series * power
}

const LANES: usize = 16;

/// Σ a·b in sixteen interleaved sums, so that it vectorises and does not depend on the machine's width.
#[inline(always)]
pub fn dot(one: &[f32], two: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (one_chunks, two_chunks) = (one.chunks_exact(LANES), two.chunks_exact(LANES));
    let tail: f32 = one_chunks.remainder().iter().zip(two_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in one_chunks.zip(two_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// y = x/rms(x)·w per row; keeps 1/rms.
pub fn norm_forward(input: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32], inverse: &mut [f32]) {
    let wide = weight.len();
    widest(
        #[inline(always)]
        || {
            for ((row, out), inverse) in
                input.chunks_exact(wide).zip(output.chunks_exact_mut(wide)).zip(inverse.iter_mut())
            {
                let scale = 1.0 / (dot(row, row) / wide as f32 + epsilon).sqrt();
                *inverse = scale;
                for ((out, value), weight) in out.iter_mut().zip(row).zip(weight) {
                    *out = value * scale * weight;
                }
            }
        },
    );
}

/// act = silu(gate)·act, where `act` holds the up projection on entry.
pub fn gate_forward(gate: &[f32], act: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            for (act, gate) in act.iter_mut().zip(gate) {
                *act *= gate / (1.0 + exponential(-gate));
            }
        },
    );
}

/// Rotates the pairs (i, i + h/2) of a head's row by the position's angles; `direction` −1 undoes it.
#[inline(always)]
pub fn rotate(row: &mut [f32], cosines: &[f32], sines: &[f32], direction: f32) {
    let (low, high) = row.split_at_mut(cosines.len());
    for (((low, high), cosine), sine) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
        let turned = *low * cosine - *high * sine * direction;
        *high = *high * cosine + *low * sine * direction;
        *low = turned;
    }
}

/// Σ a in sixteen interleaved sums.
#[inline(always)]
pub fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// one += two.
pub fn add(one: &mut [f32], two: &[f32]) {
    widest(
        #[inline(always)]
        || {
            for (one, two) in one.iter_mut().zip(two) {
                *one += two;
            }
        },
    );
}
