//! Keys and values on a GPU, per block [capacity, K·h] in f32.

use std::ops::Range;

use cudarc::driver::CudaSlice;

use super::gpu::Gpu;
use crate::EngineError;
use crate::config::Config;

/// Keys and values of every token computed so far.
pub(super) struct Store {
    /// Of each block, keys and values; none before the first token.
    layers: Vec<Option<[CudaSlice<f32>; 2]>>,
    capacity: usize,
    width: usize,
}

impl Store {
    pub fn new(config: &Config) -> Store {
        Store { layers: (0..config.layers).map(|_| None).collect(), capacity: 0, width: config.key_width() }
    }

    /// Numbers of a token.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Keys and values of a block.
    pub fn layer(&mut self, layer: usize) -> &mut [CudaSlice<f32>; 2] {
        self.layers[layer].as_mut().expect("room is made before anything is stored")
    }

    /// Tokens for which there is room.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes room for as many tokens, and an eighth more than before, so that growing step by step copies seldom.
    pub fn grow(&mut self, gpu: &Gpu, capacity: usize) -> Result<(), EngineError> {
        if capacity <= self.capacity {
            return Ok(());
        }
        let capacity = capacity.max(self.capacity + self.capacity / 8);
        let used = self.capacity * self.width;
        for layer in &mut self.layers {
            let mut grown = [gpu.room(capacity * self.width)?, gpu.room(capacity * self.width)?];
            for (old, new) in layer.iter().flatten().zip(&mut grown) {
                gpu.stream()
                    .memcpy_dtod(&old.slice(..used), &mut new.slice_mut(..used))
                    .map_err(|error| gpu.wrong("making room for keys and values", error))?;
            }
            *layer = Some(grown);
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Moves rows towards the front. Both places may overlap, which copies on a GPU may not: they go by a third.
    pub fn move_down(&mut self, gpu: &Gpu, from: Range<usize>, to: usize) -> Result<(), EngineError> {
        let wrong = |error| gpu.wrong("moving keys and values", error);
        let length = from.len() * self.width;
        if length == 0 {
            return Ok(());
        }
        let mut spare: CudaSlice<f32> = gpu.room(length)?;
        for rows in self.layers.iter_mut().flatten().flatten() {
            let start = from.start * self.width;
            gpu.stream().memcpy_dtod(&rows.slice(start..start + length), &mut spare).map_err(wrong)?;
            let start = to * self.width;
            gpu.stream().memcpy_dtod(&spare, &mut rows.slice_mut(start..start + length)).map_err(wrong)?;
        }
        Ok(())
    }
}
