//! A decoder ready to run, wherever it computes.
//!
//! It runs over *segments*: stretches of new tokens, each with a chain of earlier stretches whose keys and values are in
//! the store. One long sequence, a ragged batch, a decoding step and a whole trie of prompts are all lists of segments,
//! and the tokens of all segments are the rows of one matrix, without padding. The pass itself is in `forward`.

use std::ops::Range;
use std::sync::Arc;

use crate::EngineError;
use crate::attend::soft_cap;
use crate::block::Parameters;
use crate::config::Config;
use crate::device::{DeviceChoice, DeviceFacts};
use crate::forward::{Pass, Rooms, Session};
use crate::host::Host;
use crate::kernel::pool::Pool;
use crate::matrix::{Packing, Precision};
use crate::ops::widest;
use crate::weights::Weights;

/// A decoder ready to run.
pub(crate) struct Decoder {
    config: Config,
    /// Of each rope, the frequencies of short sequences and of long ones.
    frequencies: Vec<[Vec<f32>; 2]>,
    place: Place,
    facts: DeviceFacts,
}

/// Where its parameters are.
enum Place {
    Host {
        parameters: Parameters<Host>,
        pool: Arc<Pool>,
        rooms: Rooms<Host>,
    },
    #[cfg(feature = "cuda")]
    Cuda {
        parameters: Parameters<crate::cuda::Cuda>,
        gpu: Arc<crate::cuda::Gpu>,
    },
}

/// New tokens that follow a chain of stored ones.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Rows of this call's matrix.
    pub rows: Range<usize>,
    /// Position of its first token in its sequence.
    pub position: usize,
    /// Rows of the store that come before it, oldest first; its own are stored from `stored` on.
    pub chain: Vec<Range<usize>>,
    /// Where its own keys and values go in the store.
    pub stored: usize,
    /// Whether its sequence is so long that LongRoPE's long list is used ([`Config::is_long`]).
    pub long: bool,
}

impl Decoder {
    /// Takes a decoder's tensors, checking each one's shape, to where it is to compute.
    ///
    /// # Errors
    /// What is wrong with the tensors; [`EngineError::Device`] where the device cannot be used.
    pub fn load(
        config: &Config,
        mut weights: Weights,
        (precision, threads, device): (Precision, usize, DeviceChoice),
    ) -> Result<Decoder, EngineError> {
        // Called after the tensors are read, so that what config.json claims is seen in them before anything is made of it.
        let frequencies =
            || config.ropes.iter().map(|rope| [false, true].map(|long| rope.frequencies(long))).collect::<Vec<_>>();
        let pool = Arc::new(Pool::new(threads));
        let mut facts = DeviceFacts::cpu();
        match (device, open_cuda(device, config, precision)) {
            (DeviceChoice::Cpu, _) => {}
            #[cfg(feature = "cuda")]
            (_, Ok(gpu)) => {
                weights.packing = Packing { precision, pool, packs: false };
                let facts = gpu.facts().clone();
                let parameters = crate::cuda::upload(&gpu, Parameters::load(config, &weights)?, precision)?;
                let place = Place::Cuda { parameters, gpu };
                return Ok(Decoder { config: config.clone(), frequencies: frequencies(), place, facts });
            }
            #[cfg(not(feature = "cuda"))]
            (_, Ok(never)) => match never {},
            (DeviceChoice::Auto, Err(error)) => facts.note = Some(format!("computed on the processor: {error}")),
            (DeviceChoice::Cuda(_), Err(error)) => return Err(error),
        }
        weights.packing = Packing { precision, pool: Arc::clone(&pool), packs: true };
        let place = Place::Host { parameters: Parameters::load(config, &weights)?, pool, rooms: Rooms::default() };
        Ok(Decoder { config: config.clone(), frequencies: frequencies(), place, facts })
    }

    /// Where it computes.
    pub fn facts(&self) -> &DeviceFacts {
        &self.facts
    }

    /// A worker's session. One that is `alone` spreads its work over all threads of the model; a worker among several
    /// stays on its own.
    pub fn session(&self, alone: bool) -> Box<dyn Session + '_> {
        let (config, frequencies) = (&self.config, &self.frequencies[..]);
        match &self.place {
            Place::Host { parameters, pool, rooms } => {
                let pool = if alone { Arc::clone(pool) } else { Arc::new(Pool::serial()) };
                Box::new(Pass::new(config, parameters, frequencies, Host::new(config, pool), Some(rooms)))
            }
            #[cfg(feature = "cuda")]
            Place::Cuda { parameters, gpu } => {
                let device = crate::cuda::Cuda::new(Arc::clone(gpu), config);
                Box::new(Pass::new(config, parameters, frequencies, device, None))
            }
        }
    }

    /// Whether several workers at once are of use: a GPU is filled by one.
    pub fn takes_workers(&self) -> bool {
        matches!(self.place, Place::Host { .. })
    }

    /// The soft cap on logits, where the family has one.
    pub fn cap(&self, logits: &mut [f32]) {
        if let Some(cap) = self.config.final_cap {
            widest(
                #[inline(always)]
                || soft_cap(logits, cap),
            );
        }
    }
}

/// The GPU that a choice means.
#[cfg(feature = "cuda")]
fn open_cuda(
    device: DeviceChoice,
    config: &Config,
    precision: Precision,
) -> Result<Arc<crate::cuda::Gpu>, EngineError> {
    match device {
        DeviceChoice::Cuda(number) => crate::cuda::Gpu::open(number, config, precision),
        DeviceChoice::Auto => crate::cuda::Gpu::open(0, config, precision),
        DeviceChoice::Cpu => Err(EngineError::device("cpu", "it is no GPU")),
    }
}

/// This build has none.
#[cfg(not(feature = "cuda"))]
fn open_cuda(device: DeviceChoice, _: &Config, _: Precision) -> Result<std::convert::Infallible, EngineError> {
    let why = "this build has no CUDA; build with `cargo build --release -p undermask --features cuda`, or compute on \
               the processor with --device cpu";
    Err(EngineError::device(&device.to_string(), why))
}
