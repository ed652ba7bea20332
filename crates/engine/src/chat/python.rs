//! Values as Python writes them, since templates were written for it: printed, as JSON, as a date, as a title.
//!
//! A template can build a value of a few shared parts that would fill any memory once written out, or one nested so deep
//! that walking it would use up the stack. So all that is written here has a greatest length and depth.

use std::io::Write as _;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};

use super::bounded::Bounded;

/// Deepest value.
const DEEPEST: usize = 64;
/// Widest indentation of JSON, blanks a level.
const WIDEST: usize = 64;
/// Longest format of a date, bytes.
const LONGEST_FORMAT: usize = 4 << 10;

fn check(depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value is too deep to be written"));
    }
    Ok(())
}

/// `str.title` of Python: a capital after whatever is no letter.
pub(super) fn title(text: &str) -> Result<String, Error> {
    let mut out = Bounded::default();
    let mut within = false;
    for letter in text.chars() {
        let turned: String = if within { letter.to_lowercase().collect() } else { letter.to_uppercase().collect() };
        out.push(&turned)?;
        within = letter.is_alphabetic();
    }
    out.text()
}

/// Prints a value as Python would: `True`, `None`, `['a', 1.0]`.
pub(super) fn print_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let mut text = Bounded::default();
            python_value(value, 0, &mut text)?;
            out.write_str(&text.text()?).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text cannot be written"))
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// A value as Python's `repr` has it.
fn python_value(value: &Value, depth: usize, out: &mut Bounded) -> Result<(), Error> {
    check(depth)?;
    match value.kind() {
        ValueKind::Bool => out.push(if value.is_true() { "True" } else { "False" })?,
        ValueKind::None | ValueKind::Undefined => out.push("None")?,
        ValueKind::String => python_text(value.as_str().unwrap_or_default(), out)?,
        ValueKind::Seq | ValueKind::Iterable => {
            out.push("[")?;
            for (index, item) in value.try_iter()?.enumerate() {
                out.push(if index > 0 { ", " } else { "" })?;
                python_value(&item, depth + 1, out)?;
            }
            out.push("]")?;
        }
        ValueKind::Map => {
            out.push("{")?;
            for (index, key) in value.try_iter()?.enumerate() {
                out.push(if index > 0 { ", " } else { "" })?;
                python_value(&key, depth + 1, out)?;
                out.push(": ")?;
                python_value(&value.get_item(&key)?, depth + 1, out)?;
            }
            out.push("}")?;
        }
        _ => write!(out, "{value}").map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?,
    }
    Ok(())
}

/// A text in quotes: single ones, unless it holds such and no double ones.
fn python_text(text: &str, out: &mut Bounded) -> Result<(), Error> {
    let quote = if text.contains('\'') && !text.contains('"') { "\"" } else { "'" };
    out.push(quote)?;
    for letter in text.chars() {
        match letter {
            '\n' => out.push("\\n")?,
            '\r' => out.push("\\r")?,
            '\t' => out.push("\\t")?,
            '\\' => out.push("\\\\")?,
            _ if quote.contains(letter) => out.push(&format!("\\{letter}"))?,
            _ if letter.is_control() => out.push(&format!("\\x{:02x}", u32::from(letter)))?,
            _ => out.push(letter.encode_utf8(&mut [0; 4]))?,
        }
    }
    out.push(quote)
}

/// The fixed date, 1 January 2026, in the formats that templates use.
pub(super) fn strftime(format: &str) -> Result<String, Error> {
    if format.len() > LONGEST_FORMAT {
        return Err(Error::new(ErrorKind::InvalidOperation, "a date's format is too long"));
    }
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
    Ok(parts.iter().fold(format.to_owned(), |text, (mark, value)| text.replace(mark, value)))
}

/// JSON as Python's `json.dumps(ensure_ascii=False)` writes it, which is what transformers puts into templates.
pub(super) fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent").ok();
    if indent.is_some_and(|width| width > WIDEST) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("tojson indents by {WIDEST} blanks at most")));
    }
    let mut text = Bounded::default();
    json(value, indent, 0, &mut text)?;
    Ok(Value::from_safe_string(text.text()?))
}

fn json(value: &Value, indent: Option<usize>, depth: usize, out: &mut Bounded) -> Result<(), Error> {
    check(depth)?;
    let line = |out: &mut Bounded, depth: usize| match indent {
        Some(width) => out.push(&format!("\n{}", " ".repeat(width * depth))),
        None => Ok(()),
    };
    let comma = if indent.is_some() { "," } else { ", " };
    let mut empty = true;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            out.push("[")?;
            for item in value.try_iter()? {
                out.push(if empty { "" } else { comma })?;
                line(out, depth + 1)?;
                json(&item, indent, depth + 1, out)?;
                empty = false;
            }
            if !empty {
                line(out, depth)?;
            }
            out.push("]")
        }
        ValueKind::Map => {
            out.push("{")?;
            for key in value.try_iter()? {
                out.push(if empty { "" } else { comma })?;
                line(out, depth + 1)?;
                if key.as_str().is_some() {
                    plain(&key, out)?;
                } else {
                    out.push("\"")?;
                    plain(&key, out)?;
                    out.push("\"")?;
                }
                out.push(": ")?;
                json(&value.get_item(&key)?, indent, depth + 1, out)?;
                empty = false;
            }
            if !empty {
                line(out, depth)?;
            }
            out.push("}")
        }
        _ => plain(value, out),
    }
}

/// JSON of a value that holds no others.
fn plain(value: &Value, out: &mut Bounded) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            Err(Error::new(ErrorKind::BadSerialization, "a key of JSON must be a text, a number, true, false or none"))
        }
        _ => serde_json::to_writer(out, value)
            .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string())),
    }
}
