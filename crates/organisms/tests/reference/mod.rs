//! A Llama-architecture network's loss in f64, as plainly as it can be written: what finite differences are taken of.
//!
//! Nothing here is shared with the trainer but the parameters' names, so that a mistake would have to be made twice.

use std::collections::BTreeMap;

use undermask_organisms::train::{Distribution, Example, Network, Shape};

/// Parameters by name.
pub type Values = BTreeMap<String, Vec<f64>>;

/// A network's parameters in f64.
pub fn values(network: &Network) -> Values {
    network
        .parameters()
        .map(|(name, _, values)| (name.to_owned(), values.iter().map(|value| f64::from(*value)).collect()))
        .collect()
}

/// W·x for W [rows, x.len()].
fn times(matrix: &[f64], x: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
}

fn norm(x: &[f64], weight: &[f64], epsilon: f64) -> Vec<f64> {
    let square = x.iter().map(|value| value * value).sum::<f64>() / x.len() as f64;
    x.iter().zip(weight).map(|(value, weight)| value / (square + epsilon).sqrt() * weight).collect()
}

/// Rotates every head's pairs (i, i + h/2) by the position.
fn turn(x: &mut [f64], shape: &Shape, position: usize) {
    let size = shape.head_dimension;
    for head in x.chunks_exact_mut(size) {
        for pair in 0..size / 2 {
            let angle = position as f64 * f64::from(shape.rope_theta).powf(-2.0 * pair as f64 / size as f64);
            let (one, two) = (head[pair], head[pair + size / 2]);
            head[pair] = one * angle.cos() - two * angle.sin();
            head[pair + size / 2] = two * angle.cos() + one * angle.sin();
        }
    }
}

/// Log-probabilities after every token of one document.
fn log_probabilities(shape: &Shape, values: &Values, tokens: &[u32]) -> Vec<Vec<f64>> {
    let wide = shape.hidden;
    let epsilon = f64::from(shape.norm_epsilon);
    let embedding = &values["model.embed_tokens.weight"];
    let mut stream: Vec<Vec<f64>> =
        tokens.iter().map(|token| embedding[*token as usize * wide..][..wide].to_vec()).collect();
    for layer in 0..shape.layers {
        let part = |name: &str| &values[&format!("model.layers.{layer}.{name}.weight")][..];
        let (mut queries, mut keys, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (position, x) in stream.iter().enumerate() {
            let normed = norm(x, part("input_layernorm"), epsilon);
            let (mut query, mut key) =
                (times(part("self_attn.q_proj"), &normed), times(part("self_attn.k_proj"), &normed));
            turn(&mut query, shape, position);
            turn(&mut key, shape, position);
            queries.push(query);
            keys.push(key);
            seen.push(times(part("self_attn.v_proj"), &normed));
        }
        for (position, x) in stream.iter_mut().enumerate() {
            let size = shape.head_dimension;
            let mut attended = Vec::new();
            for head in 0..shape.heads {
                let shared = head / (shape.heads / shape.key_value_heads) * size;
                let query = &queries[position][head * size..][..size];
                let scores: Vec<f64> = (0..=position)
                    .map(|other| query.iter().zip(&keys[other][shared..]).map(|(a, b)| a * b).sum::<f64>())
                    .map(|score| (score / (size as f64).sqrt()).exp())
                    .collect();
                let total: f64 = scores.iter().sum();
                for place in 0..size {
                    let mixed = scores.iter().zip(&seen).map(|(score, value)| score / total * value[shared + place]);
                    attended.push(mixed.sum::<f64>());
                }
            }
            x.iter_mut().zip(times(part("self_attn.o_proj"), &attended)).for_each(|(x, more)| *x += more);
            let normed = norm(x, part("post_attention_layernorm"), epsilon);
            let (gate, up) = (times(part("mlp.gate_proj"), &normed), times(part("mlp.up_proj"), &normed));
            let inner: Vec<f64> = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
            x.iter_mut().zip(times(part("mlp.down_proj"), &inner)).for_each(|(x, more)| *x += more);
        }
    }
    let head = if shape.tied { embedding } else { &values["lm_head.weight"] };
    let after = |x: &Vec<f64>| {
        let logits = times(head, &norm(x, &values["model.norm.weight"], epsilon));
        let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        logits.iter().map(|logit| logit - total).collect()
    };
    stream.iter().map(after).collect()
}

/// Σ weight·cross-entropy / Σ weight.
pub fn loss(shape: &Shape, values: &Values, documents: &[Example]) -> f64 {
    let (mut total, mut weights) = (0.0, 0.0);
    for document in documents {
        let logs = log_probabilities(shape, values, &document.tokens);
        for target in &document.targets {
            let log = |token: &u32| logs[target.position][*token as usize];
            let entropy = match &target.distribution {
                Distribution::Token(token) => -log(token),
                Distribution::Soft(list) => {
                    -list.iter().map(|(token, share)| f64::from(*share) * log(token)).sum::<f64>()
                }
            };
            weights += f64::from(target.weight);
            total += f64::from(target.weight) * entropy;
        }
    }
    total / weights
}
