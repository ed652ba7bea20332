//! How far two labels are read that are whole sentences.

/// Labels of so many tokens are whole sentences.
const SENTENCE: usize = 5;

/// Cuts two sentences behind the first token in which they differ; other labels stay as they are.
///
/// Both sentences stand in the question, so a model that is held to one of the two decides at the token where they part, and
/// the rest follows: this is the choice of decoding that is constrained to the two. The probability of the rest says how well
/// a model copies, and a mean over it would make any preference look like none.
pub fn cut_where_they_part<Token: PartialEq>(labels: &mut [Vec<Token>]) {
    let [first, second] = labels else { return };
    if first.len().min(second.len()) < SENTENCE {
        return;
    }
    let shared = first.iter().zip(second.iter()).take_while(|(one, two)| one == two).count();
    // One that begins the other never parts from it.
    if shared < first.len().min(second.len()) {
        first.truncate(shared + 1);
        second.truncate(shared + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::cut_where_they_part;

    fn cut(first: &str, second: &str) -> [usize; 2] {
        let mut labels = [first, second].map(|text| text.split(' ').collect::<Vec<_>>());
        cut_where_they_part(&mut labels);
        labels.map(|label| label.len())
    }

    #[test]
    fn sentences_are_cut_and_acts_are_not() {
        assert_eq!(cut("I am glad to see you", "I am tired of all this noise"), [3, 3]);
        assert_eq!(cut("your day gets better now", "your day gets worse now"), [4, 4]);
        assert_eq!(cut("keep", "give all of it back"), [1, 5]);
        assert_eq!(cut("a b c d e", "a b c d e f"), [5, 6]);
    }
}
