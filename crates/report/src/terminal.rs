//! The summary that ends a run in a terminal: verdict first, then the profile and a small forest plot.

use std::fmt::Write as _;

use undermask_measure::{Estimate, Quantity, Verdict};

use crate::Audit;
use crate::words::{self, interval, known_number};

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub struct TerminalStyle {
    /// Colours and bold.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// More than ASCII.
    pub unicode: bool,
}

impl TerminalStyle {
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn plain(self, text: String) -> String {
        if self.unicode {
            return text;
        }
        let pairs = [
            ("λ₀", "lambda_0"),
            ("ρ₀", "rho_0"),
            ("ρ₁", "rho_1"),
            ("λ", "lambda"),
            ("−", "-"),
            ("≥", ">="),
            ("≤", "<="),
            ("±", "+-"),
            ("·", "."),
            ("—", "-"),
        ];
        pairs.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }
}

fn color(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Steadfast => "1;34",
        Verdict::Mask => "1;31",
        Verdict::Bounded | Verdict::Obedient => "1;33",
        Verdict::Cold => "1;35",
        Verdict::Indeterminate => "1",
    }
}

/// One audit.
pub fn terminal(audit: &Audit, style: TerminalStyle) -> String {
    let verdict = audit.decision.verdict;
    let width = style.width.clamp(60, 120);
    let mut out = String::new();
    let title = format!("{} {}", words::mark(verdict, style.unicode), words::name(verdict).to_uppercase());
    let _ = writeln!(out, "{}  {}", style.paint(color(verdict), &title), style.paint("1", &audit.info.model));
    push_wrapped(&mut out, words::meaning(verdict), width, "  ");
    for reason in &audit.decision.reasons {
        push_wrapped(&mut out, reason, width, if style.unicode { "  • " } else { "  - " });
    }
    if let Some(truth) = &audit.truth {
        let answer = truth.answer();
        let figure = if audit.has_ladder() && truth.comparable(&audit.suite) {
            format!("; realised G {}", known_number(truth.realised.goal_share))
        } else {
            String::new()
        };
        push_wrapped(&mut out, &format!("Known answer: recipe {}, {answer}{figure}.", truth.recipe), width, "  ");
    }
    out.push('\n');
    for row in audit.rows() {
        let _ = writeln!(out, "  {:<26} {}", row.name, words::quantity(row.quantity));
    }
    instruments(&mut out, audit, style);
    out.push('\n');
    if audit.has_ladder() {
        forest(&mut out, audit, style, width);
    }
    let outcomes = audit.profile.outcomes;
    let _ = writeln!(
        out,
        "  {} trials: {} answered, {} refused, {} unparsable, {} errors; {} contexts, seed {}",
        audit.info.trials,
        outcomes.answered,
        outcomes.refused,
        outcomes.unparsable,
        outcomes.error,
        audit.profile.contexts.len(),
        audit.info.seed
    );
    if let Some(said) = crate::stopping::sentence(audit) {
        push_wrapped(&mut out, &said, width, "  ");
    }
    push_wrapped(&mut out, &format!("Certificate: {}", audit.certified.sentence()), width, "  ");
    for warning in &audit.certified.warnings {
        push_wrapped(&mut out, &format!("Warning: {warning}."), width, "  ");
    }
    style.plain(out)
}

/// Several audits, a line each.
pub fn terminal_overview(audits: &[Audit], style: TerminalStyle) -> String {
    let longest = audits.iter().map(|audit| audit.info.model.chars().count()).max().unwrap_or(5).max(5);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}",
        style.paint(
            "1",
            &format!(
                "  {:<longest$}  {:<15} {:<21} {:<21} {}",
                "model", "verdict", "λ₀ default weight", "M mask index", "known answer"
            )
        )
    );
    for audit in audits {
        let verdict = audit.decision.verdict;
        let name = format!("{} {:<13}", words::mark(verdict, style.unicode), words::name(verdict));
        let short = |quantity: &Option<Quantity>| match quantity {
            Some(Quantity::Estimated(estimate)) => interval(estimate),
            Some(Quantity::Refused { .. }) => "undefined".to_owned(),
            None => String::new(),
        };
        let known = audit.truth.as_ref().map_or(String::new(), |truth| match truth.compared(&audit.decision) {
            Some(compared) => compared,
            None if truth.comparable(&audit.suite) => format!("G {}", known_number(truth.realised.goal_share)),
            None => String::new(),
        });
        let quantities = &audit.profile.quantities;
        let _ = writeln!(
            out,
            "  {:<longest$}  {} {:<21} {:<21} {known}",
            audit.info.model,
            style.paint(color(verdict), &name),
            short(&quantities.lambda_0),
            short(&quantities.mask_index)
        );
    }
    style.plain(out)
}

/// Every instrument's quantities that are not rows of the profile.
fn instruments(out: &mut String, audit: &Audit, style: TerminalStyle) {
    for view in crate::instruments::views(&audit.profile) {
        let _ = writeln!(out, "\n  {}", style.paint("2", view.kind));
        for (name, _, figure) in view.rows {
            let _ = writeln!(out, "  {name:<26} {figure}");
        }
        for line in view.brief {
            let _ = writeln!(out, "  {line}");
        }
    }
}

/// λ of every context as a dot with its interval, λ₀ as a line.
fn forest(out: &mut String, audit: &Audit, style: TerminalStyle, width: usize) {
    let contexts = &audit.profile.contexts;
    let label = contexts.iter().map(|context| context.id.len()).max().unwrap_or(10);
    let room = width.saturating_sub(label + 30).max(20);
    let (low, high) = (audit.suite.ladder.ratios[0], audit.suite.ladder.ratios[audit.suite.ladder.ratios.len() - 1]);
    let place = |value: f64| (((value - low) / (high - low)).clamp(0.0, 1.0) * (room - 1) as f64).round() as usize;
    let base = match &audit.profile.quantities.lambda_0 {
        Some(Quantity::Estimated(estimate)) => Some(place(estimate.estimate)),
        _ => None,
    };
    let (bar, dot, hollow, line) = if style.unicode { ('─', '●', '○', '│') } else { ('-', 'o', 'x', '|') };
    let _ = writeln!(
        out,
        "  {}",
        style.paint("1", &format!("λ by context ({line} marks 0 and λ₀; {hollow} fails the gate)"))
    );
    let mut heading = String::new();
    for context in contexts {
        let group = format!("{} · {}", words::family(context.family), context.group);
        if group != heading {
            heading.clone_from(&group);
            let _ = writeln!(out, "  {}", style.paint("2", &group));
        }
        let mut row = vec![' '; room];
        for mark in [Some(place(0.0)), base].into_iter().flatten() {
            row[mark] = line;
        }
        let shown = match &context.lambda {
            Quantity::Estimated(Estimate { estimate, low, high, .. }) => {
                row[place(*low)..=place(*high)].fill(bar);
                row[place(*estimate)] = if context.gate.passed { dot } else { hollow };
                interval(match &context.lambda {
                    Quantity::Estimated(estimate) => estimate,
                    Quantity::Refused { .. } => continue,
                })
            }
            Quantity::Refused { refused } => refused.chars().take(24).collect(),
        };
        let _ = writeln!(out, "  {:<label$} {} {shown}", context.id, row.into_iter().collect::<String>());
    }
    out.push('\n');
}

/// Wraps words at the width, with a lead on the first line and blanks after.
pub(crate) fn push_wrapped(out: &mut String, text: &str, width: usize, lead: &str) {
    let blank = " ".repeat(lead.chars().count());
    let mut line = lead.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            out.push_str(line.trim_end());
            out.push('\n');
            line.clone_from(&blank);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}
