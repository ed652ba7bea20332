//! Minimising a function of a few unknowns without derivatives.

/// The simplex method of Nelder & Mead (1965), restarted from its own result until a restart gains less than
/// `tolerance`. Returns the place and the value there. `step` is the size of the first simplex.
pub(crate) fn simplex(start: &[f64], step: f64, tolerance: f64, function: impl Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let mut best = (start.to_vec(), function(start));
    if start.is_empty() {
        return best;
    }
    for _ in 0..6 {
        let found = descend(&best.0, step, tolerance, &function);
        let gain = best.1 - found.1;
        if gain >= 0.0 {
            best = found;
        }
        if gain < tolerance {
            break;
        }
    }
    best
}

fn descend(start: &[f64], step: f64, tolerance: f64, function: &impl Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let size = start.len();
    let mut corners: Vec<(Vec<f64>, f64)> = vec![(start.to_vec(), function(start))];
    for axis in 0..size {
        let mut place = start.to_vec();
        place[axis] += step;
        let value = function(&place);
        corners.push((place, value));
    }
    for _ in 0..400 * size {
        corners.sort_by(|one, two| one.1.total_cmp(&two.1));
        let spread = (corners[size].1 - corners[0].1).abs();
        let width = (0..size).map(|axis| (corners[size].0[axis] - corners[0].0[axis]).abs()).fold(0.0f64, f64::max);
        if spread < 0.01 * tolerance && width < 1e-6 * (1.0 + step) {
            break;
        }
        let centre: Vec<f64> = (0..size)
            .map(|axis| corners[..size].iter().map(|corner| corner.0[axis]).sum::<f64>() / size as f64)
            .collect();
        let along = |factor: f64, corners: &[(Vec<f64>, f64)]| {
            let place: Vec<f64> =
                centre.iter().zip(&corners[size].0).map(|(middle, worst)| middle + factor * (middle - worst)).collect();
            let value = function(&place);
            (place, value)
        };
        let reflected = along(1.0, &corners);
        if reflected.1 < corners[0].1 {
            let expanded = along(2.0, &corners);
            corners[size] = if expanded.1 < reflected.1 { expanded } else { reflected };
        } else if reflected.1 < corners[size - 1].1 {
            corners[size] = reflected;
        } else {
            let contracted = along(if reflected.1 < corners[size].1 { 0.5 } else { -0.5 }, &corners);
            if contracted.1 < corners[size].1.min(reflected.1) {
                corners[size] = contracted;
            } else {
                let head = corners[0].0.clone();
                for corner in &mut corners[1..] {
                    corner.0.iter_mut().zip(&head).for_each(|(value, best)| *value = best + 0.5 * (*value - best));
                    corner.1 = function(&corner.0);
                }
            }
        }
    }
    corners.sort_by(|one, two| one.1.total_cmp(&two.1));
    corners.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::simplex;

    #[test]
    fn rosenbrocks_valley() {
        let valley = |place: &[f64]| (1.0 - place[0]).powi(2) + 100.0 * (place[1] - place[0] * place[0]).powi(2);
        let (place, value) = simplex(&[-1.2, 1.0], 0.5, 1e-10, valley);
        assert!(value < 1e-9 && (place[0] - 1.0).abs() < 1e-4, "{place:?} {value}");
    }
}
