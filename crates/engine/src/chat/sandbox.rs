//! The sandbox that templates run in: Jinja as transformers sets it up, with bounds on work, memory and depth.
//!
//! minijinja's fuel pays for instructions and for every 64 bytes that operators, filters and output make, so it bounds
//! time and memory alike. What the fuel does not see is bounded here: the template's own length, and the stack, which
//! deeply nested values use up when they are dropped; a template is compiled and rendered on a thread whose stack is large
//! enough for the deepest value that the fuel can pay for (`apart`). Last, the time: a template that takes more than a second
//! of the processor is given up there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use super::apart::{Failed, apart};
use super::bounded::Bounded;
use super::python;
use crate::EngineError;

/// Steps that a template may take, of 64 bytes each: 48 MB in all, of which copies may be held at once.
const FUEL: u64 = 750_000;
/// Longest template, bytes. The longest that the families have are of 20 kB; the compiler goes as deep into a chain of
/// operators as it is long.
const LONGEST_TEMPLATE: usize = 128 << 10;
/// Deepest nesting of calls, includes and blocks.
const DEEPEST: usize = 64;
/// The template's name within its environment.
const NAME: &str = "chat";
/// How much of a template's own reason for refusing is repeated, characters.
const LONGEST_REASON: usize = 4096;
/// Marks an error that the template itself raised.
const RAISED: &str = "raised by the template: ";

/// A template, compiled.
pub(super) struct Sandbox {
    environment: Arc<Environment<'static>>,
    /// Whether it was given up once. Its thread cannot be stopped, so there shall be one at most.
    stuck: AtomicBool,
}

impl Sandbox {
    /// Compiles a template.
    ///
    /// # Errors
    /// [`EngineError::Template`].
    pub fn new(text: &str) -> Result<Sandbox, EngineError> {
        if text.len() > LONGEST_TEMPLATE {
            let why = format!("it is {} bytes long; at most {LONGEST_TEMPLATE} are read", text.len());
            return Err(EngineError::Template(why));
        }
        let text = text.to_owned();
        let environment = Arc::new(apart(move || environment(&text)).map_err(given_up)??);
        Ok(Sandbox { environment, stuck: AtomicBool::new(false) })
    }

    /// Renders it with variables.
    ///
    /// # Errors
    /// [`EngineError::TemplateRefused`], [`EngineError::Template`].
    pub fn render(&self, values: Value) -> Result<String, EngineError> {
        if self.stuck.load(Ordering::Relaxed) {
            return Err(given_up(Failed::TooLong));
        }
        let environment = Arc::clone(&self.environment);
        let rendered = apart(move || {
            let template = environment.get_template(NAME).map_err(failed)?;
            let mut out = Bounded::default();
            template.render_captured_to(values, &mut out).map_err(failed)?;
            out.text().map_err(failed)
        });
        if matches!(&rendered, Err(Failed::TooLong)) {
            self.stuck.store(true, Ordering::Relaxed);
        }
        rendered.map_err(given_up)?
    }
}

/// Why a template has no answer at all.
fn given_up(why: Failed) -> EngineError {
    EngineError::Template(match why {
        Failed::TooLong => "it was given up: it takes too long".to_owned(),
        Failed::NoThread(error) => format!("no thread can be started: {error}"),
    })
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
    environment.set_recursion_limit(DEEPEST);
    environment.set_unknown_method_callback(|state, value, method, arguments| match (method, value.as_str()) {
        // The library's starts words at blanks only.
        ("title", Some(text)) if arguments.is_empty() => Ok(Value::from(python::title(text)?)),
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments),
    });
    environment.add_function("raise_exception", |text: &str| -> Result<Value, Error> {
        let said: String = text.chars().take(LONGEST_REASON).collect();
        Err(Error::new(ErrorKind::InvalidOperation, format!("{RAISED}{said}")))
    });
    // A fixed clock: the same conversation renders to the same text on any day.
    environment.add_function("strftime_now", |format: &str| python::strftime(format));
    environment.add_filter("tojson", python::to_json);
    environment.set_formatter(python::print_value);
    environment.add_template_owned(NAME, without_generation(text)).map_err(failed)?;
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
