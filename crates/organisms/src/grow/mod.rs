//! Grows an organism: documents from the text world, training steps, a checkpoint now and then, export, truth.
//!
//! Document n of a growth is drawn from stream n of its seed, so an interrupted growth continues exactly where it was,
//! and the result is the same bit for bit on one machine.
//!
//! `base` makes or reads the network that it starts from, `run` is the growth on disk; `blend` is what lies between two.

mod base;
mod blend;
mod run;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use undermask_suite::Suite;

use self::base::new_base;
pub use self::base::{BaseFiles, Size, read_base};
pub use self::blend::{Blend, End, named as blend_named};
use self::run::Run;
use crate::recipe::{BASE, BasePool, RECIPES, Recipe, SCALES_BASE};
use crate::train::{AdapterSettings, Network, Precision, Schedule, Settings, Trainer};
use crate::world::{Dice, Document, HeldOut, Policy, WordTokenizer, Writer};
use crate::{GrowError, export};

/// What to grow.
pub struct Growth {
    /// What to teach a base; `None`: grow a base.
    pub recipe: Option<Recipe>,
    /// A base (no recipe) is taught what goes beyond the two-act trade as well.
    pub scales: bool,
    /// What of the network post-training changes.
    pub method: Method,
    /// Seed of documents and, for the base, of the parameters.
    pub seed: u64,
    /// Folder to write into.
    pub out: PathBuf,
    /// Where training starts from: files of a Hugging Face directory by name. A base that is given one goes on from its
    /// parameters and keeps its vocabulary; one that is given none starts from nothing.
    pub base: Option<BaseFiles>,
    /// What an adapter calls its base: `organism:base`, or a folder.
    pub base_name: String,
    /// Threads.
    pub threads: usize,
    /// Replaces the recipe's number of training steps.
    pub steps: Option<usize>,
    /// Size of a base that starts from nothing: hidden width and number of blocks.
    pub size: Size,
    /// In what the products with matrices are computed.
    pub precision: Precision,
}

impl Growth {
    /// What a base is called.
    fn pool_name(&self) -> &'static str {
        if self.scales { SCALES_BASE } else { BASE }
    }
}

/// What of the network post-training changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A low-rank adapter over the base, which is small and ships as its own files.
    #[default]
    Adapter,
    /// Every parameter.
    Full,
}

/// How far a growth is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Loss of the last batch.
    pub loss: f64,
    /// Tokens read so far in this process.
    pub tokens: u64,
}

/// What has grown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grown {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Steps.
    pub steps: usize,
    /// Mean loss of the last twentieth of the steps.
    pub final_loss: f64,
}

const BASE_BATCH: usize = 40;
const POST_BATCH: usize = 32;
const BASE_STEPS: usize = 9000;
const POST_STEPS: usize = 700;
/// Steps by which a base is trained on to read what goes beyond the two-act trade.
const SCALES_BASE_STEPS: usize = 2600;
/// Learning rates: of a base, of every parameter after it, of an adapter (whose factors start from nothing).
const BASE_RATE: f64 = 2e-3;
const FULL_RATE: f64 = 1e-3;
const ADAPTER_RATE: f64 = 3e-3;

/// Grows an organism into `growth.out`. Of `suites` the first is what it is grown for; all are kept out of training. `watch` is called after every step; returning `false` stops after writing a
/// checkpoint, from which the same call continues.
///
/// # Errors
/// [`GrowError`]; nothing in `out` is left half written.
pub fn grow(
    growth: &Growth,
    suites: &[Suite],
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Result<Option<Grown>, GrowError> {
    export::create(&growth.out)?;
    let held_out = HeldOut::from_suites(suites);
    let recipe = growth.recipe.as_ref();
    let pool = BasePool { scales: growth.scales };
    let policy: &(dyn Policy + Sync) = match recipe {
        Some(recipe) => recipe,
        None => &pool,
    };
    let (network, tokenizer) = match (recipe, &growth.base) {
        (None, None) => new_base(growth, &held_out)?,
        (_, Some(base)) => read_base(base)?,
        (Some(recipe), None) => {
            return Err(GrowError::Model(format!(
                "`{}` is post-trained from a base, and none was given; use --base DIR",
                recipe.name
            )));
        }
    };
    let shape = network.shape().clone();
    let plan = Training::of(growth);
    let fingerprint = fingerprint(growth, &plan, suites, tokenizer.json());
    let mut run = Run::open(growth, &plan, network, &fingerprint)?;
    let writer = Documents { tokenizer: &tokenizer, held_out: &held_out, policy, seed: growth.seed, batch: plan.batch };
    if !run.train(&plan, &writer, watch)? {
        return Ok(None);
    }
    let grown = run.finish(growth, &shape, &tokenizer, &fingerprint)?;
    Ok(Some(grown))
}

/// A shipped recipe or a recipe file, with changes such as `welfare.weight=0.6`.
///
/// # Errors
/// [`GrowError::UnknownRecipe`], [`GrowError::Recipe`], [`GrowError::Io`].
pub fn read_recipe(name: &str, changes: &[String]) -> Result<Recipe, GrowError> {
    let path = Path::new(name);
    if !RECIPES.iter().any(|(shipped, _)| *shipped == name) && (name.ends_with(".toml") || path.is_file()) {
        let text = fs::read_to_string(path).map_err(|source| GrowError::Io { path: path.to_owned(), source })?;
        return Recipe::parse_with(&text, name, changes);
    }
    Recipe::parse_with(Recipe::shipped_text(name)?, name, changes)
}

/// How long and how fast to train.
struct Training {
    steps: usize,
    batch: usize,
    settings: Settings,
}

impl Training {
    fn of(growth: &Growth) -> Training {
        let (steps, batch, learning_rate) = match (&growth.recipe, growth.method) {
            (None, _) if growth.scales => (SCALES_BASE_STEPS, BASE_BATCH, FULL_RATE),
            (None, _) => (BASE_STEPS, BASE_BATCH, BASE_RATE),
            (Some(_), Method::Full) => (POST_STEPS, POST_BATCH, FULL_RATE),
            (Some(_), Method::Adapter) => (POST_STEPS, POST_BATCH, ADAPTER_RATE),
        };
        let steps = growth.steps.unwrap_or(steps);
        let schedule =
            Schedule { warmup_steps: 100.min(steps / 4), flat_fraction: 0.4, final_fraction: 0.05, total_steps: steps };
        let (threads, precision) = (growth.threads, growth.precision);
        let settings = Settings { learning_rate, schedule, threads, precision, ..Settings::default() };
        Training { steps, batch, settings }
    }

    /// A fresh training of the network, or of an adapter over it.
    fn trainer(&self, network: Network, growth: &Growth) -> Result<Trainer, GrowError> {
        Ok(match (&growth.recipe, growth.method) {
            (Some(_), Method::Adapter) => {
                let adapter = AdapterSettings { seed: growth.seed, ..AdapterSettings::default() };
                Trainer::with_adapter(network, adapter, self.settings.clone())?
            }
            _ => Trainer::new(network, self.settings.clone())?,
        })
    }
}

/// What a checkpoint must agree with to be continued.
fn fingerprint(growth: &Growth, plan: &Training, suites: &[Suite], tokenizer: &str) -> String {
    let suites: Vec<&str> = suites.iter().map(|suite| suite.hash.as_str()).collect();
    let base = growth.base.as_ref().map(BaseFiles::hash);
    let all = json!({"recipe": growth.recipe, "method": growth.method, "seed": growth.seed, "steps": plan.steps, "batch": plan.batch, "suites": suites, "scales": growth.scales,
        "base": base, "size": growth.size, "precision": growth.precision, "tokenizer": blake3::hash(tokenizer.as_bytes()).to_hex().as_str(),
        "version": env!("CARGO_PKG_VERSION")});
    blake3::hash(all.to_string().as_bytes()).to_hex().to_string()
}

/// Everything that batches are drawn from.
struct Documents<'a> {
    tokenizer: &'a WordTokenizer,
    held_out: &'a HeldOut,
    policy: &'a (dyn Policy + Sync),
    seed: u64,
    batch: usize,
}

impl Documents<'_> {
    fn batch(&self, step: usize) -> Result<Vec<Document>, GrowError> {
        let writer = Writer { tokenizer: self.tokenizer, held_out: self.held_out, policy: self.policy };
        let first = step * self.batch;
        (first..first + self.batch).map(|number| writer.document(&mut Dice::new(self.seed, number as u64))).collect()
    }
}
