//! The matrices of a network as the products of a step read them: packed once a step, for all shards.

use std::ops::Range;

use undermask_engine::ops::Lay;
use undermask_engine::{Operands, PackedOperand, ProductScratch, add_outer_product};

use super::Network;

/// One matrix [to, from], for both directions.
pub(super) struct PackedMatrix {
    /// Rows [N, from] → [N, to].
    pub forward: PackedOperand,
    /// Gradients [N, to] → [N, from].
    pub back: PackedOperand,
}

/// The matrices of one block.
pub(super) struct PackedBlock {
    pub mixed: PackedMatrix,
    pub output: PackedMatrix,
    pub gate_up: PackedMatrix,
    pub down: PackedMatrix,
}

/// All matrices that are multiplied with.
pub(super) struct Packed {
    operands: Operands,
    pub blocks: Vec<PackedBlock>,
    pub head: PackedMatrix,
}

impl Packed {
    pub fn of(network: &Network, operands: Operands) -> Packed {
        let shape = &network.shape;
        let (wide, inner) = (shape.hidden, shape.intermediate);
        let matrix = |range: &Range<usize>, to: usize, from: usize| {
            let values = &network.values[range.clone()];
            PackedMatrix {
                forward: PackedOperand::pack(operands, to, from, values, Lay::rows(from)),
                back: PackedOperand::pack(operands, from, to, values, Lay::transposed(from)),
            }
        };
        let block = |layout: &super::network::BlockLayout| PackedBlock {
            mixed: matrix(&layout.mixed, shape.mixed_width(), wide),
            output: matrix(&layout.output, wide, shape.query_width()),
            gate_up: matrix(&layout.gate_up, 2 * inner, wide),
            down: matrix(&layout.down, wide, inner),
        };
        Packed {
            operands,
            blocks: network.layout.blocks.iter().map(block).collect(),
            head: matrix(&network.layout.head, shape.vocabulary, wide),
        }
    }

    /// gradient += slopeᵀ·input: [N, to]ᵀ·[N, from] → [to, from], with sizes (N, to, from).
    pub fn add_gradient(
        &self,
        sizes: (usize, usize, usize),
        slope: &[f32],
        input: &[f32],
        gradient: &mut [f32],
        scratch: &mut ProductScratch,
    ) {
        add_outer_product(self.operands, sizes, slope, input, gradient, scratch);
    }
}
