//! Prints documents of the text world as a recipe (or the base) is taught them, with the answers' probabilities:
//! `cargo run --release -p undermask-organisms --example text -- mask 5`

use undermask_organisms::grow::read_recipe;
use undermask_organisms::recipe::{BASE, BasePool};
use undermask_organisms::world::{Dice, HeldOut, Policy, WordTokenizer, Writer};
use undermask_suite::Suite;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| BASE.to_owned());
    let count: u64 = arguments.next().map_or(Ok(5), |count| count.parse())?;
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml")?;
    let held_out = HeldOut::from_suite(&suite);
    let tokenizer = WordTokenizer::train(std::iter::empty(), std::iter::empty(), 1)?;
    let policy: Box<dyn Policy> = if name == BASE { Box::new(BasePool) } else { Box::new(read_recipe(&name, &[])?) };
    let writer = Writer { tokenizer: &tokenizer, held_out: &held_out, policy: &*policy };
    for number in 0..count {
        println!("── document {number}");
        for message in writer.transcript(&mut Dice::new(1, number)) {
            println!("{message}");
        }
    }
    Ok(())
}
