//! Dealing one organism's replicates on all threads: thousands of audits from one table of answers.

use rayon::prelude::*;
use undermask_measure::calibration::{Deal, Enumerated, Replicate, Replicates, Truths, gather, replicate};
use undermask_suite::{ScenarioKind, Suite};

use crate::error::CommandError;
use crate::progress::{Bar, interrupted};

/// Bootstrap resamples within a replicate.
const RESAMPLES: usize = 400;
/// Replicates between two looks at ctrl-C.
const AT_ONCE: usize = 16;

/// How many.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Of the whole design.
    pub replicates: usize,
    /// Whether the whole design over the suite's own scenarios and other sizes are dealt too, fewer of each.
    pub designs: bool,
}

/// Replicates of one organism in every design.
pub struct Dealt {
    /// The whole design, scenarios drawn anew.
    pub whole: Replicates,
    /// The whole design over the suite's own scenarios.
    pub same: Replicates,
    /// Other sizes.
    pub designs: Vec<Replicates>,
}

/// Deals them; `None` when the user stopped it.
///
/// # Errors
/// When the table belongs to another suite.
pub fn deal(
    suite: &Suite,
    table: &Enumerated,
    truths: &Truths,
    (name, seed): (&str, u64),
    wanted: Wanted,
) -> Result<Option<Dealt>, CommandError> {
    let scenarios = suite.scenarios.iter().filter(|scenario| scenario.kind == ScenarioKind::Welfare).count();
    // There are nine other designs; what the figures rest on is the whole one.
    let count = wanted.replicates;
    let fewer = if wanted.designs { count.div_ceil(36) } else { 0 };
    let sizes = if wanted.designs { sizes(scenarios) } else { Vec::new() };
    let mut bar = Bar::new(&format!("{name} replicates"), "audits", count + fewer * (1 + sizes.len()));
    let (mut done, mut stream) = (0, 0);
    let mut run =
        |scenarios: usize, plans: usize, redrawn: bool, count: usize| -> Result<Option<Replicates>, CommandError> {
            stream += 1;
            let mut found: Vec<Replicate> = Vec::with_capacity(count);
            while found.len() < count {
                if interrupted() {
                    return Ok(None);
                }
                let numbers = found.len()..count.min(found.len() + AT_ONCE);
                let part: Result<Vec<Replicate>, _> = numbers
                    .into_par_iter()
                    .map(|number| {
                        let seed = seed ^ (stream << 32) ^ number as u64;
                        let deal = Deal { seed, scenarios: Some(scenarios), plans, redrawn };
                        replicate(suite, table, truths, &deal, RESAMPLES)
                    })
                    .collect();
                found.extend(part.map_err(|error| CommandError::Usage(format!("{name}: {error}")))?);
                bar.set(done + found.len(), "");
            }
            done += found.len();
            Ok(Some(gather(scenarios, plans, &found)))
        };
    let Some(whole) = run(scenarios, 1, true, count)? else { return Ok(None) };
    let Some(same) = run(scenarios, 1, false, fewer)? else { return Ok(None) };
    let mut designs = Vec::with_capacity(sizes.len());
    for (scenarios, plans) in sizes {
        let Some(design) = run(scenarios, plans, true, fewer)? else { return Ok(None) };
        designs.push(design);
    }
    Ok(Some(Dealt { whole, same, designs }))
}

/// Smaller and larger designs than the whole: welfare scenarios, and plans laid over each other.
fn sizes(scenarios: usize) -> Vec<(usize, usize)> {
    let part = |over: usize, under: usize| (scenarios * over).div_ceil(under).max(1);
    let mut sizes = vec![
        (part(1, 4), 1),
        (part(1, 3), 1),
        (part(1, 2), 1),
        (part(3, 4), 1),
        (part(1, 4), 2),
        (part(1, 2), 2),
        (scenarios, 2),
        (part(1, 4), 4),
    ];
    sizes.sort_unstable();
    sizes.dedup();
    sizes.retain(|size| *size != (scenarios, 1));
    sizes
}
