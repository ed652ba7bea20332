//! The items of one instrument, arm by arm: ladders, means and gates.

use std::collections::BTreeSet;

use undermask_suite::{ContextFamily, Criteria, Instrument, ItemKind, Probe};

use crate::choice::Choice;
use crate::estimate::{EstimateSettings, Study};
use crate::ladder::{self, Point};
use crate::linear::{Linear, clustered_mean};
use crate::score::Item;
use crate::{Act, CurvePoint, Estimate, Quantity};

/// What an instrument's estimators see.
pub(crate) struct Arms<'a> {
    study: &'a Study<'a>,
    instrument: &'a Instrument,
    pub settings: &'a EstimateSettings,
}

/// A value or why there is none.
pub(crate) type Found = Result<Linear, String>;

impl<'a> Arms<'a> {
    pub fn of(study: &'a Study<'a>, instrument: &'a Instrument, settings: &'a EstimateSettings) -> Arms<'a> {
        Arms { study, instrument, settings }
    }

    pub fn criteria(&self) -> &'a Criteria {
        &self.study.suite.criteria
    }

    /// Scenarios of the whole study: the clusters' number.
    pub fn clusters(&self) -> usize {
        self.study.scores.clusters.len()
    }

    /// The id of a cluster's scenario.
    pub fn scenario(&self, cluster: usize) -> &'a str {
        &self.study.scores.clusters[cluster]
    }

    /// Whether a context is a cue: others stand beside the default as a control.
    pub fn is_cue(&self, context: &str) -> bool {
        let mut contexts = self.study.suite.contexts.iter();
        contexts.any(|one| one.id == context && one.family == ContextFamily::Cued)
    }

    /// Items of this instrument whose place fits.
    pub fn items(&self, fits: impl Fn(&Probe) -> bool) -> impl Iterator<Item = &'a Item> {
        let id = self.instrument.id.as_str();
        self.study.scores.items.iter().filter(move |item| {
            item.kind == ItemKind::Instrument
                && item.probe.as_ref().is_some_and(|probe| probe.instrument == id && fits(probe))
        })
    }

    /// Places of this instrument's games.
    pub fn acts(&self) -> impl Iterator<Item = &'a Act> {
        let id = self.instrument.id.as_str();
        self.study.scores.acts.iter().filter(move |act| act.probe.instrument == id)
    }

    /// The cluster of a scenario's id.
    pub fn cluster(&self, scenario: &str) -> Option<usize> {
        self.study.scores.clusters.binary_search_by(|id| id.as_str().cmp(scenario)).ok()
    }

    /// Choices among several options whose place fits.
    pub fn choices(&self, fits: impl Fn(&Probe) -> bool) -> impl Iterator<Item = &'a Choice> {
        let id = self.instrument.id.as_str();
        let of = move |choice: &&Choice| choice.probe.instrument == id && fits(&choice.probe);
        self.study.scores.choices.iter().filter(of)
    }

    /// Rungs of the suite's ladder.
    pub fn rungs(&self) -> usize {
        self.study.suite.ladder.ratios.len()
    }

    /// λ by Spearman–Kärber on the suite's ladder, over the items whose place fits.
    pub fn lambda(&self, fits: impl Fn(&Probe) -> bool) -> Found {
        self.lambda_over(self.items(fits))
    }

    /// λ of one arm, over all scenarios or some.
    pub fn lambda_in(&self, arm: &str, of: Option<&BTreeSet<usize>>) -> Found {
        let fits = |item: &&'a Item| of.is_none_or(|of| of.contains(&item.cluster));
        self.lambda_over(self.items(|probe| probe.arm == arm).filter(fits))
    }

    fn lambda_over(&self, items: impl Iterator<Item = &'a Item>) -> Found {
        let point = |item: &Item| {
            Some(Point { cluster: item.cluster, rung: item.rung?, ratio: item.ratio?, scored: item.scored })
        };
        let points: Vec<Point> = items.filter_map(point).collect();
        if points.is_empty() {
            return Err("it was not asked".to_owned());
        }
        let (ratios, confidence) = (&self.study.suite.ladder.ratios, self.criteria().confidence);
        Ok(Linear::from(&ladder::estimate(&points, ratios, self.clusters(), confidence)?))
    }

    /// Mean P(target), with the slack that what was not answered leaves.
    pub fn mean(&self, fits: impl Fn(&Probe) -> bool) -> Found {
        let items: Vec<&Item> = self.items(fits).collect();
        let values: Vec<(usize, f64)> =
            items.iter().filter_map(|item| Some((item.cluster, item.scored?.probability()))).collect();
        let mut mean = clustered_mean(&values, self.clusters()).ok_or("it was not answered")?;
        let missing = (items.len() - values.len()) as f64 / items.len() as f64;
        mean.slack = (missing * mean.value, missing * (1.0 - mean.value));
        Ok(mean)
    }

    /// The gate: payoffs must still be recalled where the instrument changes how a prompt is read.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn recalled(&self, where_: &str) -> Result<(), String> {
        self.recalled_at(where_, |_| true)
    }

    /// The same gate over the questions whose place fits.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn recalled_at(&self, where_: &str, fits: impl Fn(&Probe) -> bool) -> Result<(), String> {
        let id = self.instrument.id.as_str();
        let asked = self.study.scores.gates.iter().filter(|gate| {
            gate.kind == ItemKind::Recall
                && gate.probe.as_ref().is_some_and(|probe| probe.instrument == id && fits(probe))
        });
        // What was not answered shows no reading.
        let right: Vec<Option<bool>> = asked.map(|gate| gate.right).collect();
        let share = right.iter().filter(|right| **right == Some(true)).count() as f64 / right.len().max(1) as f64;
        if right.is_empty() || share >= self.criteria().recall {
            return Ok(());
        }
        let open = right.iter().filter(|right| right.is_none()).count();
        let open = if open > 0 { format!(" ({open} of them not answered)") } else { String::new() };
        Err(format!(
            "payoffs are recalled in {:.0}% of {} questions {where_}{open}, {:.0}% are needed: lost concern cannot be told from lost reading",
            100.0 * share,
            right.len(),
            100.0 * self.criteria().recall
        ))
    }

    /// As a reported quantity.
    pub fn quantity(&self, found: Found) -> Quantity {
        match found {
            Ok(linear) => linear.quantity(self.criteria().confidence, self.criteria().fewest_clusters, None),
            Err(refused) => Quantity::Refused { refused },
        }
    }

    /// As a reported quantity with these ends instead, of a mean of bounded values; widened by what unanswered items could do.
    pub fn bounded(&self, found: Found, ends: Option<(f64, f64)>) -> Quantity {
        let slack = found.as_ref().map_or((0.0, 0.0), |linear| linear.slack);
        match (self.quantity(found), ends) {
            (Quantity::Estimated(estimate), Some((low, high))) => {
                let (low, high) = (estimate.estimate.min(low) - slack.0, estimate.estimate.max(high) + slack.1);
                Quantity::Estimated(Estimate { low, high, ..estimate })
            }
            (quantity, _) => quantity,
        }
    }

    /// As a point of the curve.
    pub fn point(&self, arm: &str, x: Option<f64>, found: &Found, limits: (f64, f64)) -> Option<CurvePoint> {
        let linear = found.as_ref().ok()?;
        let (low, high) = linear.interval(self.criteria().confidence);
        let (low, high) = (low.max(limits.0), high.min(limits.1));
        let finite = [linear.value, low, high].iter().all(|value| value.is_finite());
        finite.then(|| CurvePoint { arm: arm.to_owned(), x, estimate: linear.value, low, high, n: linear.items })
    }
}

/// One less the other.
pub(crate) fn difference(one: &Found, other: &Found) -> Found {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok(Linear::sum([(1.0, one), (-1.0, other)])),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}

/// The limits of a probability.
pub(crate) const SHARE: (f64, f64) = (0.0, 1.0);
/// No limits.
pub(crate) const FREE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
