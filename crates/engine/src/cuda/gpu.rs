//! A GPU made ready: its context, the one stream that everything runs on, the compiled kernels, and cuBLAS where the
//! precision needs it. Every failure becomes an error that says what to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::cublas::{CudaBlas, result::gemm_ex, sys as blas};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, CudaView, DevicePtr as _, DevicePtrMut as _, DeviceRepr,
    DriverError, LaunchArgs, LaunchConfig, sys,
};
use cudarc::nvrtc::Ptx;

use super::compile;
use crate::config::Config;
use crate::device::DeviceFacts;
use crate::{EngineError, Precision};

/// Widest head that the kernels attend with.
const WIDEST_HEAD: usize = 256;

/// A GPU made ready. Sessions share it.
pub(crate) struct Gpu {
    stream: Arc<CudaStream>,
    kernels: BTreeMap<&'static str, CudaFunction>,
    /// A handle of cuBLAS is not to be used by two threads at once.
    blas: Option<Mutex<CudaBlas>>,
    facts: DeviceFacts,
    /// As the user named it.
    label: String,
}

/// What is said where the way out is to compute elsewhere.
const ELSEWHERE: &str = "or compute on the processor with --device cpu";

impl Gpu {
    /// Opens a GPU and compiles the kernels for it.
    ///
    /// # Errors
    /// [`EngineError::Device`] where driver, libraries, GPU or precision are not there.
    pub fn open(number: usize, config: &Config, precision: Precision) -> Result<Arc<Gpu>, EngineError> {
        let label = format!("cuda:{number}");
        let wrong = |why: String| EngineError::device(&label, why);
        if precision == Precision::Q8 {
            return Err(wrong(format!("q8 is not computed on a GPU; take --precision f32 or bf16, {ELSEWHERE}")));
        }
        if config.head_dimension > WIDEST_HEAD {
            return Err(wrong(format!(
                "the model's heads are {} wide, on a GPU at most {WIDEST_HEAD} are read; compute with --device cpu",
                config.head_dimension
            )));
        }
        // SAFETY: loading NVIDIA's libraries runs their initialisers, which is what asking for a GPU means.
        let (driver, products) = unsafe { (sys::is_culib_present(), blas::is_culib_present()) };
        if !driver {
            return Err(wrong(format!(
                "NVIDIA's driver (libcuda) is not on this machine; install it where there is an NVIDIA GPU, {ELSEWHERE}"
            )));
        }
        if !compile::present() {
            return Err(wrong(format!(
                "NVRTC (libnvrtc, part of CUDA) was not found; install it and put its folder into LD_LIBRARY_PATH, \
                 {ELSEWHERE}"
            )));
        }
        if precision == Precision::Bf16 && !products {
            return Err(wrong(format!(
                "cuBLAS (libcublas, part of CUDA) was not found, which bf16 needs; install it and put its folder into \
                 LD_LIBRARY_PATH, or take --precision f32, {ELSEWHERE}"
            )));
        }
        let said = |error: DriverError| wrong(format!("the driver says {}; {}", words(error), remedy(error)));
        let context = CudaContext::new(number).map_err(said)?;
        // SAFETY: everything runs on one stream, in order; events between streams would only cost time.
        unsafe { context.disable_event_tracking() };
        let stream = context.default_stream();
        let capability = context.compute_capability().map_err(said)?;
        let code = compile::machine_code(capability).map_err(|why| {
            wrong(format!(
                "the kernels do not compile for compute capability {}.{} ({why}); take a newer NVRTC, {ELSEWHERE}",
                capability.0, capability.1
            ))
        })?;
        let module = context.load_module(Ptx::from_binary(code.to_vec())).map_err(said)?;
        let load = |name: &'static str| Ok((name, module.load_function(name).map_err(said)?));
        let kernels = compile::NAMES.into_iter().map(load).collect::<Result<_, EngineError>>()?;
        let blas = match precision {
            Precision::Bf16 => Some(Mutex::new(
                CudaBlas::new(Arc::clone(&stream))
                    .map_err(|error| wrong(format!("cuBLAS says {error}; {ELSEWHERE}")))?,
            )),
            _ => None,
        };
        let mut version = 0;
        // SAFETY: the call writes one number.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(said)?;
        let facts = DeviceFacts {
            name: format!("cuda {}", context.name().map_err(said)?),
            driver: Some(format!("CUDA {}.{}", version / 1000, version % 1000 / 10)),
            instructions: None,
            note: None,
        };
        Ok(Arc::new(Gpu { stream, kernels, blas, facts, label }))
    }

    /// What it is.
    pub fn facts(&self) -> &DeviceFacts {
        &self.facts
    }

    /// Where everything runs, in order.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// What went wrong while something was done.
    pub fn wrong(&self, doing: &str, error: DriverError) -> EngineError {
        EngineError::device(&self.label, format!("{doing}: the driver says {}; {}", words(error), remedy(error)))
    }

    /// Room for numbers, which are not set.
    pub fn room<T: DeviceRepr>(&self, length: usize) -> Result<CudaSlice<T>, EngineError> {
        // SAFETY: whoever takes room writes it before reading it: rows, store and weights are only made to be filled.
        unsafe { self.stream.alloc(length.max(1)) }.map_err(|error| self.wrong("taking memory", error))
    }

    /// A copy of numbers.
    pub fn upload<T: DeviceRepr>(&self, values: &[T]) -> Result<CudaSlice<T>, EngineError> {
        let mut room = self.room(values.len())?;
        if !values.is_empty() {
            self.stream.memcpy_htod(values, &mut room).map_err(|error| self.wrong("copying to it", error))?;
        }
        Ok(room)
    }

    /// The first numbers of a buffer.
    pub fn download<T: DeviceRepr + Default + Clone>(
        &self,
        from: &CudaSlice<T>,
        length: usize,
    ) -> Result<Vec<T>, EngineError> {
        let mut values = vec![T::default(); length];
        if length > 0 {
            let wrong = |error| self.wrong("copying from it", error);
            self.stream.memcpy_dtoh(&from.slice(..length), &mut values).map_err(wrong)?;
            self.stream.synchronize().map_err(wrong)?;
        }
        Ok(values)
    }

    /// A kernel, to be given its arguments.
    pub fn kernel(&self, name: &'static str) -> LaunchArgs<'_> {
        self.stream.launch_builder(self.kernels.get(name).expect("every name is in the list"))
    }

    /// Runs a kernel on a grid of blocks.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and what it reaches with this grid lies within its buffers.
    pub unsafe fn launch(
        &self,
        name: &str,
        mut arguments: LaunchArgs<'_>,
        (across, down): (usize, usize),
        threads: u32,
        shared: usize,
    ) -> Result<(), EngineError> {
        if across == 0 || down == 0 {
            return Ok(());
        }
        let grid = (u32::try_from(across), u32::try_from(down));
        let (Ok(across), Ok(down @ ..=65_535)) = grid else {
            let why =
                format!("{name}: a grid of {across} by {down} blocks; give less --memory, which makes batches smaller");
            return Err(EngineError::device(&self.label, why));
        };
        let grid =
            LaunchConfig { grid_dim: (across, down, 1), block_dim: (threads, 1, 1), shared_mem_bytes: shared as u32 };
        // SAFETY: the caller's promise.
        unsafe { arguments.launch(grid) }.map(|_| ()).map_err(|error| self.wrong(name, error))
    }

    /// out = input·Wᵀ with bf16 operands and f32 sums: [count, columns], [outputs, columns] → [count, outputs].
    pub fn rounded_product(
        &self,
        weights: &CudaView<'_, u16>,
        input: &CudaSlice<u16>,
        out: &mut CudaSlice<f32>,
        (count, columns, outputs): (usize, usize, usize),
    ) -> Result<(), EngineError> {
        assert!(weights.len() >= outputs * columns && input.len() >= count * columns && out.len() >= count * outputs);
        let blas = self.blas.as_ref().expect("cuBLAS is loaded where products are rounded");
        let blas = blas.lock().unwrap_or_else(PoisonError::into_inner);
        self.stream.context().bind_to_thread().map_err(|error| self.wrong("a product", error))?;
        let (weights, _reads) = weights.device_ptr(&self.stream);
        let (input, _reads) = input.device_ptr(&self.stream);
        let (out, _writes) = out.device_ptr_mut(&self.stream);
        let (one, zero) = (1.0f32, 0.0f32);
        // cuBLAS counts columns first: a row-major [n, k] is its [k, n].
        // SAFETY: the three buffers hold the sizes given, by the assertion.
        unsafe {
            gemm_ex(
                *blas.handle(),
                blas::cublasOperation_t::CUBLAS_OP_T,
                blas::cublasOperation_t::CUBLAS_OP_N,
                outputs as i32,
                count as i32,
                columns as i32,
                (&raw const one).cast(),
                weights as *const _,
                blas::cudaDataType_t::CUDA_R_16BF,
                columns as i32,
                input as *const _,
                blas::cudaDataType_t::CUDA_R_16BF,
                columns as i32,
                (&raw const zero).cast(),
                out as *mut _,
                blas::cudaDataType_t::CUDA_R_32F,
                outputs as i32,
                blas::cublasComputeType_t::CUBLAS_COMPUTE_32F,
                blas::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .map_err(|error| EngineError::device(&self.label, format!("a product: cuBLAS says {error}")))
    }
}

/// The driver's name and words for an error.
fn words(error: DriverError) -> String {
    let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
    format!("{:?} ({})", error.0, text.unwrap_or_else(|_| "no words for it".to_owned()))
}

/// What to do about it.
fn remedy(error: DriverError) -> String {
    let what = match error.0 {
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
            "its memory is used up: take --precision bf16, give less --memory, free it from other programs"
        }
        sys::CUresult::CUDA_ERROR_NO_DEVICE => "no GPU can be seen: see nvidia-smi and CUDA_VISIBLE_DEVICES",
        sys::CUresult::CUDA_ERROR_INVALID_DEVICE => "there is no GPU of this number: see nvidia-smi",
        sys::CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH | sys::CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU => {
            "update the driver"
        }
        _ => "see nvidia-smi",
    };
    format!("{what}, {ELSEWHERE}")
}
