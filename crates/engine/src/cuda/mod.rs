//! The operations of a forward pass on an NVIDIA GPU.
//!
//! Driver, NVRTC and cuBLAS are loaded when a model is opened on a GPU; without them this build does all else. `gpu` opens a
//! device and compiles `kernels.cu` for it, `weights` brings a decoder's parameters there, `rows` are buffers, `store`
//! holds keys and values, `device` does the operations. One stream, so that operations follow each other in order.
//!
//! Left out: several GPUs at once, 8-bit products, quantised weights as they are (they are widened).

mod compile;
mod device;
mod gpu;
mod rows;
mod store;
mod weights;

pub(crate) use device::Cuda;
pub(crate) use gpu::Gpu;
pub(crate) use weights::upload;
