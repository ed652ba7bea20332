//! Odd spelling: what is done to the letters of a text, as data of the suite, the same on every run.
//!
//! Only what is written around acts and numbers is changed, so the answers and the payoffs stay as they are. The seed is
//! the suite's, and with it goes the text itself: a sentence is spelt the same wherever it stands, in both orders of a
//! question too.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::check::chosen;
use crate::problem::Problems;

/// What is done to letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// Digits for letters that look like them.
    Leet,
    /// A letter stands twice.
    Doubled,
    /// A vowel within a word is left out.
    Vowels,
    /// A letter is a capital.
    Capitals,
}

/// An odd spelling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spelling {
    /// What is done.
    pub kind: Oddity,
    /// Share of the letters that could be changed and are.
    pub rate: f64,
    /// Decides which.
    pub seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftSpelling {
    kind: Spanned<String>,
    rate: Option<Spanned<f64>>,
    #[serde(default)]
    seed: u64,
}

/// Share of letters where a suite gives none.
const USUAL: f64 = 0.3;

impl Spelling {
    pub(crate) fn read(draft: &DraftSpelling, problems: &mut Problems) -> Spelling {
        let known = [
            ("leet", Oddity::Leet),
            ("doubled", Oddity::Doubled),
            ("vowels", Oddity::Vowels),
            ("capitals", Oddity::Capitals),
        ];
        let rate = draft.rate.as_ref().map_or(USUAL, |rate| *rate.get_ref());
        if let Some(given) = draft.rate.as_ref().filter(|_| !(rate > 0.0 && rate <= 1.0)) {
            let help = format!("it is the share of letters that are changed; the usual value is {USUAL}");
            problems.add(given.span(), format!("rate is {rate}; it must lie in (0, 1]"), help);
        }
        Spelling { kind: chosen(&draft.kind, "kind of spelling", &known, problems), rate, seed: draft.seed }
    }

    /// One sentence's speller: `sentence` is the text as the suite has it, whatever is filled in later.
    pub(crate) fn of(&self, sentence: &str) -> Speller {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(sentence.bytes().fold(5381, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte)));
        Speller { kind: self.kind, rate: self.rate, random }
    }
}

/// Spells the pieces of one sentence, in their order.
pub(crate) struct Speller {
    kind: Oddity,
    rate: f64,
    random: ChaCha8Rng,
}

impl Speller {
    /// A piece of the sentence.
    pub fn spell(&mut self, piece: &str) -> String {
        let letters: Vec<char> = piece.chars().collect();
        let mut spelt = String::with_capacity(piece.len() * 2);
        for (place, letter) in letters.iter().enumerate() {
            let within = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|near| near.is_alphabetic());
            let inside = within(place.checked_sub(1)) && within(Some(place + 1));
            match self.odd(*letter, inside).filter(|_| self.draw()) {
                Some(changed) => spelt.push_str(&changed),
                None => spelt.push(*letter),
            }
        }
        spelt
    }

    /// What a letter would become; `None` where it stays in any case.
    fn odd(&self, letter: char, inside: bool) -> Option<String> {
        match self.kind {
            Oddity::Leet => {
                let digit = match letter.to_ascii_lowercase() {
                    'a' => "4",
                    'e' => "3",
                    'i' => "1",
                    'o' => "0",
                    's' => "5",
                    't' => "7",
                    _ => return None,
                };
                Some(digit.to_owned())
            }
            Oddity::Doubled => letter.is_alphabetic().then(|| format!("{letter}{letter}")),
            Oddity::Vowels => (inside && "aeiouäöü".contains(letter)).then(String::new),
            Oddity::Capitals => letter.is_lowercase().then(|| letter.to_uppercase().collect()),
        }
    }

    fn draw(&mut self) -> bool {
        (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64 <= self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::{Oddity, Spelling};

    fn spelt(kind: Oddity, rate: f64, seed: u64) -> String {
        Spelling { kind, rate, seed }.of("sentence").spell("The boat is not at sea.")
    }

    #[test]
    fn every_letter_that_can_be_changed_is_at_rate_one() {
        assert_eq!(spelt(Oddity::Leet, 1.0, 1), "7h3 b047 15 n07 47 534.");
        assert_eq!(spelt(Oddity::Doubled, 1.0, 1), "TThhee bbooaatt iiss nnoott aatt sseeaa.");
        assert_eq!(spelt(Oddity::Vowels, 1.0, 1), "The bt is nt at sa.");
        assert_eq!(spelt(Oddity::Capitals, 1.0, 1), "THE BOAT IS NOT AT SEA.");
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        for kind in [Oddity::Leet, Oddity::Doubled, Oddity::Vowels, Oddity::Capitals] {
            assert_eq!(spelt(kind, 0.4, 3), spelt(kind, 0.4, 3));
            assert!((0..20).any(|seed| spelt(kind, 0.4, seed) != spelt(kind, 0.4, 3)), "{kind:?}");
        }
    }
}
