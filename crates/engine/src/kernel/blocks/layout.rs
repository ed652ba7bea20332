//! How a panel of sixteen outputs holds quantised weights: the bits of every type and their places.
//!
//! Whole numbers carry no sign here: a weight is scale·(q − offset) − minimum. 32 inner indices of a panel, a *group*, are
//! planes of high bits followed by words of low bits; a word is one output's, sixteen words are one step of a register.
//! With *step* s for inner indices 4s to 4s + 3 (byte j of a word for index 4s + j):
//!
//! | bits | words of a group | content |
//! |---|---|---|
//! | 8 | 8 × 16 | step after step |
//! | 4 | 4 × 16 | word k: low nibbles of step k, high nibbles of step k + 4 |
//! | 5 | 16 + 4 × 16 | bit s of a plane's byte belongs to step s; then nibbles |
//! | 6 | 2 × 16 + 4 × 16 | bits 2t and 2t + 1 of plane p belong to step 4p + t; then nibbles |
//!
//! Scales lie apart, as narrow as in the file. For every *span* (the inner indices that share an f16 scale) sixteen f16,
//! sixteen f16 of minima where the type has them, and for K types, block after block, sixteen bytes of the blocks' own
//! scales, then of their own minima.

use super::super::panels::PANEL;
use crate::storage::BlockType;

/// Inner indices of a group; activations share a scale over as many.
pub(crate) const GROUP: usize = 32;
/// Steps of a group.
pub(crate) const STEPS: usize = GROUP / 4;

/// A quantised type, by what matters for its products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Bits of a whole number: 4, 5, 6 or 8.
    pub bits: usize,
    /// What is subtracted from a whole number.
    pub offset: i32,
    /// Inner indices that share an f16 scale.
    pub span: usize,
    /// Inner indices that share the whole scale: 32, or 16 where bits are 6.
    pub block: usize,
    /// Whether a minimum is subtracted.
    pub minima: bool,
    /// Whether blocks have scales (and minima) of their own, a byte each, as factors of the span's.
    pub own: bool,
}

impl Form {
    /// How a type is held: its own bits, or 8 for plain floats.
    pub fn of(kind: BlockType) -> Form {
        let simple = |bits, offset, minima| Form { bits, offset, span: 32, block: 32, minima, own: false };
        let nested = |bits, offset, block, minima| Form { bits, offset, span: 256, block, minima, own: true };
        match kind {
            BlockType::F32 | BlockType::F16 | BlockType::Bf16 | BlockType::Q8_0 => simple(8, 128, false),
            BlockType::Q4_0 => simple(4, 8, false),
            BlockType::Q4_1 => simple(4, 0, true),
            BlockType::Q5_0 => simple(5, 16, false),
            BlockType::Q5_1 => simple(5, 0, true),
            BlockType::Q4K => nested(4, 0, 32, true),
            BlockType::Q5K => nested(5, 0, 32, true),
            BlockType::Q6K => nested(6, 32, 16, false),
        }
    }

    /// Words of a group's whole numbers, all sixteen outputs.
    pub fn group_words(self) -> usize {
        PANEL * self.bits
    }

    /// Blocks of a span.
    pub fn blocks(self) -> usize {
        self.span / self.block
    }

    /// Words from a span's first scale to its blocks' own scales.
    pub fn own_start(self) -> usize {
        PANEL / 2 * (1 + usize::from(self.minima))
    }

    /// Words from the blocks' own scales to their own minima.
    pub fn own_words(self) -> usize {
        if self.own { PANEL / 4 * self.blocks() } else { 0 }
    }

    /// Words of a span's scales and minima, all sixteen outputs.
    pub fn scale_words(self) -> usize {
        self.own_start() + self.own_words() * (1 + usize::from(self.minima))
    }
}

/// Puts one output's whole numbers of a group into its words: `put(place, word)` hears of each, places being those of
/// output 0.
pub(crate) fn spread(bits: usize, numbers: &[u8; GROUP], mut put: impl FnMut(usize, u32)) {
    let step = |step: usize, low: fn(u8) -> u8| -> u32 {
        u32::from_le_bytes(std::array::from_fn(|byte| low(numbers[4 * step + byte])))
    };
    if bits == 8 {
        (0..STEPS).for_each(|at| put(at * PANEL, step(at, |number| number)));
        return;
    }
    for plane in 0..bits - 4 {
        let word = match bits {
            5 => (0..STEPS).fold(0, |word, at| word | step(at, |number| number >> 4) << at),
            _ => (0..4).fold(0, |word, at| word | step(4 * plane + at, |number| number >> 4) << (2 * at)),
        };
        put(plane * PANEL, word);
    }
    for at in 0..4 {
        let word = step(at, |number| number & 0x0F) | step(at + 4, |number| number & 0x0F) << 4;
        put((bits - 4 + at) * PANEL, word);
    }
}

/// One output's whole numbers of a group from its words: the way back from [`spread`].
pub(crate) fn gathered(bits: usize, word: impl Fn(usize) -> u32) -> [u8; GROUP] {
    let byte = |place: usize, byte: usize| word(place * PANEL).to_le_bytes()[byte];
    std::array::from_fn(|number| {
        let (step, at) = (number / 4, number % 4);
        if bits == 8 {
            return byte(step, at);
        }
        let low = (byte(bits - 4 + step % 4, at) >> (step / 4 * 4)) & 0x0F;
        let high = match bits {
            4 => 0,
            5 => (byte(0, at) >> step) & 1,
            _ => (byte(step / 4, at) >> (step % 4 * 2)) & 3,
        };
        low | high << 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_back_from_their_words() {
        for bits in [4, 5, 6, 8] {
            for seed in 0..50 {
                let numbers: [u8; GROUP] =
                    std::array::from_fn(|at| ((at * 89 + seed * 41 + at * at) % (1 << bits)) as u8);
                let mut words = vec![0u32; PANEL * bits];
                let mut told = 0;
                spread(bits, &numbers, |place, word| {
                    words[place + 3] = word;
                    told += 1;
                });
                assert_eq!(told, bits, "every word of the output is written once");
                assert_eq!(gathered(bits, |place| words[place + 3]), numbers, "{bits} bits");
            }
        }
    }

    #[test]
    fn a_packed_type_takes_about_the_bytes_of_its_file() {
        use BlockType::*;
        for kind in [Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4K, Q5K, Q6K] {
            let form = Form::of(kind);
            let words = form.group_words() * 256 / GROUP + form.scale_words() * 256 / form.span;
            let packed = words as f64 * 4.0 / PANEL as f64;
            let filed = (256 / kind.elements() * kind.bytes()) as f64;
            assert!(packed <= filed * 1.03 && packed >= filed, "{kind:?}: {packed} bytes for {filed}");
        }
    }
}
