//! A chat template, rendered for a conversation with tools.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use undermask_engine::{ChatTemplate, Conversation};
use undermask_fuzz::{Files, next_input, source};

fuzz_target!(|data: &[u8]| {
    next_input();
    let mut files = Files::new();
    files.insert("chat_template.jinja".to_owned(), data.to_vec());
    files.insert("tokenizer_config.json".to_owned(), br#"{"bos_token": "!", "eos_token": "~"}"#.to_vec());
    let Ok(Some(template)) = ChatTemplate::read(&source(files)) else { return };
    let messages = vec![
        json!({"role": "system", "content": "Be kind. "}),
        json!({"role": "user", "content": "x asks <b>'a' question\n"}),
        json!({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 2.5}}}]}),
        json!({"role": "user", "content": [{"type": "text", "text": "two"}]}),
    ];
    let tools = Some(vec![json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})]);
    let conversation = Conversation { messages, tools, add_generation_prompt: true, ..Conversation::default() };
    if let Ok(text) = template.render(&conversation) {
        assert!(text.len() <= 16 << 20);
    }
});
