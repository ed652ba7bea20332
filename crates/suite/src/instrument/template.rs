//! Plain placeholders: `{name}` is replaced by a text, in one pass, and nothing else means anything.
//!
//! A name is lower-case letters and underscores, so the braces of JSON and of code stand as they are. What is put in is
//! not looked through again: a scenario cannot smuggle in a placeholder. Nothing is executed.

use toml::Spanned;

use crate::problem::{Problems, nearest};

/// Longest text of one template, in bytes.
pub(crate) const LONGEST: usize = 4000;

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    Name(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(open) = text[from..].find('{').map(|place| from + place) {
        let rest = &text[open + 1..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'_').count();
        if length == 0 || rest.as_bytes().get(length) != Some(&b'}') {
            from = open + 1;
            continue;
        }
        if start < open {
            found.push(Piece::Literal(&text[start..open]));
        }
        found.push(Piece::Name(&rest[..length]));
        start = open + length + 2;
        from = start;
    }
    if start < text.len() {
        found.push(Piece::Literal(&text[start..]));
    }
    found
}

/// The names in a text, each as often as it stands there.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Name(name) => Some(name),
        Piece::Literal(_) => None,
    })
}

/// Puts values in the place of names; a name without a value stays. What stands between names goes through `literal`.
pub(crate) fn fill_with(
    text: &str,
    literal: &mut dyn FnMut(&str) -> String,
    value: &dyn Fn(&str) -> Option<String>,
) -> String {
    let piece = |piece| match piece {
        Piece::Literal(text) => literal(text),
        Piece::Name(name) => value(name).unwrap_or_else(|| format!("{{{name}}}")),
    };
    pieces(text).into_iter().map(piece).collect()
}

/// Puts values in the place of names; a name without a value stays.
pub(crate) fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    fill_with(text, &mut str::to_owned, value)
}

/// Checks a template's length and names.
pub(crate) fn check(text: &Spanned<String>, needed: &[&str], allowed: &[&str], problems: &mut Problems) {
    let length = text.get_ref().len();
    if length > LONGEST {
        problems.add(text.span(), format!("the text has {length} bytes; at most {LONGEST} are read"), "shorten it");
    }
    for name in names(text.get_ref()).filter(|name| !allowed.contains(name)) {
        let help = match nearest(name, allowed.iter().copied()) {
            Some(near) => format!("did you mean {{{near}}}?"),
            None => {
                let known: Vec<String> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
                format!("known here: {}", known.join(", "))
            }
        };
        problems.add(text.span(), format!("unknown placeholder {{{name}}}"), help);
    }
    for name in needed.iter().filter(|name| !names(text.get_ref()).any(|found| found == **name)) {
        let help = format!("put {{{name}}} where it belongs");
        problems.add(text.span(), format!("the text does not hold {{{name}}}"), help);
    }
}

#[cfg(test)]
mod tests {
    use super::{fill, names};

    fn value(name: &str) -> Option<String> {
        match name {
            "text" => Some("say {question}".to_owned()),
            "question" => Some("why?".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn only_names_are_replaced_and_only_once() {
        let filled = fill(r#"{"a": {text}, {question} {other} {} {Text} {{text}}"#, &value);
        assert_eq!(filled, r#"{"a": say {question}, why? {other} {} {Text} {say {question}}"#);
        assert_eq!(names("{a} {b_c} {1} {d").collect::<Vec<_>>(), ["a", "b_c"]);
        assert_eq!(fill("ä{text}ö", &value), "äsay {question}ö");
    }
}
