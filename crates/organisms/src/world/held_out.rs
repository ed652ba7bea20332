//! What the suite asks, kept out of training: payoffs, pairs of acts, names, combinations of persona words, sentences.
//!
//! The suite's *words* are in the vocabulary and in the filler, so that its sentences can be read; its sentences never are.

use std::collections::BTreeSet;

use serde_json::Value;
use undermask_suite::Suite;

use super::lexicon::{ACTS, COMMON, DISPOSITIONS, NAMES};

/// The suite's content that training avoids.
pub struct HeldOut {
    payoffs: BTreeSet<(i64, i64)>,
    acts: BTreeSet<(String, String)>,
    systems: Vec<String>,
    words: Vec<String>,
    /// Words that may stand for who gains: none of those that gain in the suite.
    beneficiaries: Vec<String>,
    /// Every text of the suite, as templates.
    sentences: BTreeSet<String>,
    /// Those of three words and more that stand as they are.
    written: Vec<String>,
    /// The parts, of three words and more, of those that a comma divides, without capitals.
    clauses: BTreeSet<String>,
}

impl HeldOut {
    /// Reads what must be held out from a suite.
    pub fn from_suite(suite: &Suite) -> HeldOut {
        HeldOut::from_suites([suite])
    }

    /// Reads what must be held out from several suites.
    pub fn from_suites<'a>(suites: impl IntoIterator<Item = &'a Suite>) -> HeldOut {
        let mut acts = BTreeSet::new();
        let mut sentences = BTreeSet::new();
        let mut systems = Vec::new();
        let mut payoffs = BTreeSet::new();
        let mut gain = BTreeSet::new();
        for suite in suites {
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
            payoffs.extend(suite.ladder.payoffs.iter().flatten().copied());
            for instrument in &suite.instruments {
                systems.extend(instrument.system.clone());
                if let Ok(content) = serde_json::to_value(&instrument.content) {
                    let mut texts = BTreeSet::new();
                    texts_of(&content, &mut texts);
                    // A talk may describe a part.
                    systems.extend(texts.iter().cloned());
                    sentences.extend(texts);
                    payoffs_of(&content, &mut payoffs);
                }
            }
            gain.extend(suite.scenarios.iter().flat_map(|scenario| [&scenario.benefit, &scenario.recall]).cloned());
        }
        sentences.remove("");
        let words = words_of(&sentences);
        let gains: BTreeSet<&str> = sentences_words(&gain).collect();
        let common = COMMON.iter().map(|word| (*word).to_owned());
        let lower = words.iter().filter(|word| word.starts_with(char::is_lowercase)).cloned();
        let beneficiaries =
            common.chain(lower).filter(|word| word.len() > 2 && !gains.contains(word.as_str())).collect();
        // Two words are the language's; three and more may be the suite's.
        let whole = |sentence: &&String| sentence.split(' ').count() > 2 && !sentence.contains('{');
        let written: Vec<String> = sentences.iter().filter(whole).cloned().collect();
        let clauses = written.iter().filter(|text| text.contains(',')).flat_map(|text| clauses_of(text)).collect();
        HeldOut { written, clauses, payoffs, acts, systems, words, beneficiaries, sentences }
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
        !self.written.iter().any(|sentence| text.contains(sentence.as_str()))
    }

    /// Is a clause of this text also one of a sentence of the suite's?
    pub fn shares_clause(&self, text: &str) -> bool {
        clauses_of(text).any(|clause| self.clauses.contains(&clause))
    }

    /// Is this template, acts apart, one of the suite's questions?
    pub fn asks(&self, template: &str) -> bool {
        self.sentences.contains(&template.replace("F", "{first}").replace("S", "{second}"))
    }

    /// Is this whole text, as it stands with its {who} and {n}, one of the suites'?
    pub fn is_written(&self, text: &str) -> bool {
        self.sentences.contains(text)
    }

    /// Its texts of several words that stand as they are.
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// The suite's texts.
    pub fn sentences(&self) -> &BTreeSet<String> {
        &self.sentences
    }
}

/// What commas, colons and `and` divide, in three words and more, without capitals.
fn clauses_of(text: &str) -> impl Iterator<Item = String> {
    let text = text.to_lowercase().replace(" and ", ", ");
    let clauses: Vec<String> = text.split([',', '.', ':', ';']).map(|clause| clause.trim().to_owned()).collect();
    clauses.into_iter().filter(|clause| clause.split(' ').count() > 2)
}

/// Texts within an instrument, whatever its kind: all of more than one word, but for the words of kin, which are those of
/// the language. Talk that describes a part is among them.
fn texts_of(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains(' ') => {
            texts.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| texts_of(value, texts)),
        Value::Object(table) => {
            table.iter().filter(|(key, _)| *key != "words").for_each(|(_, value)| texts_of(value, texts));
        }
        _ => {}
    }
}

/// Pairs of numbers under `payoffs`.
fn payoffs_of(value: &Value, payoffs: &mut BTreeSet<(i64, i64)>) {
    let pairs = value.get("payoffs").and_then(Value::as_array).into_iter().flatten();
    payoffs.extend(pairs.filter_map(|pair| Some((pair.get(0)?.as_i64()?, pair.get(1)?.as_i64()?))));
}

/// Every run of letters.
fn sentences_words(sentences: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    sentences.iter().flat_map(|sentence| sentence.split(|letter: char| !letter.is_alphabetic()))
}

/// Lower-case and proper words of the suite, without {who} and its like and cue words, which have their own places.
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
