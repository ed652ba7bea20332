//! How the blocks of a decoder attend: from its configuration and segments to the kernel.

use crate::config::Config;
use crate::decoder::Segment;
use crate::kernel::attention::{Heads, Sequence};
use crate::ops::exponential;

impl Heads {
    /// Of one block of a decoder.
    pub fn of(config: &Config, layer: usize) -> Heads {
        Heads {
            heads: config.heads,
            key_value_heads: config.key_value_heads,
            size: config.head_dimension,
            scale: config.attention_scale,
            cap: config.attention_cap,
            window: config.attention[layer].window,
        }
    }
}

impl Sequence {
    /// A segment with its chain.
    pub fn of(segment: &Segment) -> Sequence {
        let own = segment.stored..segment.stored + segment.rows.len();
        Sequence {
            rows: segment.rows.clone(),
            stored: segment.chain.iter().cloned().chain(std::iter::once(own)).collect(),
        }
    }
}

/// x becomes cap·tanh(x/cap).
#[inline(always)]
pub(crate) fn soft_cap(values: &mut [f32], cap: f32) {
    for value in values.iter_mut() {
        *value = cap * (1.0 - 2.0 / (1.0 + exponential(2.0 * *value / cap)));
    }
}
