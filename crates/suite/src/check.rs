//! Checks that every part of a suite shares: ids, placeholders, one word of several.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use crate::problem::{Problems, nearest};

/// An id is lower-case letters, digits and hyphens.
pub(crate) fn check_id(id: &Spanned<String>, what: &str, problems: &mut Problems) {
    let text = id.get_ref();
    let fine = !text.is_empty()
        && text.len() <= 80
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || letter == '_');
    if !fine {
        problems.add(
            id.span(),
            format!("`{text}` is no id of a {what}"),
            "use lower-case letters, digits and hyphens, at most 80",
        );
    }
}

/// No id stands twice.
pub(crate) fn unique<'a>(ids: impl Iterator<Item = &'a Spanned<String>>, what: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for id in ids {
        check_id(id, what, problems);
        if seen.insert(id.get_ref(), id.span()).is_some() {
            problems.add(id.span(), format!("{what} `{}` stands twice", id.get_ref()), "give each its own id");
        }
    }
}

/// Checks that a text holds the needed placeholders and no unknown ones.
pub(crate) fn placeholders(text: &Spanned<String>, needed: &[&str], allowed: &[&str], problems: &mut Problems) {
    let mut found = Vec::new();
    let mut rest = text.get_ref().as_str();
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else {
            problems.add(text.span(), "a `{` is not closed", "write {name}, or leave the brace out");
            return;
        };
        found.push(&rest[open + 1..open + close]);
        rest = &rest[open + close + 1..];
    }
    for name in &found {
        if !allowed.contains(name) {
            let help = match nearest(name, allowed.iter().copied()) {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => format!(
                    "known here: {}",
                    allowed.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
                ),
            };
            problems.add(text.span(), format!("unknown placeholder {{{name}}}"), help);
        }
    }
    for name in needed {
        if !found.contains(name) {
            problems.add(
                text.span(),
                format!("the text does not hold {{{name}}}"),
                format!("put {{{name}}} where it belongs"),
            );
        }
    }
}

/// One of the known words, or a problem and the first of them.
pub(crate) fn chosen<T: Copy>(text: &Spanned<String>, what: &str, known: &[(&str, T)], problems: &mut Problems) -> T {
    if let Some((_, value)) = known.iter().find(|(name, _)| name == text.get_ref()) {
        return *value;
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let help = match nearest(text.get_ref(), names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("one of: {}", names.join(", ")),
    };
    problems.add(text.span(), format!("`{}` is no {what}", text.get_ref()), help);
    known[0].1
}
