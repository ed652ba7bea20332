//! Backward operations and softmaxes of training; the forward ones are the engine's.

use undermask_engine::ops::{dot, exponential, sum};

/// Adds the gradient through a norm to `input_gradient`, and the weight's gradient to `weight_gradient`.
pub(super) fn norm_backward(
    input: &[f32],
    weight: &[f32],
    inverse: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
) {
    let wide = weight.len();
    let mut scaled = vec![0.0f32; wide];
    pulp::Arch::new().dispatch(|| {
        let rows = input.chunks_exact(wide).zip(output_gradient.chunks_exact(wide)).zip(inverse);
        for (((row, slope), inverse), out) in rows.zip(input_gradient.chunks_exact_mut(wide)) {
            for column in 0..wide {
                weight_gradient[column] += slope[column] * row[column] * inverse;
                scaled[column] = slope[column] * weight[column];
            }
            let share = dot(&scaled, row) * inverse * inverse / wide as f32;
            for column in 0..wide {
                out[column] += inverse * (scaled[column] - row[column] * share);
            }
        }
    });
}

/// Turns `gate_up` into its own gradient, given the gradient of the activation.
pub(super) fn gate_backward(gate_up: &mut [f32], output_gradient: &[f32], wide: usize) {
    pulp::Arch::new().dispatch(|| {
        for (pair, slope) in gate_up.chunks_exact_mut(2 * wide).zip(output_gradient.chunks_exact(wide)) {
            let (gate, up) = pair.split_at_mut(wide);
            for ((gate, up), slope) in gate.iter_mut().zip(up).zip(slope) {
                let sigmoid = 1.0 / (1.0 + exponential(-*gate));
                let swish = *gate * sigmoid;
                let gate_slope = slope * *up * (sigmoid + swish * (1.0 - sigmoid));
                *up = slope * swish;
                *gate = gate_slope;
            }
        }
    });
}

/// Turns the gradient of the weights [T, T] into that of the scores: p·(g − Σ p·g)·scale.
pub(super) fn softmax_backward(weights: &[f32], gradient: &mut [f32], length: usize, scale: f32) {
    pulp::Arch::new().dispatch(|| {
        for (row, slopes) in weights.chunks_exact(length).zip(gradient.chunks_exact_mut(length)) {
            let mean = dot(row, slopes);
            for (slope, weight) in slopes.iter_mut().zip(row) {
                *slope = weight * (*slope - mean) * scale;
            }
        }
    });
}

/// Softmax of the causal scores [T, T] in place: row t over columns 0..=t, zeros beyond.
pub(super) fn causal_softmax(scores: &mut [f32], length: usize) {
    pulp::Arch::new().dispatch(|| {
        for (time, row) in scores.chunks_exact_mut(length).enumerate() {
            let (seen, unseen) = row.split_at_mut(time + 1);
            let highest = seen.iter().fold(f32::NEG_INFINITY, |highest, score| highest.max(*score));
            for score in seen.iter_mut() {
                *score = exponential(*score - highest);
            }
            let scale = 1.0 / sum(seen);
            for score in seen.iter_mut() {
                *score *= scale;
            }
            unseen.fill(0.0);
        }
    });
}

/// Softmax of one row of logits in place; returns its log-sum-exp.
pub(super) fn softmax_row(row: &mut [f32]) -> f32 {
    pulp::Arch::new().dispatch(|| {
        const LANES: usize = 16;
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for chunk in row.chunks(LANES) {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = lane.max(*value);
            }
        }
        let highest = lanes.iter().fold(f32::NEG_INFINITY, |highest, lane| highest.max(*lane));
        for value in row.iter_mut() {
            *value = exponential(*value - highest);
        }
        let total = sum(row);
        let scale = 1.0 / total;
        for value in row.iter_mut() {
            *value *= scale;
        }
        highest + total.ln()
    })
}

/// act = silu(gate)·up, from [N, 2I] to [N, I].
pub(super) fn gate_forward(gate_up: &[f32], output: &mut [f32], wide: usize) {
    pulp::Arch::new().dispatch(|| {
        for (pair, out) in gate_up.chunks_exact(2 * wide).zip(output.chunks_exact_mut(wide)) {
            let (gate, up) = pair.split_at(wide);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exponential(-gate)) * up;
            }
        }
    });
}
