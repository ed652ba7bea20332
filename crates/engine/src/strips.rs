//! Products of a small model over many rows: each task of the pool takes a strip of rows through all of them.
//!
//! Where the matrices fit in the caches, spreading every product by its outputs costs more than it gains: the rows are
//! brought into the kernel's form once a product, results go out to a shared cache and come back, and threads wait for each
//! other after each of many short products. A strip stays with one thread from its input to the last product, in memory
//! that the thread keeps. Larger matrices, few rows, and adapters beside a matrix are left to the products themselves: the
//! numbers are the same either way, since no row depends on those beside it.

use std::cell::RefCell;

use crate::block::Linear;
use crate::device::Feed;
use crate::host::feed_rows;
use crate::kernel::pool::{Pool, Shares, for_rows};
use crate::matrix::Workspace;

/// Rows of a strip: enough that reading the matrices from a cache is hidden by arithmetic, few enough that what is made on
/// the way stays in a core's own cache.
const STRIP: usize = 64;
/// Most bytes of matrices that every strip passes: they are read from the caches once a strip.
const MATRICES: usize = 4 << 20;

/// What a thread works in.
#[derive(Default)]
struct Scratch {
    workspace: Workspace,
    gate: Vec<f32>,
    activated: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Whether some rows are taken in strips through these matrices.
fn suits(linears: &[&Linear], count: usize, pool: &Pool) -> bool {
    let bytes: Option<usize> = linears.iter().map(|linear| linear.matrix.packed_bytes()).sum();
    count >= 2 * STRIP * pool.threads()
        && bytes.is_some_and(|bytes| bytes <= MATRICES)
        && linears.iter().all(|linear| linear.beside.is_empty())
}

/// out = input·Wᵀ + bias for `count` rows and each of some matrices of the same input, in strips where they suit.
pub(crate) fn project<const N: usize>(
    linears: [&Linear; N],
    count: usize,
    input: &[f32],
    outs: [&mut [f32]; N],
    workspace: &mut Workspace,
) {
    if !suits(&linears, count, &workspace.pool) {
        return Linear::project_together(linears, count, input, outs, workspace);
    }
    let wide = input.len() / count;
    let shares = outs.map(Shares::of);
    workspace.pool.run(count.div_ceil(STRIP), &|task| {
        let rows = task * STRIP..((task + 1) * STRIP).min(count);
        let outs = std::array::from_fn(|at| {
            let width = linears[at].rows();
            // SAFETY: tasks have disjoint rows.
            unsafe { shares[at].part(rows.start * width..rows.end * width) }
        });
        let input = &input[rows.start * wide..rows.end * wide];
        SCRATCH.with_borrow_mut(|scratch| {
            Linear::project_together(linears, rows.len(), input, outs, &mut scratch.workspace);
        });
    });
}

/// A feed-forward layer for `count` rows in strips; does nothing and says so where they do not suit.
pub(crate) fn feed_forward(feed: &Feed<'_, Linear>, count: usize, input: &[f32], out: &mut [f32], pool: &Pool) -> bool {
    if !suits(&[feed.gate, feed.up, feed.down], count, pool) {
        return false;
    }
    let (wide, width) = (input.len() / count, feed.down.rows());
    for_rows(pool, out, width, STRIP, |first, out| {
        let count = out.len() / width;
        let input = &input[first * wide..(first + count) * wide];
        SCRATCH.with_borrow_mut(|Scratch { workspace, gate, activated }| {
            feed_rows(feed, count, input, [gate, activated], out, workspace);
        });
    });
    true
}
