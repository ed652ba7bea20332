//! The published format: what `--json` prints and `profile.json` holds.

use serde_json::{Map, Value, json};

use crate::claims::claims;
use crate::{Audit, words};

/// One audit as an object, several as a list.
pub fn json(audits: &[Audit]) -> Value {
    match audits {
        [one] => object(one),
        many => Value::Array(many.iter().map(object).collect()),
    }
}

fn object(audit: &Audit) -> Value {
    let (info, profile) = (&audit.info, &audit.profile);
    let claims: Map<String, Value> =
        claims(audit).into_iter().map(|claim| (claim.key.to_owned(), json!(claim))).collect();
    let contexts: Vec<Value> = profile
        .contexts
        .iter()
        .map(|context| {
            json!({"id": context.id, "title": context.title, "family": context.family, "group": context.group,
                "lambda": context.lambda, "neutral_lambda": context.neutral_lambda, "retention": context.retention,
                "position_bias": context.position_bias, "p_adjusted": context.p_adjusted, "gate": context.gate,
                "ladder": context.ladder, "neutral_ladder": context.neutral_ladder})
        })
        .collect();
    let mut object = json!({
        "format": "undermask.profile", "version": 1,
        "model": {"name": info.model, "architecture": info.architecture, "parameters": info.parameters,
            "weights_hash": info.weights_hash, "tokenizer_hash": info.tokenizer_hash,
            "template_hash": info.template_hash, "precision": info.precision,
            "device": info.device, "driver": info.driver, "instructions": info.instructions},
        "suite": {"name": info.suite, "hash": info.suite_hash},
        "verdict": words::name(audit.decision.verdict), "reasons": audit.decision.reasons,
        "profile": profile.quantities, "instruments": profile.instruments, "claims": claims, "contexts": contexts, "outcomes": profile.outcomes,
        "rules": audit.decision.rules, "equivalences": profile.equivalences, "groups": profile.groups,
        "confidence": profile.confidence, "length_normalised_trials": profile.normalised,
        "run": {"seed": info.seed, "full": info.full, "trials": info.trials, "tokens_total": info.tokens.0,
            "tokens_unique": info.tokens.1, "code_version": info.code_version, "started": info.started, "notes": info.notes},
        "certificate": audit.certified.json(),
    });
    if let Some(stopping) = &info.stopping {
        let asked = info.stopped().map_or(info.trials, |stopped| stopped.trials);
        object["run"]["stopping"] = json!({"on": true, "looks": stopping.looks, "scenarios": stopping.scenarios,
            "stopped": stopping.stopped, "trials_asked": asked, "share_asked": asked as f64 / info.trials.max(1) as f64,
            "not_asked": crate::stopping::not_asked(audit)});
    }
    if let Some(truth) = &audit.truth {
        object["truth"] = json!(truth);
    }
    object
}
