//! Work on whole vectors of parameters, in stretches that several threads take one after another.
//!
//! The stretches do not depend on the number of threads, and sums are put together in their order, so that results do not
//! depend on it either.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

use undermask_engine::ops::add;

/// Numbers of a stretch.
pub(super) const STRETCH: usize = 1 << 15;

/// Waits for threads, and goes on with a panic of one of them. Threads that are dropped instead are detached while they end,
/// which reads freed memory in some C libraries (glibc's bug 19951).
pub(super) fn join_all(threads: Vec<ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
    }
}

/// Runs every task once, in any order, on so many threads.
pub(super) fn for_each<T: Send>(threads: usize, tasks: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    let tasks = Mutex::new(tasks);
    let next = || tasks.lock().ok().and_then(|mut tasks| tasks.next());
    let turn = || {
        while let Some(task) = next() {
            work(task);
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(turn)).collect();
        turn();
        join_all(others);
    });
}

/// total += every other vector, in their order.
pub(super) fn add_all(threads: usize, total: &mut [f32], others: &[&[f32]]) {
    for_each(threads, total.chunks_mut(STRETCH).enumerate(), |(index, total)| {
        for other in others {
            add(total, &other[index * STRETCH..][..total.len()]);
        }
    });
}

/// Σ x², in double precision.
pub(super) fn square_norm(threads: usize, values: &[f32]) -> f64 {
    let mut sums = vec![0.0; values.len().div_ceil(STRETCH)];
    for_each(threads, sums.iter_mut().zip(values.chunks(STRETCH)), |(sum, values)| *sum = square_sum(values));
    sums.iter().sum()
}

/// Eight interleaved sums, so that it vectorises.
fn square_sum(values: &[f32]) -> f64 {
    pulp::Arch::new().dispatch(|| {
        let mut lanes = [0.0f64; 8];
        for eight in values.chunks(8) {
            for (lane, value) in lanes.iter_mut().zip(eight) {
                *lane += f64::from(*value) * f64::from(*value);
            }
        }
        lanes.iter().sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_same_with_any_number_of_threads() {
        let values: Vec<f32> = (0..3 * STRETCH + 5).map(|place| (place % 97) as f32 * 0.01 - 0.4).collect();
        let plain: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        let once = square_norm(1, &values);
        assert!((once - plain).abs() < 1e-9 * plain);
        let mut total = values.clone();
        add_all(3, &mut total, &[&values, &values]);
        assert!(total.iter().zip(&values).all(|(total, value)| (total - 3.0 * value).abs() < 1e-6));
        for threads in [2, 5] {
            assert_eq!(square_norm(threads, &values), once);
        }
    }
}
