//! How far two labels are read that are whole sentences.

/// Words that make a sentence, with its full stop.
const WORDS: usize = 4;

/// Whether labels are whole sentences rather than acts.
#[must_use]
pub fn are_sentences(labels: &[String]) -> bool {
    labels.iter().all(|label| label.ends_with(['.', '!', '?']) && label.split_whitespace().count() >= WORDS)
}

/// Cuts the tokens of two sentences behind the first in which they differ.
///
/// Both sentences stand in the question, so a model that is held to one of the two decides at the token where they part, and
/// the rest follows: this is the choice of decoding that is constrained to the two. The probability of the rest says how well
/// a model copies, and a mean over it would make any preference look like none.
pub fn cut_where_they_part<Token: PartialEq>(labels: &mut [Vec<Token>]) {
    let [first, second] = labels else { return };
    let shared = first.iter().zip(second.iter()).take_while(|(one, two)| one == two).count();
    // One that begins the other never parts from it.
    if shared < first.len().min(second.len()) {
        first.truncate(shared + 1);
        second.truncate(shared + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{are_sentences, cut_where_they_part};

    fn cut(first: &str, second: &str) -> [usize; 2] {
        let mut labels = [first, second].map(|text| text.split(' ').collect::<Vec<_>>());
        cut_where_they_part(&mut labels);
        labels.map(|label| label.len())
    }

    #[test]
    fn sentences_are_cut_where_they_part() {
        assert_eq!(cut("I am glad to see you", "I am tired of all this noise"), [3, 3]);
        assert_eq!(cut("your day gets better now", "your day gets worse now"), [4, 4]);
        assert_eq!(cut("a b c d e", "a b c d e f"), [5, 6]);
    }

    #[test]
    fn acts_are_no_sentences() {
        let sentences = |one: &str, two: &str| are_sentences(&[one.to_owned(), two.to_owned()]);
        assert!(sentences("I am glad to see you.", "Get out of my sight!"));
        assert!(!sentences("share", "keep it all for yourself"));
        assert!(!sentences("I am glad to see you.", "No."));
    }
}
