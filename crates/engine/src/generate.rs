//! Generation: prompts are computed like any others, shared beginnings once; then all sequences of a batch take a step
//! together, each from its own keys and values, until each stops by itself.

use std::ops::{ControlFlow, Range};

use crate::decoder::{Decoder, Segment};
use crate::extremes::all_finite;
use crate::forward::Session;
use crate::hook::HookPoint;
use crate::intervene::{Edits, Intervention, Receipt, Tally};
use crate::plan::{Plan, Unit, bytes_stored};
use crate::positions::Shape;
use crate::sample::{Sampling, log_probability};
use crate::score::ScoreSettings;
use crate::walk::{Batch, Hands, Hooks, See, Unseen, Walk, Work, Worker, in_order, parallel};
use crate::{Config, EngineError, activations};

/// A prompt to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateRequest {
    /// Tokens, at least one.
    pub prompt: Vec<u32>,
    /// Which of the seed's streams it draws from; repeated samples of one prompt have different ones.
    pub stream: u64,
}

/// What to generate and how.
#[derive(Debug, Clone, Copy)]
pub struct Generation<'a> {
    /// The prompts.
    pub requests: &'a [GenerateRequest],
    /// Most tokens of a response, at least 1.
    pub most: usize,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Texts at which a response ends, wherever they fall among its tokens.
    pub stop: &'a [String],
    /// Hook points whose mean over the response's tokens is read.
    pub points: &'a [HookPoint],
    /// Edits of the forward pass. What is read anew where LongRoPE changes its list counts anew in receipts.
    pub interventions: &'a [Intervention],
    /// Memory bounds how many sequences take a step together; with one thread all is done in the caller's, with more in
    /// those that the model was opened with.
    pub settings: ScoreSettings,
}

/// Why a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// An end token, which is not part of the response.
    End(u32),
    /// A stop text, which is in the tokens but not in the text.
    Stop(String),
    /// It has as many tokens as were asked for.
    Length,
    /// The sequence is as long as the model reads.
    Full,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Its text, up to a stop text, without special tokens.
    pub text: String,
    /// ln p of each token under the model (with its interventions), without temperature and filters.
    pub log_probabilities: Vec<f64>,
    /// Why it ended.
    pub finish: Finish,
    /// Mean over the response's tokens, [D], for every hook point asked for; empty where the response is.
    pub means: Vec<Vec<f32>>,
}

/// Sequences of a batch, at most: more rows than this no longer make a step cheaper per sequence.
const LARGEST_BATCH: usize = 64;
/// Rows of the store that a sequence takes at a time while it grows.
const STRETCH: usize = 64;

/// One sequence under way.
struct Running {
    request: usize,
    /// Rows of the store that hold it, oldest first.
    chain: Vec<Range<usize>>,
    /// Rows of the store that it may still fill.
    free: Range<usize>,
    /// Tokens in the store.
    length: usize,
    long: bool,
    /// What follows the prompt.
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
    /// The final norm of its last token.
    last: Vec<f32>,
    text: String,
    finish: Option<Finish>,
    /// Of each hook point, the sum over the response's tokens.
    sums: Vec<Vec<f64>>,
    /// Whether its last token has yet to be read, for the means only.
    closing: bool,
}

/// Everything that batches share.
struct Shared<'a> {
    config: &'a Config,
    decoder: &'a Decoder,
    generation: &'a Generation<'a>,
    units: &'a [Unit<'a>],
    edits: &'a Edits,
    decode: &'a (dyn Fn(&[u32]) -> Result<String, EngineError> + Sync),
}

/// Generates, calling `on_done` in the caller's thread as each response is known; `Break` stops after running batches.
pub(crate) fn generate(
    config: &Config,
    decoder: &Decoder,
    decode: &(dyn Fn(&[u32]) -> Result<String, EngineError> + Sync),
    generation: &Generation,
    on_done: &mut dyn FnMut(usize, Generated) -> ControlFlow<()>,
) -> Result<Vec<Receipt>, EngineError> {
    generation.sampling.check()?;
    let wrong = |why: &str| Err(EngineError::Request(why.to_owned()));
    if generation.most == 0 {
        return wrong("0 tokens are to be generated; ask for one at least");
    }
    if generation.stop.iter().any(String::is_empty) {
        return wrong("a stop text is empty, which would end every response at once");
    }
    for point in generation.points {
        point.check(config.layers)?;
    }
    for (index, request) in generation.requests.iter().enumerate() {
        activations::check(config, &request.prompt)
            .map_err(|error| EngineError::Request(format!("request {index}: {error}")))?;
    }
    let shape = |request: &GenerateRequest| Shape {
        prompt: request.prompt.len(),
        length: (request.prompt.len() + generation.most).min(config.longest),
    };
    let shapes: Vec<Shape> = generation.requests.iter().map(shape).collect();
    let mut edits = Edits::new(config, generation.interventions, &shapes)?;
    let units: Vec<Unit> = generation
        .requests
        .iter()
        .enumerate()
        .map(|(index, request)| Unit {
            prompt: &request.prompt,
            tails: vec![&[]],
            classes: match edits.is_empty() {
                true => Vec::new(),
                false => vec![edits.classify(generation.interventions, index, shapes[index])],
            },
            own_from: request.prompt.len() - 1,
            long: config.is_long(request.prompt.len()),
        })
        .collect();
    let shared = Shared { config, decoder, generation, units: &units, edits: &edits, decode };
    let batches = batches(config, generation, &shapes);
    let mut tallies: Vec<(usize, Vec<Tally>)> = Vec::new();
    let mut stopped = false;
    let work = |_: &mut (), batch: usize| Ok((batch, run_batch(&shared, &batches[batch])?));
    parallel(1, batches.len(), || (), work, &mut |(batch, (done, tally))| {
        tallies.push((batch, tally));
        for (request, generated) in done {
            stopped |= on_done(request, generated).is_break();
        }
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    // What edits did is summed in the order of batches, so that receipts do not depend on which was done first.
    tallies.sort_by_key(|(batch, _)| *batch);
    let mut sum = edits.tallies();
    for (_, tallies) in tallies {
        sum.iter_mut().zip(&tallies).for_each(|(sum, tally)| sum.add(tally));
    }
    let receipts = edits.receipts(&sum);
    if stopped { Ok(receipts.unwrap_or_default()) } else { receipts }
}

/// Requests with common beginnings together, as many as the memory holds with their responses.
fn batches(config: &Config, generation: &Generation, shapes: &[Shape]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..shapes.len()).collect();
    order.sort_by(|one, two| generation.requests[*one].prompt.cmp(&generation.requests[*two].prompt));
    let room = generation.settings.memory / bytes_stored(config).max(1);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for index in order {
        let new = shapes[index].length.next_multiple_of(STRETCH);
        match batches.last_mut() {
            Some(batch) if batch.len() < LARGEST_BATCH && used + new <= room => {
                batch.push(index);
                used += new;
            }
            _ => {
                batches.push(vec![index]);
                used = new;
            }
        }
    }
    batches
}

/// The stream of each prompt's last token, after the final norm.
struct Prefill {
    /// Piece and offset of each sequence's last token.
    ends: Vec<(usize, usize)>,
    last: Vec<Vec<f32>>,
    /// D.
    wide: usize,
}

impl Work for Prefill {
    fn needs(&self, batch: &Batch) -> Option<Vec<usize>> {
        Some(in_order(self.ends.iter().filter_map(|(piece, offset)| batch.row(*piece, *offset))))
    }

    fn end(&mut self, batch: &Batch, hands: &mut Hands) -> Result<(), EngineError> {
        let wide = self.wide;
        let mut here: Vec<(usize, usize)> = self
            .ends
            .iter()
            .enumerate()
            .filter_map(|(sequence, (piece, offset))| batch.row(*piece, *offset).map(|row| (row, sequence)))
            .collect();
        here.sort_unstable();
        let mut rows: Vec<usize> = here.iter().map(|(row, _)| *row).collect();
        rows.dedup();
        let normed = hands.finish(batch, &rows, &mut Unseen)?;
        for (row, sequence) in here {
            let place = rows.binary_search(&row).expect("every row is among them");
            self.last[sequence] = normed[place * wide..(place + 1) * wide].to_vec();
        }
        Ok(())
    }
}

type Done = (Vec<(usize, Generated)>, Vec<Tally>);

fn run_batch(shared: &Shared, requests: &[usize]) -> Result<Done, EngineError> {
    let Shared { config, decoder, generation, edits, .. } = *shared;
    let units: Vec<Unit> = requests.iter().map(|request| shared.units[*request].clone()).collect();
    // The prompt's keys need the classes of the prompt only.
    let units: Vec<Unit> = units
        .into_iter()
        .map(|unit| Unit {
            classes: unit.classes.iter().map(|all| all[..unit.prompt.len()].to_vec()).collect(),
            ..unit
        })
        .collect();
    let plan = Plan::new(config, &units, generation.settings.memory, false);
    let walk = Walk::new(config, decoder, &plan, edits);
    // One batch at a time has all threads: a step is bound by reading the weights, which all sequences then share.
    let mut worker = Worker::new(&walk, generation.settings.threads > 1);
    let mut running: Vec<Running> = Vec::new();
    for job in 0..plan.jobs.len() {
        let layout = plan.layout(job);
        let end = |sequence: usize| (layout.ends[sequence], layout.pieces[layout.ends[sequence]].keys.len() - 1);
        let count = plan.jobs[job].len();
        let ends = (0..count).map(end).collect();
        let mut prefill = Prefill { ends, last: vec![Vec::new(); count], wide: config.hidden };
        let stored = worker.run(job, &layout, &mut prefill)?;
        worker.keep();
        for (sequence, (unit, last)) in plan.jobs[job].iter().zip(prefill.last).enumerate() {
            let length = units[*unit].prompt.len();
            running.push(Running {
                request: requests[*unit],
                chain: worker.sequence(&layout, &stored, sequence),
                free: 0..0,
                length,
                long: units[*unit].long,
                tokens: Vec::new(),
                log_probabilities: Vec::new(),
                last,
                text: String::new(),
                finish: None,
                sums: vec![vec![0.0; config.hidden]; generation.points.len()],
                closing: false,
            });
        }
    }
    let (session, next) = worker.into_session();
    let mut tallies = walk.tallies();
    let mut steps = Steps { shared, session, next };
    let mut done = Vec::new();
    while !running.is_empty() {
        steps.draw(&mut running)?;
        let (over, on): (Vec<Running>, Vec<Running>) =
            running.into_iter().partition(|sequence| sequence.finish.is_some() && !sequence.closing);
        done.extend(over.into_iter().map(|sequence| (sequence.request, sequence.into_generated())));
        running = on;
        steps.read(&mut running, &mut tallies)?;
    }
    Ok((done, tallies))
}

impl Running {
    fn into_generated(self) -> Generated {
        let count = self.tokens.len() as f64;
        let mean = |sums: Vec<f64>| sums.into_iter().map(|sum| (sum / count) as f32).collect();
        let means = if self.tokens.is_empty() { Vec::new() } else { self.sums.into_iter().map(mean).collect() };
        Generated {
            tokens: self.tokens,
            text: self.text,
            log_probabilities: self.log_probabilities,
            finish: self.finish.unwrap_or(Finish::Length),
            means,
        }
    }
}

/// The decoding of one batch.
struct Steps<'a> {
    shared: &'a Shared<'a>,
    session: Box<dyn Session + 'a>,
    /// First row of the store that nobody has.
    next: usize,
}

/// Adds the rows that are a response's token to the sums of its sequence.
struct Means<'a> {
    points: &'a [HookPoint],
    wide: usize,
    /// Of each sequence, the row of its last token.
    rows: Vec<usize>,
    sums: Vec<Vec<Vec<f64>>>,
}

impl See for Means<'_> {
    fn sees(&self, point: HookPoint) -> bool {
        self.points.contains(&point)
    }

    fn see(&mut self, point: HookPoint, rows: &[f32], which: Option<&[usize]>) {
        for (index, _) in self.points.iter().enumerate().filter(|(_, wanted)| **wanted == point) {
            for (row, sums) in self.rows.iter().zip(&mut self.sums) {
                let place = which.map_or(Ok(*row), |which| which.binary_search(row));
                let Ok(place) = place else { continue };
                let row = &rows[place * self.wide..][..self.wide];
                sums[index].iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
            }
        }
    }
}

impl Steps<'_> {
    /// Draws each sequence's next token from its last row, and sees whether it ends.
    fn draw(&mut self, running: &mut [Running]) -> Result<(), EngineError> {
        let Shared { config, decoder, generation, .. } = *self.shared;
        let rows: Vec<f32> = running.iter().flat_map(|sequence| sequence.last.iter().copied()).collect();
        let mut logits = self.session.logits(running.len(), &rows)?;
        decoder.cap(&mut logits);
        for (sequence, logits) in running.iter_mut().zip(logits.chunks_exact(config.vocabulary)) {
            if sequence.closing {
                sequence.closing = false;
                continue;
            }
            if !all_finite(logits) {
                return Err(EngineError::NotFinite(sequence.length));
            }
            let stream = generation.requests[sequence.request].stream;
            let token = generation.sampling.draw(logits, stream, sequence.tokens.len() as u64);
            if config.end_tokens.contains(&token) {
                sequence.finish = Some(Finish::End(token));
                sequence.text = (self.shared.decode)(&sequence.tokens)?;
                sequence.closing = !generation.points.is_empty() && sequence.length < sequence.read_to(generation);
                continue;
            }
            sequence.log_probabilities.push(log_probability(logits, token));
            sequence.tokens.push(token);
            self.ending(sequence)?;
        }
        Ok(())
    }

    /// Whether the token just drawn is the last one.
    fn ending(&self, sequence: &mut Running) -> Result<(), EngineError> {
        let Shared { config, generation, decode, .. } = *self.shared;
        let whole = sequence.read_to(generation);
        sequence.finish = if sequence.tokens.len() == generation.most {
            Some(Finish::Length)
        } else if whole >= config.longest {
            Some(Finish::Full)
        } else {
            None
        };
        if !generation.stop.is_empty() || sequence.finish.is_some() {
            sequence.text = decode(&sequence.tokens)?;
        }
        let found = generation.stop.iter().filter_map(|stop| sequence.text.find(stop).map(|place| (place, stop)));
        if let Some((place, stop)) = found.min_by_key(|(place, stop)| (*place, std::cmp::Reverse(stop.len()))) {
            sequence.text.truncate(place);
            sequence.finish = Some(Finish::Stop(stop.clone()));
        }
        sequence.closing = sequence.finish.is_some() && !generation.points.is_empty();
        Ok(())
    }

    /// Reads each sequence's newest token.
    fn read(&mut self, running: &mut [Running], tallies: &mut [Tally]) -> Result<(), EngineError> {
        if running.is_empty() {
            return Ok(());
        }
        let Shared { config, generation, units, edits, .. } = *self.shared;
        let mut tokens: Vec<u32> = Vec::new();
        let mut classes: Vec<usize> = Vec::new();
        let mut segments = Vec::new();
        let mut last_rows = Vec::new();
        for sequence in running.iter_mut() {
            let prompt = &generation.requests[sequence.request].prompt;
            let whole = sequence.read_to(generation);
            let long = config.is_long(whole);
            if long != sequence.long {
                // LongRoPE's other list turns all keys, those of the prompt too: the sequence is read again.
                (sequence.long, sequence.length) = (long, 0);
                (sequence.chain, sequence.free) = (Vec::new(), 0..0);
            }
            let new = sequence.length..whole;
            if sequence.free.len() < new.len() {
                let stretch = new.len().next_multiple_of(STRETCH);
                sequence.free = self.next..self.next + stretch;
                self.next += stretch;
            }
            let own = sequence.free.start..sequence.free.start + new.len();
            sequence.free.start = own.end;
            segments.push(Segment {
                rows: tokens.len()..tokens.len() + new.len(),
                position: new.start,
                chain: sequence.chain.clone(),
                stored: own.start,
                long,
            });
            let unit = &units[sequence.request];
            for position in new {
                tokens.push(*prompt.get(position).unwrap_or_else(|| &sequence.tokens[position - prompt.len()]));
                classes.push(unit.classes.first().map_or(0, |classes| classes[position] as usize));
            }
            match sequence.chain.last_mut() {
                Some(last) if last.end == own.start => last.end = own.end,
                _ => sequence.chain.push(own),
            }
            sequence.length = whole;
            last_rows.push(tokens.len() - 1);
        }
        self.session.grow(self.next)?;
        let touched = edits.rows(classes.into_iter());
        let sums = running.iter_mut().map(|sequence| std::mem::take(&mut sequence.sums)).collect();
        let mut means = Means { points: generation.points, wide: config.hidden, rows: last_rows.clone(), sums };
        let mut hooks = Hooks { edits, touched: &touched, tallies, see: &mut means };
        self.session.run(&tokens, &segments, Some(&last_rows), &mut hooks)?;
        let normed = self.session.finish(&last_rows, &mut hooks)?;
        for ((sequence, last), sums) in running.iter_mut().zip(normed.chunks_exact(config.hidden)).zip(means.sums) {
            sequence.last = last.to_vec();
            sequence.sums = sums;
        }
        Ok(())
    }
}

impl Running {
    /// Tokens of the whole sequence.
    fn read_to(&self, generation: &Generation) -> usize {
        generation.requests[self.request].prompt.len() + self.tokens.len()
    }
}
