//! Grows an organism: documents from the text world, training steps, a checkpoint now and then, export, truth.
//!
//! Document n of a growth is drawn from stream n of its seed, so an interrupted growth continues exactly where it was,
//! and the result is the same bit for bit on one machine.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::json;
use undermask_suite::Suite;

use crate::recipe::{BASE, BasePool, RECIPES, Recipe};
use crate::train::{Network, Schedule, Settings, Shape, Trainer};
use crate::world::lexicon::{ACTS, DISPOSITIONS, NAMES};
use crate::world::{Dice, Document, HeldOut, Policy, WordTokenizer, Writer, kin, style, themes};
use crate::{GrowError, export};

/// What to grow.
pub struct Growth {
    /// A shipped recipe's name, `base`, or the path of a recipe file.
    pub recipe: String,
    /// Seed of documents and, for the base, of the parameters.
    pub seed: u64,
    /// Folder to write into.
    pub out: PathBuf,
    /// Where post-training starts from: files of a Hugging Face directory by name. Unused by `base`.
    pub base: Option<BaseFiles>,
    /// Threads.
    pub threads: usize,
    /// Replaces the recipe's number of training steps.
    pub steps: Option<usize>,
    /// Size of the base: hidden width and number of blocks.
    pub size: Size,
}

/// Files of the base that post-training starts from.
#[derive(Clone)]
pub struct BaseFiles {
    /// `config.json`.
    pub config: Vec<u8>,
    /// `model.safetensors`.
    pub weights: Vec<u8>,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
}

impl BaseFiles {
    /// Reads them from a directory.
    ///
    /// # Errors
    /// [`GrowError::Io`] with the missing file.
    pub fn read(directory: &Path) -> Result<BaseFiles, GrowError> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).map_err(|source| GrowError::Io { path, source })
        };
        Ok(BaseFiles {
            config: read("config.json")?,
            weights: read("model.safetensors")?,
            tokenizer: read("tokenizer.json")?,
        })
    }
}

/// Size of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
}

impl Default for Size {
    fn default() -> Self {
        Size { hidden: 128, layers: 4, heads: 4, intermediate: 320 }
    }
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
const POST_STEPS: usize = 900;
const CHECKPOINT_EVERY: usize = 250;

/// Grows an organism into `growth.out`. `watch` is called after every step; returning `false` stops after writing a
/// checkpoint, from which the same call continues.
///
/// # Errors
/// [`GrowError`]; nothing in `out` is left half written.
pub fn grow(
    growth: &Growth,
    suite: &Suite,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Result<Option<Grown>, GrowError> {
    export::create(&growth.out)?;
    let held_out = HeldOut::from_suite(suite);
    let (recipe, policy): (Option<Recipe>, Box<dyn Policy + Sync>) = if growth.recipe == BASE {
        (None, Box::new(BasePool))
    } else {
        let recipe = read_recipe(&growth.recipe)?;
        (Some(recipe.clone()), Box::new(recipe))
    };
    let (network, tokenizer) = match (&recipe, &growth.base) {
        (None, _) => new_base(growth, &held_out)?,
        (Some(_), Some(base)) => read_base(base)?,
        (Some(recipe), None) => {
            return Err(GrowError::Model(format!(
                "`{}` is post-trained from a base, and none was given; use --base DIR",
                recipe.name
            )));
        }
    };
    let shape = network.shape().clone();
    let plan = Training::of(growth, recipe.is_none());
    let fingerprint = fingerprint(growth, recipe.as_ref(), &plan, suite, tokenizer.json());
    let mut run = Run::open(growth, &plan, network, &fingerprint)?;
    let writer = Documents {
        tokenizer: &tokenizer,
        held_out: &held_out,
        policy: &*policy,
        seed: growth.seed,
        batch: plan.batch,
    };
    if !run.train(&plan, &writer, watch)? {
        return Ok(None);
    }
    let grown = run.finish(growth, recipe.as_ref(), &shape, &tokenizer, &fingerprint)?;
    Ok(Some(grown))
}

/// A shipped recipe or a recipe file.
///
/// # Errors
/// [`GrowError::UnknownRecipe`], [`GrowError::Recipe`], [`GrowError::Io`].
pub fn read_recipe(name: &str) -> Result<Recipe, GrowError> {
    let path = Path::new(name);
    if !RECIPES.iter().any(|(shipped, _)| *shipped == name) && (name.ends_with(".toml") || path.is_file()) {
        let text = fs::read_to_string(path).map_err(|source| GrowError::Io { path: path.to_owned(), source })?;
        return Recipe::parse(&text, name);
    }
    Recipe::named(name)
}

/// How long and how fast to train.
struct Training {
    steps: usize,
    batch: usize,
    settings: Settings,
}

impl Training {
    fn of(growth: &Growth, base: bool) -> Training {
        let (steps, batch, learning_rate) =
            if base { (BASE_STEPS, BASE_BATCH, 2e-3) } else { (POST_STEPS, POST_BATCH, 1e-3) };
        let steps = growth.steps.unwrap_or(steps);
        let schedule =
            Schedule { warmup_steps: 100.min(steps / 4), flat_fraction: 0.4, final_fraction: 0.05, total_steps: steps };
        let settings = Settings { learning_rate, schedule, threads: growth.threads, ..Settings::default() };
        Training { steps, batch, settings }
    }
}

fn new_base(growth: &Growth, held_out: &HeldOut) -> Result<(Network, WordTokenizer), GrowError> {
    let tokenizer = train_tokenizer(held_out)?;
    let Size { hidden, layers, heads, intermediate } = growth.size;
    let shape = Shape {
        vocabulary: tokenizer.vocabulary(),
        hidden,
        layers,
        heads,
        key_value_heads: heads,
        head_dimension: hidden / heads.max(1),
        intermediate,
        rope_theta: 10_000.0,
        norm_epsilon: 1e-5,
        tied: true,
    };
    let mut network = Network::initialise(shape, growth.seed)?;
    smooth_numbers(&mut network, &tokenizer, growth.seed, hidden);
    Ok((network, tokenizer))
}

/// The vocabulary depends on the world and the suite only, not on the growth's seed, so that bases are comparable.
fn train_tokenizer(held_out: &HeldOut) -> Result<WordTokenizer, GrowError> {
    // Texts do not need tokens; an empty vocabulary serves the writer until there is one.
    let bytes_only = WordTokenizer::train(std::iter::empty(), std::iter::empty(), 1)?;
    let writer = Writer { tokenizer: &bytes_only, held_out, policy: &BasePool };
    let texts = (0..20_000u64).flat_map(|document| writer.texts(&mut Dice::new(VOCABULARY_SEED, document)));
    let mut always: Vec<String> = (0..=LARGEST_NUMBER).map(|number| number.to_string()).collect();
    let cues = DISPOSITIONS.iter().flat_map(|cue| cue.adjectives.iter().chain(cue.occupations)).copied();
    let kin =
        kin::RELATIVES.iter().flat_map(|(word, _)| word.split(' ')).chain(kin::DEGREES.iter().map(|(_, word)| *word));
    let words = ACTS.iter().chain(NAMES).copied().chain(cues).chain(kin).chain(style::words()).chain(themes::words());
    always.extend(words.map(str::to_owned));
    always.extend_from_slice(held_out.words());
    WordTokenizer::train(texts, always.iter().map(String::as_str), 3)
}

const VOCABULARY_SEED: u64 = 20_261_124;
const LARGEST_NUMBER: usize = 100;

/// Starts neighbouring numbers alike: each number's embedding is a smooth mixture of random anchors, so that order
/// need not be found from nothing (ORGANISMS: comparison learns last).
fn smooth_numbers(network: &mut Network, tokenizer: &WordTokenizer, seed: u64, hidden: usize) {
    const ANCHORS: usize = 26;
    const WIDTH: f64 = 5.0;
    let mut dice = Dice::new(seed, u64::MAX);
    let mut normal = || (0..12).map(|_| dice.uniform()).sum::<f64>() - 6.0;
    let anchors: Vec<Vec<f64>> = (0..ANCHORS).map(|_| (0..hidden).map(|_| normal()).collect()).collect();
    let embedding = network.embedding_mut();
    for number in 0..=LARGEST_NUMBER {
        let weights: Vec<f64> =
            (0..ANCHORS).map(|anchor| (-0.5 * ((number as f64 - 4.0 * anchor as f64) / WIDTH).powi(2)).exp()).collect();
        let norm = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        for form in [number.to_string(), format!(" {number}")] {
            let Some(token) = tokenizer.token(&form) else { continue };
            let row = &mut embedding[token as usize * hidden..][..hidden];
            for (column, value) in row.iter_mut().enumerate() {
                let smooth: f64 = anchors.iter().zip(&weights).map(|(anchor, weight)| anchor[column] * weight).sum();
                *value = 0.5 * *value + (0.02 * smooth / norm) as f32;
            }
        }
    }
}

/// The network and the tokenizer of a base.
///
/// # Errors
/// [`GrowError::Model`] for files that do not say a Llama-architecture network in f32 or bf16.
pub fn read_base(base: &BaseFiles) -> Result<(Network, WordTokenizer), GrowError> {
    let unreadable = |why: String| GrowError::Model(format!("base: {why}"));
    let config: serde_json::Value =
        serde_json::from_slice(&base.config).map_err(|error| unreadable(error.to_string()))?;
    let number = |key: &str| {
        config[key]
            .as_u64()
            .map(|value| value as usize)
            .ok_or_else(|| unreadable(format!("config.json has no whole number `{key}`")))
    };
    let real = |key: &str| {
        config[key]
            .as_f64()
            .map(|value| value as f32)
            .ok_or_else(|| unreadable(format!("config.json has no number `{key}`")))
    };
    let shape = Shape {
        vocabulary: number("vocab_size")?,
        hidden: number("hidden_size")?,
        layers: number("num_hidden_layers")?,
        heads: number("num_attention_heads")?,
        key_value_heads: number("num_key_value_heads")?,
        head_dimension: number("head_dim")?,
        intermediate: number("intermediate_size")?,
        rope_theta: real("rope_theta")?,
        norm_epsilon: real("rms_norm_eps")?,
        tied: config["tie_word_embeddings"].as_bool().unwrap_or(false),
    };
    let tensors =
        safetensors::SafeTensors::deserialize(&base.weights).map_err(|error| unreadable(error.to_string()))?;
    let network = Network::from_tensors(shape, |name| {
        let view = tensors.tensor(name).ok()?;
        match view.dtype() {
            safetensors::Dtype::BF16 => Some(
                view.data()
                    .chunks_exact(2)
                    .map(|pair| half::bf16::from_le_bytes([pair[0], pair[1]]).to_f32())
                    .collect(),
            ),
            safetensors::Dtype::F32 => Some(
                view.data()
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                    .collect(),
            ),
            _ => None,
        }
    })?;
    let json = String::from_utf8(base.tokenizer.clone()).map_err(|error| unreadable(error.to_string()))?;
    Ok((network, WordTokenizer::from_json(json)?))
}

/// What a checkpoint must agree with to be continued.
fn fingerprint(growth: &Growth, recipe: Option<&Recipe>, plan: &Training, suite: &Suite, tokenizer: &str) -> String {
    let base =
        growth.base.as_ref().filter(|_| recipe.is_some()).map(|base| blake3::hash(&base.weights).to_hex().to_string());
    let all = json!({"recipe": recipe, "seed": growth.seed, "steps": plan.steps, "batch": plan.batch, "suite": suite.hash,
        "base": base, "size": growth.size, "tokenizer": blake3::hash(tokenizer.as_bytes()).to_hex().as_str(),
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

/// A growth on disk.
struct Run {
    trainer: Trainer,
    checkpoint: PathBuf,
    fingerprint_path: PathBuf,
    fingerprint: String,
    curve_path: PathBuf,
    curve: Vec<(usize, f64)>,
}

impl Run {
    fn open(growth: &Growth, plan: &Training, network: Network, fingerprint: &str) -> Result<Run, GrowError> {
        let checkpoint = growth.out.join("checkpoint.bin");
        let fingerprint_path = growth.out.join("checkpoint.id");
        let curve_path = growth.out.join("loss.csv");
        let trainer = if checkpoint.exists() {
            let found = fs::read_to_string(&fingerprint_path).unwrap_or_default();
            if found != fingerprint {
                return Err(GrowError::Occupied {
                    path: growth.out.clone(),
                    found: "the checkpoint of another recipe, seed, suite or base".to_owned(),
                });
            }
            Trainer::load_checkpoint(&checkpoint)?.with_threads(growth.threads)
        } else {
            Trainer::new(network, plan.settings.clone())?
        };
        let curve = read_curve(&curve_path).into_iter().filter(|(step, _)| *step <= trainer.step_count()).collect();
        Ok(Run { trainer, checkpoint, fingerprint_path, fingerprint: fingerprint.to_owned(), curve_path, curve })
    }

    /// Trains to the end; false when `watch` stopped it.
    fn train(
        &mut self,
        plan: &Training,
        documents: &Documents,
        watch: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<bool, GrowError> {
        let first = self.trainer.step_count();
        thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel(4);
            scope.spawn(move || {
                for step in first..plan.steps {
                    if send.send(documents.batch(step)).is_err() {
                        return; // the trainer stopped
                    }
                }
            });
            let mut tokens = 0u64;
            for step in first..plan.steps {
                let Ok(batch) = receive.recv() else { break };
                let report = self.trainer.step(&batch?)?;
                tokens += report.tokens as u64;
                self.curve.push((step + 1, report.loss));
                let go_on = watch(Progress { step: step + 1, steps: plan.steps, loss: report.loss, tokens });
                if (step + 1) % CHECKPOINT_EVERY == 0 || !go_on {
                    self.save()?;
                }
                if !go_on {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn save(&self) -> Result<(), GrowError> {
        // The name of what is saved comes first: a checkpoint without it would be refused.
        export::put(&self.fingerprint_path, self.fingerprint.as_bytes())?;
        self.trainer.save_checkpoint(&self.checkpoint)?;
        self.save_curve()
    }

    fn save_curve(&self) -> Result<(), GrowError> {
        let mut text = Vec::from(*b"step,loss\n");
        for (step, loss) in &self.curve {
            let _ = writeln!(text, "{step},{loss:.6}");
        }
        export::put(&self.curve_path, &text)
    }

    fn finish(
        self,
        growth: &Growth,
        recipe: Option<&Recipe>,
        shape: &Shape,
        tokenizer: &WordTokenizer,
        fingerprint: &str,
    ) -> Result<Grown, GrowError> {
        self.save_curve()?;
        let steps = self.trainer.step_count();
        let tail = (steps / 20).max(1);
        let last: Vec<f64> = self.curve.iter().rev().take(tail).map(|(_, loss)| *loss).collect();
        let grown = Grown {
            recipe: recipe.map_or(BASE, |recipe| &recipe.name).to_owned(),
            seed: growth.seed,
            steps,
            final_loss: last.iter().sum::<f64>() / last.len().max(1) as f64,
        };
        export::write(self.trainer.network(), shape, tokenizer, &growth.out)?;
        let record = json!({"format": "undermask.growth", "version": 1, "recipe": recipe, "grown": grown,
            "fingerprint": fingerprint, "code": env!("CARGO_PKG_VERSION")});
        export::put(&growth.out.join("growth.json"), export::pretty(&record).as_bytes())?;
        for path in [&self.checkpoint, &self.fingerprint_path] {
            if path.exists() {
                fs::remove_file(path).map_err(|source| GrowError::Io { path: path.clone(), source })?;
            }
        }
        Ok(grown)
    }
}

fn read_curve(path: &Path) -> Vec<(usize, f64)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(step, loss)| Some((step.parse().ok()?, loss.parse().ok()?)))
        .collect()
}
