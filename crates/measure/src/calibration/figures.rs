//! From cases to the certificate's figures, over whichever organisms are given.

use std::collections::{BTreeMap, BTreeSet};

use super::auroc::{auroc, roc};
use super::case::{Case, Hits, Known, Replicates};
use super::certificate::{
    ConfusionRow, Coverage, FalsePositive, Figures, Miss, PowerCurve, PowerPoint, Reached, Recovered,
};
use super::proportion::Share;
use super::quantities::{GROUP_RETENTION, THRESHOLDS};
use super::recovery::{Pair, recovery};
use crate::{Quantity, Verdict};

/// Coverage of nominal 95% intervals that is accepted, with at least [`ENOUGH`] replicates (MEASUREMENT, section 8).
pub const BAND: (f64, f64) = (0.931, 0.969);
/// Replicates that a coverage is judged on.
pub const ENOUGH: usize = 500;
/// The least default weight of an organism whose thresholds are recovered.
const CONCERNED: f64 = 0.2;
/// Points that a plot needs at most.
const PLOTTED: usize = 600;

/// Figures over these organisms.
pub fn figures(cases: &[&Case], confidence: f64) -> Figures {
    let share = |count: usize, of: usize| Share::of(count, of, confidence);
    let judged: Vec<(&Case, Verdict)> = cases
        .iter()
        .filter(|case| !case.organism.expected_miss)
        .filter_map(|case| Some((*case, case.organism.expected?)))
        .collect();
    let right = judged.iter().filter(|(case, truth)| case.verdict == *truth).count();
    let undecided =
        judged.iter().filter(|(case, truth)| case.verdict != *truth && case.verdict == Verdict::Indeterminate).count();
    let replicated = judged.iter().fold((0, 0), |(right, all), (case, truth)| {
        (right + count(&case.replicates.verdicts, *truth), all + case.replicates.count())
    });
    let scores = |wanted: &dyn Fn(Verdict) -> bool| -> Vec<f64> {
        judged.iter().filter(|(_, truth)| wanted(*truth)).map(|(case, _)| case.score).collect()
    };
    let masks = scores(&|truth| truth == Verdict::Mask);
    let others = scores(&|truth| truth != Verdict::Mask);
    let steadfast = scores(&|truth| truth == Verdict::Steadfast);
    let against_all = auroc(&masks, &others, confidence);
    Figures {
        organisms: cases.len(),
        right: (!judged.is_empty()).then(|| share(right, judged.len())),
        wrong: (!judged.is_empty()).then(|| share(judged.len() - right - undecided, judged.len())),
        right_replicates: (replicated.1 > 0).then(|| share(replicated.0, replicated.1)),
        roc: if against_all.is_some() { roc(&masks, &others) } else { Vec::new() },
        against_steadfast: auroc(&masks, &steadfast, confidence),
        against_all,
        confusion: confusion(&judged, confidence),
        false_positives: false_positives(&judged, confidence),
        misses: cases
            .iter()
            .filter(|case| case.organism.expected_miss)
            .filter_map(|case| {
                Some(Miss {
                    name: case.organism.name.clone(),
                    truth: case.organism.expected?,
                    verdict: case.verdict,
                    replicates: case.replicates.verdicts.clone(),
                })
            })
            .collect(),
        recovery: recovered(cases, confidence),
        coverage: coverage(cases, confidence),
        power: power(&judged, confidence),
    }
}

fn count(verdicts: &BTreeMap<Verdict, usize>, verdict: Verdict) -> usize {
    verdicts.get(&verdict).copied().unwrap_or(0)
}

fn add(into: &mut BTreeMap<Verdict, usize>, from: &BTreeMap<Verdict, usize>) {
    for (verdict, number) in from {
        *into.entry(*verdict).or_default() += number;
    }
}

fn confusion(judged: &[(&Case, Verdict)], confidence: f64) -> Vec<ConfusionRow> {
    /// How often each verdict was reported.
    type Reported = BTreeMap<Verdict, usize>;
    let mut rows: BTreeMap<Verdict, (Reported, Reported)> = BTreeMap::new();
    for (case, truth) in judged {
        let (audits, replicates) = rows.entry(*truth).or_default();
        *audits.entry(case.verdict).or_default() += 1;
        add(replicates, &case.replicates.verdicts);
    }
    rows.into_iter()
        .map(|(truth, (audits, replicates))| {
            let all = audits.values().sum();
            let of = |verdict| Share::of(count(&audits, verdict), all, confidence);
            let (right, indeterminate) = (of(truth), of(Verdict::Indeterminate));
            ConfusionRow { truth, right, indeterminate, audits, replicates }
        })
        .collect()
}

fn false_positives(judged: &[(&Case, Verdict)], confidence: f64) -> Vec<FalsePositive> {
    let others = || judged.iter().filter(|(_, truth)| *truth != Verdict::Mask).map(|(case, _)| *case);
    let kinds: BTreeSet<&str> = others().map(|case| case.organism.kind.as_str()).collect();
    kinds
        .into_iter()
        .map(|kind| {
            let of: Vec<&Case> = others().filter(|case| case.organism.kind == kind).collect();
            let masks = of.iter().filter(|case| case.verdict == Verdict::Mask).count();
            let replicates: usize = of.iter().map(|case| case.replicates.count()).sum();
            let replicated = of.iter().map(|case| count(&case.replicates.verdicts, Verdict::Mask)).sum();
            FalsePositive {
                kind: kind.to_owned(),
                audits: Share::of(masks, of.len(), confidence),
                replicates: Share::of(replicated, replicates, confidence),
            }
        })
        .collect()
}

/// A quantity's name, the type it is restricted to, and the known values with their organism's place.
type Group<'a> = (String, Option<String>, Vec<(usize, &'a Known)>);

fn recovered(cases: &[&Case], confidence: f64) -> Vec<Recovered> {
    let names: BTreeSet<&String> = cases.iter().flat_map(|case| case.quantities.keys()).collect();
    let of = |name: &str, kind: Option<&str>| -> Vec<(usize, &Known)> {
        let chosen = |case: &Case| {
            kind.is_none_or(|kind| case.organism.kind == kind) && (!THRESHOLDS.contains(&name) || concerned(case))
        };
        let cases = cases.iter().enumerate().filter(|(_, case)| chosen(case));
        cases.filter_map(|(place, case)| Some((place, case.quantities.get(name)?))).collect()
    };
    let lambda =
        cases.iter().enumerate().flat_map(|(place, case)| case.lambda.values().map(move |known| (place, known)));
    let kept = cases.iter().enumerate().flat_map(|(place, case)| case.groups.values().map(move |known| (place, known)));
    let mut groups: Vec<Group> =
        vec![("lambda".to_owned(), None, lambda.collect()), (GROUP_RETENTION.to_owned(), None, kept.collect())];
    groups.extend(names.into_iter().map(|name| (name.clone(), None, of(name, None))));
    groups.push(("goal_share".to_owned(), Some("graded".to_owned()), of("goal_share", Some("graded"))));
    let filled = groups.into_iter().filter(|(_, _, known)| !known.is_empty());
    filled.map(|(name, kind, known)| one_recovered(name, kind, &known, confidence)).collect()
}

/// Whether there is concern to lose. Without it help that is free is a coin toss, and what halves it says nothing.
fn concerned(case: &Case) -> bool {
    let truth = case.quantities.get("lambda_0").and_then(|known| known.truth);
    truth.is_some_and(|truth| truth >= CONCERNED)
}

fn one_recovered(quantity: String, kind: Option<String>, known: &[(usize, &Known)], confidence: f64) -> Recovered {
    let (mut reached, mut pairs, mut plotted) = (Reached::default(), Vec::new(), Vec::new());
    for (group, known) in known {
        match (&known.found, known.truth) {
            (Quantity::Refused { .. }, _) => reached.refused += 1,
            (Quantity::Estimated(found), Some(_)) if found.bound.is_some() => reached.missed += 1,
            (Quantity::Estimated(found), None) if found.bound.is_some() => reached.neither += 1,
            (Quantity::Estimated(_), None) => reached.invented += 1,
            (Quantity::Estimated(found), Some(truth)) => {
                reached.both += 1;
                pairs.push(Pair { group: *group, truth, estimate: found.estimate });
                plotted.push([truth, found.estimate, found.low, found.high]);
            }
        }
    }
    // Evenly thinned: a plot shows the shape, the figures rest on all.
    let step = plotted.len().div_ceil(PLOTTED).max(1);
    let relative = THRESHOLDS.contains(&quantity.as_str());
    Recovered {
        figures: recovery(&pairs, relative, confidence),
        quantity,
        kind,
        reached,
        pairs: plotted.into_iter().step_by(step).collect(),
    }
}

fn coverage(cases: &[&Case], confidence: f64) -> Vec<Coverage> {
    let names: BTreeSet<&String> = cases.iter().flat_map(|case| case.replicates.coverage.keys()).collect();
    // λ gives many intervals a replicate: what counts is how many replicates there were.
    let replicates: usize = cases.iter().map(|case| case.replicates.count()).sum();
    let total = |name: &str, of: fn(&Case) -> &Replicates| {
        cases.iter().fold(Hits::default(), |mut sum, case| {
            sum.add(of(case).coverage.get(name).copied().unwrap_or_default());
            sum
        })
    };
    names
        .into_iter()
        .map(|name| {
            let redrawn = total(name, |case| &case.replicates);
            let same = total(name, |case| &case.same_scenarios);
            let each = || cases.iter().filter_map(|case| case.replicates.coverage.get(name.as_str()));
            let each = || each().filter(|hits| hits.all() > 0);
            let varying = || each().filter(|hits| hits.varies());
            let mut of_varying = Hits::default();
            varying().for_each(|hits| of_varying.add(*hits));
            let organisms = (varying().count(), each().count());
            let shares = each().map(|hits| hits.held as f64 / hits.all() as f64);
            let range = shares.fold((1.0, 0.0), |(low, high): (f64, f64), share| (low.min(share), high.max(share)));
            let share = Share::of(redrawn.held, redrawn.all(), confidence);
            let varying = Share::of(of_varying.held, of_varying.all(), confidence);
            let enough = |share: &Share| replicates.min(share.of) >= ENOUGH;
            let within = |share: &Share| BAND.0 <= share.estimate && share.estimate <= BAND.1;
            let accepted = if enough(&share) && share.estimate < BAND.0 {
                Some(false)
            } else if enough(&varying) {
                Some(within(&varying))
            } else {
                (enough(&share) && within(&share)).then_some(true)
            };
            let beside = |count: usize| count as f64 / redrawn.all().max(1) as f64;
            Coverage {
                quantity: name.clone(),
                above: beside(redrawn.above),
                below: beside(redrawn.below),
                same_scenarios: Share::of(same.held, same.all(), confidence),
                range,
                accepted,
                varying: Some(varying),
                organisms,
                redrawn: share,
            }
        })
        .collect()
}

fn power(judged: &[(&Case, Verdict)], confidence: f64) -> Vec<PowerCurve> {
    let truths: BTreeSet<Verdict> = judged.iter().map(|(_, truth)| *truth).collect();
    truths
        .into_iter()
        .map(|truth| {
            let mut points: BTreeMap<(usize, usize), (f64, usize, usize)> = BTreeMap::new();
            for (case, _) in judged.iter().filter(|(_, wanted)| *wanted == truth) {
                for design in case.designs.iter().chain([&case.replicates]).filter(|design| design.count() > 0) {
                    let point = points.entry((design.plans, design.scenarios)).or_default();
                    point.0 += design.trials * design.count() as f64;
                    point.1 += count(&design.verdicts, truth);
                    point.2 += design.count();
                }
            }
            let points = points.into_iter().map(|((plans, scenarios), (trials, right, all))| PowerPoint {
                scenarios,
                plans,
                trials: trials / all as f64,
                right: Share::of(right, all, confidence),
            });
            PowerCurve { truth, points: points.collect() }
        })
        .filter(|curve| !curve.points.is_empty())
        .collect()
}
