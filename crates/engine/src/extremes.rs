//! Passes over all logits of a token: the highest, where it stands, whether all are finite.
//!
//! They run over a whole vocabulary for every token that is computed, so they compare in lanes: a maximum in order, or a
//! search that may stop at every number, does not vectorise. What the numbers mean is `sample`'s and `logsum`'s business.

use crate::ops::widest;

const LANES: usize = 16;
/// Numbers that a search looks at together.
const STRETCH: usize = 256;

/// The highest number; NaN where one is NaN, −∞ of none.
pub(crate) fn highest(values: &[f32]) -> f32 {
    let (highest, none) = widest(
        #[inline(always)]
        || {
            let (mut highest, mut none) = ([f32::NEG_INFINITY; LANES], [0u32; LANES]);
            for chunk in values.chunks(LANES) {
                for ((highest, none), value) in highest.iter_mut().zip(&mut none).zip(chunk) {
                    *highest = if *value > *highest { *value } else { *highest };
                    *none |= u32::from(value.is_nan());
                }
            }
            (highest, none)
        },
    );
    match none.iter().any(|none| *none > 0) {
        true => f32::NAN,
        false => highest.into_iter().fold(f32::NEG_INFINITY, f32::max),
    }
}

/// Where the first number that equals `wanted` stands.
pub(crate) fn first_equal(values: &[f32], wanted: f32) -> Option<usize> {
    let mut start = 0;
    widest(
        #[inline(always)]
        || {
            for stretch in values.chunks(STRETCH) {
                let mut found = 0u32;
                for value in stretch {
                    found |= u32::from(*value == wanted);
                }
                if found > 0 {
                    return;
                }
                start += stretch.len();
            }
        },
    );
    values[start..].iter().position(|value| *value == wanted).map(|place| start + place)
}

/// Whether all numbers are finite.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000; // all ones in what is infinite or no number
    let mut wrong = 0u32;
    widest(
        #[inline(always)]
        || {
            for value in values {
                wrong |= u32::from(value.to_bits() & EXPONENT == EXPONENT);
            }
        },
    );
    wrong == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which some are equal.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|at| ((at * 7919) % 1013) as f32 - 500.0).collect()
    }

    #[test]
    fn they_are_what_a_plain_pass_finds() {
        for count in [1, 15, 16, 17, 255, 256, 257, 1013, 5000] {
            let values = numbers(count);
            let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(highest(&values), top);
            for wanted in [top, values[count / 2], values[count - 1], 0.5] {
                assert_eq!(first_equal(&values, wanted), values.iter().position(|value| *value == wanted), "{count}");
            }
            assert!(all_finite(&values));
        }
        assert_eq!(highest(&[]), f32::NEG_INFINITY);
        assert!(all_finite(&[]) && first_equal(&[], 0.0).is_none());
    }

    #[test]
    fn what_is_no_number_is_noticed_wherever_it_stands() {
        for place in [0, 1, 15, 16, 300, 399] {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = numbers(400);
                values[place] = wrong;
                assert!(!all_finite(&values), "{wrong} at {place}");
                assert_eq!(highest(&values).is_nan(), wrong.is_nan());
            }
        }
    }
}
