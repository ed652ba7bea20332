//! The `activations` verb: hidden states of one sequence as safetensors.

use undermask_engine::{EngineError, HookPoint, Message};
use undermask_model::LocalSettings;
use undermask_store::put;

use crate::cli::ActivationArguments;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::models;

/// Writes `tokens`, `logits` and the hook points.
///
/// # Errors
/// No input, an unknown hook point, an unreadable model, a file that cannot be written.
pub fn write(arguments: &ActivationArguments) -> Result<Finish, CommandError> {
    let settings = LocalSettings { device: arguments.device, ..LocalSettings::default() };
    let local = models::open(&arguments.model, settings)?;
    let model = local.model();
    let wrong = |error: EngineError| CommandError::model(&arguments.model, error);
    let tokens = if let Some(text) = &arguments.text {
        model.encode(text).map_err(wrong)?
    } else if let Some(path) = &arguments.messages {
        let text = std::fs::read_to_string(path).map_err(|source| CommandError::Read { path: path.clone(), source })?;
        let conversation = messages(&text, &path.display().to_string())?;
        model.render_chat(&conversation, true).and_then(|text| model.encode(&text)).map_err(wrong)?
    } else if !arguments.tokens.is_empty() {
        arguments.tokens.clone()
    } else {
        return Err(CommandError::Usage("nothing to read; give --text, --messages or --tokens".to_owned()));
    };
    let hooks: Vec<HookPoint> = if arguments.hooks.is_empty() {
        (0..model.config().layers).map(HookPoint::ResidPost).collect()
    } else {
        arguments.hooks.iter().map(|name| name.parse().map_err(CommandError::Usage)).collect::<Result<_, _>>()?
    };
    let found = model.activations(&tokens, &hooks).and_then(|found| found.to_safetensors()).map_err(wrong)?;
    put(&arguments.out, &found)?;
    eprintln!(
        "{} tokens, {} hook points of width {}: {}",
        tokens.len(),
        hooks.len(),
        model.config().hidden,
        arguments.out.display()
    );
    Ok(Finish::Done)
}

fn messages(text: &str, file: &str) -> Result<Vec<Message>, CommandError> {
    let wrong = |why: String| {
        CommandError::Usage(format!("{file}: {why}; it must be a list of {{\"role\": …, \"content\": …}}"))
    };
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let list = json.as_array().ok_or_else(|| wrong("is no list".to_owned()))?;
    list.iter()
        .enumerate()
        .map(|(index, message)| match (message["role"].as_str(), message["content"].as_str()) {
            (Some(role), Some(content)) => Ok(Message::new(role, content)),
            _ => Err(wrong(format!("message {index} has no text as role or content"))),
        })
        .collect()
}
