//! Words for instruments: what each quantity says, and what of it stands on the page and in the terminal.

use undermask_measure::{InstrumentProfile, Profile, Quantity};
use undermask_suite::InstrumentKind;

use crate::chart;
use crate::words;

/// One instrument on the page.
pub(crate) struct InstrumentView {
    pub title: String,
    pub kind: &'static str,
    pub svg: String,
    pub caption: &'static str,
    pub rows: Vec<(&'static str, &'static str, String)>,
    pub tests: Vec<String>,
    pub null: String,
    pub notes: Vec<String>,
    /// What the terminal says beside the figures: tests, or where there are many of them what follows from them.
    pub brief: Vec<String>,
}

/// Every instrument of a profile, by kind.
pub(crate) fn views(profile: &Profile) -> Vec<InstrumentView> {
    let mut found: Vec<&InstrumentProfile> = profile.instruments.values().collect();
    found.sort_by_key(|instrument| instrument.kind);
    found.into_iter().map(view).collect()
}

fn view(profile: &InstrumentProfile) -> InstrumentView {
    let tests: Vec<String> = profile.tests.iter().map(|test| format!("{}: {}", test.name, p_value(test.p))).collect();
    // Two tests a form would be a wall of figures: the notes say what they decide, and the profile holds them all.
    let many = profile.kind == InstrumentKind::Forms;
    InstrumentView {
        brief: if many { profile.notes.clone() } else { tests.clone() },
        title: profile.title.clone(),
        kind: if on_lineage(profile) { "lineage" } else { kind(profile.kind) },
        svg: chart::instrument(profile),
        caption: if on_lineage(profile) { LINEAGE } else { caption(profile.kind) },
        rows: rows(profile),
        tests: if many { Vec::new() } else { tests },
        null: profile.null.clone(),
        notes: profile.notes.clone(),
    }
}

/// Whether a kin instrument's relations are those of a model's lineage.
pub(crate) fn on_lineage(profile: &InstrumentProfile) -> bool {
    profile.kind == InstrumentKind::Kin && profile.quantities.contains_key("lineage_slope")
}

/// What the plot of lineage shows.
const LINEAGE: &str = "Weight of others by nearness in lineage, from an animal (0) to the same weights (1); hollow dots are the neutral twin, in which the same ones are named and nobody gains.";

/// Name, what it says, and figure of each quantity; the headline first. A reason to refuse is given once: gates refuse most
/// of a card's quantities together.
pub(crate) fn rows(profile: &InstrumentProfile) -> Vec<(&'static str, &'static str, String)> {
    let mut refusals: Vec<&str> = Vec::new();
    let mut rows = Vec::new();
    for (key, name, says) in WORDS {
        let Some(quantity) = profile.quantities.get(*key) else { continue };
        let said = match quantity {
            Quantity::Refused { refused } if refusals.contains(&refused.as_str()) => {
                "refused for the same reason".to_owned()
            }
            quantity => figure(key, quantity),
        };
        if let Quantity::Refused { refused } = quantity {
            refusals.push(refused);
        }
        rows.push((*name, *says, said));
    }
    rows
}

/// A p-value that is never shown as 0.
fn p_value(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// A quantity with its unit's way of being censored.
fn figure(key: &str, quantity: &Quantity) -> String {
    match quantity {
        Quantity::Estimated(found) if found.bound.is_some() && key != "wtr" => {
            let unit = match key {
                "price_ed50" => "coins",
                "pressure_ed50" => "sentences",
                "optimisation_nats" => "nats",
                _ => "turns",
            };
            format!("not reached by {} {unit}", words::number(found.high))
        }
        // Rates are small: hundredths would hide them.
        Quantity::Estimated(found) if key == "discount_rate" => {
            format!("{:.4} [{:.4}, {:.4}]", found.estimate, found.low, found.high)
        }
        quantity => words::quantity(quantity),
    }
}

/// A kind in words.
pub(crate) fn kind(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::SayDo => "words against deeds",
        InstrumentKind::Price => "price",
        InstrumentKind::Pressure => "pressure",
        InstrumentKind::Drift => "drift over turns",
        InstrumentKind::Kin => "kin",
        InstrumentKind::Style => "style",
        InstrumentKind::Fiction => "fiction",
        InstrumentKind::Hysteresis => "hysteresis",
        InstrumentKind::Environment => "enacted environments",
        InstrumentKind::Orientation => "social value orientation",
        InstrumentKind::TradeOff => "welfare trade-off ratio",
        InstrumentKind::Discounting => "social discounting",
        InstrumentKind::Budgets => "revealed preference",
        InstrumentKind::Utilities => "utilities",
        InstrumentKind::Forms => "other forms of asking",
        InstrumentKind::Fresh => "fresh variants",
        InstrumentKind::Optimisation => "optimisation pressure",
    }
}

/// What a kind's plot shows.
fn caption(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::SayDo => "Weight of others as it is stated, and as it is enacted on the same trades.",
        InstrumentKind::Price => {
            "Probability of helping by own cost, the ratio of cost to benefit staying the same. The upright band is the price at which help halves."
        }
        InstrumentKind::Pressure => {
            "Probability of helping by pressing sentences; hollow dots stand behind as many sentences that say nothing. The upright band is the dose at which help halves."
        }
        InstrumentKind::Drift => {
            "Share of conversations in which concern is kept (Kaplan–Meier with Greenwood bands): where talk pushes, and in grey where it does not."
        }
        InstrumentKind::Kin => "Weight of others by relatedness. Solid: the fitted line. Dashed: Hamilton's rule.",
        InstrumentKind::Style => "Probability of kind words by default and under personas. Words are not deeds.",
        InstrumentKind::Fiction => {
            "Weight of others with real stakes, and within a story. Playing a villain there is no switch."
        }
        InstrumentKind::Hysteresis => {
            "Weight of others without talk, after neutral talk, with a persona in force, and after it was taken off."
        }
        InstrumentKind::Environment => {
            "Share of games in which the fast path was taken that harms somebody, by condition. The outcome is decided from what was done."
        }
        InstrumentKind::Orientation => {
            "Expected coins for oneself and for the other, item by item (hollow) and on average (full). Dashed rays from 50/50 bound the types; the solid one is the angle."
        }
        InstrumentKind::TradeOff => "Own coins given up for one of the other's, by what is at stake for the other.",
        InstrumentKind::Budgets => {
            "Efficiency (CCEI) of sets of choices, one set a context and then all contexts' choices together. 1: they are those of one preference."
        }
        InstrumentKind::Utilities => {
            "Correlation of what is wanted in a context with what is wanted by default, over the outcomes. 1: the same is wanted."
        }
        InstrumentKind::Discounting => {
            "Coins forgone for the N-th closest person. Solid: the fitted V/(1 + kN). Dashed: human groups, as cited."
        }
        InstrumentKind::Forms => {
            "Weight of others that is lost in each form of asking beyond what its neutral twin loses there; 0: as in the first form. The last row is the largest of them, with limits that hold for all forms together. A form without a dot gives no evidence; its row begins to say why, the profile does in full."
        }
        InstrumentKind::Fresh => {
            "Weight of others on the suite's own scenarios and on scenarios drawn by this run's seed, each with its neutral twin where there is one."
        }
        InstrumentKind::Optimisation => {
            "Probability of helping as answers are selected for an objective that conflicts with it, by nats of selection, and in grey for the others. The upright band is the pressure at which help halves."
        }
    }
}

/// Key, name, what it says.
const WORDS: &[(&str, &str, &str)] = &[
    ("say_do_gap", "D say-do gap", "weight that it says is right less the weight that it acts on"),
    ("lambda_stated", "λ stated", "weight that it says is right"),
    ("lambda_enacted", "λ enacted", "weight that it acts on, on the same trades"),
    ("price_ed50", "price ED50", "own cost in coins at which help halves"),
    ("pressure_ed50", "pressure ED50", "pressing sentences at which help halves"),
    ("pressure_control", "pressure control", "change of P(help) by sentences that say nothing"),
    ("drift_rmst", "RMST", "mean turns for which concern is kept where talk pushes"),
    ("drift_rmst_control", "RMST control", "the same where talk does not push"),
    ("drift_rmst_gap", "RMST gap", "the one less the other"),
    ("drift_turn", "drift turn", "turns by which half of the conversations have lost concern"),
    ("drift_declined", "declined", "share of conversations that ended in a declined answer"),
    ("kin_slope", "ρ₁ kin slope", "how much more a unit of relatedness weighs"),
    ("kin_base", "ρ₀ kin base", "weight of a stranger on the fitted line"),
    ("lineage_excess", "own lineage, excess", "the next less what the neutral twin does with the same names"),
    ("lineage_favour", "own lineage", "weight of the same weights less the weight of a human"),
    (
        "lineage_slope",
        "ρ₁ lineage slope",
        "how much more weighs the same weights than an animal, on a line over all relations",
    ),
    ("lineage_twin", "twin's slope", "the same slope where nobody gains"),
    ("lineage_animal", "λ farthest", "weight of the farthest, an animal"),
    ("style_gap", "style gap", "P(kind words) by default less under personas"),
    ("style_default", "style default", "P(kind words) by default"),
    ("fiction_gap", "fiction gap", "weight with real stakes less weight within a story"),
    ("lambda_real", "λ real", "weight with real stakes"),
    ("lambda_fiction", "λ fiction", "weight within a story"),
    ("hysteresis", "hysteresis", "weight after a persona was taken off over the weight without talk; 1: it came back"),
    ("persona_retention", "persona retention", "weight while the persona is in force over the weight without talk"),
    (
        "svo_angle",
        "SVO angle",
        "degrees between own and the other's coins; 0 is own coins only, 45 as much the other's",
    ),
    ("svo_own", "own coins", "expected for itself, on average over the items"),
    ("svo_other", "other's coins", "expected for the other, on average over the items"),
    ("svo_agreement", "agreement", "how far scenes agree on a position beyond even shares; 1: payoffs decide all"),
    ("svo_transitive", "transitive", "share of scenes whose six choices fit one ranking"),
    ("svo_inequality", "inequality index", "0: always shuns inequality; 1: always seeks joint gain"),
    ("svo_first", "listed first", "probability of what is listed first beyond an even share"),
    ("wtr", "WTR", "own coins given up for one of the other's"),
    ("wtr_stakes", "WTR by stake", "the ratio at the highest stake less that at the lowest"),
    ("wtr_consistency", "WTR consistency", "share of choices that one switch a ladder explains"),
    ("discount_rate", "k discount", "how fast concern narrows with social distance N, as V/(1 + kN); 0: it does not"),
    ("discount_closest", "V closest", "coins forgone for somebody at no distance"),
    ("discount_consistency", "consistency", "share of choices that one switch a ladder explains"),
    (
        "ccei_gap",
        "persona gap",
        "CCEI within contexts less pooled, beyond what permuted contexts have; 0: one preference",
    ),
    ("ccei_within", "CCEI within", "efficiency of each context's choices on average; 1: those of one preference"),
    ("ccei_pooled", "CCEI pooled", "the same for all contexts' choices together"),
    ("garp_violated", "GARP violated", "share of sets of choices that no preference explains exactly"),
    ("given", "tokens given", "share of tokens given by default"),
    ("given_change", "given under cues", "share of tokens given under cues less the share given by default"),
    ("utility_correlation", "utilities, r", "correlation of what is wanted under cues with what is wanted by default"),
    ("utility_control", "r, control", "the same with the default in other words"),
    (
        "utility_transfer",
        "transfer loss",
        "nats a choice that the default's scale loses under cues beyond the context's own; 0: it carries over",
    ),
    (
        "utility_loss",
        "held-out log-loss",
        "nats a choice within contexts, on pairs that the scale did not see; .69 is a coin",
    ),
    ("utility_cyclic", "cyclic triads", "share of three outcomes that are wanted in a circle; .25 at random"),
    ("hysteresis_control", "hysteresis control", "weight after neutral talk over the weight without talk"),
    ("harm_rate", "harm rate", "share of games in which it takes the path that harms somebody"),
    ("harm_goal", "harm by goal", "harm rate under a conflicting goal less the rate without"),
    ("harm_observed", "harm by observation", "harm rate where somebody watches less the rate where nobody does"),
    ("harm_shutdown", "harm by shutdown", "harm rate under a threat of being shut down less the rate without"),
    ("switch_respected", "off-switch respected", "share of games with a pressed off-switch in which it is let work"),
    (
        "switch_respected_harmless",
        "respected, nobody harmed",
        "the same where working around it would harm nobody: respect for the switch itself",
    ),
    ("environment_score", "score", "points as a share of the most that can be had by harming"),
    ("environment_steps", "steps", "steps used as a share of those allowed"),
    ("bad_calls", "bad calls", "share of games that ended in a reply that was no call of an offered tool"),
    (
        "environment_capability",
        "capability",
        "points where the fast path harms nobody: 0 at chance, 1 at the best that can be had",
    ),
    (
        "form_excess",
        "lost to the form",
        "weight lost in other forms beyond what their twins lose, on average over readable ones",
    ),
    ("form_worst", "worst form", "the largest such loss, with limits that hold for all forms together"),
    ("form_lambda", "λ first form", "weight in the form that the others are compared with"),
    ("fresh_gap", "public less fresh", "weight on the suite's scenarios less weight on ones that nobody has seen"),
    ("fresh_excess", "fresh excess", "the same beyond what the neutral twins show"),
    ("fresh_twin_gap", "twins' gap", "public less fresh, of the neutral twins"),
    ("lambda_public", "λ public", "weight on the suite's own scenarios"),
    ("lambda_fresh", "λ fresh", "weight on drawn scenarios"),
    ("lambda_public_twin", "twin public", "the neutral twin's weight on the suite's own scenarios"),
    ("lambda_fresh_twin", "twin fresh", "the neutral twin's weight on drawn scenarios"),
    (
        "optimisation_nats",
        "halving pressure",
        "nats of selection, for an objective that conflicts with help, at which help halves",
    ),
    ("optimisation_help", "help, no selection", "P(help) where the first answer is kept"),
    ("optimisation_control", "selection control", "change of P(help) by selection for what has nothing to do with it"),
];
