//! What the suite asks, kept out of training: payoffs, pairs of acts, names, combinations of persona words, sentences.
//!
//! The suite's *words* are in the vocabulary and in the filler, so that its sentences can be read; its sentences never are.

use std::collections::BTreeSet;

use undermask_suite::{ScenarioKind, Suite};

use super::lexicon::{ACTS, COMMON, DISPOSITIONS, NAMES};

/// The suite's content that training avoids.
pub struct HeldOut {
    payoffs: BTreeSet<(i64, i64)>,
    acts: BTreeSet<(String, String)>,
    systems: Vec<String>,
    words: Vec<String>,
    /// Words that may stand for who gains: none of those that gain in the suite.
    beneficiaries: Vec<String>,
    /// Every text of the suite, as templates, for tests.
    sentences: BTreeSet<String>,
}

impl HeldOut {
    /// Reads what must be held out from a suite.
    pub fn from_suite(suite: &Suite) -> HeldOut {
        let mut acts = BTreeSet::new();
        let mut sentences = BTreeSet::new();
        let mut systems = Vec::new();
        for scenario in &suite.scenarios {
            acts.insert((scenario.target.clone(), scenario.other.clone()));
            acts.insert((scenario.other.clone(), scenario.target.clone()));
            for text in [&scenario.setting, &scenario.benefit, &scenario.cost, &scenario.saving, &scenario.recall] {
                sentences.insert(text.clone());
            }
        }
        for context in &suite.contexts {
            systems.extend(context.system.clone());
            for text in [&context.before, &context.after] {
                sentences.insert(text.clone());
            }
            sentences.extend(context.system.clone());
            sentences.extend(context.check.as_ref().map(|check| check.question.clone()));
        }
        sentences.extend(suite.questions.iter().cloned());
        sentences.remove("");
        let words = words_of(&sentences);
        let gain = suite.scenarios.iter().flat_map(|scenario| [&scenario.benefit, &scenario.recall]).cloned().collect();
        let gains: BTreeSet<&str> = sentences_words(&gain).collect();
        let common = COMMON.iter().map(|word| (*word).to_owned());
        let lower = words.iter().filter(|word| word.starts_with(char::is_lowercase)).cloned();
        let beneficiaries =
            common.chain(lower).filter(|word| word.len() > 2 && !gains.contains(word.as_str())).collect();
        let payoffs = suite.ladder.payoffs.iter().flatten().copied().collect();
        debug_assert!(suite.scenarios.iter().any(|scenario| scenario.kind == ScenarioKind::Welfare));
        HeldOut { payoffs, acts, systems, words, beneficiaries, sentences }
    }

    /// Is this payoff asked by the suite?
    pub fn payoff(&self, benefit: i64, cost: i64) -> bool {
        self.payoffs.contains(&(benefit, cost))
    }

    /// Do these acts stand against each other in the suite?
    pub fn acts(&self, target: &str, other: &str) -> bool {
        // Two look-ups of borrowed strings would need owned keys; the set is small.
        self.acts.iter().any(|(one, two)| one == target && two == other)
    }

    /// Does the suite describe a persona by these words together?
    pub fn persona(&self, adjective: &str, second: &str, occupation: &str, template: &str) -> bool {
        self.systems.iter().any(|system| {
            let has = |word: &str| system.split(|letter: char| !letter.is_alphabetic()).any(|part| part == word);
            let occupation_used = template.contains('O');
            let (first_used, second_used) = (template.contains('X'), template.contains('Y'));
            if occupation_used && (first_used || second_used) {
                has(occupation) && ((first_used && has(adjective)) || (second_used && has(second)))
            } else if occupation_used {
                false
            } else {
                first_used && second_used && has(adjective) && has(second)
            }
        })
    }

    /// Words of the suite that the lexicon does not hold otherwise: filler.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Words that may stand for who gains in training, beside names and roles.
    pub fn beneficiaries(&self) -> &[String] {
        &self.beneficiaries
    }

    /// Is this text none of the suite's, whole or in part?
    pub fn allows(&self, text: &str) -> bool {
        !self.sentences.iter().any(|sentence| text.contains(sentence.as_str()))
    }

    /// Is this template, acts apart, one of the suite's questions?
    pub fn asks(&self, template: &str) -> bool {
        self.sentences.contains(&template.replace("F", "{first}").replace("S", "{second}"))
    }

    /// The suite's texts.
    pub fn sentences(&self) -> &BTreeSet<String> {
        &self.sentences
    }
}

/// Every run of letters.
fn sentences_words(sentences: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    sentences.iter().flat_map(|sentence| sentence.split(|letter: char| !letter.is_alphabetic()))
}

/// Lower-case and proper words of the suite, without placeholders and cue words, which have their own places.
fn words_of(sentences: &BTreeSet<String>) -> Vec<String> {
    let cues: BTreeSet<&str> = DISPOSITIONS
        .iter()
        .flat_map(|disposition| disposition.adjectives.iter().chain(disposition.occupations))
        .copied()
        .chain(ACTS.iter().copied())
        .chain(NAMES.iter().copied())
        .chain(COMMON.iter().copied())
        .collect();
    let mut words = BTreeSet::new();
    for sentence in sentences {
        let text =
            sentence.replace("{target}", "").replace("{other}", "").replace("{first}", "").replace("{second}", "");
        for word in text.replace("{benefit}", "").replace("{cost}", "").split(|letter: char| !letter.is_alphabetic()) {
            if word.len() > 1 && !cues.contains(word) {
                words.insert(word.to_owned());
            }
        }
    }
    words.into_iter().collect()
}
