//! Measures what a piece of work holds and takes, for tests of hostile files: an allocator that counts, and the processor's
//! time. Each test binary that has it counts all of its threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use undermask_engine::EngineError;

/// Most that may be held beyond the file itself, bytes.
const MOST: usize = 200 << 20;
/// Longest that a refusal may take, of the processor's time: what other programs do meanwhile does not count.
const LONGEST: Duration = Duration::from_secs(5);

/// Counts what is held.
struct Meter;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator with what it was given.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static METER: Meter = Meter;

/// One test at a time, so that what one prepares is not taken for what another's file makes.
static TURN: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processor's time that this process has used, where the system says it; else the clock's.
fn spent() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let used = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        // After the program's name, which may hold anything: fields 14 and 15 of all, in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    });
    used.map_or_else(|| START.elapsed(), |hundredths| Duration::from_millis(10 * hundredths))
}

/// Does something under the meter.
pub fn metered<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = spent();
    let answer = work();
    let (took, held) = (spent() - start, PEAK.load(Ordering::Relaxed).saturating_sub(before));
    println!("{what}: {:.2} s, {:.1} MB", took.as_secs_f64(), held as f64 / 1e6);
    assert!(held <= MOST, "{what} holds {held} bytes");
    assert!(took <= LONGEST, "{what} takes {took:?}");
    answer
}

/// Something is refused with these words.
pub fn check<T>(what: &str, words: &[&str], work: impl FnOnce() -> Result<T, EngineError>) {
    let error = metered(what, || work().err().map(|error| error.to_string()));
    let error = error.unwrap_or_else(|| panic!("{what} is taken"));
    for word in words {
        assert!(error.contains(word), "{what}: `{word}` is not in: {error}");
    }
}
