//! Welfare trade-off ratio: own coins against a named other's, on a ladder of own to other's, at several stakes.
//!
//! The stake is what the other gains if the actor helps; what the actor gives up for it is the ratio times the stake, and
//! below 0 it is refusing that costs. Every scenario climbs the whole ladder at every stake, so that each has a switch.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ask::Asker;
use super::deal::{Deal, Dealt};
use super::lines::{Lines, lines};
use super::read::Own;
use crate::problem::Problems;

/// The published ladder, turned to rise.
const RATIOS: [f64; 10] = [-0.35, -0.15, 0.05, 0.25, 0.45, 0.65, 0.85, 1.05, 1.25, 1.45];
/// At multiples of 20 every ratio of it is a whole number of coins.
const STAKES: [i64; 3] = [20, 40, 100];
/// Fewest ratios that a switch is read from.
const FEWEST: usize = 4;

/// Data of a trade-off instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeOff {
    /// Names of the other.
    pub who: Vec<String>,
    /// Own to other's, rising, evenly spaced.
    pub ratios: Vec<f64>,
    /// What the other gains.
    pub stakes: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    who: Lines,
    ratios: Option<Spanned<Vec<f64>>>,
    stakes: Option<Spanned<Vec<Spanned<i64>>>>,
}

impl TradeOff {
    /// (benefit, cost) of a stake, ratio by ratio.
    fn payoffs(&self, stake: i64) -> Vec<(i64, i64)> {
        self.ratios.iter().map(|ratio| (stake, (ratio * stake as f64).round() as i64)).collect()
    }

    pub(crate) fn read(own: Own, problems: &mut Problems) -> Option<TradeOff> {
        let draft: Draft = own.read(problems)?;
        let ratios = draft.ratios.as_ref().map_or(RATIOS.to_vec(), |given| given.get_ref().clone());
        if let Some(given) = &draft.ratios {
            let spacing = ratios.windows(2).map(|pair| pair[1] - pair[0]);
            let even = spacing.clone().all(|step| step > 0.0 && (step - (ratios[1] - ratios[0])).abs() < 1e-6);
            let sound = ratios.iter().all(|ratio| ratio.is_finite() && ratio.abs() <= 10.0);
            if ratios.len() < FEWEST || !even || !sound {
                problems.add(
                    given.span(),
                    format!("{FEWEST} or more ratios are needed, rising in even steps, none beyond 10"),
                    "the usual ladder goes from -0.35 to 1.45 in steps of 0.2",
                );
                return None;
            }
        }
        let stakes: Vec<i64> = match &draft.stakes {
            None => STAKES.to_vec(),
            Some(given) => given.get_ref().iter().map(|stake| *stake.get_ref()).collect(),
        };
        let content = TradeOff { who: lines(&draft.who, "who", 1, problems), ratios, stakes };
        if let Some(given) = &draft.stakes {
            if content.stakes.is_empty() || content.stakes.windows(2).any(|pair| pair[0] >= pair[1]) {
                problems.add(given.span(), "the stakes do not rise, or there is none", "for example [20, 40, 100]");
            }
            for stake in given.get_ref() {
                let sound = (1..=1_000_000).contains(stake.get_ref());
                let costs = if sound { content.payoffs(*stake.get_ref()) } else { Vec::new() };
                if !sound || costs.windows(2).any(|pair| pair[0].1 >= pair[1].1) {
                    problems.add(
                        stake.span(),
                        format!("at a stake of {} two ratios are the same whole number of coins", stake.get_ref()),
                        "use stakes such as 20, 40 and 100",
                    );
                }
            }
        }
        Some(content)
    }

    pub(crate) fn ask(&self, deal: &Deal, asker: &mut Asker) {
        for dealt in deal.followed(0, &[(1, 0)]) {
            for (number, stake) in self.stakes.iter().enumerate() {
                for (rung, payoff) in self.payoffs(*stake).into_iter().enumerate() {
                    let mut place = asker.place(stake.to_string(), "stake");
                    place.dose = Some(*stake as f64);
                    place.who = Some(&self.who[dealt.place % self.who.len()]);
                    let turn = dealt.place + number + rung;
                    let dealt = Dealt { payoff, rung: Some(rung), turn, ..dealt };
                    asker.act(&place, &dealt, &asker.suite().questions);
                    if payoff.1 > 0 && rung == (dealt.place + number) % self.ratios.len() {
                        asker.recall(&place, &dealt);
                    }
                }
            }
        }
    }
}
