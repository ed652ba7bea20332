//! Runs the jobs of a plan: a worker keeps the keys and values of the spine that its jobs share, and computes a job
//! level by level; several workers take neighbouring jobs each.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::decoder::{Decoder, Segment};
use crate::forward::Session;
use crate::hook::{HookPoint, Visitor, Wanted};
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
    session: Box<dyn Session + 'a>,
    /// Segments of the spine whose keys and values are in the store, and where.
    held: Vec<(usize, Range<usize>)>,
    /// Rows of the store that jobs have filled, and first of those that the next job may.
    filled: usize,
    free: usize,
}

/// What is done to which row of a call, an edit each.
type Touched = [Vec<(usize, usize)>];

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

/// Rows in order, each once.
pub(crate) fn in_order(rows: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut rows: Vec<usize> = rows.collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// What is done with the levels of a job.
pub(crate) trait Work {
    /// Before a level is computed.
    fn begin(&mut self, _batch: &Batch) {}
    /// Whether it sees a hook point.
    fn sees(&self, _point: HookPoint) -> bool {
        false
    }
    /// At every hook point that it sees, after edits.
    fn see(&mut self, _point: HookPoint, _rows: &[f32], _which: Option<&[usize]>) {}
    /// Rows of a level whose stream it needs when that is computed, in order; all where there is none.
    fn needs(&self, _batch: &Batch) -> Option<Vec<usize>> {
        None
    }
    /// After a level, of which the stream that is needed is in the session.
    fn end(&mut self, batch: &Batch, hands: &mut Hands) -> Result<(), EngineError>;
}

/// What is needed to go on from the stream to logits.
pub(crate) struct Hands<'a> {
    pub session: &'a mut dyn Session,
    edits: &'a Edits,
    tallies: &'a mut [Tally],
}

impl Hands<'_> {
    /// Final norm of some rows of the stream, [which, D]; `which`, in order, are their numbers in the batch.
    pub fn finish(&mut self, batch: &Batch, which: &[usize], work: &mut dyn See) -> Result<Vec<f32>, EngineError> {
        let mut hooks = Hooks { edits: self.edits, touched: &batch.touched, tallies: self.tallies, see: work };
        self.session.finish(which, &mut hooks)
    }
}

/// The seeing part of [`Work`].
pub(crate) trait See {
    fn sees(&self, point: HookPoint) -> bool;
    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>);
}

/// Sees nothing.
pub(crate) struct Unseen;

impl See for Unseen {
    fn sees(&self, _: HookPoint) -> bool {
        false
    }

    fn see(&mut self, _: HookPoint, _: &[f32], _: Option<&[usize]>) {}
}

struct ByWork<'a>(&'a mut dyn Work);

impl See for ByWork<'_> {
    fn sees(&self, point: HookPoint) -> bool {
        self.0.sees(point)
    }

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
    fn wants(&self, point: HookPoint) -> Wanted {
        match (self.edits.acts_at(point), self.see.sees(point)) {
            (true, _) => Wanted::Change,
            (false, true) => Wanted::Sight,
            (false, false) => Wanted::Nothing,
        }
    }

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

    /// Computes those jobs that are `wanted`, on a worker a thread as far as memory and jobs go round, or on one worker
    /// whose products are spread over the threads that the model was opened with. Calls `on_done` in the caller's thread
    /// with what `work` makes of each. After `Break`, or an error, no job is begun; what is under way is still reported.
    pub fn drive<R: Send>(
        &self,
        (threads, memory): (usize, usize),
        wanted: &[usize],
        work: impl Fn(&mut Worker, usize) -> Result<R, EngineError> + Sync,
        on_done: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let threads = if self.decoder.takes_workers() { threads } else { 1 };
        let workers = self.plan.workers(self.config, threads, memory).min(wanted.len().max(1));
        let alone = workers == 1 && threads > 1;
        parallel(workers, wanted.len(), || Worker::new(self, alone), |worker, next| work(worker, wanted[next]), on_done)
    }
}

/// Does numbered work on several threads, neighbours on the same one, calling `on_done` in the caller's thread. After
/// `Break`, or an error, nothing is begun; what is under way is still reported.
pub(crate) fn parallel<W, R: Send>(
    workers: usize,
    count: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, usize) -> Result<R, EngineError> + Sync,
    on_done: &mut dyn FnMut(R) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let workers = workers.clamp(1, count.max(1));
    let parts = Parts::new(count, workers);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Bounded, so that results do not pile up, nor much is computed after a `Break`.
        let (send, receive) = mpsc::sync_channel(workers);
        for number in 0..workers {
            let (send, parts, stop, worker, work) = (send.clone(), &parts, &stop, &worker, &work);
            scope.spawn(move || {
                let mut worker = worker();
                while !stop.load(Ordering::Relaxed) {
                    let Some(next) = parts.next(number) else { return };
                    let answer = work(&mut worker, next);
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
    /// One that has all threads of the model to itself, or stays on its own.
    pub fn new(walk: &'a Walk<'a>, alone: bool) -> Worker<'a> {
        Worker { walk, session: walk.decoder.session(alone), held: Vec::new(), filled: 0, free: 0 }
    }

    /// Computes a job, showing its levels to `work`. Returns its pieces' rows in the store.
    pub fn run(&mut self, job: usize, layout: &Layout, work: &mut dyn Work) -> Result<Vec<Range<usize>>, EngineError> {
        let mut next = self.hold(job)?.max(self.free);
        let walk = self.walk;
        let pieces = &layout.pieces;
        let stored: Vec<Range<usize>> = pieces
            .iter()
            .map(|piece| {
                next += piece.keys.len();
                next - piece.keys.len()..next
            })
            .collect();
        self.session.grow(next)?;
        self.filled = next;
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
            let needed = work.needs(&batch);
            let mut see = ByWork(work);
            self.compute(&keys, &segments, needed.as_deref(), (&batch.touched, &mut tallies), &mut see)?;
            let mut hands = Hands { session: &mut *self.session, edits: walk.edits, tallies: &mut tallies };
            work.end(&batch, &mut hands)?;
        }
        walk.tell(Call::Job(job), tallies);
        Ok(stored)
    }

    /// Keeps what jobs have stored until now: the next job is put behind it. Only for plans without a spine.
    pub fn keep(&mut self) {
        self.free = self.filled;
    }

    /// The session, for decoding on from what it stored, and its first free row.
    pub fn into_session(self) -> (Box<dyn Session + 'a>, usize) {
        (self.session, self.filled)
    }

    fn compute(
        &mut self,
        keys: &[u64],
        segments: &[Segment],
        needed: Option<&[usize]>,
        (touched, tallies): (&Touched, &mut [Tally]),
        see: &mut dyn See,
    ) -> Result<(), EngineError> {
        let tokens: Vec<u32> = keys.iter().map(|key| token(*key)).collect();
        let mut hooks = Hooks { edits: self.walk.edits, touched, tallies, see };
        self.session.run(&tokens, segments, needed, &mut hooks)
    }

    /// Makes the store hold what a job needs of the spine, and no more; returns the first free row.
    fn hold(&mut self, job: usize) -> Result<usize, EngineError> {
        let walk = self.walk;
        let needed = walk.plan.needed(job);
        self.held.retain(|(segment, _)| needed.contains(segment));
        let mut next = 0;
        for (_, rows) in &mut self.held {
            if rows.start != next {
                self.session.move_down(rows.clone(), next)?;
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
            self.session.grow(rows.end)?;
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
            // Only the keys and values of the spine are used.
            self.compute(&node.tokens, &segments, Some(&[]), (&touched, &mut tallies), &mut Unseen)?;
            walk.tell(Call::Spine(segment), tallies);
            next = rows.end;
            self.held.push((segment, rows));
        }
        Ok(next)
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
