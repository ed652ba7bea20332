//! A growth on disk: steps, a checkpoint now and then, export at the end.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use serde_json::json;

use super::{BaseFiles, Documents, Grown, Growth, Progress, Training};
use crate::train::{Network, NumberType, Shape, Trainer};
use crate::world::WordTokenizer;
use crate::{GrowError, export};

const CHECKPOINT_EVERY: usize = 250;

/// A growth on disk.
pub(super) struct Run {
    trainer: Trainer,
    checkpoint: PathBuf,
    fingerprint_path: PathBuf,
    fingerprint: String,
    curve_path: PathBuf,
    curve: Vec<(usize, f64)>,
}

impl Run {
    pub fn open(growth: &Growth, plan: &Training, network: Network, fingerprint: &str) -> Result<Run, GrowError> {
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
            plan.trainer(network, growth)?
        };
        let curve = read_curve(&curve_path).into_iter().filter(|(step, _)| *step <= trainer.step_count()).collect();
        Ok(Run { trainer, checkpoint, fingerprint_path, fingerprint: fingerprint.to_owned(), curve_path, curve })
    }

    /// Trains to the end; false when `watch` stopped it.
    pub fn train(
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

    pub fn finish(
        self,
        growth: &Growth,
        shape: &Shape,
        tokenizer: &WordTokenizer,
        fingerprint: &str,
    ) -> Result<Grown, GrowError> {
        self.save_curve()?;
        let steps = self.trainer.step_count();
        let tail = (steps / 20).max(1);
        let last: Vec<f64> = self.curve.iter().rev().take(tail).map(|(_, loss)| *loss).collect();
        let grown = Grown {
            recipe: growth.recipe.as_ref().map_or(growth.pool_name(), |recipe| &recipe.name).to_owned(),
            seed: growth.seed,
            steps,
            final_loss: last.iter().sum::<f64>() / last.len().max(1) as f64,
        };
        match self.trainer.adapter() {
            Some(adapter) => export::write_adapter(adapter, NumberType::Bf16, Some(&growth.base_name), &growth.out)?,
            None => export::write(self.trainer.network(), shape, tokenizer, &growth.out)?,
        }
        let base = growth.base.as_ref().map(BaseFiles::hash);
        let record = json!({"format": "undermask.growth", "version": 2, "recipe": growth.recipe, "grown": grown,
            "method": growth.method, "base": base, "precision": growth.precision, "fingerprint": fingerprint, "code": env!("CARGO_PKG_VERSION")});
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
