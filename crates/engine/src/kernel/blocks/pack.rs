//! Packing of quantised weights, and single rows back from what was packed.

use std::ops::Range;

use half::f16;

use super::super::memory::Words;
use super::super::panels::PANEL;
use super::super::pool::{Pool, Shares};
use super::Blocks;
use super::layout::{Form, GROUP, gathered, spread};
use super::parts::Parts;
use crate::storage::BlockType;

impl Blocks {
    /// Packs a matrix: `bytes(row)` gives a row as it lies on disk; `done` hears of rows that will not be read again.
    /// Plain floats are rounded to Q8_0.
    ///
    /// # Panics
    /// When the columns are no multiple of 32 or of the type's block.
    pub fn pack<'a>(
        kind: BlockType,
        rows: usize,
        columns: usize,
        pool: &Pool,
        bytes: impl Fn(usize) -> &'a [u8] + Sync,
        done: impl Fn(Range<usize>) + Sync,
    ) -> Blocks {
        let form = Form::of(kind);
        assert!(columns.is_multiple_of(GROUP) && columns.is_multiple_of(form.span));
        let panels = rows.div_ceil(PANEL);
        let (group_words, scale_words) = (form.group_words(), form.scale_words());
        let (quant_words, scale_room) = (columns / GROUP * group_words, columns / form.span * scale_words);
        let mut quants = Words::zeroed(panels * quant_words);
        let mut scales = Words::zeroed(panels * scale_room);
        let (quant_shares, scale_shares) = (Shares::of(&mut quants), Shares::of(&mut scales));
        // Some panels a task, so that the room for rows is made rarely.
        pool.run(panels.div_ceil(8), &|task| {
            let mut parts = Parts::of(form, columns);
            for panel in 8 * task..(8 * task + 8).min(panels) {
                // SAFETY: every panel is written by one task.
                let (quants, scales) = unsafe {
                    (
                        quant_shares.part(panel * quant_words..(panel + 1) * quant_words),
                        scale_shares.part(panel * scale_room..(panel + 1) * scale_room),
                    )
                };
                for (lane, row) in (panel * PANEL..(panel * PANEL + PANEL).min(rows)).enumerate() {
                    parts.read(kind, bytes(row));
                    let (groups, _) = parts.numbers.as_chunks::<GROUP>();
                    for (numbers, words) in groups.iter().zip(quants.chunks_exact_mut(group_words)) {
                        spread(form.bits, numbers, |place, word| words[place + lane] = word);
                    }
                    for (span, words) in scales.chunks_exact_mut(scale_words).enumerate() {
                        put_scales(form, &parts, span, lane, words);
                    }
                }
            }
            done(8 * task * PANEL..(8 * (task + 1) * PANEL).min(rows));
        });
        Blocks { form, quants, scales, rows, columns }
    }

    /// One row, as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let form = self.form;
        let (panel, lane) = (row / PANEL, row % PANEL);
        let (group_words, scale_words) = (form.group_words(), form.scale_words());
        let groups = self.columns / GROUP;
        let quants = &self.quants[panel * groups * group_words..][..groups * group_words];
        let spans = self.columns / form.span;
        let scales = &self.scales[panel * spans * scale_words..][..spans * scale_words];
        let (out, _) = out.as_chunks_mut::<GROUP>();
        for (group, (out, words)) in out.iter_mut().zip(quants.chunks_exact(group_words)).enumerate() {
            let numbers = gathered(form.bits, |place| words[place + lane]);
            let span = &scales[group * GROUP / form.span * scale_words..][..scale_words];
            for (half, (out, numbers)) in
                out.chunks_exact_mut(form.block).zip(numbers.chunks_exact(form.block)).enumerate()
            {
                let block = (group * GROUP / form.block + half) % form.blocks();
                let (scale, minimum) = scale_and_minimum(form, span, block, lane);
                for (out, number) in out.iter_mut().zip(numbers) {
                    *out = scale * (i32::from(*number) - form.offset) as f32 - minimum;
                }
            }
        }
    }
}

/// Puts one output's scales of a span where they belong.
fn put_scales(form: Form, parts: &Parts, span: usize, lane: usize, words: &mut [u32]) {
    let mut half = |place: usize, half: u16| words[place + lane / 2] |= u32::from(half) << (16 * (lane % 2));
    half(0, parts.scales[span]);
    if form.minima {
        half(PANEL / 2, parts.minima[span]);
    }
    if form.own {
        let blocks = span * form.blocks()..(span + 1) * form.blocks();
        let mut byte = |place: usize, byte: u8| words[place + lane / 4] |= u32::from(byte) << (8 * (lane % 4));
        for (place, block) in blocks.enumerate() {
            byte(form.own_start() + place * PANEL / 4, parts.own_scales[block]);
            if form.minima {
                byte(form.own_start() + form.own_words() + place * PANEL / 4, parts.own_minima[block]);
            }
        }
    }
}

/// Scale and minimum of one output's block of a span.
fn scale_and_minimum(form: Form, words: &[u32], block: usize, lane: usize) -> (f32, f32) {
    let half = |place: usize| f16::from_bits((words[place + lane / 2] >> (16 * (lane % 2))) as u16).to_f32();
    let byte = |place: usize| (words[place + block * PANEL / 4 + lane / 4] >> (8 * (lane % 4))) as u8;
    let own = |place: usize| match (form.own, form.bits) {
        (false, _) => 1.0,
        (true, 6) => f32::from(byte(place) as i8),
        _ => f32::from(byte(place)),
    };
    let scale = half(0) * own(form.own_start());
    let minimum = if form.minima { half(PANEL / 2) * own(form.own_start() + form.own_words()) } else { 0.0 };
    (scale, minimum)
}
