//! Exact log-probabilities of label sequences after prompts, with every shared beginning computed once.
//!
//! Requests are sorted and cut into jobs of bounded size; each job is a trie of its own, which one worker computes. A
//! job does not depend on the number of workers, so neither do the results.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::decoder::{Buffers, Decoder, Segment, Store};
use crate::hook::Blind;
use crate::trie::Trie;
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

/// How to score.
#[derive(Debug, Clone, Copy)]
pub struct ScoreSettings {
    /// Worker threads.
    pub threads: usize,
    /// Bytes for keys, values and activations of all workers together.
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
    /// With shared beginnings read once (within a job).
    pub unique: u64,
}

/// Tokens of a job where memory does not bound it: large enough for full matrices, small enough to report often.
const JOB_TOKENS: usize = 6144;

/// What the decoder reads for a label: the prompt and all of the label but its last token.
fn sequences(request: &ScoreRequest) -> impl Iterator<Item = Vec<u32>> + '_ {
    request.options.iter().map(|option| [&request.prompt[..], &option[..option.len().saturating_sub(1)]].concat())
}

/// Requests in sorted order, cut into jobs by an upper bound on their new tokens.
fn jobs(config: &Config, requests: &[ScoreRequest], settings: &ScoreSettings) -> Vec<Vec<usize>> {
    // Keys and values of every block; a row of each activation; the pre-head rows.
    let per_token = 4
        * (2 * config.layers * config.key_width()
            + 5 * config.hidden
            + 2 * config.query_width()
            + 2 * config.intermediate);
    let room = (settings.memory / settings.threads.max(1) / per_token.max(1)).clamp(256, JOB_TOKENS);
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by(|one, two| requests[*one].prompt.cmp(&requests[*two].prompt));
    let mut jobs: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for index in order {
        let request = &requests[index];
        let labels: usize = request.options.iter().map(|option| option.len().saturating_sub(1)).sum();
        let shared = jobs.last().and_then(|job| job.last()).map_or(0, |last: &usize| {
            requests[*last].prompt.iter().zip(&request.prompt).take_while(|(one, two)| one == two).count()
        });
        let new = request.prompt.len() - shared + labels;
        match jobs.last_mut() {
            Some(job) if used + new <= room => {
                job.push(index);
                used += new;
            }
            _ => {
                jobs.push(vec![index]);
                used = request.prompt.len() + labels;
            }
        }
    }
    jobs
}

/// Counts tokens without running anything.
pub(crate) fn count(config: &Config, requests: &[ScoreRequest], settings: &ScoreSettings) -> TokenCounts {
    let mut counts = TokenCounts::default();
    for job in jobs(config, requests, settings) {
        let lists: Vec<Vec<u32>> = job.iter().flat_map(|index| sequences(&requests[*index])).collect();
        counts.total += lists.iter().map(|list| list.len() as u64).sum::<u64>();
        let views: Vec<&[u32]> = lists.iter().map(Vec::as_slice).collect();
        counts.unique += Trie::build(&views).tokens() as u64;
    }
    counts
}

/// Scores requests, calling `on_done` in the caller's thread as each is known; `Break` stops after the running jobs.
pub(crate) fn score(
    config: &Config,
    decoder: &Decoder,
    requests: &[ScoreRequest],
    settings: &ScoreSettings,
    on_done: &mut dyn FnMut(usize, &[OptionScore]) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    check(config, requests)?;
    let jobs = jobs(config, requests, settings);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..settings.threads.clamp(1, jobs.len().max(1)) {
            let (send, jobs, next, stop) = (send.clone(), &jobs, &next, &stop);
            scope.spawn(move || {
                let mut buffers = Buffers::default();
                while !stop.load(Ordering::Relaxed) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    if send.send(run_job(config, decoder, requests, job, &mut buffers)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for result in receive {
            for (index, scores) in result? {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if on_done(index, &scores).is_break() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    })
    .inspect_err(|_| stop.store(true, Ordering::Relaxed))
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

/// One place whose logits are needed, and the tokens whose log-probability is read there.
struct Place {
    node: usize,
    offset: usize,
    wanted: Vec<(usize, u32)>,
}

type Scored = Vec<(usize, Vec<OptionScore>)>;

fn run_job(
    config: &Config,
    decoder: &Decoder,
    requests: &[ScoreRequest],
    job: &[usize],
    buffers: &mut Buffers,
) -> Result<Scored, EngineError> {
    let lists: Vec<Vec<u32>> = job.iter().flat_map(|index| sequences(&requests[*index])).collect();
    let views: Vec<&[u32]> = lists.iter().map(Vec::as_slice).collect();
    let trie = Trie::build(&views);
    let labels: Vec<(usize, &[u32])> = job
        .iter()
        .enumerate()
        .flat_map(|(slot, index)| requests[*index].options.iter().map(move |option| (slot, option.as_slice())))
        .collect();
    let mut places = places(&trie, &lists, &labels);
    let starts = stored_rows(&trie);
    let mut store = Store::new(config, trie.tokens());
    let mut sums = vec![0.0f64; labels.len()];
    let levels = trie.nodes.iter().map(|node| node.level).max().map_or(0, |level| level + 1);
    for level in 0..levels {
        let nodes: Vec<usize> = (0..trie.nodes.len()).filter(|node| trie.nodes[*node].level == level).collect();
        let mut tokens = Vec::new();
        let mut first_row = vec![usize::MAX; trie.nodes.len()];
        let segments: Vec<Segment> = nodes
            .iter()
            .map(|node| {
                let rows = tokens.len()..tokens.len() + trie.nodes[*node].tokens.len();
                tokens.extend_from_slice(&trie.nodes[*node].tokens);
                first_row[*node] = rows.start;
                Segment {
                    rows,
                    position: trie.nodes[*node].depth,
                    chain: chain(&trie, &starts, *node),
                    stored: starts[*node],
                    long: false,
                }
            })
            .collect();
        let stream = decoder.run(&tokens, &segments, &mut store, buffers, &mut Blind);
        let here: Vec<Place> = places.extract_if(.., |place| first_row[place.node] != usize::MAX).collect();
        let rows: Vec<usize> = here.iter().map(|place| first_row[place.node] + place.offset).collect();
        read_logits(config, decoder, &stream, &rows, &here, buffers, &mut sums);
    }
    let mut done: Scored = job.iter().map(|index| (*index, Vec::new())).collect();
    for ((slot, option), sum) in labels.iter().zip(sums) {
        done[*slot].1.push(OptionScore { log_probability: sum, tokens: option.len() });
    }
    Ok(done)
}

/// Where each label's tokens are predicted.
fn places(trie: &Trie, lists: &[Vec<u32>], labels: &[(usize, &[u32])]) -> Vec<Place> {
    let mut places: std::collections::BTreeMap<(usize, usize), Vec<(usize, u32)>> = std::collections::BTreeMap::new();
    for (index, (_, option)) in labels.iter().enumerate() {
        let first = lists[index].len() - option.len(); // position of the prompt's last token
        let mut node = trie.ends[index];
        for (token, position) in option.iter().zip(first..first + option.len()).rev() {
            while trie.nodes[node].depth > position {
                node = trie.nodes[node].parent.unwrap_or(0);
            }
            places.entry((node, position - trie.nodes[node].depth)).or_default().push((index, *token));
        }
    }
    places.into_iter().map(|((node, offset), wanted)| Place { node, offset, wanted }).collect()
}

/// First row of each segment in the store.
fn stored_rows(trie: &Trie) -> Vec<usize> {
    let mut next = 0;
    trie.nodes
        .iter()
        .map(|node| {
            let start = next;
            next += node.tokens.len();
            start
        })
        .collect()
}

/// Rows of the store above a segment, oldest first.
fn chain(trie: &Trie, starts: &[usize], node: usize) -> Vec<Range<usize>> {
    let mut chain = Vec::new();
    let mut at = trie.nodes[node].parent;
    while let Some(parent) = at {
        chain.push(starts[parent]..starts[parent] + trie.nodes[parent].tokens.len());
        at = trie.nodes[parent].parent;
    }
    chain.reverse();
    chain
}

/// Rows of logits held at once, times vocabulary blocks, stay under this many numbers.
const ROWS: usize = 512;

/// Adds the wanted log-probabilities at some rows of the stream. The vocabulary is walked in blocks, so that [N, V] is
/// never held.
fn read_logits(
    config: &Config,
    decoder: &Decoder,
    stream: &[f32],
    rows: &[usize],
    places: &[Place],
    buffers: &mut Buffers,
    sums: &mut [f64],
) {
    let wide = config.hidden;
    for (rows, places) in rows.chunks(ROWS).zip(places.chunks(ROWS)) {
        let mut gathered = Vec::with_capacity(rows.len() * wide);
        for row in rows {
            gathered.extend_from_slice(&stream[row * wide..][..wide]);
        }
        let normed = decoder.finish(&gathered, rows, &mut Blind);
        let mut logits = vec![LogSum::default(); rows.len()];
        let mut found: Vec<Vec<f64>> = places.iter().map(|place| vec![f64::NAN; place.wanted.len()]).collect();
        let head = decoder.head();
        head.for_outputs(rows.len(), &normed, &mut buffers.scratch, |tokens, block| {
            decoder.cap(block);
            for ((row, sum), (place, found)) in
                block.chunks_exact(tokens.len()).zip(&mut logits).zip(places.iter().zip(&mut found))
            {
                sum.add(row);
                for ((_, token), found) in place.wanted.iter().zip(found) {
                    if tokens.contains(&(*token as usize)) {
                        *found = f64::from(row[*token as usize - tokens.start]);
                    }
                }
            }
        });
        for ((place, found), sum) in places.iter().zip(found).zip(&logits) {
            for ((label, _), logit) in place.wanted.iter().zip(found) {
                sums[*label] += logit - sum.value();
            }
        }
    }
}

/// A log-sum-exp that grows block by block.
#[derive(Clone, Copy)]
struct LogSum {
    highest: f32,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        LogSum { highest: f32::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    fn add(&mut self, logits: &[f32]) {
        let highest = logits
            .iter()
            .fold(self.highest, |highest, logit| if logit.is_nan() { f32::NAN } else { highest.max(*logit) });
        let part = pulp::Arch::new().dispatch(|| {
            let mut sums = [0.0f32; 16];
            for chunk in logits.chunks(16) {
                for (sum, logit) in sums.iter_mut().zip(chunk) {
                    *sum += crate::ops::exponential(logit - highest);
                }
            }
            sums.iter().map(|sum| f64::from(*sum)).sum::<f64>()
        });
        let before = if self.sum == 0.0 { 0.0 } else { self.sum * f64::from(self.highest - highest).exp() };
        *self = LogSum { highest, sum: before + part };
    }

    fn value(&self) -> f64 {
        f64::from(self.highest) + self.sum.ln()
    }
}
