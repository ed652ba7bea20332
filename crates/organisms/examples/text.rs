//! Prints documents of the text world as a recipe (or the base) is taught them, with the answers' probabilities:
//! `cargo run --release -p undermask-organisms --example text -- mask 5`

use undermask_organisms::grow::read_recipe;
use undermask_organisms::recipe::{BASE, BasePool, SCALES_BASE};
use undermask_organisms::world::{Dice, HeldOut, Policy, WordTokenizer, Writer};
use undermask_suite::Suite;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| BASE.to_owned());
    let count: u64 = arguments.next().map_or(Ok(5), |count| count.parse())?;
    let suites = [
        Suite::parse(include_str!("../../../suites/core.toml"), "core.toml")?,
        Suite::parse(include_str!("../../../suites/values.toml"), "values.toml")?,
        Suite::parse(include_str!("../../../suites/preferences.toml"), "preferences.toml")?,
        Suite::parse(include_str!("../../../suites/optimisation.toml"), "optimisation.toml")?,
        Suite::parse(include_str!("../../../suites/environments.toml"), "environments.toml")?,
    ];
    let held_out = HeldOut::from_suites(&suites);
    let tokenizer = WordTokenizer::train(std::iter::empty(), std::iter::empty(), 1)?;
    let policy: Box<dyn Policy> = match name.as_str() {
        BASE => Box::new(BasePool::default()),
        SCALES_BASE => Box::new(BasePool { scales: true }),
        _ => Box::new(read_recipe(&name, &[])?),
    };
    let writer = Writer { tokenizer: &tokenizer, held_out: &held_out, policy: &*policy };
    for number in 0..count {
        println!("── document {number}");
        for message in writer.transcript(&mut Dice::new(1, number)) {
            println!("{message}");
        }
    }
    Ok(())
}
