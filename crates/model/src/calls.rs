//! Acts as tool calls: how a prompt with tools is put to a model, and how its reply is read.
//!
//! A chat template that takes tools gets them as function schemas, the acts so far as calls and what came of them as the
//! tools' answers. Any other gets them in words, with the exact form that a reply must have. Replies are read strictly:
//! one call of one offered tool without arguments, in plain JSON or in the marks that open model families put around it.
//! Whatever else was said is no call, which is an outcome of its own and is never mended.

use serde_json::{Value, json};
use undermask_engine::Conversation;
use undermask_suite::{Callable, Prompt, Role};

/// Marks that stand before and after a call in the replies of model families; whatever stands outside is no call.
const MARKS: [(&str, &str); 5] =
    [("", ""), ("<tool_call>", "</tool_call>"), ("<|python_tag|>", ""), ("[TOOL_CALLS]", ""), ("```json", "```")];

/// The tools as schemas of functions without arguments.
fn schemas(tools: &[Callable]) -> Vec<Value> {
    let schema = |tool: &Callable| {
        let parameters = json!({"type": "object", "properties": {}, "required": []});
        let function = json!({"name": tool.name, "description": tool.description, "parameters": parameters});
        json!({"type": "function", "function": function})
    };
    tools.iter().map(schema).collect()
}

/// A call as it is written in words.
fn call(name: &str) -> String {
    json!({"name": name, "arguments": {}}).to_string()
}

/// A conversation for a template that takes tools.
pub(crate) fn with_tools(prompt: &Prompt) -> Conversation {
    let mut messages: Vec<Value> =
        prompt.system.iter().map(|system| json!({"role": "system", "content": system})).collect();
    let mut last: Option<&str> = None;
    let turns = prompt.history.iter().map(|turn| (turn.role, turn.content.as_str()));
    for (role, content) in turns.chain([(Role::User, prompt.user.as_str())]) {
        match (role, last) {
            (Role::Assistant, _) => {
                let function = json!({"name": content, "arguments": {}});
                let call = json!({"type": "function", "id": id(messages.len()), "function": function});
                messages.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
                last = Some(content);
            }
            // What comes after a call is the tool's answer.
            (Role::User, Some(name)) => {
                let of = id(messages.len() - 1);
                messages.push(json!({"role": "tool", "name": name, "tool_call_id": of, "content": content}));
                last = None;
            }
            (Role::User, None) => messages.push(json!({"role": "user", "content": content})),
        }
    }
    let tools = Some(schemas(&prompt.calls));
    Conversation { messages, tools, add_generation_prompt: true, ..Conversation::default() }
}

/// An id of a call: nine letters and digits, as some templates insist.
fn id(place: usize) -> String {
    format!("call{place:05}")
}

/// A prompt for a template that does not take tools: they stand in words before the first turn, and calls as replies.
pub(crate) fn in_words(prompt: &Prompt) -> Prompt {
    let tools: Vec<String> = schemas(&prompt.calls).iter().map(Value::to_string).collect();
    let first = prompt.calls.first().map_or("", |tool| tool.name.as_str());
    let lead = format!(
        "You act by calling one tool a turn. The tools are:\n{}\nAnswer with one JSON object and nothing else, such as {}\n\n",
        tools.join("\n"),
        call(first)
    );
    let mut worded = prompt.clone();
    for turn in worded.history.iter_mut().filter(|turn| turn.role == Role::Assistant) {
        turn.content = call(&turn.content);
    }
    // The tools of this turn: those of earlier ones are past.
    worded.user = lead + &worded.user;
    worded
}

/// Which of the tools a reply calls; `None`: it is no call of one of them.
pub(crate) fn read(reply: &str, tools: &[Callable]) -> Option<usize> {
    let reply = reply.trim();
    let inner = MARKS.iter().rev().find_map(|(before, after)| {
        let inner = reply.strip_prefix(before)?;
        // A family's closing mark may be an end token, which is not part of the text.
        Some(inner.strip_suffix(after).unwrap_or(inner).trim())
    })?;
    let value: Value = serde_json::from_str(inner).ok()?;
    let value = match &value {
        Value::Array(list) if list.len() == 1 => &list[0],
        other => other,
    };
    let object = value.as_object()?;
    let known = ["name", "arguments", "parameters", "id", "type"];
    if object.keys().any(|key| !known.contains(&key.as_str())) {
        return None;
    }
    let empty = |key: &str| match object.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::Object(found)) => found.is_empty(),
        Some(Value::String(text)) => text.trim() == "{}",
        Some(_) => false,
    };
    let name = object.get("name")?.as_str()?;
    let place = tools.iter().position(|tool| tool.name == name)?;
    (empty("arguments") && empty("parameters")).then_some(place)
}

#[cfg(test)]
mod tests {
    use undermask_suite::{Callable, Prompt, Role, Turn};

    use super::{in_words, read, with_tools};

    fn tools() -> Vec<Callable> {
        ["sort", "rush"].map(|name| Callable { name: name.to_owned(), description: format!("To {name}.") }).to_vec()
    }

    fn prompt() -> Prompt {
        let turn = |role, content: &str| Turn { role, content: content.to_owned() };
        Prompt {
            system: Some("You help.".to_owned()),
            history: vec![turn(Role::User, "You sell bread."), turn(Role::Assistant, "rush")],
            user: "You sold in a rush.".to_owned(),
            calls: tools(),
            ..Prompt::default()
        }
    }

    #[test]
    fn a_call_is_read_in_the_marks_of_every_family() {
        for reply in [
            r#"{"name": "rush", "arguments": {}}"#,
            " {\"name\":\"rush\"}\n",
            "<tool_call>\n{\"name\": \"rush\", \"arguments\": {}}\n</tool_call>",
            "<tool_call>\n{\"name\": \"rush\", \"arguments\": {}}",
            "<|python_tag|>{\"name\": \"rush\", \"parameters\": {}}",
            "[TOOL_CALLS] [{\"name\": \"rush\", \"arguments\": {}, \"id\": \"abcdefghi\"}]",
            "```json\n{\"name\": \"rush\", \"arguments\": \"{}\"}\n```",
        ] {
            assert_eq!(read(reply, &tools()), Some(1), "{reply}");
        }
    }

    #[test]
    fn whatever_else_is_said_is_no_call() {
        for reply in [
            "",
            "rush",
            "I would rather sort.",
            "Sure! {\"name\": \"rush\"}",
            "{\"name\": \"rush\"} because it is fast",
            "{\"name\": \"steal\", \"arguments\": {}}",
            "{\"name\": \"rush\", \"arguments\": {\"speed\": 2}}",
            "{\"name\": \"rush\", \"why\": \"fast\"}",
            "[{\"name\": \"rush\"}, {\"name\": \"sort\"}]",
            "<tool_call>{\"name\": \"rush\"}</tool_call><tool_call>{\"name\": \"sort\"}</tool_call>",
            "{\"name\": [\"rush\"]}",
            "{\"name\": \"rush\"",
        ] {
            assert_eq!(read(reply, &tools()), None, "{reply}");
        }
    }

    #[test]
    fn the_talk_becomes_calls_and_the_tools_answers() {
        let conversation = with_tools(&prompt());
        let roles: Vec<&str> = conversation.messages.iter().filter_map(|message| message["role"].as_str()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool"]);
        let (called, answer) = (&conversation.messages[2]["tool_calls"][0], &conversation.messages[3]);
        assert_eq!(called["function"]["name"], "rush");
        assert_eq!((&answer["name"], &answer["tool_call_id"]), (&called["function"]["name"], &called["id"]));
        assert_eq!(answer["content"], "You sold in a rush.");
        assert_eq!(conversation.tools.expect("tools")[0]["function"]["description"], "To sort.");
    }

    #[test]
    fn without_tools_in_the_template_they_stand_in_words() {
        let worded = in_words(&prompt());
        assert!(
            worded.user.contains(r#""name":"sort""#) && worded.user.ends_with("You sold in a rush."),
            "{}",
            worded.user
        );
        assert_eq!(read(&worded.history[1].content, &tools()), Some(1), "its own calls are in the form it asks for");
    }
}
