//! The exact state of a training on disk: parameters, adapter, moments, step and settings, in one file.
//!
//! Layout: magic, length of a JSON header, header, then the vectors as little-endian f32: the network (frozen, if an
//! adapter is trained), the adapter's factors if there is one, and both moments of what is trained. Written beside the old
//! file and renamed, so that a kill leaves one whole checkpoint.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::optimizer::Moments;
use super::{Adapter, AdapterSettings, Network, Settings, Shape, TrainError};

const MAGIC: &[u8; 16] = b"undermask-train1";

#[derive(Serialize, Deserialize)]
struct Header {
    shape: Shape,
    settings: Settings,
    step: usize,
    /// Absent from checkpoints of whole networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    adapter: Option<AdapterSettings>,
}

/// What a training goes on from.
pub(super) struct Loaded {
    pub network: Network,
    pub adapter: Option<Adapter>,
    pub settings: Settings,
    pub moments: Moments,
    pub step: usize,
}

/// `values` are the network's, frozen where there is an adapter.
pub(super) fn save(
    path: &Path,
    (shape, values): (&Shape, &[f32]),
    adapter: Option<&Adapter>,
    settings: &Settings,
    moments: &Moments,
    step: usize,
) -> Result<(), TrainError> {
    let wrong = |why: String| TrainError::Checkpoint { path: path.to_owned(), why };
    let header = Header {
        shape: shape.clone(),
        settings: settings.clone(),
        step,
        adapter: adapter.map(|adapter| adapter.settings().clone()),
    };
    let header = serde_json::to_vec(&header).map_err(|error| wrong(error.to_string()))?;
    let factors: &[f32] = adapter.map_or(&[], |adapter| &adapter.values);
    let count = values.len() + factors.len() + 2 * moments.first.len();
    let mut bytes = Vec::with_capacity(24 + header.len() + 4 * count);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    for vector in [values, factors, &moments.first, &moments.second] {
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    let temporary = path.with_extension("part");
    fs::write(&temporary, &bytes).and_then(|()| fs::rename(&temporary, path)).map_err(|error| wrong(error.to_string()))
}

pub(super) fn load(path: &Path) -> Result<Loaded, TrainError> {
    let wrong = |why: &str| TrainError::Checkpoint { path: path.to_owned(), why: why.to_owned() };
    let bytes = fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let torn = || wrong("not a checkpoint of this version, or cut short; remove it to start again");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(torn)?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
    let length =
        usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= rest.len()).ok_or_else(torn)?;
    let (header, rest) = rest.split_at(length);
    let header: Header = serde_json::from_slice(header).map_err(|_| torn())?;
    let mut network = Network::initialise(header.shape, 0)?;
    let mut adapter = header.adapter.map(|settings| Adapter::initialise(&network, settings)).transpose()?;
    let (count, factors) = (network.values.len(), adapter.as_ref().map_or(0, Adapter::size));
    let trained = if adapter.is_some() { factors } else { count };
    if rest.len() != 4 * (count + factors + 2 * trained) {
        return Err(torn());
    }
    let mut numbers = rest.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let mut next = |count: usize| -> Vec<f32> { numbers.by_ref().take(count).collect() };
    network.values = next(count);
    if let Some(adapter) = &mut adapter {
        adapter.values = next(factors);
    }
    let moments = Moments { first: next(trained), second: next(trained) };
    Ok(Loaded { network, adapter, settings: header.settings, moments, step: header.step })
}
