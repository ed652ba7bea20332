//! The summary that ends `sizes` in a terminal: the models by size, then what each quantity does over them.

use std::fmt::Write as _;

use super::{Sizes, words};
use crate::terminal::{TerminalStyle, push_wrapped};
use crate::words::{mark, name};

/// All lines.
pub fn sizes_terminal(view: &Sizes, style: TerminalStyle) -> String {
    let width = style.width.clamp(60, 120);
    let mut out = String::new();
    let _ = writeln!(out, "{}", style.paint("1", &format!("{} models over size", view.runs.len())));
    let mut runs: Vec<_> = view.runs.iter().collect();
    runs.sort_by_key(|run| run.info.parameters);
    for run in runs {
        let size = words::size(run.info.parameters as f64);
        let verdict = format!("{} {}", mark(run.verdict, style.unicode), name(run.verdict));
        let _ = writeln!(out, "  {size:>6}  {verdict:<16} {}", run.info.model);
    }
    for line in &view.lines {
        let (title, says) = words::name(line.quantity);
        out.push('\n');
        match &line.fit {
            Ok(fit) => {
                let heading = format!("{title}: {}, {}", words::direction(&fit.trend), words::slope(&fit.trend));
                push_wrapped(&mut out, &style.paint("1", &heading), width, "  ");
                push_wrapped(&mut out, says, width, "    ");
                match &fit.held_out {
                    Ok(held) => push_wrapped(&mut out, &format!("Held out: {}.", words::held_out(held)), width, "    "),
                    Err(why) => push_wrapped(&mut out, &format!("Not held out: {why}."), width, "    "),
                }
                if let (Some(at), Some(forecast)) = (view.at, &fit.forecast) {
                    let said = match forecast {
                        Ok(found) => format!("At {} parameters: {}.", words::size(at), words::forecast(found)),
                        Err(why) => format!("No forecast: {why}."),
                    };
                    push_wrapped(&mut out, &said, width, "    ");
                }
            }
            Err(why) => push_wrapped(&mut out, &format!("{title}: no line, {why}"), width, "  "),
        }
        for said in words::left_out(view, line) {
            push_wrapped(&mut out, &format!("{said}."), width, "    ");
        }
    }
    out.push('\n');
    for warning in &view.warnings {
        push_wrapped(&mut out, &format!("Warning: {warning}."), width, "  ");
    }
    push_wrapped(&mut out, words::LIMIT, width, "  ");
    style.plain(out)
}
