//! Why a statistic has no value: typed, in place of a NaN.

/// Why a statistic was refused. The message says what is wrong, where, and what would mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Less data than the method needs.
    #[error("too few {what}: have {have}, need {need}")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// A value outside what the method is defined for.
    #[error("{what} {place} is {found}, which is not {wanted}")]
    Invalid {
        /// What the value is.
        what: &'static str,
        /// Its index, from 0.
        place: usize,
        /// The value.
        found: f64,
        /// What it should be.
        wanted: &'static str,
    },
    /// Lists that belong together differ in length.
    #[error("{what} and {other} differ in length: {have} against {need}")]
    Mismatch {
        /// One list.
        what: &'static str,
        /// The other.
        other: &'static str,
        /// Length of the one.
        have: usize,
        /// Length of the other.
        need: usize,
    },
    /// The data do not determine the quantity.
    #[error("{what} is not determined: {reason}")]
    Undetermined {
        /// The quantity.
        what: &'static str,
        /// What is missing.
        reason: &'static str,
    },
    /// Asked for beyond what the data cover.
    #[error("{what} {asked} lies beyond what was observed, which ends at {limit}; ask for less or observe longer")]
    Beyond {
        /// What was asked for.
        what: &'static str,
        /// Its value.
        asked: f64,
        /// The last value covered.
        limit: f64,
    },
    /// An iteration did not settle.
    #[error("the fit of {what} did not converge in {steps} steps")]
    NotConverged {
        /// What was fitted.
        what: &'static str,
        /// Steps taken.
        steps: usize,
    },
}

/// Refuses unless `have` reaches `need`.
pub(crate) fn at_least(what: &'static str, have: usize, need: usize) -> Result<(), Refusal> {
    if have < need { Err(Refusal::TooFew { what, have, need }) } else { Ok(()) }
}

/// Refuses the first value for which `fits` is false; NaN never fits a comparison.
pub(crate) fn each(
    what: &'static str,
    values: &[f64],
    wanted: &'static str,
    fits: impl Fn(f64) -> bool,
) -> Result<(), Refusal> {
    match values.iter().position(|value| !fits(*value)) {
        Some(place) => Err(Refusal::Invalid { what, place, found: values[place], wanted }),
        None => Ok(()),
    }
}

/// Refuses a confidence outside (0, 1).
pub(crate) fn confidence(value: f64) -> Result<(), Refusal> {
    each("confidence", &[value], "between 0 and 1", |value| value > 0.0 && value < 1.0)
}

/// Refuses lists of different length.
pub(crate) fn same_length(
    (what, have): (&'static str, usize),
    (other, need): (&'static str, usize),
) -> Result<(), Refusal> {
    if have == need { Ok(()) } else { Err(Refusal::Mismatch { what, other, have, need }) }
}
