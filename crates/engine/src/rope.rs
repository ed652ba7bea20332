//! Rotary positions: the base and every way of scaling it that the families use.
//!
//! Sources: Su et al. 2021 (RoPE), Chen et al. 2023 (linear), the dynamic NTK scaling of the LocalLLaMA forum, Peng et
//! al. 2023 (YaRN, arXiv:2309.00071, section 3.2), Ding et al. 2024 (LongRoPE, arXiv:2402.13753), the Llama 3.1 model
//! card's code. Both spellings of config.json are read: `rope_theta` with `rope_scaling` (transformers 4) and
//! `rope_parameters` (transformers 5).

use crate::EngineError;
use crate::reader::Reader;

/// Rotary positions: base and scaling.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the angles.
    pub theta: f64,
    /// Numbers of a head that are turned, from its beginning; even.
    pub rotated: usize,
    /// Scaling of the frequencies.
    pub scaling: RopeScaling,
    /// Multiplies turned queries and keys (YaRN, LongRoPE).
    pub amplitude: f64,
}

/// How frequencies are scaled for longer sequences.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all. Dynamic NTK scaling is this too: it only acts beyond `max_position_embeddings`, where no sequence is
    /// read.
    None,
    /// All by one factor.
    Linear {
        /// Divides every frequency.
        factor: f64,
    },
    /// Llama 3.1: low frequencies by the factor, high ones not, smoothly between.
    Llama3 {
        /// Divides the low frequencies.
        factor: f64,
        /// Wavelengths above original/this are low.
        low: f64,
        /// Wavelengths below original/this are high.
        high: f64,
        /// Longest sequence before scaling.
        original: f64,
    },
    /// YaRN: between two pairs a ramp from untouched to divided by the factor.
    Yarn {
        /// Divides the low frequencies.
        factor: f64,
        /// Pair at which the ramp starts.
        low: f64,
        /// Pair at which it ends.
        high: f64,
    },
    /// LongRoPE: a divisor a pair, of which there are two lists.
    Long {
        /// For sequences up to `original`.
        short: Vec<f64>,
        /// For longer ones.
        long: Vec<f64>,
        /// Longest sequence of the short list.
        original: usize,
    },
}

impl Rope {
    /// Reads `rope_scaling` and `rope_theta`, or `rope_parameters`.
    pub(crate) fn read(reader: &Reader, size: usize, longest: usize, theta: f64) -> Result<Rope, EngineError> {
        let older = reader.object("rope_scaling");
        let scaling = if reader.get("rope_scaling").is_object() { older } else { reader.object("rope_parameters") };
        for kind in ["full_attention", "sliding_attention"] {
            if !scaling.get(kind).is_null() {
                return Err(
                    reader.wrong(format!("`rope_parameters.{kind}`: this architecture has one rope for all blocks"))
                );
            }
        }
        let outer = reader.number("rope_theta", Some(theta))?;
        Rope::of(&scaling, reader, size, longest, outer)
    }

    /// Reads one object of rope parameters; `outer` is config.json itself, `theta` the base where the object has none.
    pub(crate) fn of(
        scaling: &Reader,
        outer: &Reader,
        size: usize,
        longest: usize,
        theta: f64,
    ) -> Result<Rope, EngineError> {
        let theta = scaling.number("rope_theta", Some(theta))?;
        if !(theta.is_finite() && theta > 1.0) {
            return Err(outer.wrong(format!("`rope_theta` is {theta}; it must be over 1")));
        }
        let share =
            scaling.positive("partial_rotary_factor", Some(outer.positive("partial_rotary_factor", Some(1.0))?))?;
        let rotated = (size as f64 * share) as usize;
        if share > 1.0 || rotated < 2 || !rotated.is_multiple_of(2) {
            return Err(outer.wrong(format!(
                "`partial_rotary_factor` {share} of head_dim {size} turns {rotated} numbers; pairs are needed"
            )));
        }
        let original = match outer.get("original_max_position_embeddings").is_null() {
            false => outer.size("original_max_position_embeddings", None)?,
            true => scaling.size("original_max_position_embeddings", Some(longest))?,
        };
        let kind = match scaling.text("rope_type", "")? {
            "" => scaling.text("type", "default")?,
            kind => kind,
        };
        let mut amplitude = 1.0;
        let factor = |default: Option<f64>| scaling.positive("factor", default);
        let scaling = match kind {
            "default" => RopeScaling::None,
            "dynamic" => {
                factor(None)?;
                RopeScaling::None
            }
            "linear" => RopeScaling::Linear { factor: factor(None)? },
            "llama3" => RopeScaling::Llama3 {
                factor: factor(None)?,
                low: scaling.positive("low_freq_factor", None)?,
                high: scaling.positive("high_freq_factor", None)?,
                original: original as f64,
            },
            "yarn" => {
                let factor = factor(Some(longest as f64 / original as f64))?;
                amplitude = match scaling.optional_positive("attention_factor", None)? {
                    Some(given) => given,
                    None => yarn_amplitude(
                        factor,
                        scaling.optional_positive("mscale", None)?,
                        scaling.optional_positive("mscale_all_dim", None)?,
                    ),
                };
                // The pair whose wavelength fits the original length this many times.
                let pair = |turns: f64| {
                    rotated as f64 * (original as f64 / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln())
                };
                let mut low = pair(scaling.positive("beta_fast", Some(32.0))?);
                let mut high = pair(scaling.positive("beta_slow", Some(1.0))?);
                if scaling.flag("truncate", true)? {
                    (low, high) = (low.floor(), high.ceil());
                }
                let (low, high) = (low.max(0.0), high.min(rotated as f64 - 1.0));
                RopeScaling::Yarn { factor, low, high: if low == high { high + 0.001 } else { high } }
            }
            "longrope" | "su" => {
                let factor = factor(Some(longest as f64 / original as f64))?;
                amplitude = match scaling.optional_positive("attention_factor", None)? {
                    Some(given) => given,
                    None if factor <= 1.0 => 1.0,
                    None => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
                };
                RopeScaling::Long {
                    short: scaling.positives("short_factor", rotated / 2)?,
                    long: scaling.positives("long_factor", rotated / 2)?,
                    original,
                }
            }
            other => {
                return Err(outer.wrong(format!(
                    "rope_type `{other}` is not read; known are default, linear, dynamic, llama3, yarn, longrope"
                )));
            }
        };
        // As f32, in which it multiplies.
        if !(amplitude as f32).is_normal() {
            return Err(outer.wrong(format!("the rope's attention factor would be {amplitude}")));
        }
        if let RopeScaling::Llama3 { low, high, .. } = scaling
            && low >= high
        {
            return Err(outer.wrong(format!("`high_freq_factor` {high} must be over `low_freq_factor` {low}")));
        }
        let rope = Rope { theta, rotated, scaling, amplitude };
        for long in [false, true] {
            if let Some(wrong) = rope.frequencies(long).iter().find(|frequency| !frequency.is_finite()) {
                return Err(
                    outer.wrong(format!("a frequency of the rope would be {wrong}; its factors are too extreme"))
                );
            }
        }
        Ok(rope)
    }

    /// Longest sequence that uses the short list.
    pub(crate) fn short_until(&self) -> Option<usize> {
        match self.scaling {
            RopeScaling::Long { original, .. } => Some(original),
            _ => None,
        }
    }

    /// Angle per position of each pair. The arithmetic is in f32 as in transformers: at position 8,000 one unit in the
    /// last place of a frequency is 5·10⁻⁴ of an angle.
    pub(crate) fn frequencies(&self, long_sequence: bool) -> Vec<f32> {
        (0..self.rotated / 2)
            .map(|pair| {
                let exponent = (2 * pair) as f32 / self.rotated as f32;
                let power = self.theta.powf(f64::from(exponent)) as f32;
                let frequency = 1.0 / power;
                match &self.scaling {
                    RopeScaling::None => frequency,
                    RopeScaling::Linear { factor } => frequency / *factor as f32,
                    RopeScaling::Llama3 { factor, low, high, original } => {
                        let (factor, low, high) = (*factor as f32, *low as f32, *high as f32);
                        let wavelength = std::f32::consts::TAU / frequency;
                        let original = *original as f32;
                        if wavelength < original / high {
                            frequency
                        } else if wavelength > original / low {
                            frequency / factor
                        } else {
                            let smooth = (original / wavelength - low) / (high - low);
                            (1.0 - smooth) * frequency / factor + smooth * frequency
                        }
                    }
                    RopeScaling::Yarn { factor, low, high } => {
                        let ramp = ((pair as f32 - *low as f32) / (high - low) as f32).clamp(0.0, 1.0);
                        let divided = 1.0 / (*factor as f32 * power);
                        divided * ramp + frequency * (1.0 - ramp)
                    }
                    RopeScaling::Long { short, long, .. } => {
                        let divisor = if long_sequence { long[pair] } else { short[pair] };
                        1.0 / (divisor as f32 * power)
                    }
                }
            })
            .collect()
    }
}

/// YaRN's factor on queries and keys, section 3.4, with DeepSeek's two optional multipliers.
fn yarn_amplitude(factor: f64, scale: Option<f64>, scale_all: Option<f64>) -> f64 {
    let one = |multiplier: f64| if factor <= 1.0 { 1.0 } else { 0.1 * multiplier * factor.ln() + 1.0 };
    match (scale, scale_all) {
        (Some(scale), Some(all)) => one(scale) / one(all),
        _ => one(1.0),
    }
}
