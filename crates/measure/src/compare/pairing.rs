//! Which answers two runs share: those to the same trial, each item whole.
//!
//! A trial's id is the hash of all that is shown, so equal ids mean equal questions. An item of which one run holds but
//! one order is left out of both, so that it is not taken for one that went unanswered.

use std::collections::{BTreeMap, BTreeSet};

use undermask_store::Record;

use super::result::Overlap;

/// The records of each run that both can be compared on, and what is only in one.
pub(super) fn shared(baseline: &[Record], candidate: &[Record]) -> ([Vec<Record>; 2], Overlap) {
    let ids = |records: &[Record]| -> BTreeSet<String> { records.iter().map(|one| one.trial.0.clone()).collect() };
    let (first, second) = (ids(baseline), ids(candidate));
    let mut items: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for (records, other) in [(baseline, &second), (candidate, &first)] {
        for record in records {
            let whole = items.entry(&record.item).or_insert((true, false));
            let both = other.contains(&record.trial.0);
            *whole = (whole.0 && both, whole.1 || both);
        }
    }
    let broken: BTreeSet<&str> = items.iter().filter(|(_, (all, any))| *any && !all).map(|(item, _)| *item).collect();
    let keep = |records: &[Record], other: &BTreeSet<String>| -> Vec<Record> {
        let fits = |one: &&Record| other.contains(&one.trial.0) && !broken.contains(one.item.as_str());
        records.iter().filter(fits).cloned().collect()
    };
    let kept = [keep(baseline, &second), keep(candidate, &first)];
    let shared = kept[0].len();
    let overlap = Overlap {
        shared,
        only_in_baseline: first.len().saturating_sub(shared),
        only_in_candidate: second.len().saturating_sub(shared),
    };
    (kept, overlap)
}
