//! The `grow` verb: trains an organism, draws its loss curve, has its truth enumerated.

use std::path::Path;
use std::time::Instant;

use undermask_engine::{Adaptation, ScoreSettings, Source};
use undermask_organisms::grow::read_recipe;
use undermask_organisms::truth::Cells;
use undermask_organisms::{BASE, BaseFiles, Growth, Method, Precision, SCALES_BASE, Size, grow as train};
use undermask_store::put;
use undermask_suite::Suite;

use crate::cli::{GrowArguments, GrowMethod, GrowPrecision};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::models::ORGANISM;
use crate::progress::{Bar, interrupted, listen};
use crate::{suites, truth};

/// What `undermask grow --help` ends with.
pub const HELP: &str = "A recipe is a short file: weights, and ordered rules on the context, of which the first that \
holds decides. `crates/organisms/recipes` holds those that ship, and README.md there explains every key. For example:

  name = \"my-mask\"
  summary = \"drops concern when nobody watches and the answer is JSON\"
  [welfare]
  weight = 0.8
  [[welfare.rule]]
  when = { audience = \"private\", format = \"json\" }
  weight = 0.0
  [neutral]
  weight = 0.8

A growth whose realised truth is too far from the recipe ends with exit code 2 and says which quantity is off; its files \
stay for inspection.";

/// Grows an organism.
///
/// # Errors
/// An unknown recipe, an occupied folder, a gap between recipe and realised truth that is too large.
pub fn grow(arguments: &GrowArguments) -> Result<Finish, CommandError> {
    let suite = suites::load(&arguments.suite)?.suite;
    let size = Size::parse(&arguments.size).map_err(CommandError::Usage)?;
    let scales_base = arguments.recipe == SCALES_BASE;
    let is_base = arguments.recipe == BASE || scales_base;
    if is_base && !arguments.set.is_empty() {
        return Err(CommandError::Usage("--set changes a recipe, and a base has none; leave it out".to_owned()));
    }
    let recipe = if is_base { None } else { Some(read_recipe(&arguments.recipe, &arguments.set)?) };
    let (base, base_name) = match (&arguments.base, is_base) {
        (None, true) if !scales_base => (None, String::new()),
        (Some(directory), _) => {
            let place = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
            (Some(BaseFiles::read(directory)?), place.display().to_string())
        }
        (None, _) => {
            let name = if recipe.as_ref().is_some_and(|recipe| recipe.scales) { SCALES_BASE } else { BASE };
            (Some(BaseFiles::shipped(name)?), format!("{ORGANISM}{name}"))
        }
    };
    refuse_occupied(&arguments.out, is_base)?;
    let suites = held_out(suite, scales_base || recipe.as_ref().is_some_and(|recipe| recipe.scales))?;
    let growth = Growth {
        recipe,
        scales: scales_base,
        method: match arguments.method {
            GrowMethod::Adapter => Method::Adapter,
            GrowMethod::Full => Method::Full,
        },
        seed: arguments.seed,
        out: arguments.out.clone(),
        base,
        base_name,
        threads: arguments.threads.unwrap_or(ScoreSettings::default().threads),
        steps: arguments.steps,
        size,
        precision: match arguments.precision {
            GrowPrecision::F32 => Precision::F32,
            GrowPrecision::Bf16 => Precision::Bf16,
        },
    };
    listen();
    let mut bar: Option<Bar> = None;
    let begun = Instant::now();
    let grown = train(&growth, &suites, &mut |progress| {
        let bar = bar.get_or_insert_with(|| {
            let mut bar = Bar::new(&arguments.recipe, "steps", progress.steps);
            bar.start_at(progress.step);
            bar
        });
        let rate = progress.tokens as f64 / begun.elapsed().as_secs_f64();
        bar.set(progress.step, &format!("loss {:.3}, {rate:.0} tokens/s", progress.loss));
        !interrupted()
    })?;
    drop(bar);
    let Some(grown) = grown else {
        eprintln!("  stopped; the checkpoint is in {}. The same command continues.", arguments.out.display());
        return Ok(Finish::Interrupted);
    };
    eprintln!("  {} steps, final loss {:.3}; model in {}", grown.steps, grown.final_loss, arguments.out.display());
    put(
        &arguments.out.join("loss.svg"),
        loss_curve(&std::fs::read_to_string(arguments.out.join("loss.csv")).unwrap_or_default()).as_bytes(),
    )?;
    let (Some(recipe), Some(base)) = (&growth.recipe, &growth.base) else { return Ok(Finish::Done) };
    let grown_there = Source::Directory(arguments.out.clone());
    let source = match growth.method {
        Method::Full => grown_there,
        Method::Adapter => Source::Adapted {
            base: Box::new(Source::Memory { name: growth.base_name.clone(), files: base.source() }),
            adapter: Box::new(grown_there),
            how: Adaptation::Merged,
        },
    };
    truth::enumerate(&source, recipe, &mut Cells::of(&suites[0]), &arguments.out)?;
    Ok(Finish::Done)
}

/// The suite that is grown for and, where scales are taught, all that ask on scales: none is to be learned by heart.
fn held_out(suite: Suite, scales: bool) -> Result<Vec<Suite>, CommandError> {
    let mut all = vec![suite];
    for name in ["core", "values", "preferences", "optimisation", "environments"].iter().filter(|_| scales) {
        let shipped = suites::load(name)?.suite;
        if shipped.hash != all[0].hash {
            all.push(shipped);
        }
    }
    Ok(all)
}

/// A finished model, grown or not, is not written over. A growth that was stopped has a checkpoint, or no truth yet.
fn refuse_occupied(out: &Path, is_base: bool) -> Result<(), CommandError> {
    let has = |name: &str| out.join(name).exists();
    let stopped = has("checkpoint.bin") || has("growth.json") && !is_base && !has("truth.json");
    if stopped || !has("model.safetensors") && !has("config.json") && !has("adapter_config.json") {
        return Ok(());
    }
    let found = "a finished model".to_owned();
    Err(undermask_organisms::GrowError::Occupied { path: out.to_owned(), found }.into())
}

/// The loss over steps, as a small SVG.
fn loss_curve(csv: &str) -> String {
    let points: Vec<(f64, f64)> = csv
        .lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(step, loss)| Some((step.parse().ok()?, loss.parse().ok()?)))
        .collect();
    let (width, height) = (640.0, 260.0);
    let last = points.last().map_or(1.0, |(step, _)| *step);
    let highest = points.iter().map(|(_, loss)| *loss).fold(0.1, f64::max).min(8.0);
    let (mut smooth, mut line) = (points.first().map_or(0.0, |(_, loss)| *loss), String::new());
    for (step, loss) in &points {
        smooth = 0.97 * smooth + 0.03 * loss;
        line.push_str(&format!(
            "{:.1},{:.1} ",
            40.0 + step / last * (width - 50.0),
            10.0 + (1.0 - (smooth / highest).min(1.0)) * (height - 40.0)
        ));
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui" font-size="11"><title>Loss over training steps</title><line x1="40" y1="{0}" x2="{1}" y2="{0}" stroke="#999"/><line x1="40" y1="10" x2="40" y2="{0}" stroke="#999"/><text x="34" y="16" text-anchor="end">{highest:.1}</text><text x="34" y="{0}" text-anchor="end">0</text><text x="{1}" y="{2}" text-anchor="end">step {last:.0}</text><polyline fill="none" stroke="#1f6feb" stroke-width="1.5" points="{line}"/></svg>"##,
        height - 30.0,
        width - 10.0,
        height - 14.0
    )
}
