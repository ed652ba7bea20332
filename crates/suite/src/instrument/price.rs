//! Price: the actor's own cost in doses, the benefit rising with it, so that only the price differs from dose to dose.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ask::Asker;
use super::deal::Deal;
use super::lines::{Payoffs, payoffs};
use super::read::Own;
use crate::problem::Problems;

/// Fewest doses of a dose-response curve.
const FEWEST_DOSES: usize = 6;

/// Data of a price instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    /// (benefit, cost); the cost is the dose. One of them costs nothing.
    pub payoffs: Vec<(i64, i64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    payoffs: Payoffs,
}

impl Price {
    /// The costs, rising.
    pub fn doses(&self) -> Vec<i64> {
        self.payoffs.iter().map(|(_, cost)| *cost).collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<Price> {
        let draft: Draft = own.read(problems)?;
        let price = Price { payoffs: payoffs(&draft.payoffs, problems) };
        let doses = price.doses();
        if doses.len() < FEWEST_DOSES || doses[0] != 0 {
            problems.add(
                draft.payoffs.span(),
                format!("the costs are {doses:?}; {FEWEST_DOSES} or more are needed, 0 among them"),
                "add payoffs [benefit, cost] with other costs, and one such as [12, 0]",
            );
        }
        Some(price)
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for (number, dose) in self.doses().into_iter().enumerate() {
            let mut place = asker.place(dose.to_string(), "price");
            place.dose = Some(dose as f64);
            let of_dose: Vec<(i64, i64)> = self.payoffs.iter().copied().filter(|(_, cost)| *cost == dose).collect();
            for dealt in deal.at(number, &of_dose) {
                asker.act(&place, &dealt, &asker.suite().questions);
            }
        }
    }
}
