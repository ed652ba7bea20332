//! The forward pass, once for every place where it can run: blocks of RMSNorm, rotary grouped-query attention and a
//! gated feed-forward layer, configured for every family, over the operations of a [`Device`].
//!
//! A [`Session`] is one worker's state: the keys and values of what it computed, its buffers, and the stream after the
//! last block, which stays where it was computed. Only what is asked for leaves: rows that a hook wants, normed rows,
//! logits or log-probabilities.

use std::ops::Range;

use crate::EngineError;
use crate::block::{Block, Parameters};
use crate::config::Config;
use crate::decoder::Segment;
use crate::device::{Angles, Device, Feed};
use crate::hook::{HookPoint, Visitor, Wanted};
use crate::kernel::attention::Heads;

/// One worker's use of a decoder.
pub(crate) trait Session {
    /// Makes room for the keys and values of as many tokens.
    fn grow(&mut self, capacity: usize) -> Result<(), EngineError>;
    /// Moves stored keys and values towards the front.
    fn move_down(&mut self, from: Range<usize>, to: usize) -> Result<(), EngineError>;
    /// Runs the blocks; the residual stream after the last one, [N, D], stays in the session. The visitor sees, and may
    /// change, every hook point but the final norm.
    fn run(&mut self, tokens: &[u32], segments: &[Segment], visitor: &mut dyn Visitor) -> Result<(), EngineError>;
    /// Final norm of some rows of the stream, by their numbers in the run before: [which, D].
    fn finish(&mut self, which: &[usize], visitor: &mut dyn Visitor) -> Result<Vec<f32>, EngineError>;
    /// All logits after `count` normed rows, [count, V], not capped.
    fn logits(&mut self, count: usize, normed: &[f32]) -> Result<Vec<f32>, EngineError>;
    /// The same, shown in stretches of the vocabulary, so that not all need be held at once.
    fn for_logits(
        &mut self,
        count: usize,
        normed: &[f32],
        work: &mut dyn FnMut(Range<usize>, &mut [f32]),
    ) -> Result<(), EngineError>;
    /// ln p of the wanted tokens after each normed row, with the family's soft cap.
    fn log_probabilities(&mut self, normed: &[f32], wanted: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, EngineError>;
}

/// A decoder's pass over one device.
pub(crate) struct Pass<'a, D: Device> {
    config: &'a Config,
    parameters: &'a Parameters<D>,
    /// Of each rope, the frequencies of short sequences and of long ones.
    frequencies: &'a [[Vec<f32>; 2]],
    device: D,
    /// The residual stream, [N, D].
    stream: D::Rows,
    buffers: Buffers<D::Rows>,
}

/// Rows that are reused between calls.
#[derive(Default)]
struct Buffers<R> {
    normed: R,
    query: R,
    key: R,
    value: R,
    attended: R,
    added: R,
    gate: R,
    activated: R,
}

/// A call's rows and segments, where they are used.
struct Call<D: Device> {
    count: usize,
    segments: D::Call,
    /// One a rope.
    angles: Vec<D::Angles>,
}

impl<'a, D: Device> Pass<'a, D> {
    /// A pass with nothing stored.
    pub fn new(
        config: &'a Config,
        parameters: &'a Parameters<D>,
        frequencies: &'a [[Vec<f32>; 2]],
        device: D,
    ) -> Pass<'a, D> {
        Pass { config, parameters, frequencies, device, stream: D::Rows::default(), buffers: Buffers::default() }
    }

    fn head(&self) -> &'a D::Matrix {
        self.parameters.head.as_ref().unwrap_or(&self.parameters.embedding)
    }

    /// What a block's attention adds to the stream, into `buffers.added`.
    fn attention_out(&mut self, layer: usize, block: &Block<D>, call: &Call<D>) -> Result<(), EngineError> {
        let (config, device, count) = (self.config, &mut self.device, call.count);
        let Buffers { normed, query, key, value, attended, added, .. } = &mut self.buffers;
        let input = match &block.attention_norm {
            None => &self.stream,
            Some(weight) => {
                device.norm(weight, config.norm_epsilon, &self.stream, normed)?;
                &*normed
            }
        };
        device.project(&block.query, count, input, query)?;
        device.project(&block.key, count, input, key)?;
        device.project(&block.value, count, input, value)?;
        for (rows, norm) in [(&mut *query, &block.query_norm), (&mut *key, &block.key_norm)] {
            if let Some(weight) = norm {
                norm_in_place(device, config, weight, rows, added)?;
            }
        }
        let angles = &call.angles[config.attention[layer].rope];
        device.rotate(query, config.head_dimension, config.query_width(), angles)?;
        device.rotate(key, config.head_dimension, config.key_width(), angles)?;
        device.keep(layer, &call.segments, key, value)?;
        device.attend(&Heads::of(config, layer), layer, &call.segments, query, attended)?;
        device.project(&block.output, count, attended, added)?;
        match &block.attention_out_norm {
            Some(weight) => norm_in_place(device, config, weight, added, normed),
            None => Ok(()),
        }
    }

    /// What a block's feed-forward layer adds to the stream, into `buffers.added`.
    fn mlp_out(&mut self, block: &Block<D>, count: usize) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, gate, activated, added, .. } = &mut self.buffers;
        let input = match &block.feed_norm {
            None => &self.stream,
            Some(weight) => {
                device.norm(weight, config.norm_epsilon, &self.stream, normed)?;
                &*normed
            }
        };
        let feed = Feed { gate: &block.gate, up: &block.up, down: &block.down, activation: config.activation };
        device.feed_forward(&feed, count, input, [gate, activated], added)?;
        match &block.feed_out_norm {
            Some(weight) => norm_in_place(device, config, weight, added, normed),
            None => Ok(()),
        }
    }

    /// Cosines and sines of every row's position under one rope.
    fn angles(&self, rope: usize, segments: &[Segment], count: usize) -> Angles {
        let half = self.frequencies[rope][0].len();
        let amplitude = self.config.ropes[rope].amplitude as f32;
        let (mut cosines, mut sines) = (vec![0.0; count * half], vec![0.0; count * half]);
        for segment in segments {
            let frequencies = &self.frequencies[rope][usize::from(segment.long)];
            for (place, row) in segment.rows.clone().enumerate() {
                let position = (segment.position + place) as f32;
                for (pair, frequency) in frequencies.iter().enumerate() {
                    // transformers multiplies in f32; so do we, or long sequences would differ by more than rounding.
                    let angle = position * frequency;
                    cosines[row * half + pair] = angle.cos() * amplitude;
                    sines[row * half + pair] = angle.sin() * amplitude;
                }
            }
        }
        Angles { cosines, sines, half }
    }
}

/// Norms rows of the weight's width in place.
fn norm_in_place<D: Device>(
    device: &mut D,
    config: &Config,
    weight: &D::Vector,
    rows: &mut D::Rows,
    spare: &mut D::Rows,
) -> Result<(), EngineError> {
    device.norm(weight, config.norm_epsilon, rows, spare)?;
    std::mem::swap(rows, spare);
    Ok(())
}

/// Shows rows to a visitor that wants them.
fn show<D: Device>(
    device: &mut D,
    visitor: &mut dyn Visitor,
    point: HookPoint,
    rows: &mut D::Rows,
    which: Option<&[usize]>,
) -> Result<(), EngineError> {
    match visitor.wants(point) {
        Wanted::Nothing => Ok(()),
        wanted => device.show(rows, wanted, &mut |rows| visitor.visit(point, rows, which)),
    }
}

impl<D: Device> Session for Pass<'_, D> {
    fn grow(&mut self, capacity: usize) -> Result<(), EngineError> {
        self.device.grow(capacity)
    }

    fn move_down(&mut self, from: Range<usize>, to: usize) -> Result<(), EngineError> {
        self.device.move_down(from, to)
    }

    fn run(&mut self, tokens: &[u32], segments: &[Segment], visitor: &mut dyn Visitor) -> Result<(), EngineError> {
        let (config, parameters, count) = (self.config, self.parameters, tokens.len());
        self.device.embed(&parameters.embedding, tokens, config.embedding_scale, &mut self.stream)?;
        show(&mut self.device, visitor, HookPoint::Embeddings, &mut self.stream, None)?;
        let angles: Vec<Angles> = (0..config.ropes.len()).map(|rope| self.angles(rope, segments, count)).collect();
        let call = Call {
            count,
            segments: self.device.call(segments)?,
            angles: angles.into_iter().map(|angles| self.device.angles(angles)).collect::<Result<_, _>>()?,
        };
        for (layer, block) in parameters.blocks.iter().enumerate() {
            show(&mut self.device, visitor, HookPoint::ResidPre(layer), &mut self.stream, None)?;
            self.attention_out(layer, block, &call)?;
            show(&mut self.device, visitor, HookPoint::AttentionOut(layer), &mut self.buffers.added, None)?;
            self.device.add(&mut self.stream, &self.buffers.added)?;
            self.mlp_out(block, count)?;
            show(&mut self.device, visitor, HookPoint::MlpOut(layer), &mut self.buffers.added, None)?;
            self.device.add(&mut self.stream, &self.buffers.added)?;
            show(&mut self.device, visitor, HookPoint::ResidPost(layer), &mut self.stream, None)?;
        }
        Ok(())
    }

    fn finish(&mut self, which: &[usize], visitor: &mut dyn Visitor) -> Result<Vec<f32>, EngineError> {
        let Buffers { normed, added, .. } = &mut self.buffers;
        self.device.gather(&self.stream, which, added)?;
        self.device.norm(&self.parameters.final_norm, self.config.norm_epsilon, added, normed)?;
        show(&mut self.device, visitor, HookPoint::FinalNorm, normed, Some(which))?;
        self.device.bring(normed)
    }

    fn logits(&mut self, count: usize, normed: &[f32]) -> Result<Vec<f32>, EngineError> {
        self.device.logits(self.head(), count, normed)
    }

    fn for_logits(
        &mut self,
        count: usize,
        normed: &[f32],
        work: &mut dyn FnMut(Range<usize>, &mut [f32]),
    ) -> Result<(), EngineError> {
        self.device.for_logits(self.head(), count, normed, work)
    }

    fn log_probabilities(&mut self, normed: &[f32], wanted: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, EngineError> {
        self.device.log_probabilities(self.head(), self.config.final_cap, normed, wanted)
    }
}
