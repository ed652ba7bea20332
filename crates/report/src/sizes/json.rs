//! The published format of runs over sizes: what `sizes --json` prints and `sizes.json` holds.

use serde_json::{Value, json};
use undermask_measure::sizes::{SizeFit, SizeLine};

use super::Sizes;
use crate::words;

/// All lines as one object.
pub fn sizes_json(view: &Sizes) -> Value {
    let runs = view.runs.iter().map(|run| {
        json!({"model": run.info.model, "architecture": run.info.architecture, "parameters": run.info.parameters,
            "weights_hash": run.info.weights_hash, "precision": run.info.precision, "device": run.info.device,
            "verdict": words::name(run.verdict), "folder": run.folder})
    });
    let info = view.runs.first().map(|run| &run.info);
    json!({
        "format": "undermask.sizes", "version": 1,
        "suite": {"name": info.map(|info| &info.suite), "hash": info.map(|info| &info.suite_hash)},
        "confidence": view.confidence, "at": view.at, "warnings": view.warnings,
        "runs": runs.collect::<Vec<_>>(),
        "quantities": view.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn line(line: &SizeLine) -> Value {
    let left_out: Vec<Value> = line.left_out.iter().map(|(run, why)| json!({"run": run, "why": why})).collect();
    let mut object = json!({"quantity": line.quantity, "points": line.points, "left_out": left_out});
    match &line.fit {
        Ok(found) => object["line"] = fit(found),
        Err(refused) => object["refused"] = json!(refused),
    }
    object
}

fn fit(fit: &SizeFit) -> Value {
    let trend = &fit.trend;
    let held_out = match &fit.held_out {
        Ok(held) => json!({"parameters": held.largest.parameters, "value": held.largest.value,
            "forecast": held.forecast.value, "low": held.forecast.interval.0, "high": held.forecast.interval.1,
            "inside": held.inside, "error_of_line": held.errors.0, "error_of_mean": held.errors.1}),
        Err(refused) => json!({"refused": refused}),
    };
    let mut object = json!({"intercept": trend.intercept, "slope": trend.slope, "slope_low": trend.slope_interval.0,
        "slope_high": trend.slope_interval.1, "residual": trend.residual, "models": trend.models,
        "band": fit.band, "held_out": held_out});
    match &fit.forecast {
        Some(Ok(found)) => {
            object["forecast"] = json!({"value": found.value, "low": found.interval.0, "high": found.interval.1});
        }
        Some(Err(refused)) => object["forecast"] = json!({"refused": refused}),
        None => {}
    }
    object
}
