//! Named tensors as the bytes of a safetensors file, in f32 or bf16.

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::TrainError;

/// What numbers are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// As trained.
    F32,
    /// Rounded to nearest even: half the size.
    Bf16,
}

/// A file of tensors: name, shape, values.
///
/// # Errors
/// [`TrainError::Tensor`] when the library refuses (a bug).
pub fn file<'a>(
    tensors: impl Iterator<Item = (String, &'a [usize], &'a [f32])>,
    numbers: NumberType,
) -> Result<Vec<u8>, TrainError> {
    let refused = |error: safetensors::SafeTensorError| TrainError::Tensor {
        name: "safetensors".to_owned(),
        why: error.to_string(),
    };
    let dtype = match numbers {
        NumberType::F32 => Dtype::F32,
        NumberType::Bf16 => Dtype::BF16,
    };
    let written: Vec<(String, &[usize], Vec<u8>)> = tensors
        .map(|(name, shape, values)| {
            let bytes = match numbers {
                NumberType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                NumberType::Bf16 => {
                    values.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect()
                }
            };
            (name, shape, bytes)
        })
        .collect();
    let views = written
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(dtype, shape.to_vec(), bytes).map_err(refused)?))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let metadata = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(refused)
}
