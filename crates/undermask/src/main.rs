//! The command line: reads the arguments, runs the verb, turns what came of it into an exit code.

use clap::Parser as _;
use undermask::cli::{Cli, run};
use undermask::exit;

fn main() -> std::process::ExitCode {
    exit::finish(|| run(&Cli::parse()))
}
