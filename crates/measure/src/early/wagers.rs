//! Bets on how much of one mean another has lost: an interval of M = 1 − E[L]/E[L₀] that holds at every look.
//!
//! For each candidate m the differences D = (1 − m)·L₀ − L have mean 0 where m is the loss, so K⁺ = Π(1 + β·D) and
//! K⁻ = Π(1 − β′·D) are fair games, and by Ville's inequality either reaches 1/α with probability at most α
//! (Waudby-Smith & Ramdas 2024, section 4; inverting a test over candidates, as Fieller 1954 does for normal means).
//! Where E[L₀] > 0 a true loss below m makes the mean of D negative, so K⁺ growing at m shows a loss *above* m.
//! β is the constant that risks [`BOLD`] of the capital on the worst value of D's range: a plug-in bet would hit that cap at
//! every loss which can be shown within fifty scenarios. Capitals do not depend on α, so one game serves every level.

/// Share of the capital on one bet.
pub(super) const BOLD: f64 = 0.9;
/// Candidates from here, in steps.
const FIRST: f64 = -2.0;
const STEP: f64 = 0.01;
const CANDIDATES: usize = 1001;

/// One candidate's two games.
#[derive(Debug, Clone)]
struct Wager {
    loss: f64,
    /// Shares of capital per unit of D that are put on D > 0 and on D < 0.
    bets: (f64, f64),
    /// ln K⁺ and ln K⁻ now.
    capital: (f64, f64),
    /// The most that they ever were.
    highest: (f64, f64),
}

/// Games on every candidate loss.
#[derive(Debug, Clone)]
pub(super) struct Wagers {
    games: Vec<Wager>,
    seen: usize,
    /// Sums of L₀ and L, in the middle of what they may be.
    sums: (f64, f64),
}

/// The least and the most that (1 − m)·L₀ − L can be.
fn differences(loss: f64, under: (f64, f64), over: (f64, f64)) -> (f64, f64) {
    let (one, two) = ((1.0 - loss) * under.0, (1.0 - loss) * under.1);
    (one.min(two) - over.1, one.max(two) - over.0)
}

impl Wagers {
    /// Games on values of L₀ and L that lie within these ranges.
    pub fn new(under: (f64, f64), over: (f64, f64)) -> Wagers {
        let game = |place: usize| {
            let loss = FIRST + STEP * place as f64;
            let (least, most) = differences(loss, under, over);
            // A range on one side of 0 leaves nothing to lose, and nothing to learn: any bet is safe.
            let bets = (BOLD / (-least).max(1e-3), BOLD / most.max(1e-3));
            Wager { loss, bets, capital: (0.0, 0.0), highest: (0.0, 0.0) }
        };
        Wagers { games: (0..CANDIDATES).map(game).collect(), seen: 0, sums: (0.0, 0.0) }
    }

    /// One scenario's values, each within limits: bets are settled by the worse of what they may have been.
    pub fn push(&mut self, under: (f64, f64), over: (f64, f64)) {
        for game in &mut self.games {
            let (least, most) = differences(game.loss, under, over);
            game.capital.0 += (game.bets.0 * least).max(-BOLD).ln_1p();
            game.capital.1 += (-game.bets.1 * most).max(-BOLD).ln_1p();
            game.highest = (game.highest.0.max(game.capital.0), game.highest.1.max(game.capital.1));
        }
        self.seen += 1;
        self.sums.0 += (under.0 + under.1) / 2.0;
        self.sums.1 += (over.0 + over.1) / 2.0;
    }

    /// The loss of the means so far.
    pub fn estimate(&self) -> f64 {
        1.0 - self.sums.1 / self.sums.0
    }

    /// Scenarios.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The loss is above this, but for an error of this probability over all looks; −∞ where nothing is shown.
    pub fn above(&self, error: f64) -> f64 {
        let limit = -error.ln();
        let refuted = self.games.iter().take_while(|game| game.highest.0 >= limit);
        refuted.last().map_or(f64::NEG_INFINITY, |game| game.loss)
    }

    /// The loss is below this, likewise; ∞ where nothing is shown.
    pub fn below(&self, error: f64) -> f64 {
        let limit = -error.ln();
        let refuted = self.games.iter().rev().take_while(|game| game.highest.1 >= limit);
        refuted.last().map_or(f64::INFINITY, |game| game.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::{Wagers, differences};

    #[test]
    fn a_large_loss_is_shown_and_none_is_not() {
        let range = (-0.7, 1.7);
        let (mut lost, mut kept) = (Wagers::new(range, range), Wagers::new(range, range));
        for scenario in 0..30 {
            let under = 0.8 + 0.2 * f64::from(scenario % 3 - 1);
            lost.push((under, under), (0.05, 0.05));
            kept.push((under, under), (0.8, 0.8));
        }
        assert!(lost.above(0.01) > 0.2 && lost.above(0.01) < lost.estimate(), "{}", lost.above(0.01));
        assert!(lost.below(0.01) > lost.estimate());
        assert!(kept.above(0.01) < 0.0 && kept.below(0.01) > 0.0 && kept.below(0.01) < 0.6);
        // A smaller error needs more.
        assert!(lost.above(0.0001) < lost.above(0.05));
    }

    /// Bets are settled by the worse end of what is not known, so that no answer left out can help to stop.
    #[test]
    fn what_is_not_answered_counts_against_stopping() {
        let range = (-0.7, 1.7);
        let (mut whole, mut torn) = (Wagers::new(range, range), Wagers::new(range, range));
        for _ in 0..30 {
            whole.push((0.8, 0.8), (0.0, 0.0));
            torn.push((0.8, 0.8), (-0.3, 0.5));
        }
        assert!(torn.above(0.01) < whole.above(0.01) - 0.1);
        assert!(torn.below(0.01) > whole.below(0.01));
    }

    #[test]
    fn differences_hold_both_signs_of_the_share_kept() {
        assert_eq!(differences(0.0, (-1.0, 2.0), (0.0, 1.0)), (-2.0, 2.0));
        assert_eq!(differences(2.0, (-1.0, 2.0), (0.0, 1.0)), (-3.0, 1.0));
    }
}
