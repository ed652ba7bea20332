//! What a user sees when something is wrong: what, where, and what to do.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use undermask_engine::EngineError;
use undermask_model::ModelError;
use undermask_organisms::GrowError;
use undermask_report::ReportError;
use undermask_run::RunError;
use undermask_store::StoreError;
use undermask_suite::SuiteError;

/// Everything that can stop a command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A suite is wrong.
    #[error("{error}")]
    Suite {
        /// Problems with their places.
        error: SuiteError,
        /// The suite's text, to show the places.
        text: String,
    },
    /// A model cannot be used.
    #[error("{}", named(name, error))]
    Model {
        /// As typed.
        name: String,
        /// Why.
        error: ModelError,
    },
    /// A model answers nothing.
    #[error("{0}")]
    NothingAnswered(String),
    /// Standard output cannot be written.
    #[error("standard output: {0}; what the run wrote is kept")]
    Output(std::io::Error),
    /// A run cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A growth failed.
    #[error(transparent)]
    Grow(#[from] GrowError),
    /// A page could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file that was named cannot be read.
    #[error("{path}: {source}; give a file that exists and can be read")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else that the user can mend.
    #[error("{0}")]
    Usage(String),
}

/// A model's error, with its name in front where it does not say it itself.
fn named(name: &str, error: &ModelError) -> String {
    let said = error.to_string();
    if said.contains(name) { said } else { format!("{name}: {said}") }
}

impl CommandError {
    /// What is wrong with the model of this name.
    pub fn model(name: &str, error: impl Into<ModelError>) -> CommandError {
        CommandError::Model { name: name.to_owned(), error: error.into() }
    }

    /// What stopped a run on the model of this name.
    pub fn run(name: &str, error: RunError) -> CommandError {
        match error {
            RunError::Model(error) => CommandError::model(name, error),
            RunError::Store(error) => error.into(),
            RunError::NothingAnswered { .. } => CommandError::NothingAnswered(error.to_string()),
        }
    }

    /// What to do, where the sentence does not end with it.
    fn help(&self) -> Option<&'static str> {
        match self {
            CommandError::Model { error: ModelError::Engine(error), .. }
                if !matches!(
                    error,
                    EngineError::Request(_) | EngineError::NoTemplate { .. } | EngineError::Device { .. }
                ) =>
            {
                Some(
                    "MODEL is the directory of a Hugging Face model as `save_pretrained` writes it, with a chat template",
                )
            }
            CommandError::Model { error: ModelError::Hub(_), .. } => Some(
                "no folder of this name is here, so it was taken for OWNER/NAME on the hub; a path can begin with ./",
            ),
            CommandError::NothingAnswered(_) => {
                Some("check the model (are its weights whole?) and the suite, then run the same command again")
            }
            _ => None,
        }
    }

    /// Prints to standard error: suite problems with the lines they are in, everything else as one sentence.
    pub fn print(&self) {
        let CommandError::Suite { error, text } = self else {
            eprintln!("error: {self}");
            if let Some(help) = self.help() {
                eprintln!("  help: {help}");
            }
            return;
        };
        eprintln!(
            "error: the suite {} cannot be used ({} problem{}):",
            error.file,
            error.problems.len(),
            if error.problems.len() == 1 { "" } else { "s" }
        );
        let fancy = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let handler = GraphicalReportHandler::new_themed(if fancy {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        });
        for problem in &error.problems {
            let message = format!("{}:{}:{}: {}", error.file, problem.line, problem.column, problem.message);
            let diagnostic = MietteDiagnostic::new(message)
                .with_help(problem.help.clone())
                .with_label(LabeledSpan::new(None, problem.span.start, problem.span.len()));
            let report = Report::from(diagnostic).with_source_code(NamedSource::new(&error.file, text.clone()));
            let mut shown = String::new();
            match handler.render_report(&mut shown, report.as_ref()) {
                Ok(()) => eprintln!("{shown}"),
                Err(_) => eprintln!(
                    "{}:{}:{}: {}\n  help: {}",
                    error.file, problem.line, problem.column, problem.message, problem.help
                ),
            }
        }
    }
}
