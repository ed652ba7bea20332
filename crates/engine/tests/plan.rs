//! Scoring over the trie of a whole plan: the same bits whatever is wanted and by how many workers, each beginning
//! once, LongRoPE's two lists apart.

mod support;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use support::{Fixture, SMALL, log_softmax, vector};
use undermask_engine::{Edit, HookPoint, Intervention, OptionScore, Positions, ScoreRequest, ScoreSettings, Scoring};

fn family(name: &str) -> Fixture {
    Fixture::read(&support::folder().join(format!("families/{name}.safetensors")))
}

/// Prompts with nested shared beginnings, some of them equal, some the beginning of others.
fn requests(count: u32) -> Vec<ScoreRequest> {
    (0..count)
        .map(|number| {
            let mut prompt: Vec<u32> = (0..20).map(|place| (place * 3 + number % 2) % 90).collect();
            prompt.extend((0..number % 5 * 4).map(|place| (place + number % 3) % 90));
            prompt.extend((0..number % 7).map(|place| (number / 7 * place) % 90));
            ScoreRequest { prompt, options: vec![vec![1, 2, number % 90], vec![3], vec![number % 80, 4]] }
        })
        .collect()
}

fn score(fixture: &Fixture, scoring: &Scoring) -> Vec<Option<Vec<OptionScore>>> {
    let mut found = vec![None; scoring.requests.len()];
    let done = fixture.model.score_with(scoring, &mut |index, scores| {
        assert!(found[index].replace(scores.to_vec()).is_none(), "request {index} came twice");
        ControlFlow::Continue(())
    });
    done.expect("scores");
    found
}

#[test]
fn numbers_do_not_depend_on_what_is_wanted_nor_on_workers() {
    for name in ["gemma3-older", "qwen2-window"] {
        let fixture = family(name);
        let requests = requests(400);
        let edits = [Intervention {
            point: HookPoint::ResidPost(0),
            edit: Edit::Add(vector("v0", fixture.model.config().hidden)),
            strength: 1.0,
            positions: Positions::Spans(
                (0..400).map(|number| std::iter::once(number % 4..number % 4 + 9).collect()).collect(),
            ),
        }];
        for interventions in [&edits[..0], &edits[..]] {
            let base = Scoring { requests: &requests, wanted: None, interventions, settings: SMALL };
            let all = score(&fixture, &base);
            let workers = ScoreSettings { threads: 4, memory: 0 };
            assert_eq!(all, score(&fixture, &Scoring { settings: workers, ..base }));
            for keep in [3, 50, 399] {
                let wanted: Vec<bool> = (0..400).map(|number| number * 7 % 400 % keep == 1).collect();
                let part = score(&fixture, &Scoring { wanted: Some(&wanted), settings: workers, ..base });
                for ((wanted, one), other) in wanted.iter().zip(&all).zip(&part) {
                    assert_eq!(other.as_ref(), wanted.then_some(one.as_ref()).flatten(), "{name}");
                }
            }
        }
        // With room for larger jobs other tokens stand beside each: no more than rounding.
        let large = ScoreSettings { threads: 2, memory: 1 << 30 };
        let base = Scoring { requests: &requests, wanted: None, interventions: &[], settings: SMALL };
        for (one, two) in score(&fixture, &base).iter().zip(score(&fixture, &Scoring { settings: large, ..base })) {
            for (one, two) in one.iter().flatten().zip(two.iter().flatten()) {
                assert!((one.log_probability - two.log_probability).abs() < 2e-5);
            }
        }
    }
}

#[test]
fn every_beginning_is_counted_once() {
    let fixture = family("qwen2-plain");
    let requests = requests(300);
    let distinct: BTreeSet<Vec<u32>> = requests
        .iter()
        .flat_map(|request| {
            request.options.iter().map(|option| [&request.prompt[..], &option[..option.len() - 1]].concat())
        })
        .flat_map(|whole| (1..=whole.len()).map(|end| whole[..end].to_vec()).collect::<Vec<_>>())
        .collect();
    let large = fixture.model.plan_tokens(&requests, &ScoreSettings { threads: 1, memory: 1 << 30 });
    assert_eq!(large.unique, distinct.len() as u64);
    let small = fixture.model.plan_tokens(&requests, &SMALL);
    assert_eq!(small.total, large.total);
    assert!(small.unique < large.unique + large.unique / 20, "{small:?} {large:?}");
}

#[test]
fn sequences_with_longropes_long_list_share_nothing_with_shorter_ones() {
    let fixture = family("phi3-long"); // The lists change at 24 tokens.
    let whole: Vec<u32> = (0..40).map(|place| place * 11 % 90).collect();
    let requests: Vec<ScoreRequest> = (15..38)
        .map(|length| ScoreRequest { prompt: whole[..length].to_vec(), options: vec![vec![5, 6], vec![7, 8]] })
        .collect();
    let scoring = Scoring { requests: &requests, wanted: None, interventions: &[], settings: SMALL };
    for (request, scores) in requests.iter().zip(score(&fixture, &scoring)) {
        for (option, score) in request.options.iter().zip(scores.expect("scores")) {
            let sequence = [&request.prompt[..], &option[..1]].concat();
            let found = fixture.model.activations(&sequence, &[]).expect("logits");
            let row = |place: usize| &found.logits[place * found.vocabulary..(place + 1) * found.vocabulary];
            let expected =
                log_softmax(row(sequence.len() - 2), option[0]) + log_softmax(row(sequence.len() - 1), option[1]);
            assert!((score.log_probability - expected).abs() < 1e-4, "{} tokens", sequence.len());
        }
    }
}
