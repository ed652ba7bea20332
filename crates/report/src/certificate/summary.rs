//! The certificate in a terminal: how often verdicts are right, then what was asked and whether it was reached.

use std::fmt::Write as _;

use undermask_measure::calibration::Certificate;

use super::standing::TINY;
use super::words::{headline, quantity, share, spread};
use crate::terminal::{TerminalStyle, push_wrapped};
use crate::words::{self, number};

/// The summary.
pub fn certificate_summary(certificate: &Certificate, style: TerminalStyle) -> String {
    let width = style.width.clamp(60, 120);
    let mut out = String::new();
    let _ = writeln!(out, "{}", style.paint("1", &format!("Certificate of the suite {}", certificate.suite)));
    push_wrapped(&mut out, &headline(certificate), width, "  ");
    push_wrapped(&mut out, TINY, width, "  ");
    out.push('\n');
    for (name, figures) in [
        ("held-out seeds", &certificate.held_out_seeds),
        ("held-out types", &certificate.held_out_types),
        ("all organisms", &certificate.all),
    ] {
        let right = match &figures.right {
            _ if !certificate.verdicts => String::new(),
            Some(right) => format!("  {} of {} right, {}", right.count, right.of, share(right)),
            None => "  none with one right answer".to_owned(),
        };
        let _ = writeln!(out, "  {name:<16} {:>4} organisms{right}", figures.organisms);
    }
    out.push('\n');
    let _ = writeln!(out, "{}", style.paint("1", "  Asked and found"));
    for check in &certificate.checks {
        let mark = match check.passed {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "unknown",
        };
        push_wrapped(
            &mut out,
            &format!("{mark:<8} {}: {} (wanted {})", check.name, check.found, check.wanted),
            width,
            "  ",
        );
    }
    out.push('\n');
    if certificate.verdicts {
        let _ = writeln!(out, "{}", style.paint("1", "  Truth and verdict"));
    }
    for row in &certificate.all.confusion {
        let found: Vec<String> =
            row.audits.iter().map(|(verdict, count)| format!("{count} {}", words::name(*verdict))).collect();
        let _ = writeln!(out, "  {:<14} {}", words::name(row.truth), found.join(", "));
    }
    if certificate.verdicts {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", style.paint("1", "  Recovered (bias, error, slope on truth)"));
    for one in &certificate.all.recovery {
        let Some(figures) = &one.figures else { continue };
        let name =
            one.kind.as_ref().map_or(quantity(&one.quantity), |kind| format!("{}, {kind}", quantity(&one.quantity)));
        let bias = figures.bias.as_ref().map_or("–".to_owned(), spread);
        let slope = figures.slope.as_ref().map_or("–".to_owned(), spread);
        let _ = writeln!(out, "  {name:<28} {bias:<22} {:<6} {slope}", number(figures.rmse));
    }
    style.plain(out)
}
