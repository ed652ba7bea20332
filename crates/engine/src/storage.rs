//! How numbers lie on disk: plain floats, and GGUF's blocks of quantised ones. A tensor's bytes are a row of blocks.
//!
//! Layouts (all little-endian; d and m are f16; from the GGUF specification and ggml's reference quantisation):
//!
//! | type | numbers | bytes | a number is |
//! |---|---|---|---|
//! | Q8_0 | 32 | d, 32 × i8 | d·q |
//! | Q4_0 | 32 | d, 16 × two nibbles | d·(q − 8); low nibbles are the first half |
//! | Q4_1 | 32 | d, m, 16 × two nibbles | d·q + m |
//! | Q5_0 | 32 | d, 32 fifth bits, 16 × two nibbles | d·(q − 16) |
//! | Q5_1 | 32 | d, m, 32 fifth bits, 16 × two nibbles | d·q + m |
//! | Q4_K | 256 | d, m, 12 of 6-bit scales, 128 × two nibbles | d·s·q − m·t, a scale s and t for each 32 |
//! | Q5_K | 256 | as Q4_K, with 32 of fifth bits before the nibbles | the same |
//! | Q6_K | 256 | 128 of low nibbles, 64 of high bits, 16 × i8 scales, d | d·s·(q − 32), a scale for each 16 |
//!
//! Products are taken in the order in which the `gguf` package takes them, so that both give the same bits.

use half::{bf16, f16};

/// How numbers lie on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockType {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q4K,
    Q5K,
    Q6K,
}

impl BlockType {
    /// Numbers of a block.
    pub const fn elements(self) -> usize {
        match self {
            BlockType::F32 | BlockType::F16 | BlockType::Bf16 => 1,
            BlockType::Q8_0 | BlockType::Q4_0 | BlockType::Q4_1 | BlockType::Q5_0 | BlockType::Q5_1 => 32,
            BlockType::Q4K | BlockType::Q5K | BlockType::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub const fn bytes(self) -> usize {
        match self {
            BlockType::F32 => 4,
            BlockType::F16 | BlockType::Bf16 => 2,
            BlockType::Q8_0 => 34,
            BlockType::Q4_0 => 18,
            BlockType::Q4_1 => 20,
            BlockType::Q5_0 => 22,
            BlockType::Q5_1 => 24,
            BlockType::Q4K => 144,
            BlockType::Q5K => 176,
            BlockType::Q6K => 210,
        }
    }

    /// The name that people know.
    pub const fn name(self) -> &'static str {
        match self {
            BlockType::F32 => "F32",
            BlockType::F16 => "F16",
            BlockType::Bf16 => "BF16",
            BlockType::Q8_0 => "Q8_0",
            BlockType::Q4_0 => "Q4_0",
            BlockType::Q4_1 => "Q4_1",
            BlockType::Q5_0 => "Q5_0",
            BlockType::Q5_1 => "Q5_1",
            BlockType::Q4K => "Q4_K",
            BlockType::Q5K => "Q5_K",
            BlockType::Q6K => "Q6_K",
        }
    }

    /// Reads whole blocks: as many as `out` holds numbers of, [n·bytes] → [n·elements].
    ///
    /// # Panics
    /// When the lengths are not those of the same number of blocks (a bug of the caller, who checks files).
    pub fn dequantise(self, bytes: &[u8], out: &mut [f32]) {
        assert_eq!(out.len() % self.elements(), 0, "whole blocks of {}", self.name());
        assert_eq!(bytes.len(), out.len() / self.elements() * self.bytes(), "bytes of {}", self.name());
        match self {
            BlockType::F32 => {
                for (out, four) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                    *out = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                }
            }
            BlockType::F16 => {
                for (out, two) in out.iter_mut().zip(bytes.chunks_exact(2)) {
                    *out = half_at(two, 0);
                }
            }
            BlockType::Bf16 => {
                for (out, two) in out.iter_mut().zip(bytes.chunks_exact(2)) {
                    *out = bf16::from_le_bytes([two[0], two[1]]).to_f32();
                }
            }
            BlockType::Q8_0 => blocks::<32>(self, bytes, out, q8_0),
            BlockType::Q4_0 => blocks::<32>(self, bytes, out, q4_0),
            BlockType::Q4_1 => blocks::<32>(self, bytes, out, q4_1),
            BlockType::Q5_0 => blocks::<32>(self, bytes, out, q5_0),
            BlockType::Q5_1 => blocks::<32>(self, bytes, out, q5_1),
            BlockType::Q4K => blocks::<256>(self, bytes, out, q4_k),
            BlockType::Q5K => blocks::<256>(self, bytes, out, q5_k),
            BlockType::Q6K => blocks::<256>(self, bytes, out, q6_k),
        }
    }

    /// Whether plain floats are finite; of quantised blocks nothing is looked at. The bytes are of whole numbers.
    pub fn floats_are_finite(self, bytes: &[u8]) -> bool {
        // All bits of the exponent set; folded without branches, so that it runs at the speed of memory.
        let halves = |mask: u16| {
            let (pairs, _) = bytes.as_chunks::<2>();
            !pairs.iter().fold(false, |found, pair| found | (u16::from_le_bytes(*pair) & mask == mask))
        };
        match self {
            BlockType::F32 => {
                const MASK: u32 = 0x7F80_0000;
                let (fours, _) = bytes.as_chunks::<4>();
                !fours.iter().fold(false, |found, four| found | (u32::from_le_bytes(*four) & MASK == MASK))
            }
            BlockType::F16 => halves(0x7C00),
            BlockType::Bf16 => halves(0x7F80),
            _ => true,
        }
    }

    /// Whether every block's scales are finite: a cheap look that finds a hostile or damaged quantised tensor before it
    /// poisons a whole run. Plain floats are not looked at.
    pub fn scales_are_finite(self, bytes: &[u8]) -> bool {
        let places: &[usize] = match self {
            BlockType::F32 | BlockType::F16 | BlockType::Bf16 => return true,
            BlockType::Q8_0 | BlockType::Q4_0 | BlockType::Q5_0 => &[0],
            BlockType::Q4_1 | BlockType::Q5_1 | BlockType::Q4K | BlockType::Q5K => &[0, 2],
            BlockType::Q6K => &[208],
        };
        let finite = |block: &[u8]| places.iter().all(|place| half_at(block, *place).is_finite());
        bytes.chunks_exact(self.bytes()).all(finite)
    }
}

/// The f16 at a place, widened.
#[inline]
fn half_at(bytes: &[u8], place: usize) -> f32 {
    f16::from_le_bytes([bytes[place], bytes[place + 1]]).to_f32()
}

/// Reads block after block.
fn blocks<const N: usize>(kind: BlockType, bytes: &[u8], out: &mut [f32], read: fn(&[u8], &mut [f32; N])) {
    let (out, _) = out.as_chunks_mut::<N>();
    for (block, out) in bytes.chunks_exact(kind.bytes()).zip(out) {
        read(block, out);
    }
}

fn q8_0(block: &[u8], out: &mut [f32; 32]) {
    let scale = half_at(block, 0);
    for (out, quant) in out.iter_mut().zip(&block[2..34]) {
        *out = f32::from(*quant as i8) * scale;
    }
}

fn q4_0(block: &[u8], out: &mut [f32; 32]) {
    let scale = half_at(block, 0);
    let (low, high) = out.split_at_mut(16);
    for ((low, high), pair) in low.iter_mut().zip(high).zip(&block[2..18]) {
        *low = scale * f32::from((pair & 0x0F) as i8 - 8);
        *high = scale * f32::from((pair >> 4) as i8 - 8);
    }
}

fn q4_1(block: &[u8], out: &mut [f32; 32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    let (low, high) = out.split_at_mut(16);
    for ((low, high), pair) in low.iter_mut().zip(high).zip(&block[4..20]) {
        *low = scale * f32::from(pair & 0x0F) + least;
        *high = scale * f32::from(pair >> 4) + least;
    }
}

fn q5_0(block: &[u8], out: &mut [f32; 32]) {
    let scale = half_at(block, 0);
    let quants = five_bits(&block[2..6], &block[6..22]);
    out.iter_mut().zip(quants).for_each(|(out, quant)| *out = scale * f32::from(quant as i8 - 16));
}

fn q5_1(block: &[u8], out: &mut [f32; 32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    let quants = five_bits(&block[4..8], &block[8..24]);
    out.iter_mut().zip(quants).for_each(|(out, quant)| *out = scale * f32::from(quant) + least);
}

/// The 32 numbers of Q5_0 and Q5_1, without sign: bit 4 of number i is bit i of the four bytes of fifth bits.
pub(crate) fn five_bits(fifth: &[u8], nibbles: &[u8]) -> [u8; 32] {
    std::array::from_fn(|place| {
        let low = (nibbles[place % 16] >> (place / 16 * 4)) & 0x0F;
        low | ((fifth[place / 8] >> (place % 8)) & 1) << 4
    })
}

/// The eight 6-bit scales and minima of a K block from their 12 bytes: four of each plainly, and the last four in nibbles
/// with their two upper bits in the upper bits of the first eight bytes.
pub(crate) fn scales_and_minima(packed: &[u8]) -> ([u8; 8], [u8; 8]) {
    let (mut scales, mut minima) = ([0; 8], [0; 8]);
    for place in 0..4 {
        let (scale, minimum, last) = (packed[place], packed[place + 4], packed[place + 8]);
        scales[place] = scale & 0x3F;
        minima[place] = minimum & 0x3F;
        scales[place + 4] = (last & 0x0F) | ((scale >> 2) & 0x30);
        minima[place + 4] = (last >> 4) | ((minimum >> 2) & 0x30);
    }
    (scales, minima)
}

fn q4_k(block: &[u8], out: &mut [f32; 256]) {
    k_with_minima(block, &[0; 32], &block[16..144], out);
}

fn q5_k(block: &[u8], out: &mut [f32; 256]) {
    k_with_minima(block, &block[16..48], &block[48..176], out);
}

/// Q4_K and Q5_K: 64 numbers from each 32 bytes of nibbles, the low ones first; `fifth` holds bit 4 of number
/// 32·group + i as bit `group` of byte i.
fn k_with_minima(block: &[u8], fifth: &[u8], nibbles: &[u8], out: &mut [f32; 256]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    let (scales, minima) = scales_and_minima(&block[4..16]);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = (scale * f32::from(scales[group]), minimum * f32::from(minima[group]));
        let nibbles = &nibbles[group / 2 * 32..][..32];
        for ((out, nibble), fifth) in out.iter_mut().zip(nibbles).zip(fifth) {
            let quant = ((nibble >> (group % 2 * 4)) & 0x0F) | (((fifth >> group) & 1) << 4);
            *out = scale * f32::from(quant) - minimum;
        }
    }
}

/// Two halves of 128; in each, four rows of 32 share 64 bytes of nibbles (low nibbles of both 32s, then high) and 32
/// bytes of upper bits (two a row).
fn q6_k(block: &[u8], out: &mut [f32; 256]) {
    let scale = half_at(block, 208);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (side, row) = (group / 4, group % 4);
        let nibbles = &block[side * 64 + row % 2 * 32..][..32];
        let upper = &block[128 + side * 32..][..32];
        for (place, out) in out.iter_mut().enumerate() {
            let low = (nibbles[place] >> (row / 2 * 4)) & 0x0F;
            let high = (upper[place] >> (row * 2)) & 0x03;
            let factor = scale * f32::from(block[192 + group * 2 + place / 16] as i8);
            *out = factor * f32::from((low | (high << 4)) as i8 - 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BlockType;

    /// Random blocks and what the `gguf` package makes of them (`tests/oracle/make_blocks.py`).
    #[test]
    fn equals_the_gguf_package_to_the_bit() {
        let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/blocks.safetensors"));
        let file = file.expect("the fixture");
        let content = safetensors::SafeTensors::deserialize(&file).expect("a safetensors file");
        let kinds = [
            BlockType::F32,
            BlockType::F16,
            BlockType::Bf16,
            BlockType::Q8_0,
            BlockType::Q4_0,
            BlockType::Q4_1,
            BlockType::Q5_0,
            BlockType::Q5_1,
            BlockType::Q4K,
            BlockType::Q5K,
            BlockType::Q6K,
        ];
        for kind in kinds {
            let bytes = content.tensor(&format!("{}.bytes", kind.name())).expect("bytes");
            let wanted = content.tensor(&format!("{}.values", kind.name())).expect("values");
            let wanted: Vec<u32> = wanted
                .data()
                .chunks_exact(4)
                .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                .collect();
            assert!(wanted.len() >= 1024);
            let mut found = vec![0.0; wanted.len()];
            kind.dequantise(bytes.data(), &mut found);
            let found: Vec<u32> = found.iter().map(|value| value.to_bits()).collect();
            assert_eq!(found, wanted, "{}", kind.name());
            assert!(kind.scales_are_finite(bytes.data()), "{}", kind.name());
        }
    }

    #[test]
    fn floats_that_are_no_numbers_are_found() {
        for (kind, wide, bad) in [
            (BlockType::F32, 4, vec![f32::NAN.to_bits(), f32::INFINITY.to_bits(), f32::NEG_INFINITY.to_bits()]),
            (BlockType::F16, 2, vec![0x7C00, 0xFC00, 0x7E00]),
            (BlockType::Bf16, 2, vec![0x7F80, 0xFF80, 0x7FC0]),
        ] {
            // The largest numbers and all others are finite.
            let largest = if kind == BlockType::F16 { 0xFBFFu32 } else { 0xFF7F << (8 * (wide - 2)) };
            let mut bytes: Vec<u8> = (0..99).flat_map(|_| largest.to_le_bytes()[..wide].to_vec()).collect();
            assert!(kind.floats_are_finite(&bytes), "{}", kind.name());
            for bits in bad {
                bytes[70 * wide..71 * wide].copy_from_slice(&bits.to_le_bytes()[..wide]);
                assert!(!kind.floats_are_finite(&bytes), "{} {bits:x}", kind.name());
            }
        }
    }

    #[test]
    fn scales_that_are_no_numbers_are_found_in_any_block() {
        for (kind, place) in [
            (BlockType::Q8_0, 0),
            (BlockType::Q4_0, 0),
            (BlockType::Q4_1, 2),
            (BlockType::Q5_0, 0),
            (BlockType::Q5_1, 0),
            (BlockType::Q5_1, 2),
            (BlockType::Q4K, 0),
            (BlockType::Q4K, 2),
            (BlockType::Q5K, 2),
            (BlockType::Q6K, 208),
        ] {
            for wrong in [half::f16::NAN, half::f16::INFINITY, half::f16::NEG_INFINITY] {
                let mut bytes = vec![0u8; 3 * kind.bytes()];
                assert!(kind.scales_are_finite(&bytes));
                bytes[2 * kind.bytes() + place..][..2].copy_from_slice(&wrong.to_le_bytes());
                assert!(!kind.scales_are_finite(&bytes), "{} at {place}", kind.name());
            }
        }
    }
}
