//! A linear scale from values to percentages of a chart's width.

use undermask_measure::Estimate;

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// Left end.
    pub low: f64,
    /// Right end.
    pub high: f64,
}

/// No chart reaches further than this, so that one wild interval does not flatten the others.
const FURTHEST: f64 = 2.5;

impl Scale {
    /// A scale that shows at least `range`, and the estimates as far as is reasonable.
    pub(crate) fn holding<'a>(range: (f64, f64), estimates: impl IntoIterator<Item = &'a Estimate>) -> Scale {
        let (mut low, mut high) = range;
        for estimate in estimates {
            for value in [estimate.low, estimate.high, estimate.estimate] {
                if value.is_finite() {
                    low = low.min(value.max(-FURTHEST));
                    high = high.max(value.min(FURTHEST));
                }
            }
        }
        Scale { low, high }
    }

    /// Where a value lies, 0 to 100, held inside the chart.
    pub(crate) fn percent(&self, value: f64) -> f64 {
        let span = (self.high - self.low).max(1e-9);
        ((value - self.low) / span * 100.0).clamp(0.0, 100.0)
    }

    /// Whether a value lies on the chart.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value >= self.low - 1e-9 && value <= self.high + 1e-9
    }

    /// Round values to label, at most about six.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let span = self.high - self.low;
        let step = [0.1, 0.2, 0.25, 0.5, 1.0, 2.0].into_iter().find(|step| span / step <= 6.0).unwrap_or(5.0);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale { low: -0.3, high: 1.1 };
        assert_eq!(scale.ticks(), vec![-0.25, 0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(Scale { low: -1.0, high: 1.0 }.ticks(), vec![-1.0, -0.5, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_value_outside_stays_on_the_edge() {
        assert_eq!(Scale { low: 0.0, high: 1.0 }.percent(7.0), 100.0);
    }
}
