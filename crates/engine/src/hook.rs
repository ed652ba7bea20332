//! Where the forward pass can be read, by the field's names.

use std::fmt;
use std::str::FromStr;

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

/// Reads the forward pass while it runs.
pub trait Observer {
    /// `rows` is [N, D], one row a token of the call.
    fn observe(&mut self, point: HookPoint, rows: &[f32]);
}

/// Reads nothing.
pub(crate) struct Blind;

impl Observer for Blind {
    fn observe(&mut self, _: HookPoint, _: &[f32]) {}
}
