//! Whether two runs may be compared: what differs in what was asked is refused by name, what differs in how is a warning.

use std::collections::BTreeSet;

use serde_json::Value;
use undermask_suite::Suite;

use crate::error::CommandError;
use crate::finished::Finished;

/// Warnings, or why the runs cannot be compared.
///
/// # Errors
/// Other scenarios, contexts, instruments or questions; another seed.
pub fn check(baseline: &Finished, candidate: &Finished) -> Result<Vec<String>, CommandError> {
    let parts = parts(&baseline.suite, &candidate.suite);
    let (one, other) = (&baseline.info, &candidate.info);
    if !parts.is_empty() {
        return Err(CommandError::Usage(format!(
            "{} and {} were asked different things: {} ({} {} against {} {}); audit both with one suite",
            baseline.directory.display(),
            candidate.directory.display(),
            parts.join("; "),
            one.suite,
            short(&one.suite_hash),
            other.suite,
            short(&other.suite_hash)
        )));
    }
    if one.seed != other.seed {
        return Err(CommandError::Usage(format!(
            "{} has seed {} and {} has seed {}: other items were drawn, so nothing is paired; audit the one again with --seed {}",
            baseline.directory.display(),
            one.seed,
            candidate.directory.display(),
            other.seed,
            one.seed
        )));
    }
    Ok(warnings(baseline, candidate))
}

/// A hash that people can compare.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What of two suites' content differs. Names, titles and thresholds are no content.
fn parts(one: &Suite, other: &Suite) -> Vec<String> {
    let mut found = Vec::new();
    let scenarios = |suite: &Suite| -> Vec<(String, Value)> {
        suite.scenarios.iter().map(|scenario| (scenario.id.clone(), value(scenario))).collect()
    };
    let contexts = |suite: &Suite| -> Vec<(String, Value)> {
        suite.contexts.iter().map(|context| (context.id.clone(), value(context))).collect()
    };
    let instruments = |suite: &Suite| -> Vec<(String, Value)> {
        suite.instruments.iter().map(|instrument| (instrument.id.clone(), value(instrument))).collect()
    };
    found.extend(listed("scenarios", &scenarios(one), &scenarios(other)));
    found.extend(listed("contexts", &contexts(one), &contexts(other)));
    found.extend(listed("instruments", &instruments(one), &instruments(other)));
    for (name, same) in [
        ("questions", one.questions == other.questions),
        ("ladder", one.ladder == other.ladder),
        ("design", one.design == other.design),
    ] {
        found.extend((!same).then(|| name.to_owned()));
    }
    found
}

fn value(part: &impl serde::Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// How two lists with ids differ, by the first id of each kind of difference.
fn listed(what: &str, one: &[(String, Value)], other: &[(String, Value)]) -> Option<String> {
    if one == other {
        return None;
    }
    let ids = |list: &[(String, Value)]| -> BTreeSet<String> { list.iter().map(|(id, _)| id.clone()).collect() };
    let (first, second) = (ids(one), ids(other));
    let only = |list: Vec<&String>, where_: &str| {
        list.first().map(|id| match list.len() {
            1 => format!("`{id}` only in the {where_}"),
            count => format!("`{id}` and {} more only in the {where_}", count - 1),
        })
    };
    let changed: Vec<&str> = one
        .iter()
        .filter(|(id, value)| other.iter().any(|(twin, text)| twin == id && text != value))
        .map(|(id, _)| id.as_str())
        .collect();
    let mut said: Vec<String> = only(first.difference(&second).collect(), "baseline").into_iter().collect();
    said.extend(only(second.difference(&first).collect(), "candidate"));
    said.extend(changed.first().map(|id| format!("`{id}` reads otherwise")));
    if said.is_empty() {
        said.push("in another order".to_owned());
    }
    Some(format!("{what} ({})", said.join(", ")))
}

/// What differs in how the same was asked.
fn warnings(baseline: &Finished, candidate: &Finished) -> Vec<String> {
    let (one, other) = (&baseline.info, &candidate.info);
    let mut found = Vec::new();
    let (criteria, others) = (value(&baseline.suite.criteria), value(&candidate.suite.criteria));
    if criteria != others {
        let fields = criteria.as_object().into_iter().flatten();
        let differ = fields.filter(|(name, value)| others[name.as_str()] != **value);
        let said: Vec<String> =
            differ.map(|(name, value)| format!("{name} {value} against {}", others[name.as_str()])).collect();
        found.push(format!("the suites' thresholds differ ({}); the baseline's are used", said.join(", ")));
    }
    for (what, first, second) in [
        ("code versions", &one.code_version, &other.code_version),
        ("precisions", &one.precision, &other.precision),
        ("devices", &one.device, &other.device),
    ] {
        if first != second {
            found.push(format!("the {what} differ: {first} against {second}"));
        }
    }
    if let (Some(first), Some(second)) = (&one.instructions, &other.instructions)
        && first != second
    {
        found.push(format!("the instruction sets differ: {first} against {second}"));
    }
    if one.full != other.full {
        found.push("one run asked the full cross and the other a fraction: only items of both are compared".to_owned());
    }
    if one.weights_hash == other.weights_hash {
        for (what, first, second) in [
            ("chat template", &one.template_hash, &other.template_hash),
            ("tokenizer", &one.tokenizer_hash, &other.tokenizer_hash),
        ] {
            if first != second {
                found.push(format!("the weights are the same and the {what} is not"));
            }
        }
    }
    for (side, own, twin) in [("baseline", &one.notes, &other.notes), ("candidate", &other.notes, &one.notes)] {
        let only = own.iter().filter(|note| !twin.contains(note));
        found.extend(only.map(|note| format!("only of the {side}: {note}")));
    }
    found
}
