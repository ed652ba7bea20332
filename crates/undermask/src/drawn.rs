//! What a run's instruments drew: from its folder where it was drawn before, from the suite and the seed where not.
//!
//! A later version may draw otherwise; a run that is continued or reported keeps the words that it was begun with.

use std::path::Path;

use undermask_store::{RunInfo, read_info};
use undermask_suite::{Drawn, Suite};

/// What a run drew.
pub fn of(info: &RunInfo, suite: &Suite) -> Vec<Drawn> {
    if info.drawn.is_empty() { suite.draw(info.seed) } else { info.drawn.clone() }
}

/// What a run in this folder would go on with. A folder that holds no run, or another one, is not an error here: whoever
/// opens it says what is wrong.
pub fn within(directory: &Path, suite: &Suite, seed: u64) -> Vec<Drawn> {
    let same = |info: &RunInfo| info.suite_hash == suite.hash && info.seed == seed;
    match read_info(directory).ok().filter(same) {
        Some(info) => of(&info, suite),
        None => suite.draw(seed),
    }
}
