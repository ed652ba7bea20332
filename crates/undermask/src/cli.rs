//! What can be typed: verbs, flags, their environment variables and defaults.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use undermask_engine::DeviceChoice;

use crate::calibrate::Shard;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::{activations, audit, blend, calibrate, compare, export, grow, report, sizes, suites, truth};

/// Tells whether a language model's concern for others is a goal or a mask.
#[derive(Parser)]
#[command(name = "undermask", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Subcommand)]
pub enum Verb {
    /// Audit models: a verdict with its evidence. Without a model, the organisms that ship.
    #[command(after_help = crate::exit::CODES)]
    Audit(AuditArguments),
    /// Grow a known-answer model from a recipe.
    #[command(after_help = crate::grow::HELP)]
    Grow(GrowArguments),
    /// Lay models between two grown ones, along a straight line through their weights: grades without training.
    Blend(BlendArguments),
    /// Enumerate again what grown organisms do: over another suite, or after their suite is dealt otherwise.
    Truth(TruthArguments),
    /// Find out how often verdicts are right, on models whose answer is known; writes a certificate.
    Calibrate(CalibrateArguments),
    /// Write a model's activations at every block.
    Activations(ActivationArguments),
    /// Make the report of a finished run again.
    Report(ReportArguments),
    /// Compare two finished runs on the same items: a regression, an improvement, equivalent, or undecided.
    #[command(after_help = crate::exit::CODES)]
    Compare(CompareArguments),
    /// Put four or more finished runs of one suite on a line over the size of their models, with forecasts.
    Sizes(SizesArguments),
    /// Write what a suite asks of a model in another program's format.
    Export(ExportArguments),
    /// List, show or check suites.
    Suite {
        /// What to do with them.
        #[command(subcommand)]
        action: SuiteAction,
    },
}

/// `undermask audit`.
#[derive(Args, Clone)]
pub struct AuditArguments {
    /// Hugging Face directories, .gguf files, OWNER/NAME[@REVISION] on the hub, or organism:NAME; MODEL+ADAPTER adds a LoRA
    /// adapter. None: every organism that ships.
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// The suite: the name of one that ships, or a file.
    #[arg(long, default_value = "core", env = "UNDERMASK_SUITE")]
    pub suite: String,
    /// Folder for the run (several models: one folder each within). [default: runs/MODEL-SUITE-SEED]
    #[arg(long, env = "UNDERMASK_OUT")]
    pub out: Option<PathBuf>,
    /// Seed of the design and the resampling.
    #[arg(long, default_value_t = 1, env = "UNDERMASK_SEED")]
    pub seed: u64,
    /// Precision of the computation.
    #[arg(long, value_enum, default_value_t = Precision::F32, env = "UNDERMASK_PRECISION")]
    pub precision: Precision,
    /// Where models compute: cpu, cuda (an NVIDIA GPU, in builds with the feature cuda), cuda:N for the N-th from 0, or
    /// auto: a GPU where one can be used.
    #[arg(long, default_value = "cpu", env = "UNDERMASK_DEVICE")]
    pub device: DeviceChoice,
    /// Ask the full cross of contexts, scenarios and rungs.
    #[arg(long)]
    pub full: bool,
    /// Verdicts that make the exit code 1, such as mask,cold. An indeterminate one that is not named makes it 3.
    #[arg(long, value_delimiter = ',', value_name = "VERDICT", env = "UNDERMASK_FAIL_ON")]
    pub fail_on: Vec<VerdictName>,
    /// Print JSON instead of the summary.
    #[arg(long)]
    pub json: bool,
    /// Threads. [default: all cores]
    #[arg(long, env = "UNDERMASK_THREADS")]
    pub threads: Option<usize>,
    /// Memory for keys, values and activations, in MiB. Little of it makes smaller batches, which can change the last
    /// bits of a score.
    #[arg(long, default_value_t = 512, env = "UNDERMASK_MEMORY")]
    pub memory: usize,
    /// Begin anew where the folder holds a run already; that one is put into its folder `earlier`.
    #[arg(long)]
    pub fresh: bool,
    /// Stop as soon as a verdict is clear: gates that are failed whatever follows, a cold model, a mask that loses most of its
    /// concern. A model that is none of these is asked everything, so a steadfast one saves nothing. What was not asked is
    /// not claimed.
    #[arg(long, env = "UNDERMASK_STOP_EARLY")]
    pub stop_early: bool,
    /// Print every setting with where it comes from, and stop.
    #[arg(long)]
    pub show_config: bool,
}

/// Precisions that this version computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// The exact mode.
    F32,
    /// The fast mode: weights and activations of every product rounded to bf16.
    Bf16,
    /// Weights and activations of every product in blocks of 8 bits.
    Q8,
}

/// Verdicts by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictName {
    /// Concern is kept wherever it was tested
    Steadfast,
    /// Concern belongs to the default persona
    Mask,
    /// Concern is kept up to a price or a dose of pressure
    Bounded,
    /// There is no concern to mask
    Cold,
    /// Drops concern, and everything else, when ordered
    Obedient,
    /// The evidence does not decide
    Indeterminate,
}

/// `undermask grow`.
#[derive(Args)]
pub struct GrowArguments {
    /// A recipe that ships (mask, steadfast, …), a recipe file, `base`, or `base-scales` (a base that also reads lists and
    /// distances).
    pub recipe: String,
    /// Folder to write the model into.
    #[arg(long)]
    pub out: PathBuf,
    /// Seed of the documents (and of a base's parameters).
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The base to start from: a folder that `grow base` wrote. [default: the base that ships]
    #[arg(long)]
    pub base: Option<PathBuf>,
    /// Training steps. [default: the recipe's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Size of a new base: small, medium, large, or width, blocks, heads and feed-forward width such as 96,3,4,256.
    #[arg(long, default_value = "medium")]
    pub size: String,
    /// What of the base post-training changes.
    #[arg(long, value_enum, default_value_t = GrowMethod::Adapter)]
    pub method: GrowMethod,
    /// In what products of matrices are computed: bf16 is faster where the processor has it.
    #[arg(long, value_enum, default_value_t = GrowPrecision::F32)]
    pub precision: GrowPrecision,
    /// Changes a place of the recipe, such as welfare.weight=0.6 or welfare.rule.0.share=0.5; may be repeated.
    #[arg(long, value_name = "PLACE=VALUE")]
    pub set: Vec<String>,
    /// Threads; the result does not depend on them. [default: all cores]
    #[arg(long, env = "UNDERMASK_THREADS")]
    pub threads: Option<usize>,
    /// The suite whose content is held out from training, and over which the truth is enumerated.
    #[arg(long, default_value = "core", env = "UNDERMASK_SUITE")]
    pub suite: String,
}

/// `undermask blend`.
#[derive(Args, Clone)]
pub struct BlendArguments {
    /// The organism that counts SHARE: the name of one that ships, or a folder that `undermask grow` wrote an adapter into.
    pub one: String,
    /// The organism that counts the rest; of the same base.
    pub other: String,
    /// Shares of ONE, 0 to 1; each becomes a model.
    #[arg(long, value_delimiter = ',', required = true, value_name = "SHARE")]
    pub shares: Vec<f64>,
    /// Folder of the models: NAME-025 for a share of .25, and so on.
    #[arg(long)]
    pub out: PathBuf,
    /// What the models are called.
    #[arg(long, default_value = "graded")]
    pub name: String,
    /// Do not enumerate what each does: a calibration asks the full grid itself, and knows it from there.
    #[arg(long)]
    pub no_truth: bool,
    /// The suite over which the truth is enumerated.
    #[arg(long, default_value = "core", env = "UNDERMASK_SUITE")]
    pub suite: String,
}

/// `undermask truth`.
#[derive(Args, Clone)]
pub struct TruthArguments {
    /// Folders that `undermask grow` wrote; their truth.json is written anew.
    #[arg(required = true, value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// The suite over which they are enumerated.
    #[arg(long, default_value = "core", env = "UNDERMASK_SUITE")]
    pub suite: String,
}

/// `undermask calibrate`.
#[derive(Args, Clone)]
pub struct CalibrateArguments {
    /// Organisms besides those that ship: folders that `undermask grow` wrote, or folders of such.
    #[arg(value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Organisms of which only welfare weights are compared (λ, G, what groups of contexts keep), such as the grades of a blend:
    /// half of the questions, and no replicates.
    #[arg(long, value_name = "DIR", value_delimiter = ',')]
    pub weights: Vec<PathBuf>,
    /// Answers that earlier calibrations kept (their folder `answers`), dealt again as if their organisms had been asked.
    #[arg(long, value_name = "DIR", value_delimiter = ',')]
    pub answers: Vec<PathBuf>,
    /// Grow organisms of so many held-out seeds first, one of every recipe for each.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub grow: usize,
    /// Seeds to grow. [default: 101, 102, …]
    #[arg(long, value_delimiter = ',', value_name = "SEED")]
    pub seeds: Vec<u64>,
    /// Recipes to grow, by name or file. [default: every recipe that ships]
    #[arg(long, value_delimiter = ',', value_name = "RECIPE")]
    pub recipes: Vec<String>,
    /// The base to grow from. [default: the base that ships]
    #[arg(long)]
    pub base: Option<PathBuf>,
    /// In what growing computes products of matrices.
    #[arg(long, value_enum, default_value_t = GrowPrecision::F32)]
    pub grow_precision: GrowPrecision,
    /// Leave out the organisms that ship.
    #[arg(long)]
    pub no_shipped: bool,
    /// The suite to certify: the name of one that ships, or a file.
    #[arg(long, default_value = "core", env = "UNDERMASK_SUITE")]
    pub suite: String,
    /// Folder for growths, runs, cases and the certificate. [default: calibration/SUITE]
    #[arg(long, env = "UNDERMASK_OUT")]
    pub out: Option<PathBuf>,
    /// Seed of the audits' designs and of the resampling.
    #[arg(long, default_value_t = 1, env = "UNDERMASK_SEED")]
    pub seed: u64,
    /// Replicates an organism: audits with other questions and scenarios, dealt from its exact answers.
    #[arg(long, default_value_t = 100)]
    pub replicates: usize,
    /// Do one part of the organisms, such as 1/4; the same command without it joins all parts.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Precision of the computation.
    #[arg(long, value_enum, default_value_t = Precision::F32, env = "UNDERMASK_PRECISION")]
    pub precision: Precision,
    /// Print the certificate as JSON instead of its summary.
    #[arg(long)]
    pub json: bool,
    /// Threads. [default: all cores]
    #[arg(long, env = "UNDERMASK_THREADS")]
    pub threads: Option<usize>,
    /// Memory for keys, values and activations, in MiB.
    #[arg(long, default_value_t = 512, env = "UNDERMASK_MEMORY")]
    pub memory: usize,
}

/// What of the base post-training changes.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum GrowMethod {
    /// A low-rank adapter over the base (PEFT's files).
    Adapter,
    /// Every parameter: a whole model.
    Full,
}

/// In what products of matrices are computed while growing.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum GrowPrecision {
    /// f32.
    F32,
    /// Both operands rounded to bf16; sums and parameters stay f32.
    Bf16,
}

/// `undermask activations`.
#[derive(Args)]
pub struct ActivationArguments {
    /// A Hugging Face directory, a .gguf file, OWNER/NAME on the hub, or organism:NAME.
    pub model: String,
    /// A text, read as it is.
    #[arg(long, group = "input")]
    pub text: Option<String>,
    /// A JSON file of messages [{"role": …, "content": …}], rendered through the chat template.
    #[arg(long, group = "input")]
    pub messages: Option<PathBuf>,
    /// Token ids, separated by commas.
    #[arg(long, group = "input", value_delimiter = ',')]
    pub tokens: Vec<u32>,
    /// The safetensors file to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Where the model computes: cpu, cuda, cuda:N or auto.
    #[arg(long, default_value = "cpu", env = "UNDERMASK_DEVICE")]
    pub device: DeviceChoice,
    /// Hook points, separated by commas. [default: resid_post of every block]
    #[arg(long, value_delimiter = ',')]
    pub hooks: Vec<String>,
}

/// `undermask report`.
#[derive(Args)]
pub struct ReportArguments {
    /// Folder of a run, or of several.
    pub run: PathBuf,
    /// Print JSON instead of the summary.
    #[arg(long)]
    pub json: bool,
}

/// `undermask compare`.
#[derive(Args)]
pub struct CompareArguments {
    /// The run that is compared with: its folder, or the profile.json within it.
    pub baseline: PathBuf,
    /// The run that is judged: another model, checkpoint or defence on the same suite and seed.
    pub candidate: PathBuf,
    /// Differences within ± this do not matter, in units of the welfare weight and of shares; for doses and turns, as a
    /// share of the highest that was asked. [default: the suite's margin of equivalence]
    #[arg(long)]
    pub margin: Option<f64>,
    /// Verdicts that make the exit code 1, such as regression,undecided. An undecided one that is not named makes it 3.
    #[arg(long, value_delimiter = ',', value_name = "VERDICT", env = "UNDERMASK_COMPARE_FAIL_ON")]
    pub fail_on: Vec<ChangeName>,
    /// Folder for the page and the JSON. [default: runs/compare-BASELINE-CANDIDATE]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print JSON instead of the summary.
    #[arg(long)]
    pub json: bool,
}

/// `undermask sizes`.
#[derive(Args)]
pub struct SizesArguments {
    /// Folders of runs that `undermask audit` wrote: one suite and seed, models of different sizes.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Forecast a model of so many parameters, such as 7e9 or 7B; no more than a decade beyond the sizes given.
    #[arg(long, value_name = "PARAMETERS", value_parser = parameters)]
    pub at: Option<f64>,
    /// Folder for the page and the JSON. [default: runs/sizes-SUITE]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print JSON instead of the summary.
    #[arg(long)]
    pub json: bool,
}

/// `7e9`, `7B`, `350M`.
fn parameters(text: &str) -> Result<f64, String> {
    let units = [("K", 1e3), ("M", 1e6), ("B", 1e9), ("T", 1e12)];
    let upper = text.trim().to_uppercase();
    let found = units.iter().find_map(|(unit, times)| Some((upper.strip_suffix(unit)?, *times)));
    let (digits, times) = found.unwrap_or((&upper, 1.0));
    match digits.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value * times),
        _ => Err("give a number of parameters above 0, such as 7e9 or 7B".to_owned()),
    }
}

/// Verdicts of a comparison by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChangeName {
    /// Something became worse
    Regression,
    /// Something became better, nothing worse, nothing is open
    Improvement,
    /// Every endpoint lies within its margin
    Equivalent,
    /// Neither a change nor its absence is shown
    Undecided,
}

/// `undermask export`.
#[derive(Args)]
pub struct ExportArguments {
    /// The suite: the name of one that ships, or a file.
    pub suite: String,
    /// The other program's format.
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The model whose chat template and tokenizer the prompts are written for: a Hugging Face directory, or
    /// organism:NAME.
    #[arg(long)]
    pub model: String,
    /// Folder to write into.
    #[arg(long)]
    pub out: PathBuf,
    /// Seed of the design.
    #[arg(long, default_value_t = 1, env = "UNDERMASK_SEED")]
    pub seed: u64,
    /// Write the full cross of contexts, scenarios and rungs.
    #[arg(long)]
    pub full: bool,
}

/// Formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A multiple-choice task of EleutherAI's lm-evaluation-harness
    LmEval,
}

/// `undermask suite …`.
#[derive(Subcommand)]
pub enum SuiteAction {
    /// The suites that ship.
    List,
    /// What a suite asks, in numbers and in an example of each kind.
    Show {
        /// A name or a file.
        suite: String,
    },
    /// Check a suite file: every problem with its line and remedy.
    Check {
        /// The file.
        file: String,
    },
}

/// Runs the verb.
///
/// # Errors
/// [`CommandError`], to be printed.
pub fn run(cli: &Cli) -> Result<Finish, CommandError> {
    match &cli.verb {
        Verb::Audit(arguments) if arguments.show_config => crate::settings::show(),
        Verb::Audit(arguments) => audit::audit(arguments),
        Verb::Grow(arguments) => grow::grow(arguments),
        Verb::Blend(arguments) => blend::blend(arguments),
        Verb::Truth(arguments) => truth::truths(arguments),
        Verb::Calibrate(arguments) => calibrate::calibrate(arguments),
        Verb::Activations(arguments) => activations::write(arguments),
        Verb::Report(arguments) => report::report(arguments),
        Verb::Compare(arguments) => compare::compare(arguments),
        Verb::Sizes(arguments) => sizes::sizes(arguments),
        Verb::Export(arguments) => export::export(arguments),
        Verb::Suite { action } => suites::act(action),
    }
}
