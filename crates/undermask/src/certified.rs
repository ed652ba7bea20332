//! The certificate that an audit stands on: the shipped one of its suite, and what differs from what was certified.

use undermask_measure::calibration::{Certificate, Code, Development, FORMAT, VERSION};
use undermask_report::{Certified, standing};
use undermask_store::RunInfo;
use undermask_suite::Suite;

use crate::error::CommandError;

/// The certificates within the binary: every one in `certificate/`.
const SHIPPED: &[&str] = include!(concat!(env!("OUT_DIR"), "/certificates.rs"));
const DEVELOPMENT: &str = include_str!("../../../certificate/development.toml");

/// The code of this build.
pub fn code() -> Code {
    Code { version: env!("CARGO_PKG_VERSION").to_owned(), instrument: env!("UNDERMASK_INSTRUMENT").to_owned() }
}

/// Seeds and types that were used while the thresholds were set.
///
/// # Errors
/// When the list within the binary cannot be read: a bug.
pub fn development() -> Result<Development, CommandError> {
    toml::from_str(DEVELOPMENT).map_err(|error| CommandError::Usage(format!("certificate/development.toml: {error}")))
}

/// The certificate of a run's instrument: that of the very suite, or of another suite of its name.
pub fn of(info: &RunInfo, suite: &Suite) -> Certified {
    let read = |text: &&str| serde_json::from_str::<Certificate>(text).ok();
    let certificates: Vec<Certificate> = SHIPPED
        .iter()
        .filter_map(read)
        .filter(|certificate| certificate.format == FORMAT && certificate.version == VERSION)
        .collect();
    let same = certificates.iter().find(|certificate| certificate.suite_hash == suite.hash);
    let named = || certificates.iter().find(|certificate| certificate.suite == suite.name);
    standing(same.or_else(named).cloned(), info, suite, &code())
}
