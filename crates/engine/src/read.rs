//! Reading hook points over many sequences, reduced while it is computed, so that memory does not grow with the corpus.
//!
//! Beginnings that sequences of one job share are computed once; what is read of them is added to each. Sums are held
//! in f64 and given in f32.

use std::ops::ControlFlow;

use crate::decoder::Decoder;
use crate::hook::HookPoint;
use crate::intervene::{Edits, Intervention, Receipt};
use crate::plan::{Plan, Unit};
use crate::positions::{Positions, Shape};
use crate::score::ScoreSettings;
use crate::walk::{Batch, Hands, See, Walk, Work, Worker, in_order};
use crate::{Config, EngineError, activations};

/// A sequence to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSequence {
    /// Its tokens, at least one.
    pub tokens: Vec<u32>,
    /// How many of them are the prompt; the rest is the response.
    pub prompt: usize,
}

/// What becomes of the chosen positions of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean: one row.
    Mean,
    /// The last of them: one row.
    Last,
    /// The mean of every span: a row each.
    SpanMeans,
    /// All of them: a row each.
    Rows,
}

/// What is read of which sequences.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The corpus.
    pub sequences: &'a [ReadSequence],
    /// Hook points.
    pub points: &'a [HookPoint],
    /// Positions; every sequence must have one.
    pub positions: &'a Positions,
    /// What becomes of them.
    pub reduction: Reduction,
    /// Edits of the forward pass; what is read at a hook point is read after its edits.
    pub interventions: &'a [Intervention],
    /// How to compute.
    pub settings: ScoreSettings,
}

/// What was read of one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOut {
    /// R: 1, or the number of spans or positions.
    pub rows: usize,
    /// `[R, D]` for every hook point, in the order asked for.
    pub values: Vec<Vec<f32>>,
}

/// One token that goes into one row of one sequence's result.
#[derive(Clone, Copy)]
struct Target {
    piece: usize,
    offset: usize,
    sequence: usize,
    out: usize,
    weight: f64,
}

/// Collects a job's targets.
struct Collect<'a> {
    points: &'a [HookPoint],
    wide: usize,
    targets: Vec<Target>,
    /// Targets of the level under way, by row.
    here: Vec<(usize, Target)>,
    /// Of every sequence and point, [R, D].
    sums: Vec<Vec<Vec<f64>>>,
}

impl See for Collect<'_> {
    fn sees(&self, point: HookPoint) -> bool {
        self.points.contains(&point)
    }

    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>) {
        for (index, _) in self.points.iter().enumerate().filter(|(_, wanted)| **wanted == point) {
            for (row, target) in &self.here {
                let place = which.map_or(Ok(*row), |which| which.binary_search(row));
                let Ok(place) = place else { continue };
                let sums = &mut self.sums[target.sequence][index][target.out * self.wide..][..self.wide];
                for (sum, value) in sums.iter_mut().zip(&rows[place * self.wide..]) {
                    *sum += target.weight * f64::from(*value);
                }
            }
        }
    }
}

impl Work for Collect<'_> {
    fn begin(&mut self, batch: &Batch) {
        let row = |target: &Target| batch.row(target.piece, target.offset).map(|row| (row, *target));
        self.here = self.targets.iter().filter_map(row).collect();
    }

    fn sees(&self, point: HookPoint) -> bool {
        See::sees(self, point)
    }

    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>) {
        See::see(self, point, rows, which);
    }

    fn needs(&self, _: &Batch) -> Option<Vec<usize>> {
        let normed = self.points.contains(&HookPoint::FinalNorm);
        Some(if normed { in_order(self.here.iter().map(|(row, _)| *row)) } else { Vec::new() })
    }

    fn end(&mut self, batch: &Batch, hands: &mut Hands) -> Result<(), EngineError> {
        if !self.points.contains(&HookPoint::FinalNorm) {
            return Ok(());
        }
        let rows = in_order(self.here.iter().map(|(row, _)| *row));
        hands.finish(batch, &rows, self).map(|_| ())
    }
}

/// The rows that a sequence's positions go into: (position, row, weight), and the number of rows.
fn outputs(reading: &Reading, index: usize, shape: Shape) -> (Vec<(usize, usize, f64)>, usize) {
    let spans = reading.positions.of(index, shape);
    let all: Vec<usize> = spans.iter().cloned().flatten().collect();
    let even = |positions: &[usize], out: usize| {
        let weight = 1.0 / positions.len() as f64;
        positions.iter().map(|position| (*position, out, weight)).collect::<Vec<_>>()
    };
    match reading.reduction {
        Reduction::Mean => (even(&all, 0), 1),
        Reduction::Last => (all.last().map(|last| (*last, 0, 1.0)).into_iter().collect(), 1),
        Reduction::SpanMeans => {
            let each = spans.iter().enumerate().flat_map(|(out, span)| even(&span.clone().collect::<Vec<_>>(), out));
            (each.collect(), spans.len())
        }
        Reduction::Rows => (all.iter().enumerate().map(|(out, position)| (*position, out, 1.0)).collect(), all.len()),
    }
}

/// Reads, calling `on_done` in the caller's thread as each sequence is known; `Break` stops after the running jobs.
pub(crate) fn read(
    config: &Config,
    decoder: &Decoder,
    reading: &Reading,
    on_done: &mut dyn FnMut(usize, ReadOut) -> ControlFlow<()>,
) -> Result<Vec<Receipt>, EngineError> {
    let shape = |sequence: &ReadSequence| Shape { prompt: sequence.prompt, length: sequence.tokens.len() };
    let shapes: Vec<Shape> = reading.sequences.iter().map(shape).collect();
    for (index, sequence) in reading.sequences.iter().enumerate() {
        let wrong = |why: String| EngineError::Request(format!("sequence {index}: {why}"));
        activations::check(config, &sequence.tokens).map_err(|error| wrong(error.to_string()))?;
        if sequence.prompt > sequence.tokens.len() {
            return Err(wrong(format!("a prompt of {} of {} tokens", sequence.prompt, sequence.tokens.len())));
        }
    }
    for point in reading.points {
        point.check(config.layers)?;
    }
    reading.positions.check(&shapes)?;
    if let Some(none) = (0..shapes.len()).find(|index| reading.positions.of(*index, shapes[*index]).is_empty()) {
        return Err(EngineError::Request(format!("sequence {none}: no token is at the positions to read")));
    }
    let mut edits = Edits::new(config, reading.interventions, &shapes)?;
    let units: Vec<Unit> = reading
        .sequences
        .iter()
        .zip(&shapes)
        .enumerate()
        .map(|(index, (sequence, shape))| Unit {
            prompt: &sequence.tokens,
            tails: vec![&[]],
            classes: match edits.is_empty() {
                true => Vec::new(),
                false => vec![edits.classify(reading.interventions, index, *shape)],
            },
            own_from: sequence.tokens.len() - 1,
            long: config.is_long(sequence.tokens.len()),
        })
        .collect();
    let plan = Plan::new(config, &units, reading.settings.memory, false);
    let walk = Walk::new(config, decoder, &plan, &edits);
    let jobs: Vec<usize> = (0..plan.jobs.len()).collect();
    let work = |worker: &mut Worker, job: usize| run_job(worker, &plan, reading, &shapes, config.hidden, job);
    let mut stopped = false;
    walk.drive((reading.settings.threads, reading.settings.memory), &jobs, work, &mut |done: Vec<(
        usize,
        ReadOut,
    )>| {
        for (index, out) in done {
            stopped |= on_done(index, out).is_break();
        }
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let receipts = edits.receipts(&walk.tallies());
    if stopped { Ok(receipts.unwrap_or_default()) } else { receipts }
}

fn run_job(
    worker: &mut Worker,
    plan: &Plan,
    reading: &Reading,
    shapes: &[Shape],
    wide: usize,
    job: usize,
) -> Result<Vec<(usize, ReadOut)>, EngineError> {
    let layout = plan.layout(job);
    let mut collect = Collect { points: reading.points, wide, targets: Vec::new(), here: Vec::new(), sums: Vec::new() };
    let mut rows = Vec::new();
    for (sequence, unit) in plan.jobs[job].iter().enumerate() {
        let (outputs, count) = outputs(reading, *unit, shapes[*unit]);
        let mut at_position: Vec<(usize, usize)> = vec![(0, 0); shapes[*unit].length];
        for piece in layout.path(sequence) {
            let first = layout.pieces[piece].position;
            for offset in 0..layout.pieces[piece].keys.len() {
                at_position[first + offset] = (piece, offset);
            }
        }
        collect.targets.extend(outputs.into_iter().map(|(position, out, weight)| {
            let (piece, offset) = at_position[position];
            Target { piece, offset, sequence, out, weight }
        }));
        collect.sums.push(vec![vec![0.0; count * wide]; reading.points.len()]);
        rows.push(count);
    }
    worker.run(job, &layout, &mut collect)?;
    let narrow = |sums: Vec<f64>| sums.into_iter().map(|sum| sum as f32).collect();
    let out = |(sums, rows): (Vec<Vec<f64>>, usize)| ReadOut { rows, values: sums.into_iter().map(narrow).collect() };
    Ok(plan.jobs[job].iter().copied().zip(collect.sums.into_iter().zip(rows).map(out)).collect())
}
