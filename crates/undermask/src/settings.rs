//! `--show-config`: every setting of an audit with its value and where it comes from.

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::Cli;
use crate::error::CommandError;
use crate::exit::Finish;

/// Prints the settings, flag over environment over default.
pub fn show() -> Result<Finish, CommandError> {
    let matches = Cli::command().get_matches();
    let (_, audit) = matches.subcommand().ok_or_else(|| CommandError::Usage("no verb was given".to_owned()))?;
    Cli::from_arg_matches(&matches).map_err(|error| CommandError::Usage(error.to_string()))?;
    for id in audit.ids() {
        let name = id.as_str();
        if name == "AuditArguments" || name == "show_config" {
            continue;
        }
        let origin = match audit.value_source(name) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => format!("environment (UNDERMASK_{})", name.to_uppercase()),
            _ => "default".to_owned(),
        };
        let values: Vec<String> =
            audit.get_raw(name).into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect();
        println!("{:<12} {:<28} {origin}", name.replace('_', "-"), values.join(","));
    }
    Ok(Finish::Done)
}
