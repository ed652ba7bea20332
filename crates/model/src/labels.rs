//! The labels of one question as disjoint events.
//!
//! A label whose tokens begin another label's (`8` and `85`) is also scored for every continuation, so it would always
//! be at least as probable as the longer one. What counts is that it is said and *not* continued to another label:
//! P(8, then not 85) = P(8) − P(85). Labels that begin no other keep their probability. The events are disjoint, so
//! their probabilities sum to at most 1; more means that the computation went wrong.

/// What rounding may add to the sum of probabilities.
const TOLERANCE: f64 = 1e-3;
/// Share of a label's probability below which a difference is rounding in f32.
const RESOLUTION: f64 = 1e-6;

/// Log-probabilities of the disjoint events, from each label's tokens and the log-probability of its tokens.
///
/// # Errors
/// In words, when the figures are no probabilities.
pub(crate) fn disjoint(labels: &[Vec<u32>], log_probabilities: &[f64]) -> Result<Vec<f64>, String> {
    if log_probabilities.iter().any(|value| !value.is_finite()) {
        return Err("a log-probability is not finite; the weights are damaged or need another precision".to_owned());
    }
    let begins = |one: &[u32], two: &[u32]| one.len() < two.len() && two.starts_with(one);
    let exclusive: Vec<f64> = labels
        .iter()
        .zip(log_probabilities)
        .map(|(label, log_probability)| {
            // Only the nearest continuations: those further on are within them.
            let nearest = labels.iter().zip(log_probabilities).filter(|(longer, _)| {
                begins(label, longer) && !labels.iter().any(|between| begins(label, between) && begins(between, longer))
            });
            let continued: f64 = nearest.map(|(_, other)| (other - log_probability).exp()).sum();
            if continued == 0.0 { *log_probability } else { log_probability + (1.0 - continued).max(RESOLUTION).ln() }
        })
        .collect();
    let mass: f64 = exclusive.iter().map(|value| value.exp()).sum();
    if mass > 1.0 + TOLERANCE {
        return Err(format!(
            "the labels' probabilities sum to {mass:.4}; the computation is wrong, report this as a bug"
        ));
    }
    Ok(exclusive)
}

#[cfg(test)]
mod tests {
    use super::disjoint;

    fn check(labels: &[&[u32]], probabilities: &[f64], expected: &[f64]) {
        let labels: Vec<Vec<u32>> = labels.iter().map(|label| label.to_vec()).collect();
        let logs: Vec<f64> = probabilities.iter().map(|probability: &f64| probability.ln()).collect();
        let found = disjoint(&labels, &logs).expect("probabilities");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.exp() - expected).abs() < 1e-12, "{found} is not ln {expected}");
        }
    }

    #[test]
    fn labels_that_begin_no_other_keep_their_probability() {
        check(&[&[1], &[2, 3]], &[0.5, 0.25], &[0.5, 0.25]);
    }

    #[test]
    fn a_label_that_begins_another_loses_what_is_continued() {
        check(&[&[8], &[8, 5], &[8, 5, 0], &[9]], &[0.75, 0.5, 0.25, 0.125], &[0.25, 0.25, 0.25, 0.125]);
    }

    #[test]
    fn a_label_that_is_always_continued_is_improbable_but_finite() {
        let found = disjoint(&[vec![8], vec![8, 5]], &[-0.1, -0.1]).expect("probabilities");
        assert!(found[0].is_finite() && found[0] < -13.0);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert!(disjoint(&[vec![1]], &[f64::NAN]).is_err());
        assert!(disjoint(&[vec![1], vec![2]], &[-0.1, -0.1]).expect_err("a sum").contains("1.8"));
    }
}
