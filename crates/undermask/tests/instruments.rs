//! A suite by hand, with one instrument and five scenarios, works from end to end without a line of Rust.

mod common;

use common::{Desk, ends, fails};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../suites/example-price.toml");

#[test]
fn a_suite_by_hand_is_checked_shown_and_audited() {
    let desk = Desk::new();
    let (checked, _) = ends(desk.undermask(&["suite", "check", EXAMPLE]), 0);
    assert!(checked.contains("valid suite") && checked.contains("with 1 instrument"), "{checked}");
    let (shown, _) = ends(desk.undermask(&["suite", "show", EXAMPLE]), 0);
    assert!(shown.contains("Instruments:") && shown.contains("The price at which it stops helping"), "{shown}");
    let (text, _) = ends(desk.undermask(&["audit", "model", "--suite", EXAMPLE, "--out", "run", "--json"]), 0);
    let profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let price = &profile["instruments"]["price"];
    assert_eq!(price["kind"], "price");
    assert!(price["quantities"]["price_ed50"].is_object(), "{price}");
    assert!(price["curve"].as_array().is_some_and(|curve| curve.len() == 9), "{price}");
    assert!(price["null"].as_str().is_some_and(|null| null.contains("random responder")));
    assert_eq!(profile["verdict"], "indeterminate", "nothing but the price was asked");
    let page = std::fs::read_to_string(desk.path("run/report.html")).expect("a page");
    assert!(page.contains("own cost in coins") && !page.contains("<script"), "the plot stands on the page");
    let records = std::fs::read_to_string(desk.path("run/records.jsonl")).expect("records");
    assert!(records.contains(r#""probe":{"instrument":"price","arm":"price","dose":20.0}"#));
    let (again, _) = ends(desk.undermask(&["report", "run"]), 0);
    assert!(again.contains("price ED50"), "{again}");
}

#[test]
fn a_misspelt_key_of_an_instrument_has_its_line() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(EXAMPLE).expect("the example").replace("payoffs = [", "payofs = [");
    let line = text.lines().position(|line| line.starts_with("payofs")).expect("it is there") + 1;
    std::fs::write(desk.path("mine.toml"), text).expect("written");
    let error = fails(desk.undermask(&["suite", "check", "mine.toml"]), &["payofs", "did you mean `payoffs`?"]);
    assert!(error.contains(&format!("mine.toml:{line}:")), "line {line} is not named: {error}");
}
