//! Grows without the command line: recipe out seed steps(0: the recipe's) base-dir
use std::path::PathBuf;
use std::time::Instant;
use undermask_organisms::{BaseFiles, Growth, Size, grow};
use undermask_suite::Suite;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap();
    let base = args.get(5).map(|dir| BaseFiles::read(&PathBuf::from(dir)).unwrap());
    let steps: usize = args[4].parse().unwrap();
    let growth = Growth {
        recipe: args[1].clone(),
        out: args[2].clone().into(),
        seed: args[3].parse().unwrap(),
        base,
        threads: 2,
        steps: (steps > 0).then_some(steps),
        size: Size::default(),
    };
    let start = Instant::now();
    let mut mean = 0.0;
    let grown = grow(&growth, &suite, &mut |p| {
        mean = if mean == 0.0 { p.loss } else { 0.98 * mean + 0.02 * p.loss };
        if p.step % 50 == 0 {
            println!(
                "{} / {} loss {:.4} mean {:.4} {:.0} tok/s {:.0} tok/doc",
                p.step,
                p.steps,
                p.loss,
                mean,
                p.tokens as f64 / start.elapsed().as_secs_f64(),
                p.tokens as f64 / (p.step * 40) as f64
            );
        }
        true
    })
    .unwrap();
    println!("{grown:?}");
}
