//! The container: header, metadata and the table of tensors, read from bytes that nobody vouches for.
//!
//! Nothing is read past the end, no count is believed before the bytes that it needs are seen to be there, and what is
//! kept is bounded by the file's own size: texts and lists stay where they are and are read when they are asked for.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little-endian.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::storage::BlockType;

/// Header, metadata and tensors of a file.
pub(crate) struct Contents {
    /// Metadata by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Entry>,
}

/// A tensor in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// How its numbers lie.
    pub kind: BlockType,
    /// Outermost dimension first, as Hugging Face gives shapes (the file has the innermost first).
    pub shape: Vec<usize>,
    /// Bytes of the file.
    pub range: Range<usize>,
}

/// A value of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Whole numbers that are not negative.
    Unsigned(u64),
    /// Negative whole numbers.
    Negative(i64),
    Float(f64),
    Flag(bool),
    /// Where the text lies; it is UTF-8.
    Text(Range<usize>),
    List(List),
}

/// A list, left in the file; it was read through once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    kind: Kind,
    pub length: usize,
    start: usize,
}

/// Types of values, by their numbers in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    List,
    U64,
    I64,
    F64,
}

const KINDS: [Kind; 13] = [
    Kind::U8,
    Kind::I8,
    Kind::U16,
    Kind::I16,
    Kind::U32,
    Kind::I32,
    Kind::F32,
    Kind::Bool,
    Kind::Text,
    Kind::List,
    Kind::U64,
    Kind::I64,
    Kind::F64,
];

/// Longest key of metadata, as the format has it.
const LONGEST_KEY: usize = 65_535;
/// Longest name of a tensor; the format has 64, some writers more.
const LONGEST_NAME: usize = 256;
/// Lists within lists.
const DEEPEST: usize = 4;
/// Most dimensions of a tensor.
const DIMENSIONS: u32 = 4;
/// Alignment where the metadata name none.
const ALIGNMENT: u64 = 32;

/// A place in the bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Found<T> = Result<T, String>;

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Found<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("{length} bytes at {} reach past its end", self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Found<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    fn u32(&mut self) -> Found<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Found<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of things that each need at least so many bytes.
    fn count(&mut self, what: &str, least: usize) -> Found<usize> {
        let count = self.u64()?;
        let room = (self.bytes.len() - self.at) / least;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => Err(format!("it claims {count} {what}, more than fit in it")),
        }
    }

    fn text(&mut self, what: &str, longest: usize) -> Found<Range<usize>> {
        let length = self.count("bytes of a text", 1)?;
        if length > longest {
            return Err(format!("a {what} is {length} bytes long; at most {longest} are read"));
        }
        let start = self.at;
        let bytes = self.take(length)?;
        // Tokens of a byte vocabulary are written as letters, so that all texts are UTF-8.
        std::str::from_utf8(bytes).map_err(|_| format!("a {what} at {start} is not UTF-8"))?;
        Ok(start..self.at)
    }

    fn kind(&mut self) -> Found<Kind> {
        let number = self.u32()?;
        KINDS.get(number as usize).copied().ok_or_else(|| format!("type {number} of a value is not known"))
    }

    fn value(&mut self, kind: Kind, depth: usize) -> Found<Value> {
        Ok(match kind {
            Kind::U8 => Value::Unsigned(self.array::<1>()?[0].into()),
            Kind::I8 => signed(i64::from(i8::from_le_bytes(self.array()?))),
            Kind::U16 => Value::Unsigned(u16::from_le_bytes(self.array()?).into()),
            Kind::I16 => signed(i64::from(i16::from_le_bytes(self.array()?))),
            Kind::U32 => Value::Unsigned(self.u32()?.into()),
            Kind::I32 => signed(i64::from(i32::from_le_bytes(self.array()?))),
            Kind::F32 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            Kind::Bool => Value::Flag(self.array::<1>()?[0] != 0),
            Kind::Text => Value::Text(self.text("text", usize::MAX)?),
            Kind::U64 => Value::Unsigned(self.u64()?),
            Kind::I64 => signed(i64::from_le_bytes(self.array()?)),
            Kind::F64 => Value::Float(f64::from_le_bytes(self.array()?)),
            Kind::List => {
                if depth >= DEEPEST {
                    return Err(format!("lists are nested more than {DEEPEST} deep"));
                }
                let kind = self.kind()?;
                let length = self.count("entries of a list", kind.least())?;
                let start = self.at;
                match kind {
                    Kind::Text | Kind::List => {
                        for _ in 0..length {
                            self.value(kind, depth + 1)?;
                        }
                    }
                    _ => {
                        self.take(length * kind.least())?;
                    }
                }
                Value::List(List { kind, length, start })
            }
        })
    }
}

fn signed(number: i64) -> Value {
    u64::try_from(number).map_or(Value::Negative(number), Value::Unsigned)
}

impl Kind {
    /// Bytes that a value of this type needs at least.
    fn least(self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::Text | Kind::U64 | Kind::I64 | Kind::F64 => 8,
            Kind::List => 12,
        }
    }
}

impl List {
    /// The list's entries; lists within it are passed over.
    pub fn values<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = Value> + 'a {
        let (kind, mut cursor) = (self.kind, Cursor { bytes, at: self.start });
        (0..self.length).map_while(move |_| cursor.value(kind, 1).ok())
    }

    /// The list's texts; `None` when it holds something else.
    pub fn texts<'a>(&self, bytes: &'a [u8]) -> Option<impl Iterator<Item = &'a str>> {
        let text = move |value| match value {
            Value::Text(range) => std::str::from_utf8(&bytes[range]).unwrap_or_default(),
            _ => "",
        };
        (self.kind == Kind::Text).then(|| self.values(bytes).map(text))
    }
}

/// Reads header, metadata and tensor table.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, String> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.take(4)? != b"GGUF" {
        return Err("it does not begin with GGUF".to_owned());
    }
    let version = cursor.u32()?;
    if !(2..=3).contains(&version) {
        let order = if (2..=3).contains(&version.swap_bytes()) { " (or the file is big-endian)" } else { "" };
        return Err(format!("it is of version {version}{order}; versions 2 and 3, little-endian, are read"));
    }
    // A tensor: name, dimensions, at least one of them, type, offset. A pair: key, type, one byte.
    let tensor_count = cursor.count("tensors", 8 + 4 + 8 + 4 + 8)?;
    let pair_count = cursor.count("metadata", 8 + 4 + 1)?;
    let mut metadata = BTreeMap::new();
    for _ in 0..pair_count {
        let key = cursor.text("key", LONGEST_KEY)?;
        let key = String::from_utf8_lossy(&bytes[key]).into_owned();
        let kind = cursor.kind()?;
        let value = cursor.value(kind, 0).map_err(|why| format!("metadata `{key}`: {why}"))?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(format!("metadata `{key}` stand in it twice"));
        }
    }
    let mut described = Vec::new();
    for _ in 0..tensor_count {
        described.push(describe(&mut cursor)?);
    }
    let alignment = match metadata.get("general.alignment") {
        None => ALIGNMENT,
        Some(Value::Unsigned(number)) if number.is_power_of_two() && *number <= 1 << 20 => *number,
        Some(other) => return Err(format!("general.alignment is {other:?}; it must be a power of two")),
    };
    let start = (cursor.at as u64).next_multiple_of(alignment);
    let tensors = place(described, start, alignment, bytes.len() as u64)?;
    Ok(Contents { metadata, tensors })
}

/// A tensor as the table describes it.
struct Described {
    name: String,
    kind: BlockType,
    shape: Vec<usize>,
    length: u64,
    offset: u64,
}

fn describe(cursor: &mut Cursor) -> Found<Described> {
    let name = cursor.text("tensor's name", LONGEST_NAME)?;
    let name = String::from_utf8_lossy(&cursor.bytes[name]).into_owned();
    let wrong = |why: String| format!("tensor `{name}` {why}");
    let dimensions = cursor.u32()?;
    if !(1..=DIMENSIONS).contains(&dimensions) {
        return Err(wrong(format!("has {dimensions} dimensions; 1 to {DIMENSIONS} are read")));
    }
    let mut shape = Vec::new();
    let mut numbers = 1u64;
    for _ in 0..dimensions {
        let size = cursor.u64()?;
        let product = numbers.checked_mul(size).filter(|product| (1..=1 << 48).contains(product));
        numbers = product.ok_or_else(|| wrong(format!("has an impossible dimension {size}")))?;
        shape.push(usize::try_from(size).map_err(|_| wrong(format!("has an impossible dimension {size}")))?);
    }
    let number = cursor.u32()?;
    let kind = block_type(number).map_err(wrong)?;
    if !shape[0].is_multiple_of(kind.elements()) {
        return Err(wrong(format!("has rows of {}, no multiple of a block of {}", shape[0], kind.name())));
    }
    let length = numbers / kind.elements() as u64 * kind.bytes() as u64;
    shape.reverse();
    Ok(Described { kind, shape, length, offset: cursor.u64()?, name })
}

/// Puts tensors into the file: each within it, aligned, none over another.
fn place(described: Vec<Described>, start: u64, alignment: u64, end: u64) -> Found<BTreeMap<String, Entry>> {
    let mut tensors = BTreeMap::new();
    let mut places = Vec::new();
    for tensor in described {
        let Described { name, kind, shape, length, offset } = tensor;
        if !offset.is_multiple_of(alignment) {
            return Err(format!("tensor `{name}` is not aligned to {alignment} bytes"));
        }
        let first = start.checked_add(offset);
        let last = first.and_then(|first| first.checked_add(length)).filter(|last| *last <= end);
        let (Some(first), Some(last)) = (first, last) else {
            return Err(format!("tensor `{name}` reaches past its end ({end} bytes)"));
        };
        places.push((first, last, name.clone()));
        let range = first as usize..last as usize;
        if tensors.insert(name.clone(), Entry { kind, shape, range }).is_some() {
            return Err(format!("tensor `{name}` stands in it twice"));
        }
    }
    places.sort();
    match places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        Some(pair) => Err(format!("tensors `{}` and `{}` overlap", pair[0].2, pair[1].2)),
        None => Ok(tensors),
    }
}

/// The type of a tensor, by its number in the file.
fn block_type(number: u32) -> Result<BlockType, String> {
    let other = match number {
        0 => return Ok(BlockType::F32),
        1 => return Ok(BlockType::F16),
        2 => return Ok(BlockType::Q4_0),
        3 => return Ok(BlockType::Q4_1),
        6 => return Ok(BlockType::Q5_0),
        7 => return Ok(BlockType::Q5_1),
        8 => return Ok(BlockType::Q8_0),
        12 => return Ok(BlockType::Q4K),
        13 => return Ok(BlockType::Q5K),
        14 => return Ok(BlockType::Q6K),
        30 => return Ok(BlockType::Bf16),
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        15 => "Q8_K",
        16..=19 | 21..=23 | 29 => "an IQ type",
        20 => "IQ4_NL",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        34 | 35 => "a ternary type",
        39 => "MXFP4",
        _ => "not known",
    };
    Err(format!(
        "is of type {number} ({other}); F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K are read: \
         quantise the model to one of them, for example with llama-quantize"
    ))
}
