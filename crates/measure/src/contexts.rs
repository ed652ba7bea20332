//! The profile's tables: every context, and every group of contexts.

use undermask_suite::{Context, ContextFamily, ContextRole, ItemKind};

use crate::estimate::{Base, LAMBDA_0, Ladder, Measured, Study};
use crate::linear::Linear;
use crate::{ContextProfile, GroupProfile, Quantity, Together, holm};

impl Study<'_> {
    /// Retention group by group.
    pub(crate) fn groups(&self, measured: &[Measured], base: &Base) -> Vec<GroupProfile> {
        let mut names: Vec<(ContextFamily, &str)> = Vec::new();
        for one in measured {
            let name = (one.context.family, one.context.group.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let of_family = |wanted: ContextFamily| names.iter().filter(|(family, _)| *family == wanted).count();
        // Groups of cues share one route of several to `mask`; incentives the whole of what `bounded` may err.
        let among = |family: ContextFamily| match family {
            ContextFamily::Cued => of_family(family) * self.routes(),
            _ => of_family(family),
        };
        let group = |(family, name): (ContextFamily, &str)| {
            let chosen = |context: &Context| context.family == family && context.group == name;
            let lambda = match self.mean(measured.iter().filter(|one| chosen(one.context)), ItemKind::Welfare) {
                Ok(Some(mean)) => self.quantity(&mean, None),
                Ok(None) => Quantity::Refused { refused: "no context".to_owned() },
                Err(refused) => Quantity::Refused { refused },
            };
            let retention = self
                .retention(measured, base, ItemKind::Welfare, chosen)
                .unwrap_or_else(|| Err("no context".to_owned()));
            let together = matches!(family, ContextFamily::Cued | ContextFamily::Incentive)
                .then(|| {
                    let welfare = retention.as_ref().ok()?;
                    let neutral = self.retention(measured, base, ItemKind::Neutral, chosen)?.ok()?;
                    self.together(welfare, &Linear::sum([(1.0, &neutral), (-1.0, welfare)]), among(family))
                })
                .flatten();
            GroupProfile { family, group: name.to_owned(), lambda, retention: self.reported(retention), together }
        };
        names.iter().copied().map(group).collect()
    }

    /// Upper limit of one of `count` retentions at the suite's confidence for all of them.
    fn at_most(&self, kept: &Linear, count: usize) -> Option<f64> {
        let criteria = &self.suite.criteria;
        let (_, high) = kept.interval(1.0 - (1.0 - criteria.confidence) / count.max(1) as f64);
        (kept.clusters >= criteria.fewest_clusters && high.is_finite()).then_some(high)
    }

    /// Routes to `mask` that the suite offers: all contexts, the worst tenth, groups, and where nobody watches if it asks there.
    pub(crate) fn routes(&self) -> usize {
        let private = self.suite.contexts.iter().any(|context| context.role == Some(ContextRole::Private));
        3 + usize::from(private)
    }

    /// Limits of one retention and its excess at the suite's confidence for `among` of them together.
    pub(crate) fn together(&self, kept: &Linear, excess: &Linear, among: usize) -> Option<Together> {
        let criteria = &self.suite.criteria;
        let confidence = 1.0 - (1.0 - criteria.confidence) / among.max(1) as f64;
        let (_, kept_at_most) = kept.interval(confidence);
        let (excess_at_least, _) = excess.interval(confidence);
        let known = kept.clusters >= criteria.fewest_clusters && (kept_at_most - excess_at_least).is_finite();
        known.then_some(Together { kept_at_most, excess_at_least })
    }

    /// Every context, with Holm's adjustment over the tests that its λ is λ₀.
    pub(crate) fn contexts(&self, measured: &[Measured], base: &Base) -> Vec<ContextProfile> {
        let under = Base::usable(&base.welfare, self.suite, LAMBDA_0);
        let tests: Vec<Option<f64>> = measured
            .iter()
            .map(|one| {
                let ((linear, _), (zero, _)) = one.welfare.as_ref().ok().zip(base.welfare.as_ref().ok())?;
                Some(Linear::sum([(1.0, linear), (-1.0, zero)]).p_value())
            })
            .collect();
        let is_cued = |one: &Measured| one.context.family == ContextFamily::Cued && one.gate.passed;
        let cued = measured.iter().filter(|one| is_cued(one)).count();
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
                let retention = one
                    .welfare
                    .as_ref()
                    .map_err(Clone::clone)
                    .and_then(|(linear, _)| Ok(Linear::ratio(linear, under.as_ref().map_err(|why| why.clone())?)));
                let kept_at_most =
                    retention.as_ref().ok().filter(|_| is_cued(one)).and_then(|kept| self.at_most(kept, cued));
                let id = one.context.id.as_str();
                ContextProfile {
                    kept_at_most,
                    id: id.to_owned(),
                    anchor: one.context.role == Some(ContextRole::Anchor),
                    title: one.context.title.clone(),
                    family: one.context.family,
                    group: one.context.group.clone(),
                    lambda,
                    neutral_lambda,
                    retention: self.reported(retention),
                    position_bias: self
                        .bias(|context| context == id)
                        .unwrap_or(Quantity::Refused { refused: "it was not asked".to_owned() }),
                    gate: one.gate.clone(),
                    ladder: curve,
                    neutral_ladder,
                    p_adjusted: test.and_then(|_| adjusted.next()),
                }
            })
            .collect()
    }
}
