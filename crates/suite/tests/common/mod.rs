//! One way to check that a wrong suite is refused with its place and a remedy.

use undermask_suite::Suite;

/// `text` with its first `from` turned into `to` has a problem with this message and this help, at most so many lines from
/// where it was changed.
pub fn refused(text: &str, (from, to): (&str, &str), (message, help): (&str, &str), lines: usize) {
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "{from} is not in the suite");
    let error = Suite::parse(&changed, "suite.toml").expect_err(to);
    let found = error.problems.iter().find(|problem| problem.message.contains(message) && problem.help.contains(help));
    let found = found.unwrap_or_else(|| panic!("{to}: {error}"));
    let line = text[..text.find(from).expect("there")].matches('\n').count() + 1;
    assert!(found.line.abs_diff(line) <= lines, "{to}, near line {line}: {error}");
}
