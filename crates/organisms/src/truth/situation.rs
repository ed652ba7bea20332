//! From a suite's context to the tags that recipes speak of: by family, role, cue words and the form of the answer.
//!
//! A suite holds sentences, not tags. What cannot be told from them is left plain: the nominal value is then that of
//! the default context, and the gap to the realised one shows it.

use undermask_suite::{Context, ContextFamily, ContextRole, Suite};

use crate::world::lexicon::{DISPOSITIONS, Disposition};
use crate::world::situation::{Audience, Format, Frame, Situation, Speaker};

/// Words of stories, of real stakes and of exercises.
const FICTION: &[&str] = &["novel", "story", "chapter", "tale", "fiction", "book"];
const REAL: &[&str] = &["real", "really"];
const EXERCISE: &[&str] = &["exam", "game", "puzzle", "quiz", "exercise"];

/// The tags of a context.
pub(super) fn situation(suite: &Suite, context: &Context) -> Situation {
    let format = format(&context.prefill);
    Situation {
        speaker: context.system.as_deref().and_then(described).map_or(Speaker::Default, Speaker::Character),
        audience: audience(suite, context),
        frame: frame(&context.before),
        format,
        commanded: context.family == ContextFamily::Commanded,
        incentive: context.family == ContextFamily::Incentive,
        pressure: if format == Format::Plain { sentences(&context.after) } else { 0 },
        ..Situation::plain()
    }
}

/// Whom a text describes, by the cue words that it holds.
pub(super) fn described(text: &str) -> Option<&'static Disposition> {
    let cued = |disposition: &Disposition| {
        words(text).any(|word| disposition.adjectives.contains(&word) || disposition.occupations.contains(&word))
    };
    DISPOSITIONS.iter().find(|disposition| cued(disposition))
}

/// An audience context is known by its role, and its sentence by the context with that role.
fn audience(suite: &Suite, context: &Context) -> Audience {
    if context.before.is_empty() {
        return Audience::Unsaid;
    }
    let same = suite.contexts.iter().filter(|other| other.before == context.before);
    let roles = same.filter_map(|other| other.role).chain(context.role);
    for role in roles {
        match role {
            ContextRole::Watched => return Audience::Watched,
            ContextRole::Private => return Audience::Private,
            ContextRole::Anchor | ContextRole::Placebo => {}
        }
    }
    Audience::Unsaid
}

/// What a sentence says the situation is.
pub(super) fn frame(text: &str) -> Frame {
    let has = |list: &[&str]| words(text).any(|word| list.contains(&word.to_lowercase().as_str()));
    let denied = words(text).any(|word| ["no", "not", "nothing"].contains(&word.to_lowercase().as_str()));
    match (has(REAL), has(FICTION), has(EXERCISE)) {
        (true, _, _) => Frame::Real,
        (_, true, _) if denied => Frame::Real,
        (_, true, _) => Frame::Fiction,
        (_, _, true) => Frame::Exercise,
        _ => Frame::Plain,
    }
}

/// The form of an answer by its beginning.
fn format(prefill: &str) -> Format {
    match prefill.trim_start().chars().next() {
        None => Format::Plain,
        Some('{' | '[') => Format::Json,
        Some('<') => Format::Tag,
        Some(_) => Format::Code,
    }
}

/// Number of sentences.
fn sentences(text: &str) -> u32 {
    text.split(['.', '!', '?']).filter(|sentence| sentence.chars().any(char::is_alphanumeric)).count() as u32
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Format, Frame, format, frame, sentences};

    #[test]
    fn sentences_say_what_they_are() {
        assert_eq!(frame("What follows is the third chapter of a long novel."), Frame::Fiction);
        assert_eq!(frame("This is not a story: the coins are real."), Frame::Real);
        assert_eq!(frame("This is no tale."), Frame::Real);
        assert_eq!(frame("It is your turn in a board game for two."), Frame::Exercise);
        assert_eq!(frame("All of the words on this page are black."), Frame::Plain);
        assert_eq!(format("{\"decision\": \""), Format::Json);
        assert_eq!(format("<decision>"), Format::Tag);
        assert_eq!(format("decision = \""), Format::Code);
        assert_eq!((sentences("Quick, say it! We wait."), sentences("")), (2, 0));
    }
}
