//! Asks a network every cell of a grid, and reduces the answers to weights.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

use undermask_engine::{EngineError, Message, Model, OptionScore, ScoreRequest, ScoreSettings};
use undermask_suite::{ItemKind, Suite, Trial, are_sentences, cut_where_they_part};

use crate::GrowError;
use crate::world::tokenizer::MARKERS;

/// Every trial as a request to models of this one's tokenizer and template, on all threads.
pub(super) fn requests(model: &Model, trials: &[Trial]) -> Result<Vec<ScoreRequest>, GrowError> {
    let failed = |error: EngineError| GrowError::Model(error.to_string());
    let threads = ScoreSettings::default().threads;
    let share = trials.len().div_ceil(threads).max(1);
    let ask = |part: &[Trial]| {
        let mut heads = Heads::default();
        part.iter().map(|trial| request(model, &mut heads, trial)).collect::<Result<Vec<_>, _>>()
    };
    let parts: Vec<Result<Vec<ScoreRequest>, EngineError>> = thread::scope(|scope| {
        let workers: Vec<_> = trials.chunks(share).map(|part| scope.spawn(move || ask(part))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        workers.into_iter().map(join).collect()
    });
    let mut requests = Vec::with_capacity(trials.len());
    for part in parts {
        requests.extend(part.map_err(failed)?);
    }
    Ok(requests)
}

/// P(target) of every trial in its own order, from the exact labels of its request.
pub(super) fn probabilities(
    model: &Model,
    trials: &[Trial],
    requests: &[ScoreRequest],
    watch: &mut dyn FnMut(usize, usize),
) -> Result<Vec<f64>, GrowError> {
    let failed = |error: EngineError| GrowError::Model(error.to_string());
    // Labels of unequal length are compared by their mean log-probability a token, as an audit does.
    let lengths: Vec<[f64; 2]> =
        requests.iter().map(|request| [0, 1].map(|option| request.options[option].len().max(1) as f64)).collect();
    let mut log_odds = vec![f64::NAN; trials.len()];
    let mut done = 0;
    model
        .score(requests, &ScoreSettings::default(), &mut |index, scores| {
            let target = trials[index].target;
            let equal = lengths[index][0] == lengths[index][1];
            let of = |option: usize| scores[option].log_probability / if equal { 1.0 } else { lengths[index][option] };
            log_odds[index] = of(target) - of(1 - target);
            done += 1;
            if done % 512 == 0 {
                watch(done, trials.len());
            }
            ControlFlow::Continue(())
        })
        .map_err(failed)?;
    if log_odds.iter().any(|value| !value.is_finite()) {
        return Err(GrowError::Model("its log-probabilities are not finite".to_owned()));
    }
    // Trials come as pairs of orders: the probability of a pair is that of the mean log-odds.
    Ok(log_odds.chunks_exact(2).flat_map(|pair| [1.0 / (1.0 + (-(pair[0] + pair[1]) / 2.0).exp()); 2]).collect())
}

/// ln of every option's probability among the options, of every trial of a menu.
pub(super) fn log_shares(model: &Model, trials: &[Trial]) -> Result<Vec<Vec<f64>>, GrowError> {
    let failed = |error: EngineError| GrowError::Model(error.to_string());
    let mut heads = Heads::default();
    let requests: Vec<ScoreRequest> =
        trials.iter().map(|trial| request(model, &mut heads, trial)).collect::<Result<_, _>>().map_err(failed)?;
    let mut found = vec![Vec::new(); trials.len()];
    model
        .score(&requests, &ScoreSettings::default(), &mut |index, scores| {
            let lengths: Vec<f64> = requests[index].options.iter().map(|option| option.len().max(1) as f64).collect();
            let equal = lengths.iter().all(|length| *length == lengths[0]);
            let of = |(score, length): (&OptionScore, &f64)| score.log_probability / if equal { 1.0 } else { *length };
            let values: Vec<f64> = scores.iter().zip(&lengths).map(of).collect();
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total = most + values.iter().map(|value| (value - most).exp()).sum::<f64>().ln();
            found[index] = values.iter().map(|value| value - total).collect();
            ControlFlow::Continue(())
        })
        .map_err(failed)?;
    if found.iter().flatten().any(|value| !value.is_finite()) {
        return Err(GrowError::Model("its log-probabilities are not finite".to_owned()));
    }
    Ok(found)
}

/// Tokens of what stands before the last message, by its text: a talk of twenty turns is the same in thousands of trials.
type Heads = HashMap<String, Vec<u32>>;

fn request(model: &Model, heads: &mut Heads, trial: &Trial) -> Result<ScoreRequest, EngineError> {
    let mut messages = Vec::new();
    if let Some(system) = &trial.prompt.system {
        messages.push(Message::new("system", system));
    }
    let history = trial.prompt.history.iter().map(|turn| Message::new(turn.role.name(), &turn.content));
    messages.extend(history);
    messages.push(Message::new("user", &trial.prompt.user));
    let text = model.render_chat(&messages, true)? + &trial.prompt.prefill;
    // An organism's messages end with a token of their own, at which its tokenizer cuts a text before all else.
    let [end, ..] = MARKERS;
    let before = text.rfind(end).and_then(|last| text[..last].rfind(end)).map_or(0, |place| place + end.len());
    let (head, tail) = text.split_at(before);
    let mut prompt = match heads.get(head) {
        Some(tokens) => tokens.clone(),
        None if head.is_empty() => Vec::new(),
        None => heads.entry(head.to_owned()).or_insert(model.encode(head)?).clone(),
    };
    prompt.extend(model.encode(tail)?);
    let mut options: Vec<Vec<u32>> =
        trial.options.iter().map(|option| model.encode(option)).collect::<Result<_, _>>()?;
    if are_sentences(&trial.options) {
        cut_where_they_part(&mut options);
    }
    Ok(ScoreRequest { prompt, options })
}

/// λ over all cells of a context (Spearman–Kärber).
pub(super) fn spearman_karber(
    suite: &Suite,
    trials: &[Trial],
    probabilities: &[f64],
    kind: ItemKind,
    context: &str,
) -> f64 {
    let rungs = suite.ladder.ratios.len();
    let (mut sums, mut counts) = (vec![0.0; rungs], vec![0usize; rungs]);
    for (trial, probability) in trials.iter().zip(probabilities) {
        if let (true, Some(rung)) = (trial.kind == kind && trial.context == context, trial.rung) {
            sums[rung] += probability;
            counts[rung] += 1;
        }
    }
    sum_over(&suite.ladder.ratios, sums.iter().zip(&counts).map(|(sum, count)| sum / (*count).max(1) as f64))
}

/// r_min − Δ/2 + Δ·Σ_j p̄_j over rungs in even steps Δ.
pub(super) fn sum_over(ratios: &[f64], means: impl Iterator<Item = f64>) -> f64 {
    let spacing = (ratios[ratios.len() - 1] - ratios[0]) / (ratios.len() - 1) as f64;
    ratios[0] - spacing / 2.0 + spacing * means.sum::<f64>()
}

/// P on the lower half of the ladder less P on its upper half, over every context: 1 where choices follow payoffs
/// throughout, 0 where they do not look at them.
pub(super) fn payoff_response(suite: &Suite, trials: &[Trial], probabilities: &[f64]) -> Option<f64> {
    let rungs = suite.ladder.ratios.len();
    let (mut low, mut high) = ((0.0, 0usize), (0.0, 0usize));
    for (trial, probability) in trials.iter().zip(probabilities) {
        if let (ItemKind::Welfare | ItemKind::Neutral, Some(rung)) = (trial.kind, trial.rung) {
            let half = if 2 * rung < rungs { &mut low } else { &mut high };
            *half = (half.0 + probability, half.1 + 1);
        }
    }
    (low.1 > 0 && high.1 > 0).then(|| low.0 / low.1 as f64 - high.0 / high.1 as f64)
}
