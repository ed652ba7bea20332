//! Ways to compute less or closer together give the same bits as the plain way: rows that nobody reads are left out of the
//! last block, and many rows of a small model go through it in strips.

mod support;

use std::ops::ControlFlow;

use support::{Fixture, SMALL};
use undermask_engine::{HookPoint, Positions, Precision, ReadSequence, Reading, Reduction, ScoreSettings};

/// Sequences with shared beginnings, so that jobs have several levels.
fn sequences() -> Vec<ReadSequence> {
    (0..24u32)
        .map(|number| {
            let mut tokens: Vec<u32> = (0..6 + number % 3).map(|place| (place * 5 + 1) % 90).collect();
            tokens.extend((0..number % 7 * 3).map(|place| (number % 4 * 11 + place * 7) % 90));
            ReadSequence { prompt: tokens.len(), tokens }
        })
        .collect()
}

/// The final norm of some positions of every sequence, read beside other hook points.
fn final_norms(
    fixture: &Fixture,
    beside: &[HookPoint],
    reduction: Reduction,
    settings: ScoreSettings,
) -> Vec<Vec<f32>> {
    let sequences = sequences();
    let points: Vec<HookPoint> = std::iter::once(HookPoint::FinalNorm).chain(beside.iter().copied()).collect();
    let reading = Reading {
        sequences: &sequences,
        points: &points,
        positions: &Positions::All,
        reduction,
        interventions: &[],
        settings,
    };
    let mut found = vec![Vec::new(); sequences.len()];
    let done = fixture.model.read(&reading, &mut |index, mut out| {
        found[index] = out.values.remove(0);
        ControlFlow::Continue(())
    });
    done.expect("values");
    assert!(found.iter().all(|values| !values.is_empty() && values.iter().all(|value| value.is_finite())));
    found
}

/// Only what is read of the last block is computed, unless someone looks at all of it.
#[test]
fn rows_that_nobody_reads_change_none_that_are_read() {
    for fixture in Fixture::all("families") {
        let last = fixture.model.config().layers - 1;
        for settings in [SMALL, ScoreSettings { threads: 2, memory: 1 << 30 }] {
            let narrow = final_norms(&fixture, &[], Reduction::Last, settings);
            for point in [HookPoint::AttentionOut(last), HookPoint::MlpOut(last), HookPoint::ResidPost(last)] {
                assert_eq!(narrow, final_norms(&fixture, &[point], Reduction::Last, settings), "{}", fixture.name);
            }
            let all = final_norms(&fixture, &[], Reduction::Rows, settings);
            let wide = fixture.model.config().hidden;
            assert!(narrow.iter().zip(&all).all(|(narrow, all)| all.ends_with(narrow) && narrow.len() == wide));
        }
    }
}

/// Prompts at once are enough rows for strips; each alone is not.
#[test]
fn strips_give_the_numbers_of_each_prompt_alone() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for fixture in Fixture::all("families") {
        let layers = fixture.model.config().layers;
        let points: Vec<HookPoint> = (0..layers).map(HookPoint::ResidPost).collect();
        let wide = fixture.model.config().hidden;
        // Strips begin at 128 rows a thread; the last one is cut short.
        let count = (128 * threads).div_ceil(37) + 1;
        let prompts: Vec<Vec<u32>> =
            (0..count as u32).map(|prompt| (0..37).map(|place| (prompt * 13 + place * 29) % 90).collect()).collect();
        for precision in [Precision::F32, Precision::Bf16] {
            let model = fixture.in_precision(precision);
            if precision == Precision::Bf16 && model.device().name != "cpu" {
                continue; // a GPU's library chooses how to add by the number of rows
            }
            let (all, together) = model.in_step(&prompts, 0, &points).expect("rows");
            for (number, prompt) in prompts.iter().enumerate() {
                let (one, alone) = model.in_step(std::slice::from_ref(prompt), 0, &points).expect("rows");
                assert_eq!(one.next()[0], all.next()[number]);
                for point in &points {
                    let rows = &together[point][number * 37 * wide..][..37 * wide];
                    assert!(rows == &alone[point][..], "{} {precision} {point}: prompt {number}", fixture.name);
                }
            }
        }
    }
}
