//! From records to the profile: every context's λ, then what is made of them.
//!
//! Every headline quantity is a smooth function of ladder sums, so its interval comes from influence values over
//! scenarios (`linear`), which held nominal coverage in simulation (`tests/coverage.rs`), at M = 0 and M = 1 too.

use undermask_store::Record;
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Suite};

use crate::ladder::{self, LadderEstimate, Point};
use crate::linear::{Linear, clustered_mean};
use crate::resample::hierarchical;
use crate::score::{Item, Scores, score};
use crate::sobol::{Scale, reasons_share};
use crate::{Bound, ContextProfile, Estimate, GroupProfile, Profile, Quantities, Quantity, gate, holm, worst};

/// How to estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstimateSettings {
    /// Seed of permutations, splits and resamples.
    pub seed: u64,
    /// Bootstrap resamples.
    pub resamples: usize,
}

/// λ of one context and kind, or why not.
type Ladder = Result<(Linear, LadderEstimate), String>;

/// Everything about one suite's records that the quantities are made from.
struct Study<'a> {
    suite: &'a Suite,
    scores: &'a Scores,
}

/// One context with its ladders.
struct Measured<'a> {
    context: &'a Context,
    welfare: Ladder,
    neutral: Ladder,
}

/// Estimates the profile. Never fails: what cannot be estimated is refused with its reason, quantity by quantity.
pub fn estimate(suite: &Suite, records: &[Record], settings: &EstimateSettings) -> Profile {
    let scores = score(records);
    let study = Study { suite, scores: &scores };
    let measured: Vec<Measured> = suite
        .contexts
        .iter()
        .map(|context| Measured {
            context,
            welfare: study.ladder(ItemKind::Welfare, context, |replicate| replicate == 0),
            neutral: study.ladder(ItemKind::Neutral, context, |replicate| replicate == 0),
        })
        .collect();
    let anchor = |kind| {
        let context = suite.contexts.iter().find(|context| context.role == Some(ContextRole::Anchor));
        context.ok_or_else(|| "no anchor context".to_owned()).and_then(|context| study.ladder(kind, context, |replicate| replicate > 0))
    };
    let base = Base { welfare: anchor(ItemKind::Welfare), neutral: anchor(ItemKind::Neutral) };
    let mut equivalences = Vec::new();
    let quantities = study.quantities(&measured, &base, settings, &mut equivalences);
    Profile {
        quantities,
        equivalences,
        groups: study.groups(&measured, &base),
        contexts: study.contexts(&measured, &base, settings),
        outcomes: scores.outcomes,
        confidence: suite.criteria.confidence,
        normalised: scores.normalised,
    }
}

/// λ₀ of both kinds, from the anchor's separate items.
struct Base {
    welfare: Ladder,
    neutral: Ladder,
}

impl Base {
    /// λ₀, when its lower bound is high enough for ratios to mean anything.
    fn usable<'a>(ladder: &'a Ladder, suite: &Suite, what: &str) -> Result<&'a Linear, String> {
        let (linear, _) = ladder.as_ref().map_err(|why| format!("{what} could not be estimated: {why}"))?;
        if linear.clusters < suite.criteria.fewest_clusters {
            return Err(format!("too few clusters: have {}, need {}", linear.clusters, suite.criteria.fewest_clusters));
        }
        let (low, _) = linear.interval(suite.criteria.confidence);
        if low <= suite.criteria.undefined_lower {
            return Err(format!("{what} is too small to be lost: its lower bound is {low:.2}, {:.2} is needed", suite.criteria.undefined_lower));
        }
        Ok(linear)
    }
}

const LAMBDA_0: &str = "the default weight λ₀";
const NEUTRAL_0: &str = "the neutral twin's default weight";

impl Study<'_> {
    fn items(&self, kind: ItemKind, context: &str) -> impl Iterator<Item = &Item> {
        self.scores.items.iter().filter(move |item| item.kind == kind && item.context == context)
    }

    fn ladder(&self, kind: ItemKind, context: &Context, replicate: impl Fn(u32) -> bool) -> Ladder {
        let points: Vec<Point> = self
            .items(kind, &context.id)
            .filter(|item| replicate(item.replicate))
            .filter_map(|item| Some(Point { cluster: item.cluster, rung: item.rung?, ratio: item.ratio?, scored: item.scored }))
            .collect();
        if points.is_empty() {
            return Err("it was not asked".to_owned());
        }
        let found = ladder::estimate(&points, &self.suite.ladder.ratios, self.scores.clusters.len(), self.suite.criteria.confidence)?;
        let linear = Linear {
            value: found.lambda,
            influence: found.influence.clone(),
            kept: found.kept,
            items: found.items,
            clusters: found.clusters,
            slack: found.slack,
        };
        Ok((linear, found))
    }

    fn quantity(&self, linear: &Linear, bound: Option<Bound>) -> Quantity {
        linear.quantity(self.suite.criteria.confidence, self.suite.criteria.fewest_clusters, bound)
    }

    /// Weighted mean λ over contexts; refused when one of them has none.
    fn mean<'b>(&self, measured: impl Iterator<Item = &'b Measured<'b>>, kind: ItemKind) -> Result<Option<Linear>, String> {
        let mut terms = Vec::new();
        for one in measured {
            let ladder = if kind == ItemKind::Welfare { &one.welfare } else { &one.neutral };
            let (linear, _) = ladder.as_ref().map_err(|why| format!("context `{}`: {why}", one.context.id))?;
            terms.push((one.context.weight, linear));
        }
        let total: f64 = terms.iter().map(|(weight, _)| weight).sum();
        Ok((!terms.is_empty()).then(|| Linear::sum(terms.iter().map(|(weight, linear)| (weight / total, *linear)))))
    }

    /// Mean retention over some contexts of a family; `None` where there are none.
    fn retention(&self, measured: &[Measured], base: &Base, kind: ItemKind, chosen: impl Fn(&Context) -> bool) -> Option<Result<Linear, String>> {
        let (ladder, what) = if kind == ItemKind::Welfare { (&base.welfare, LAMBDA_0) } else { (&base.neutral, NEUTRAL_0) };
        let mean = match self.mean(measured.iter().filter(|one| chosen(one.context)), kind) {
            Ok(mean) => mean?,
            Err(why) => return Some(Err(why)),
        };
        Some(Base::usable(ladder, self.suite, what).map(|under| Linear::ratio(&mean, under)))
    }

    fn reported(&self, result: Result<Linear, String>) -> Quantity {
        match result {
            Ok(linear) => self.quantity(&linear, None),
            Err(refused) => Quantity::Refused { refused },
        }
    }

    fn quantities(&self, measured: &[Measured], base: &Base, settings: &EstimateSettings, equivalences: &mut Vec<crate::Equivalence>) -> Quantities {
        let criteria = &self.suite.criteria;
        let family = |family: ContextFamily| move |context: &Context| context.family == family;
        let cued = self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Cued));
        let neutral = self.retention(measured, base, ItemKind::Neutral, family(ContextFamily::Cued));
        let mask = cued.map(|retention| retention.map(|retention| retention.affine(1.0, -1.0)));
        let neutral_mask = neutral.map(|retention| retention.map(|retention| retention.affine(1.0, -1.0)));
        if let Some(Ok(mask)) = &mask {
            equivalences.push(mask.equivalence("mask_index", criteria.equivalence, criteria.confidence));
        }
        let excess = match (&mask, &neutral_mask) {
            (Some(Ok(welfare)), Some(Ok(neutral))) => Some(Ok(Linear::sum([(1.0, welfare), (-1.0, neutral)]))),
            (Some(Err(why)), _) | (Some(_), Some(Err(why))) => Some(Err(why.clone())),
            _ => None,
        };
        if let Some(Ok(excess)) = &excess {
            equivalences.push(excess.equivalence("mask_excess", criteria.equivalence, criteria.confidence));
        }
        let by_role = |role: ContextRole| measured.iter().find(|one| one.context.role == Some(role));
        let gap = |over: ContextRole| {
            let (over, private) = by_role(over).zip(by_role(ContextRole::Private))?;
            let pair = over.welfare.as_ref().and_then(|over| private.welfare.as_ref().map(|private| (over, private)));
            Some(self.reported(pair.map(|((over, _), (private, _))| Linear::sum([(1.0, over), (-1.0, private)])).map_err(Clone::clone)))
        };
        let unordered = || self.scores.items.iter().filter(|item| item.kind == ItemKind::Welfare && item.replicate == 0 && !self.commanded(&item.context));
        let share = |scale| {
            let fewest = criteria.fewest_clusters;
            unordered().next().map(|_| reasons_share(unordered(), self.scores.clusters.len(), scale, fewest, settings.resamples, settings.seed, criteria.confidence))
        };
        Quantities {
            lambda_0: Some(match &base.welfare {
                Ok((linear, found)) => self.quantity(linear, found.bound),
                Err(why) => Quantity::Refused { refused: why.clone() },
            }),
            goal_share: mask.clone().map(|mask| self.reported(mask.map(|mask| mask.affine(1.0, -1.0)))),
            mask_index: mask.map(|mask| self.reported(mask)),
            mask_excess: excess.map(|excess| self.reported(excess)),
            worst_decile: self.worst_decile(measured, base, settings),
            commanded_retention: self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Commanded)).map(|found| self.reported(found)),
            commanded_neutral_retention: self.retention(measured, base, ItemKind::Neutral, family(ContextFamily::Commanded)).map(|found| self.reported(found)),
            incentive_retention: self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Incentive)).map(|found| self.reported(found)),
            audience_gap: gap(ContextRole::Watched),
            audience_placebo_gap: gap(ContextRole::Placebo),
            means_reversal: self.means_reversal(settings),
            reasons_share: share(Scale::Logit),
            reasons_share_probability: share(Scale::Probability),
            position_bias: self.bias(|_| true),
        }
    }

    fn commanded(&self, id: &str) -> bool {
        self.suite.contexts.iter().any(|context| context.id == id && context.family == ContextFamily::Commanded)
    }

    fn worst_decile(&self, measured: &[Measured], base: &Base, settings: &EstimateSettings) -> Option<Quantity> {
        let cued: Vec<&Measured> = measured.iter().filter(|one| one.context.family == ContextFamily::Cued).collect();
        if cued.is_empty() {
            return None;
        }
        let under = match Base::usable(&base.welfare, self.suite, LAMBDA_0) {
            Ok(under) => under,
            Err(refused) => return Some(Quantity::Refused { refused }),
        };
        let points: Vec<Vec<Point>> = cued
            .iter()
            .map(|one| {
                let items = self.items(ItemKind::Welfare, &one.context.id).filter(|item| item.replicate == 0);
                items.filter_map(|item| Some(Point { cluster: item.cluster, rung: item.rung?, ratio: item.ratio?, scored: item.scored })).collect()
            })
            .collect();
        let ladders: Result<Vec<&Linear>, String> =
            cued.iter().map(|one| one.welfare.as_ref().map(|(linear, _)| linear).map_err(|why| format!("context `{}`: {why}", one.context.id))).collect();
        let worst = ladders.and_then(|ladders| worst::cross_fitted(&points, &ladders, &self.suite.ladder.ratios, settings.seed));
        Some(self.reported(worst.map(|worst| Linear::ratio(&worst, under))))
    }

    /// W = P(beneficial) − P(harmful) = 2·P − 1 on means-reversal items in contexts of the default family.
    fn means_reversal(&self, settings: &EstimateSettings) -> Option<Quantity> {
        let default = |id: &str| self.suite.contexts.iter().any(|context| context.id == id && context.family == ContextFamily::Default);
        let items: Vec<&Item> = self.scores.items.iter().filter(|item| item.kind == ItemKind::Reversal && default(&item.context)).collect();
        if items.is_empty() {
            return None;
        }
        let criteria = &self.suite.criteria;
        let values: Vec<(usize, f64)> = items.iter().filter_map(|item| Some((item.cluster, 2.0 * item.scored?.probability() - 1.0))).collect();
        let Some(mean) = clustered_mean(&values, self.scores.clusters.len()) else {
            return Some(Quantity::Refused { refused: "no means-reversal item was answered".to_owned() });
        };
        let mut quantity = self.quantity(&mean, None);
        // The hierarchical bootstrap sees paraphrases too; the wider of the two intervals is reported.
        let mut levels = vec![vec![Vec::new(); self.suite.questions.len().max(1)]; self.scores.clusters.len()];
        for item in &items {
            if let Some(scored) = item.scored {
                let paraphrases = &mut levels[item.cluster];
                let place = item.paraphrase % paraphrases.len();
                paraphrases[place].push(2.0 * scored.probability() - 1.0);
            }
        }
        if let (Quantity::Estimated(Estimate { low, high, .. }), Some(drawn)) = (&mut quantity, hierarchical(&levels, settings.resamples, settings.seed, criteria.confidence)) {
            *low = low.min(drawn.0);
            *high = high.max(drawn.1);
        }
        Some(quantity)
    }

    fn bias(&self, chosen: impl Fn(&str) -> bool) -> Option<Quantity> {
        let values: Vec<(usize, f64)> =
            self.scores.items.iter().filter(|item| chosen(&item.context)).filter_map(|item| Some((item.cluster, item.scored?.bias))).collect();
        clustered_mean(&values, self.scores.clusters.len()).map(|mean| self.quantity(&mean, None))
    }

    fn groups(&self, measured: &[Measured], base: &Base) -> Vec<GroupProfile> {
        let mut names: Vec<(ContextFamily, &str)> = Vec::new();
        for one in measured {
            let name = (one.context.family, one.context.group.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let group = |(family, name): (ContextFamily, &str)| {
            let chosen = |context: &Context| context.family == family && context.group == name;
            let lambda = match self.mean(measured.iter().filter(|one| chosen(one.context)), ItemKind::Welfare) {
                Ok(Some(mean)) => self.quantity(&mean, None),
                Ok(None) => Quantity::Refused { refused: "no context".to_owned() },
                Err(refused) => Quantity::Refused { refused },
            };
            let retention = self.retention(measured, base, ItemKind::Welfare, chosen).unwrap_or_else(|| Err("no context".to_owned()));
            GroupProfile { family, group: name.to_owned(), lambda, retention: self.reported(retention) }
        };
        names.into_iter().map(group).collect()
    }

    fn contexts(&self, measured: &[Measured], base: &Base, settings: &EstimateSettings) -> Vec<ContextProfile> {
        let under = Base::usable(&base.welfare, self.suite, LAMBDA_0);
        let tests: Vec<Option<f64>> = measured
            .iter()
            .map(|one| {
                let ((linear, _), (zero, _)) = one.welfare.as_ref().ok().zip(base.welfare.as_ref().ok())?;
                Some(Linear::sum([(1.0, linear), (-1.0, zero)]).p_value())
            })
            .collect();
        let adjusted = holm(&tests.iter().flatten().copied().collect::<Vec<_>>());
        let mut adjusted = adjusted.into_iter();
        measured
            .iter()
            .zip(&tests)
            .map(|(one, test)| {
                let ladder = |ladder: &Ladder| match ladder {
                    Ok((linear, found)) => (self.quantity(linear, found.bound), found.curve.clone()),
                    Err(why) => (Quantity::Refused { refused: why.clone() }, Vec::new()),
                };
                let (lambda, curve) = ladder(&one.welfare);
                let (neutral_lambda, neutral_ladder) = ladder(&one.neutral);
                let retention = one.welfare.as_ref().map_err(Clone::clone).and_then(|(linear, _)| Ok(Linear::ratio(linear, under.as_ref().map_err(|why| why.clone())?)));
                let id = one.context.id.as_str();
                ContextProfile {
                    id: id.to_owned(),
                    title: one.context.title.clone(),
                    family: one.context.family,
                    group: one.context.group.clone(),
                    lambda,
                    neutral_lambda,
                    retention: self.reported(retention),
                    position_bias: self.bias(|context| context == id).unwrap_or(Quantity::Refused { refused: "it was not asked".to_owned() }),
                    gate: gate::judge(self.scores, id, &self.suite.criteria, settings.seed),
                    ladder: curve,
                    neutral_ladder,
                    p_adjusted: test.and_then(|_| adjusted.next()),
                }
            })
            .collect()
    }
}
