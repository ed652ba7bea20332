//! Exact log-probabilities of label sequences after prompts, with every shared beginning computed once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::thread;

use crate::decoder::Decoder;
use crate::intervene::{Edits, Intervention, Receipt};
use crate::plan::{Layout, Plan, Unit};
use crate::positions::Shape;
use crate::walk::{Batch, Hands, Unseen, Walk, Work, Worker, in_order};
use crate::{Config, EngineError};

/// A prompt and the label sequences to score after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRequest {
    /// Tokens of the prompt, at least one.
    pub prompt: Vec<u32>,
    /// Tokens of each label, at least one each.
    pub options: Vec<Vec<u32>>,
}

/// The log-probability of one label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionScore {
    /// Σ over the label's tokens, natural logarithm.
    pub log_probability: f64,
    /// Number of tokens.
    pub tokens: usize,
}

/// How to compute: the same for scoring, reading and generating.
#[derive(Debug, Clone, Copy)]
pub struct ScoreSettings {
    /// Worker threads.
    pub threads: usize,
    /// Bytes for keys, values and activations of all workers together. One job, of at least 256 tokens or one sequence,
    /// is computed whatever this says.
    pub memory: usize,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        ScoreSettings { threads: thread::available_parallelism().map_or(1, usize::from), memory: 512 << 20 }
    }
}

/// How many tokens a set of requests is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCounts {
    /// With every sequence read in full.
    pub total: u64,
    /// With shared beginnings read once.
    pub unique: u64,
}

/// Requests, and what is done while they are scored.
#[derive(Debug, Clone, Copy)]
pub struct Scoring<'a> {
    /// What to score.
    pub requests: &'a [ScoreRequest],
    /// Which of them are still wanted, one a request; all where there is none. Those that are not may be computed with
    /// their neighbours, and are then not reported. The numbers of a wanted one are, to the bit, those of a call in
    /// which all are wanted.
    pub wanted: Option<&'a [bool]>,
    /// Edits of the forward pass.
    pub interventions: &'a [Intervention],
    /// How to compute.
    pub settings: ScoreSettings,
}

/// What the decoder reads after a prompt for a label: all of the label but its last token.
fn read_of(option: &[u32]) -> &[u32] {
    &option[..option.len().saturating_sub(1)]
}

fn shape(request: &ScoreRequest) -> Shape {
    let longest = request.options.iter().map(|option| read_of(option).len()).max().unwrap_or(0);
    Shape { prompt: request.prompt.len(), length: request.prompt.len() + longest }
}

fn units<'a>(config: &Config, requests: &'a [ScoreRequest]) -> Vec<Unit<'a>> {
    let unit = |request: &'a ScoreRequest| Unit {
        prompt: &request.prompt,
        tails: request.options.iter().map(|option| read_of(option)).collect(),
        classes: Vec::new(),
        own_from: request.prompt.len() - 1,
        long: config.is_long(shape(request).length),
    };
    requests.iter().map(unit).collect()
}

/// Counts tokens without running anything.
pub(crate) fn count(config: &Config, requests: &[ScoreRequest], settings: &ScoreSettings) -> TokenCounts {
    if check(config, requests).is_err() {
        return TokenCounts::default();
    }
    let units = units(config, requests);
    let lengths = units.iter().flat_map(|unit| unit.tails.iter().map(|tail| (unit.prompt.len() + tail.len()) as u64));
    TokenCounts { total: lengths.sum(), unique: Plan::new(config, &units, settings.memory, true).unique() }
}

/// Scores requests, calling `on_done` in the caller's thread as each is known; `Break` stops after the running jobs.
pub(crate) fn score(
    config: &Config,
    decoder: &Decoder,
    scoring: &Scoring,
    on_done: &mut dyn FnMut(usize, &[OptionScore]) -> ControlFlow<()>,
) -> Result<Vec<Receipt>, EngineError> {
    let Scoring { requests, wanted, interventions, settings } = *scoring;
    check(config, requests)?;
    if wanted.is_some_and(|wanted| wanted.len() != requests.len()) {
        return Err(EngineError::Request("`wanted` must have an entry for every request".to_owned()));
    }
    let mut units = units(config, requests);
    let shapes: Vec<Shape> = requests.iter().map(shape).collect();
    let mut edits = Edits::new(config, interventions, &shapes)?;
    if !edits.is_empty() {
        for (index, unit) in units.iter_mut().enumerate() {
            let shapes = unit
                .tails
                .iter()
                .map(|tail| Shape { prompt: unit.prompt.len(), length: unit.prompt.len() + tail.len() });
            unit.classes = shapes.map(|shape| edits.classify(interventions, index, shape)).collect();
        }
    }
    let is_wanted = |request: usize| wanted.is_none_or(|wanted| wanted[request]);
    let plan = Plan::new(config, &units, settings.memory, true);
    let walk = Walk::new(config, decoder, &plan, &edits);
    let jobs: Vec<usize> =
        (0..plan.jobs.len()).filter(|job| plan.jobs[*job].iter().any(|request| is_wanted(*request))).collect();
    let mut stopped = false;
    let work = |worker: &mut Worker, job: usize| run_job(worker, &plan, requests, job);
    walk.drive((settings.threads, settings.memory), &jobs, work, &mut |scored: Scored| {
        for (request, scores) in scored.into_iter().filter(|(request, _)| is_wanted(*request)) {
            stopped |= on_done(request, &scores).is_break();
        }
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if stopped || jobs.is_empty() {
        return Ok(edits.receipts(&walk.tallies()).unwrap_or_default());
    }
    edits.receipts(&walk.tallies())
}

fn check(config: &Config, requests: &[ScoreRequest]) -> Result<(), EngineError> {
    for (index, request) in requests.iter().enumerate() {
        let wrong = |why: String| Err(EngineError::Request(format!("request {index}: {why}")));
        if request.prompt.is_empty() {
            return wrong("the prompt has no token".to_owned());
        }
        if request.options.is_empty() || request.options.iter().any(Vec::is_empty) {
            return wrong("a label has no token".to_owned());
        }
        let longest = request.prompt.len() + request.options.iter().map(Vec::len).max().unwrap_or(0);
        if longest > config.longest {
            return wrong(format!(
                "{longest} tokens are more than the model's {} (max_position_embeddings)",
                config.longest
            ));
        }
        if let Some(token) = request
            .prompt
            .iter()
            .chain(request.options.iter().flatten())
            .find(|token| **token as usize >= config.vocabulary)
        {
            return wrong(format!("token {token} is outside the vocabulary of {}", config.vocabulary));
        }
    }
    Ok(())
}

type Scored = Vec<(usize, Vec<OptionScore>)>;

/// One place whose logits are needed, and the labels whose next token is read there.
struct Place {
    piece: usize,
    offset: usize,
    wanted: Vec<(usize, u32)>,
}

/// Reads log-probabilities at the places of a job.
struct Read {
    places: Vec<Place>,
    /// Σ of each label of the job.
    sums: Vec<f64>,
}

fn run_job(worker: &mut Worker, plan: &Plan, requests: &[ScoreRequest], job: usize) -> Result<Scored, EngineError> {
    let layout = plan.layout(job);
    let labels: Vec<(usize, &[u32])> = plan
        .sequences(job)
        .map(|(request, option)| (requests[request].prompt.len(), requests[request].options[option].as_slice()))
        .collect();
    let mut read = Read { places: places(&layout, &labels), sums: vec![0.0; labels.len()] };
    worker.run(job, &layout, &mut read)?;
    let mut sums = read.sums.into_iter();
    let score = |option: &Vec<u32>, sum: f64| OptionScore { log_probability: sum, tokens: option.len() };
    Ok(plan.jobs[job]
        .iter()
        .map(|request| {
            (
                *request,
                requests[*request].options.iter().zip(&mut sums).map(|(option, sum)| score(option, sum)).collect(),
            )
        })
        .collect())
}

/// Where each label's tokens are predicted.
fn places(layout: &Layout, labels: &[(usize, &[u32])]) -> Vec<Place> {
    let mut places: BTreeMap<(usize, usize), Vec<(usize, u32)>> = BTreeMap::new();
    for (index, (prompt, option)) in labels.iter().enumerate() {
        let mut path = layout.path(index);
        let mut piece = path.next().expect("a sequence has a piece");
        // The token before each of the label's, last one first.
        for (token, position) in option.iter().zip(prompt - 1..prompt - 1 + option.len()).rev() {
            while layout.pieces[piece].position > position || layout.pieces[piece].keys.is_empty() {
                piece = path.next().expect("what is predicted from is in the job itself");
            }
            places.entry((piece, position - layout.pieces[piece].position)).or_default().push((index, *token));
        }
    }
    places.into_iter().map(|((piece, offset), wanted)| Place { piece, offset, wanted }).collect()
}

/// Rows of logits held at once.
const ROWS: usize = 512;

impl Work for Read {
    fn needs(&self, batch: &Batch) -> Option<Vec<usize>> {
        Some(in_order(self.places.iter().filter_map(|place| batch.row(place.piece, place.offset))))
    }

    fn end(&mut self, batch: &Batch, hands: &mut Hands) -> Result<(), EngineError> {
        let here: Vec<Place> = self.places.extract_if(.., |place| batch.row(place.piece, 0).is_some()).collect();
        let rows: Vec<usize> = here.iter().filter_map(|place| batch.row(place.piece, place.offset)).collect();
        for (rows, places) in rows.chunks(ROWS).zip(here.chunks(ROWS)) {
            self.read(batch, rows, places, hands)?;
        }
        Ok(())
    }
}

impl Read {
    /// Adds the wanted log-probabilities at some rows of the stream. The vocabulary is walked in blocks, so that [N, V]
    /// is never held.
    fn read(&mut self, batch: &Batch, rows: &[usize], places: &[Place], hands: &mut Hands) -> Result<(), EngineError> {
        let normed = hands.finish(batch, rows, &mut Unseen)?;
        let wanted: Vec<Vec<u32>> =
            places.iter().map(|place| place.wanted.iter().map(|(_, token)| *token).collect()).collect();
        let found = hands.session.log_probabilities(&normed, &wanted)?;
        for (place, found) in places.iter().zip(found) {
            for ((label, _), found) in place.wanted.iter().zip(found) {
                self.sums[*label] += found;
            }
        }
        Ok(())
    }
}
