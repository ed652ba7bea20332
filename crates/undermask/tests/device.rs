//! Where a model computes: what is refused, with what to do about it, and what a run records.
//!
//! No GPU is seen here, whatever the machine has: CUDA_VISIBLE_DEVICES hides them. With the feature `cuda` the same
//! tests show that such a build starts, audits and refuses without one.

mod common;

use common::{Desk, ends, fails};

/// What a build with the feature says depends on what of CUDA the machine has; each has its remedy.
fn refusals() -> &'static [&'static str] {
    match cfg!(feature = "cuda") {
        false => &["this build has no CUDA; build with `cargo build --release -p undermask --features cuda`"],
        true => &["libcuda", "libnvrtc", "no GPU can be seen"],
    }
}

#[test]
fn a_gpu_that_cannot_be_used_is_refused_before_anything_is_written() {
    for device in ["cuda", "cuda:0"] {
        let desk = Desk::new();
        let mut command = desk.audit(&["--device", device]);
        command.env("CUDA_VISIBLE_DEVICES", "");
        let said = fails(command, &["device cuda:0", "on the processor with --device cpu"]);
        assert!(refusals().iter().any(|words| said.contains(words)), "{said}");
        assert!(!said.contains("save_pretrained"), "it is not the model that is wrong: {said}");
        assert!(!desk.path("run").exists(), "nothing was written");
    }
}

#[test]
fn a_device_that_is_none_is_refused() {
    let desk = Desk::new();
    for device in ["gpu", "cuda:x", "cuda:"] {
        fails(desk.audit(&["--device", device]), &[device, "cuda:N", "auto"]);
    }
}

#[test]
fn auto_falls_back_with_a_note_and_a_run_records_where_it_was_computed() {
    let desk = Desk::new();
    let mut command = desk.audit(&[]);
    command.env("CUDA_VISIBLE_DEVICES", "").env("UNDERMASK_DEVICE", "auto");
    let (_, error) = ends(command, 0);
    assert!(error.contains("note: computed on the processor"), "{error}");
    let text = std::fs::read_to_string(desk.path("run/run.json")).expect("a run");
    let run: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(run["device"], "cpu");
    assert!(run["driver"].is_null());
    let notes = run["notes"].to_string();
    assert!(notes.contains("computed on the processor"), "{notes}");
    assert!(refusals().iter().any(|words| notes.contains(words)), "{notes}");
}

#[test]
fn activations_take_a_device_too() {
    let desk = Desk::new();
    let mut command =
        desk.undermask(&["activations", "model", "--tokens", "1,2,3", "--out", "out", "--device", "cuda:7"]);
    command.env("CUDA_VISIBLE_DEVICES", "");
    fails(command, &["device cuda:7", "on the processor with --device cpu"]);
    assert!(!desk.path("out").exists(), "nothing was written");
}
