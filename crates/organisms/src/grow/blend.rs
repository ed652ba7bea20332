//! Between two organisms of one base: W + x·s₁·B₁A₁ + (1 − x)·s₂·B₂A₂, a straight line through the space of weights.
//!
//! A blend costs no training, so a calibration can have goal shares of every grade. What a blend does is known as exactly
//! as of any organism, by enumeration; nothing says what it *should* do, so it has no right verdict and no gap. The sum of
//! two adapters is one of the rank of both together, which PEFT and our engine read.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use crate::train::{NumberType, tensors_file};
use crate::{GrowError, Truth, export};

/// One end of the line: what `grow` wrote.
pub struct End {
    /// As it was named.
    pub name: String,
    /// `adapter_config.json`.
    config: Value,
    /// `adapter_model.safetensors`.
    weights: Vec<u8>,
    /// `growth.json`.
    growth: Value,
    /// Its known answer.
    pub truth: Truth,
}

impl End {
    /// From the content of its files, which `read` gives by name.
    ///
    /// # Errors
    /// [`GrowError::Blend`] when one is missing or says something else.
    pub fn read(name: &str, read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<End, GrowError> {
        let file = |file: &str| {
            let why = format!("{name} has no {file}; give an organism that `undermask grow` wrote as an adapter");
            read(file).ok_or(GrowError::Blend(why))
        };
        let json = |what: &str| -> Result<Value, GrowError> {
            let damaged = |error| GrowError::Blend(format!("{what} of {name} cannot be read ({error}); grow it again"));
            serde_json::from_slice(&file(what)?).map_err(damaged)
        };
        let truth = serde_json::from_value(json("truth.json")?)
            .map_err(|error| GrowError::Blend(format!("truth.json of {name} is no truth ({error}); grow it again")))?;
        let (config, growth) = (json("adapter_config.json")?, json("growth.json")?);
        Ok(End { name: name.to_owned(), config, weights: file("adapter_model.safetensors")?, growth, truth })
    }

    /// What its B·A is scaled by: α/r.
    fn scale(&self) -> Result<f32, GrowError> {
        let number = |key: &str| self.config[key].as_f64().filter(|value| value.is_finite() && *value > 0.0);
        match (number("lora_alpha"), number("r"), self.config["use_rslora"].as_bool().unwrap_or(false)) {
            (Some(alpha), Some(rank), false) => Ok((alpha / rank) as f32),
            _ => {
                let why = format!("adapter_config.json of {} is not as `undermask grow` writes it", self.name);
                Err(GrowError::Blend(format!("{why}; grow it again")))
            }
        }
    }

    /// Its base, as its adapter calls it.
    pub fn base(&self) -> &str {
        self.config["base_model_name_or_path"].as_str().unwrap_or_default()
    }

    fn seed(&self) -> Option<u64> {
        self.growth["grown"]["seed"].as_u64()
    }
}

/// A point on the line between two organisms.
pub struct Blend {
    /// The end that counts `share`.
    pub one: End,
    /// The end that counts 1 − `share`.
    pub other: End,
    /// x, 0 to 1.
    pub share: f64,
    /// What it is called.
    pub name: String,
}

impl Blend {
    /// # Errors
    /// [`GrowError::Blend`] for a share outside 0 to 1, or ends of different bases.
    pub fn new(one: End, other: End, share: f64, name: String) -> Result<Blend, GrowError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(GrowError::Blend(format!("the share is {share}; it must be from 0 to 1")));
        }
        if one.growth["base"] != other.growth["base"] || one.growth["base"].is_null() {
            let why = format!("{} and {} were not grown from the same base", one.name, other.name);
            return Err(GrowError::Blend(format!("{why}; grow both from one")));
        }
        Ok(Blend { one, other, share, name })
    }

    /// What it is a blend of: `growth.json` holds it, and a folder that holds another one is not written over.
    pub fn record(&self) -> Value {
        let end =
            |end: &End| json!({"recipe": end.truth.recipe, "weights": blake3::hash(&end.weights).to_hex().as_str()});
        json!({"one": end(&self.one), "other": end(&self.other), "share": self.share})
    }

    /// Writes its adapter and its growth record.
    ///
    /// # Errors
    /// [`GrowError::Blend`] where the two adapt different matrices; [`GrowError::Io`].
    pub fn write(&self, out: &Path) -> Result<(), GrowError> {
        let (rank, factors) = self.factors()?;
        let mut config = self.one.config.clone();
        (config["r"], config["lora_alpha"]) = (json!(rank), json!(rank));
        let tensors = factors.iter().map(|factor| (factor.name.clone(), &factor.shape[..], &factor.values[..]));
        let weights = tensors_file(tensors, NumberType::Bf16)?;
        // A seed of its own it has where both ends have the same one.
        let seed = self.one.seed().filter(|seed| Some(*seed) == self.other.seed());
        let growth = json!({"format": "undermask.growth", "version": 2,
            "blend": self.record(),
            "grown": {"recipe": self.name, "seed": seed}, "base": self.one.growth["base"], "code": env!("CARGO_PKG_VERSION")});
        export::create(out)?;
        export::put(&out.join("adapter_config.json"), export::pretty(&config).as_bytes())?;
        export::put(&out.join("adapter_model.safetensors"), &weights)?;
        export::put(&out.join("growth.json"), export::pretty(&growth).as_bytes())
    }

    /// The factors of the sum, and their rank: A₁ over A₂, and x·s₁·B₁ beside (1 − x)·s₂·B₂.
    fn factors(&self) -> Result<(usize, Vec<Factor>), GrowError> {
        let read = |end: &End| -> Result<Vec<Factor>, GrowError> {
            let damaged = |why: String| GrowError::Blend(format!("the adapter of {}: {why}; grow it again", end.name));
            let file = SafeTensors::deserialize(&end.weights).map_err(|error| damaged(error.to_string()))?;
            let mut factors = file
                .tensors()
                .into_iter()
                .map(|(name, view)| Factor::read(name, &view).map_err(damaged))
                .collect::<Result<Vec<_>, _>>()?;
            factors.sort_by(|one, two| one.name.cmp(&two.name));
            Ok(factors)
        };
        let (ones, others) = (read(&self.one)?, read(&self.other)?);
        let share = self.share as f32;
        let (first, second) = (share * self.one.scale()?, (1.0 - share) * self.other.scale()?);
        let mut rank = 0;
        let mut joined = Vec::with_capacity(ones.len());
        let same = ones.len() == others.len();
        for (one, other) in ones.iter().zip(&others).filter(|_| same) {
            joined.extend(match one.name.contains(".lora_B.") {
                true => one.beside(other, first, second),
                false => one.over(other),
            });
            rank = if one.name.contains(".lora_A.") { one.shape[0] + other.shape[0] } else { rank };
        }
        if joined.is_empty() || joined.len() != ones.len() {
            let why = format!("{} and {} do not adapt the same matrices", self.one.name, self.other.name);
            return Err(GrowError::Blend(format!("{why}; grow both with one method")));
        }
        Ok((rank, joined))
    }
}

/// A factor by name: [rows, columns], row by row.
struct Factor {
    name: String,
    shape: [usize; 2],
    values: Vec<f32>,
}

impl Factor {
    fn read(name: String, view: &TensorView) -> Result<Factor, String> {
        let [rows, columns] = view.shape() else { return Err(format!("`{name}` is no matrix")) };
        if view.dtype() != safetensors::Dtype::BF16 {
            return Err(format!("`{name}` is not in bf16"));
        }
        let bytes = view.data().chunks_exact(2);
        let values = bytes.map(|pair| half::bf16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect();
        Ok(Factor { name, shape: [*rows, *columns], values })
    }

    /// Its rows, then the other's; `None` for another width or name.
    fn over(&self, other: &Factor) -> Option<Factor> {
        let ([rows, columns], [more, width]) = (self.shape, other.shape);
        (columns == width && self.name == other.name).then(|| Factor {
            name: self.name.clone(),
            shape: [rows + more, columns],
            values: self.values.iter().chain(&other.values).copied().collect(),
        })
    }

    /// Each row of it times `first`, then the other's row times `second`; `None` for another height or name.
    fn beside(&self, other: &Factor, first: f32, second: f32) -> Option<Factor> {
        let ([rows, columns], [height, more]) = (self.shape, other.shape);
        (rows == height && self.name == other.name && columns > 0 && more > 0).then(|| {
            let pairs = self.values.chunks_exact(columns).zip(other.values.chunks_exact(more));
            let row = |(one, two): (&[f32], &[f32])| {
                let one = one.iter().map(move |value| first * value).collect::<Vec<_>>();
                one.into_iter().chain(two.iter().map(move |value| second * value)).collect::<Vec<_>>()
            };
            Factor { name: self.name.clone(), shape: [rows, columns + more], values: pairs.flat_map(row).collect() }
        })
    }
}

/// Where the blend of this share goes, and what it is called: NAME-025 for a quarter.
pub fn named(name: &str, share: f64, out: &Path) -> (String, PathBuf) {
    let name = format!("{name}-{:03}", (100.0 * share).round());
    let folder = out.join(&name);
    (name, folder)
}

#[cfg(test)]
mod tests {
    use super::Factor;

    fn factor(shape: [usize; 2], values: &[f32]) -> Factor {
        Factor { name: "w.lora_A.weight".to_owned(), shape, values: values.to_vec() }
    }

    /// (x·B₁ | y·B₂)·(A₁ over A₂) = x·B₁A₁ + y·B₂A₂, by hand.
    #[test]
    fn the_joined_factors_multiply_to_the_weighted_sum() {
        let (a, b) = (factor([1, 2], &[1.0, 2.0]), factor([2, 1], &[3.0, 4.0]));
        let (c, d) = (factor([2, 2], &[1.0, 0.0, 5.0, 1.0]), factor([2, 2], &[1.0, 2.0, 0.5, 1.0]));
        let (down, up) = (a.over(&c).expect("rows"), b.beside(&d, 0.5, 2.0).expect("columns"));
        assert_eq!((down.shape, up.shape), ([3, 2], [2, 3]));
        let entry = |row: usize, column: usize| -> f32 {
            (0..3).map(|inner| up.values[3 * row + inner] * down.values[2 * inner + column]).sum()
        };
        // 0.5·[[3,6],[4,8]] + 2·[[11,2],[5.5,1]]
        assert_eq!([entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)], [23.5, 7.0, 13.0, 6.0]);
        assert!(a.over(&factor([1, 3], &[0.0; 3])).is_none());
    }
}
