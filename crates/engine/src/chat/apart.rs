//! Threads with a large stack, for work that may need it or may never end: each does one thing after another, and is given up
//! once something takes more than a second of the processor.
//!
//! They are kept, because a prompt is rendered in less time than a thread needs to start: an audit renders thousands.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Stack of a thread; only what is used takes memory.
const STACK: usize = 256 << 20;
/// How much of the processor's time something may take, where the system says it. The fuel of a template ends almost all that
/// would take longer; not the sum of a list with itself, many times over, whose length the library counts part by part.
const LONGEST_WORK: Duration = Duration::from_secs(1);
/// How long it may take by the clock where the system does not say how much it worked.
const LONGEST_TIME: Duration = Duration::from_secs(5);
/// How often this is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Threads that wait for something to do. They last as long as the program: a thread that ends while nobody waits for its end
/// reads freed memory in the C library up to glibc 2.36 at least (its bug 19951).
static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// What a thread is given to do.
type Work = Box<dyn FnOnce() + Send>;

/// One such thread.
struct Worker {
    give: Sender<Work>,
    /// Where Linux says how much it has worked.
    stat: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The work takes too long. It goes on, on a thread that nobody asks again.
    TooLong,
    /// No thread can be started.
    NoThread(std::io::Error),
}

/// Does something on such a thread. What panics there panics here.
///
/// # Errors
/// [`Failed`].
pub(super) fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failed> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let worker = idle.map_or_else(Worker::start, Ok).map_err(Failed::NoThread)?;
    let answer = worker.ask(work).ok_or(Failed::TooLong)?;
    // Where inputs are fuzzed a thread that outlives its input counts as one that was given up, and is halted (`fuzz/src/meter.rs`).
    if !cfg!(fuzzing) {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
    Ok(answer.unwrap_or_else(|panic| resume_unwind(panic)))
}

impl Worker {
    fn start() -> std::io::Result<Worker> {
        let (give, given) = mpsc::channel::<Work>();
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("apart".to_owned()).stack_size(STACK).spawn(move || {
            let _ = tell.send(std::fs::read_link("/proc/thread-self").ok());
            given.into_iter().for_each(|work| work());
        })?;
        let stat = told.recv().ok().flatten().map(|thread| Path::new("/proc").join(thread).join("stat"));
        Ok(Worker { give, stat })
    }

    /// The answer, or what it panicked with; `None` when it takes too long.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Result<T, Box<dyn Any + Send>>> {
        let (send, receive) = mpsc::channel();
        let work = move || {
            // Nobody listens any more where it was given up.
            let _ = send.send(catch_unwind(AssertUnwindSafe(work)));
        };
        // The thread ends with the program only, so that it hears; where it did not, nothing would ever be sent.
        self.give.send(Box::new(work)).ok()?;
        let (begun, mut before) = (Instant::now(), None);
        loop {
            match receive.recv_timeout(LOOK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) => {
                    let worked = self.stat.as_deref().and_then(worked);
                    // What it had worked for others is not looked up before something takes long.
                    let before = *before.get_or_insert(worked);
                    let long = match worked.zip(before) {
                        Some((worked, before)) => worked.saturating_sub(before) > LONGEST_WORK,
                        None => begun.elapsed() > LONGEST_TIME,
                    };
                    if long {
                        return None;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// The processor's time that a thread has used, as Linux has it in the thread's `stat`: after the program's name, which may
/// hold anything, fields 14 and 15 of all, in hundredths of a second.
fn worked(stat: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(stat).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis(10 * (user + system)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{Failed, apart};

    #[test]
    fn what_is_done_apart_answers_panics_and_is_given_up() {
        for number in 0..100 {
            assert_eq!(apart(move || number + 1).expect("an answer"), number + 1);
        }
        let panicked = std::panic::catch_unwind(|| apart(|| -> u8 { panic!("as it does there") }));
        assert_eq!(*panicked.expect_err("a panic").downcast::<&str>().expect("its words"), "as it does there");
        assert_eq!(apart(|| 7).expect("the thread goes on after a panic"), 7);
        let enough = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&enough);
        assert!(matches!(apart(move || while !seen.load(Ordering::Relaxed) {}), Err(Failed::TooLong)));
        enough.store(true, Ordering::Relaxed);
        assert_eq!(apart(|| 8).expect("another thread"), 8);
        // Waiting is no work.
        assert_eq!(apart(|| std::thread::sleep(Duration::from_millis(300))).expect("time"), ());
    }
}
