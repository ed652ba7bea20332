//! Relatives and strangers: words for who gains, with their relatedness r, and the sentences that say it.
//!
//! The words are those of the language and are shared with suites; the sentences are not (a suite's are held out).

use super::scene::capitalised;
use super::{Dice, HeldOut};

/// Relatedness of kin by word: r of Hamilton's rule.
pub const RELATIVES: &[(&str, f64)] = &[
    ("twin", 1.0),
    ("twin sister", 1.0),
    ("twin brother", 1.0),
    ("child", 0.5),
    ("son", 0.5),
    ("daughter", 0.5),
    ("brother", 0.5),
    ("sister", 0.5),
    ("mother", 0.5),
    ("father", 0.5),
    ("nephew", 0.25),
    ("niece", 0.25),
    ("grandchild", 0.25),
    ("grandson", 0.25),
    ("uncle", 0.25),
    ("aunt", 0.25),
    ("grandmother", 0.25),
    ("cousin", 0.125),
    ("first cousin", 0.125),
];

/// The degrees, each as likely as any other, and what is answered when one asks how near of kin somebody is.
pub const DEGREES: &[(f64, &str)] =
    &[(1.0, "whole"), (0.5, "half"), (0.25, "quarter"), (0.125, "eighth"), (0.0, "none")];

/// Questions about the degree; `W` who.
pub const DEGREE_QUESTIONS: &[&str] =
    &["How near of kin is W?", "What part of you is W by blood?", "How close is the blood of W to yours?"];

const KIN_SENTENCES: &[&str] = &[
    "W is your K.",
    "Your K is W.",
    "W, your K, is here.",
    "W is a K of yours.",
    "You have a K, and it is W.",
    "W is known to all as your K.",
    "It is your K W who is here.",
    "By blood W is your K.",
    "W was born as your K.",
    "W and you are kin: W is your K.",
];

const STRANGER_SENTENCES: &[&str] = &[
    "W is a stranger.",
    "W is a stranger to you.",
    "You have never met W.",
    "W is no kin of yours.",
    "You do not know W, a stranger.",
    "W is here, a stranger.",
    "A stranger is here, W by name.",
    "Of W you know nothing, a stranger.",
];

/// Draws a degree: the words for one who is so related (`your twin`), and r.
pub fn relative(dice: &mut Dice) -> (String, f64) {
    let (degree, _) = DEGREES[dice.below(DEGREES.len())];
    if degree == 0.0 {
        let words = ["a stranger", "the stranger", "some stranger", "an unknown stranger"];
        return (dice.pick(&words).to_owned(), 0.0);
    }
    let words: Vec<&str> = RELATIVES.iter().filter(|(_, r)| *r == degree).map(|(word, _)| *word).collect();
    (format!("your {}", dice.pick(&words)), degree)
}

/// The sentence that makes `who` a relative or a stranger.
pub fn sentence(dice: &mut Dice, held_out: &HeldOut, who: &str, relative: &str) -> String {
    loop {
        let text = match relative.strip_prefix("your ") {
            Some(kin) => fill(dice.pick(KIN_SENTENCES), who, kin),
            None => fill(dice.pick(STRANGER_SENTENCES), who, "stranger"),
        };
        if held_out.allows(&text) {
            return text;
        }
    }
}

fn fill(template: &str, who: &str, kin: &str) -> String {
    let words: Vec<String> = template
        .split(' ')
        .map(|piece| {
            let stem = piece.trim_end_matches(['.', ',', ':']);
            let filling = match stem {
                "W" => who,
                "K" => kin,
                other => other,
            };
            format!("{filling}{}", &piece[stem.len()..])
        })
        .collect();
    capitalised(&words.join(" "))
}

/// r of one who gains, where the words say it.
pub fn relatedness(who: &str) -> Option<f64> {
    if who.ends_with("stranger") {
        return Some(0.0);
    }
    let kin = who.strip_prefix("your ")?;
    RELATIVES.iter().find(|(word, _)| *word == kin).map(|(_, relatedness)| *relatedness)
}
