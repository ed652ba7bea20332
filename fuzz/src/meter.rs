//! A bound on the memory that an input makes the engine hold. (libFuzzer's own bound on allocations needs a sanitizer.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most memory that an input may make the engine hold, bytes.
const MOST: usize = 200 << 20;

/// Counts what is held, and ends the process where it is too much: libFuzzer then keeps the input.
struct Meter;

#[global_allocator]
static METER: Meter = Meter;

static HELD: AtomicUsize = AtomicUsize::new(0);
/// How many inputs [`next_input`] was told of.
static INPUT: AtomicUsize = AtomicUsize::new(0);

/// Of the thread that inputs are given to, which no input leaves behind.
const FUZZER: usize = usize::MAX;

thread_local! {
    /// The input during which this thread first asked for memory.
    static BORN: Cell<Option<usize>> = const { Cell::new(None) };
    /// What this thread asked for less what it gave back, bytes.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

/// Begins an input. No thread that templates are rendered on is kept for the next one (the engine sees `cfg(fuzzing)`), so one that
/// is still there was given up. The thread of a template that was given up cannot be stopped, and would grow on into the account of the
/// next inputs; where the command line ends with an error, such a thread is halted when it next asks for memory.
pub fn next_input() {
    BORN.set(Some(FUZZER));
    INPUT.fetch_add(1, Ordering::Relaxed);
}

/// Halts the calling thread for good if an earlier input left it behind.
fn halt_if_left_behind() {
    let input = INPUT.load(Ordering::Relaxed);
    let born = BORN.get().unwrap_or(input);
    BORN.set(Some(born));
    if born < input {
        HELD.fetch_sub(OWN.get(), Ordering::Relaxed);
        loop {
            std::thread::park();
        }
    }
}

// SAFETY: every call is handed on to the system's allocator with what it was given.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        halt_if_left_behind();
        OWN.set(OWN.get().wrapping_add(layout.size()));
        if HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size() > MOST {
            eprintln!("more than {MOST} bytes are held; {} were asked for", layout.size());
            std::process::abort();
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        OWN.set(OWN.get().wrapping_sub(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}
