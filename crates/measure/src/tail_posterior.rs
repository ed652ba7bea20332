//! What is known of a tail whose form is not known: the posterior of a generalised Pareto tail over its shape and scale.
//!
//! Excesses over a high threshold have survival (1 + ξx/σ)^(−1/ξ) in the limit (Pickands 1975), ξ = 0 being the exponential.
//! A normal or lognormal tail is on its way to that limit for as far as one can see, so its best ξ moves with the
//! threshold, and a fit that takes one ξ for granted is sure of what it cannot know. Here every ξ keeps its weight,
//! and a forecast is the mixture (Coles & Powell 1996; Jones et al. 2025 fit the line ξ = 0 alone). The prior of ξ is a split
//! normal about 0: deviation .2 above, where tails on the scale ψ = −ln(−ln p) seldom are (a lognormal ψ), .4 below, where
//! all that end lie. The prior of σ is flat in ln σ. Both are integrated on a grid: no chance, no convergence.

/// Deviations of the prior of ξ, below and above 0.
const SPREAD: (f64, f64) = (0.4, 0.2);
/// Grid points of ξ, and how many deviations they span on either side.
const SHAPES: (usize, f64) = (31, 3.0);
/// Grid points of ln σ, and how far they span around what ξ and the mean excess say.
const SCALES: (usize, f64) = (57, 0.7);

/// One point of the grid.
struct Point {
    shape: f64,
    scale: f64,
    weight: f64,
}

/// A posterior over tails.
pub(crate) struct TailPosterior {
    points: Vec<Point>,
    mean: f64,
}

/// ln S(x) of a generalised Pareto excess; −∞ beyond its end.
fn log_survival(shape: f64, scale: f64, x: f64) -> f64 {
    if shape.abs() < 1e-9 {
        return -x / scale;
    }
    let stretched = 1.0 + shape * x / scale;
    if stretched <= 0.0 { f64::NEG_INFINITY } else { -stretched.ln() / shape }
}

/// `count` points from −1 to 1.
fn spread(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |place| 2.0 * place as f64 / (count - 1) as f64 - 1.0)
}

impl TailPosterior {
    /// From excesses over a threshold, which are positive in the mean.
    pub fn of(excesses: &[f64]) -> TailPosterior {
        let count = excesses.len() as f64;
        let mean = excesses.iter().sum::<f64>() / count;
        let mut points = Vec::with_capacity(SHAPES.0 * SCALES.0);
        for place in spread(SHAPES.0) {
            let deviations = SHAPES.1 * place;
            let side = if deviations < 0.0 { SPREAD.0 } else { SPREAD.1 };
            let shape = side * deviations;
            // A grid that is wider on one side has a larger cell there.
            let prior = side.ln() - 0.5 * deviations * deviations;
            for step in spread(SCALES.0) {
                // The mean excess is σ/(1 − ξ).
                let scale = mean * (1.0 - shape) * (SCALES.1 * step).exp();
                // ln density = −ln σ + (1 + ξ)·ln S.
                let tails = excesses.iter().map(|x| log_survival(shape, scale, *x)).sum::<f64>();
                let likelihood = -count * scale.ln() + (1.0 + shape) * tails;
                // A tail that ends below an excess is impossible, and one with ξ < −1 has no bounded density.
                let possible = tails.is_finite() && shape >= -1.0;
                points.push(Point {
                    shape,
                    scale,
                    weight: if possible { prior + likelihood } else { f64::NEG_INFINITY },
                });
            }
        }
        let highest = points.iter().map(|point| point.weight).fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for point in &mut points {
            point.weight = if point.weight.is_finite() { (point.weight - highest).exp() } else { 0.0 };
            total += point.weight;
        }
        points.iter_mut().for_each(|point| point.weight /= total);
        // What is left out shifts no quantile: the outermost that are asked for are .5% and 99.5%.
        points.retain(|point| point.weight > 1e-7);
        TailPosterior { points, mean }
    }

    /// Posterior means of scale and shape.
    pub fn means(&self) -> (f64, f64) {
        let mean = |value: fn(&Point) -> f64| self.points.iter().map(|point| point.weight * value(point)).sum();
        (mean(|point| point.scale), mean(|point| point.shape))
    }

    /// P(the largest excess of all lies below x), with `expected` excesses among all and that number known from `seen` of
    /// them: E[exp(−G·S(x)·expected/seen)] over G ~ Gamma(seen) is (1 + S(x)·expected/seen)^(−seen).
    fn below(&self, x: f64, expected: f64, seen: f64) -> f64 {
        let part = |point: &Point| {
            let survival = log_survival(point.shape, point.scale, x).exp();
            point.weight * (-seen * (survival * expected / seen).ln_1p()).exp()
        };
        self.points.iter().map(part).sum()
    }

    /// Quantile of the largest excess, at least 0.
    pub fn largest(&self, probability: f64, expected: f64, seen: usize) -> f64 {
        let below = |x: f64| self.below(x, expected, seen as f64);
        let (mut low, mut high) = (0.0, self.mean);
        for _ in 0..200 {
            if below(high) >= probability {
                break;
            }
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..45 {
            let middle = 0.5 * (low + high);
            if below(middle) < probability { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::TailPosterior;

    #[test]
    fn it_finds_the_shape_that_the_excesses_have() {
        // Quantiles of the generalised Pareto distribution with σ = 1.
        let excesses = |shape: f64| -> Vec<f64> {
            let quantile = |share: f64| if shape == 0.0 { -share.ln() } else { (share.powf(-shape) - 1.0) / shape };
            (0..2000).map(|rank| quantile((f64::from(rank) + 0.5) / 2000.0)).collect()
        };
        for shape in [-0.4, -0.1, 0.0, 0.2] {
            let (scale, found) = TailPosterior::of(&excesses(shape)).means();
            assert!((found - shape).abs() < 0.05 && (scale - 1.0).abs() < 0.06, "{shape}: {found}, σ {scale}");
        }
    }

    #[test]
    fn quantiles_rise_and_follow_the_unit() {
        let excesses: Vec<f64> = (1..=100).map(|rank| -(f64::from(rank) / 101.0).ln()).collect();
        let doubled: Vec<f64> = excesses.iter().map(|excess| 2.0 * excess).collect();
        let (one, two) = (TailPosterior::of(&excesses), TailPosterior::of(&doubled));
        let at = |tail: &TailPosterior| [0.025, 0.5, 0.975].map(|share| tail.largest(share, 1e5, 100));
        let (one, two) = (at(&one), at(&two));
        assert!(one[0] < one[1] && one[1] < one[2], "{one:?}");
        for (one, two) in one.iter().zip(two) {
            assert!((2.0 * one - two).abs() < 1e-6 * two, "{one} and {two}");
        }
    }
}
