//! The operations of a forward pass, each a launch of a kernel or two.

use std::ops::Range;
use std::sync::Arc;

use cudarc::driver::{CudaSlice, PushKernelArg as _};

use super::gpu::Gpu;
use super::rows::Rows;
use super::store::Store;
use super::weights::{DeviceLinear, DeviceMatrix, Numbers};
use crate::EngineError;
use crate::config::{Activation, Config};
use crate::decoder::Segment;
use crate::device::{Angles, Device};
use crate::hook::Wanted;
use crate::kernel::attention::{Heads, Sequence};

/// Threads of a block, in what is done number by number or row by row (ROW_THREADS of the kernels).
const THREADS: u32 = 256;
/// Lanes and threads of a block of attention (LANES, KEYS and ATTEND_THREADS of the kernels).
const LANES: usize = 16;
const KEYS: usize = 16;
const ATTEND_THREADS: u32 = 128;
/// Outputs of a block of a product (OUTPUTS), and rows where there are few and many (16 · PER).
const OUTPUTS: usize = 64;
const FEW: usize = 16;
const MANY: usize = 64;
/// Logits of a row that are held at once, as on the processor.
const STRETCH: usize = 8192;

/// One worker's state on a GPU.
pub(crate) struct Cuda {
    gpu: Arc<Gpu>,
    store: Store,
    hidden: usize,
    /// Query heads that share a key head.
    group: usize,
    /// What is about to be multiplied, rounded.
    rounded: Rows<u16>,
    /// Between the two factors of an adapter.
    inner: Rows,
    /// Normed rows that logits are computed from, and a stretch of the logits.
    normed: Rows,
    logits: Rows,
}

/// Cosines and sines of every row, [N, half] each.
pub(crate) struct CudaAngles {
    cosines: CudaSlice<f32>,
    sines: CudaSlice<f32>,
    half: usize,
}

/// The segments of a call as the kernel of attention reads them.
pub(crate) struct CudaCall {
    /// Of each row, its row in the store.
    slots: CudaSlice<u32>,
    /// [tasks][2]: sequence and first lane.
    tasks: CudaSlice<i32>,
    /// [S][5]: first row, rows, first stretch, stretches, length.
    sequences: CudaSlice<i32>,
    /// [C][2]: first row in the store, place in the sequence.
    stretches: CudaSlice<i32>,
    rows: usize,
    task_count: usize,
    /// First row of the store that nothing here reaches.
    reach: usize,
}

/// A size as the kernels take it.
fn int(size: usize) -> i32 {
    i32::try_from(size).expect("sizes of a model and a batch fit into 31 bits")
}

/// Blocks for as many numbers, a thread each.
fn blocks(count: usize) -> (usize, usize) {
    (count.div_ceil(THREADS as usize), 1)
}

impl Cuda {
    pub fn new(gpu: Arc<Gpu>, config: &Config) -> Cuda {
        Cuda {
            store: Store::new(config),
            hidden: config.hidden,
            group: config.heads / config.key_value_heads,
            gpu,
            rounded: Rows::default(),
            inner: Rows::default(),
            normed: Rows::default(),
            logits: Rows::default(),
        }
    }
}

/// out = input·Wᵀ for some of the outputs, or out += it.
fn product(
    gpu: &Gpu,
    matrix: &DeviceMatrix,
    outputs: Range<usize>,
    (count, input): (usize, &CudaSlice<f32>),
    (out, keep): (&mut CudaSlice<f32>, bool),
    rounded: &mut Rows<u16>,
) -> Result<(), EngineError> {
    let (columns, width) = (matrix.columns, outputs.len());
    assert!(input.len() >= count * columns && out.len() >= count * width && outputs.end <= matrix.rows);
    if count == 0 {
        return Ok(());
    }
    let numbers = outputs.start * columns..outputs.end * columns;
    if let (true, Numbers::Bf16(weights)) = (matrix.rounds, &matrix.numbers) {
        assert!(!keep, "adapters are not rounded");
        let length = count * columns;
        let bits = rounded.sized(gpu, length)?;
        let total = length as u64;
        let mut arguments = gpu.kernel("round_bf16");
        arguments.arg(&mut *bits).arg(input).arg(&total);
        // SAFETY: both buffers hold `length` numbers.
        unsafe { gpu.launch("round_bf16", arguments, blocks(length), THREADS, 0)? };
        return gpu.rounded_product(&weights.slice(numbers), bits, out, (count, columns, width));
    }
    let few = count <= FEW;
    let name = match (&matrix.numbers, few) {
        (Numbers::F32(_), true) => "product_f32_few",
        (Numbers::F32(_), false) => "product_f32_many",
        (Numbers::Bf16(_), true) => "product_bf16_few",
        (Numbers::Bf16(_), false) => "product_bf16_many",
    };
    let sizes = (int(count), int(columns), int(width), i32::from(keep));
    let grid = (width.div_ceil(OUTPUTS), count.div_ceil(if few { FEW } else { MANY }));
    let mut arguments = gpu.kernel(name);
    arguments.arg(out).arg(input);
    let (floats, halves);
    match &matrix.numbers {
        Numbers::F32(weights) => {
            floats = weights.slice(numbers);
            arguments.arg(&floats);
        }
        Numbers::Bf16(weights) => {
            halves = weights.slice(numbers);
            arguments.arg(&halves);
        }
    }
    arguments.arg(&sizes.0).arg(&sizes.1).arg(&sizes.2).arg(&sizes.3);
    // SAFETY: the kernel keeps within `count` rows and `width` outputs, which the buffers hold by the assertion.
    unsafe { gpu.launch(name, arguments, grid, THREADS, 0) }
}

impl Device for Cuda {
    type Rows = Rows;
    type Matrix = DeviceMatrix;
    type Linear = DeviceLinear;
    type Vector = CudaSlice<f32>;
    type Angles = CudaAngles;
    type Call = CudaCall;
    type Kept = ();

    fn hand_over(&mut self) {}

    fn take_over(&mut self, (): ()) {}

    fn bytes<'r>((): &'r (), _: impl Iterator<Item = &'r Rows>) -> usize {
        0
    }

    fn grow(&mut self, capacity: usize) -> Result<(), EngineError> {
        self.store.grow(&self.gpu, capacity)
    }

    fn move_down(&mut self, from: Range<usize>, to: usize) -> Result<(), EngineError> {
        self.store.move_down(&self.gpu, from, to)
    }

    fn call(&mut self, segments: &[Segment]) -> Result<CudaCall, EngineError> {
        let count = segments.iter().map(|segment| segment.rows.end).max().unwrap_or(0);
        let mut slots = vec![0u32; count];
        let (mut tasks, mut sequences, mut stretches) = (Vec::new(), Vec::new(), Vec::new());
        let mut reach = 0;
        for (number, segment) in segments.iter().enumerate() {
            for (place, row) in segment.rows.clone().enumerate() {
                slots[row] = (segment.stored + place) as u32;
            }
            let Sequence { rows, stored } = Sequence::of(segment);
            let (first, mut length) = (stretches.len() / 2, 0);
            for stretch in stored.iter().filter(|stretch| !stretch.is_empty()) {
                stretches.extend([int(stretch.start), int(length)]);
                length += stretch.len();
                reach = reach.max(stretch.end);
            }
            let count = stretches.len() / 2 - first;
            sequences.extend([int(rows.start), int(rows.len()), int(first), int(count), int(length)]);
            let lanes = (0..rows.len() * self.group).step_by(LANES);
            tasks.extend(lanes.flat_map(|lane| [int(number), int(lane)]));
        }
        Ok(CudaCall {
            slots: self.gpu.upload(&slots)?,
            tasks: self.gpu.upload(&tasks)?,
            sequences: self.gpu.upload(&sequences)?,
            stretches: self.gpu.upload(&stretches)?,
            rows: count,
            task_count: tasks.len() / 2,
            reach,
        })
    }

    fn angles(&mut self, angles: Angles) -> Result<CudaAngles, EngineError> {
        let Angles { cosines, sines, half } = angles;
        Ok(CudaAngles { cosines: self.gpu.upload(&cosines)?, sines: self.gpu.upload(&sines)?, half })
    }

    fn embed(&mut self, table: &DeviceMatrix, tokens: &[u32], scale: f32, out: &mut Rows) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        assert!(tokens.iter().all(|token| (*token as usize) < table.rows));
        let which = gpu.upload(tokens)?;
        let wide = int(table.columns);
        let out = out.sized(gpu, tokens.len() * table.columns)?;
        let name = if matches!(table.numbers, Numbers::F32(_)) { "embed_f32" } else { "embed_bf16" };
        let mut arguments = gpu.kernel(name);
        arguments.arg(out);
        match &table.numbers {
            Numbers::F32(numbers) => arguments.arg(numbers),
            Numbers::Bf16(numbers) => arguments.arg(numbers),
        };
        arguments.arg(&which).arg(&wide).arg(&scale);
        // SAFETY: a block a token; every token is within the table by the assertion.
        unsafe { gpu.launch(name, arguments, (tokens.len(), 1), THREADS, 0) }
    }

    fn project(
        &mut self,
        linear: &DeviceLinear,
        count: usize,
        input: &Rows,
        out: &mut Rows,
    ) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        let outputs = linear.matrix.rows;
        let (input, out) = (input.filled(), out.sized(gpu, count * outputs)?);
        product(gpu, &linear.matrix, 0..outputs, (count, input), (out, false), &mut self.rounded)?;
        for [down, up] in &linear.beside {
            let inner = self.inner.sized(gpu, count * down.rows)?;
            product(gpu, down, 0..down.rows, (count, input), (inner, false), &mut self.rounded)?;
            product(gpu, up, 0..outputs, (count, inner), (out, true), &mut self.rounded)?;
        }
        let Some(bias) = &linear.bias else { return Ok(()) };
        let (wide, total) = (int(outputs), (count * outputs) as u64);
        let mut arguments = gpu.kernel("add_bias");
        arguments.arg(out).arg(bias).arg(&wide).arg(&total);
        // SAFETY: rows of `outputs` numbers, of which the bias holds one each.
        unsafe { gpu.launch("add_bias", arguments, blocks(count * outputs), THREADS, 0) }
    }

    fn norm(&mut self, weight: &CudaSlice<f32>, epsilon: f32, input: &Rows, out: &mut Rows) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        let (length, wide) = (input.length(), int(weight.len()));
        let out = out.sized(gpu, length)?;
        if length == 0 {
            return Ok(());
        }
        let mut arguments = gpu.kernel("norm_rows");
        arguments.arg(out).arg(input.filled()).arg(weight).arg(&wide).arg(&epsilon);
        // SAFETY: a block a row of the weight's width; input and output hold as many rows.
        unsafe { gpu.launch("norm_rows", arguments, (length / weight.len(), 1), THREADS, 0) }
    }

    fn rotate(&mut self, rows: &mut Rows, size: usize, wide: usize, angles: &CudaAngles) -> Result<(), EngineError> {
        let heads = wide / size;
        let pairs = rows.length() / size * angles.half;
        assert!(2 * angles.half <= size && angles.cosines.len() >= rows.length() / wide * angles.half);
        let (heads, size, half, total) = (int(heads), int(size), int(angles.half), pairs as u64);
        let mut arguments = self.gpu.kernel("rotate");
        arguments.arg(rows.filled_mut()).arg(&angles.cosines).arg(&angles.sines);
        arguments.arg(&heads).arg(&size).arg(&half).arg(&total);
        // SAFETY: a thread a pair; the angles cover every row by the assertion.
        unsafe { self.gpu.launch("rotate", arguments, blocks(pairs), THREADS, 0) }
    }

    fn keep(&mut self, layer: usize, call: &CudaCall, key: &Rows, value: &Rows) -> Result<(), EngineError> {
        let wide = int(self.store.width());
        assert!(call.reach <= self.store.capacity() && key.length() >= call.rows * self.store.width());
        for (stored, rows) in self.store.layer(layer).iter_mut().zip([key, value]) {
            let mut arguments = self.gpu.kernel("scatter");
            arguments.arg(stored).arg(rows.filled()).arg(&call.slots).arg(&wide);
            // SAFETY: a block a row; every slot is within the store by the assertion.
            unsafe { self.gpu.launch("scatter", arguments, (call.rows, 1), THREADS, 0)? };
        }
        Ok(())
    }

    fn attend(
        &mut self,
        heads: &Heads,
        layer: usize,
        call: &CudaCall,
        query: &Rows,
        out: &mut Rows,
    ) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        let name = match heads.size {
            0..=64 => "attend_64",
            65..=128 => "attend_128",
            _ => "attend_256",
        };
        assert!(call.reach <= self.store.capacity() && query.length() >= call.rows * heads.heads * heads.size);
        let out = out.sized(gpu, query.length())?;
        let (all, shared, size) = (int(heads.heads), int(heads.key_value_heads), int(heads.size));
        let (cap, window) = (heads.cap.unwrap_or(0.0), int(heads.window.unwrap_or(0)));
        let [keys, values] = self.store.layer(layer);
        let mut arguments = gpu.kernel(name);
        arguments.arg(out).arg(query.filled()).arg(&*keys).arg(&*values);
        arguments.arg(&call.tasks).arg(&call.sequences).arg(&call.stretches);
        arguments.arg(&all).arg(&shared).arg(&size).arg(&heads.scale).arg(&cap).arg(&window);
        let room = 4 * (LANES * heads.size + KEYS * (heads.size + 1));
        // SAFETY: the tasks cover rows of the queries, the stretches rows of the store, by the assertion; no head is
        // wider than the kernel's bound (`Gpu::open` refuses over 256).
        unsafe { gpu.launch(name, arguments, (call.task_count, heads.key_value_heads), ATTEND_THREADS, room) }
    }

    fn gate(&mut self, activation: Activation, gate: &Rows, act: &mut Rows) -> Result<(), EngineError> {
        let name = match activation {
            Activation::Silu => "gate_silu",
            Activation::GeluTanh => "gate_gelu",
        };
        let length = act.length().min(gate.length());
        let total = length as u64;
        let mut arguments = self.gpu.kernel(name);
        arguments.arg(act.filled_mut()).arg(gate.filled()).arg(&total);
        // SAFETY: both hold `length` numbers.
        unsafe { self.gpu.launch(name, arguments, blocks(length), THREADS, 0) }
    }

    fn add(&mut self, one: &mut Rows, two: &Rows) -> Result<(), EngineError> {
        let length = one.length().min(two.length());
        let total = length as u64;
        let mut arguments = self.gpu.kernel("add_rows");
        arguments.arg(one.filled_mut()).arg(two.filled()).arg(&total);
        // SAFETY: both hold `length` numbers.
        unsafe { self.gpu.launch("add_rows", arguments, blocks(length), THREADS, 0) }
    }

    fn gather(&mut self, rows: &Rows, which: &[usize], out: &mut Rows) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        assert!(which.iter().all(|row| (row + 1) * self.hidden <= rows.length()));
        let which: Vec<u32> = which.iter().map(|row| *row as u32).collect();
        let numbers = gpu.upload(&which)?;
        let wide = int(self.hidden);
        let out = out.sized(gpu, which.len() * self.hidden)?;
        let mut arguments = gpu.kernel("gather");
        arguments.arg(out).arg(rows.filled()).arg(&numbers).arg(&wide);
        // SAFETY: a block a row; every row is there by the assertion.
        unsafe { gpu.launch("gather", arguments, (which.len(), 1), THREADS, 0) }
    }

    fn show(&mut self, rows: &mut Rows, wanted: Wanted, see: &mut dyn FnMut(&mut [f32])) -> Result<(), EngineError> {
        let mut values = self.bring(rows)?;
        see(&mut values);
        match wanted {
            Wanted::Change => rows.take(&self.gpu, &values),
            Wanted::Nothing | Wanted::Sight | Wanted::Copy => Ok(()),
        }
    }

    fn copy(&mut self, rows: &mut Rows) -> Result<Vec<f32>, EngineError> {
        self.bring(rows)
    }

    fn bring(&mut self, rows: &mut Rows) -> Result<Vec<f32>, EngineError> {
        if rows.length() == 0 {
            return Ok(Vec::new());
        }
        self.gpu.download(rows.filled(), rows.length())
    }

    fn logits(&mut self, head: &DeviceMatrix, count: usize, normed: &[f32]) -> Result<Vec<f32>, EngineError> {
        let mut all = vec![0.0; count * head.rows];
        self.for_logits(head, count, normed, &mut |range, logits| {
            for (row, part) in logits.chunks_exact(range.len()).enumerate() {
                all[row * head.rows..][range.clone()].copy_from_slice(part);
            }
        })?;
        Ok(all)
    }

    fn for_logits(
        &mut self,
        head: &DeviceMatrix,
        count: usize,
        normed: &[f32],
        work: &mut dyn FnMut(Range<usize>, &mut [f32]),
    ) -> Result<(), EngineError> {
        let gpu = &self.gpu;
        self.normed.take(gpu, normed)?;
        for start in (0..head.rows).step_by(STRETCH) {
            let range = start..(start + STRETCH).min(head.rows);
            let out = self.logits.sized(gpu, count * range.len())?;
            let input = (count, self.normed.filled());
            product(gpu, head, range.clone(), input, (out, false), &mut self.rounded)?;
            work(range.clone(), &mut gpu.download(out, count * range.len())?);
        }
        Ok(())
    }

    fn log_probabilities(
        &mut self,
        head: &DeviceMatrix,
        cap: Option<f32>,
        normed: &[f32],
        wanted: &[Vec<u32>],
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let gpu = &self.gpu;
        let count = wanted.len();
        self.normed.take(gpu, normed)?;
        let tokens: Vec<u32> = wanted.iter().flatten().copied().collect();
        let rows: Vec<u32> =
            wanted.iter().enumerate().flat_map(|(row, wanted)| wanted.iter().map(move |_| row as u32)).collect();
        let mut found = gpu.upload(&vec![f32::NAN; tokens.len()])?;
        let mut highest = gpu.upload(&vec![f32::NEG_INFINITY; count])?;
        let mut sums = gpu.upload(&vec![0.0f64; count])?;
        let (device_tokens, device_rows) = (gpu.upload(&tokens)?, gpu.upload(&rows)?);
        for start in (0..head.rows).step_by(STRETCH) {
            let range = start..(start + STRETCH).min(head.rows);
            let out = self.logits.sized(gpu, count * range.len())?;
            let input = (count, self.normed.filled());
            product(gpu, head, range.clone(), input, (out, false), &mut self.rounded)?;
            if let Some(cap) = cap {
                let total = (count * range.len()) as u64;
                let mut arguments = gpu.kernel("soft_cap");
                arguments.arg(&mut *out).arg(&cap).arg(&total);
                // SAFETY: a thread a number of the stretch.
                unsafe { gpu.launch("soft_cap", arguments, blocks(count * range.len()), THREADS, 0)? };
            }
            let (wide, first, total) = (int(range.len()), start as u32, tokens.len() as u64);
            let mut arguments = gpu.kernel("log_sum");
            arguments.arg(&*out).arg(&mut highest).arg(&mut sums).arg(&wide);
            // SAFETY: a block a row of the stretch.
            unsafe { gpu.launch("log_sum", arguments, (count, 1), THREADS, 0)? };
            let mut arguments = gpu.kernel("pick");
            arguments.arg(&mut found).arg(&*out).arg(&device_rows).arg(&device_tokens);
            arguments.arg(&first).arg(&wide).arg(&total);
            // SAFETY: a thread a wanted token, whose row is among `count`.
            unsafe { gpu.launch("pick", arguments, blocks(tokens.len()), THREADS, 0)? };
        }
        let found = gpu.download(&found, tokens.len())?;
        let (highest, sums) = (gpu.download(&highest, count)?, gpu.download(&sums, count)?);
        let mut found = found.into_iter();
        let of_row = |(row, wanted): (usize, &Vec<u32>)| {
            let sum = f64::from(highest[row]) + sums[row].ln();
            found.by_ref().take(wanted.len()).map(|logit| f64::from(logit) - sum).collect()
        };
        Ok(wanted.iter().enumerate().map(of_row).collect())
    }
}
