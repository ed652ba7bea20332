//! Reading the forward pass of one sequence at named hook points, and writing it as safetensors.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::decoder::{Decoder, Segment};
use crate::hook::{HookPoint, Visitor, Wanted};
use crate::{Config, EngineError};

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Activations {
    /// The tokens, T.
    pub tokens: Vec<u32>,
    /// Logits after every token, [T, V].
    pub logits: Vec<f32>,
    /// V.
    pub vocabulary: usize,
    /// Each hook point's rows, [T, D].
    pub points: BTreeMap<HookPoint, Vec<f32>>,
    /// D.
    pub hidden: usize,
}

/// Copies the points that are asked for.
struct Copy {
    points: BTreeMap<HookPoint, Vec<f32>>,
}

impl Visitor for Copy {
    fn wants(&self, point: HookPoint) -> Wanted {
        if self.points.contains_key(&point) { Wanted::Copy } else { Wanted::Nothing }
    }

    fn visit(&mut self, _: HookPoint, _: &mut [f32], _: Option<&[usize]>) {}

    fn keep(&mut self, point: HookPoint, rows: Vec<f32>) {
        self.points.insert(point, rows);
    }
}

pub(crate) fn check(config: &Config, tokens: &[u32]) -> Result<(), EngineError> {
    if tokens.is_empty() {
        return Err(EngineError::Request("there is no token to read; give a text".to_owned()));
    }
    if tokens.len() > config.longest {
        return Err(EngineError::Request(format!(
            "{} tokens are more than the model's {}",
            tokens.len(),
            config.longest
        )));
    }
    match tokens.iter().find(|token| **token as usize >= config.vocabulary) {
        Some(token) => {
            Err(EngineError::Request(format!("token {token} is outside the vocabulary of {}", config.vocabulary)))
        }
        None => Ok(()),
    }
}

pub(crate) fn read(
    config: &Config,
    decoder: &Decoder,
    tokens: &[u32],
    points: &[HookPoint],
) -> Result<Activations, EngineError> {
    check(config, tokens)?;
    for point in points {
        point.check(config.layers)?;
    }
    let mut copy = Copy { points: points.iter().map(|point| (*point, Vec::new())).collect() };
    let mut session = decoder.session(true);
    session.grow(tokens.len())?;
    let segment = Segment {
        rows: 0..tokens.len(),
        position: 0,
        chain: Vec::new(),
        stored: 0,
        long: config.is_long(tokens.len()),
    };
    session.run(tokens, &[segment], None, &mut copy)?;
    let every: Vec<usize> = (0..tokens.len()).collect();
    let normed = session.finish(&every, &mut copy)?;
    let mut logits = session.logits(tokens.len(), &normed)?;
    decoder.cap(&mut logits);
    if logits.iter().any(|logit| !logit.is_finite()) {
        return Err(EngineError::NotFinite(tokens.len()));
    }
    Ok(Activations {
        tokens: tokens.to_vec(),
        logits,
        vocabulary: config.vocabulary,
        points: copy.points,
        hidden: config.hidden,
    })
}

impl Activations {
    /// As a safetensors file: `tokens` [T] i64, `logits` [T, V] and every hook point [T, D] in f32.
    ///
    /// # Errors
    /// [`EngineError::Request`] when the library refuses (a bug).
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EngineError> {
        let refused = |error: safetensors::SafeTensorError| EngineError::Request(error.to_string());
        let length = self.tokens.len();
        let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let tokens = self.tokens.iter().flat_map(|token| i64::from(*token).to_le_bytes()).collect();
        let mut tensors = vec![
            ("tokens".to_owned(), Dtype::I64, vec![length], tokens),
            ("logits".to_owned(), Dtype::F32, vec![length, self.vocabulary], floats(&self.logits)),
        ];
        for (point, rows) in &self.points {
            tensors.push((point.to_string(), Dtype::F32, vec![length, self.hidden], floats(rows)));
        }
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(refused)?))
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        safetensors::serialize(views, None).map_err(refused)
    }
}
