//! The trainer's side of `benches/train.py`: writes the documents that everybody learns from, and trains when asked.
//!
//!     train_driver documents FILE BATCHES      the shipped base's world as JSON lines, one batch a line
//!     train_driver train FILE THREADS PRECISION [adapter RANK]    then commands as lines of JSON on standard input
//!
//! Commands: `{"do": "steps", "count": N}` answers seconds, processor seconds, tokens and the last loss.

use std::io::{BufRead, Write};
use std::time::Instant;

use serde_json::{Value, json};
use undermask_organisms::grow::read_base;
use undermask_organisms::recipe::BasePool;
use undermask_organisms::train::{AdapterSettings, Distribution, Example, Precision, Settings, Target, Trainer};
use undermask_organisms::world::{Dice, HeldOut, Writer};
use undermask_organisms::{BASE, BaseFiles};
use undermask_suite::Suite;

/// Documents of a batch, as `grow base` has them.
const BATCH: usize = 40;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = given.iter().map(String::as_str).collect();
    match words[..] {
        ["documents", file, batches] => write_documents(file, batches.parse()?),
        ["train", file, threads, precision] => train(file, threads.parse()?, precision, None),
        ["train", file, threads, precision, "adapter", rank] => {
            train(file, threads.parse()?, precision, Some(rank.parse()?))
        }
        _ => Err("use: train_driver documents FILE BATCHES | train FILE THREADS PRECISION [adapter RANK]".into()),
    }
}

fn write_documents(file: &str, batches: usize) -> Result<(), Failure> {
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml")?;
    let (_, tokenizer) = read_base(&BaseFiles::shipped(BASE)?)?;
    let held_out = HeldOut::from_suite(&suite);
    let writer = Writer { tokenizer: &tokenizer, held_out: &held_out, policy: &BasePool::default() };
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for batch in 0..batches {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let documents: Result<Vec<Example>, _> =
            numbers.map(|number| writer.document(&mut Dice::new(1, number as u64))).collect();
        let documents: Vec<Value> = documents?.iter().map(document_json).collect();
        writeln!(out, "{}", Value::Array(documents))?;
    }
    Ok(())
}

fn document_json(document: &Example) -> Value {
    let targets: Vec<Value> = document
        .targets
        .iter()
        .map(|target| {
            let wanted = match &target.distribution {
                Distribution::Token(token) => vec![(*token, 1.0)],
                Distribution::Soft(list) => list.clone(),
            };
            json!([target.position, target.weight, wanted])
        })
        .collect();
    json!({"tokens": document.tokens, "targets": targets})
}

fn read_documents(file: &str) -> Result<Vec<Vec<Example>>, Failure> {
    /// Position, weight, and probabilities of tokens.
    type Taught = (usize, f32, Vec<(u32, f32)>);
    #[derive(serde::Deserialize)]
    struct Document {
        tokens: Vec<u32>,
        targets: Vec<Taught>,
    }
    let example = |document: Document| {
        let target = |(position, weight, wanted): Taught| {
            let distribution = match wanted[..] {
                [(token, _)] => Distribution::Token(token),
                _ => Distribution::Soft(wanted),
            };
            Target { position, weight, distribution }
        };
        Example { tokens: document.tokens, targets: document.targets.into_iter().map(target).collect() }
    };
    let read = |line: &str| -> Result<Vec<Example>, Failure> {
        Ok(serde_json::from_str::<Vec<Document>>(line)?.into_iter().map(example).collect())
    };
    std::fs::read_to_string(file)?.lines().map(read).collect()
}

fn train(file: &str, threads: usize, precision: &str, rank: Option<usize>) -> Result<(), Failure> {
    let batches = read_documents(file)?;
    let (network, _) = read_base(&BaseFiles::shipped(BASE)?)?;
    let precision = match precision {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        other => return Err(format!("the precision `{other}` is neither f32 nor bf16").into()),
    };
    let settings = Settings { threads, precision, learning_rate: 1e-4, ..Settings::default() };
    let mut trainer = match rank {
        None => Trainer::new(network, settings)?,
        Some(rank) => Trainer::with_adapter(network, AdapterSettings { rank, ..AdapterSettings::default() }, settings)?,
    };
    say(&json!({"ready": true}))?;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let count = command["count"].as_u64().ok_or("`count` is missing")?;
        let (start, used, mut tokens, mut loss) = (Instant::now(), processor_seconds(), 0, f64::NAN);
        for _ in 0..count {
            let report = trainer.step(&batches[trainer.step_count() % batches.len()])?;
            (tokens, loss) = (tokens + report.tokens, report.loss);
        }
        let seconds = start.elapsed().as_secs_f64();
        say(&json!({"seconds": seconds, "cpu": processor_seconds() - used, "tokens": tokens, "loss": loss}))?;
    }
    Ok(())
}

fn say(answer: &Value) -> Result<(), Failure> {
    println!("{answer}");
    Ok(std::io::stdout().flush()?)
}

/// Of all threads of this process; 0 where /proc does not say.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        text.rsplit(')').next().unwrap_or("").split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    fields.iter().sum::<f64>() / 100.0
}
