//! Buffers on a GPU that grow as they are needed and know how much of them is in use.

use cudarc::driver::{CudaSlice, DeviceRepr};

use super::gpu::Gpu;
use crate::EngineError;

/// A buffer of numbers, f32 where nothing else is said.
pub(crate) struct Rows<T = f32> {
    data: Option<CudaSlice<T>>,
    length: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Rows<T> {
        Rows { data: None, length: 0 }
    }
}

impl<T: DeviceRepr> Rows<T> {
    /// Numbers in use.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Gives it a length; what is in it is not kept, since every use overwrites all of it.
    pub fn sized(&mut self, gpu: &Gpu, length: usize) -> Result<&mut CudaSlice<T>, EngineError> {
        if self.data.as_ref().is_none_or(|data| data.len() < length) {
            // The old one is freed first: both may not fit.
            self.data = None;
            self.data = Some(gpu.room(length)?);
        }
        self.length = length;
        Ok(self.data.as_mut().expect("just made"))
    }

    /// The numbers.
    pub fn filled(&self) -> &CudaSlice<T> {
        self.data.as_ref().expect("rows are written before they are read")
    }

    /// The numbers, to be changed in place.
    pub fn filled_mut(&mut self) -> &mut CudaSlice<T> {
        self.data.as_mut().expect("rows are written before they are read")
    }

    /// Takes numbers from the processor's memory.
    pub fn take(&mut self, gpu: &Gpu, values: &[T]) -> Result<(), EngineError> {
        let data = self.sized(gpu, values.len())?;
        if values.is_empty() {
            return Ok(());
        }
        gpu.stream().memcpy_htod(values, data).map_err(|error| gpu.wrong("copying to it", error))
    }
}
