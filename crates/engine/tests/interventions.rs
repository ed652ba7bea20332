//! Edits against transformers with forward hooks doing the same (`oracle/make_interventions.py`), in every way of
//! computing: alone, over shared beginnings cut into jobs, with keys and values kept; and what must be refused.

mod support;

use std::ops::ControlFlow;

use support::{Fixture, SMALL, interventions, log_softmax, vector};
use undermask_engine::{
    Edit, EngineError, GenerateRequest, Generated, Generation, HookPoint, Intervention, OptionScore, Positions,
    Receipt, Sampling, ScoreRequest, ScoreSettings, Scoring,
};

fn cases(fixture: &Fixture) -> Vec<serde_json::Value> {
    serde_json::from_str(&fixture.metadata["edits"]).expect("edits")
}

fn score(
    fixture: &Fixture,
    requests: &[ScoreRequest],
    interventions: &[Intervention],
    settings: ScoreSettings,
) -> Result<(Vec<Vec<OptionScore>>, Vec<Receipt>), EngineError> {
    let mut found = vec![Vec::new(); requests.len()];
    let scoring = Scoring { requests, wanted: None, interventions, settings };
    let receipts = fixture.model.score_with(&scoring, &mut |index, scores| {
        assert!(found[index].is_empty(), "request {index} came twice");
        found[index] = scores.to_vec();
        ControlFlow::Continue(())
    })?;
    Ok((found, receipts))
}

/// The whole distribution after the token at `position`, as one-token labels; the prompt ends at `prompt`, and what lies
/// between is the label's beginning.
fn request(tokens: &[u32], prompt: usize, position: usize, vocabulary: usize) -> ScoreRequest {
    let between = &tokens[prompt..position + 1];
    let options = (0..vocabulary as u32).map(|token| [between, &[token]].concat()).collect();
    ScoreRequest { prompt: tokens[..prompt].to_vec(), options }
}

#[test]
fn edits_are_those_of_forward_hooks() {
    for fixture in Fixture::all("interventions") {
        let (wide, vocabulary) = (fixture.model.config().hidden, fixture.model.config().vocabulary);
        let tokens = fixture.tokens("tokens");
        let prompt: usize = fixture.metadata["prompt"].parse().expect("a number");
        for case in cases(&fixture) {
            let name = case["name"].as_str().expect("a name");
            let expected = fixture.floats(&format!("edits.{name}"));
            // One request for each of the last tokens, with the whole distribution after it: prompts and labels that
            // share beginnings, whose edited positions are the same.
            let requests: Vec<ScoreRequest> = (tokens.len() - 6..tokens.len())
                .map(|position| request(&tokens, prompt, position, vocabulary))
                .collect();
            // Spans that end beyond a shorter request's last token would be refused: give each what it has.
            let mut edits = interventions(&case, wide, requests.len());
            for edit in &mut edits {
                if let Positions::Spans(spans) = &mut edit.positions {
                    for (spans, request) in spans.iter_mut().zip(&requests) {
                        let length = request.prompt.len() + request.options[0].len() - 1;
                        spans.iter_mut().for_each(|span| span.end = span.end.min(length));
                        spans.retain(|span| !span.is_empty());
                    }
                    if let Edit::Replace(rows) = &mut edit.edit
                        && rows[0].len() > wide
                    {
                        let count =
                            |spans: &Vec<std::ops::Range<usize>>| spans.iter().map(|span| span.len()).sum::<usize>();
                        *rows = spans.iter().map(|spans| rows[0][..count(spans) * wide].to_vec()).collect();
                    }
                }
            }
            let mut worst = 0.0f64;
            for settings in [SMALL, ScoreSettings::default()] {
                let (found, receipts) = score(&fixture, &requests, &edits, settings)
                    .unwrap_or_else(|error| panic!("{} {name}: {error}", fixture.name));
                assert_eq!(receipts.len(), edits.len());
                for (place, scores) in found.iter().enumerate() {
                    let logits = &expected[place * vocabulary..(place + 1) * vocabulary];
                    // Σ over the label's earlier tokens is the same for all: it cancels in the difference.
                    let first = scores[0].log_probability - log_softmax(logits, 0);
                    for (token, score) in scores.iter().enumerate() {
                        let distance = score.log_probability - first - log_softmax(logits, token as u32);
                        worst = worst.max(distance.abs());
                    }
                }
            }
            println!("{} {name}: {worst:e}", fixture.name);
            let scale = expected.iter().fold(0.0, |scale: f32, logit| scale.max(logit.abs()));
            assert!(worst < 3e-5 * f64::from(scale), "{} {name}: {worst:e} of {scale}", fixture.name);
        }
    }
}

#[test]
fn shared_beginnings_hold_positions_of_their_own() {
    for fixture in Fixture::all("interventions") {
        let wide = fixture.model.config().hidden;
        let tokens = fixture.tokens("tokens");
        // The same tokens many times over, with other spans each, among prompts that begin alike.
        let requests: Vec<ScoreRequest> = (0..90usize)
            .map(|number| ScoreRequest {
                prompt: tokens[..5 + number % 7].to_vec(),
                options: vec![vec![1, 2, 3], vec![1, 2], vec![(number % 40) as u32]],
            })
            .collect();
        let spans: Vec<Vec<std::ops::Range<usize>>> = (0..90usize)
            .map(|number| match number % 4 {
                0 => vec![],
                1 => std::iter::once(number % 3..number % 3 + 2).collect(),
                2 => vec![0..1, 3..4],
                _ => std::iter::once(4..6 + number % 7).collect(),
            })
            .map(|spans: Vec<std::ops::Range<usize>>| spans)
            .collect();
        let edit = |spans: Vec<Vec<std::ops::Range<usize>>>| {
            [
                Intervention {
                    point: HookPoint::ResidPost(0),
                    edit: Edit::Add(vector("v0", wide)),
                    strength: 2.0,
                    positions: Positions::Spans(spans),
                },
                Intervention {
                    point: HookPoint::ResidPost(1),
                    edit: Edit::Ablate(vector("v1", wide)),
                    strength: 1.0,
                    positions: Positions::Response,
                },
            ]
        };
        let (one, receipts) = score(&fixture, &requests, &edit(spans.clone()), SMALL).expect("scores");
        for settings in [ScoreSettings { threads: 3, memory: 0 }, ScoreSettings { threads: 2, memory: 1 << 30 }] {
            let (two, others) = score(&fixture, &requests, &edit(spans.clone()), settings).expect("scores");
            for (one, two) in one.iter().flatten().zip(two.iter().flatten()) {
                assert!((one.log_probability - two.log_probability).abs() < 1e-4);
            }
            if settings.memory == 0 {
                assert_eq!(receipts, others, "receipts do not depend on the workers");
            }
        }
        for (index, request) in requests.iter().enumerate() {
            let own = edit(vec![spans[index].clone()]);
            let used = if spans[index].is_empty() { &own[1..] } else { &own[..] };
            let (alone, _) = score(&fixture, std::slice::from_ref(request), used, SMALL).expect("scores");
            for (one, two) in one[index].iter().zip(&alone[0]) {
                let distance = (one.log_probability - two.log_probability).abs();
                assert!(distance < 1e-4, "{} request {index}: {distance}", fixture.name);
            }
        }
    }
}

fn generate(fixture: &Fixture, generation: &Generation) -> (Vec<Generated>, Vec<Receipt>) {
    let mut found: Vec<Option<Generated>> = vec![None; generation.requests.len()];
    let receipts = fixture.model.generate_with(generation, &mut |index, generated| {
        assert!(found[index].replace(generated).is_none(), "request {index} came twice");
        ControlFlow::Continue(())
    });
    (found.into_iter().map(|found| found.expect("a response")).collect(), receipts.expect("receipts"))
}

#[test]
fn decoding_with_kept_keys_is_edited_alike() {
    for fixture in Fixture::all("interventions") {
        let wide = fixture.model.config().hidden;
        let tokens = fixture.tokens("tokens");
        let prompt: usize = fixture.metadata["prompt"].parse().expect("a number");
        let all = cases(&fixture);
        let added = interventions(&all[0], wide, 1);
        let mut generation = Generation {
            requests: &[GenerateRequest { prompt: tokens[..prompt].to_vec(), stream: 0 }],
            most: 12,
            sampling: Sampling::default(),
            stop: &[],
            points: &[],
            interventions: &added,
            settings: SMALL,
        };
        let (found, receipts) = generate(&fixture, &generation);
        assert_eq!(found[0].tokens, fixture.tokens("greedy"), "{}", fixture.name);
        // Every token but the last is read: the prompt's and eleven more.
        assert_eq!(receipts[0].rows, (prompt + 11) as u64);
        // A ragged batch, sampled, with edits of prompt, response and spans: each token's probability is that of the
        // sequence scored at once.
        let requests: Vec<GenerateRequest> = (0..11)
            .map(|number| GenerateRequest { prompt: tokens[..2 + number].to_vec(), stream: number as u64 })
            .collect();
        let edits = [
            Intervention { positions: Positions::Response, ..added[0].clone() },
            Intervention { point: HookPoint::MlpOut(0), positions: Positions::Prompt, ..added[0].clone() },
            Intervention {
                point: HookPoint::ResidPre(2),
                positions: Positions::Spans((0..11).map(|number| vec![0..1, 1 + number..4 + number]).collect()),
                edit: Edit::Ablate(vector("v1", wide)),
                strength: 1.0,
            },
        ];
        generation = Generation {
            requests: &requests,
            most: 8,
            sampling: Sampling { temperature: 1.0, seed: 3, ..Sampling::default() },
            interventions: &edits,
            ..generation
        };
        let (found, _) = generate(&fixture, &generation);
        let scored: Vec<ScoreRequest> = requests
            .iter()
            .zip(&found)
            .map(|(request, found)| ScoreRequest {
                prompt: request.prompt.clone(),
                options: vec![found.tokens.clone()],
            })
            .collect();
        let (scores, _) = score(&fixture, &scored, &edits, SMALL).expect("scores");
        for (found, score) in found.iter().zip(scores) {
            let sum: f64 = found.log_probabilities.iter().sum();
            assert!((sum - score[0].log_probability).abs() < 1e-4, "{}: {sum}", fixture.name);
        }
        // Alone, each draws what it drew in the batch.
        for (index, request) in requests.iter().enumerate() {
            let mut own = edits.clone();
            if let Positions::Spans(spans) = &mut own[2].positions {
                *spans = vec![spans[index].clone()];
            }
            let alone = Generation { requests: std::slice::from_ref(request), interventions: &own, ..generation };
            assert_eq!(generate(&fixture, &alone).0[0].tokens, found[index].tokens);
        }
    }
}

#[test]
fn receipts_say_what_was_done() {
    let fixture = Fixture::read(&support::folder().join("interventions/gemma2-caps.safetensors"));
    let wide = fixture.model.config().hidden;
    let tokens = fixture.tokens("tokens");
    let requests = [ScoreRequest { prompt: tokens.clone(), options: vec![vec![1], vec![2]] }];
    let make = |edit: Edit, strength: f32| {
        Intervention::at_layers(HookPoint::ResidPost, &[(0, strength), (2, strength / 2.0)], &edit, &Positions::All)
    };
    let receipts =
        |edit: Edit, strength: f32| score(&fixture, &requests, &make(edit, strength), SMALL).expect("scores").1;
    let v = vector("v0", wide);
    let length = v.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let added = receipts(Edit::Add(v.clone()), 2.0);
    assert_eq!(added[0].point, HookPoint::ResidPost(0));
    for (receipt, strength) in added.iter().zip([2.0, 1.0]) {
        assert_eq!((receipt.rows, receipt.changed, receipt.rank), (14, 14, 1));
        assert!((receipt.after - receipt.before - strength * length).abs() < 1e-4 * length, "{receipt:?}");
        assert!((receipt.change - strength * length).abs() < 1e-4 * length, "{receipt:?}");
    }
    let ablated = receipts(Edit::Ablate(v.clone()), 1.0);
    assert!(ablated[0].after.abs() < 1e-5 && ablated[0].before.abs() > 1e-3, "{ablated:?}");
    assert!((ablated[1].after - ablated[1].before / 2.0).abs() < 1e-4, "{ablated:?}");
    let doubled: Vec<f32> = v.iter().map(|value| 2.0 * value).collect();
    let out = receipts(Edit::ProjectOut(vec![v.clone(), doubled, vector("v1", wide)]), 1.0);
    assert!(out[0].rank == 2 && out[0].after < 1e-4 && out[0].before > 1e-2, "{out:?}");
    let capped = receipts(Edit::CapAbove { direction: v.clone(), threshold: 0.0 }, 1.0);
    assert!(capped[0].changed > 0 && capped[0].changed < capped[0].rows && capped[0].after < capped[0].before);
    let raised = receipts(Edit::CapBelow { direction: v, threshold: 0.0 }, 1.0);
    assert_eq!(raised[0].changed + capped[0].changed, 14);
    let own = vector("r0", wide);
    let replaced = receipts(Edit::Replace(vec![own.clone()]), 1.0);
    let length = own.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    assert!((replaced[0].after - length).abs() < 1e-5 * length, "{replaced:?}");
}

#[test]
fn what_changes_nothing_is_an_error() {
    let fixture = Fixture::read(&support::folder().join("interventions/qwen2-window.safetensors"));
    let wide = fixture.model.config().hidden;
    let requests = [ScoreRequest { prompt: fixture.tokens("tokens"), options: vec![vec![1], vec![2]] }];
    let direction = vector("v0", wide);
    let base = Intervention {
        point: HookPoint::ResidPost(1),
        edit: Edit::Add(direction.clone()),
        strength: 1.0,
        positions: Positions::All,
    };
    let spans = |span: std::ops::Range<usize>| Positions::Spans(vec![std::iter::once(span).collect()]);
    let cases = [
        (Intervention { edit: Edit::Add(vec![0.0; wide]), ..base.clone() }, "zero"),
        (Intervention { edit: Edit::Ablate(vec![0.0; wide]), ..base.clone() }, "zero"),
        (Intervention { edit: Edit::Add(vec![1.0; wide + 1]), ..base.clone() }, "33 numbers"),
        (Intervention { edit: Edit::Add(vec![f32::NAN; wide]), ..base.clone() }, "not finite"),
        (Intervention { edit: Edit::Add(vec![1e-30; wide]), ..base.clone() }, "too short"),
        (Intervention { edit: Edit::ProjectOut(vec![]), ..base.clone() }, "no direction"),
        (Intervention { edit: Edit::Replace(vec![vec![1.0; 2 * wide]]), ..base.clone() }, "2 rows"),
        (Intervention { edit: Edit::Replace(vec![vec![1.0; wide]; 2]), ..base.clone() }, "2 sequences"),
        (
            Intervention { edit: Edit::CapAbove { direction: direction.clone(), threshold: 1e6 }, ..base.clone() },
            "never reached the threshold 1000000 (highest",
        ),
        (
            Intervention { edit: Edit::CapBelow { direction: direction.clone(), threshold: -1e6 }, ..base.clone() },
            "never below the threshold",
        ),
        (Intervention { edit: Edit::CapBelow { direction, threshold: f32::NAN }, ..base.clone() }, "threshold"),
        (Intervention { strength: 0.0, ..base.clone() }, "strength is 0"),
        (Intervention { strength: f32::INFINITY, ..base.clone() }, "strength is inf"),
        (Intervention { point: HookPoint::MlpOut(3), ..base.clone() }, "blocks 0 to 2"),
        (Intervention { positions: Positions::Response, ..base.clone() }, "no sequence has a token"),
        (Intervention { positions: spans(2..2), ..base.clone() }, "empty"),
        (Intervention { positions: spans(2..40), ..base.clone() }, "beyond its 14 tokens"),
        (Intervention { positions: Positions::Spans(vec![vec![]]), ..base.clone() }, "no sequence has a token"),
        (Intervention { positions: Positions::Spans(vec![vec![4..6, 5..7]]), ..base.clone() }, "in order"),
        (Intervention { positions: Positions::Spans(vec![]), ..base.clone() }, "0 sequences are given for 1"),
        // Only the last row goes through the final norm: an edit of an earlier one does nothing.
        (Intervention { point: HookPoint::FinalNorm, positions: spans(0..2), ..base.clone() }, "none of the tokens"),
    ];
    for (intervention, words) in cases {
        let point = intervention.point.to_string();
        let error = score(&fixture, &requests, std::slice::from_ref(&intervention), SMALL).err();
        let error = error.unwrap_or_else(|| panic!("done: {intervention:?}")).to_string();
        assert!(error.contains(words) && error.contains(&point), "{error}");
    }
}
