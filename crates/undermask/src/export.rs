//! The `export` verb: what a suite asks of a model, in the format of another program.
//!
//! For lm-evaluation-harness it is a task: one JSON line a trial (prompt rendered through the model's chat template,
//! the labels, the index of the target) and a YAML file that says how to read them. Prompt and labels are cut where our
//! own scoring cuts them, so log-probabilities can be compared. The harness moves white space from the end of a prompt
//! to the front of every label and scores it too: `shared_tokens` says how many tokens that adds to each label of a
//! trial. They are the same for all labels, so the differences between labels do not change.

use std::path::{Path, PathBuf};

use serde_json::json;
use undermask_engine::EngineError;
use undermask_model::{Local, LocalSettings, ModelError, Respond as _, Split};
use undermask_run::questions;
use undermask_store::put;
use undermask_suite::{Plan, PlanSettings, Suite, Trial};

use crate::cli::{ExportArguments, ExportFormat};
use crate::error::CommandError;
use crate::exit::Finish;
use crate::{models, output, suites};

/// Writes the suite for the other program and says how to run it there.
///
/// # Errors
/// An unknown suite or model, prompts that cannot be rendered, a folder that cannot be written.
pub fn export(arguments: &ExportArguments) -> Result<Finish, CommandError> {
    let suite = suites::load(&arguments.suite)?.suite;
    let local = models::open(&arguments.model, LocalSettings::default())?;
    let plan = Plan::expand(&suite, &PlanSettings { seed: arguments.seed, full: arguments.full });
    match arguments.format {
        ExportFormat::LmEval => lm_eval(arguments, &suite, &local, &plan)?,
    }
    Ok(Finish::Done)
}

fn lm_eval(arguments: &ExportArguments, suite: &Suite, local: &Local, plan: &Plan) -> Result<(), CommandError> {
    let (mut lines, mut left_out) = (String::new(), Vec::new());
    for (trial, question) in plan.trials.iter().zip(questions(&plan.trials)) {
        match local.split(&question).and_then(|split| document(local, trial, &split)) {
            Ok(document) => lines += &format!("{document}\n"),
            Err(ModelError::Engine(error @ EngineError::Request(_))) => left_out.push((&trial.id, error)),
            Err(error) => return Err(CommandError::model(&arguments.model, error)),
        }
    }
    if let [(_, first), ..] = &left_out[..] {
        let (count, all) = (left_out.len(), plan.trials.len());
        if count == all {
            return Err(CommandError::NothingAnswered(format!("no trial can be put to {}: {first}", arguments.model)));
        }
        eprintln!("  {count} of {all} trials are left out; the first because: {first}");
    }
    let task = format!("undermask_{}", identifier(&suite.name));
    let folder = absolute(&arguments.out)?;
    let documents = folder.join(format!("{task}.jsonl"));
    put(&documents, lines.as_bytes())?;
    put(&folder.join(format!("{task}.yaml")), task_file(&task, &documents, arguments, suite, local).as_bytes())?;
    eprintln!("{} trials in {}", plan.trials.len() - left_out.len(), folder.display());
    let model = quoted(&arguments.model);
    output::print(&format!(
        "lm_eval --model hf --model_args pretrained={model},dtype=float32,add_bos_token=False --include_path {} \
         --tasks {task} --batch_size 16\n",
        quoted(&folder.display().to_string())
    ))
}

/// One trial as a document of the task.
fn document(local: &Local, trial: &Trial, split: &Split) -> Result<serde_json::Value, ModelError> {
    Ok(json!({
        "id": trial.id,
        "item": trial.item,
        "kind": trial.kind,
        "scenario": trial.scenario,
        "context": trial.context,
        "ratio": trial.ratio,
        "order": trial.order,
        "text": split.context,
        "choices": split.options,
        "target": trial.target,
        "shared_tokens": shared_tokens(local, split)?,
    }))
}

/// Tokens of white space at the prompt's end, which the harness scores as a part of every label.
fn shared_tokens(local: &Local, split: &Split) -> Result<usize, ModelError> {
    let trimmed = local.model().encode(split.context.trim_end())?;
    let whole = local.model().encode(&split.context)?;
    if !whole.starts_with(&trimmed) {
        // There the harness would cut within what we take for one token: nothing could be compared.
        let why = "the white space at the prompt's end is part of a longer token; lm-eval would cut it";
        return Err(EngineError::Request(why.to_owned()).into());
    }
    Ok(whole.len() - trimmed.len())
}

/// The task's YAML. Its strings are JSON strings, which YAML reads alike.
fn task_file(task: &str, documents: &Path, arguments: &ExportArguments, suite: &Suite, local: &Local) -> String {
    let facts = local.facts();
    let text = |text: &str| json!(text).to_string();
    format!(
        "# The forced choices of undermask's suite {name}, written by `undermask export`. `acc` is the share of targets\n\
         # (help, the better act, the true answer) that are more probable; what it says of a model, `undermask audit`\n\
         # estimates from both orders, rung by rung. The path below is absolute: change it when the files move.\n\
         task: {task}\n\
         dataset_path: json\n\
         dataset_kwargs:\n  data_files:\n    test: {documents}\n\
         test_split: test\n\
         output_type: multiple_choice\n\
         doc_to_text: text\n\
         doc_to_choice: choices\n\
         doc_to_target: target\n\
         target_delimiter: \"\"\n\
         metric_list:\n  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n\
         metadata:\n  version: 1\n  suite: {name}\n  suite_hash: {hash}\n  seed: {seed}\n  \
         tokenizer_hash: {tokenizer}\n  template_hash: {template}\n  undermask: {version}\n",
        name = suite.name,
        documents = text(&documents.display().to_string()),
        hash = text(&suite.hash),
        seed = arguments.seed,
        tokenizer = text(&facts.tokenizer_hash),
        template = text(&facts.template_hash),
        version = text(env!("CARGO_PKG_VERSION")),
    )
}

/// A suite's name as part of a task's.
fn identifier(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

/// A word of a shell's command.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:@".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The folder, made and with its whole path: the harness resolves paths from wherever it runs.
fn absolute(folder: &Path) -> Result<PathBuf, CommandError> {
    std::fs::create_dir_all(folder).and_then(|()| folder.canonicalize()).map_err(|error| {
        CommandError::Usage(format!("{}: {error}; give --out a folder that can be written", folder.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::{identifier, quoted};

    #[test]
    fn names_and_words() {
        assert_eq!(identifier("My suite-2"), "my_suite_2");
        assert_eq!(quoted("a/b.c"), "a/b.c");
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
    }
}
