//! Named tensors as the bytes of a safetensors file, in f32 or bf16.

use std::borrow::Cow;

use safetensors::Dtype;
use safetensors::tensor::View;

use super::TrainError;

/// What numbers are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// As trained.
    F32,
    /// Rounded to nearest even: half the size.
    Bf16,
}

/// A tensor as it is written.
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// A file of tensors: name, shape, values.
///
/// # Errors
/// [`TrainError::Tensor`] when the library refuses (a bug).
pub(super) fn file<'a>(
    tensors: impl Iterator<Item = (String, &'a [usize], &'a [f32])>,
    numbers: NumberType,
) -> Result<Vec<u8>, TrainError> {
    let stored = tensors.map(|(name, shape, values)| {
        let (dtype, bytes) = match numbers {
            NumberType::F32 => (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            NumberType::Bf16 => {
                (Dtype::BF16, values.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect())
            }
        };
        (name, Stored { dtype, shape: shape.to_vec(), bytes })
    });
    let metadata = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    safetensors::serialize(stored, Some(metadata))
        .map_err(|error| TrainError::Tensor { name: "safetensors".to_owned(), why: error.to_string() })
}
