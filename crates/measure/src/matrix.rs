//! Small linear systems, for tests and fits with a handful of unknowns.

/// Solves A·x = b by Gaussian elimination with partial pivoting. `matrix` is square, row by row. `None` when it is
/// singular to a relative 10⁻¹².
pub(crate) fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let mut rows: Vec<Vec<f64>> =
        matrix.iter().zip(right).map(|(row, value)| row.iter().copied().chain([*value]).collect()).collect();
    let scale = matrix.iter().flatten().fold(0.0f64, |largest, value| largest.max(value.abs()));
    for column in 0..size {
        let pivot = (column..size).max_by(|one, two| rows[*one][column].abs().total_cmp(&rows[*two][column].abs()))?;
        let top = rows[pivot][column].abs();
        if top <= 1e-12 * scale || !top.is_finite() {
            return None;
        }
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let head = &above[column];
        for row in below {
            let factor = row[column] / head[column];
            for (value, lead) in row.iter_mut().zip(head).skip(column) {
                *value -= factor * lead;
            }
        }
    }
    let mut solution = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| rows[row][column] * solution[column]).sum();
        solution[row] = (rows[row][size] - known) / rows[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn a_system_that_needs_a_swap_and_one_that_has_no_answer() {
        let found = solve(&[vec![0.0, 2.0], vec![4.0, 1.0]], &[6.0, 11.0]).expect("regular");
        assert_eq!(found, vec![2.0, 3.0]);
        assert_eq!(solve(&[vec![1.0, 2.0], vec![2.0, 4.0]], &[1.0, 2.0]), None);
    }
}
