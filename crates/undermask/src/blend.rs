//! The `blend` verb: models between two grown ones, each with its truth enumerated.

use std::path::Path;

use undermask_engine::Model;
use undermask_organisms::grow::{Blend, End, blend_named};
use undermask_organisms::{GrowError, Shipped, Truth, truth};
use undermask_store::put;
use undermask_suite::Suite;

use crate::cli::BlendArguments;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::grown::grown;
use crate::models::{ORGANISM, shipped};
use crate::progress::{Bar, interrupted, listen};
use crate::suites;

/// Blends. What is there already stays, so the same command continues.
///
/// # Errors
/// Ends that nothing lies between, a share outside 0 to 1, a folder that holds something else.
pub fn blend(arguments: &BlendArguments) -> Result<Finish, CommandError> {
    let suite = suites::load(&arguments.suite)?.suite;
    listen();
    for share in &arguments.shares {
        if interrupted() {
            eprintln!("  stopped; the same command continues.");
            return Ok(Finish::Interrupted);
        }
        let (name, out) = blend_named(&arguments.name, *share, &arguments.out);
        let blend = Blend::new(end(&arguments.one)?, end(&arguments.other)?, *share, name)?;
        let has = |name: &str| out.join(name).exists();
        let same = blended(&out).is_some_and(|found| found == blend.record());
        if (has("config.json") || has("adapter_config.json")) && !same {
            return Err(GrowError::Occupied { path: out, found: "another model".to_owned() }.into());
        }
        if has("truth.json") {
            eprintln!("  {} is there already", out.display());
            continue;
        }
        blend.write(&out)?;
        if arguments.no_truth {
            write(&Truth::open(&blend), &out)?;
            eprintln!("  {}: its truth is not enumerated", out.display());
        } else {
            enumerate(&blend, &suite, &out)?;
        }
    }
    Ok(Finish::Done)
}

fn write(truth: &Truth, out: &Path) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(truth).map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok(put(&out.join("truth.json"), format!("{text}\n").as_bytes())?)
}

fn enumerate(blend: &Blend, suite: &Suite, out: &Path) -> Result<(), CommandError> {
    let shown = out.display().to_string();
    let unreadable = || CommandError::Grow(GrowError::Model(format!("{shown} is no adapter")));
    let source = grown(out)?.ok_or_else(unreadable)?;
    let model = Model::open(&source).map_err(|error| CommandError::model(&shown, error))?;
    let mut bar: Option<Bar> = None;
    let truth = truth::enumerate_blend(&model, blend, suite, &mut |done, all| {
        bar.get_or_insert_with(|| Bar::new(&blend.name, "cells", all)).set(done, "");
    })?;
    drop(bar);
    write(&truth, out)?;
    let number = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.2}"));
    let (anchor, kept) = (number(truth.realised.lambda_0), number(truth.realised.goal_share));
    eprintln!("  {shown}: default weight {anchor}, goal share {kept}");
    Ok(())
}

/// An end by name: a folder, or an organism that ships.
fn end(name: &str) -> Result<End, CommandError> {
    let folder = Path::new(name);
    if folder.is_dir() {
        return Ok(End::read(name, &|file| std::fs::read(folder.join(file)).ok())?);
    }
    let organism: &Shipped = shipped(name.strip_prefix(ORGANISM).unwrap_or(name))?;
    Ok(End::read(name, &|file| organism.file(file).map(<[u8]>::to_vec))?)
}

/// What the folder holds a blend of, where it holds one.
fn blended(out: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read(out.join("growth.json")).ok()?;
    let growth: serde_json::Value = serde_json::from_slice(&text).ok()?;
    growth.get("blend").cloned()
}
