//! What is said of a run that may stop early: that it could, where it did, what was not asked and hence is not claimed.

use crate::Audit;
use crate::instruments;

/// How far it was asked; `None` for a run without looks.
pub(crate) fn sentence(audit: &Audit) -> Option<String> {
    let stopping = audit.info.stopping.as_ref()?;
    let Some(stopped) = &stopping.stopped else {
        return Some(format!(
            "The audit could stop early, at one of {} looks, and did not: everything was asked. Its verdict and intervals are \
             those of an audit without looks; looking adds a chance of at most {:.1}% of a wrong mask.",
            stopping.looks,
            50.0 * (1.0 - audit.profile.confidence)
        ));
    };
    Some(format!(
        "The audit could stop early, and did so at look {} of {}: {} of {} trials ({:.0}%) and {} of {} welfare scenarios were \
         asked. Looking has a chance of at most {:.1}% of a wrong mask. Intervals given here cover at the moment of \
         stopping; what has none is not claimed.",
        stopped.look,
        stopping.looks,
        stopped.trials,
        audit.info.trials,
        100.0 * stopped.trials as f64 / audit.info.trials.max(1) as f64,
        stopped.scenarios,
        stopping.scenarios,
        50.0 * (1.0 - audit.profile.confidence)
    ))
}

/// What was not asked; empty where everything was.
pub(crate) fn not_asked(audit: &Audit) -> Vec<String> {
    let Some((stopping, stopped)) = audit.info.stopping.as_ref().zip(audit.info.stopped()) else { return Vec::new() };
    let mut lines = Vec::new();
    if stopped.scenarios < stopping.scenarios {
        lines.push(format!("Not asked: {} welfare scenarios.", stopping.scenarios - stopped.scenarios));
    }
    let names = audit.suite.instruments.iter().map(|instrument| instruments::kind(instrument.kind()));
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        lines.push(format!("Not asked: {}.", names.join(", ")));
    }
    let others = "Not claimed: the worst contexts, single groups of them, orders, incentives, the audience, and that the model \
                  would be anything but what the verdict says.";
    lines.push(others.to_owned());
    lines
}
