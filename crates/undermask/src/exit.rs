//! Exit codes, all in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | a verdict that `--fail-on` names |
//! | 2 | an error: bad input, an unreadable model, a full disk |
//! | 3 | indeterminate, where `--fail-on` was given and does not name it |
//! | 130 | stopped by ctrl-C; the same command continues |

use std::process::ExitCode;

use crate::error::CommandError;

/// How a command ended that was not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Done.
    Done,
    /// `--fail-on` names the verdict.
    Finding,
    /// The evidence did not decide, and the caller asked for a decision.
    Inconclusive,
    /// Stopped by the user.
    Interrupted,
}

impl Finish {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Finish::Done => 0,
            Finish::Finding => 1,
            Finish::Inconclusive => 3,
            Finish::Interrupted => 130,
        }
    }
}

/// Prints an error and gives the process its code.
pub fn finish(result: Result<Finish, CommandError>) -> ExitCode {
    match result {
        Ok(finish) => ExitCode::from(finish.code()),
        Err(error) => {
            error.print();
            ExitCode::from(2)
        }
    }
}
