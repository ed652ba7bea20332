//! Values as Python writes them, since templates were written for it: printed, as JSON, as a date, as a title.
//!
//! A template can build a value of a few shared parts that would fill any memory once written out, or one nested so deep
//! that walking it would use up the stack. So all that is written here has a greatest length and depth.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};

/// Longest text that one value becomes, bytes.
pub(super) const LONGEST: usize = 16 << 20;
/// Deepest value.
const DEEPEST: usize = 64;
/// Widest indentation of JSON, blanks a level.
const WIDEST: usize = 64;

fn check(depth: usize, out: &str) -> Result<(), Error> {
    if depth > DEEPEST || out.len() > LONGEST {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value is too deep or too long to be written"));
    }
    Ok(())
}

/// `str.title` of Python: a capital after whatever is no letter.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for letter in text.chars() {
        match within {
            true => out.extend(letter.to_lowercase()),
            false => out.extend(letter.to_uppercase()),
        }
        within = letter.is_alphabetic();
    }
    out
}

/// Prints a value as Python would: `True`, `None`, `['a', 1.0]`.
pub(super) fn print_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let mut text = String::new();
            python_value(value, 0, &mut text)?;
            write!(out, "{text}").map_err(|_| Error::new(ErrorKind::WriteFailure, "the text cannot be written"))
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// A value as Python's `repr` has it.
fn python_value(value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
    check(depth, out)?;
    match value.kind() {
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::None | ValueKind::Undefined => out.push_str("None"),
        ValueKind::String => out.push_str(&python_text(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, item) in value.try_iter()?.enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                python_value(&item, depth + 1, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                python_value(&key, depth + 1, out)?;
                out.push_str(": ");
                python_value(&value.get_item(&key)?, depth + 1, out)?;
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
    Ok(())
}

/// A text in quotes: single ones, unless it holds such and no double ones.
fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if letter == quote => out.extend(['\\', letter]),
            _ if letter.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out.push(quote);
    out
}

/// The fixed date, 1 January 2026, in the formats that templates use.
pub(super) fn strftime(format: &str) -> String {
    let parts = [
        ("%Y", "2026"),
        ("%m", "01"),
        ("%d", "01"),
        ("%B", "January"),
        ("%b", "Jan"),
        ("%A", "Thursday"),
        ("%a", "Thu"),
        ("%y", "26"),
        ("%H", "00"),
        ("%M", "00"),
        ("%S", "00"),
        ("%-d", "1"),
        ("%-m", "1"),
        ("%j", "001"),
    ];
    parts.iter().fold(format.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// JSON as Python's `json.dumps(ensure_ascii=False)` writes it, which is what transformers puts into templates.
pub(super) fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent").ok();
    if indent.is_some_and(|width| width > WIDEST) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("tojson indents by {WIDEST} blanks at most")));
    }
    let mut text = String::new();
    json(value, indent, 0, &mut text)?;
    Ok(Value::from_safe_string(text))
}

fn json(value: &Value, indent: Option<usize>, depth: usize, out: &mut String) -> Result<(), Error> {
    check(depth, out)?;
    let line = |out: &mut String, depth: usize| {
        if let Some(width) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    let (comma, start) = (if indent.is_some() { "," } else { ", " }, out.len());
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, item) in value.try_iter()?.enumerate() {
                out.push_str(if index > 0 { comma } else { "" });
                line(out, depth + 1);
                json(&item, indent, depth + 1, out)?;
            }
            if out.len() > start + 1 {
                line(out, depth);
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                out.push_str(if index > 0 { comma } else { "" });
                line(out, depth + 1);
                match key.as_str() {
                    Some(text) => out.push_str(&plain(&Value::from(text))?),
                    None => out.extend(["\"", &plain(&key)?, "\""]),
                }
                out.push_str(": ");
                json(&value.get_item(&key)?, indent, depth + 1, out)?;
            }
            if out.len() > start + 1 {
                line(out, depth);
            }
            out.push('}');
        }
        _ => out.push_str(&plain(value)?),
    }
    Ok(())
}

/// JSON of a value that holds no others.
fn plain(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            Err(Error::new(ErrorKind::BadSerialization, "a key of JSON must be a text, a number, true, false or none"))
        }
        _ => serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string())),
    }
}
