//! Our engine as a driver of the benchmark: see `benches/work.py` for what drivers are asked and answer.
//!
//! ```text
//! cargo run --release -p undermask-engine --example bench_driver -- MODEL f32|bf16|q8 THREADS
//! ```
//!
//! `prefill` copies the output of every block; `score` times the documents of an exported lm-eval task, cut into tokens
//! as the harness cuts them; `peak` measures what this machine can do at most.

mod bandwidth;
mod peak;

use std::io::{BufRead as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use undermask_engine::{Gguf, HookPoint, Model, OpenSettings, Precision, ScoreRequest, ScoreSettings, Source};

type Failure = Box<dyn std::error::Error>;

// The same numbers as in benches/work.py.
const SEQUENCES: u64 = 8;
const LENGTH: u64 = 256;
const PROMPT: u64 = 32;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, precision, threads] = &arguments[..] else {
        return Err("give MODEL, f32|bf16|q8 and THREADS".into());
    };
    let precision = match precision.as_str() {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        "q8" => Precision::Q8,
        other => return Err(format!("{other} is no precision; give f32, bf16 or q8").into()),
    };
    let threads: usize = threads.parse()?;
    let source = match model.ends_with(".gguf") {
        true => Source::Gguf(Gguf::open(Path::new(model))?),
        false => Source::Directory(model.into()),
    };
    let model = Model::open_with(&source, &OpenSettings { precision, threads, ..OpenSettings::default() })?;
    let mut out = std::io::stdout().lock();
    let mut tell = |answer: Value| -> std::io::Result<()> {
        writeln!(out, "{answer}")?;
        out.flush()
    };
    tell(json!({"ready": true}))?;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let number = |name: &str| command[name].as_u64().unwrap_or(0);
        tell(match command["do"].as_str().unwrap_or("nothing") {
            "prefill" => prefill(&model)?,
            "decode" => decode(&model, number("batch"), number("new"))?,
            "score" => score(&model, &command, threads)?,
            "memory" => json!({"bytes": peak_memory()?}),
            "peak" => peak::measure(threads),
            other => json!({"error": format!("{other} is no command")}),
        })?;
    }
    Ok(())
}

/// Seconds by the clock, and of the processor over all threads.
struct Clock {
    start: Instant,
    used: f64,
}

impl Clock {
    fn start() -> Result<Clock, Failure> {
        Ok(Clock { used: processor_seconds()?, start: Instant::now() })
    }

    fn stop(self) -> Result<(f64, f64), Failure> {
        Ok((self.start.elapsed().as_secs_f64(), processor_seconds()? - self.used))
    }
}

/// What this process has used so far: Linux counts it in hundredths of a second.
fn processor_seconds() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The name before the last parenthesis may hold anything; user and system time are the 12th and 13th after it.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| -> Result<f64, Failure> { Ok(fields.get(place).ok_or("a short stat")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The prompt of a sequence, as benches/work.py makes it.
fn tokens(sequence: u64, length: u64) -> Vec<u32> {
    (0..length).map(|place| ((1 + 7919 * sequence + 104_729 * place + 31 * place * place) % 2000) as u32).collect()
}

fn prefill(model: &Model) -> Result<Value, Failure> {
    let prompts: Vec<Vec<u32>> = (0..SEQUENCES).map(|sequence| tokens(sequence, LENGTH)).collect();
    let points: Vec<HookPoint> = (0..model.config().layers).map(HookPoint::ResidPost).collect();
    let clock = Clock::start()?;
    let (sequences, captured) = model.in_step(&prompts, 0, &points)?;
    let (seconds, cpu) = clock.stop()?;
    let numbers = (SEQUENCES * LENGTH) as usize * model.config().hidden;
    if captured.len() != points.len() || captured.values().any(|rows| rows.len() != numbers) {
        return Err("not every block was captured".into());
    }
    Ok(json!({"seconds": seconds, "cpu": cpu, "best": sequences.next()}))
}

fn decode(model: &Model, batch: u64, new: u64) -> Result<Value, Failure> {
    let prompts: Vec<Vec<u32>> = (0..batch).map(|sequence| tokens(sequence, PROMPT)).collect();
    let (mut sequences, _) = model.in_step(&prompts, new as usize, &[])?;
    let clock = Clock::start()?;
    for _ in 0..new {
        sequences.step()?;
    }
    let (seconds, cpu) = clock.stop()?;
    Ok(json!({"seconds": seconds, "cpu": cpu, "best": sequences.next()}))
}

/// Scores the labels of the first `limit` documents of a file, after tokens cut as lm-eval cuts them: white space at the
/// prompt's end belongs to the labels.
fn score(model: &Model, command: &Value, threads: usize) -> Result<Value, Failure> {
    let file = command["file"].as_str().ok_or("score needs a file")?;
    let limit = command["limit"].as_u64().unwrap_or(u64::MAX) as usize;
    let text = std::fs::read_to_string(file)?;
    let clock = Clock::start()?;
    let requests: Vec<ScoreRequest> =
        text.lines().take(limit).map(|line| request(model, line)).collect::<Result<_, _>>()?;
    let settings = ScoreSettings { threads, ..ScoreSettings::default() };
    let mut found = vec![Vec::new(); requests.len()];
    model.score(&requests, &settings, &mut |index, scores| {
        found[index] = scores.iter().map(|score| score.log_probability).collect::<Vec<f64>>();
        ControlFlow::Continue(())
    })?;
    let (seconds, cpu) = clock.stop()?;
    let counts = model.plan_tokens(&requests, &settings);
    Ok(json!({"seconds": seconds, "cpu": cpu, "total": counts.total, "unique": counts.unique, "scores": found}))
}

fn request(model: &Model, line: &str) -> Result<ScoreRequest, Failure> {
    let document: Value = serde_json::from_str(line)?;
    let text = document["text"].as_str().ok_or("a document has no text")?;
    let prompt = model.encode(text.trim_end())?;
    let mut options = Vec::new();
    for choice in document["choices"].as_array().ok_or("a document has no choices")? {
        let whole = model.encode(&format!("{text}{}", choice.as_str().ok_or("a choice is no text")?))?;
        options.push(whole[prompt.len()..].to_vec());
    }
    Ok(ScoreRequest { prompt, options })
}

/// Most bytes that this process has held.
fn peak_memory() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM in /proc/self/status")?;
    let kibibytes: u64 = line.split_whitespace().nth(1).ok_or("VmHWM has no number")?.parse()?;
    Ok(kibibytes * 1024)
}
