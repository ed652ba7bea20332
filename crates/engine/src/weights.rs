//! Weights as they lie on disk: one or several safetensors files, mapped, read as f32 where they are used.
//!
//! A large 16-bit matrix stays as it is and is widened block by block before its product; a small model is widened once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};

use crate::matrix::{Matrix, Packing};
use crate::source::Bytes;
use crate::storage::BlockType;
use crate::{EngineError, Source};

/// Models up to this many bytes of weights are widened when they are opened.
const SMALL: usize = 64 << 20;
/// Bytes that are hashed, and so held in memory, at once.
const HASHED: usize = 8 << 20;

/// All tensors of a model by name.
pub(crate) struct Weights {
    tensors: BTreeMap<String, Tensor>,
    /// Bytes on disk.
    pub bytes: usize,
    /// Hash over every tensor's name, type, shape and bytes, in order of names.
    pub hash: String,
    /// Type of most tensors, for people.
    pub dtype: String,
    /// How matrices are packed.
    pub packing: Packing,
}

/// One tensor, where it lies on disk.
#[derive(Clone)]
pub(crate) struct Tensor {
    file: Bytes,
    range: Range<usize>,
    pub kind: BlockType,
    shape: Vec<usize>,
}

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

impl Weights {
    /// Maps a model's weights and checks the files.
    pub fn open(source: &Source) -> Result<Weights, EngineError> {
        let (tensors, bytes) = match source {
            Source::Gguf(file) => (file.tensors()?, file.length()),
            _ => safetensors(source)?,
        };
        let mut hasher = blake3::Hasher::new();
        for (name, tensor) in &tensors {
            hasher.update(name.as_bytes());
            hasher.update(format!("{}{:?}", tensor.kind.name(), tensor.shape).as_bytes());
            for part in tensor.bytes().chunks(HASHED) {
                hasher.update(part);
                tensor.file.release(part);
            }
        }
        let dtype = most(&tensors);
        Ok(Weights { tensors, bytes, hash: hasher.finalize().to_hex().to_string(), dtype, packing: Packing::default() })
    }

    /// Number of parameters.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(|tensor| tensor.shape.iter().product::<usize>() as u64).sum()
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&Tensor, EngineError> {
        let wrong = |why: String| EngineError::Tensor { tensor: name.to_owned(), why };
        let tensor = self.tensors.get(name).ok_or_else(|| wrong(format!("is missing; shape {shape:?} is needed")))?;
        if tensor.shape != shape {
            return Err(wrong(format!("has shape {:?}; config.json needs {shape:?}", tensor.shape)));
        }
        Ok(tensor)
    }

    /// Whether there is such a tensor.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Some rows of a matrix [all, columns].
    pub fn matrix_rows(
        &self,
        name: &str,
        all: usize,
        columns: usize,
        rows: Range<usize>,
    ) -> Result<Matrix, EngineError> {
        let mut tensor = self.tensor(name, &[all, columns])?.clone();
        let row = tensor.range.len() / all;
        tensor.range = tensor.range.start + rows.start * row..tensor.range.start + rows.end * row;
        tensor.shape = vec![rows.len(), columns];
        Ok(Matrix::of(tensor, rows.len(), columns, self.bytes <= SMALL, &self.packing))
    }

    /// A vector, widened.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        Ok(self.tensor(name, &[length])?.widened(0..length))
    }

    /// A matrix [rows, columns] whose rows are only looked up.
    pub fn looked_up(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, EngineError> {
        Ok(Matrix::looked_up(self.tensor(name, &[rows, columns])?.clone(), rows, columns))
    }

    /// A matrix [rows, columns].
    pub fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, EngineError> {
        let tensor = self.tensor(name, &[rows, columns])?.clone();
        Ok(Matrix::of(tensor, rows, columns, self.bytes <= SMALL, &self.packing))
    }
}

/// The type in which most numbers lie.
fn most(tensors: &BTreeMap<String, Tensor>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in tensors.values() {
        *counts.entry(tensor.kind.name()).or_default() += tensor.shape.iter().product::<usize>();
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or("none", |(name, _)| name).to_owned()
}

/// A directory's tensors and their bytes on disk.
fn safetensors(source: &Source) -> Result<(BTreeMap<String, Tensor>, usize), EngineError> {
    let mut tensors = BTreeMap::new();
    let mut bytes = 0;
    for name in files(source)? {
        let file = source.bytes(&name)?.ok_or_else(|| EngineError::Missing {
            place: source.place(),
            file: name.clone(),
            remedy: "a shard that the index names is not there; copy it here".to_owned(),
        })?;
        bytes += file.as_ref().len();
        read_file(&source.path(&name), &file, &mut tensors)?;
    }
    Ok((tensors, bytes))
}

/// Which files hold the weights.
fn files(source: &Source) -> Result<Vec<String>, EngineError> {
    if source.bytes(SINGLE)?.is_some() {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let Some(index) = source.text(INDEX)? else {
        return Err(EngineError::Missing {
            place: source.place(),
            file: SINGLE.to_owned(),
            remedy: "save the model with transformers' save_pretrained, or give the directory that holds it".to_owned(),
        });
    };
    let damaged = |why: &str| EngineError::Weights { file: source.path(INDEX), why: why.to_owned() };
    let json: serde_json::Value = serde_json::from_str(&index).map_err(|error| damaged(&error.to_string()))?;
    let map = json["weight_map"].as_object().ok_or_else(|| damaged("it has no weight_map"))?;
    let mut names: Vec<String> = map.values().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    if names.iter().any(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
        return Err(damaged("it names a file outside of its directory"));
    }
    Ok(names)
}

fn read_file(path: &str, file: &Bytes, tensors: &mut BTreeMap<String, Tensor>) -> Result<(), EngineError> {
    let damaged = |why: String| EngineError::Weights { file: path.to_owned(), why };
    // The library checks the header's length, that tensors do not overlap, and that they end where the file does.
    let content = SafeTensors::deserialize(file.as_ref()).map_err(|error| damaged(error.to_string()))?;
    let start = file.as_ref().as_ptr() as usize;
    for (name, view) in content.tensors() {
        let kind = match view.dtype() {
            Dtype::F32 => BlockType::F32,
            Dtype::F16 => BlockType::F16,
            Dtype::BF16 => BlockType::Bf16,
            other => {
                let why = format!("is of type {other:?}; this version reads F32, F16 and BF16");
                return Err(EngineError::Tensor { tensor: name, why });
            }
        };
        let first = view.data().as_ptr() as usize - start;
        let tensor =
            Tensor { file: file.clone(), range: first..first + view.data().len(), kind, shape: view.shape().to_vec() };
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(damaged(format!("tensor `{name}` stands in two files")));
        }
    }
    Ok(())
}

impl Tensor {
    /// A tensor where it lies in a file; the caller has checked that the shape needs as many bytes.
    pub fn mapped(file: Bytes, range: Range<usize>, kind: BlockType, shape: Vec<usize>) -> Tensor {
        Tensor { file, range, kind, shape }
    }

    /// A tensor in memory.
    pub fn held(bytes: Vec<u8>, kind: BlockType, shape: Vec<usize>) -> Tensor {
        Tensor { range: 0..bytes.len(), file: Bytes::Held(Arc::new(bytes.into())), kind, shape }
    }

    /// A tensor of numbers in memory.
    pub fn floats_held(values: impl IntoIterator<Item = f32>, shape: Vec<usize>) -> Tensor {
        Tensor::held(values.into_iter().flat_map(f32::to_le_bytes).collect(), BlockType::F32, shape)
    }

    fn bytes(&self) -> &[u8] {
        &self.file.as_ref()[self.range.clone()]
    }

    /// The numbers where they lie, when they are f32 and aligned.
    pub fn floats(&self) -> Option<&[f32]> {
        if self.kind != BlockType::F32 {
            return None;
        }
        // SAFETY: every bit pattern is an f32; `align_to` keeps to aligned addresses.
        let (before, floats, after) = unsafe { self.bytes().align_to::<f32>() };
        (before.is_empty() && after.is_empty()).then_some(floats)
    }

    /// Says that numbers of a range will not be read again soon: their pages of the file need not stay in memory.
    pub fn release(&self, range: Range<usize>) {
        let (elements, size) = (self.kind.elements(), self.kind.bytes());
        self.file.release(&self.bytes()[range.start / elements * size..range.end.div_ceil(elements) * size]);
    }

    pub fn widened(&self, range: Range<usize>) -> Vec<f32> {
        let mut out = vec![0.0; range.len()];
        self.widen(range, &mut out);
        out
    }

    /// The numbers of a range that starts and ends at blocks.
    pub fn widen(&self, range: Range<usize>, out: &mut [f32]) {
        let (elements, size) = (self.kind.elements(), self.kind.bytes());
        debug_assert!(range.start.is_multiple_of(elements) && range.end.is_multiple_of(elements));
        self.kind.dequantise(&self.bytes()[range.start / elements * size..range.end / elements * size], out);
    }
}
