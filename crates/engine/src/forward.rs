//! The forward pass, once for every place where it can run: blocks of RMSNorm, rotary grouped-query attention and a
//! gated feed-forward layer, configured for every family, over the operations of a [`Device`].
//!
//! A [`Session`] is one worker's state: the keys and values of what it computed, its buffers, and the stream after the
//! last block, which stays where it was computed. Only what is asked for leaves: rows that a hook wants, normed rows,
//! logits or log-probabilities.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

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
    /// Runs the blocks; the residual stream after the last one stays in the session: of the `needed` rows, which stand in
    /// order, or of all. The visitor sees, and may change, every hook point but the final norm.
    fn run(
        &mut self,
        tokens: &[u32],
        segments: &[Segment],
        needed: Option<&[usize]>,
        visitor: &mut dyn Visitor,
    ) -> Result<(), EngineError>;
    /// Final norm of some of the needed rows of the stream, by their numbers in the run before: [which, D].
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
    /// Of each rope, the angles of short sequences and of long ones.
    ropes: Vec<[Positions<'a>; 2]>,
    device: D,
    /// The residual stream, [N, D], or after the last block that of some rows.
    stream: D::Rows,
    /// These rows, where they are not all.
    narrowed: Option<Vec<usize>>,
    buffers: Buffers<D::Rows>,
    rooms: Option<&'a Rooms<D>>,
}

/// What sessions that are over have left for those that follow: a small model's short calls would else spend as long on
/// getting memory from the system, page by page, as on much of their arithmetic.
pub(crate) struct Rooms<D: Device>(Mutex<Vec<Room<D>>>);

/// Most bytes that all of it holds. Where a session takes more, getting memory is little beside its arithmetic.
const KEPT: usize = 64 << 20;

/// The memory of one session; what is in it has no meaning.
struct Room<D: Device> {
    kept: D::Kept,
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

/// Cosines and sines of all positions from 0 that a rope has met, [positions, half]. Sequences of a call, and calls of a
/// session, share positions: each is computed once.
struct Positions<'a> {
    frequencies: &'a [f32],
    amplitude: f32,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

/// A call's rows and segments, where they are used.
struct Call<D: Device> {
    count: usize,
    segments: D::Call,
    /// One a rope.
    angles: Vec<D::Angles>,
}

impl<D: Device> Default for Rooms<D> {
    fn default() -> Rooms<D> {
        Rooms(Mutex::default())
    }
}

impl<D: Device> Rooms<D> {
    fn take(&self) -> Option<Room<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps the memory of a session, where it is not too much with what is there.
    fn put(&self, room: Room<D>) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.iter().map(Room::bytes).sum::<usize>() + room.bytes() <= KEPT {
            rooms.push(room);
        }
    }
}

impl<D: Device> Room<D> {
    fn bytes(&self) -> usize {
        let Buffers { normed, query, key, value, attended, added, gate, activated } = &self.buffers;
        let rows = [&self.stream, normed, query, key, value, attended, added, gate, activated];
        D::bytes(&self.kept, rows.into_iter())
    }
}

impl<D: Device> Drop for Pass<'_, D> {
    fn drop(&mut self) {
        if let Some(rooms) = self.rooms {
            let (stream, buffers) = (std::mem::take(&mut self.stream), std::mem::take(&mut self.buffers));
            rooms.put(Room { kept: self.device.hand_over(), stream, buffers });
        }
    }
}

impl<'a, D: Device> Pass<'a, D> {
    /// A pass with nothing stored.
    pub fn new(
        config: &'a Config,
        parameters: &'a Parameters<D>,
        frequencies: &'a [[Vec<f32>; 2]],
        mut device: D,
        rooms: Option<&'a Rooms<D>>,
    ) -> Pass<'a, D> {
        let positions = |rope: usize, long: usize| Positions {
            frequencies: &frequencies[rope][long],
            amplitude: config.ropes[rope].amplitude as f32,
            cosines: Vec::new(),
            sines: Vec::new(),
        };
        let ropes = (0..config.ropes.len()).map(|rope| [positions(rope, 0), positions(rope, 1)]).collect();
        let (stream, buffers) = match rooms.and_then(Rooms::take) {
            None => (D::Rows::default(), Buffers::default()),
            Some(Room { kept, stream, buffers }) => {
                device.take_over(kept);
                (stream, buffers)
            }
        };
        Pass { config, parameters, ropes, device, stream, narrowed: None, buffers, rooms }
    }

    fn head(&self) -> &'a D::Matrix {
        self.parameters.head.as_ref().unwrap_or(&self.parameters.embedding)
    }

    /// What a block's attention adds to the stream, into `buffers.added`.
    fn attention_out(&mut self, layer: usize, block: &Block<D>, call: &Call<D>) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, query, key, value, .. } = &mut self.buffers;
        let input = before(device, config, &block.attention_norm, &self.stream, normed)?;
        let linears = [&block.query, &block.key, &block.value];
        device.project_together(linears, call.count, input, [query, key, value])?;
        self.store(layer, block, call)?;
        self.attend(layer, block, call)
    }

    /// Stores a block's keys and values, for what follows.
    fn keys_and_values(&mut self, layer: usize, block: &Block<D>, call: &Call<D>) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, key, value, .. } = &mut self.buffers;
        let input = before(device, config, &block.attention_norm, &self.stream, normed)?;
        device.project_together([&block.key, &block.value], call.count, input, [key, value])?;
        self.store(layer, block, call)
    }

    /// What attention adds to some rows, which become the stream; keys and values have been stored.
    fn attention_out_of(
        &mut self,
        layer: usize,
        block: &Block<D>,
        call: &Call<D>,
        rows: &[usize],
    ) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, query, attended, .. } = &mut self.buffers;
        device.gather(&self.stream, rows, attended)?;
        std::mem::swap(&mut self.stream, attended);
        let input = before(device, config, &block.attention_norm, &self.stream, normed)?;
        device.project(&block.query, rows.len(), input, query)?;
        self.attend(layer, block, call)
    }

    /// Stores the keys and values that were projected.
    fn store(&mut self, layer: usize, block: &Block<D>, call: &Call<D>) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { key, value, added, .. } = &mut self.buffers;
        if let Some(weight) = &block.key_norm {
            norm_in_place(device, config, weight, key, added)?;
        }
        let angles = &call.angles[config.attention[layer].rope];
        device.rotate(key, config.head_dimension, config.key_width(), angles)?;
        device.keep(layer, &call.segments, key, value)
    }

    /// From the queries that were projected to what is added to the stream.
    fn attend(&mut self, layer: usize, block: &Block<D>, call: &Call<D>) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, query, attended, added, .. } = &mut self.buffers;
        if let Some(weight) = &block.query_norm {
            norm_in_place(device, config, weight, query, added)?;
        }
        let angles = &call.angles[config.attention[layer].rope];
        device.rotate(query, config.head_dimension, config.query_width(), angles)?;
        device.attend(&Heads::of(config, layer), layer, &call.segments, query, attended)?;
        device.project(&block.output, call.count, attended, added)?;
        match &block.attention_out_norm {
            Some(weight) => norm_in_place(device, config, weight, added, normed),
            None => Ok(()),
        }
    }

    /// What a block's feed-forward layer adds to the stream, into `buffers.added`.
    fn mlp_out(&mut self, block: &Block<D>, count: usize) -> Result<(), EngineError> {
        let (config, device) = (self.config, &mut self.device);
        let Buffers { normed, gate, activated, added, .. } = &mut self.buffers;
        let input = before(device, config, &block.feed_norm, &self.stream, normed)?;
        let feed = Feed { gate: &block.gate, up: &block.up, down: &block.down, activation: config.activation };
        device.feed_forward(&feed, count, input, [gate, activated], added)?;
        match &block.feed_out_norm {
            Some(weight) => norm_in_place(device, config, weight, added, normed),
            None => Ok(()),
        }
    }

    /// A call's rows where they are used.
    fn call(&mut self, segments: &[Segment], count: usize) -> Result<Call<D>, EngineError> {
        let angles: Vec<Angles> = (0..self.config.ropes.len()).map(|rope| self.angles(rope, segments, count)).collect();
        Ok(Call {
            count,
            segments: self.device.call(segments)?,
            angles: angles.into_iter().map(|angles| self.device.angles(angles)).collect::<Result<_, _>>()?,
        })
    }

    /// Cosines and sines of every row's position under one rope.
    fn angles(&mut self, rope: usize, segments: &[Segment], count: usize) -> Angles {
        let half = self.ropes[rope][0].frequencies.len();
        let (mut cosines, mut sines) = (vec![0.0; count * half], vec![0.0; count * half]);
        for segment in segments {
            let positions = &mut self.ropes[rope][usize::from(segment.long)];
            let own = segment.position..segment.position + segment.rows.len();
            positions.reach(own.end);
            let rows = segment.rows.start * half..segment.rows.end * half;
            cosines[rows.clone()].copy_from_slice(&positions.cosines[own.start * half..own.end * half]);
            sines[rows].copy_from_slice(&positions.sines[own.start * half..own.end * half]);
        }
        Angles { cosines, sines, half }
    }
}

impl Positions<'_> {
    /// Makes the angles of all positions below `end`.
    fn reach(&mut self, end: usize) {
        let half = self.frequencies.len();
        for position in self.cosines.len() / half.max(1)..end {
            for frequency in self.frequencies {
                // transformers multiplies in f32; so do we, or long sequences would differ by more than rounding.
                let angle = position as f32 * frequency;
                self.cosines.push(angle.cos() * self.amplitude);
                self.sines.push(angle.sin() * self.amplitude);
            }
        }
    }
}

/// What enters a part of a block: the stream, normed where the family does that before.
fn before<'r, D: Device>(
    device: &mut D,
    config: &Config,
    norm: &Option<D::Vector>,
    stream: &'r D::Rows,
    normed: &'r mut D::Rows,
) -> Result<&'r D::Rows, EngineError> {
    match norm {
        None => Ok(stream),
        Some(weight) => {
            device.norm(weight, config.norm_epsilon, stream, normed)?;
            Ok(normed)
        }
    }
}

/// Each of some rows as a segment of its own, which follows those before it in its segment.
fn alone(segments: &[Segment], rows: &[usize]) -> Vec<Segment> {
    let mut segments = segments.iter().filter(|segment| !segment.rows.is_empty()).peekable();
    let mut out = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        while segments.next_if(|segment| segment.rows.end <= *row).is_some() {}
        let segment = segments.peek().expect("rows stand in order, each in a segment");
        let offset = row - segment.rows.start;
        let mut chain = segment.chain.clone();
        if offset > 0 {
            chain.push(segment.stored..segment.stored + offset);
        }
        out.push(Segment {
            rows: place..place + 1,
            position: segment.position + offset,
            chain,
            stored: segment.stored + offset,
            long: segment.long,
        });
    }
    out
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
        Wanted::Copy => {
            visitor.keep(point, device.copy(rows)?);
            Ok(())
        }
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

    fn run(
        &mut self,
        tokens: &[u32],
        segments: &[Segment],
        needed: Option<&[usize]>,
        visitor: &mut dyn Visitor,
    ) -> Result<(), EngineError> {
        let (config, parameters, count) = (self.config, self.parameters, tokens.len());
        self.device.embed(&parameters.embedding, tokens, config.embedding_scale, &mut self.stream)?;
        show(&mut self.device, visitor, HookPoint::Embeddings, &mut self.stream, None)?;
        let call = self.call(segments, count)?;
        // After the last block's keys and values nothing of it is of use but the rows that are needed, unless someone looks.
        let last = config.layers.saturating_sub(1);
        let seen = [HookPoint::AttentionOut(last), HookPoint::MlpOut(last), HookPoint::ResidPost(last)];
        let unseen = seen.into_iter().all(|point| visitor.wants(point) == Wanted::Nothing);
        self.narrowed = needed.filter(|rows| unseen && rows.len() < count).map(<[usize]>::to_vec);
        for (layer, block) in parameters.blocks.iter().enumerate() {
            show(&mut self.device, visitor, HookPoint::ResidPre(layer), &mut self.stream, None)?;
            let mut count = count;
            match self.narrowed.take_if(|_| layer == last) {
                None => self.attention_out(layer, block, &call)?,
                Some(rows) => {
                    self.keys_and_values(layer, block, &call)?;
                    if rows.is_empty() {
                        self.narrowed = Some(rows);
                        return Ok(());
                    }
                    let narrow = self.call(&alone(segments, &rows), rows.len())?;
                    self.attention_out_of(layer, block, &narrow, &rows)?;
                    count = rows.len();
                    self.narrowed = Some(rows);
                }
            }
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
        match &self.narrowed {
            None => self.device.gather(&self.stream, which, added)?,
            Some(rows) => {
                let place = |row: &usize| rows.binary_search(row).expect("only needed rows are finished");
                let places: Vec<usize> = which.iter().map(place).collect();
                self.device.gather(&self.stream, &places, added)?;
            }
        }
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
