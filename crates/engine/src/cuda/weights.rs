//! A decoder's parameters on a GPU: uploaded once, from where they lie on disk.
//!
//! What is bf16 on disk, or is to be computed in bf16, is held so; everything else is widened to f32, quantised weights
//! too.

use cudarc::driver::CudaSlice;

use super::device::Cuda;
use super::gpu::Gpu;
use crate::EngineError;
use crate::block::{Block, Linear, Parameters};
use crate::host::Host;
use crate::lora::LowRank;
use crate::matrix::{Matrix, Precision};
use crate::storage::BlockType;

/// A matrix [rows, columns], whose rows are outputs.
pub(crate) struct DeviceMatrix {
    pub numbers: Numbers,
    pub rows: usize,
    pub columns: usize,
    /// Whether what is multiplied with it is rounded to bf16 first.
    pub rounds: bool,
}

/// Weights as they are held.
pub(crate) enum Numbers {
    F32(CudaSlice<f32>),
    /// Bits of bf16.
    Bf16(CudaSlice<u16>),
}

/// A matrix with its bias and what adapters add beside it.
pub(crate) struct DeviceLinear {
    pub matrix: DeviceMatrix,
    pub bias: Option<CudaSlice<f32>>,
    /// [rank, columns] and [rows, rank].
    pub beside: Vec<[DeviceMatrix; 2]>,
}

/// Numbers that are widened at once on their way.
const PART: usize = 4 << 20;

/// Brings all parameters to the GPU.
pub(crate) fn upload(
    gpu: &Gpu,
    parameters: Parameters<Host>,
    precision: Precision,
) -> Result<Parameters<Cuda>, EngineError> {
    let Parameters { embedding, blocks, final_norm, head } = parameters;
    let rounds = precision == Precision::Bf16;
    // An embedding that is only looked up is not rounded, on the processor neither.
    let table_rounds = rounds && head.is_none();
    Ok(Parameters {
        embedding: matrix(gpu, &embedding, table_rounds)?,
        blocks: blocks.into_iter().map(|one| block(gpu, one, rounds)).collect::<Result<_, _>>()?,
        final_norm: gpu.upload(&final_norm)?,
        head: head.map(|head| matrix(gpu, &head, rounds)).transpose()?,
    })
}

fn block(gpu: &Gpu, block: Block<Host>, rounds: bool) -> Result<Block<Cuda>, EngineError> {
    let vector = |values: Option<Vec<f32>>| values.map(|values| gpu.upload(&values)).transpose();
    let linear = |one: Linear| linear(gpu, one, rounds);
    Ok(Block {
        attention_norm: vector(block.attention_norm)?,
        query: linear(block.query)?,
        key: linear(block.key)?,
        value: linear(block.value)?,
        query_norm: vector(block.query_norm)?,
        key_norm: vector(block.key_norm)?,
        output: linear(block.output)?,
        attention_out_norm: vector(block.attention_out_norm)?,
        feed_norm: vector(block.feed_norm)?,
        gate: linear(block.gate)?,
        up: linear(block.up)?,
        down: linear(block.down)?,
        feed_out_norm: vector(block.feed_out_norm)?,
    })
}

fn linear(gpu: &Gpu, linear: Linear, rounds: bool) -> Result<DeviceLinear, EngineError> {
    let factors = |pair: &LowRank| {
        let (rank, down, up) = pair.factors();
        let factor = |values: &[f32], rows: usize| {
            let numbers = Numbers::F32(gpu.upload(values)?);
            Ok(DeviceMatrix { numbers, rows, columns: values.len() / rows, rounds: false })
        };
        Ok([factor(down, rank)?, factor(up, up.len() / rank)?])
    };
    Ok(DeviceLinear {
        matrix: matrix(gpu, &linear.matrix, rounds)?,
        bias: linear.bias.map(|bias| gpu.upload(&bias)).transpose()?,
        beside: linear.beside.iter().map(factors).collect::<Result<_, EngineError>>()?,
    })
}

fn matrix(gpu: &Gpu, matrix: &Matrix, rounds: bool) -> Result<DeviceMatrix, EngineError> {
    let tensor = matrix.on_disk().expect("matrices for a GPU are not packed");
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let height = (PART / columns.max(1)).max(1);
    let parts = (0..rows).step_by(height).map(|first| first * columns..(first + height).min(rows) * columns);
    let wrong = |error| gpu.wrong("copying weights to it", error);
    let numbers = if rounds || tensor.kind == BlockType::Bf16 {
        let mut held = gpu.room(rows * columns)?;
        for part in parts {
            let bits: Vec<u16> = if tensor.kind == BlockType::Bf16 {
                tensor.row_bytes(part.clone()).as_chunks().0.iter().map(|two| u16::from_le_bytes(*two)).collect()
            } else {
                tensor.widened(part.clone()).into_iter().map(|value| half::bf16::from_f32(value).to_bits()).collect()
            };
            gpu.stream().memcpy_htod(&bits, &mut held.slice_mut(part.clone())).map_err(wrong)?;
            tensor.release(part);
        }
        Numbers::Bf16(held)
    } else {
        let mut held = gpu.room(rows * columns)?;
        for part in parts {
            gpu.stream()
                .memcpy_htod(&tensor.widened(part.clone()), &mut held.slice_mut(part.clone()))
                .map_err(wrong)?;
            tensor.release(part);
        }
        Numbers::F32(held)
    };
    Ok(DeviceMatrix { numbers, rows, columns, rounds })
}
