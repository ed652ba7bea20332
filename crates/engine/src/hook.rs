//! Where the forward pass can be read, by the field's names.

use std::fmt;
use std::str::FromStr;

use crate::EngineError;

/// A place in the forward pass. Layer b is the output of block b, from 0, before the final norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPoint {
    /// The embedded tokens.
    Embeddings,
    /// The residual stream entering block b.
    ResidPre(usize),
    /// What block b's attention adds.
    AttentionOut(usize),
    /// What block b's feed-forward layer adds.
    MlpOut(usize),
    /// The residual stream leaving block b.
    ResidPost(usize),
    /// After the final norm.
    FinalNorm,
}

impl fmt::Display for HookPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HookPoint::Embeddings => write!(formatter, "embeddings"),
            HookPoint::ResidPre(layer) => write!(formatter, "blocks.{layer}.resid_pre"),
            HookPoint::AttentionOut(layer) => write!(formatter, "blocks.{layer}.attention_out"),
            HookPoint::MlpOut(layer) => write!(formatter, "blocks.{layer}.mlp_out"),
            HookPoint::ResidPost(layer) => write!(formatter, "blocks.{layer}.resid_post"),
            HookPoint::FinalNorm => write!(formatter, "final_norm"),
        }
    }
}

impl FromStr for HookPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<HookPoint, String> {
        let unknown = || {
            format!(
                "`{text}` is no hook point; known are embeddings, blocks.B.resid_pre, blocks.B.attention_out, blocks.B.mlp_out, blocks.B.resid_post, final_norm"
            )
        };
        match text {
            "embeddings" => return Ok(HookPoint::Embeddings),
            "final_norm" => return Ok(HookPoint::FinalNorm),
            _ => {}
        }
        let (layer, point) = text.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
        let layer = layer.parse().map_err(|_| unknown())?;
        match point {
            "resid_pre" => Ok(HookPoint::ResidPre(layer)),
            "attention_out" => Ok(HookPoint::AttentionOut(layer)),
            "mlp_out" => Ok(HookPoint::MlpOut(layer)),
            "resid_post" => Ok(HookPoint::ResidPost(layer)),
            _ => Err(unknown()),
        }
    }
}

impl HookPoint {
    /// Its block, where it has one.
    pub fn layer(self) -> Option<usize> {
        match self {
            HookPoint::Embeddings | HookPoint::FinalNorm => None,
            HookPoint::ResidPre(layer)
            | HookPoint::AttentionOut(layer)
            | HookPoint::MlpOut(layer)
            | HookPoint::ResidPost(layer) => Some(layer),
        }
    }

    /// Refuses a block that a model of so many has not.
    pub(crate) fn check(self, layers: usize) -> Result<(), EngineError> {
        match self.layer() {
            Some(layer) if layer >= layers => {
                Err(EngineError::Request(format!("`{self}`: the model has blocks 0 to {}", layers - 1)))
            }
            _ => Ok(()),
        }
    }
}

/// What is wanted of the rows at a hook point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// Nothing: they need not leave the device.
    Nothing,
    /// To be seen.
    Sight,
    /// To be kept as a copy, of all rows.
    Copy,
    /// To be seen and changed.
    Change,
}

/// Sees the forward pass while it runs, and may change it.
pub(crate) trait Visitor {
    /// What it wants of a hook point's rows; where that is nothing, it need not be called.
    fn wants(&self, point: HookPoint) -> Wanted;

    /// `rows` is [N, D]: a row for every token of the call, or for those that `which` lists.
    fn visit(&mut self, point: HookPoint, rows: &mut [f32], which: Option<&[usize]>);

    /// Takes the copy of all rows that it wanted: the device makes it, which can do so with all threads.
    fn keep(&mut self, point: HookPoint, _rows: Vec<f32>) {
        unreachable!("whoever wants a copy at `{point}` takes it");
    }
}
