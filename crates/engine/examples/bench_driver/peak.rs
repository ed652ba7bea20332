//! What the machine can do at most: multiply-adds with all operands in registers, and reading memory from end to end.
//!
//! Nothing that computes something useful reaches the first; the share that a forward pass reaches of it is honest in a
//! way that the share of another library's GEMM is not.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

/// Seconds of each measurement.
const WHILE: f64 = 0.5;
/// Numbers read: 1 GiB, more than any cache holds.
const READ: usize = 1 << 27;

/// GFLOP/s in f32 and bf16 (0 where the machine has no AVX-512 or no AVX512-BF16) and GB/s of reading.
pub fn measure(threads: usize) -> Value {
    json!({"f32": flops(threads, Kind::F32), "bf16": flops(threads, Kind::Bf16), "read": bandwidth(threads)})
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    F32,
    Bf16,
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
    use std::arch::x86_64::{
        _mm512_castps_si512, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps,
    };
    use std::hint::black_box;

    /// Independent chains, each from its own start (equal ones would be computed once): enough to hide the latency of the multiply-add, few enough for the registers.
    const CHAINS: usize = 20;

    /// Floating-point operations done.
    #[target_feature(enable = "avx512f")]
    pub fn single(times: usize) -> f64 {
        let (one, two) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
        let mut sums: [_; CHAINS] = std::array::from_fn(|chain| _mm512_set1_ps(black_box(chain as f32)));
        for _ in 0..times {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(one, two, *sum);
            }
        }
        sums.iter().for_each(|sum| {
            black_box(_mm512_reduce_add_ps(*sum));
        });
        (times * CHAINS * 16 * 2) as f64
    }

    /// Floating-point operations done.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub fn half(times: usize) -> f64 {
        let words = |value: f32| {
            let bits = _mm512_castps_si512(_mm512_set1_ps(black_box(value)));
            // SAFETY: both are 512 bits, and any bits are numbers in bf16.
            unsafe { std::mem::transmute::<std::arch::x86_64::__m512i, std::arch::x86_64::__m512bh>(bits) }
        };
        let (one, two) = (words(0.5), words(0.25));
        let mut sums: [_; CHAINS] = std::array::from_fn(|chain| _mm512_set1_ps(black_box(chain as f32)));
        for _ in 0..times {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, one, two);
            }
        }
        sums.iter().for_each(|sum| {
            black_box(_mm512_reduce_add_ps(*sum));
        });
        (times * CHAINS * 32 * 2) as f64
    }
}

/// GB/s of reading, all threads together: decoding reads every weight once a step and writes next to nothing.
fn bandwidth(threads: usize) -> f64 {
    let numbers: Vec<u64> = (0..READ as u64).collect();
    let share = READ.div_ceil(threads.max(1));
    let pass = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(share) {
                scope.spawn(move || black_box(sum(part)));
            }
        });
        start.elapsed().as_secs_f64()
    };
    let fastest = (0..5).map(|_| pass()).fold(f64::INFINITY, f64::min);
    (READ * 8) as f64 / fastest / 1e9
}

/// A sum in many chains, so that the compiler's vectors wait for memory only.
fn sum(part: &[u64]) -> u64 {
    let mut sums = [0u64; 64];
    for chunk in part.chunks_exact(64) {
        for (sum, number) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*number);
        }
    }
    sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
}
