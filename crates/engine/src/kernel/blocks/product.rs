//! A product of rows of activations with a quantised matrix, cut into tiles and tasks.

use std::ops::Range;

use super::super::isa::Isa;
use super::super::panels::PANEL;
use super::super::pool::{Pool, Shares};
use super::layout::{GROUP, STEPS};
use super::tile::{Side, multiply};
use super::{Blocks, Quantised};

/// Bytes of activations that stay in the second-level cache while the panels of a task pass.
const ROWS_BYTES: usize = 256 << 10;

impl Blocks {
    /// out [count, outputs] = input·Wᵀ for some outputs, which start at a panel.
    ///
    /// # Panics
    /// When a matrix reaches beyond its slice.
    pub fn product(
        &self,
        isa: Isa,
        outputs: Range<usize>,
        input: &[f32],
        (out, out_row): (&mut [f32], usize),
        room: &mut Quantised,
        pool: &Pool,
    ) {
        let count = input.len() / self.columns;
        if count == 0 || outputs.is_empty() {
            return;
        }
        assert!(outputs.start.is_multiple_of(PANEL) && outputs.end <= self.rows && outputs.len() <= out_row);
        assert!((count - 1) * out_row + outputs.len() <= out.len());
        room.take(input, self.columns, self.form.block, pool);
        let room = &*room;
        let panels = outputs.start / PANEL..outputs.end.div_ceil(PANEL);
        let slice = panels.len().div_ceil(8 * pool.threads()).clamp(1, 64);
        let chunk = (ROWS_BYTES / self.columns / 8 * 8).clamp(8, 512);
        let shares = Shares::of(out);
        pool.run(panels.len().div_ceil(slice), &|task| {
            let first = panels.start + task * slice;
            let mut tile = vec![0.0f32; chunk.min(count) * PANEL];
            for start in (0..count).step_by(chunk) {
                let rows = start..(start + chunk).min(count);
                for panel in first..(first + slice).min(panels.end) {
                    let column = (panel - panels.start) * PANEL;
                    let width = PANEL.min(outputs.end - panel * PANEL);
                    multiply(isa, &self.side(panel, room, rows.clone()), &mut tile);
                    for (row, sums) in rows.clone().zip(tile.chunks_exact(PANEL)) {
                        let at = row * out_row + column;
                        // SAFETY: tasks have disjoint columns.
                        unsafe { shares.part(at..at + width) }.copy_from_slice(&sums[..width]);
                    }
                }
            }
        });
    }

    /// A panel and some rows.
    fn side<'a>(&'a self, panel: usize, room: &'a Quantised, rows: Range<usize>) -> Side<'a> {
        let groups = self.columns / GROUP;
        let (quants, blocks) = (groups * self.form.group_words(), self.columns / self.form.block);
        let scales = self.columns / self.form.span * self.form.scale_words();
        Side {
            form: self.form,
            quants: &self.quants[panel * quants..(panel + 1) * quants],
            scales: &self.scales[panel * scales..(panel + 1) * scales],
            words: &room.words[rows.start * groups * STEPS..rows.end * groups * STEPS],
            row_scales: &room.scales[rows.start * groups..rows.end * groups],
            sums: &room.sums[rows.start * blocks..rows.end * blocks],
            groups,
        }
    }
}
