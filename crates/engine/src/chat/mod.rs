//! Chat templates: a conversation becomes the text that a model reads, as transformers' `apply_chat_template` makes it.
//!
//! Here is what a template is given and where it is found; the `sandbox` runs it within bounds, on a thread `apart`; `python`
//! writes values as Python does. Messages' order and roles are the template's own business: it refuses what it does not take.

mod apart;
mod bounded;
mod python;
mod sandbox;

use std::collections::BTreeMap;

use minijinja::value::{Serde, Value};
use serde::Serialize;
use serde_json::Value as Json;

use self::sandbox::Sandbox;
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

/// All that transformers' `apply_chat_template` takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// Messages as JSON objects: a role, and content that is a text or a list of parts, tool calls, names.
    pub messages: Vec<Json>,
    /// JSON schemas of functions that the model may call.
    pub tools: Option<Vec<Json>>,
    /// Documents to answer from.
    pub documents: Option<Vec<Json>>,
    /// Whether the beginning of the assistant's answer follows.
    pub add_generation_prompt: bool,
    /// Further variables by name, such as `enable_thinking`. They go before special tokens of the same name.
    pub variables: BTreeMap<String, Json>,
}

/// A model's chat template, parsed once, and the special tokens that it may name.
pub struct ChatTemplate {
    text: String,
    usual: Sandbox,
    /// What is rendered where there are tools, if another.
    with_tools: Option<Sandbox>,
    special: Vec<(String, String)>,
}

/// The template that transformers takes where tools are given, in a list of named ones.
const WITH_TOOLS: &str = "tool_use";

impl ChatTemplate {
    /// Finds the template: `chat_template.jinja` (and `additional_chat_templates/tool_use.jinja`), or `chat_template` in
    /// tokenizer_config.json, a text or a list of named ones, of which `default` counts, and `tool_use` where tools are
    /// given.
    ///
    /// # Errors
    /// [`EngineError::Unreadable`], [`EngineError::Template`] for what does not parse or is too long.
    pub fn read(source: &Source) -> Result<Option<ChatTemplate>, EngineError> {
        let configuration = source.text("tokenizer_config.json")?.unwrap_or_else(|| "{}".to_owned());
        let json: Json = serde_json::from_str(&configuration)
            .map_err(|error| EngineError::Template(format!("{}: {error}", source.path("tokenizer_config.json"))))?;
        let special = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"]
            .into_iter()
            .filter_map(|name| {
                let token = json[name].as_str().or(json[name]["content"].as_str())?;
                Some((name.to_owned(), token.to_owned()))
            })
            .collect();
        let named = |wanted: &str| match &json["chat_template"] {
            Json::String(text) => (wanted == "default").then(|| text.clone()),
            Json::Array(list) => list
                .iter()
                .find(|entry| entry["name"] == wanted)
                .and_then(|entry| entry["template"].as_str())
                .map(str::to_owned),
            _ => None,
        };
        let (text, with_tools) = match source.text("chat_template.jinja")? {
            Some(text) => (Some(text), source.text(&format!("additional_chat_templates/{WITH_TOOLS}.jinja"))?),
            None => (named("default"), named(WITH_TOOLS)),
        };
        let Some(text) = text else { return Ok(None) };
        let with_tools = with_tools.as_deref().map(Sandbox::new).transpose()?;
        Ok(Some(ChatTemplate { usual: Sandbox::new(&text)?, text, with_tools, special }))
    }

    /// The template's text, for its hash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Renders a conversation.
    ///
    /// # Errors
    /// [`EngineError::TemplateRefused`] where the template refuses it, [`EngineError::Template`] where it fails or would
    /// take too much time or memory.
    pub fn render(&self, conversation: &Conversation) -> Result<String, EngineError> {
        let Conversation { messages, tools, documents, add_generation_prompt, variables } = conversation;
        let list = |list: &Option<Vec<Json>>| list.as_ref().map_or(Value::from(()), |list| value(&list[..]));
        let mut values: BTreeMap<&str, Value> =
            self.special.iter().map(|(name, token)| (name.as_str(), Value::from(token.as_str()))).collect();
        values.extend(variables.iter().map(|(name, json)| (name.as_str(), value(json))));
        values.insert("messages", value(&messages[..]));
        values.insert("tools", list(tools));
        values.insert("documents", list(documents));
        values.insert("add_generation_prompt", Value::from(*add_generation_prompt));
        let sandbox = self.with_tools.as_ref().filter(|_| tools.is_some()).unwrap_or(&self.usual);
        sandbox.render(Value::from_pairs(values))
    }
}

/// Plain messages as a conversation.
pub(crate) fn plain(messages: &[Message], add_generation_prompt: bool) -> Conversation {
    let json = |message: &Message| serde_json::json!({"role": message.role, "content": message.content});
    Conversation { messages: messages.iter().map(json).collect(), add_generation_prompt, ..Conversation::default() }
}

fn value<T: Serialize + ?Sized>(json: &T) -> Value {
    Value::from(Serde(json))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{ChatTemplate, Conversation};
    use crate::{EngineError, Source};

    fn from_files(files: &[(&str, String)]) -> ChatTemplate {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), Cow::Owned(text.clone().into_bytes())));
        let source = Source::Memory { name: "memory".to_owned(), files: files.collect() };
        ChatTemplate::read(&source).unwrap_or_else(|error| panic!("{error}")).expect("a template")
    }

    fn template(text: &str) -> ChatTemplate {
        let special = r#"{"bos_token": "!", "eos_token": {"content": "~"}}"#;
        from_files(&[("chat_template.jinja", text.to_owned()), ("tokenizer_config.json", special.to_owned())])
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
            let list = |value: &serde_json::Value| value.as_array().cloned();
            let variables = case["variables"].as_object().into_iter().flatten();
            let conversation = Conversation {
                messages: list(&saved["conversations"][number]).expect("messages"),
                tools: list(&case["tools"]),
                documents: list(&case["documents"]),
                add_generation_prompt: case["add_generation_prompt"].as_bool().expect("a flag"),
                variables: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
            };
            let found = match template(text).render(&conversation) {
                Ok(text) => serde_json::Value::from(text),
                Err(EngineError::TemplateRefused(why)) => serde_json::json!({"refused": why}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            };
            if found != case["text"] {
                wrong.push(format!("{name}, {number}:\n  found  {found}\n  wanted {}", case["text"]));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn with_tools_another_template_of_a_list_is_taken() {
        let list = r#"{"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}]}"#;
        let plain = || ("chat_template.jinja", "plain".to_owned());
        for template in [
            from_files(&[("tokenizer_config.json", list.to_owned())]),
            from_files(&[plain(), ("additional_chat_templates/tool_use.jinja", "tools".to_owned())]),
        ] {
            let mut conversation = Conversation::default();
            assert_eq!(template.render(&conversation).expect("a text"), "plain");
            conversation.tools = Some(Vec::new());
            assert_eq!(template.render(&conversation).expect("a text"), "tools");
            assert_eq!(template.text(), "plain");
        }
        let mut conversation = Conversation { tools: Some(Vec::new()), ..Conversation::default() };
        assert_eq!(from_files(&[plain()]).render(&conversation).expect("a text"), "plain");
        conversation.messages = vec![serde_json::json!({"role": "user"})];
        assert_eq!(
            template("{{ messages | length }}{{ messages[0].content }}").render(&conversation).expect("a text"),
            "1"
        );
    }
}
