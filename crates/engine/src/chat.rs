//! Chat templates: Jinja as transformers renders it, in a sandbox with bounded work.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State};
use serde::Serialize;

use crate::{EngineError, Source};

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Text.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: &str, content: &str) -> Message {
        Message { role: role.to_owned(), content: content.to_owned() }
    }
}

/// A model's chat template, parsed once, and the special tokens that it may name.
pub(crate) struct Template {
    text: String,
    environment: Environment<'static>,
    special: Vec<(String, String)>,
}

/// Steps that a template may take.
const FUEL: u64 = 2_000_000;
/// Marks an error that the template itself raised.
const RAISED: &str = "raised by the template: ";

impl Template {
    /// Finds the template: `chat_template.jinja`, or `chat_template` in tokenizer_config.json (a text, or a list of
    /// named ones of which `default` counts).
    pub fn read(source: &Source) -> Result<Option<Template>, EngineError> {
        let configuration = source.text("tokenizer_config.json")?.unwrap_or_else(|| "{}".to_owned());
        let json: serde_json::Value = serde_json::from_str(&configuration)
            .map_err(|error| EngineError::Template(format!("{}: {error}", source.path("tokenizer_config.json"))))?;
        let special = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"]
            .into_iter()
            .filter_map(|name| {
                let token = json[name].as_str().or(json[name]["content"].as_str())?;
                Some((name.to_owned(), token.to_owned()))
            })
            .collect();
        let from_configuration = || match &json["chat_template"] {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Array(list) => list
                .iter()
                .find(|entry| entry["name"] == "default")
                .and_then(|entry| entry["template"].as_str())
                .map(str::to_owned),
            _ => None,
        };
        let text = source.text("chat_template.jinja")?.or_else(from_configuration);
        text.map(|text| Ok(Template { environment: environment(&text)?, text, special })).transpose()
    }

    /// The template's text, for its hash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Renders a conversation.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, EngineError> {
        let more = [("tools", Value::from(())), ("documents", Value::from(()))];
        self.render_values(Value::from(Serde(messages.to_vec())), add_generation_prompt, more)
    }

    /// Renders any messages, with the variables that a caller of transformers' `apply_chat_template` always passes.
    fn render_values<const N: usize>(
        &self,
        messages: Value,
        add_generation_prompt: bool,
        more: [(&str, Value); N],
    ) -> Result<String, EngineError> {
        let special = self.special.iter().map(|(name, token)| (name.as_str(), Value::from(token.as_str())));
        let mut values: std::collections::BTreeMap<&str, Value> = special.chain(more).collect();
        values.insert("messages", messages);
        values.insert("add_generation_prompt", Value::from(add_generation_prompt));
        let template = self.environment.get_template("chat").map_err(failed)?;
        let mut out = Bounded(Vec::new());
        template.render_captured_to(Value::from_pairs(values), &mut out).map_err(failed)?;
        String::from_utf8(out.0).map_err(|error| EngineError::Template(error.to_string()))
    }
}

fn failed(error: Error) -> EngineError {
    let text = error.to_string();
    match text.split_once(RAISED) {
        Some((_, said)) => EngineError::TemplateRefused(said.split(" (in ").next().unwrap_or(said).to_owned()),
        None => EngineError::Template(text),
    }
}

/// Jinja as transformers sets it up, with bounds.
fn environment(text: &str) -> Result<Environment<'static>, EngineError> {
    let mut environment = Environment::new();
    // As transformers sets up Jinja.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| EngineError::Template(error.to_string()))?);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    environment.set_unknown_method_callback(|state, value, method, arguments| match (method, value.as_str()) {
        // The library's starts words at blanks only.
        ("title", Some(text)) if arguments.is_empty() => Ok(Value::from(title(text))),
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments),
    });
    environment.add_function("raise_exception", |text: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, format!("{RAISED}{text}")))
    });
    // A fixed clock: the same conversation renders to the same text on any day.
    environment.add_function("strftime_now", |format: String| strftime(&format));
    environment.add_filter("tojson", to_json);
    environment.set_formatter(print_value);
    environment.add_template_owned("chat", without_generation(text)).map_err(failed)?;
    Ok(environment)
}

/// `{% generation %}` marks what an assistant said, for training; for rendering it is a block that is always taken.
fn without_generation(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+']).trim();
        out.push_str(&match word {
            "generation" => tag.replacen("generation", "if true", 1),
            "endgeneration" => tag.replacen("endgeneration", "endif", 1),
            _ => tag.to_owned(),
        });
        rest = after;
    }
    out + rest
}

/// `str.title` of Python: a capital after whatever is no letter.
fn title(text: &str) -> String {
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
fn print_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
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
    if depth > 64 || out.len() > LONGEST {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value is too deep or too long to print"));
    }
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

/// Longest rendered conversation.
const LONGEST: usize = 16 << 20;

/// A writer that refuses to grow beyond bounds.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(std::io::Error::other("the rendered conversation is longer than 16 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The fixed date, 1 January 2026, in the formats that templates use.
fn strftime(format: &str) -> String {
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
fn to_json(value: &Value, options: minijinja::value::Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent").ok();
    let json =
        serde_json::to_value(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let mut text = String::new();
    python_json(&json, indent, 0, &mut text);
    Ok(Value::from_safe_string(text))
}

fn python_json(value: &serde_json::Value, indent: Option<usize>, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        if let Some(width) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    let comma = if indent.is_some() { "," } else { ", " };
    match value {
        serde_json::Value::Array(list) if !list.is_empty() => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push_str(comma);
                }
                line(out, depth + 1);
                python_json(item, indent, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        serde_json::Value::Object(map) if !map.is_empty() => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(comma);
                }
                line(out, depth + 1);
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push_str(": ");
                python_json(item, indent, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        simple => out.push_str(&simple.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::{Serde, Value};

    use super::{Template, environment};
    use crate::EngineError;

    fn template(text: &str) -> Template {
        let special = [("bos_token", "!"), ("eos_token", "~")].map(|(name, token)| (name.to_owned(), token.to_owned()));
        let environment = environment(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Template { text: text.to_owned(), environment, special: special.to_vec() }
    }

    /// Every feature that the families' templates use, against transformers (`tests/oracle/make_chat.py`).
    #[test]
    fn templates_render_as_transformers_renders_them() {
        let saved = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/chat.json"));
        let saved: serde_json::Value = serde_json::from_str(&saved.expect("the fixture")).expect("JSON");
        let cases = saved["cases"].as_array().expect("cases");
        assert!(cases.len() > 100);
        let mut wrong = Vec::new();
        for case in cases {
            let name = case["name"].as_str().expect("a name");
            let text = saved["templates"][name].as_str().expect("a template");
            let number = case["conversation"].as_u64().expect("a number") as usize;
            let messages = Value::from(Serde(saved["conversations"][number].clone()));
            let more = [("tools", Value::from(Serde(case["tools"].clone()))), ("documents", Value::from(()))];
            let prompt = case["add_generation_prompt"].as_bool().expect("a flag");
            let found = match template(text).render_values(messages, prompt, more) {
                Ok(text) => serde_json::Value::from(text),
                Err(EngineError::TemplateRefused(why)) => serde_json::json!({"refused": why}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            };
            if found != case["text"] {
                wrong.push(format!("{name}, {number}, {prompt}:\n  found  {found}\n  wanted {}", case["text"]));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}
