//! Attention of segments over what is stored: scores, soft cap, window, softmax, weighted values.

use crate::config::Config;
use crate::decoder::Segment;
use crate::ops::{dot, exponential};

/// How one block attends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Width of a head.
    pub size: usize,
    /// Multiplies queries·keys.
    pub scale: f32,
    /// Scores s become cap·tanh(s/cap).
    pub cap: Option<f32>,
    /// A token sees itself and this many less one before it.
    pub window: Option<usize>,
}

impl Attention {
    /// Of one block of a decoder.
    pub fn of(config: &Config, layer: usize) -> Attention {
        Attention {
            heads: config.heads,
            key_value_heads: config.key_value_heads,
            size: config.head_dimension,
            scale: config.attention_scale,
            cap: config.attention_cap,
            window: config.attention[layer].window,
        }
    }

    /// Attention of one segment over its chain and itself, added to `attended`. `query` and `attended` are [N, H·h],
    /// `keys` and `values` the block's store [capacity, K·h]. Scores are held for one row at a time, so a long prompt
    /// needs no [T, T].
    pub fn run(
        &self,
        segment: &Segment,
        query: &[f32],
        (keys, values): (&[f32], &[f32]),
        attended: &mut [f32],
        scores: &mut Vec<f32>,
    ) {
        let (size, wide, narrow) = (self.size, self.heads * self.size, self.key_value_heads * self.size);
        let group = self.heads / self.key_value_heads;
        let before: usize = segment.chain.iter().map(ExactSizeIterator::len).sum();
        scores.resize(group * (before + segment.rows.len()), 0.0);
        pulp::Arch::new().dispatch(|| {
            for (place, row) in segment.rows.clone().enumerate() {
                let own = segment.stored..segment.stored + place + 1;
                let reached = before + place + 1;
                let length = self.window.map_or(reached, |window| window.min(reached));
                let stretches = segment.chain.iter().cloned().chain(std::iter::once(own.clone()));
                let mut hidden = reached - length;
                let seen: Vec<std::ops::Range<usize>> = stretches
                    .filter_map(|stretch| {
                        let skip = hidden.min(stretch.len());
                        hidden -= skip;
                        (skip < stretch.len()).then(|| stretch.start + skip..stretch.end)
                    })
                    .collect();
                for shared in 0..self.key_value_heads {
                    let heads = &query[row * wide + shared * group * size..][..group * size];
                    let scores = &mut scores[..group * length];
                    for (index, stored) in seen.iter().cloned().flatten().enumerate() {
                        let key = &keys[stored * narrow + shared * size..][..size];
                        for (head, part) in heads.chunks_exact(size).enumerate() {
                            scores[head * length + index] = dot(part, key) * self.scale;
                        }
                    }
                    if let Some(cap) = self.cap {
                        soft_cap(scores, cap);
                    }
                    let out = &mut attended[row * wide + shared * group * size..][..group * size];
                    for (row_scores, out) in scores.chunks_exact_mut(length).zip(out.chunks_exact_mut(size)) {
                        softmax(row_scores);
                        for (weight, stored) in row_scores.iter().zip(seen.iter().cloned().flatten()) {
                            let value = &values[stored * narrow + shared * size..][..size];
                            for (out, value) in out.iter_mut().zip(value) {
                                *out += weight * value;
                            }
                        }
                    }
                }
            }
        });
    }
}

/// x becomes cap·tanh(x/cap).
#[inline(always)]
pub(crate) fn soft_cap(values: &mut [f32], cap: f32) {
    for value in values.iter_mut() {
        *value = cap * (1.0 - 2.0 / (1.0 + exponential(2.0 * *value / cap)));
    }
}

/// Softmax in place.
#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().fold(f32::NEG_INFINITY, |highest, score| highest.max(*score));
    for score in scores.iter_mut() {
        *score = exponential(*score - highest);
    }
    let scale = 1.0 / crate::ops::sum(scores);
    for score in scores.iter_mut() {
        *score *= scale;
    }
}
