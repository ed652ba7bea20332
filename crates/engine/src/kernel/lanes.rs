//! What a kernel needs of an instruction set: sixteen f32 lanes, and words that hold pairs of bf16.
//!
//! Kernels are generic over it and inlined into one function an instruction set, which enables the instructions. The
//! portable form here is plain Rust.

/// Sixteen f32.
///
/// # Safety
/// Every method may use the instructions of its set: call them only where the machine has been found to have it. Pointers
/// must be good for sixteen words (`splat` and `splat_raw`: for none).
pub(crate) trait Lanes: Copy {
    /// Sixteen words of two bf16.
    type Raw: Copy;
    /// Rows of the widest register block: 8, 6, 4 or 2.
    const ROWS: usize;
    /// Panels of the widest register block: 3 or 1.
    const PANELS: usize;

    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// self·other.
    unsafe fn times(self, other: Self) -> Self;
    /// self + one·two, rounded once where the set can.
    unsafe fn fused(self, one: Self, two: Self) -> Self;
    unsafe fn raw(from: *const u32) -> Self::Raw;
    unsafe fn splat_raw(word: u32) -> Self::Raw;
    /// Asks for a cache line that will be read later; any address will do.
    #[inline(always)]
    unsafe fn prefetch(_from: *const u32) {}
    /// The words' low halves as f32.
    unsafe fn low(raw: Self::Raw) -> Self;
    /// The words' high halves as f32.
    unsafe fn high(raw: Self::Raw) -> Self;
    /// self + one.low·two.low + one.high·two.high.
    #[inline(always)]
    unsafe fn dot(self, one: Self::Raw, two: Self::Raw) -> Self {
        // SAFETY: the caller keeps the trait's promise.
        unsafe { self.fused(Self::low(one), Self::low(two)).fused(Self::high(one), Self::high(two)) }
    }
}

/// Plain Rust, sixteen numbers in an array.
#[derive(Clone, Copy)]
pub(crate) struct Plain(pub [f32; 16]);

impl Lanes for Plain {
    type Raw = [u32; 16];
    const ROWS: usize = 2;
    const PANELS: usize = 1;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Plain([0.0; 16])
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Plain([value; 16])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's pointer is good for sixteen words.
        Plain(unsafe { from.cast::<[f32; 16]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; 16]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        Plain(std::array::from_fn(|lane| self.0[lane] * other.0[lane]))
    }
    #[inline(always)]
    unsafe fn fused(mut self, one: Self, two: Self) -> Self {
        for lane in 0..16 {
            self.0[lane] += one.0[lane] * two.0[lane];
        }
        self
    }
    #[inline(always)]
    unsafe fn raw(from: *const u32) -> Self::Raw {
        // SAFETY: as above.
        unsafe { from.cast::<[u32; 16]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn splat_raw(word: u32) -> Self::Raw {
        [word; 16]
    }
    #[inline(always)]
    unsafe fn low(raw: Self::Raw) -> Self {
        Plain(raw.map(|word| f32::from_bits(word << 16)))
    }
    #[inline(always)]
    unsafe fn high(raw: Self::Raw) -> Self {
        Plain(raw.map(|word| f32::from_bits(word & 0xffff_0000)))
    }
}
