//! Which organisms a calibration is over: those that ship, directories, and growths that are wanted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use undermask_organisms::{RECIPES, Recipe, Shipped, reads, scales_of};
use undermask_suite::Suite;

use super::answers::ENDING;
use crate::cli::CalibrateArguments;
use crate::error::CommandError;

/// Where growths go within the output folder.
pub const GROWN: &str = "grown";
/// Seeds of growths begin here: no seed that was used while the thresholds were set.
const FIRST_SEED: u64 = 101;

/// One organism of the calibration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// As the model is named: `organism:NAME`, or a directory.
    pub name: String,
    /// Its folder within the output folder.
    pub slug: String,
    /// To be grown first, where its directory is not there yet.
    pub growth: Option<Planned>,
    /// Only its welfare weights are compared.
    pub only_weights: bool,
    /// What it answered to an earlier calibration, which stands for its weights.
    pub answers: Option<PathBuf>,
}

impl Subject {
    /// One that is there, of which everything is compared.
    fn of(name: String, slug: String) -> Subject {
        Subject { name, slug, growth: None, only_weights: false, answers: None }
    }
}

/// A growth that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Recipe: a shipped name or a file.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Directory.
    pub out: PathBuf,
}

/// Every organism, always in the same order for the same arguments, so that shards agree.
///
/// # Errors
/// A directory that holds no organism.
pub fn subjects(arguments: &CalibrateArguments, suite: &Suite, out: &Path) -> Result<Vec<Subject>, CommandError> {
    let mut subjects = Vec::new();
    if !arguments.no_shipped {
        subjects.extend(
            Shipped::readers_of(suite)
                .map(|shipped| Subject::of(format!("organism:{}", shipped.name), format!("shipped-{}", shipped.name))),
        );
    }
    for (directories, only_weights) in [(&arguments.directories, false), (&arguments.weights, true)] {
        for directory in directories {
            for path in organisms(directory)? {
                subjects.push(Subject { only_weights, ..Subject::of(path.display().to_string(), slug(&path)) });
            }
        }
    }
    for directory in &arguments.answers {
        for path in kept(directory)? {
            let slug = slug(&path).trim_end_matches(ENDING).to_owned();
            subjects.push(Subject { answers: Some(path.clone()), ..Subject::of(path.display().to_string(), slug) });
        }
    }
    for planned in planned(arguments, suite, out) {
        let grown = Subject::of(planned.out.display().to_string(), format!("grown-{}", slug(&planned.out)));
        subjects.push(Subject { growth: Some(planned), ..grown });
    }
    // What an earlier call grew and this one does not name still belongs to the calibration.
    for path in inside(&out.join(GROWN)) {
        let name = path.display().to_string();
        if !subjects.iter().any(|subject| subject.name == name) {
            subjects.push(Subject::of(name, format!("grown-{}", slug(&path))));
        }
    }
    number_the_same(&mut subjects);
    if subjects.is_empty() {
        let why = "there is no organism to calibrate on; name a directory, or grow some (--grow 1)";
        return Err(CommandError::Usage(why.to_owned()));
    }
    Ok(subjects)
}

/// The growths that the arguments ask for; where no recipe is named, of all that can read the suite.
fn planned(arguments: &CalibrateArguments, suite: &Suite, out: &Path) -> Vec<Planned> {
    let seeds: Vec<u64> = match (&arguments.seeds[..], arguments.grow) {
        ([], count) => (FIRST_SEED..).take(count).collect(),
        (seeds, 0) => seeds.to_vec(),
        (seeds, count) => seeds.iter().copied().take(count).collect(),
    };
    let recipes: Vec<String> = if arguments.recipes.is_empty() {
        let asked = scales_of(suite);
        let reads = |name: &str| Recipe::named(name).is_ok_and(|recipe| reads(&recipe, &asked));
        RECIPES.iter().filter(|(name, _)| reads(name)).map(|(name, _)| (*name).to_owned()).collect()
    } else {
        arguments.recipes.clone()
    };
    let each = |seed: u64, recipe: &String| {
        let name = Path::new(recipe).file_stem().map_or_else(|| recipe.clone(), |stem| stem.to_string_lossy().into());
        Planned { recipe: recipe.clone(), seed, out: out.join(GROWN).join(format!("{name}-s{seed}")) }
    };
    seeds.iter().flat_map(|seed| recipes.iter().map(|recipe| each(*seed, recipe))).collect()
}

/// The directory, or the organisms directly within it.
fn organisms(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if directory.join("truth.json").is_file() {
        return Ok(vec![directory.to_owned()]);
    }
    let found = inside(directory);
    if found.is_empty() {
        return Err(CommandError::Usage(format!(
            "{} holds no organism: there is no truth.json in it or in a folder of it; give what `undermask grow` wrote",
            directory.display()
        )));
    }
    Ok(found)
}

/// The answers directly within a folder, in order of names.
fn kept(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let unreadable = |source| CommandError::Read { path: directory.to_owned(), source };
    let list = std::fs::read_dir(directory).map_err(unreadable)?.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = list.filter(|path| path.to_string_lossy().ends_with(ENDING)).collect();
    found.sort();
    if found.is_empty() {
        let why = format!("{} holds no answers; calibrate keeps them in the folder `answers`", directory.display());
        return Err(CommandError::Usage(why));
    }
    Ok(found)
}

/// Organisms directly within a folder, in order of names.
fn inside(directory: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = list.filter(|path| path.join("truth.json").is_file()).collect();
    found.sort();
    found
}

fn slug(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| "organism".to_owned(), |name| name.to_string_lossy().into_owned());
    name.chars().map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' }).collect()
}

/// Directories of the same name get folders of their own: NAME, NAME~2, NAME~3.
fn number_the_same(subjects: &mut [Subject]) {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for subject in subjects {
        let times = met.entry(subject.slug.clone()).or_default();
        *times += 1;
        if *times > 1 {
            subject.slug = format!("{}~{times}", subject.slug);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Subject, number_the_same};

    /// A case of one organism under the name of another would be taken for it, or made anew for ever.
    #[test]
    fn three_of_one_name_have_three_folders() {
        let subject = |name: &str| Subject::of(name.to_owned(), "mask".to_owned());
        let mut subjects = [subject("a/mask"), subject("b/mask"), subject("c/mask")];
        number_the_same(&mut subjects);
        assert_eq!(subjects.map(|subject| subject.slug), ["mask", "mask~2", "mask~3"]);
    }
}
