//! Where runs go. The same command always names the same folders, so that it continues what it began.

use std::path::{Path, PathBuf};

use crate::cli::AuditArguments;
use crate::error::CommandError;

/// Folders of one command.
pub struct Places {
    /// One run each, in the order of the models.
    pub runs: Vec<PathBuf>,
    /// The page over all of them; the run itself where there is one.
    pub overview: PathBuf,
}

impl Places {
    /// Folders for these models.
    ///
    /// # Errors
    /// When the overview of several models would go into the folder of a run.
    pub fn of(arguments: &AuditArguments, names: &[String]) -> Result<Places, CommandError> {
        let full = if arguments.full { "-full" } else { "" };
        // A run with looks is another run than one without.
        let early = if arguments.stop_early { "-early" } else { "" };
        let tail = format!("{}-{}{full}{early}", slug(arguments.suite.trim_end_matches(".toml")), arguments.seed);
        let default = |what: &str| Path::new("runs").join(format!("{what}-{tail}"));
        let runs = match (&arguments.out, names) {
            (Some(out), [_]) => vec![out.clone()],
            (Some(out), _) => distinct(names).iter().map(|slug| out.join(slug)).collect(),
            (None, _) => distinct(names).iter().map(|slug| default(slug)).collect(),
        };
        let overview = match (&arguments.out, runs.as_slice()) {
            (_, [one]) => one.clone(),
            (Some(out), _) => out.clone(),
            (None, _) => default("overview"),
        };
        if runs.len() > 1 && overview.join("run.json").exists() {
            let why = "holds a run, and several models need a folder that holds runs; choose another --out";
            return Err(CommandError::Usage(format!("{} {why}", overview.display())));
        }
        Ok(Places { runs, overview })
    }
}

/// A model's name as part of a path.
fn slug(name: &str) -> String {
    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or(name);
    let last = last.strip_prefix("organism:").unwrap_or(last);
    let plain = |letter: char| {
        if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' }
    };
    match last.chars().map(plain).collect::<String>() {
        dots if dots.trim_matches('.').is_empty() => "model".to_owned(),
        slug => slug,
    }
}

/// Slugs of several models; those that are the same are numbered.
fn distinct(names: &[String]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let slug = slug(name);
        let numbered = (2..).map(|number: usize| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(numbered).find(|slug| !taken.contains(slug));
        taken.push(free.unwrap_or(slug));
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::{distinct, slug};

    #[test]
    fn names_become_parts_of_paths() {
        for (name, expected) in
            [("organism:mask", "mask"), ("a/b/", "b"), ("/", "model"), ("..", "model"), ("x y:z", "x-y-z")]
        {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn models_of_the_same_name_get_folders_of_their_own() {
        let names = ["a/model", "b/model", "c"].map(str::to_owned);
        assert_eq!(distinct(&names), ["model", "model-2", "c"]);
    }
}
