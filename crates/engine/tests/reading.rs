//! Hook points against transformers', and their reductions over a corpus with shared beginnings.

mod support;

use std::ops::ControlFlow;

use support::{Fixture, SMALL, relative, vector};
use undermask_engine::{
    Edit, HookPoint, Intervention, Moments, Positions, ReadOut, ReadSequence, Reading, Reduction, ScoreSettings,
};

fn every_point(layers: usize) -> Vec<HookPoint> {
    let blocks = (0..layers).flat_map(|layer| {
        [
            HookPoint::ResidPre(layer),
            HookPoint::AttentionOut(layer),
            HookPoint::MlpOut(layer),
            HookPoint::ResidPost(layer),
        ]
    });
    std::iter::once(HookPoint::Embeddings).chain(blocks).chain(std::iter::once(HookPoint::FinalNorm)).collect()
}

fn read(fixture: &Fixture, reading: &Reading) -> Vec<ReadOut> {
    let mut found: Vec<Option<ReadOut>> = vec![None; reading.sequences.len()];
    let done = fixture.model.read(reading, &mut |index, out| {
        assert!(found[index].replace(out).is_none(), "sequence {index} came twice");
        ControlFlow::Continue(())
    });
    done.expect("values");
    found.into_iter().map(|found| found.expect("every sequence")).collect()
}

#[test]
fn every_hook_point_is_that_of_transformers() {
    for fixture in Fixture::all("interventions") {
        let points = every_point(fixture.model.config().layers);
        let tokens = fixture.tokens("tokens");
        let sequences = [ReadSequence { prompt: tokens.len(), tokens }];
        let reading = Reading {
            sequences: &sequences,
            points: &points,
            positions: &Positions::All,
            reduction: Reduction::Rows,
            interventions: &[],
            settings: SMALL,
        };
        let found = read(&fixture, &reading);
        for (point, values) in points.iter().zip(&found[0].values) {
            let distance = relative(values, &fixture.floats(&format!("points.{point}")));
            assert!(distance < 1e-4, "{} {point}: {distance:e}", fixture.name);
        }
    }
}

#[test]
fn reductions_of_a_corpus_are_those_of_each_sequence_alone() {
    for fixture in Fixture::all("interventions") {
        let wide = fixture.model.config().hidden;
        let points = every_point(fixture.model.config().layers);
        let tokens = fixture.tokens("tokens");
        let sequences: Vec<ReadSequence> = (0..60usize)
            .map(|number| {
                let mut own = tokens[..3 + number % 9].to_vec();
                own.extend((0..2 + number % 5).map(|place| ((number * 7 + place * 3) % 80) as u32));
                ReadSequence { prompt: 2 + number % 3, tokens: own }
            })
            .collect();
        let spans = sequences.iter().enumerate().map(|(number, sequence)| match number % 2 {
            0 => vec![0..1, 2..4],
            _ => std::iter::once(1..sequence.tokens.len()).collect(),
        });
        let spans = Positions::Spans(spans.collect());
        let edits = [Intervention {
            point: HookPoint::ResidPost(0),
            edit: Edit::Add(vector("v0", wide)),
            strength: 1.0,
            positions: Positions::Prompt,
        }];
        for interventions in [&edits[..0], &edits[..]] {
            let alone: Vec<Vec<Vec<f32>>> = sequences
                .iter()
                .map(|sequence| {
                    let reading = Reading {
                        sequences: std::slice::from_ref(sequence),
                        points: &points,
                        positions: &Positions::All,
                        reduction: Reduction::Rows,
                        interventions,
                        settings: SMALL,
                    };
                    read(&fixture, &reading).remove(0).values
                })
                .collect();
            for (positions, reduction) in [
                (&Positions::All, Reduction::Mean),
                (&Positions::Response, Reduction::Mean),
                (&Positions::Prompt, Reduction::Last),
                (&spans, Reduction::SpanMeans),
                (&spans, Reduction::Rows),
                (&spans, Reduction::Mean),
            ] {
                for settings in [SMALL, ScoreSettings { threads: 2, memory: 1 << 30 }] {
                    let reading = Reading {
                        sequences: &sequences,
                        points: &points,
                        positions,
                        reduction,
                        interventions,
                        settings,
                    };
                    for (index, out) in read(&fixture, &reading).iter().enumerate() {
                        let sequence = &sequences[index];
                        let list: Vec<std::ops::Range<usize>> = match positions {
                            Positions::All => std::iter::once(0..sequence.tokens.len()).collect(),
                            Positions::Prompt => std::iter::once(0..sequence.prompt).collect(),
                            Positions::Response => std::iter::once(sequence.prompt..sequence.tokens.len()).collect(),
                            Positions::Spans(spans) => spans[index].clone(),
                        };
                        let flat: Vec<usize> = list.iter().cloned().flatten().collect();
                        let groups: Vec<Vec<usize>> = match reduction {
                            Reduction::Mean => vec![flat],
                            Reduction::Last => vec![vec![flat[flat.len() - 1]]],
                            Reduction::SpanMeans => list.iter().map(|span| span.clone().collect()).collect(),
                            Reduction::Rows => flat.iter().map(|position| vec![*position]).collect(),
                        };
                        assert_eq!(out.rows, groups.len());
                        for (values, rows) in out.values.iter().zip(&alone[index]) {
                            let expected: Vec<f32> = groups
                                .iter()
                                .flat_map(|group| {
                                    (0..wide).map(|column| {
                                        let sum: f64 =
                                            group.iter().map(|row| f64::from(rows[row * wide + column])).sum();
                                        (sum / group.len() as f64) as f32
                                    })
                                })
                                .collect();
                            let distance = relative(values, &expected);
                            assert!(distance < 1e-4, "{} {index} {reduction:?}: {distance:e}", fixture.name);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_mean_of_a_corpus_is_gathered_as_it_is_read() {
    let fixture = Fixture::read(&support::folder().join("interventions/olmo2-bias.safetensors"));
    let sequences: Vec<ReadSequence> = (0..500u32)
        .map(|number| ReadSequence { tokens: vec![number % 80, number % 7, number % 11], prompt: 3 })
        .collect();
    let reading = Reading {
        sequences: &sequences,
        points: &[HookPoint::ResidPost(2)],
        positions: &Positions::All,
        reduction: Reduction::Last,
        interventions: &[],
        settings: SMALL,
    };
    let (mut moments, mut all) = (Moments::new(fixture.model.config().hidden), Vec::new());
    let done = fixture.model.read(&reading, &mut |_, out| {
        moments.add(&out.values[0]);
        all.push(out.values[0].clone());
        ControlFlow::Continue(())
    });
    done.expect("values");
    assert_eq!(moments.count(), 500);
    let mean: Vec<f32> = (0..all[0].len())
        .map(|column| (all.iter().map(|row| f64::from(row[column])).sum::<f64>() / 500.0) as f32)
        .collect();
    assert!(relative(&moments.mean(), &mean) < 1e-5);
    // Stopped early, no more than what is under way is reported.
    let many: Vec<ReadSequence> =
        (0..6000u32).map(|number| ReadSequence { tokens: vec![number / 80, number % 80], prompt: 2 }).collect();
    let mut count = 0;
    let done = fixture.model.read(&Reading { sequences: &many, ..reading }, &mut |_, _| {
        count += 1;
        ControlFlow::Break(())
    });
    assert!(done.is_ok() && (1..3000).contains(&count), "{count}");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let fixture = Fixture::read(&support::folder().join("interventions/olmo2-bias.safetensors"));
    let sequence = ReadSequence { tokens: vec![1, 2, 3], prompt: 3 };
    let refused = |sequence: ReadSequence, point: HookPoint, positions: Positions, words: &str| {
        let reading = Reading {
            sequences: &[sequence],
            points: &[point],
            positions: &positions,
            reduction: Reduction::Mean,
            interventions: &[],
            settings: SMALL,
        };
        let error = fixture.model.read(&reading, &mut |_, _| ControlFlow::Continue(())).expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(sequence.clone(), HookPoint::ResidPost(3), Positions::All, "blocks 0 to 2");
    refused(sequence.clone(), HookPoint::ResidPost(0), Positions::Response, "no token is at the positions");
    refused(sequence.clone(), HookPoint::ResidPost(0), Positions::Spans(vec![vec![1..9]]), "beyond its 3 tokens");
    refused(ReadSequence { tokens: vec![], prompt: 0 }, HookPoint::Embeddings, Positions::All, "no token");
    refused(ReadSequence { tokens: vec![900], prompt: 1 }, HookPoint::Embeddings, Positions::All, "vocabulary");
    refused(ReadSequence { tokens: vec![1], prompt: 2 }, HookPoint::Embeddings, Positions::All, "a prompt of 2");
}
