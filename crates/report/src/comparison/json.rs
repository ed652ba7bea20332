//! The published format of a comparison: what `compare --json` prints and `comparison.json` holds.

use serde_json::{Value, json};
use undermask_store::RunInfo;

use super::Comparison;
use super::words;

/// The comparison as one object.
pub fn comparison_json(view: &Comparison) -> Value {
    let run = |info: &RunInfo, folder: &str| {
        json!({"model": info.model, "architecture": info.architecture, "parameters": info.parameters,
            "weights_hash": info.weights_hash, "tokenizer_hash": info.tokenizer_hash,
            "template_hash": info.template_hash, "precision": info.precision, "device": info.device,
            "suite_hash": info.suite_hash, "code_version": info.code_version, "started": info.started,
            "folder": folder})
    };
    let (found, info) = (&view.found, &view.baseline);
    json!({
        "format": "undermask.comparison", "version": 1,
        "verdict": words::name(found.verdict), "evidence": found.evidence, "notes": found.notes,
        "warnings": view.warnings,
        "baseline": run(info, &view.folders.0), "candidate": run(&view.candidate, &view.folders.1),
        "suite": {"name": info.suite, "hash": info.suite_hash}, "seed": info.seed,
        "margin": found.margin, "confidence": found.confidence, "trials": found.overlap,
        "rows": found.rows, "contexts_left_out": found.gates,
    })
}
