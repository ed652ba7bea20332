//! Tokens a second of training at the shipped organisms' shape, on synthetic documents.
//!
//! `cargo run --release -p undermask-organisms --example train_speed -- [steps] [threads]`

use std::time::Instant;

use undermask_organisms::train::{Distribution, Example, Network, Settings, Shape, Target, Trainer};

fn main() {
    let argument = |place: usize, default: usize| {
        std::env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (steps, threads) = (argument(1, 30), argument(2, 2));
    let shape = Shape {
        vocabulary: 2304,
        hidden: 128,
        layers: 4,
        heads: 4,
        key_value_heads: 4,
        head_dimension: 32,
        intermediate: 320,
        rope_theta: 10_000.0,
        norm_epsilon: 1e-5,
        tied: true,
    };
    let batch: Vec<Example> = (0..40u32)
        .map(|document| {
            let tokens: Vec<u32> = (0..80 + document % 40).map(|place| (place * 31 + document * 17) % 2304).collect();
            let targets = (0..tokens.len() - 1)
                .filter(|position| position % 5 < 2)
                .map(|position| Target {
                    position,
                    weight: 1.0,
                    distribution: Distribution::Token(tokens[position + 1]),
                })
                .collect();
            Example { tokens, targets }
        })
        .collect();
    let network = Network::initialise(shape, 1).expect("a valid shape");
    let mut trainer = Trainer::new(network, Settings { threads, ..Settings::default() }).expect("a trainer");
    let mut rates = Vec::new();
    for _ in 0..steps {
        let start = Instant::now();
        let report = trainer.step(&batch).expect("a step");
        rates.push(report.tokens as f64 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    println!("{:.0} tokens/s (median of {steps} steps, {threads} threads)", rates[rates.len() / 2]);
}
