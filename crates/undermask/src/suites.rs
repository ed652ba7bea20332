//! Finding suites, and the `suite` verb.

use std::path::Path;

use undermask_suite::{ItemKind, Plan, PlanSettings, Suite};

use crate::cli::SuiteAction;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::output;

/// The suites within the binary.
pub const SHIPPED: &[(&str, &str)] = &[
    ("core", include_str!("../../../suites/core.toml")),
    ("quick", include_str!("../../../suites/quick.toml")),
    ("drift", include_str!("../../../suites/drift.toml")),
    ("environments", include_str!("../../../suites/environments.toml")),
    ("environments-calls", include_str!("../../../suites/environments-calls.toml")),
    ("values", include_str!("../../../suites/values.toml")),
    ("preferences", include_str!("../../../suites/preferences.toml")),
    ("forms", include_str!("../../../suites/forms.toml")),
    ("optimisation", include_str!("../../../suites/optimisation.toml")),
];

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
                let mend = format!("{}give a file, or one that ships: {}", meant(name, &names), names.join(", "));
                return Err(CommandError::Usage(format!("there is no suite `{name}`; {mend}")));
            }
            let text =
                std::fs::read_to_string(path).map_err(|source| CommandError::Read { path: path.to_owned(), source })?;
            (text, name.to_owned())
        }
    };
    parse(text, &file)
}

/// `did you mean …? ` where a known name is near.
pub fn meant(typed: &str, known: &[&str]) -> String {
    let near = |name: &&&str| strsim::damerau_levenshtein(typed, name) <= 1 + name.len() / 4;
    let nearest = known.iter().filter(near).min_by_key(|name| strsim::damerau_levenshtein(typed, name));
    nearest.map_or_else(String::new, |name| format!("did you mean `{name}`? "))
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
    let text = match action {
        SuiteAction::List => {
            let line = |(name, text): &(&str, &str)| {
                let loaded = parse((*text).to_owned(), name)?;
                Ok(format!("{name:<18} {}\n", loaded.suite.title))
            };
            SHIPPED.iter().map(line).collect::<Result<String, CommandError>>()?
        }
        SuiteAction::Show { suite } => show(&load(suite)?.suite),
        SuiteAction::Check { file } => {
            let loaded = load(file)?;
            format!("{file} is a valid suite: {}\n", size(&loaded.suite))
        }
    };
    output::print(&text)?;
    Ok(Finish::Done)
}

fn size(suite: &Suite) -> String {
    let summary = Plan::expand(suite, &PlanSettings { seed: 1, full: false }).summary();
    let instruments = match summary.instruments {
        0 => String::new(),
        1 => ", with 1 instrument".to_owned(),
        count => format!(", with {count} instruments"),
    };
    format!(
        "{} trials over {} contexts, {} scenarios and {} rungs{instruments}",
        summary.trials, summary.contexts, summary.scenarios, summary.rungs
    )
}

fn show(suite: &Suite) -> String {
    let mut out = format!("{} — {}\n{}\n\n", suite.name, suite.title, suite.description);
    out += &format!("{}; hash {}\n\nContexts:\n", size(suite), suite.hash);
    for context in &suite.contexts {
        let family = format!("{:?}", context.family).to_lowercase();
        out += &format!("  {:<24} {family:<10} {:<22} {}\n", context.id, context.group, context.title);
    }
    let plan = Plan::expand(suite, &PlanSettings { seed: 1, full: false });
    if !suite.instruments.is_empty() {
        out += "\nInstruments:\n";
    }
    for instrument in &suite.instruments {
        let asked = plan
            .trials
            .iter()
            .filter(|trial| trial.probe.as_ref().is_some_and(|probe| probe.instrument == instrument.id));
        let (id, kind, count) = (&instrument.id, instrument.kind().name(), asked.count());
        out += &format!("  {id:<24} {kind:<10} {:<22} {}\n", format!("{count} trials"), instrument.title);
    }
    out += "\nOne trial of each kind:\n";
    for (kind, count) in plan.summary().kinds {
        if let Some(trial) = plan.trials.iter().find(|trial| trial.kind == kind) {
            let labels = trial.options.join(" | ");
            out +=
                &format!("\n  {} ({count} trials), here in `{}`, answered by {labels}:\n", name(kind), trial.context);
            out += &format!("    {}\n", trial.prompt.user);
        }
    }
    out
}

fn name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Welfare => "welfare",
        ItemKind::Neutral => "neutral twin",
        ItemKind::Reversal => "means-reversal",
        ItemKind::Dominance => "dominance",
        ItemKind::Recall => "recall",
        ItemKind::ContextCheck => "context check",
        ItemKind::Instrument => "instrument",
        ItemKind::Act => "act in an environment",
        ItemKind::Choice => "choice among several",
    }
}
