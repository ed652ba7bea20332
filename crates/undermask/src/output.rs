//! Standard output: results only, in one write each.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use undermask_report::TerminalStyle;

use crate::error::CommandError;

/// Columns where nothing else is known.
const COLUMNS: usize = 100;

/// Prints a result. That nobody reads on (`| head`) is no error.
///
/// # Errors
/// When it cannot be written, for example onto a full disk.
pub fn print(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        _ => Ok(()),
    }
}

/// How standard output shows things: `COLUMNS` over the terminal's width, `NO_COLOR`, the locale.
pub fn style() -> TerminalStyle {
    let tty = io::stdout().is_terminal();
    let wanted = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width =
        wanted.or_else(|| terminal_size::terminal_size().filter(|_| tty).map(|(width, _)| usize::from(width.0)));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    TerminalStyle {
        color: tty && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        width: width.unwrap_or(COLUMNS),
        unicode: locale.is_none_or(|locale| locale.to_lowercase().contains("utf")),
    }
}
