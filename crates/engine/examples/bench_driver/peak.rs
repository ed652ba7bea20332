//! What the machine can do at most: multiply-adds with all operands in registers, and reading memory from end to end
//! (`bandwidth`).
//!
//! Nothing that computes something useful reaches the first; the share that a forward pass reaches of it is honest in a
//! way that the share of another library's GEMM is not.

use std::time::Instant;

use serde_json::{Value, json};

use crate::bandwidth::bandwidth;

/// Seconds of each measurement.
const WHILE: f64 = 0.5;

/// GFLOP/s in f32 and bf16 (0 where the machine has no AVX-512, or neither AVX512-BF16 nor the tiles that the engine
/// uses) and GB/s of reading.
pub fn measure(threads: usize) -> Value {
    let bf16 = if undermask_engine::instruction_set() == "amx" { Kind::Tiles } else { Kind::Bf16 };
    json!({"f32": flops(threads, Kind::F32), "bf16": flops(threads, bf16), "read": bandwidth(threads)})
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    F32,
    Bf16,
    /// bf16 on the tiles of AMX, for which the engine asked the system.
    Tiles,
}

fn flops(threads: usize, kind: Kind) -> f64 {
    let rates: Vec<f64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(move || one(kind))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0.0)).collect()
    });
    rates.iter().sum::<f64>() / 1e9
}

#[cfg(target_arch = "x86_64")]
fn one(kind: Kind) -> f64 {
    let able = match kind {
        Kind::F32 => is_x86_feature_detected!("avx512f"),
        Kind::Bf16 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16"),
        Kind::Tiles => true,
    };
    if !able {
        return 0.0;
    }
    const TIMES: usize = 1 << 20;
    let (start, mut done) = (Instant::now(), 0.0);
    while start.elapsed().as_secs_f64() < WHILE {
        // SAFETY: the instructions were found on this machine just above.
        done += unsafe {
            match kind {
                Kind::F32 => x86::single(TIMES),
                Kind::Bf16 => x86::half(TIMES),
                Kind::Tiles => x86::tiles(TIMES),
            }
        };
    }
    done / start.elapsed().as_secs_f64()
}

#[cfg(not(target_arch = "x86_64"))]
fn one(_: Kind) -> f64 {
    0.0
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;

    /// Independent chains: enough to hide the latency of the multiply-add, few enough for the registers.
    const CHAINS: usize = 20;

    /// `times` rounds of one instruction on every chain, operands in registers 30 and 31. Written in assembly: a compiler
    /// is free to keep an array of sums in memory, and then the loads and stores are measured.
    macro_rules! chains {
        ($instruction:literal, $times:expr, $value:expr) => {
            asm!(
                "vpbroadcastd zmm30, {value:e}",
                "vpbroadcastd zmm31, {value:e}",
                "2:",
                chains!(@ $instruction 0), chains!(@ $instruction 1), chains!(@ $instruction 2), chains!(@ $instruction 3),
                chains!(@ $instruction 4), chains!(@ $instruction 5), chains!(@ $instruction 6), chains!(@ $instruction 7),
                chains!(@ $instruction 8), chains!(@ $instruction 9), chains!(@ $instruction 10), chains!(@ $instruction 11),
                chains!(@ $instruction 12), chains!(@ $instruction 13), chains!(@ $instruction 14), chains!(@ $instruction 15),
                chains!(@ $instruction 16), chains!(@ $instruction 17), chains!(@ $instruction 18), chains!(@ $instruction 19),
                "dec {times}",
                "jnz 2b",
                times = inout(reg) $times => _,
                value = in(reg) $value,
                out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _, out("zmm6") _,
                out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _, out("zmm12") _, out("zmm13") _,
                out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _, out("zmm18") _, out("zmm19") _,
                out("zmm30") _, out("zmm31") _,
                options(nomem, nostack),
            )
        };
        (@ $instruction:literal $chain:literal) => {
            concat!($instruction, " zmm", $chain, ", zmm30, zmm31")
        };
    }

    /// Floating-point operations done.
    ///
    /// # Safety
    /// The machine has AVX-512 F; `times` > 0.
    pub unsafe fn single(times: usize) -> f64 {
        // SAFETY: the caller's promise; nothing but the named registers is touched.
        unsafe { chains!("vfmadd231ps", times, 0.37f32.to_bits()) };
        (times * CHAINS * 16 * 2) as f64
    }

    /// Floating-point operations done.
    ///
    /// # Safety
    /// The machine has AVX-512 F and BF16; `times` > 0.
    pub unsafe fn half(times: usize) -> f64 {
        let bits = 0.37f32.to_bits() >> 16;
        // SAFETY: the caller's promise; nothing but the named registers is touched.
        unsafe { chains!("vdpbf16ps", times, bits | bits << 16) };
        (times * CHAINS * 32 * 2) as f64
    }

    /// Floating-point operations done, on four sums as a product has them.
    ///
    /// # Safety
    /// The machine has AMX, the system gave it to the process; `times` > 0.
    pub unsafe fn tiles(times: usize) -> f64 {
        #[repr(align(64))]
        struct Shapes([u8; 64]);
        let mut shapes = Shapes([0; 64]);
        shapes.0[0] = 1; // palette
        for tile in 0..8 {
            shapes.0[16 + 2 * tile] = 64; // bytes of a row
            shapes.0[48 + tile] = 16; // rows
        }
        // SAFETY: the caller's promise; nothing but the tiles is touched, which are released again.
        unsafe {
            asm!(
                "ldtilecfg [{shapes}]",
                "tilezero tmm4", "tilezero tmm5", "tilezero tmm6", "tilezero tmm7",
                "2:",
                "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
                "dec {times}",
                "jnz 2b",
                "tilerelease",
                shapes = in(reg) &shapes,
                times = inout(reg) times => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
        (times * 4 * 16 * 16 * 32 * 2) as f64
    }
}
