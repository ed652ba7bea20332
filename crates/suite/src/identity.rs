//! Content addresses: of a suite (thresholds included) and of a trial.

use crate::{ItemKind, Order, Prompt, Suite, TrialId};

/// Hash of what a suite means: comments and the order of keys in its file do not matter, any text or threshold does.
pub(crate) fn suite_hash(suite: &Suite) -> String {
    let mut content = suite.clone();
    content.hash.clear();
    // A struct serialises its fields in their order of declaration, so this text is canonical.
    let text = serde_json::to_vec(&content).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}

/// Hash of everything that one trial shows and scores.
pub(crate) fn trial_id(
    kind: ItemKind,
    context: &str,
    scenario: &str,
    replicate: u32,
    prompt: &Prompt,
    options: &[String],
    order: Option<Order>,
) -> TrialId {
    let text = serde_json::to_vec(&(kind, context, scenario, replicate, prompt, options, order)).unwrap_or_default();
    TrialId(blake3::hash(&text).to_hex()[..32].to_owned())
}

/// Hash of what the two orders of one item share.
pub(crate) fn item_id(
    kind: ItemKind,
    context: &str,
    scenario: &str,
    replicate: u32,
    payoff: (i64, i64),
    swapped: bool,
    turn: usize,
) -> String {
    let text = serde_json::to_vec(&(kind, context, scenario, replicate, payoff, swapped, turn)).unwrap_or_default();
    blake3::hash(&text).to_hex()[..16].to_owned()
}
