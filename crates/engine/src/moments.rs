//! Mean and variance of rows that come one by one (Welford 1962), in f64.

/// Running mean and variance of every number of rows of one width.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    count: u64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Of rows of this width.
    pub fn new(width: usize) -> Moments {
        Moments { count: 0, mean: vec![0.0; width], squares: vec![0.0; width] }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When it has another width.
    pub fn add(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.mean.len(), "rows of one width");
        self.count += 1;
        for ((mean, squares), value) in self.mean.iter_mut().zip(&mut self.squares).zip(row) {
            let from_old = f64::from(*value) - *mean;
            *mean += from_old / self.count as f64;
            *squares += from_old * (f64::from(*value) - *mean);
        }
    }

    /// Number of rows.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean of the rows; zeros before the first.
    pub fn mean(&self) -> Vec<f32> {
        self.mean.iter().map(|mean| *mean as f32).collect()
    }

    /// Unbiased variance of each number; `None` before the second row.
    pub fn variance(&self) -> Option<Vec<f32>> {
        let free = self.count.checked_sub(1).filter(|free| *free > 0)? as f64;
        Some(self.squares.iter().map(|squares| (squares / free) as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Moments;

    #[test]
    fn mean_and_variance_are_those_of_the_rows() {
        let mut moments = Moments::new(2);
        assert_eq!(moments.variance(), None);
        for row in [[1.0, 1e4 + 1.0], [2.0, 1e4 + 2.0], [4.0, 1e4 + 6.0]] {
            moments.add(&row);
        }
        assert_eq!(moments.count(), 3);
        assert_eq!(moments.mean(), [7.0 / 3.0, 1e4 + 3.0]);
        let variance = moments.variance().expect("three rows");
        assert!((variance[0] - 7.0 / 3.0).abs() < 1e-6 && (variance[1] - 7.0).abs() < 1e-6);
    }
}
