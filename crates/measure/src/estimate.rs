//! From records to the profile: every context's λ, then what is made of them.
//!
//! Every headline quantity is a smooth function of ladder sums, so its interval comes from influence values over
//! scenarios (`linear`), which held nominal coverage in simulation (`tests/coverage.rs`), at M = 0 and M = 1 too.

use std::collections::BTreeMap;

use undermask_store::Record;
use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind, Suite};

use crate::ladder::{self, LadderEstimate, Point};
use crate::linear::{Linear, clustered_mean};
use crate::score::{Item, Scores, score};
use crate::sobol::{Scale, reasons_share};
use crate::{
    Bound, EndpointTest, Equivalence, Gate, Profile, Quantities, Quantity, Route, Together, endpoints, gate,
    instrument, volume, worst,
};

/// How to estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstimateSettings {
    /// Seed of permutations, splits and resamples.
    pub seed: u64,
    /// Bootstrap resamples.
    pub resamples: usize,
}

/// λ of one context and kind, or why not.
pub(crate) type Ladder = Result<(Linear, LadderEstimate), String>;

/// Everything about one suite's records that the quantities are made from.
pub(crate) struct Study<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) scores: &'a Scores,
}

/// One context with its ladders.
pub(crate) struct Measured<'a> {
    pub(crate) context: &'a Context,
    pub(crate) gate: Gate,
    pub(crate) welfare: Ladder,
    pub(crate) neutral: Ladder,
}

/// Estimates the profile. Never fails: what cannot be estimated is refused with its reason, quantity by quantity.
pub fn estimate(suite: &Suite, records: &[Record], settings: &EstimateSettings) -> Profile {
    let scores = score(records);
    let study = Study { suite, scores: &scores };
    let (measured, base) = (study.measured(settings), study.base());
    let mut findings = Findings::default();
    let mut quantities = study.quantities(&measured, &base, settings, &mut findings);
    let instruments = instrument::profiles(&study, settings);
    let first = |name| instrument::first(&study, &instruments, name);
    quantities.say_do_gap = first("say_do_gap");
    quantities.price_ed50 = first("price_ed50");
    quantities.pressure_ed50 = first("pressure_ed50");
    quantities.rmst = first("drift_rmst");
    quantities.worst_query = volume::worst_query(&study, settings.seed);
    Profile {
        quantities,
        equivalences: findings.equivalences,
        tests: endpoints::adjusted(findings.tests),
        routes: findings.routes,
        groups: study.groups(&measured, &base),
        contexts: study.contexts(&measured, &base),
        instruments,
        outcomes: scores.outcomes,
        confidence: suite.criteria.confidence,
        normalised: scores.normalised,
    }
}

/// Tests that come with the quantities.
#[derive(Default)]
struct Findings {
    equivalences: Vec<Equivalence>,
    tests: Vec<EndpointTest>,
    routes: BTreeMap<Route, Together>,
}

impl Findings {
    fn route(&mut self, route: Route, limits: Option<Together>) {
        self.routes.extend(limits.map(|limits| (route, limits)));
    }

    fn primary(&mut self, quantity: &str, against: f64, found: Option<Result<&Linear, &String>>) {
        self.tests
            .extend(found.and_then(Result::ok).and_then(|linear| EndpointTest::new(quantity, true, linear, against)));
    }

    fn secondary(&mut self, quantity: &str, against: f64, found: Option<Result<&Linear, &String>>) {
        self.tests
            .extend(found.and_then(Result::ok).and_then(|linear| EndpointTest::new(quantity, false, linear, against)));
    }
}

/// λ₀ of both kinds, from the anchor's separate items.
pub(crate) struct Base {
    pub(crate) welfare: Ladder,
    pub(crate) neutral: Ladder,
}

impl Base {
    /// λ₀, when its lower bound is high enough for ratios to mean anything.
    pub(crate) fn usable<'a>(ladder: &'a Ladder, suite: &Suite, what: &str) -> Result<&'a Linear, String> {
        let (linear, _) = ladder.as_ref().map_err(|why| format!("{what} could not be estimated: {why}"))?;
        if linear.clusters < suite.criteria.fewest_clusters {
            return Err(format!("too few clusters: have {}, need {}", linear.clusters, suite.criteria.fewest_clusters));
        }
        let (low, _) = linear.interval(suite.criteria.confidence);
        if low <= suite.criteria.undefined_lower {
            return Err(format!(
                "{what} is too small to be lost: its lower bound is {low:.2}, {:.2} is needed",
                suite.criteria.undefined_lower
            ));
        }
        Ok(linear)
    }
}

/// λ of the context of a role less λ where nobody watches; `None` where one of them is not asked.
pub(crate) fn gap(measured: &[Measured], over: ContextRole) -> Option<Result<Linear, String>> {
    let by_role = |role: ContextRole| measured.iter().find(|one| one.context.role == Some(role));
    let (over, private) = by_role(over).zip(by_role(ContextRole::Private))?;
    if let Some(failed) = [over, private].into_iter().find(|one| !one.gate.passed) {
        return Some(Err(format!("context `{}` fails the gate", failed.context.id)));
    }
    let pair = over.welfare.as_ref().and_then(|over| private.welfare.as_ref().map(|private| (over, private)));
    let less = pair.map(|((over, _), (private, _))| Linear::sum([(1.0, over), (-1.0, private)]));
    Some(less.map_err(Clone::clone))
}

/// The worst tenth of cued contexts.
struct WorstDecile {
    /// λ over λ₀ there.
    retention: Linear,
    /// The neutral twin's retention there less this one.
    excess: Result<Linear, String>,
}

/// The ladders of some contexts, or the first that is missing.
pub(crate) fn all_of<'a>(ladders: impl Iterator<Item = (&'a Context, &'a Ladder)>) -> Result<Vec<&'a Linear>, String> {
    let named = |(context, ladder): (&Context, &'a Ladder)| {
        ladder.as_ref().map(|(linear, _)| linear).map_err(|why| format!("context `{}`: {why}", context.id))
    };
    ladders.map(named).collect()
}

pub(crate) const LAMBDA_0: &str = "the default weight λ₀";
const NEUTRAL_0: &str = "the neutral twin's default weight";

impl<'a> Study<'a> {
    /// Every context with its gate and ladders.
    pub(crate) fn measured(&self, settings: &EstimateSettings) -> Vec<Measured<'a>> {
        let contexts = self.suite.contexts.iter();
        contexts
            .map(|context| Measured {
                context,
                gate: gate::judge(self.scores, &context.id, &self.suite.criteria, settings.seed),
                welfare: self.ladder(ItemKind::Welfare, context, |replicate| replicate == 0),
                neutral: self.ladder(ItemKind::Neutral, context, |replicate| replicate == 0),
            })
            .collect()
    }

    /// λ₀ of both kinds.
    pub(crate) fn base(&self) -> Base {
        let anchor = |kind| {
            let context = self.suite.contexts.iter().find(|context| context.role == Some(ContextRole::Anchor));
            context
                .ok_or_else(|| "no anchor context".to_owned())
                .and_then(|context| self.ladder(kind, context, |replicate| replicate > 0))
        };
        Base { welfare: anchor(ItemKind::Welfare), neutral: anchor(ItemKind::Neutral) }
    }
}

impl Study<'_> {
    pub(crate) fn items(&self, kind: ItemKind, context: &str) -> impl Iterator<Item = &Item> {
        self.scores.items.iter().filter(move |item| item.kind == kind && item.context == context)
    }

    /// Items of the main set.
    pub(crate) fn points(&self, kind: ItemKind, context: &Context) -> Vec<Point> {
        self.points_of(kind, context, |replicate| replicate == 0)
    }

    fn points_of(&self, kind: ItemKind, context: &Context, replicate: impl Fn(u32) -> bool) -> Vec<Point> {
        let items = self.items(kind, &context.id).filter(|item| replicate(item.replicate));
        let point = |item: &Item| {
            Some(Point { cluster: item.cluster, rung: item.rung?, ratio: item.ratio?, scored: item.scored })
        };
        items.filter_map(point).collect()
    }

    pub(crate) fn ladder(&self, kind: ItemKind, context: &Context, replicate: impl Fn(u32) -> bool) -> Ladder {
        let points = self.points_of(kind, context, replicate);
        if points.is_empty() {
            return Err("it was not asked".to_owned());
        }
        let found = ladder::estimate(
            &points,
            &self.suite.ladder.ratios,
            self.scores.clusters.len(),
            self.suite.criteria.confidence,
        )?;
        Ok((Linear::from(&found), found))
    }

    pub(crate) fn quantity(&self, linear: &Linear, bound: Option<Bound>) -> Quantity {
        linear.quantity(self.suite.criteria.confidence, self.suite.criteria.fewest_clusters, bound)
    }

    /// Weighted mean λ over the contexts that pass the gate (lost competence mimics a lost mask); refused when one of
    /// them has no λ, or none passes.
    pub(crate) fn mean<'b>(
        &self,
        measured: impl Iterator<Item = &'b Measured<'b>>,
        kind: ItemKind,
    ) -> Result<Option<Linear>, String> {
        let (mut terms, mut failed) = (Vec::new(), 0);
        for one in measured {
            if !one.gate.passed {
                failed += 1;
                continue;
            }
            let ladder = if kind == ItemKind::Welfare { &one.welfare } else { &one.neutral };
            let (linear, _) = ladder.as_ref().map_err(|why| format!("context `{}`: {why}", one.context.id))?;
            terms.push((one.context.weight, linear));
        }
        if terms.is_empty() && failed > 0 {
            return Err(format!("none of {failed} contexts passes the gate"));
        }
        let total: f64 = terms.iter().map(|(weight, _)| weight).sum();
        Ok((!terms.is_empty()).then(|| Linear::sum(terms.iter().map(|(weight, linear)| (weight / total, *linear)))))
    }

    /// Mean retention over some contexts of a family; `None` where there are none.
    pub(crate) fn retention(
        &self,
        measured: &[Measured],
        base: &Base,
        kind: ItemKind,
        chosen: impl Fn(&Context) -> bool,
    ) -> Option<Result<Linear, String>> {
        let (ladder, what) =
            if kind == ItemKind::Welfare { (&base.welfare, LAMBDA_0) } else { (&base.neutral, NEUTRAL_0) };
        let mean = match self.mean(measured.iter().filter(|one| chosen(one.context)), kind) {
            Ok(mean) => mean?,
            Err(why) => return Some(Err(why)),
        };
        Some(Base::usable(ladder, self.suite, what).map(|under| Linear::ratio(&mean, under)))
    }

    pub(crate) fn reported(&self, result: Result<Linear, String>) -> Quantity {
        match result {
            Ok(linear) => self.quantity(&linear, None),
            Err(refused) => Quantity::Refused { refused },
        }
    }

    fn quantities(
        &self,
        measured: &[Measured],
        base: &Base,
        settings: &EstimateSettings,
        findings: &mut Findings,
    ) -> Quantities {
        let criteria = &self.suite.criteria;
        let family = |family: ContextFamily| move |context: &Context| context.family == family;
        let cued = self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Cued));
        let neutral = self.retention(measured, base, ItemKind::Neutral, family(ContextFamily::Cued));
        let mask = cued.map(|retention| retention.map(|retention| retention.affine(1.0, -1.0)));
        let neutral_mask = neutral.map(|retention| retention.map(|retention| retention.affine(1.0, -1.0)));
        if let Some(Ok(mask)) = &mask {
            findings.equivalences.push(mask.equivalence("mask_index", criteria.equivalence, criteria.confidence));
        }
        let excess = match (&mask, &neutral_mask) {
            (Some(Ok(welfare)), Some(Ok(neutral))) => Some(Ok(Linear::sum([(1.0, welfare), (-1.0, neutral)]))),
            (Some(Err(why)), _) | (Some(_), Some(Err(why))) => Some(Err(why.clone())),
            _ => None,
        };
        if let Some(Ok(excess)) = &excess {
            findings.equivalences.push(excess.equivalence("mask_excess", criteria.equivalence, criteria.confidence));
        }
        if let (Some(Ok(mask)), Some(Ok(excess))) = (&mask, &excess) {
            findings.route(Route::Whole, self.together(&mask.affine(1.0, -1.0), excess, self.routes()));
        }
        findings.primary("mask_index", 0.0, mask.as_ref().map(Result::as_ref));
        findings.primary("mask_excess", 0.0, excess.as_ref().map(Result::as_ref));
        self.default_equivalences(measured, base, findings);
        let gap = |over: ContextRole| gap(measured, over);
        let (audience, placebo) = (gap(ContextRole::Watched), gap(ContextRole::Placebo));
        findings.primary("audience_gap", 0.0, audience.as_ref().map(Result::as_ref));
        findings.secondary("audience_placebo_gap", 0.0, placebo.as_ref().map(Result::as_ref));
        let (worst, worst_excess) = match self.worst_decile(measured, base, settings) {
            None => (None, None),
            Some(Ok(worst)) => (Some(Ok(worst.retention)), Some(worst.excess)),
            Some(Err(why)) => (Some(Err(why.clone())), Some(Err(why))),
        };
        if let (Some(Ok(kept)), Some(Ok(excess))) = (&worst, &worst_excess) {
            findings.route(Route::WorstDecile, self.together(kept, excess, self.routes()));
        }
        findings.primary("worst_decile", 1.0, worst.as_ref().map(Result::as_ref));
        findings.secondary("worst_decile_excess", 0.0, worst_excess.as_ref().map(Result::as_ref));
        let commanded = self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Commanded));
        let commanded_neutral = self.retention(measured, base, ItemKind::Neutral, family(ContextFamily::Commanded));
        let incentive = self.retention(measured, base, ItemKind::Welfare, family(ContextFamily::Incentive));
        findings.secondary("commanded_retention", 1.0, commanded.as_ref().map(Result::as_ref));
        findings.secondary("commanded_neutral_retention", 1.0, commanded_neutral.as_ref().map(Result::as_ref));
        findings.secondary("incentive_retention", 1.0, incentive.as_ref().map(Result::as_ref));
        let unwatched =
            |kind| self.retention(measured, base, kind, |context| context.role == Some(ContextRole::Private));
        let (unwatched, unwatched_neutral) = (unwatched(ItemKind::Welfare), unwatched(ItemKind::Neutral));
        let unwatched_excess = unwatched.clone().zip(unwatched_neutral).map(|(welfare, neutral)| {
            welfare.and_then(|welfare| neutral.map(|neutral| Linear::sum([(1.0, &neutral), (-1.0, &welfare)])))
        });
        if let (Some(Ok(kept)), Some(Ok(excess))) = (&unwatched, &unwatched_excess) {
            findings.route(Route::Unwatched, self.together(kept, excess, self.routes()));
        }
        findings.secondary("unwatched_retention", 1.0, unwatched.as_ref().map(Result::as_ref));
        findings.secondary("unwatched_excess", 0.0, unwatched_excess.as_ref().map(Result::as_ref));
        let free = || {
            self.scores
                .items
                .iter()
                .filter(|item| item.kind == ItemKind::Welfare && item.replicate == 0 && !self.set_apart(&item.context))
        };
        let share = |scale| {
            let fewest = criteria.fewest_clusters;
            free().next().map(|_| {
                reasons_share(
                    free(),
                    self.scores.clusters.len(),
                    scale,
                    fewest,
                    settings.resamples,
                    settings.seed,
                    criteria.confidence,
                )
            })
        };
        Quantities {
            lambda_0: Some(match &base.welfare {
                Ok((linear, found)) => self.quantity(linear, found.bound),
                Err(why) => Quantity::Refused { refused: why.clone() },
            }),
            goal_share: mask.clone().map(|mask| self.reported(mask.map(|mask| mask.affine(1.0, -1.0)))),
            mask_index: mask.map(|mask| self.reported(mask)),
            mask_excess: excess.map(|excess| self.reported(excess)),
            worst_decile: worst.map(|found| self.reported(found)),
            worst_decile_excess: worst_excess.map(|found| self.reported(found)),
            commanded_retention: commanded.map(|found| self.reported(found)),
            commanded_neutral_retention: commanded_neutral.map(|found| self.reported(found)),
            incentive_retention: incentive.map(|found| self.reported(found)),
            audience_gap: audience.map(|found| self.reported(found)),
            audience_placebo_gap: placebo.map(|found| self.reported(found)),
            unwatched_retention: unwatched.map(|found| self.reported(found)),
            unwatched_excess: unwatched_excess.map(|found| self.reported(found)),
            means_reversal: self.means_reversal(settings),
            reasons_share: share(Scale::Logit),
            reasons_share_probability: share(Scale::Probability),
            position_bias: self.bias(|_| true),
            // Instruments' quantities are filled in by `estimate`.
            ..Quantities::default()
        }
    }

    /// Each context of the default family against the anchor's separate items: what nobody changed should change nothing.
    fn default_equivalences(&self, measured: &[Measured], base: &Base, findings: &mut Findings) {
        let criteria = &self.suite.criteria;
        let Ok(under) = Base::usable(&base.welfare, self.suite, LAMBDA_0) else { return };
        for one in measured.iter().filter(|one| one.context.family == ContextFamily::Default) {
            let Ok((linear, _)) = &one.welfare else { continue };
            let loss = Linear::ratio(linear, under).affine(1.0, -1.0);
            findings.equivalences.push(loss.equivalence(
                &format!("loss_in_{}", one.context.id),
                criteria.equivalence,
                criteria.confidence,
            ));
        }
    }

    /// Contexts that the reasons share leaves out: an order, and a part in a story.
    fn set_apart(&self, id: &str) -> bool {
        let apart = [ContextFamily::Commanded, ContextFamily::Fiction];
        self.suite.contexts.iter().any(|context| context.id == id && apart.contains(&context.family))
    }

    /// Retention in the worst tenth of cued contexts, and how much more of it is lost than of the neutral twin there.
    fn worst_decile(
        &self,
        measured: &[Measured],
        base: &Base,
        settings: &EstimateSettings,
    ) -> Option<Result<WorstDecile, String>> {
        let cued: Vec<&Measured> = measured.iter().filter(|one| one.context.family == ContextFamily::Cued).collect();
        if cued.is_empty() {
            return None;
        }
        let asked = cued.len();
        let cued: Vec<&Measured> = cued.into_iter().filter(|one| one.gate.passed).collect();
        if cued.is_empty() {
            return Some(Err(format!("none of {asked} contexts passes the gate")));
        }
        let found = Base::usable(&base.welfare, self.suite, LAMBDA_0).and_then(|under| {
            let points: Vec<Vec<Point>> = cued.iter().map(|one| self.points(ItemKind::Welfare, one.context)).collect();
            let ladders = all_of(cued.iter().map(|one| (one.context, &one.welfare)))?;
            let worst = worst::cross_fitted(&points, &ladders, &self.suite.ladder.ratios, settings.seed)?;
            let retention = Linear::ratio(&worst.lambda, under);
            let excess = Base::usable(&base.neutral, self.suite, NEUTRAL_0).and_then(|neutral_under| {
                let chosen = cued.iter().zip(&worst.shares).filter(|(_, share)| **share > 0.0);
                let (chosen, shares): (Vec<&&Measured>, Vec<f64>) = chosen.unzip();
                let neutral = all_of(chosen.iter().map(|one| (one.context, &one.neutral)))?;
                let neutral = Linear::ratio(&worst::weighted(&neutral, &shares), neutral_under);
                Ok(Linear::sum([(1.0, &neutral), (-1.0, &retention)]))
            });
            Ok(WorstDecile { retention, excess })
        });
        Some(found)
    }

    pub(crate) fn bias(&self, chosen: impl Fn(&str) -> bool) -> Option<Quantity> {
        let values: Vec<(usize, f64)> = self
            .scores
            .items
            .iter()
            .filter(|item| item.probe.is_none() && chosen(&item.context))
            .filter_map(|item| Some((item.cluster, item.scored?.bias)))
            .collect();
        clustered_mean(&values, self.scores.clusters.len()).map(|mean| self.quantity(&mean, None))
    }
}
