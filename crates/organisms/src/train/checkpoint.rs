//! The exact state of a training on disk: parameters, moments, step and settings, in one file.
//!
//! Layout: magic, length of a JSON header, header, then the three vectors as little-endian f32. Written beside the
//! old file and renamed, so that a kill leaves one whole checkpoint.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::optimizer::Moments;
use super::{Network, Settings, Shape, TrainError};

const MAGIC: &[u8; 16] = b"undermask-train1";

#[derive(Serialize, Deserialize)]
struct Header {
    shape: Shape,
    settings: Settings,
    step: usize,
}

pub(super) fn save(
    path: &Path,
    network: &Network,
    settings: &Settings,
    moments: &Moments,
    step: usize,
) -> Result<(), TrainError> {
    let wrong = |why: String| TrainError::Checkpoint { path: path.to_owned(), why };
    let header = Header { shape: network.shape.clone(), settings: settings.clone(), step };
    let header = serde_json::to_vec(&header).map_err(|error| wrong(error.to_string()))?;
    let mut bytes = Vec::with_capacity(24 + header.len() + 12 * network.values.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    for vector in [&network.values, &moments.first, &moments.second] {
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    let temporary = path.with_extension("part");
    fs::write(&temporary, &bytes).and_then(|()| fs::rename(&temporary, path)).map_err(|error| wrong(error.to_string()))
}

pub(super) fn load(path: &Path) -> Result<(Network, Settings, Moments, usize), TrainError> {
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
    let count = network.values.len();
    if rest.len() != 12 * count {
        return Err(torn());
    }
    let read = |bytes: &[u8]| -> Vec<f32> {
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
    };
    network.values = read(&rest[..4 * count]);
    let moments = Moments { first: read(&rest[4 * count..8 * count]), second: read(&rest[8 * count..]) };
    Ok((network, header.settings, moments, header.step))
}
