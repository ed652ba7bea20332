//! The words of the command line, as snapshots. `INSTA_UPDATE=always cargo test -p undermask --test help` renews them.

mod common;

use common::{Desk, ends};

fn printed(arguments: &[&str]) -> String {
    ends(Desk::new().undermask(arguments), 0).0
}

#[test]
fn help() {
    insta::assert_snapshot!("help", printed(&["--help"]));
    for verb in ["audit", "grow", "calibrate", "activations", "report", "compare", "export", "suite"] {
        insta::assert_snapshot!(format!("help-{verb}"), printed(&[verb, "--help"]));
    }
}

#[test]
fn suite_list() {
    insta::assert_snapshot!("suite-list", printed(&["suite", "list"]));
}

#[test]
fn version() {
    assert_eq!(printed(&["--version"]), format!("undermask {}\n", env!("CARGO_PKG_VERSION")));
}
