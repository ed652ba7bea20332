//! Products of quantised weights with activations in int8, on weights that take about as many bytes as in their file.
//!
//! A row of the file is taken apart into whole numbers and narrow scales ([`parts`]), which [`pack`] puts into panels of
//! sixteen outputs as [`layout`] says. [`activations`] rounds rows of activations to int8. [`tile`] multiplies some rows
//! with one panel, written once over what it needs of an instruction set ([`fours`]; `avx2`, `avx512` and `neon` implement
//! it beside a portable form); [`product`] cuts a whole product into tiles and tasks.
//!
//! Sums of blocks are whole numbers, exactly: only the activations are rounded (in blocks of 32, to a largest magnitude of
//! 127, as GGUF's Q8_0).

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod fours;
mod layout;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod parts;
mod product;
#[cfg(test)]
mod tests;
mod tile;

pub(crate) use activations::Quantised;

use self::layout::Form;
use super::memory::Words;

/// A quantised matrix [rows, columns]; columns are a multiple of 32.
pub(crate) struct Blocks {
    form: Form,
    /// Panel after panel, [panels, columns / 32, `Form::group_words`].
    quants: Words,
    /// Panel after panel, [panels, columns / `Form::span`, `Form::scale_words`].
    scales: Words,
    rows: usize,
    columns: usize,
}
