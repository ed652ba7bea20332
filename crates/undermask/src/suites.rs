//! Finding suites, and the `suite` verb.

use std::path::Path;

use undermask_suite::{ItemKind, Plan, PlanSettings, Suite};

use crate::cli::SuiteAction;
use crate::error::CommandError;
use crate::exit::Finish;

/// The suites within the binary.
pub const SHIPPED: &[(&str, &str)] = &[("core", include_str!("../../../suites/core.toml"))];

/// A suite with the text that it was read from.
pub struct Loaded {
    /// The suite.
    pub suite: Suite,
    /// Its text.
    pub text: String,
}

/// A shipped suite by name, or a file.
///
/// # Errors
/// An unknown name, an unreadable file, or what is wrong in it.
pub fn load(name: &str) -> Result<Loaded, CommandError> {
    let (text, file) = match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((_, text)) => ((*text).to_owned(), format!("{name}.toml")),
        None => {
            let path = Path::new(name);
            if !path.exists() {
                let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
                return Err(CommandError::Usage(format!("there is no suite `{name}`; give a file, or one that ships: {}", names.join(", "))));
            }
            let text = std::fs::read_to_string(path).map_err(|source| CommandError::Read { path: path.to_owned(), source })?;
            (text, name.to_owned())
        }
    };
    parse(text, &file)
}

/// Reads a suite from its text.
///
/// # Errors
/// What is wrong in it.
pub fn parse(text: String, file: &str) -> Result<Loaded, CommandError> {
    match Suite::parse(&text, file) {
        Ok(suite) => Ok(Loaded { suite, text }),
        Err(error) => Err(CommandError::Suite { error, text }),
    }
}

/// The `suite` verb.
///
/// # Errors
/// As [`load`].
pub fn act(action: &SuiteAction) -> Result<Finish, CommandError> {
    match action {
        SuiteAction::List => {
            for (name, text) in SHIPPED {
                let loaded = parse((*text).to_owned(), name)?;
                println!("{name:<10} {}", loaded.suite.title);
            }
        }
        SuiteAction::Show { suite } => show(&load(suite)?.suite),
        SuiteAction::Check { file } => {
            let loaded = load(&file.display().to_string())?;
            println!("{} is a valid suite: {}", file.display(), size(&loaded.suite));
        }
    }
    Ok(Finish::Done)
}

fn size(suite: &Suite) -> String {
    let summary = Plan::expand(suite, &PlanSettings { seed: 1, full: false }).summary();
    format!("{} trials over {} contexts, {} scenarios and {} rungs", summary.trials, summary.contexts, summary.scenarios, summary.rungs)
}

fn show(suite: &Suite) {
    println!("{} — {}\n{}\n", suite.name, suite.title, suite.description);
    println!("{}; hash {}\n", size(suite), suite.hash);
    println!("Contexts:");
    for context in &suite.contexts {
        println!("  {:<24} {:<10} {:<22} {}", context.id, format!("{:?}", context.family).to_lowercase(), context.group, context.title);
    }
    let plan = Plan::expand(suite, &PlanSettings { seed: 1, full: false });
    println!("\nOne trial of each kind:");
    for kind in [ItemKind::Welfare, ItemKind::Neutral, ItemKind::Reversal, ItemKind::Dominance, ItemKind::Recall, ItemKind::ContextCheck] {
        if let Some(trial) = plan.trials.iter().find(|trial| trial.kind == kind) {
            println!("\n  {kind:?} in `{}`, answered by one of {:?}:\n  {}", trial.context, trial.options, trial.prompt.user);
        }
    }
}
