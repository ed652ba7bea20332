//! Weights as they lie on disk: one or several safetensors files, mapped, read as f32 where they are used.
//!
//! A large 16-bit matrix stays as it is and is widened block by block before its product; a small model is widened once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::{Component, Path};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::lora::{self, LowRank};
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
    /// Tensors with a number that is not finite: refused where the decoder takes them, since checkpoints hold others too.
    damaged: BTreeSet<String>,
    /// What adapters add beside matrices, by module.
    beside: BTreeMap<String, Vec<LowRank>>,
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
/// Weights of formats that are not read.
const PICKLED: [&str; 3] = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"];
const INDEX: &str = "model.safetensors.index.json";

impl Weights {
    /// Maps a model's weights and checks the files.
    pub fn open(source: &Source) -> Result<Weights, EngineError> {
        if let Source::Adapted { base, adapter, how } = source {
            let mut weights = Weights::open(base)?;
            lora::adapt(&mut weights, adapter, *how)?;
            return Ok(weights);
        }
        let (tensors, bytes) = match source {
            Source::Gguf(file) => (file.tensors()?, file.length()),
            _ => safetensors(source)?,
        };
        let mut hasher = blake3::Hasher::new();
        let mut damaged = BTreeSet::new();
        for (name, tensor) in &tensors {
            hasher.update(name.as_bytes());
            hasher.update(format!("{}{:?}", tensor.kind.name(), tensor.shape).as_bytes());
            for part in tensor.bytes().chunks(HASHED) {
                hasher.update(part);
                if !tensor.kind.floats_are_finite(part) {
                    damaged.insert(name.clone());
                }
                tensor.file.release(part);
            }
        }
        let dtype = most(&tensors);
        Ok(Weights {
            tensors,
            damaged,
            beside: BTreeMap::new(),
            bytes,
            hash: hasher.finalize().to_hex().to_string(),
            dtype,
            packing: Packing::default(),
        })
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
        if self.damaged.contains(name) {
            return Err(EngineError::NotFiniteWeights(name.to_owned()));
        }
        Ok(tensor)
    }

    /// A tensor's shape.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..])
    }

    /// A tensor.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Puts a tensor in place of another.
    pub fn put(&mut self, name: String, tensor: Tensor) {
        self.tensors.insert(name, tensor);
    }

    /// Puts what an adapter adds beside a module's matrix.
    pub fn put_beside(&mut self, module: String, pair: LowRank) {
        self.beside.entry(module).or_default().push(pair);
    }

    /// What adapters add beside a module's matrix.
    pub fn beside(&self, module: &str) -> Vec<LowRank> {
        self.beside.get(module).cloned().unwrap_or_default()
    }

    /// Modules with a matrix that is not the embedding.
    pub fn linear_modules(&self) -> impl Iterator<Item = &str> {
        let matrices = self.tensors.iter().filter(|(_, tensor)| tensor.shape.len() == 2);
        let modules = matrices.filter_map(|(name, _)| name.strip_suffix(".weight"));
        modules.filter(|module| !module.ends_with("embed_tokens"))
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
        if let Some(pickled) = PICKLED.iter().find(|name| source.bytes(name).is_ok_and(|file| file.is_some())) {
            return Err(EngineError::Missing {
                place: source.place(),
                file: SINGLE.to_owned(),
                remedy: format!(
                    "{pickled} is pickled Python, which can run code and is not read; load it with transformers where you \
                     trust it, and save it with save_pretrained"
                ),
            });
        }
        return Err(EngineError::Missing {
            place: source.place(),
            file: SINGLE.to_owned(),
            remedy: "save the model with transformers' save_pretrained, or give the directory that holds it".to_owned(),
        });
    };
    let damaged = |why: &str| EngineError::Weights { file: source.path(INDEX), why: why.to_owned() };
    let json: serde_json::Value = serde_json::from_str(&index).map_err(|error| damaged(&error.to_string()))?;
    let map = json["weight_map"].as_object().ok_or_else(|| damaged("it has no weight_map"))?;
    let mut names = BTreeSet::new();
    for (tensor, name) in map {
        let name =
            name.as_str().ok_or_else(|| damaged(&format!("tensor `{tensor}` is in {name}, which is no file name")))?;
        if !is_plain(name) {
            return Err(damaged(&format!("it names {name:?}, which is no file of its directory")));
        }
        names.insert(name.to_owned());
    }
    Ok(names.into_iter().collect())
}

/// Whether a name is one part of a path, and not hidden.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let first = parts.next();
    matches!(first, Some(Component::Normal(_)))
        && parts.next().is_none()
        && !name.contains(['/', '\\'])
        && !name.starts_with('.')
}

/// Longest header of a safetensors file, bytes; 1,024 blocks of a family's tensors take 2 MB.
const LONGEST_HEADER: u64 = 4 << 20;

/// What the library does not look at: that the header is not so long that reading it takes the machine's memory, and
/// that no name stands in it twice, of which readers would take different ones.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(()) };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER && length <= rest.len() as u64 {
        return Err(format!("its header is of {length} bytes; at most {LONGEST_HEADER} are read"));
    }
    let header = usize::try_from(length).ok().and_then(|length| rest.get(..length));
    // What is no JSON, or too short, the library says better.
    match header.map(serde_json::from_slice::<Names>) {
        Some(Ok(Names { twice: Some(name) })) => Err(format!("tensor `{name}` stands in it twice")),
        _ => Ok(()),
    }
}

/// The keys of a JSON object, looked through for one that stands in it twice.
struct Names {
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let (mut seen, mut twice) = (HashSet::new(), None);
                while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if let Some(repeated) = seen.replace(key) {
                        twice = Some(repeated);
                    }
                }
                Ok(Names { twice })
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

pub(crate) fn read_file(path: &str, file: &Bytes, tensors: &mut BTreeMap<String, Tensor>) -> Result<(), EngineError> {
    let damaged = |why: String| EngineError::Weights { file: path.to_owned(), why };
    check_header(file.as_ref()).map_err(damaged)?;
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
    /// Outermost dimension first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

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

    /// The bytes of a range of numbers that starts and ends at blocks.
    pub fn row_bytes(&self, range: Range<usize>) -> &[u8] {
        let (elements, size) = (self.kind.elements(), self.kind.bytes());
        &self.bytes()[range.start / elements * size..range.end / elements * size]
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
