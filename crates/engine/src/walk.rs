//! Runs the jobs of a plan: a worker keeps the keys and values of the spine that its jobs share, and computes a job
//! level by level; several workers take neighbouring jobs each.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::decoder::{Buffers, Decoder, Segment, Store};
use crate::hook::{HookPoint, Visitor};
use crate::intervene::{Edits, Tally};
use crate::plan::{Layout, Plan, class, is_long, token};
use crate::{Config, EngineError};

/// What every worker shares.
pub(crate) struct Walk<'a> {
    pub config: &'a Config,
    pub decoder: &'a Decoder,
    pub plan: &'a Plan<'a>,
    pub edits: &'a Edits,
    tallies: Mutex<BTreeMap<Call, Vec<Tally>>>,
}

/// Which part of a plan was computed; what edits did is summed in this order, whoever computed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Spine(usize),
    Job(usize),
}

/// One worker.
pub(crate) struct Worker<'a> {
    walk: &'a Walk<'a>,
    store: Store,
    buffers: Buffers,
    /// Segments of the spine whose keys and values are in the store, and where.
    held: Vec<(usize, Range<usize>)>,
}

/// The tokens that a level computes: rows of one matrix.
pub(crate) struct Batch {
    /// First row of each piece of the job; `usize::MAX` where it is not of this level.
    first: Vec<usize>,
    /// What is done to which row, an edit each.
    touched: Vec<Vec<(usize, usize)>>,
}

impl Batch {
    /// The row of a piece's token.
    pub fn row(&self, piece: usize, offset: usize) -> Option<usize> {
        (self.first[piece] != usize::MAX).then(|| self.first[piece] + offset)
    }
}

/// What is done with the levels of a job.
pub(crate) trait Work {
    /// Before a level is computed.
    fn begin(&mut self, _batch: &Batch) {}
    /// At every hook point, after edits.
    fn see(&mut self, _point: HookPoint, _rows: &[f32], _which: Option<&[usize]>) {}
    /// After a level: the stream after the last block, [N, D].
    fn end(&mut self, batch: &Batch, stream: &[f32], hands: &mut Hands);
}

/// What is needed to go on from the stream to logits.
pub(crate) struct Hands<'a> {
    pub walk: &'a Walk<'a>,
    pub buffers: &'a mut Buffers,
    tallies: &'a mut [Tally],
}

impl Hands<'_> {
    /// Final norm of some rows of the stream, [N, D]; `which`, in order, are their numbers in the batch.
    pub fn finish(&mut self, batch: &Batch, rows: &[f32], which: &[usize], work: &mut dyn See) -> Vec<f32> {
        let mut hooks = Hooks { edits: self.walk.edits, touched: &batch.touched, tallies: self.tallies, see: work };
        self.walk.decoder.finish(rows, which, &mut hooks)
    }
}

/// The seeing part of [`Work`].
pub(crate) trait See {
    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>);
}

/// Sees nothing.
pub(crate) struct Unseen;

impl See for Unseen {
    fn see(&mut self, _: HookPoint, _: &[f32], _: Option<&[usize]>) {}
}

struct ByWork<'a>(&'a mut dyn Work);

impl See for ByWork<'_> {
    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>) {
        self.0.see(point, rows, which);
    }
}

/// Edits, then shows.
pub(crate) struct Hooks<'a> {
    pub edits: &'a Edits,
    pub touched: &'a [Vec<(usize, usize)>],
    pub tallies: &'a mut [Tally],
    pub see: &'a mut dyn See,
}

impl Visitor for Hooks<'_> {
    fn visit(&mut self, point: HookPoint, rows: &mut [f32], which: Option<&[usize]>) {
        self.edits.apply(point, rows, which, self.touched, self.tallies);
        self.see.see(point, rows, which);
    }
}

impl<'a> Walk<'a> {
    pub fn new(config: &'a Config, decoder: &'a Decoder, plan: &'a Plan<'a>, edits: &'a Edits) -> Walk<'a> {
        Walk { config, decoder, plan, edits, tallies: Mutex::default() }
    }

    fn tell(&self, call: Call, tallies: Vec<Tally>) {
        if !self.edits.is_empty() {
            self.tallies.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_insert(tallies);
        }
    }

    /// What the edits did in all that was computed.
    pub fn tallies(&self) -> Vec<Tally> {
        let mut sum = self.edits.tallies();
        for tallies in self.tallies.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sum.iter_mut().zip(tallies).for_each(|(sum, tally)| sum.add(tally));
        }
        sum
    }

    /// Computes those jobs that are `wanted` on as many workers, calling `on_done` in the caller's thread with what
    /// `work` makes of each. After `Break`, or an error, no job is begun; what is under way is still reported.
    pub fn drive<R: Send>(
        &self,
        workers: usize,
        wanted: &[usize],
        work: impl Fn(&mut Worker, usize) -> Result<R, EngineError> + Sync,
        on_done: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let workers = workers.clamp(1, wanted.len().max(1));
        let parts = Parts::new(wanted.len(), workers);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let (send, receive) = mpsc::channel();
            for number in 0..workers {
                let (send, parts, stop, work) = (send.clone(), &parts, &stop, &work);
                scope.spawn(move || {
                    let mut worker = Worker::new(self);
                    while !stop.load(Ordering::Relaxed) {
                        let Some(next) = parts.next(number) else { return };
                        let answer = work(&mut worker, wanted[next]);
                        if answer.is_err() {
                            stop.store(true, Ordering::Relaxed);
                        }
                        if send.send(answer).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            let mut failed = None;
            for answer in receive {
                match answer {
                    Ok(done) => {
                        if on_done(done).is_break() {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(error) => {
                        failed.get_or_insert(error);
                    }
                }
            }
            failed.map_or(Ok(()), Err)
        })
    }
}

/// Neighbouring jobs for each worker; one that has none left takes half of what another has yet to do.
struct Parts(Mutex<Vec<Range<usize>>>);

impl Parts {
    fn new(jobs: usize, workers: usize) -> Parts {
        let cut = |worker: usize| jobs * worker / workers;
        Parts(Mutex::new((0..workers).map(|worker| cut(worker)..cut(worker + 1)).collect()))
    }

    fn next(&self, worker: usize) -> Option<usize> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parts[worker].is_empty() {
            let longest = (0..parts.len()).max_by_key(|other| parts[*other].len())?;
            let middle = parts[longest].end - parts[longest].len().div_ceil(2);
            parts[worker] = middle..parts[longest].end;
            parts[longest].end = middle;
        }
        parts[worker].next()
    }
}

impl<'a> Worker<'a> {
    pub fn new(walk: &'a Walk<'a>) -> Worker<'a> {
        Worker { walk, store: Store::new(walk.config, 0), buffers: Buffers::default(), held: Vec::new() }
    }

    /// Computes a job, showing its levels to `work`. Its pieces' rows in the store are returned: see
    /// [`Worker::into_store`].
    pub fn run(&mut self, job: usize, layout: &Layout, work: &mut dyn Work) -> Vec<Range<usize>> {
        let mut next = self.hold(job);
        let walk = self.walk;
        let pieces = &layout.pieces;
        let stored: Vec<Range<usize>> = pieces
            .iter()
            .map(|piece| {
                next += piece.keys.len();
                next - piece.keys.len()..next
            })
            .collect();
        self.store.grow(next);
        let mut tallies = walk.edits.tallies();
        let levels = pieces.iter().map(|piece| piece.level + 1).max().unwrap_or(0);
        for level in 0..levels {
            let mut keys: Vec<u64> = Vec::new();
            let mut first = vec![usize::MAX; pieces.len()];
            let mut segments = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                if piece.level != level || piece.keys.is_empty() {
                    continue;
                }
                first[index] = keys.len();
                let rows = keys.len()..keys.len() + piece.keys.len();
                keys.extend_from_slice(&piece.keys);
                segments.push(Segment {
                    rows,
                    position: piece.position,
                    chain: self.chain(layout, &stored, index),
                    stored: stored[index].start,
                    long: is_long(piece.keys[0]),
                });
            }
            if keys.is_empty() {
                continue;
            }
            let batch = Batch { first, touched: walk.edits.rows(keys.iter().map(|key| class(*key))) };
            work.begin(&batch);
            let mut see = ByWork(work);
            let stream = self.compute(&keys, &segments, &batch.touched, &mut tallies, &mut see);
            work.end(&batch, &stream, &mut Hands { walk, buffers: &mut self.buffers, tallies: &mut tallies });
        }
        walk.tell(Call::Job(job), tallies);
        stored
    }

    /// The store, for decoding on from it.
    pub fn into_store(self) -> (Store, Buffers) {
        (self.store, self.buffers)
    }

    fn compute(
        &mut self,
        keys: &[u64],
        segments: &[Segment],
        touched: &[Vec<(usize, usize)>],
        tallies: &mut [Tally],
        see: &mut dyn See,
    ) -> Vec<f32> {
        let tokens: Vec<u32> = keys.iter().map(|key| token(*key)).collect();
        let mut hooks = Hooks { edits: self.walk.edits, touched, tallies, see };
        self.walk.decoder.run(&tokens, segments, &mut self.store, &mut self.buffers, &mut hooks)
    }

    /// Makes the store hold what a job needs of the spine, and no more; returns the first free row.
    fn hold(&mut self, job: usize) -> usize {
        let walk = self.walk;
        let needed = walk.plan.needed(job);
        self.held.retain(|(segment, _)| needed.contains(segment));
        let mut next = 0;
        for (_, rows) in &mut self.held {
            if rows.start != next {
                self.store.move_down(rows.clone(), next);
            }
            *rows = next..next + rows.len();
            next = rows.end;
        }
        for segment in needed {
            if self.held.iter().any(|(held, _)| *held == segment) {
                continue;
            }
            let node = &walk.plan.spine.nodes[segment];
            let rows = next..next + node.tokens.len();
            self.store.grow(rows.end);
            let chain = node.parent.map_or(Vec::new(), |parent| self.spine_chain(parent, node.depth));
            let segments = [Segment {
                rows: 0..node.tokens.len(),
                position: node.depth,
                chain,
                stored: rows.start,
                long: is_long(node.tokens[0]),
            }];
            let touched = walk.edits.rows(node.tokens.iter().map(|key| class(*key)));
            let mut tallies = walk.edits.tallies();
            self.compute(&node.tokens, &segments, &touched, &mut tallies, &mut Unseen);
            walk.tell(Call::Spine(segment), tallies);
            next = rows.end;
            self.held.push((segment, rows));
        }
        next
    }

    /// Rows of the store of a path down the spine, cut after so many tokens.
    fn spine_chain(&self, segment: usize, tokens: usize) -> Vec<Range<usize>> {
        let mut left = tokens;
        let mut chain = Vec::new();
        for segment in self.walk.plan.path(segment) {
            let held = self.held.iter().find(|(held, _)| *held == segment);
            let rows = held.map(|(_, rows)| rows.clone()).expect("parents are computed first");
            let length = rows.len().min(left);
            left -= length;
            if length > 0 {
                chain.push(rows.start..rows.start + length);
            }
        }
        chain
    }

    /// Rows of the store above a piece, oldest first.
    fn chain(&self, layout: &Layout, stored: &[Range<usize>], piece: usize) -> Vec<Range<usize>> {
        let mut chain = Vec::new();
        let mut top = piece;
        while let Some(parent) = layout.pieces[top].parent {
            if !stored[parent].is_empty() {
                chain.push(stored[parent].clone());
            }
            top = parent;
        }
        chain.reverse();
        let mut whole =
            layout.pieces[top].leaves.map_or(Vec::new(), |(segment, tokens)| self.spine_chain(segment, tokens));
        whole.extend(chain);
        whole
    }

    /// Rows of the store of a whole sequence of a job that was just run, oldest first.
    pub fn sequence(&self, layout: &Layout, stored: &[Range<usize>], sequence: usize) -> Vec<Range<usize>> {
        let end = layout.ends[sequence];
        let mut whole = self.chain(layout, stored, end);
        whole.push(stored[end].clone());
        whole
    }
}
