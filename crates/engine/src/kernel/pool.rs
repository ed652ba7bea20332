//! A small pool of threads for work that comes in many short pieces.
//!
//! A decoding step is about a hundred products of some tens of microseconds. Waking a sleeping thread costs as much as
//! such a product, so idle workers spin for a while before they sleep. A dispatch waits only for workers that took part:
//! one that the system has not scheduled in time is not waited for.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long an idle worker spins before it sleeps: longer than the serial stretches of a decoding step.
const SPIN: Duration = Duration::from_micros(200);

/// Threads that share tasks. Dropping it ends them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// The state word: number of the job, whether it can still be joined, and how many workers are in it.
const JOINED: u64 = 0xffff;
const OPEN: u64 = 1 << 16;
const NEXT: u64 = 1 << 17;

struct Shared {
    state: AtomicU64,
    job: UnsafeCell<Job>,
    next: AtomicUsize,
    stop: AtomicBool,
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
    /// Held by the thread that dispatches.
    turn: Mutex<()>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    tasks: usize,
}

// SAFETY: `job` is written only by the holder of `turn` while no worker is in a job, and read only by workers that joined
// through `state` afterwards; `work` is Sync and outlives the dispatch, which waits for every joined worker.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is only used during a dispatch.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of so many threads, the caller's among them; 1 or 0 runs everything in the caller.
    pub fn new(threads: usize) -> Pool {
        let nothing: &(dyn Fn(usize) + Sync) = &|_| {};
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(Job { work: nothing, tasks: 0 }),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            turn: Mutex::new(()),
            panic: Mutex::new(None),
        });
        let workers = (1..threads.min(JOINED as usize))
            .filter_map(|number| {
                let shared = Arc::clone(&shared);
                // Fewer threads than asked for give the same numbers, later: a refusal by the system is no error.
                thread::Builder::new().name(format!("kernel-{number}")).spawn(move || shared.serve()).ok()
            })
            .collect();
        Pool { shared, workers }
    }

    /// A pool that runs everything in the caller; cheap to make.
    pub fn serial() -> Pool {
        Pool::new(1)
    }

    /// Number of threads, the caller's among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work` with every number below `tasks`, in any order, on any thread. From within a task, or while another
    /// thread dispatches, everything runs in the caller.
    ///
    /// # Panics
    /// When a task does, after the others have ended or been dropped.
    pub fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        let turn = if self.workers.is_empty() || tasks <= 1 {
            None
        } else {
            match self.shared.turn.try_lock() {
                Ok(turn) => Some(turn),
                Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            }
        };
        if turn.is_none() {
            return (0..tasks).for_each(work);
        }
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes; `Finish` below ends the job before this function returns or unwinds.
        let work_for_ever: *const (dyn Fn(usize) + Sync) =
            unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work) };
        // SAFETY: this thread holds `turn` and the last job has been finished, so that no worker reads `job`.
        unsafe { *shared.job.get() = Job { work: work_for_ever, tasks } };
        shared.next.store(0, Ordering::Relaxed);
        let epoch = shared.state.load(Ordering::Relaxed) / NEXT + 1;
        shared.state.store((epoch * NEXT) | OPEN, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            let _asleep = shared.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            shared.wake.notify_all();
        }
        let finish = Finish(shared);
        claim(&shared.next, tasks, work);
        drop(finish);
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

fn claim(next: &AtomicUsize, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
    loop {
        let task = next.fetch_add(1, Ordering::Relaxed);
        if task >= tasks {
            return;
        }
        work(task);
    }
}

/// Ends a job: no worker can join any more, and those within are waited for. Also when the caller's task panicked.
struct Finish<'a>(&'a Shared);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.next.store(usize::MAX / 2, Ordering::Relaxed);
        }
        self.0.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut turns = 0u32;
        while self.0.state.load(Ordering::Acquire) & JOINED != 0 {
            turns += 1;
            if turns.is_multiple_of(4096) {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

impl Shared {
    /// A worker's life.
    fn serve(&self) {
        let mut last = 0;
        loop {
            let Some(state) = self.wait(last) else { return };
            last = state / NEXT;
            if self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                last -= 1; // another worker joined first, or the job is closed: look again
                continue;
            }
            // SAFETY: joined through `state`, so that the dispatcher's write happened before and it waits for us.
            let job = unsafe { *self.job.get() };
            // SAFETY: the dispatcher keeps the closure until `state` counts no joined worker.
            let work = unsafe { &*job.work };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| claim(&self.next, job.tasks, work))) {
                self.next.store(usize::MAX / 2, Ordering::Relaxed);
                self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// The state of an open job after number `last`; `None` when the pool ends.
    fn wait(&self, last: u64) -> Option<u64> {
        let ready = |state: u64| state & OPEN != 0 && state / NEXT > last;
        loop {
            let start = Instant::now();
            loop {
                for _ in 0..256 {
                    let state = self.state.load(Ordering::Acquire);
                    if ready(state) {
                        return Some(state);
                    }
                    if self.stop.load(Ordering::Relaxed) {
                        return None;
                    }
                    std::hint::spin_loop();
                }
                if start.elapsed() > SPIN {
                    break;
                }
            }
            let mut asleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            while !ready(self.state.load(Ordering::SeqCst)) && !self.stop.load(Ordering::SeqCst) {
                asleep = self.wake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        {
            let _asleep = self.shared.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.wake.notify_all();
        }
        for worker in self.workers.drain(..) {
            // A worker catches its tasks' panics, so that it ends well.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Pool({})", self.threads())
    }
}

/// A slice that several tasks write, each its own places.
#[derive(Clone, Copy)]
pub(crate) struct Shares<'a, T> {
    start: *mut T,
    length: usize,
    life: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: a plain pointer with a length; each use states why its places are its own.
unsafe impl<T: Send> Sync for Shares<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    pub fn of(slice: &'a mut [T]) -> Shares<'a, T> {
        Shares { start: slice.as_mut_ptr(), length: slice.len(), life: std::marker::PhantomData }
    }

    /// The first place.
    pub fn start(&self) -> *mut T {
        self.start
    }

    /// One part.
    ///
    /// # Safety
    /// No other part that is alive overlaps it.
    #[allow(clippy::mut_from_ref, reason = "tasks share the slice and write disjoint parts of it")]
    pub unsafe fn part(&self, range: std::ops::Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: within the slice by the assertion; alone by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

/// Calls `work` on consecutive parts of `rows` (each a multiple of `width`) with the number of the first row.
pub(crate) fn for_rows(
    pool: &Pool,
    rows: &mut [f32],
    width: usize,
    grain: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    let count = rows.len() / width.max(1);
    let shares = Shares::of(rows);
    pool.run(count.div_ceil(grain.max(1)), &|task| {
        let (start, end) = (task * grain, ((task + 1) * grain).min(count));
        // SAFETY: tasks have disjoint ranges of rows.
        work(start, unsafe { shares.part(start * width..end * width) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_over_many_dispatches() {
        let pool = Pool::new(4);
        for round in 0..2000usize {
            let tasks = round % 37;
            let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            pool.run(tasks, &|task| {
                counts[task].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn sleeping_workers_wake() {
        let pool = Pool::new(3);
        for _ in 0..5 {
            thread::sleep(SPIN * 20);
            let sum = AtomicUsize::new(0);
            pool.run(100, &|task| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 4950);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(3);
        for bad in 0..20 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(20, &|task| assert!(task != bad, "task {task}"));
            }));
            assert!(caught.is_err());
            let sum = AtomicUsize::new(0);
            pool.run(10, &|task| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }

    #[test]
    fn dispatches_within_tasks_and_from_many_threads_run() {
        let pool = Pool::new(3);
        let sum = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        pool.run(4, &|_| {
                            pool.run(5, &|task| {
                                sum.fetch_add(task, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 4 * 50 * 4 * 10);
    }
}
