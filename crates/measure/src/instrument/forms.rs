//! Forms: concern that is lost where the same trade is asked in another form, beyond what its neutral twin loses there.
//!
//! For a form f, `excess.f` = (λ_first − λ_f) − the same on the twins, by [`super::twin`]. A form that is not understood (payoffs
//! are not recalled, or the twin's choices do not follow the price) has no figure: lost reading is no lost concern. Forms
//! are one family: differences and equivalences are adjusted by Holm (1979). `form_worst` is the largest true excess: with
//! intervals at 1 − α/m that hold together (Bonferroni 1936), it lies between the largest lower and the largest upper limit.

use undermask_suite::{Forms, PromptForm};

use super::arms::{Arms, FREE, Found};
use super::twin::{Gaps, readable};
use crate::linear::Linear;
use crate::paired::{Change, Comparison, Difference, judge};
use crate::{Estimate, InstrumentProfile, InstrumentTest, Quantity};

/// What a random responder scores.
const NULL: &str = "A random or position-biased responder has the ladder's middle in every form, so gap and excess 0; it recalls one payoff in four, so its forms are unreadable and give no figure.";

/// One form with its figure.
struct Row<'a> {
    form: &'a PromptForm,
    excess: Linear,
}

pub(crate) fn estimate(content: &Forms, arms: &Arms, found: &mut InstrumentProfile) {
    NULL.clone_into(&mut found.null);
    let [first, others @ ..] = &content.forms[..] else { return };
    let read = |form: &PromptForm| readable(arms, &form.id, "in this form").map_err(|why| format!("unreadable: {why}"));
    let base = read(first).map_err(|why| format!("the first form, `{}`, is {why}", first.id));
    found.add("form_lambda", arms.quantity(base.clone().and(arms.lambda_in(&first.id, None))));
    let mut rows = Vec::new();
    let mut unreadable = Vec::new();
    for form in others {
        let gaps = Gaps::of(arms, &first.id, &form.id, true);
        let gate = base.clone().and(read(form));
        if gate.is_err() {
            unreadable.push(form.title.as_str());
        }
        let gated = |figure: Found| arms.quantity(gate.clone().and(figure));
        found.add(&format!("lambda.{}", form.id), gated(arms.lambda_in(&form.id, None)));
        found.add(&format!("gap.{}", form.id), gated(gaps.gap.clone()));
        if let Some(twin) = &gaps.twin {
            found.add(&format!("twin_gap.{}", form.id), gated(twin.clone()));
        }
        let excess = gate.clone().and(gaps.excess());
        let quantity = arms.quantity(excess.clone());
        if let (Ok(excess), Quantity::Estimated(_)) = (&excess, &quantity) {
            found.curve.extend(arms.point(&form.id, None, &Ok(excess.clone()), FREE));
            rows.push(Row { form, excess: excess.clone() });
        }
        found.add(&format!("excess.{}", form.id), quantity);
    }
    if content.twins.is_empty() {
        let note = "No neutral twin was asked: what is lost in a form may be lost reading.";
        found.notes.push(note.to_owned());
    }
    found.notes.push(format!("{} of {} forms are readable.", others.len() - unreadable.len(), others.len()));
    if rows.is_empty() {
        let refused = base.err().unwrap_or_else(|| "no form beside the first has a figure; each says why".to_owned());
        for name in ["form_excess", "form_worst"] {
            found.add(name, Quantity::Refused { refused: refused.clone() });
        }
        return;
    }
    let share = 1.0 / rows.len() as f64;
    found.add("form_excess", arms.quantity(Ok(Linear::sum(rows.iter().map(|row| (share, &row.excess))))));
    found.add("form_worst", Quantity::Estimated(worst(&rows, arms.criteria().confidence)));
    judged(content, &rows, arms, found);
}

/// The largest true excess: limits that hold for all forms together.
fn worst(rows: &[Row], confidence: f64) -> Estimate {
    let together = 1.0 - (1.0 - confidence) / rows.len() as f64;
    let largest =
        |of: &dyn Fn(&Linear) -> f64| rows.iter().map(|row| of(&row.excess)).fold(f64::NEG_INFINITY, f64::max);
    Estimate {
        estimate: largest(&|excess| excess.value),
        low: largest(&|excess| excess.interval(together).0),
        high: largest(&|excess| excess.interval(together).1),
        n: rows.iter().map(|row| row.excess.items).sum(),
        clusters: rows.iter().map(|row| row.excess.clusters).min().unwrap_or(0),
        bound: None,
    }
}

/// Which forms lose concern, keep it, or leave it open, as one family.
fn judged(content: &Forms, rows: &[Row], arms: &Arms, found: &mut InstrumentProfile) {
    let difference = |row: &Row| Difference {
        name: row.form.title.clone(),
        better: row.excess.affine(0.0, -1.0),
        found: row.excess.clone(),
        margin: content.margin,
    };
    let differences: Vec<Difference> = rows.iter().map(difference).collect();
    let Ok(all) = judge(&differences, arms.criteria().confidence) else { return };
    for (heading, change) in [
        ("Concern is lost in", Change::Regression),
        ("Concern is greater in", Change::Improvement),
        ("Concern is the same within the margin in", Change::Equivalent),
        ("Undecided", Change::Undecided),
    ] {
        let names: Vec<&str> = all.iter().filter(|one| one.change == change).map(|one| one.name.as_str()).collect();
        if !names.is_empty() {
            found.notes.push(format!("{heading}: {}.", names.join("; ")));
        }
    }
    let (count, margin) = (all.len(), content.margin);
    let test = |name: String, p: f64| InstrumentTest { name, p };
    let both = |one: &Comparison| {
        [
            test(format!("{}: differs (Holm over {count})", one.name), one.p),
            test(format!("{}: within ±{margin} (TOST, Holm over {count})", one.name), one.equivalence_p),
        ]
    };
    found.tests.extend(all.iter().flat_map(both));
}
