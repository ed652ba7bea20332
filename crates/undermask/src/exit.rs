//! Exit codes, all in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | a verdict that `--fail-on` names |
//! | 2 | an error: bad input, an unreadable model, a full disk |
//! | 3 | indeterminate or undecided, where `--fail-on` was given and does not name it |
//! | 130 | stopped by ctrl-C; the same command continues |

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use crate::error::CommandError;

/// The table, for `--help`.
pub const CODES: &str = "\
Exit codes:
  0    done
  1    a verdict that --fail-on names
  2    an error
  3    indeterminate or undecided, where --fail-on was given and does not name it
  130  stopped by ctrl-C; the same command continues";

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

/// Runs a command, prints its error and gives the process its code. A bug is an error too, with its place instead of a
/// trace.
pub fn finish(command: impl FnOnce() -> Result<Finish, CommandError>) -> ExitCode {
    panic::set_hook(Box::new(|bug| {
        if undermask_engine::panic_is_refusal() {
            return;
        }
        eprintln!("error: this is a bug in undermask, please report it: {bug}");
        eprintln!("  help: what was written is kept; a run continues with the same command");
    }));
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(finish)) => ExitCode::from(finish.code()),
        Ok(Err(error)) => {
            error.print();
            ExitCode::from(2)
        }
        Err(_) => ExitCode::from(2),
    }
}
