//! Many sequences in step: prompts at once with what was seen at every hook point kept, then one greedy token each at a
//! time. It exists for the benchmark (`benches/`), which must time the forward pass and nothing else.
//!
//! It leaves out everything that a user wants of generation: sampling, stops, edits.

use std::collections::BTreeMap;

use crate::decoder::Segment;
use crate::extremes::{first_equal, highest};
use crate::forward::Session;
use crate::hook::{HookPoint, Visitor, Wanted};
use crate::{EngineError, Model, activations};

/// Sequences that are continued together.
pub struct InStep<'a> {
    model: &'a Model,
    session: Box<dyn Session + 'a>,
    /// Of each sequence, its length so far.
    lengths: Vec<usize>,
    /// Rows of the store for each sequence.
    room: usize,
    /// Each sequence's most probable next token.
    next: Vec<u32>,
}

/// Keeps copies of some hook points.
struct Keep(BTreeMap<HookPoint, Vec<f32>>);

impl Visitor for Keep {
    fn wants(&self, point: HookPoint) -> Wanted {
        if self.0.contains_key(&point) { Wanted::Copy } else { Wanted::Nothing }
    }

    fn visit(&mut self, _: HookPoint, _: &mut [f32], _: Option<&[usize]>) {}

    fn keep(&mut self, point: HookPoint, rows: Vec<f32>) {
        self.0.insert(point, rows);
    }
}

impl Model {
    /// Runs prompts of any lengths at once, with room for `new` tokens after each. Returns the sequences, ready to
    /// continue, and the rows [N, D] of each hook point that was asked for, prompt after prompt.
    ///
    /// # Errors
    /// [`EngineError::Request`] for an empty or too long prompt, an unknown token, or a block that is not there.
    pub fn in_step(
        &self,
        prompts: &[Vec<u32>],
        new: usize,
        points: &[HookPoint],
    ) -> Result<(InStep<'_>, BTreeMap<HookPoint, Vec<f32>>), EngineError> {
        for prompt in prompts {
            activations::check(self.config(), prompt)?;
        }
        for point in points {
            point.check(self.config().layers)?;
        }
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
        if longest + new > self.config().longest {
            let most = self.config().longest;
            return Err(EngineError::Request(format!("{} tokens are more than the model's {most}", longest + new)));
        }
        let room = longest + new;
        let mut all = InStep {
            model: self,
            session: self.decoder.session(true),
            lengths: vec![0; prompts.len()],
            room,
            next: Vec::new(),
        };
        all.session.grow(room * prompts.len())?;
        let mut keep = Keep(points.iter().map(|point| (*point, Vec::new())).collect());
        all.run(prompts, &mut keep)?;
        Ok((all, keep.0))
    }
}

impl InStep<'_> {
    /// Each sequence's most probable next token.
    pub fn next(&self) -> &[u32] {
        &self.next
    }

    /// Feeds each sequence its most probable token.
    ///
    /// # Errors
    /// [`EngineError::Request`] when the room is used up, [`EngineError::NotFinite`].
    pub fn step(&mut self) -> Result<(), EngineError> {
        if self.lengths.iter().any(|length| length + 1 > self.room) {
            return Err(EngineError::Request(format!("all {} places of a sequence are used", self.room)));
        }
        let tokens: Vec<Vec<u32>> = self.next.iter().map(|token| vec![*token]).collect();
        self.run(&tokens, &mut Keep(BTreeMap::new()))
    }

    fn run(&mut self, tokens: &[Vec<u32>], visitor: &mut dyn Visitor) -> Result<(), EngineError> {
        let config = self.model.config();
        let mut row = 0;
        let mut last = Vec::with_capacity(tokens.len());
        let segments: Vec<Segment> = (tokens.iter().zip(&mut self.lengths).enumerate())
            .map(|(sequence, (tokens, length))| {
                let before = *length;
                let start = sequence * self.room;
                let rows = row..row + tokens.len();
                row = rows.end;
                last.push(row - 1);
                *length += tokens.len();
                let chain = if before > 0 { std::iter::once(start..start + before).collect() } else { Vec::new() };
                Segment { rows, position: before, chain, stored: start + before, long: config.is_long(self.room) }
            })
            .collect();
        self.session.run(&tokens.concat(), &segments, Some(&last), visitor)?;
        let normed = self.session.finish(&last, visitor)?;
        // Greedy: a cap keeps the order, so it need not be applied.
        let mut best = vec![(f32::NEG_INFINITY, 0u32); last.len()];
        let mut finite = true;
        self.session.for_logits(last.len(), &normed, &mut |range, logits| {
            for (row, best) in logits.chunks_exact(range.len()).zip(&mut best) {
                let highest = highest(row);
                finite &= highest.is_finite();
                if highest > best.0 {
                    let place = first_equal(row, highest).unwrap_or(0);
                    *best = (highest, (range.start + place) as u32);
                }
            }
        })?;
        if !finite {
            return Err(EngineError::NotFinite(row));
        }
        self.next = best.into_iter().map(|(_, token)| token).collect();
        Ok(())
    }
}
