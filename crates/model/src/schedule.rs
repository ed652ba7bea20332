//! Which requests are computed together, and by whom.
//!
//! The last bits of a score depend on what else is in its batch. So groups are cut from the *whole* set of requests,
//! whether answered before or not: a run that was interrupted computes the same groups as one that was not, leaves out
//! those in which nothing is wanted, and ends with the same records bit for bit. An interruption costs at most the
//! groups that were under way. Workers take groups one by one; the grouping does not depend on their number.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use undermask_engine::{EngineError, Model, OptionScore, ScoreRequest, ScoreSettings};

/// New tokens of a group: enough for full matrices, few enough to report and to stop often. The engine takes as many
/// at once, memory permitting.
const GROUP_TOKENS: usize = 6144;

/// Requests in the order of their prompts, cut where a group's new tokens are enough.
pub(crate) fn groups(requests: &[ScoreRequest]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by(|one, two| requests[*one].prompt.cmp(&requests[*two].prompt));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for index in order {
        let request = &requests[index];
        let labels: usize = request.options.iter().map(Vec::len).sum();
        let shared = groups.last().and_then(|group| group.last()).map_or(0, |last| {
            let pairs = requests[*last].prompt.iter().zip(&request.prompt);
            pairs.take_while(|(one, two)| one == two).count()
        });
        let new = request.prompt.len() - shared + labels;
        match groups.last_mut() {
            Some(group) if used + new <= GROUP_TOKENS => {
                group.push(index);
                used += new;
            }
            _ => {
                groups.push(vec![index]);
                used = request.prompt.len() + labels;
            }
        }
    }
    groups
}

/// Scores groups on all workers, calling `on_done` in the caller's thread as each request is known. After `Break` no
/// group is begun; what is under way is still reported.
pub(crate) fn score(
    model: &Model,
    requests: &[ScoreRequest],
    groups: &[Vec<usize>],
    settings: &ScoreSettings,
    on_done: &mut dyn FnMut(usize, &[OptionScore]) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let workers = settings.threads.clamp(1, groups.len().max(1));
    let alone = ScoreSettings { threads: 1, memory: settings.memory / settings.threads.max(1) };
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..workers {
            let (send, next, stop) = (send.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let own: Vec<ScoreRequest> = group.iter().map(|index| requests[*index].clone()).collect();
                    let mut tell =
                        |index: usize, scores: &[OptionScore]| match send.send(Ok((group[index], scores.to_vec()))) {
                            Ok(()) => ControlFlow::Continue(()),
                            Err(_) => ControlFlow::Break(()),
                        };
                    if let Err(error) = model.score(&own, &alone, &mut tell) {
                        // Nobody listens any more: the error that came first is the one reported.
                        let _ = send.send(Err(error));
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut failed = None;
        for answer in receive {
            match answer {
                Ok((index, scores)) => {
                    if on_done(index, &scores).is_break() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    })
}

#[cfg(test)]
mod tests {
    use undermask_engine::ScoreRequest;

    use super::{GROUP_TOKENS, groups};

    #[test]
    fn groups_hold_every_request_once_in_the_order_of_prompts() {
        let request = |number: u32| ScoreRequest {
            prompt: (0..200).map(|place| if place < 150 { place } else { number % 211 * place }).collect(),
            options: vec![vec![1], vec![2, 3]],
        };
        let requests: Vec<ScoreRequest> = (0..600).map(request).collect();
        let groups = groups(&requests);
        let mut all: Vec<usize> = groups.concat();
        assert!(all.is_sorted_by(|one, two| requests[*one].prompt <= requests[*two].prompt));
        all.sort_unstable();
        assert_eq!(all, (0..600).collect::<Vec<_>>());
        assert!(groups.len() > 1 && groups.iter().all(|group| group.len() * 3 <= GROUP_TOKENS));
    }
}
