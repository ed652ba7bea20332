//! Sampling against transformers' logits processors, stop texts, ends, LongRoPE's change of lists, means over the
//! response, and choice among labels.

mod support;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use support::{Fixture, SMALL, relative, uniform};
use undermask_engine::{
    Choice, Finish, GenerateRequest, Generated, Generation, HookPoint, Model, Positions, ReadSequence, Reading,
    Reduction, Sampling, ScoreRequest, ScoreSettings, Scoring,
};

#[test]
fn filters_keep_what_those_of_transformers_keep() {
    let text = std::fs::read_to_string(support::folder().join("sampling.json")).expect("cases");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    assert!(cases.len() >= 60);
    for case in cases {
        let number = |key: &str| case[key].as_f64().map(|value| value as f32);
        let sampling = Sampling {
            temperature: number("temperature").expect("a temperature"),
            top_k: case["top_k"].as_u64().map(|count| count as usize),
            top_p: number("top_p"),
            min_p: number("min_p"),
            seed: 0,
        };
        let logits: Vec<f32> =
            uniform(&format!("logits.{}", case["logits"]), 60).iter().map(|value| value * 4.0).collect();
        let expected: BTreeMap<u32, f64> =
            serde_json::from_value::<Vec<(u32, f64)>>(case["kept"].clone()).expect("tokens").into_iter().collect();
        let found: BTreeMap<u32, f64> = sampling.distribution(&logits).expect("a distribution").into_iter().collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{sampling:?}");
        for (token, probability) in &expected {
            assert!((found[token] - probability).abs() < 1e-6, "{sampling:?} {token}");
        }
    }
}

fn family(name: &str) -> Fixture {
    Fixture::read(&support::folder().join(format!("families/{name}.safetensors")))
}

fn generate(model: &Model, generation: &Generation) -> Vec<Generated> {
    let mut found: Vec<Option<Generated>> = vec![None; generation.requests.len()];
    let done = model.generate_with(generation, &mut |index, generated| {
        assert!(found[index].replace(generated).is_none(), "request {index} came twice");
        ControlFlow::Continue(())
    });
    done.expect("responses");
    found.into_iter().map(|found| found.expect("a response")).collect()
}

fn prompts(count: u32) -> Vec<GenerateRequest> {
    (0..count)
        .map(|number| GenerateRequest {
            prompt: (0..2 + number * 3 % 17).map(|place| (place * 7 + number % 4) % 90).collect(),
            stream: u64::from(number),
        })
        .collect()
}

fn generation<'a>(requests: &'a [GenerateRequest], most: usize, temperature: f32) -> Generation<'a> {
    Generation {
        requests,
        most,
        sampling: Sampling { temperature, seed: 11, ..Sampling::default() },
        stop: &[],
        points: &[],
        interventions: &[],
        settings: SMALL,
    }
}

/// Tokens drawn one by one with the whole sequence read anew each time.
fn slowly(model: &Model, request: &GenerateRequest, most: usize) -> Vec<u32> {
    let mut sequence = request.prompt.clone();
    for _ in 0..most {
        let found = model.activations(&sequence, &[]).expect("logits");
        let last = &found.logits[found.logits.len() - found.vocabulary..];
        let best = (0..last.len()).fold(0, |best, token| if last[token] > last[best] { token } else { best });
        if model.config().end_tokens.contains(&(best as u32)) {
            break;
        }
        sequence.push(best as u32);
    }
    sequence[request.prompt.len()..].to_vec()
}

#[test]
fn ragged_batches_go_on_as_each_sequence_read_anew() {
    // Windows, soft caps, two ropes, LongRoPE whose lists change at 24 tokens, norms of the whole width.
    for name in ["mistral-window", "gemma2-caps", "gemma3-older", "phi3-long", "olmo2-plain", "qwen3-bias"] {
        let fixture = family(name);
        let requests = prompts(9);
        let found = generate(&fixture.model, &generation(&requests, 20, 0.0));
        for (request, found) in requests.iter().zip(&found) {
            assert_eq!(found.tokens, slowly(&fixture.model, request, 20), "{name}");
            assert_eq!(found.tokens.len(), found.log_probabilities.len());
        }
    }
}

#[test]
fn draws_depend_on_seed_and_stream_alone() {
    let fixture = family("qwen2-plain");
    let mut requests = prompts(20);
    let first = generate(&fixture.model, &generation(&requests, 12, 1.0));
    let wide = ScoreSettings { threads: 3, memory: 1 << 30 };
    let again = generate(&fixture.model, &Generation { settings: wide, ..generation(&requests, 12, 1.0) });
    for (index, (one, two)) in first.iter().zip(&again).enumerate() {
        assert_eq!(one.tokens, two.tokens, "{index}");
        let alone = generate(&fixture.model, &generation(&requests[index..=index], 12, 1.0));
        assert_eq!(one.tokens, alone[0].tokens, "{index}");
    }
    let other = Generation {
        sampling: Sampling { temperature: 1.0, seed: 12, ..Sampling::default() },
        ..generation(&requests, 12, 1.0)
    };
    let other = generate(&fixture.model, &other);
    assert!(first.iter().zip(&other).filter(|(one, two)| one.tokens != two.tokens).count() > 15);
    requests.truncate(1);
    requests.push(GenerateRequest { stream: 77, ..requests[0].clone() });
    let streams = generate(&fixture.model, &generation(&requests, 12, 1.0));
    assert_ne!(streams[0].tokens, streams[1].tokens);
}

#[test]
fn responses_end_by_themselves() {
    let fixture = family("llama-yarn");
    let requests = prompts(6);
    let free = generate(&fixture.model, &generation(&requests, 30, 1.0));
    assert!(free.iter().any(|found| matches!(found.finish, Finish::Length)));
    for found in &free {
        assert_eq!(found.text, fixture.model.decode(&found.tokens).expect("a text"));
        if let Finish::Length = found.finish {
            assert_eq!(found.tokens.len(), 30);
        }
    }
    // A stop text of two characters that fall into two tokens: one byte a token in this tokenizer.
    let (index, whole) = free.iter().enumerate().find(|(_, found)| found.tokens.len() == 30).expect("a long one");
    let characters: Vec<char> = whole.text.chars().collect();
    let start = (4..20).find(|start| characters[*start..start + 2].iter().all(char::is_ascii)).expect("two letters");
    let stop: String = characters[start..start + 2].iter().collect();
    let stops = ["never so".to_owned(), stop.clone()];
    let stopped = generate(&fixture.model, &Generation { stop: &stops, ..generation(&requests, 30, 1.0) });
    let place = whole.text.find(&stop).expect("it is there");
    assert_eq!(stopped[index].finish, Finish::Stop(stop.clone()));
    assert_eq!(stopped[index].text, whole.text[..place]);
    assert_eq!(stopped[index].tokens, whole.tokens[..stopped[index].tokens.len()]);
    assert!(stopped[index].tokens.len() < 30);
    for (found, free) in stopped.iter().zip(&free).filter(|(_, free)| !free.text.contains(&stop)) {
        assert_eq!(found, free);
    }
    // An end token: make the second token of a response one.
    let end = whole.tokens[1];
    let mut json: serde_json::Value = serde_json::from_str(&fixture.metadata["config"]).expect("JSON");
    json["eos_token_id"] = serde_json::json!([end]);
    let shapes = serde_json::from_str(&fixture.metadata["tensors"]).expect("shapes");
    let weights = support::weights(&shapes, false, &str::to_owned);
    let model = support::open("ends", &json.to_string(), weights).expect("a model");
    let ended = generate(&model, &generation(&requests, 30, 1.0));
    assert_eq!(ended[index].finish, Finish::End(end));
    assert!(ended[index].tokens.len() <= 1 && !ended[index].tokens.contains(&end));
    // The longest sequence that the model reads.
    let full = [GenerateRequest { prompt: vec![5; 250], stream: 0 }];
    let found = generate(&fixture.model, &generation(&full, 30, 1.0));
    if let Finish::Full = found[0].finish {
        assert_eq!(found[0].tokens.len(), 6);
    } else {
        panic!("{:?}", found[0].finish);
    }
}

#[test]
fn means_over_responses_are_those_of_reading_them() {
    for name in ["gemma2-plain", "phi3-long"] {
        let fixture = family(name);
        let requests = prompts(8);
        let points = [HookPoint::ResidPost(1), HookPoint::AttentionOut(2), HookPoint::FinalNorm];
        let found = generate(&fixture.model, &Generation { points: &points, ..generation(&requests, 10, 1.0) });
        for (request, found) in requests.iter().zip(&found).filter(|(_, found)| !found.tokens.is_empty()) {
            let sequence =
                ReadSequence { tokens: [&request.prompt[..], &found.tokens].concat(), prompt: request.prompt.len() };
            if name == "phi3-long" && sequence.tokens.len() > 24 {
                continue; // Read at once, all of its tokens have the long list; as it grew, the first ones had not.
            }
            let reading = Reading {
                sequences: &[sequence],
                points: &points,
                positions: &Positions::Response,
                reduction: Reduction::Mean,
                interventions: &[],
                settings: SMALL,
            };
            let done = fixture.model.read(&reading, &mut |_, out| {
                for (one, two) in found.means.iter().zip(&out.values) {
                    assert!(relative(one, two) < 1e-4, "{name}");
                }
                ControlFlow::Continue(())
            });
            done.expect("values");
        }
    }
}

#[test]
fn choices_follow_the_exact_probabilities() {
    let fixture = family("llama-dynamic");
    let requests: Vec<ScoreRequest> = (0..300u32)
        .map(|number| ScoreRequest {
            prompt: vec![number % 80, 4, number / 80],
            options: vec![vec![1, 2], vec![3], vec![4, 5, 6]],
        })
        .collect();
    let scoring = Scoring { requests: &requests, wanted: None, interventions: &[], settings: SMALL };
    let (best, _) = fixture.model.choose(&scoring, Choice::Best).expect("choices");
    let (drawn, _) = fixture.model.choose(&scoring, Choice::Sample { temperature: 1.0, seed: 1 }).expect("choices");
    let mut expected = [0.0f64; 3];
    let mut counts = [0.0f64; 3];
    for (index, (best, drawn)) in best.iter().zip(&drawn).enumerate() {
        let (best, drawn) = (best.as_ref().expect("a choice"), drawn.as_ref().expect("a choice"));
        assert!((best.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(best.log_probabilities.iter().all(|value| *value <= best.log_probabilities[best.option]));
        for (option, (share, value)) in best.shares.iter().zip(&best.log_probabilities).enumerate() {
            let sum: f64 = best.log_probabilities.iter().map(|value| value.exp()).sum();
            assert!((share - value.exp() / sum).abs() < 1e-9);
            expected[option] += share;
        }
        counts[drawn.option] += 1.0;
        if index % 50 == 0 {
            let one = Scoring { requests: &requests[index..=index], ..scoring };
            let (alone, _) = fixture.model.choose(&one, Choice::Sample { temperature: 1.0, seed: 1 }).expect("choices");
            assert_eq!(alone[0].as_ref().expect("a choice").option, drawn.option);
        }
    }
    for (count, expected) in counts.iter().zip(expected) {
        assert!((count - expected).abs() < 4.0 * expected.sqrt() + 4.0, "{counts:?} for {expected}");
    }
    let nested = [ScoreRequest { prompt: vec![1], options: vec![vec![2], vec![2, 3]] }];
    let error = fixture.model.choose(&Scoring { requests: &nested, ..scoring }, Choice::Best).expect_err("refused");
    assert!(error.to_string().contains("label 0 begins label 1"), "{error}");
}

#[test]
fn what_cannot_be_generated_is_refused() {
    let fixture = family("llama-dynamic");
    let requests = prompts(2);
    let base = generation(&requests, 4, 0.0);
    let empty = [String::new()];
    let none = [GenerateRequest { prompt: vec![], stream: 0 }];
    let cases = [
        (Generation { most: 0, ..base }, "0 tokens"),
        (Generation { stop: &empty, ..base }, "stop text is empty"),
        (Generation { requests: &none, ..base }, "no token"),
        (Generation { points: &[HookPoint::MlpOut(9)], ..base }, "blocks 0 to 2"),
        (Generation { sampling: Sampling { top_p: Some(2.0), ..base.sampling }, ..base }, "top-p 2"),
    ];
    for (generation, words) in cases {
        let done = fixture.model.generate_with(&generation, &mut |_, _| ControlFlow::Continue(()));
        let error = done.expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }
}
