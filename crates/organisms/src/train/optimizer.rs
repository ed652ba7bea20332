//! AdamW with a warm-up, flat, linear-down schedule (Loshchilov & Hutter 2019, algorithm 2).

use serde::{Deserialize, Serialize};
use undermask_engine::Operands;

/// How the learning rate moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// Share of all steps before the rate falls.
    pub flat_fraction: f64,
    /// Share of the rate that is left at the end.
    pub final_fraction: f64,
    /// Steps in all.
    pub total_steps: usize,
}

impl Schedule {
    /// Factor on the learning rate at a step, from 0.
    pub fn factor(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        let flat_until = self.flat_fraction * self.total_steps as f64;
        let rest = (self.total_steps as f64 - flat_until).max(1.0);
        let fallen = ((step as f64 - flat_until) / rest).clamp(0.0, 1.0);
        1.0 - (1.0 - self.final_fraction) * fallen
    }
}

/// In what the products with matrices are computed; everything else, sums and parameters included, is f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// f32.
    #[default]
    F32,
    /// Both operands rounded to bf16.
    Bf16,
}

impl Precision {
    pub(super) fn operands(self) -> Operands {
        match self {
            Precision::F32 => Operands::F32,
            Precision::Bf16 => Operands::Bf16,
        }
    }
}

/// Settings of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Highest learning rate.
    pub learning_rate: f64,
    /// How it moves.
    pub schedule: Schedule,
    /// Decay rates of the moments.
    pub betas: (f64, f64),
    /// Decoupled decay of matrices, embeddings and an adapter's factors included; norms are left alone.
    pub weight_decay: f64,
    /// Longest gradient (2-norm).
    pub clip: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Threads; results do not depend on it.
    pub threads: usize,
    /// Of the products; f32 in checkpoints that do not say.
    #[serde(default)]
    pub precision: Precision,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            learning_rate: 2e-3,
            schedule: Schedule { warmup_steps: 100, flat_fraction: 0.4, final_fraction: 0.05, total_steps: 1000 },
            betas: (0.9, 0.98),
            weight_decay: 0.05,
            clip: 1.0,
            epsilon: 1e-8,
            threads: 2,
            precision: Precision::F32,
        }
    }
}

/// Moments of everything that is trained.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Moments {
    pub fn zero(count: usize) -> Moments {
        Moments { first: vec![0.0; count], second: vec![0.0; count] }
    }
}

/// One AdamW update of a stretch of parameters that share a weight decay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    pub rate: f32,
    pub decay: f32,
    pub scale: f32,
    pub betas: (f32, f32),
    /// 1 − β^t of both moments.
    pub corrections: (f32, f32),
    pub epsilon: f32,
}

impl Update {
    /// θ ← θ − rate·(m̂/(√v̂ + ε) + decay·θ), with the gradient scaled by `scale` first.
    pub fn apply(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        pulp::Arch::new().dispatch(|| {
            let root = self.corrections.1.sqrt();
            let lanes = values.iter_mut().zip(gradient).zip(first.iter_mut().zip(second.iter_mut()));
            for ((value, gradient), (first, second)) in lanes {
                let slope = gradient * self.scale;
                *first = self.betas.0 * *first + (1.0 - self.betas.0) * slope;
                *second = self.betas.1 * *second + (1.0 - self.betas.1) * slope * slope;
                let step = (*first / self.corrections.0) / (second.sqrt() / root + self.epsilon);
                *value -= self.rate * (step + self.decay * *value);
            }
        });
    }
}
