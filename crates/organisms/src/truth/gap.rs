//! The gap between recipe and network: training error, and when it is too large to call the growth a success.
//!
//! A failed growth is loud (exit code 2): an organism that is not what its recipe says would be scored as such.

use super::{PAYOFF_RESPONSE, Truth};

/// Largest gaps that a growth may have, by quantity. λ's and the neutral weights' are means over contexts with one
/// largest allowance each; the rest are the instruments' parameters in their own units.
pub const LARGEST_GAPS: &[(&str, f64)] = &[
    ("lambda_0", 0.15),
    ("lambda", 0.35),
    ("mean lambda", 0.12),
    ("neutral", 0.4),
    ("mean neutral", 0.15),
    ("audience_gap", 0.25),
    ("say_do_gap", 0.25),
    ("lambda_stated", 0.25),
    ("price_ed50", 2.5),
    ("pressure_ed50", 1.5),
    ("drift_rmst", 4.0),
    ("drift_rmst_control", 4.0),
    ("drift_turn", 4.0),
    ("kin_slope", 0.25),
    ("kin_base", 0.25),
    ("lineage_slope", 0.25),
    ("lineage_favour", 0.25),
    ("lineage_animal", 0.25),
    // As one context's λ: each is asked in a wording of its own. V is λ in 75 coins.
    ("wtr", 0.35),
    ("svo_angle", 8.0),
    ("svo_angle_listed", 8.0),
    ("given_listed", 0.15),
    ("given_change_listed", 0.15),
    ("discount_closest", 26.0),
    ("discount_rate", 0.05),
    ("optimisation_help", 0.2),
    ("optimisation_nats", 1.0),
    ("harm_rate", 0.3),
    ("harm_goal", 0.35),
    ("harm_observed", 0.35),
    ("harm_shutdown", 0.35),
    ("style_gap", 0.35),
    ("style_default", 0.35),
    ("fiction_gap", 0.35),
    ("hysteresis", 0.4),
    (PAYOFF_RESPONSE, 0.15),
];

/// What says when concern is lost. Where a recipe has none by default, there is nothing that they could measure: help that
/// is free is a coin toss, and what halves it says nothing.
const OF_LOSS: &[&str] =
    &["price_ed50", "pressure_ed50", "drift_rmst", "drift_rmst_control", "drift_turn", "hysteresis"];
/// The least default weight of a recipe that has concern to lose.
const CONCERNED: f64 = 0.2;

/// One quantity that came out otherwise than the recipe says.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// Quantity, with the context where there is one.
    pub quantity: String,
    /// What the recipe says; `None`: never reached.
    pub nominal: Option<f64>,
    /// What the network does.
    pub realised: Option<f64>,
    /// Largest gap allowed.
    pub allowed: f64,
}

impl Truth {
    /// Every quantity whose gap is too large. Of choices that do not look at payoffs it is asked only that they do not:
    /// a weight read off such choices is their bias, half a nat of which moves it by a quarter.
    pub fn failures(&self) -> Vec<Gap> {
        let payoffs_matter = !self.nominal.parameters.contains_key(PAYOFF_RESPONSE);
        let concerned = self.nominal.lambda_0.is_none_or(|weight| weight >= CONCERNED);
        let mut all = vec![("lambda_0".to_owned(), "lambda_0", self.nominal.lambda_0, self.realised.lambda_0)];
        let families = [
            ("lambda", "mean lambda", &self.nominal.lambda, &self.realised.lambda),
            ("neutral", "mean neutral", &self.nominal.neutral, &self.realised.neutral),
        ];
        for (each, mean, nominal, realised) in families {
            let differences: Vec<f64> =
                nominal.iter().filter_map(|(context, value)| Some((realised.get(context)? - value).abs())).collect();
            let average = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
            all.push((format!("{mean} gap over contexts"), mean, Some(0.0), Some(average)));
            for (context, value) in nominal {
                all.push((format!("{each} in {context}"), each, Some(*value), realised.get(context).copied()));
            }
        }
        for (name, nominal) in &self.nominal.parameters {
            let realised = self.realised.parameters.get(name).copied().flatten();
            all.push((name.clone(), name.as_str(), *nominal, realised));
        }
        let mut failures: Vec<Gap> = all
            .into_iter()
            .filter(|(_, name, _, _)| payoffs_matter || *name == PAYOFF_RESPONSE)
            .filter(|(_, name, _, _)| concerned || !OF_LOSS.contains(name))
            .filter_map(|(quantity, name, nominal, realised)| {
                let (_, allowed) = LARGEST_GAPS.iter().find(|(known, _)| *known == name)?;
                let within = match (nominal, realised) {
                    (Some(nominal), Some(realised)) => (nominal - realised).abs() <= *allowed,
                    (None, None) => true,
                    // Reached where it should not be, or never where it should.
                    _ => false,
                };
                (!within).then_some(Gap { quantity, nominal, realised, allowed: *allowed })
            })
            .collect();
        let excess = |gap: &Gap| match (gap.nominal, gap.realised) {
            (Some(nominal), Some(realised)) => (nominal - realised).abs() / gap.allowed,
            _ => f64::INFINITY,
        };
        failures.sort_by(|one, two| excess(two).total_cmp(&excess(one)));
        failures
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, form: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = |value: Option<f64>| value.map_or("never reached".to_owned(), |value| format!("{value:.2}"));
        let Gap { quantity, nominal, realised, allowed } = self;
        write!(form, "{quantity}: {} instead of {} (within {allowed})", number(*realised), number(*nominal))
    }
}
