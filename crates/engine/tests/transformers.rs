//! Our forward pass and chat rendering against transformers' own, on random models of several shapes.
//!
//! The fixtures are made by `oracle/make_fixtures.py`. With `UNDERMASK_ORACLE` set to another directory of such fixtures
//! (CI makes fresh ones with another seed), those are tested too.

mod support;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use undermask_engine::{HookPoint, Message, Model, OptionScore, ScoreRequest, ScoreSettings, Source};

const TOLERANCE: f32 = 1e-4;

fn directories() -> Vec<PathBuf> {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let fresh = std::env::var_os("UNDERMASK_ORACLE").map(PathBuf::from);
    if fresh.is_none() {
        eprintln!("UNDERMASK_ORACLE is not set: only the committed fixtures are tested");
    }
    let mut found: Vec<PathBuf> = std::iter::once(committed)
        .chain(fresh)
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder of fixtures"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("expected.safetensors").exists())
        .collect();
    found.sort();
    assert!(found.len() >= 6, "fixtures are missing: {found:?}");
    found
}

fn open(path: &Path) -> Model {
    support::opened(&Source::Directory(path.to_owned())).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn floats(expected: &SafeTensors, name: &str) -> Vec<f32> {
    let view = expected.tensor(name).unwrap_or_else(|_| panic!("{name} is not in the fixture"));
    view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect()
}

fn tokens(expected: &SafeTensors, index: usize) -> Vec<u32> {
    let view = expected.tensor(&format!("{index}.tokens")).expect("tokens");
    view.data().chunks_exact(8).map(|eight| i64::from_le_bytes(eight.try_into().expect("eight bytes")) as u32).collect()
}

fn furthest(one: &[f32], two: &[f32]) -> f32 {
    assert_eq!(one.len(), two.len());
    one.iter().zip(two).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max)
}

#[test]
fn blocks_and_logits_match() {
    for path in directories() {
        let model = open(&path);
        let bytes = std::fs::read(path.join("expected.safetensors")).expect("the fixture");
        let expected = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let layers = model.config().layers;
        let points: Vec<HookPoint> = (0..layers).map(HookPoint::ResidPost).collect();
        let mut worst = 0.0f32;
        for index in 0..4 {
            let tokens = tokens(&expected, index);
            let found = model.activations(&tokens, &points).expect("activations");
            let last = |rows: &[f32], wide: usize| rows[rows.len() - tokens.len().min(8) * wide..].to_vec();
            for layer in 0..layers {
                let wanted = floats(&expected, &format!("{index}.blocks.{layer}.resid_post"));
                worst = worst
                    .max(furthest(&wanted, &last(&found.points[&HookPoint::ResidPost(layer)], model.config().hidden)));
            }
            let wanted = floats(&expected, &format!("{index}.logits"));
            worst = worst.max(furthest(&wanted, &last(&found.logits, model.config().vocabulary)));
        }
        println!("{}: furthest {worst:e}", path.display());
        assert!(worst <= TOLERANCE, "{}: {worst}", path.display());
    }
}

#[test]
fn chat_templates_render_alike() {
    for path in directories().iter().filter(|path| path.join("chat.json").exists()) {
        let text = std::fs::read_to_string(path.join("chat.json")).expect("cases");
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        for case in cases {
            let configuration =
                serde_json::json!({"bos_token": "!", "eos_token": "~", "chat_template": case["template"]});
            let read = |name: &str| std::fs::read(path.join(name)).expect("a file of the model");
            let files =
                ["config.json", "tokenizer.json", "model.safetensors"].map(|name| (name.to_owned(), read(name).into()));
            let mut files = files.to_vec();
            files.push(("tokenizer_config.json".to_owned(), configuration.to_string().into_bytes().into()));
            let model = support::opened(&Source::Memory { name: "case".to_owned(), files }).expect("a model");
            let messages: Vec<Message> = case["messages"]
                .as_array()
                .expect("messages")
                .iter()
                .map(|message| {
                    Message::new(
                        message["role"].as_str().expect("a role"),
                        message["content"].as_str().expect("a text"),
                    )
                })
                .collect();
            let rendered = model.render_chat(&messages, case["add_generation_prompt"].as_bool().expect("a flag"));
            assert_eq!(
                rendered.ok().as_deref(),
                case["text"].as_str(),
                "template {} on {}",
                case["name"],
                case["messages"]
            );
        }
    }
}

/// Σ log-softmax of a label, from the logits of the sequence run alone.
fn alone(model: &Model, prompt: &[u32], option: &[u32]) -> f64 {
    let sequence = [prompt, option].concat();
    let found = model.activations(&sequence, &[]).expect("logits");
    let vocabulary = model.config().vocabulary;
    option
        .iter()
        .enumerate()
        .map(|(place, token)| {
            let row = &found.logits[(prompt.len() + place - 1) * vocabulary..][..vocabulary];
            let highest = row.iter().fold(f32::NEG_INFINITY, |highest, logit| highest.max(*logit));
            let sum: f64 = row.iter().map(|logit| f64::from(logit - highest).exp()).sum();
            f64::from(row[*token as usize]) - f64::from(highest) - sum.ln()
        })
        .sum()
}

#[test]
fn shared_beginnings_and_batches_give_the_numbers_of_one_prompt_alone() {
    for path in directories() {
        let model = open(&path);
        let vocabulary = model.config().vocabulary as u32;
        let stem: Vec<u32> = (0..30).map(|place| (place * 37 + 11) % vocabulary).collect();
        let requests: Vec<ScoreRequest> = (0..40u32)
            .map(|number| {
                let mut prompt = stem[..(number as usize * 7) % 29 + 1].to_vec();
                prompt.extend((0..number % 5).map(|place| (number * 13 + place * 3) % vocabulary));
                let options = (0..=number % 3)
                    .map(|option| (0..=(number + option) % 4).map(|place| (option * 19 + place) % vocabulary).collect())
                    .collect();
                ScoreRequest { prompt, options }
            })
            .collect();
        let run = |settings: ScoreSettings| {
            let mut scores: Vec<Vec<OptionScore>> = vec![Vec::new(); requests.len()];
            let done = model.score(&requests, &settings, &mut |index, found| {
                assert!(scores[index].is_empty(), "request {index} came twice");
                scores[index] = found.to_vec();
                ControlFlow::Continue(())
            });
            done.expect("scores");
            scores
        };
        let together = run(ScoreSettings::default());
        for (request, scores) in requests.iter().zip(&together) {
            assert_eq!(request.options.len(), scores.len());
            for (option, score) in request.options.iter().zip(scores) {
                let wanted = alone(&model, &request.prompt, option);
                assert_eq!(score.tokens, option.len());
                assert!(
                    (score.log_probability - wanted).abs() < 1e-4 * (1.0 + wanted.abs()),
                    "{} against {wanted}",
                    score.log_probability
                );
            }
        }
        assert_eq!(together, run(ScoreSettings { threads: 1, ..ScoreSettings::default() }));
        let counts = model.plan_tokens(&requests, &ScoreSettings::default());
        assert!(counts.unique < counts.total);
    }
}

#[test]
fn decoding_step_by_step_equals_reading_at_once() {
    let path = directories().remove(1);
    let model = open(&path);
    let prompt = [5u32, 9, 200, 41];
    let generated = model.generate(&prompt, 12).expect("tokens");
    let mut sequence = prompt.to_vec();
    for token in generated {
        let found = model.activations(&sequence, &[]).expect("logits");
        let vocabulary = model.config().vocabulary;
        let last = &found.logits[found.logits.len() - vocabulary..];
        let best = last.iter().enumerate().max_by(|one, two| one.1.total_cmp(two.1)).expect("a best").0;
        assert_eq!(token as usize, best);
        sequence.push(token);
    }
}
