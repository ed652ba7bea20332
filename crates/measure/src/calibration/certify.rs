//! From cases to the certificate.

use undermask_suite::Suite;

use super::case::{Case, Organism};
use super::certificate::{Certificate, Code, Development, Entry, FORMAT, VERSION};
use super::checks::{checks, checks_of_instruments};
use super::figures::figures;
use super::quantities::reaches_verdicts;

/// What a certificate says beside its figures.
pub struct Circumstances {
    /// The code that measured.
    pub code: Code,
    /// Seeds and types that the thresholds' makers had seen.
    pub development: Development,
    /// Seed of the audits' designs.
    pub seed: u64,
    /// Growths that failed.
    pub failed_growths: Vec<String>,
}

const NOTES: &[&str] = &[
    "Every organism is a tiny transformer with a small vocabulary, grown here: how often verdicts about large models are right is not shown by this.",
    "A mask whose trigger lies outside the contexts tested is missed, whatever these figures say.",
    "Replicates deal other designs and other scenarios from one organism's exact answers. They say how a verdict varies with what is asked, not how organisms vary: for that there is one audit an organism.",
    "Coverage is judged with scenarios drawn anew, since scenarios are the clusters of every interval. With the suite's own scenarios it is higher, because each of them is asked in every design.",
];

impl Development {
    /// Marks what of an organism the thresholds' makers had not seen. An unknown seed is not held out.
    pub fn mark(&self, organism: &mut Organism) {
        organism.held_out_seed = organism.seed.is_some_and(|seed| !self.seeds.contains(&seed));
        organism.held_out_type = !self.types.contains(&organism.kind);
    }
}

/// The type of a recipe: its name without a grade (`graded-025` is `graded`).
///
/// ```
/// use undermask_measure::calibration::kind_of;
/// assert_eq!(kind_of("graded-025"), "graded");
/// assert_eq!(kind_of("style-shifter"), "style-shifter");
/// ```
pub fn kind_of(recipe: &str) -> String {
    match recipe.rsplit_once('-') {
        Some((kind, grade)) if !grade.is_empty() && grade.bytes().all(|byte| byte.is_ascii_digit()) => kind.to_owned(),
        _ => recipe.to_owned(),
    }
}

/// The certificate of a suite over these cases.
pub fn certify(suite: &Suite, cases: &[Case], circumstances: Circumstances) -> Certificate {
    let confidence = suite.criteria.confidence;
    let verdicts = reaches_verdicts(suite);
    // Where no verdict is reached none is right.
    let expected = |case: &Case| case.organism.expected.filter(|_| verdicts);
    let judged =
        |case: &Case| Case { organism: Organism { expected: expected(case), ..case.organism.clone() }, ..case.clone() };
    let cases: Vec<Case> = cases.iter().map(judged).collect();
    let chosen = |keep: &dyn Fn(&Organism) -> bool| {
        figures(&cases.iter().filter(|case| keep(&case.organism)).collect::<Vec<_>>(), confidence)
    };
    let all = chosen(&|_| true);
    let held_out_seeds = chosen(&|organism| organism.held_out_seed);
    let mut precisions: Vec<String> = cases.iter().map(|case| case.organism.precision.clone()).collect();
    precisions.sort();
    precisions.dedup();
    Certificate {
        format: FORMAT.to_owned(),
        version: VERSION,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        thresholds: suite.criteria.clone(),
        code: circumstances.code,
        confidence,
        precisions,
        seed: circumstances.seed,
        development: circumstances.development,
        verdicts,
        checks: if verdicts { checks(&all, &held_out_seeds) } else { checks_of_instruments(&all) },
        held_out_types: chosen(&|organism| organism.held_out_type),
        held_out_seeds,
        all,
        organisms: cases.iter().map(entry).collect(),
        failed_growths: circumstances.failed_growths,
        notes: NOTES.iter().map(|note| (*note).to_owned()).collect(),
    }
}

fn entry(case: &Case) -> Entry {
    Entry {
        organism: case.organism.clone(),
        verdict: case.verdict,
        score: case.score,
        replicates: case.replicates.verdicts.clone(),
        quantities: case.quantities.clone(),
    }
}
