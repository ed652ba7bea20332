//! Steps: a batch dealt into a fixed number of shards, their gradients summed in order, clipped, applied.
//!
//! The number of shards does not depend on the number of threads, so results do not either.

use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use undermask_engine::ops::norm_forward;
use undermask_engine::{Operands, ProductScratch, rows_product};

use super::optimizer::{Moments, Update};
use super::packed::Packed;
use super::pass::{Shard, Wanted};
use super::vectors::{STRETCH, add_all, for_each, join_all, square_norm};
use super::{Adapter, AdapterSettings, Distribution, Example, Network, Settings, TrainError, checkpoint};

/// Shards of a batch.
const SHARDS: usize = 4;

/// A tensor's name and its gradient, row by row.
pub type NamedGradient = (String, Vec<f32>);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Number of the step, from 1.
    pub step: usize,
    /// Σ weight·cross-entropy / Σ weight.
    pub loss: f64,
    /// 2-norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate used.
    pub learning_rate: f64,
    /// Tokens read.
    pub tokens: usize,
}

/// What is trained in place of the network's own parameters.
struct Adapted {
    adapter: Adapter,
    /// The network's values without the adapter.
    frozen: Vec<f32>,
    gradient: Vec<f32>,
}

/// A network, or an adapter of a network, in training.
pub struct Trainer {
    /// With the adapter merged, if there is one.
    network: Network,
    adapted: Option<Adapted>,
    settings: Settings,
    moments: Moments,
    step: usize,
    shards: Vec<Shard>,
}

impl Trainer {
    /// Starts a training of a whole network.
    ///
    /// # Errors
    /// [`TrainError::Shape`].
    pub fn new(network: Network, settings: Settings) -> Result<Trainer, TrainError> {
        network.shape.check()?;
        let moments = Moments::zero(network.values.len());
        Ok(Trainer { network, adapted: None, settings, moments, step: 0, shards: Vec::new() })
    }

    /// Starts a training of a fresh adapter; the network stays as it is.
    ///
    /// # Errors
    /// [`TrainError::Shape`], [`TrainError::Adapter`].
    pub fn with_adapter(network: Network, adapter: AdapterSettings, settings: Settings) -> Result<Trainer, TrainError> {
        network.shape.check()?;
        let adapter = Adapter::initialise(&network, adapter)?;
        Trainer::from_adapter(network, adapter, settings)
    }

    /// Starts a training of factors that exist already.
    ///
    /// # Errors
    /// [`TrainError::Adapter`] when they are not this network's.
    pub fn from_adapter(network: Network, adapter: Adapter, settings: Settings) -> Result<Trainer, TrainError> {
        adapter.check_base(&network)?;
        let moments = Moments::zero(adapter.size());
        Ok(Trainer::assemble(network, Some(adapter), settings, moments, 0))
    }

    fn assemble(
        mut network: Network,
        adapter: Option<Adapter>,
        settings: Settings,
        moments: Moments,
        step: usize,
    ) -> Trainer {
        let adapted = adapter.map(|adapter| {
            let frozen = network.values.clone();
            adapter.merge(&frozen, &mut network.values);
            Adapted { adapter, frozen, gradient: Vec::new() }
        });
        Trainer { network, adapted, settings, moments, step, shards: Vec::new() }
    }

    /// Uses another number of threads; results stay the same.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Trainer {
        self.settings.threads = threads;
        self
    }

    /// The adapter in training, if it is one.
    pub fn adapter(&self) -> Option<&Adapter> {
        self.adapted.as_ref().map(|adapted| &adapted.adapter)
    }

    /// The network as it is now, with the adapter merged if one is trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network, the training being over.
    pub fn into_network(self) -> Network {
        self.network
    }

    /// Steps done.
    pub fn step_count(&self) -> usize {
        self.step
    }

    /// Learns from one batch.
    ///
    /// # Errors
    /// [`TrainError::Example`], [`TrainError::NothingToLearn`], [`TrainError::Diverged`].
    pub fn step(&mut self, batch: &[Example]) -> Result<StepReport, TrainError> {
        let loss = self.accumulate(batch)?;
        let gradient = self.adapted.as_ref().map_or(&self.shards[0].gradient, |adapted| &adapted.gradient);
        let gradient_norm = square_norm(self.settings.threads, gradient).sqrt();
        if !loss.is_finite() || !gradient_norm.is_finite() {
            return Err(TrainError::Diverged { step: self.step + 1 });
        }
        let learning_rate = self.settings.learning_rate * self.settings.schedule.factor(self.step);
        self.step += 1;
        let (one, two) = self.settings.betas;
        let update = Update {
            rate: learning_rate as f32,
            decay: self.settings.weight_decay as f32,
            scale: (self.settings.clip / gradient_norm.max(self.settings.clip)) as f32,
            betas: (one as f32, two as f32),
            corrections: ((1.0 - one.powi(self.step as i32)) as f32, (1.0 - two.powi(self.step as i32)) as f32),
            epsilon: self.settings.epsilon as f32,
        };
        let (moments, threads) = (&mut self.moments, self.settings.threads);
        if let Some(Adapted { adapter, frozen, gradient }) = &mut self.adapted {
            let decays = [(0..gradient.len(), update.decay)];
            update_all(threads, update, &decays, &mut adapter.values, gradient, moments);
            adapter.merge(frozen, &mut self.network.values);
        } else {
            let decay = |dimensions: usize| if dimensions == 2 { update.decay } else { 0.0 };
            let parameters = self.network.layout.parameters.iter();
            let decays: Vec<_> = parameters.map(|part| (part.range.clone(), decay(part.shape.len()))).collect();
            update_all(threads, update, &decays, &mut self.network.values, &self.shards[0].gradient, moments);
        }
        let tokens = batch.iter().map(|document| document.tokens.len()).sum();
        Ok(StepReport { step: self.step, loss, gradient_norm, learning_rate, tokens })
    }

    /// Loss and gradient of every tensor that is trained (an adapter's factors under PEFT's names), without a step.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn gradients(&mut self, batch: &[Example]) -> Result<(f64, Vec<NamedGradient>), TrainError> {
        let loss = self.accumulate(batch)?;
        if let Some(adapted) = &self.adapted {
            let named = adapted.adapter.named(&adapted.gradient);
            return Ok((loss, named.into_iter().map(|(name, _, values)| (name, values.to_vec())).collect()));
        }
        let gradient = &self.shards[0].gradient;
        let parameters = &self.network.layout.parameters;
        Ok((loss, parameters.iter().map(|part| (part.name.clone(), gradient[part.range.clone()].to_vec())).collect()))
    }

    /// Runs the shards; the summed gradient ends in the first, and what it is for the adapter beside it.
    fn accumulate(&mut self, batch: &[Example]) -> Result<f64, TrainError> {
        check(batch, self.network.shape.vocabulary)?;
        let targets = batch.iter().flat_map(|document| &document.targets);
        // In f64: a thousand weights summed in f32 would shift every loss by some 1e-5 of itself.
        let total: f64 = targets.map(|target| f64::from(target.weight)).sum();
        if total.is_nan() || total <= 0.0 {
            return Err(TrainError::NothingToLearn);
        }
        let wanted = if self.adapted.is_some() { Wanted::Matrices } else { Wanted::Everything };
        let packed = Packed::of(&self.network, self.settings.precision.operands());
        let dealt = deal(batch);
        let mut shards = std::mem::take(&mut self.shards);
        shards.resize_with(SHARDS, Shard::default);
        let slots: Vec<Mutex<Shard>> = shards.into_iter().map(Mutex::new).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = slots.get(index) else { return };
                if let Ok(mut shard) = slot.lock() {
                    shard.run((&self.network, &packed), &dealt[index], (1.0 / total) as f32, wanted);
                }
            }
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..self.settings.threads.clamp(1, SHARDS)).map(|_| scope.spawn(work)).collect();
            work();
            join_all(others);
        });
        let mut shards: Vec<Shard> =
            slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(|poison| poison.into_inner())).collect();
        let loss = shards.iter().map(|shard| shard.loss).sum();
        let (first, rest) = shards.split_at_mut(1);
        let rest: Vec<&[f32]> = rest.iter().map(|shard| &shard.gradient[..]).collect();
        add_all(self.settings.threads, &mut first[0].gradient, &rest);
        if let Some(adapted) = &mut self.adapted {
            adapted.adapter.gradient(&shards[0].gradient, &mut adapted.gradient);
        }
        self.shards = shards;
        Ok(loss)
    }

    /// Writes everything that continuing needs, whole or not at all.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`].
    pub fn save_checkpoint(&self, path: &Path) -> Result<(), TrainError> {
        let (values, adapter) = match &self.adapted {
            Some(adapted) => (&adapted.frozen, Some(&adapted.adapter)),
            None => (&self.network.values, None),
        };
        checkpoint::save(path, (&self.network.shape, values), adapter, &self.settings, &self.moments, self.step)
    }

    /// Continues from a checkpoint; the next steps are what they would have been.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`].
    pub fn load_checkpoint(path: &Path) -> Result<Trainer, TrainError> {
        let checkpoint::Loaded { network, adapter, settings, moments, step } = checkpoint::load(path)?;
        Ok(Trainer::assemble(network, adapter, settings, moments, step))
    }
}

/// Updates consecutive ranges that fill the vectors, each with its weight decay.
fn update_all(
    threads: usize,
    update: Update,
    decays: &[(Range<usize>, f32)],
    mut values: &mut [f32],
    gradient: &[f32],
    moments: &mut Moments,
) {
    let (mut first, mut second) = (&mut moments.first[..], &mut moments.second[..]);
    let mut tasks = Vec::new();
    for (range, decay) in decays {
        let here = values.split_off_mut(..range.len()).expect("the ranges fill the vectors");
        let first = first.split_off_mut(..range.len()).expect("the ranges fill the vectors");
        let second = second.split_off_mut(..range.len()).expect("the ranges fill the vectors");
        let moments = first.chunks_mut(STRETCH).zip(second.chunks_mut(STRETCH));
        let parts = here.chunks_mut(STRETCH).zip(gradient[range.clone()].chunks(STRETCH)).zip(moments);
        tasks.extend(parts.map(|part| (part, *decay)));
    }
    for_each(threads, tasks.into_iter(), |(((values, gradient), (first, second)), decay)| {
        Update { decay, ..update }.apply(values, gradient, first, second);
    });
}

impl Network {
    /// Logits after every token, [T, V], for tests and small uses.
    ///
    /// # Errors
    /// [`TrainError::Example`] for a token that the vocabulary does not hold.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, TrainError> {
        check(&[Example { tokens: tokens.to_vec(), targets: Vec::new() }], self.shape.vocabulary)?;
        let (count, wide, vocabulary) = (tokens.len(), self.shape.hidden, self.shape.vocabulary);
        let packed = Packed::of(self, Operands::F32);
        let mut shard = Shard::default();
        let residual = shard.residual(self, &packed, tokens);
        let (mut normed, mut inverse) = (vec![0.0; count * wide], vec![0.0; count]);
        norm_forward(
            residual,
            &self.values[self.layout.final_norm.clone()],
            self.shape.norm_epsilon,
            &mut normed,
            &mut inverse,
        );
        let mut logits = vec![0.0; count * vocabulary];
        rows_product(&packed.head.forward, count, &normed, &mut logits, false, &mut ProductScratch::default());
        Ok(logits)
    }
}

fn check(batch: &[Example], vocabulary: usize) -> Result<(), TrainError> {
    for (document, example) in batch.iter().enumerate() {
        let wrong = |why: String| Err(TrainError::Example { document, why });
        if let Some(token) = example.tokens.iter().find(|token| **token as usize >= vocabulary) {
            return wrong(format!("token {token} is outside the vocabulary of {vocabulary}"));
        }
        for target in &example.targets {
            if target.position >= example.tokens.len() {
                return wrong(format!("a target stands at {} of {} tokens", target.position, example.tokens.len()));
            }
            if !(target.weight.is_finite() && target.weight >= 0.0) {
                return wrong(format!("a target has weight {}", target.weight));
            }
            let valid = match &target.distribution {
                Distribution::Token(token) => (*token as usize) < vocabulary,
                Distribution::Soft(list) => {
                    let sum: f32 = list.iter().map(|(_, share)| share).sum();
                    (sum - 1.0).abs() < 1e-3
                        && list.iter().all(|(token, share)| (*token as usize) < vocabulary && *share >= 0.0)
                }
            };
            if !valid {
                return wrong(format!(
                    "the distribution at {} names an unknown token or does not sum to 1",
                    target.position
                ));
            }
        }
    }
    Ok(())
}

/// Deals documents, longest first, to the shard with the fewest tokens.
fn deal(batch: &[Example]) -> Vec<Vec<&Example>> {
    let mut order: Vec<&Example> = batch.iter().filter(|document| !document.tokens.is_empty()).collect();
    order.sort_by_key(|document| std::cmp::Reverse(document.tokens.len()));
    let mut dealt: Vec<(usize, Vec<&Example>)> = vec![(0, Vec::new()); SHARDS];
    for document in order {
        if let Some(lightest) = dealt.iter_mut().min_by_key(|(tokens, _)| *tokens) {
            lightest.0 += document.tokens.len();
            lightest.1.push(document);
        }
    }
    dealt.into_iter().map(|(_, documents)| documents).collect()
}
