//! How fast this machine reads memory at most: decoding reads every weight once a step and writes next to nothing.
//!
//! A single way of reading may be slower than a kernel's, and a long pass is disturbed by whatever else runs. So several
//! ways are tried (consecutive streams at once, lines asked for ahead or not), each in many short passes by all threads
//! together, and the fastest pass of all counts. Passes take different slices of the memory in turn, so that no slice is
//! in a cache still. Memory lies in large pages where the system gives them, as the engine's weights do.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use memmap2::MmapMut;

/// Bytes of memory: 1 GiB, more than any cache holds.
const BYTES: usize = 1 << 30;
/// Slices of it, a pass each: some milliseconds, less than a thread's turn on a processor that it shares.
const SLICES: usize = 8;
/// Passes of each way of reading.
const PASSES: usize = 6 * SLICES;
/// Bytes that a stream reads before the next stream's turn.
const TURN: usize = 256;

/// How a thread reads its part.
#[derive(Clone, Copy)]
struct Way {
    /// Places that are read in turns: 1, 2, 4 or 8.
    streams: usize,
    /// Bytes ahead of which lines are asked for; 0 for none.
    ahead: usize,
}

/// GB/s, all threads together; 0 where there is no memory for it.
pub fn bandwidth(threads: usize) -> f64 {
    let threads = threads.max(1);
    let Ok(mut map) = MmapMut::map_anon(BYTES) else { return 0.0 };
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage); // a wish
    let share = BYTES / threads / (SLICES * 8 * TURN) * (SLICES * 8 * TURN);
    // A page is there only once it is written: by the thread that will read it, whose memory may be nearer.
    std::thread::scope(|scope| {
        for part in map.chunks_mut(share) {
            scope.spawn(|| part.fill(1));
        }
    });
    let ways: Vec<Way> =
        [1, 2, 4, 8].into_iter().flat_map(|streams| [0, 1024, 4096].map(|ahead| Way { streams, ahead })).collect();
    let (arrived, shortest) = (AtomicUsize::new(0), AtomicU64::new(f64::INFINITY.to_bits()));
    std::thread::scope(|scope| {
        for (number, part) in map.chunks_exact(share).take(threads).enumerate() {
            let (arrived, shortest, ways) = (&arrived, &shortest, &ways);
            scope.spawn(move || {
                let mut meetings = 0;
                let mut meet = || {
                    meetings += 1;
                    arrived.fetch_add(1, Ordering::AcqRel);
                    while arrived.load(Ordering::Acquire) < meetings * threads {
                        std::hint::spin_loop(); // waking a sleeping thread would take a part of the pass
                    }
                };
                let slices: Vec<&[u8]> = part.chunks_exact(share / SLICES).collect();
                for pass in 0..PASSES * ways.len() {
                    meet();
                    let start = Instant::now();
                    std::hint::black_box(read(slices[pass % SLICES], ways[pass / SLICES % ways.len()]));
                    meet(); // the slowest thread ends the pass
                    if number == 0 {
                        // Bits of positive floats have the order of the floats.
                        shortest.fetch_min(start.elapsed().as_secs_f64().to_bits(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    (share / SLICES * threads) as f64 / f64::from_bits(shortest.into_inner()) / 1e9
}

/// Reads all of a part, a multiple of 8 turns.
fn read(part: &[u8], way: Way) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: found just above; the streams are within the part.
        return unsafe {
            match way.streams {
                1 => wide::<1>(part, way.ahead),
                2 => wide::<2>(part, way.ahead),
                4 => wide::<4>(part, way.ahead),
                _ => wide::<8>(part, way.ahead),
            }
        };
    }
    let length = part.len() / way.streams;
    let mut sums = [0u64; TURN / 8];
    for at in (0..length).step_by(TURN) {
        for stream in 0..way.streams {
            let (numbers, _) = part[stream * length + at..][..TURN].as_chunks::<8>();
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum ^= u64::from_ne_bytes(*number);
            }
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

/// With loads of whole lines.
///
/// # Safety
/// The machine has AVX-512 F; the part is a multiple of `STREAMS` turns.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn wide<const STREAMS: usize>(part: &[u8], ahead: usize) -> u64 {
    use std::arch::x86_64::*;
    let length = part.len() / STREAMS;
    let mut sums = [_mm512_setzero_si512(); TURN / 64];
    for at in (0..length).step_by(TURN) {
        for stream in 0..STREAMS {
            let place = part[stream * length + at..].as_ptr();
            for (line, sum) in sums.iter_mut().enumerate() {
                if ahead > 0 {
                    _mm_prefetch::<_MM_HINT_T0>(place.wrapping_add(64 * line + ahead).cast());
                }
                // SAFETY: the turn is within the part.
                *sum = _mm512_xor_si512(*sum, unsafe { _mm512_loadu_si512(place.add(64 * line).cast()) });
            }
        }
    }
    sums.iter().fold(0, |all, sum| all ^ _mm512_reduce_add_epi64(*sum) as u64)
}
