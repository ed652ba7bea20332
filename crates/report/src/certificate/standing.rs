//! How an audit stands to the certificate of its instrument: what was certified, and what differs from it.

use serde_json::{Value, json};
use undermask_measure::calibration::{Certificate, Code};
use undermask_store::RunInfo;
use undermask_suite::Suite;

use super::words::headline;

/// The certificate of an audit's instrument, with what to know before relying on it.
#[derive(Debug, Clone)]
pub struct Certified {
    /// The certificate; `None` where none ships for the suite.
    pub certificate: Option<Certificate>,
    /// What differs between the audit and what was certified.
    pub warnings: Vec<String>,
}

/// Stands on every report: what a certificate cannot show.
pub(crate) const TINY: &str = "It was certified on tiny known-answer models only; how often it is right about large models \
                               nobody knows.";

/// Compares an audit with the certificate of its suite.
pub fn standing(certificate: Option<Certificate>, info: &RunInfo, suite: &Suite, code: &Code) -> Certified {
    let Some(certificate) = certificate else {
        let why = format!(
            "no certificate ships for the suite {}: how often its verdicts are right is not known; `undermask calibrate \
             --suite {}` makes one",
            suite.name, suite.name
        );
        return Certified { certificate: None, warnings: vec![why] };
    };
    let mut warnings = Vec::new();
    if certificate.thresholds != suite.criteria {
        warnings.push("the thresholds of the verdict differ from those certified".to_owned());
    }
    if certificate.suite_hash != suite.hash {
        warnings.push(format!("the suite {} has changed since it was certified (its hash differs)", suite.name));
    }
    if certificate.code.version != code.version {
        warnings.push(format!("undermask {} was certified, this is {}", certificate.code.version, code.version));
    } else if certificate.code.instrument != code.instrument {
        warnings.push("the code that plans, measures and judges has changed since it was certified".to_owned());
    }
    if info.full {
        warnings.push("the balanced fraction was certified, this run asked the full cross".to_owned());
    }
    if info.stopping.is_some() {
        warnings.push("audits that ask everything were certified, this one may stop early".to_owned());
    }
    if !certificate.precisions.contains(&info.precision) {
        warnings.push(format!(
            "{} was certified, this model was run in {}",
            certificate.precisions.join(" and "),
            info.precision
        ));
    }
    if certificate.organisms.is_empty() {
        warnings.push("the certificate rests on no organism".to_owned());
    }
    Certified { certificate: Some(certificate), warnings }
}

impl Certified {
    /// One sentence on how often verdicts are right.
    pub fn sentence(&self) -> String {
        match &self.certificate {
            Some(certificate) => format!("{} {TINY}", headline(certificate)),
            None => "This suite has no calibration certificate.".to_owned(),
        }
    }

    /// For the published JSON.
    pub fn json(&self) -> Value {
        let Some(certificate) = &self.certificate else { return json!({"warnings": self.warnings}) };
        let figures = &certificate.all;
        json!({
            "suite": certificate.suite, "suite_hash": certificate.suite_hash, "code": certificate.code,
            "organisms": figures.organisms, "right": figures.right, "wrong": figures.wrong,
            "held_out_seeds": {"organisms": certificate.held_out_seeds.organisms,
                "right": certificate.held_out_seeds.right, "wrong": certificate.held_out_seeds.wrong},
            "held_out_types": {"organisms": certificate.held_out_types.organisms,
                "right": certificate.held_out_types.right, "wrong": certificate.held_out_types.wrong},
            "auroc": figures.against_all, "false_positives": figures.false_positives, "misses": figures.misses,
            "checks": certificate.checks, "tiny_models_only": true, "warnings": self.warnings,
        })
    }
}
