//! Names and forms of tensors: from llama.cpp's to those of the Hugging Face model that the file was made from.

use crate::source::Bytes;
use crate::weights::Tensor;

use super::read::Entry;

/// Bytes that are looked at before their pages are given back.
const CHECKED: usize = 8 << 20;

/// What the file's writer did to a tensor, to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// A head's rows were reordered from two halves to pairs (rotary positions of architecture `llama`).
    Paired {
        heads: usize,
    },
    /// One was added to a norm's weights.
    PlusOne,
}

/// What naming needs to know of the model.
pub(super) struct Naming {
    pub architecture: String,
    pub heads: usize,
    pub key_value_heads: usize,
}

impl Naming {
    /// The Hugging Face name of a tensor; `None` for one that is not a weight of the network (factors of rotary
    /// positions, which the configuration takes up).
    fn name(&self, name: &str) -> Result<Option<(String, Change)>, String> {
        let gemma = self.architecture.starts_with("gemma");
        let norm = if gemma { Change::PlusOne } else { Change::None };
        let unknown = || format!("holds tensor `{name}`, which architecture `{}` does not have", self.architecture);
        match name {
            "token_embd.weight" => return Ok(Some(("model.embed_tokens.weight".to_owned(), Change::None))),
            "output_norm.weight" => return Ok(Some(("model.norm.weight".to_owned(), norm))),
            "output.weight" => return Ok(Some(("lm_head.weight".to_owned(), Change::None))),
            "rope_freqs.weight" | "rope_factors_long.weight" | "rope_factors_short.weight" => return Ok(None),
            _ => {}
        }
        let (block, part) = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
        let block: usize = block.parse().map_err(|_| unknown())?;
        let (part, end) = part.rsplit_once('.').ok_or_else(unknown)?;
        if !matches!(end, "weight" | "bias") {
            return Err(unknown());
        }
        let paired = |heads: usize| {
            if self.architecture == "llama" { Change::Paired { heads } } else { Change::None }
        };
        let (part, change) = match part {
            "attn_q" => ("self_attn.q_proj", paired(self.heads)),
            "attn_k" => ("self_attn.k_proj", paired(self.key_value_heads)),
            "attn_v" => ("self_attn.v_proj", Change::None),
            "attn_qkv" => ("self_attn.qkv_proj", Change::None),
            "attn_output" => ("self_attn.o_proj", Change::None),
            "attn_q_norm" => ("self_attn.q_norm", norm),
            "attn_k_norm" => ("self_attn.k_norm", norm),
            "ffn_gate" => ("mlp.gate_proj", Change::None),
            "ffn_up" if self.architecture == "phi3" => ("mlp.gate_up_proj", Change::None),
            "ffn_up" => ("mlp.up_proj", Change::None),
            "ffn_down" => ("mlp.down_proj", Change::None),
            "attn_norm" => ("input_layernorm", norm),
            "post_attention_norm" => ("post_attention_layernorm", norm),
            "ffn_norm" if gemma => ("pre_feedforward_layernorm", norm),
            "ffn_norm" => ("post_attention_layernorm", norm),
            "post_ffw_norm" => ("post_feedforward_layernorm", norm),
            _ => return Err(unknown()),
        };
        Ok(Some((format!("model.layers.{block}.{part}.{end}"), change)))
    }

    /// A tensor under its Hugging Face name and in its Hugging Face form.
    pub fn tensor(&self, name: &str, entry: &Entry, file: &Bytes) -> Result<Option<(String, Tensor)>, String> {
        let Some((renamed, change)) = self.name(name)? else { return Ok(None) };
        let bytes = &file.as_ref()[entry.range.clone()];
        // Part by part, so that a large file is not in memory whole when nothing is done with it yet.
        for part in bytes.chunks(CHECKED / entry.kind.bytes() * entry.kind.bytes()) {
            if !entry.kind.scales_are_finite(part) {
                return Err(format!("tensor `{name}` has a block whose scale is no number"));
            }
            file.release(part);
        }
        let tensor = match change {
            Change::None => Tensor::mapped(file.clone(), entry.range.clone(), entry.kind, entry.shape.clone()),
            Change::Paired { heads } => {
                let bytes = halves(bytes, entry.shape[0], heads).ok_or_else(|| {
                    format!("tensor `{name}` has {} rows, which {heads} heads do not divide into pairs", entry.shape[0])
                })?;
                Tensor::held(bytes, entry.kind, entry.shape.clone())
            }
            Change::PlusOne => {
                let mut values = vec![0.0; entry.shape.iter().product()];
                entry.kind.dequantise(bytes, &mut values);
                Tensor::floats_held(values.into_iter().map(|value| value - 1.0), entry.shape.clone())
            }
        };
        Ok(Some((renamed, tensor)))
    }
}

/// Rows from pairs back to halves: within each head, row 2p + h becomes row h·(size/2) + p.
fn halves(bytes: &[u8], rows: usize, heads: usize) -> Option<Vec<u8>> {
    if heads == 0 || !rows.is_multiple_of(2 * heads) || !bytes.len().is_multiple_of(rows) {
        return None;
    }
    let (size, wide) = (rows / heads, bytes.len() / rows);
    let mut out = Vec::with_capacity(bytes.len());
    for head in bytes.chunks_exact(size * wide) {
        for half in 0..2 {
            for pair in 0..size / 2 {
                out.extend_from_slice(&head[(2 * pair + half) * wide..][..wide]);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::halves;

    #[test]
    fn pairs_become_halves_within_each_head() {
        // Two heads of six rows of two bytes; llama.cpp's order of the first is 0 3 1 4 2 5.
        let rows: Vec<u8> = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11].iter().flat_map(|row| [*row, *row]).collect();
        let wanted: Vec<u8> = (0..12).flat_map(|row| [row, row]).collect();
        assert_eq!(halves(&rows, 12, 2), Some(wanted));
        assert_eq!(halves(&rows, 12, 4), None);
        assert_eq!(halves(&rows, 12, 0), None);
    }
}
