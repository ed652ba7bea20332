//! `--show-config`: every setting of an audit with its value and where it comes from.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _};

use crate::cli::Cli;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::output;

/// Prints the settings, flag over environment over default.
///
/// # Errors
/// When standard output cannot be written.
pub fn show() -> Result<Finish, CommandError> {
    let command = Cli::command();
    let matches = command.clone().get_matches();
    let Some((verb, given)) = matches.subcommand() else {
        return Ok(Finish::Done);
    };
    let Some(verb) = command.find_subcommand(verb) else {
        return Ok(Finish::Done);
    };
    let setting = |argument: &&Arg| {
        !matches!(argument.get_action(), ArgAction::Help | ArgAction::HelpLong | ArgAction::Version)
            && argument.get_id() != "show_config"
    };
    let lines: String = verb.get_arguments().filter(setting).map(|argument| line(argument, given)).collect();
    output::print(&lines)?;
    Ok(Finish::Done)
}

fn line(argument: &Arg, given: &ArgMatches) -> String {
    let id = argument.get_id().as_str();
    let origin = match given.value_source(id) {
        Some(ValueSource::CommandLine) => "command line".to_owned(),
        Some(ValueSource::EnvVariable) => {
            let name = argument.get_env().unwrap_or_default().to_string_lossy();
            format!("environment ({name})")
        }
        _ => "default".to_owned(),
    };
    let values: Vec<String> =
        given.get_raw(id).into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect();
    let value = if values.is_empty() { unset(id).to_owned() } else { values.join(",") };
    format!("{:<12} {value:<28} {origin}\n", id.replace('_', "-"))
}

/// What holds where nothing is given and there is no single value.
fn unset(id: &str) -> &'static str {
    match id {
        "models" => "every organism that ships",
        "out" => "runs/MODEL-SUITE-SEED",
        "threads" => "all cores",
        _ => "none",
    }
}
