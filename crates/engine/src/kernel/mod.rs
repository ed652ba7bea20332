//! The fast part: register-blocked products on packed weights, for the widest instructions that the machine has, spread
//! over a spinning pool of threads. All unsafe code of the engine's arithmetic is in this folder.
//!
//! [`isa`] finds the instruction set; [`lanes`] is what a kernel needs of one (`avx512`, `avx2`, `neon` and the portable
//! form implement it; `amx` has products of bf16 of its own); [`tile`] is the register block written once over it; [`panels`] lays weights out for the tile;
//! [`product`] cuts a product into tasks; [`gated`] joins two products without writing them to memory; [`blocks`] is the same for quantised weights, from their packing on;
//! [`attention`] walks keys and values with an online softmax; [`pool`] runs the tasks.
//! [`training`] has the products of a training step.
//!
//! *Invariant.* A row of a result is a chain of fused multiply-adds in the order of the inner index, whatever the number
//! of rows, threads or tasks. So a token's numbers do not depend on what is computed beside it.

#[cfg(target_arch = "x86_64")]
mod amx;
pub(crate) mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod blocks;
pub(crate) mod gated;
pub(crate) mod isa;
pub(crate) mod lanes;
pub(crate) mod memory;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod panels;
pub(crate) mod pool;
pub(crate) mod product;
pub(crate) mod tile;
pub(crate) mod training;

/// Numbers from -1 to 1 for tests, the same for a seed.
#[cfg(test)]
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
