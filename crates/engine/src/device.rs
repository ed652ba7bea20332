//! Where a decoder computes: the choice that a user makes, and the few operations on rows of activations that every
//! place offers. The forward pass (`forward`) is written once over them.
//!
//! `host` does them on the processor; `cuda`, behind the feature of that name, on an NVIDIA GPU. It leaves out what
//! does not touch activations: plans, edits and reductions work on rows that a place shows them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::EngineError;
use crate::config::Activation;
use crate::decoder::Segment;
use crate::hook::Wanted;
use crate::kernel::attention::Heads;
use crate::kernel::isa::Isa;

/// Where a model is to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// On the processor.
    #[default]
    Cpu,
    /// On the CUDA device of this number.
    Cuda(usize),
    /// On the first CUDA device that can be used, else on the processor, with a note that says why.
    Auto,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Cpu => write!(formatter, "cpu"),
            DeviceChoice::Cuda(number) => write!(formatter, "cuda:{number}"),
            DeviceChoice::Auto => write!(formatter, "auto"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<DeviceChoice, String> {
        match text {
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            "auto" => Ok(DeviceChoice::Auto),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(number)) => Ok(DeviceChoice::Cuda(number)),
                _ => Err(format!("`{text}` is no device; give cpu, cuda, cuda:N (the N-th GPU, from 0) or auto")),
            },
        }
    }
}

/// Where an open model computes, for provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFacts {
    /// `cpu`, or `cuda` with the GPU's name: numbers of a run depend on it in their last bits.
    pub name: String,
    /// The CUDA version of the driver, where there is one.
    pub driver: Option<String>,
    /// The instruction set of the processor's kernels, as `UNDERMASK_ISA` spells it: sums are rounded differently in each.
    pub instructions: Option<String>,
    /// Why `auto` did not take a GPU.
    pub note: Option<String>,
}

impl DeviceFacts {
    /// The processor.
    pub(crate) fn cpu() -> DeviceFacts {
        let instructions = Some(Isa::chosen().name().to_owned());
        DeviceFacts { name: "cpu".to_owned(), driver: None, instructions, note: None }
    }
}

/// Cosines and sines of every row's position under one rope, [N, half] each.
pub(crate) struct Angles {
    pub cosines: Vec<f32>,
    pub sines: Vec<f32>,
    pub half: usize,
}

/// The parameters of a gated feed-forward layer.
pub(crate) struct Feed<'a, L> {
    pub gate: &'a L,
    pub up: &'a L,
    pub down: &'a L,
    pub activation: Activation,
}

/// The operations of a forward pass. Rows are [N, W] in f32 and know their length; what an operation writes gets the
/// length that it needs.
pub(crate) trait Device {
    /// Rows of activations.
    type Rows: Default;
    /// A matrix of weights.
    type Matrix;
    /// A matrix with its bias and what adapters add beside it.
    type Linear;
    /// The weights of a norm.
    type Vector;
    /// [`Angles`] where they are used.
    type Angles;
    /// The segments of a call, made ready for attention.
    type Call;
    /// Memory of its own that a later session can use.
    type Kept;

    /// Gives up that memory when a session is over.
    fn hand_over(&mut self) -> Self::Kept;
    /// Takes such memory before it has any.
    fn take_over(&mut self, kept: Self::Kept);
    /// Bytes that a session's memory holds, its rows among it.
    fn bytes<'r>(kept: &'r Self::Kept, rows: impl Iterator<Item = &'r Self::Rows>) -> usize
    where
        Self::Rows: 'r;

    /// Makes room for the keys and values of as many tokens.
    fn grow(&mut self, capacity: usize) -> Result<(), EngineError>;
    /// Moves stored keys and values towards the front.
    fn move_down(&mut self, from: Range<usize>, to: usize) -> Result<(), EngineError>;
    /// Makes segments ready.
    fn call(&mut self, segments: &[Segment]) -> Result<Self::Call, EngineError>;
    /// Brings angles to where they are used.
    fn angles(&mut self, angles: Angles) -> Result<Self::Angles, EngineError>;
    /// out = scale · rows of the table.
    fn embed(
        &mut self,
        table: &Self::Matrix,
        tokens: &[u32],
        scale: f32,
        out: &mut Self::Rows,
    ) -> Result<(), EngineError>;
    /// out = input·Wᵀ + bias for `count` rows.
    fn project(
        &mut self,
        linear: &Self::Linear,
        count: usize,
        input: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<(), EngineError>;
    /// The same of one input with several matrices.
    fn project_together<const N: usize>(
        &mut self,
        linears: [&Self::Linear; N],
        count: usize,
        input: &Self::Rows,
        outs: [&mut Self::Rows; N],
    ) -> Result<(), EngineError> {
        linears.into_iter().zip(outs).try_for_each(|(linear, out)| self.project(linear, count, input, out))
    }
    /// out = x/rms(x)·w for each row of the weight's width.
    fn norm(
        &mut self,
        weight: &Self::Vector,
        epsilon: f32,
        input: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<(), EngineError>;
    /// Turns the first numbers of every head (of `size`) of every row (of `wide`).
    fn rotate(
        &mut self,
        rows: &mut Self::Rows,
        size: usize,
        wide: usize,
        angles: &Self::Angles,
    ) -> Result<(), EngineError>;
    /// Stores a block's new keys and values.
    fn keep(
        &mut self,
        layer: usize,
        call: &Self::Call,
        key: &Self::Rows,
        value: &Self::Rows,
    ) -> Result<(), EngineError>;
    /// Attention of the call's rows over what is stored.
    fn attend(
        &mut self,
        heads: &Heads,
        layer: usize,
        call: &Self::Call,
        query: &Self::Rows,
        out: &mut Self::Rows,
    ) -> Result<(), EngineError>;
    /// act = activation(gate)·act.
    fn gate(&mut self, activation: Activation, gate: &Self::Rows, act: &mut Self::Rows) -> Result<(), EngineError>;
    /// out = down(activation(gate(input))·up(input)) for `count` rows; the scratch rows are of the inner width.
    fn feed_forward(
        &mut self,
        feed: &Feed<'_, Self::Linear>,
        count: usize,
        input: &Self::Rows,
        [gate, activated]: [&mut Self::Rows; 2],
        out: &mut Self::Rows,
    ) -> Result<(), EngineError> {
        self.project_together([feed.gate, feed.up], count, input, [gate, activated])?;
        self.gate(feed.activation, gate, activated)?;
        self.project(feed.down, count, activated, out)
    }
    /// one += two.
    fn add(&mut self, one: &mut Self::Rows, two: &Self::Rows) -> Result<(), EngineError>;
    /// Some rows of the hidden width.
    fn gather(&mut self, rows: &Self::Rows, which: &[usize], out: &mut Self::Rows) -> Result<(), EngineError>;
    /// Shows rows to someone in the processor's memory; what is changed there is taken back.
    fn show(
        &mut self,
        rows: &mut Self::Rows,
        wanted: Wanted,
        see: &mut dyn FnMut(&mut [f32]),
    ) -> Result<(), EngineError>;
    /// A copy of rows in the processor's memory.
    fn copy(&mut self, rows: &mut Self::Rows) -> Result<Vec<f32>, EngineError>;
    /// Brings rows, which are not used again, into the processor's memory.
    fn bring(&mut self, rows: &mut Self::Rows) -> Result<Vec<f32>, EngineError>;
    /// All logits after `count` normed rows, [count, V], not capped.
    fn logits(&mut self, head: &Self::Matrix, count: usize, normed: &[f32]) -> Result<Vec<f32>, EngineError>;
    /// The same, shown in stretches of the vocabulary, so that not all need be held at once.
    fn for_logits(
        &mut self,
        head: &Self::Matrix,
        count: usize,
        normed: &[f32],
        work: &mut dyn FnMut(Range<usize>, &mut [f32]),
    ) -> Result<(), EngineError>;
    /// ln p of the wanted tokens after each row, with the soft cap where there is one.
    fn log_probabilities(
        &mut self,
        head: &Self::Matrix,
        cap: Option<f32>,
        normed: &[f32],
        wanted: &[Vec<u32>],
    ) -> Result<Vec<Vec<f64>>, EngineError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for (text, choice) in
            [("cpu", DeviceChoice::Cpu), ("auto", DeviceChoice::Auto), ("cuda:3", DeviceChoice::Cuda(3))]
        {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for wrong in ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""] {
            assert!(wrong.parse::<DeviceChoice>().is_err_and(|why| why.contains("cuda:N")), "{wrong}");
        }
    }
}
