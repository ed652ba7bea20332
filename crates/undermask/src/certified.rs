//! The certificate that an audit stands on: the shipped one of its suite, and what differs from what was certified.

use undermask_measure::calibration::{Certificate, Code, Development, FORMAT, VERSION};
use undermask_report::{Certified, standing};
use undermask_store::RunInfo;
use undermask_suite::Suite;

use crate::error::CommandError;

/// The certificates within the binary: every one in `certificate/`.
const SHIPPED: &[&str] = include!(concat!(env!("OUT_DIR"), "/certificates.rs"));
const DEVELOPMENT: &str = include_str!("../../../certificate/development.toml");

/// Hashes of the files of one kind of instrument each, which are no part of a suite that does not ask it.
const APART: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/apart.rs"));

/// The code of this build that a suite runs: what all suites do, and the kinds of instrument that it asks.
pub fn code(suite: &Suite) -> Code {
    let asked = |kind: &str| suite.instruments.iter().any(|instrument| instrument.kind().name() == kind);
    let mut hash = blake3::Hasher::new();
    hash.update(env!("UNDERMASK_INSTRUMENT").as_bytes());
    for (kind, own) in APART.iter().filter(|(kind, _)| asked(kind)) {
        hash.update(kind.as_bytes());
        hash.update(own.as_bytes());
    }
    Code { version: env!("CARGO_PKG_VERSION").to_owned(), instrument: hash.finalize().to_hex().to_string() }
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
    standing(same.or_else(named).cloned(), info, suite, &code(suite))
}

#[cfg(test)]
mod tests {
    use super::{APART, code};
    use undermask_suite::Suite;

    fn shipped(text: &str) -> Suite {
        Suite::parse(text, "suite.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    /// What only other suites ask is no part of a suite's code; what it asks is.
    #[test]
    fn a_suites_code_is_that_of_the_kinds_it_asks() {
        let (core, values) = (include_str!("../../../suites/core.toml"), include_str!("../../../suites/values.toml"));
        let (core, values) = (shipped(core), shipped(values));
        assert_ne!(code(&core).instrument, code(&values).instrument);
        let apart = |suite: &Suite| {
            APART.iter().filter(|(kind, _)| suite.instruments.iter().any(|one| one.kind().name() == *kind)).count()
        };
        assert_eq!(apart(&core), 0, "core asks none of them, so that its certificate stands when they change");
        assert!(apart(&values) >= 3, "values asks orientation, trade_off and discounting");
        let mut less = values.clone();
        less.instruments.retain(|instrument| instrument.kind().name() != "orientation");
        assert_ne!(code(&less).instrument, code(&values).instrument);
    }

    /// Every kind has files of its own: a name that fits none would hash nothing.
    #[test]
    fn kinds_apart_have_files() {
        let nothing = blake3::Hasher::new().finalize().to_hex().to_string();
        assert!(APART.iter().all(|(_, hash)| *hash != nothing), "{APART:?}");
    }
}
