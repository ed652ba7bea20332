//! Checks of what instruments' tables hold: sentences, payoffs, doses, talks.

use toml::Spanned;

use crate::problem::Problems;
use crate::{Role, Suite, Turn};

/// A list of texts, each with its place.
pub(crate) type Lines = Spanned<Vec<Spanned<String>>>;
/// A list of payoffs [benefit, cost].
pub(crate) type Payoffs = Spanned<Vec<Spanned<(i64, i64)>>>;
/// A talk: pairs of what the user and the assistant say.
pub(crate) type Talk = Spanned<Vec<Spanned<(String, String)>>>;

/// Most lines of one list.
const MOST: usize = 1000;

/// So many sentences, none empty.
pub(crate) fn lines(list: &Lines, what: &str, least: usize, problems: &mut Problems) -> Vec<String> {
    let count = list.get_ref().len();
    if !(least..=MOST).contains(&count) {
        problems.add(
            list.span(),
            format!("{what} has {count} lines; between {least} and {MOST} are needed"),
            if count < least { format!("add {} more", least - count) } else { "leave some out".to_owned() },
        );
    }
    for line in list.get_ref() {
        if line.get_ref().trim().is_empty() {
            problems.add(line.span(), format!("a line of {what} is empty"), "write a sentence, or remove it");
        }
    }
    list.get_ref().iter().map(|line| line.get_ref().clone()).collect()
}

/// Payoffs with a positive benefit and a cost that is not negative.
pub(crate) fn payoffs(list: &Payoffs, problems: &mut Problems) -> Vec<(i64, i64)> {
    if list.get_ref().is_empty() || list.get_ref().len() > MOST {
        problems.add(
            list.span(),
            format!("there are {} payoffs; between 1 and {MOST} are needed", list.get_ref().len()),
            "write [benefit, cost], such as [15, 5]",
        );
    }
    for payoff in list.get_ref() {
        let (benefit, cost) = *payoff.get_ref();
        if !(1..=1_000_000).contains(&benefit) || !(0..=1_000_000).contains(&cost) {
            problems.add(
                payoff.span(),
                format!("payoff [{benefit}, {cost}] is out of range"),
                "the benefit is positive, the cost is not negative; both are at most a million",
            );
        }
    }
    list.get_ref().iter().map(|payoff| *payoff.get_ref()).collect()
}

/// The suite's own payoffs at which helping is cheap, for instruments that give none: ratios in [.15, .5], or those of
/// the rung that is nearest to .3.
pub(crate) fn cheap_payoffs(suite: &Suite) -> Vec<(i64, i64)> {
    let all: Vec<(i64, i64)> = suite.ladder.payoffs.iter().flatten().copied().collect();
    let ratio = |(benefit, cost): &(i64, i64)| *cost as f64 / *benefit as f64;
    let cheap: Vec<(i64, i64)> = all.iter().copied().filter(|payoff| (0.15..=0.5).contains(&ratio(payoff))).collect();
    if !cheap.is_empty() {
        return cheap;
    }
    let near = |payoff: &(i64, i64)| ((ratio(payoff) - 0.3).abs() * 1e6) as i64;
    all.into_iter().min_by_key(near).into_iter().collect()
}

/// Whole doses that rise, at least so many and at most as large as something that the suite holds.
pub(crate) fn rising(
    list: &Spanned<Vec<Spanned<usize>>>,
    what: &str,
    least: usize,
    (most, of): (usize, &str),
    problems: &mut Problems,
) -> Vec<usize> {
    let values: Vec<usize> = list.get_ref().iter().map(|value| *value.get_ref()).collect();
    if values.len() < least || values.windows(2).any(|pair| pair[0] >= pair[1]) {
        problems.add(
            list.span(),
            format!("{what} must rise and be at least {least}; here are {values:?}"),
            format!("for example {what} = [0, 1, 2, 3, 4, 6, 8]"),
        );
    }
    for value in list.get_ref().iter().filter(|value| *value.get_ref() > most) {
        problems.add(
            value.span(),
            format!("{what} go to {}, but there are only {most} {of}", value.get_ref()),
            format!("add {of}, or leave the dose out"),
        );
    }
    values
}

/// A talk in which both say something each time.
pub(crate) fn talk(list: &Talk, what: &str, least: usize, problems: &mut Problems) -> Vec<(String, String)> {
    let count = list.get_ref().len();
    if !(least..=MOST).contains(&count) {
        problems.add(
            list.span(),
            format!("{what} has {count} turns; between {least} and {MOST} are needed"),
            "a turn is [\"what the user says\", \"what the assistant says\"]",
        );
    }
    for turn in list.get_ref() {
        let (user, assistant) = turn.get_ref();
        if user.trim().is_empty() || assistant.trim().is_empty() {
            problems.add(turn.span(), format!("a turn of {what} is empty on one side"), "let both say something");
        }
    }
    list.get_ref().iter().map(|turn| turn.get_ref().clone()).collect()
}

/// A talk as messages.
pub(crate) fn turns<'a>(talk: impl IntoIterator<Item = &'a (String, String)>) -> Vec<Turn> {
    let both = |(user, assistant): &(String, String)| {
        [(Role::User, user), (Role::Assistant, assistant)]
            .map(|(role, content)| Turn { role, content: content.clone() })
    };
    talk.into_iter().flat_map(both).collect()
}
